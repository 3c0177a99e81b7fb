//! Simulated worlds, as many as fit into a few seconds: fixed seeds, and those that have found
//! something. `cargo run --release -p lavapool-tests --bin simulate` runs as many as you like.

#![allow(clippy::unwrap_used, reason = "a test that fails there says where")]

use std::sync::atomic::{AtomicUsize, Ordering};

use lavapool_tests::simulator::{Plan, Simulation, differs};

#[test]
fn the_first_seeds_break_nothing() {
    run_all((0..seeds()).collect());
}

#[test]
fn a_seed_that_has_found_something_does_not_find_it_again() {
    let seeds = include_str!("../seeds.txt").lines();
    let seeds = seeds.filter(|line| !line.starts_with('#')).map(|line| {
        let (seed, why) = line.split_once(' ').expect("a seed has a sentence why");
        assert!(why.trim().ends_with('.'), "{line}");
        u64::from_str_radix(seed.trim_start_matches("0x"), 16).unwrap()
    });
    run_all(seeds.collect());
}

#[test]
fn a_run_is_the_same_again() {
    let broken = differs(&Plan::draw(1));
    assert_eq!(broken.map(|broken| broken.to_string()), None);
}

/// How many seeds are run: `LAVAPOOL_SEEDS`, or enough for every day.
fn seeds() -> u64 {
    match std::env::var("LAVAPOOL_SEEDS") {
        Ok(seeds) => seeds.parse().expect("LAVAPOOL_SEEDS is a number"),
        Err(_) => 24,
    }
}

/// Runs these, two at once, and none may break anything.
fn run_all(seeds: Vec<u64>) {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut failures = Vec::new();
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = Simulation::run(Plan::draw(*seed));
            failures.extend(
                outcome
                    .broken
                    .map(|broken| format!("seed {seed:#x}: {broken}")),
            );
        }
        failures
    };
    let failures = std::thread::scope(|scope| {
        let other = scope.spawn(run);
        [run(), other.join().unwrap()].concat()
    });
    assert_eq!(failures, [""; 0]);
}
