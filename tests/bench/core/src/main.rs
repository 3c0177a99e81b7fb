//! Instructions and times of the core's workloads.
//!
//! `core-bench` prints times beside their bounds, `core-bench check` counts instructions and fails
//! if any workload has become more than 3 % worse than the committed file says, `core-bench record`
//! writes that file, `core-bench run NAME` runs one workload, for callgrind.

use std::fs;
use std::process::ExitCode;

use lavapool_bench_core::counts::{Counts, NotCounted};
use lavapool_bench_core::workloads::{WORKLOADS, workload};
use lavapool_bench_core::{measured_region, times};

/// The exit status of what cannot be done here, as the steps of CI know it.
const SKIPPED: u8 = 75;
/// The instructions of the message mix, in those of the raw loop.
const RATIO_MAX: f64 = 1.25;
/// What a player costs in a failover of 10 000, in what it costs in one of 1 000.
const GROWTH_MAX: f64 = 1.2;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => times::print(),
        ["run", name] if workload(name).is_some() => run(name),
        ["check"] => return count(check),
        ["record"] => return count(record),
        _ => {
            eprintln!("usage: core-bench [check | record | run WORKLOAD]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn run(name: &str) {
    let mut work = (workload(name).expect("it was looked for").make)();
    // Once unmeasured: what is allocated for good is there then.
    work.prepare();
    work.run();
    work.prepare();
    measured_region(&mut || work.run());
}

fn count(then: fn(&Counts) -> ExitCode) -> ExitCode {
    match Counts::count() {
        Ok(counts) => then(&counts),
        Err(error @ NotCounted::NoValgrind(_)) => {
            println!("{error}");
            ExitCode::from(SKIPPED)
        }
        Err(error @ NotCounted::Failed(_)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn record(counts: &Counts) -> ExitCode {
    print!("{counts}");
    fs::write(Counts::path(), counts.to_string()).expect("the file can be written");
    ExitCode::SUCCESS
}

fn check(counts: &Counts) -> ExitCode {
    let kept = fs::read_to_string(Counts::path()).unwrap_or_default();
    let kept = Counts::parse(&kept);
    print(counts, &kept);
    if counts.compiler != kept.compiler {
        let (here, there) = (&counts.compiler, &kept.compiler);
        println!("counted by {here}, kept by {there}: compared by the raw loop, and less closely");
    }
    let mut status = ExitCode::SUCCESS;
    for name in kept.missing() {
        eprintln!("{name}: no count is kept; `core-bench record` keeps one");
        status = ExitCode::FAILURE;
    }
    for regression in counts.regressions(&kept) {
        eprintln!("{regression}");
        status = ExitCode::FAILURE;
    }
    let ratio = counts.ratio("message_mix").unwrap_or(f64::MAX);
    if ratio > RATIO_MAX {
        eprintln!("message_mix: {ratio:.3} x the raw loop ({RATIO_MAX} are allowed)");
        status = ExitCode::FAILURE;
    }
    let players = ["failover_10000", "failover_1000"].map(|name| counts.ratio(name));
    let growth = players[0]
        .zip(players[1])
        .map_or(f64::MAX, |(many, few)| many / few);
    println!("a player in a failover of 10 000: {growth:.3} x one of 1 000 ({GROWTH_MAX} at most)");
    if growth > GROWTH_MAX {
        eprintln!("failover_10000: not linear");
        status = ExitCode::FAILURE;
    }
    status
}

fn print(counts: &Counts, kept: &Counts) {
    println!(
        "{:<20}{:>12}{:>12}{:>10}",
        "instructions of", "now", "kept", "x raw"
    );
    for workload in &WORKLOADS {
        let name = workload.name;
        let [now, before] = [counts, kept].map(|counts| counts.of(name).unwrap_or_default());
        let ratio = counts.ratio(name).unwrap_or_default();
        println!(
            "{name:<20}{now:>12}{before:>12}{ratio:>10.3}  a {}",
            workload.unit
        );
    }
}
