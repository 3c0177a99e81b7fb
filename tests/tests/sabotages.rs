//! Every sabotage of the core still fits it, so that a change which takes one away is told at once
//! and not in the night. Whether the simulator finds them is told by `simulate --sabotage all`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use lavapool_tests::sabotage::Sabotage;

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
