//! Recordings of real servers, replayed to the core: whole, byte by byte and cut at 1 000 seeded
//! places. The outcome is the same each time, and is what people read in the bytes.
//!
//! `lavalink-4.2.2.txt` and `nodelink-2.3.txt` hold for each recording, line by line, what its
//! bytes say; they were read from the bytes without the core, and [`ledger`] says how an outcome
//! is written in their words. [`values`] looks closer at what is worth it.

#![allow(clippy::unwrap_used)]

mod ledger;
mod program;
mod values;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use lavapool_tests::recording::{Outcome, Recording};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

#[test]
fn every_recording_is_here_and_has_an_expectation() {
    let expected: BTreeSet<_> = ledger::entries().map(|(name, _)| name.to_owned()).collect();
    let mut recorded = BTreeSet::new();
    for server in SERVERS {
        let index = fs::read_to_string(root().join(server).join("INDEX.md")).unwrap();
        assert!(index.starts_with("# "), "{server} has no index");
        for file in fs::read_dir(root().join(server)).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            if name != "INDEX.md" {
                recorded.insert(format!("{server}/{name}"));
            }
        }
    }
    assert_eq!(recorded, expected);
    assert_eq!(recorded.len(), 97);
}

#[test]
fn each_group_is_tested_once() {
    for (name, _) in ledger::entries() {
        let groups = GROUPS.iter().filter(|group| name.starts_with(*group));
        assert_eq!(groups.count(), 1, "{name}");
    }
}

#[test]
fn the_players_without_voice_are_understood() {
    understand("lavalink-4.2.2/01");
}

#[test]
fn the_players_with_voice_are_understood() {
    understand("lavalink-4.2.2/02");
}

#[test]
fn the_failing_tracks_are_understood() {
    understand("lavalink-4.2.2/03");
}

#[test]
fn the_handshakes_are_understood() {
    understand("lavalink-4.2.2/04");
}

#[test]
fn the_rest_api_is_understood() {
    understand("lavalink-4.2.2/05");
}

#[test]
fn the_resumed_sessions_are_understood() {
    understand("lavalink-4.2.2/06");
}

#[test]
fn the_unreachable_voice_is_understood() {
    understand("lavalink-4.2.2/09");
}

#[test]
fn the_refused_binary_message_is_understood() {
    understand("lavalink-4.2.2/10");
}

#[test]
fn the_odd_requests_are_understood() {
    understand("lavalink-4.2.2/13");
}

#[test]
fn the_plugin_is_understood() {
    understand("lavalink-4.2.2/15");
}

#[test]
fn the_early_stats_are_understood() {
    understand("lavalink-4.2.2/17");
}

#[test]
fn nodelink_is_understood() {
    understand("nodelink-2.3/");
}

/// Replays a group of recordings in every way, and compares each with what it is to say.
fn understand(group: &str) {
    assert!(GROUPS.contains(&group), "{group} is no group");
    for (name, expected) in ledger::entries().filter(|(name, _)| name.starts_with(group)) {
        let outcome = replay(name);
        let found: Vec<_> = outcome.lines().map(ledger::words).collect();
        assert_eq!(found, expected, "{name}");
        assert_eq!(outcome.faults().next(), None, "{name}");
        let printed = outcome.to_string();
        assert_eq!(printed.lines().count(), expected.len(), "{name}");
        assert!(!printed.contains("youshallnotpass"), "{name}");
    }
}

/// What comes of a recording however its bytes are cut.
fn replay(name: &str) -> Outcome {
    let recording = Recording::open(root().join(name)).unwrap();
    let bytes = recording.server_bytes();
    let outcome = recording.replay([]);
    assert_eq!(recording.replay(0..bytes), outcome, "{name} byte by byte");

    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let size = u64::try_from(bytes.max(1)).unwrap();
    let places = (0..CUTS).map(|_| usize::try_from(rng.next_u64() % size).unwrap());
    let places: Vec<usize> = places.collect();
    assert_eq!(
        recording.replay(places.iter().copied()),
        outcome,
        "{name} cut at all places"
    );
    // Of a small recording these are cuts at each place alone, so that each is once between two
    // whole halves.
    let alone: BTreeSet<usize> = places
        .into_iter()
        .take(BYTES_ALONE / bytes.max(1))
        .collect();
    for place in alone {
        assert_eq!(recording.replay([place]), outcome, "{name} cut at {place}");
    }
    outcome
}

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/recordings"))
}

const SERVERS: [&str; 2] = ["lavalink-4.2.2", "nodelink-2.3"];

const GROUPS: [&str; 12] = [
    "lavalink-4.2.2/01",
    "lavalink-4.2.2/02",
    "lavalink-4.2.2/03",
    "lavalink-4.2.2/04",
    "lavalink-4.2.2/05",
    "lavalink-4.2.2/06",
    "lavalink-4.2.2/09",
    "lavalink-4.2.2/10",
    "lavalink-4.2.2/13",
    "lavalink-4.2.2/15",
    "lavalink-4.2.2/17",
    "nodelink-2.3/",
];

const SEED: u64 = 0x1a7a_9001;

const CUTS: usize = 1000;

/// How many bytes are replayed in two pieces for one recording.
const BYTES_ALONE: usize = 10_000_000;
