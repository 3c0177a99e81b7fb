//! Every sabotage of the core still fits it, so that a change which takes one away is told at once
//! and not in the night, and every invariant can be seen to fail. Whether the simulator finds the
//! sabotages is told by `simulate --sabotage all`.

#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "other tests read words, too")]
mod source;

use std::collections::BTreeSet;
use std::path::Path;

use lavapool_tests::invariant::Invariant;
use lavapool_tests::sabotage::Sabotage;
use source::{code_of, root, source_files};

#[test]
fn every_sabotage_fits_the_core_as_it_is() {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut misfits = Vec::new();
    for sabotage in Sabotage::all().unwrap() {
        match sabotage.broken(&tree) {
            Ok(files) => assert!(
                files.iter().all(|(path, _)| path.starts_with("core/src")),
                "{} breaks something other than the core",
                sabotage.name
            ),
            Err(error) => misfits.push(error.to_string()),
        }
    }
    assert!(
        misfits.is_empty(),
        "make these anew, so that they break the same:\n{}",
        misfits.join("\n")
    );
}

#[test]
fn the_sabotages_that_were_promised_are_there() {
    let names: BTreeSet<_> = Sabotage::all()
        .unwrap()
        .into_iter()
        .map(|one| one.name)
        .collect();
    let missing: Vec<_> = PROMISED
        .iter()
        .filter(|name| !names.contains(**name))
        .collect();
    assert_eq!(missing, Vec::<&&str>::new());
    assert!(names.len() >= 20, "{names:?}");
}

/// A sabotage names first what it is for; what else it may break is not known to be found.
#[test]
fn every_invariant_has_a_sabotage_or_a_test_that_breaks_it_by_hand() {
    let mut found: BTreeSet<_> = Sabotage::all()
        .unwrap()
        .iter()
        .filter_map(|sabotage| sabotage.breaks.first().map(|first| format!("{first:?}")))
        .collect();
    for file in source_files() {
        if file.starts_with("tests/src/") {
            let text = std::fs::read_to_string(root().join(&file)).unwrap();
            found.extend(found_in(&code_of(&text)));
        }
    }
    let missing: Vec<_> = Invariant::ALL
        .iter()
        .filter(|one| !found.contains(&format!("{one:?}")))
        .collect();
    assert_eq!(missing, Vec::<&Invariant>::new(), "nothing breaks these");
}

#[test]
fn a_test_that_breaks_an_invariant_is_known_by_what_it_calls() {
    let code = "finds(Invariant::One, x); finds(\n    Invariant::Two,\n); fail(Invariant::Three)";
    assert_eq!(found_in(code), ["One", "Two"]);
}

/// The invariants that tests of this file require to be found broken.
fn found_in(code: &str) -> Vec<String> {
    let calls = code.split("finds(").skip(1);
    let named = calls.filter_map(|rest| rest.trim_start().strip_prefix("Invariant::"));
    named
        .map(|rest| {
            let is_part = |letter: char| letter.is_ascii_alphanumeric();
            rest.chars().take_while(|letter| is_part(*letter)).collect()
        })
        .collect()
}

/// The mistakes that clients have been seen to make.
const PROMISED: [&str; 15] = [
    "filters_dropped_on_a_move",
    "position_extrapolated_through_an_outage",
    "pause_lost",
    "end_time_lost",
    "channel_id_omitted",
    "delete_sent_to_the_new_node",
    "two_nodes_left_playing",
    "stale_event_accepted",
    "session_id_sent_after_a_refused_resume",
    "counter_reset_before_ready",
    "one_bad_frame_kills_the_reader",
    "unauthorized_retried",
    "removed_node_redials",
    "stranded_players_forgotten",
    "all_players_on_one_node",
];
