//! Many runs, several at once, told in the order of their seeds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use lavapool_tests::invariant::Broken;
use lavapool_tests::simulator::{Marks, Outcome, Plan, Simulation, Tally, differs, shrink};

use crate::options::{Log, Options};

/// Runs all seeds; whether nothing was broken.
pub(crate) fn all(options: &Options) -> bool {
    std::panic::set_hook(Box::new(|_| {}));
    let began = Instant::now();
    let mut tally = Tally::default();
    let mut failures = 0_u64;
    let mut runs = 0_u64;
    each(options, |seed, outcome| {
        runs += 1;
        tally.add(&outcome.tally);
        if options.log == Log::Full && !options.shrinks {
            outcome.lines.iter().for_each(|line| println!("{line}"));
        }
        let Some(broken) = &outcome.broken else {
            return true;
        };
        failures += 1;
        println!("seed {seed:#x}: {broken}");
        println!("    in this world: {:?}", Plan::draw(seed).options);
        match (options.shrinks, options.log) {
            (true, log) => show_shrunk(seed, broken, log),
            (false, Log::Last) => show_last(seed),
            (false, Log::None | Log::Full) => {}
        }
        !options.is_hasty
    });
    let wall = began.elapsed().as_secs_f64().max(0.001);
    println!("{tally}");
    let marks = Marks::now();
    println!("{marks}");
    let virtual_s = tally.time.as_secs_f64();
    let speed = virtual_s / wall;
    println!("{virtual_s:.0} virtual seconds in {wall:.1} s: {speed:.0} a second");
    let is_as_said = is_as_said(&marks, runs);
    let lacks = tally.lacks();
    if let Some(lacks) = &lacks {
        println!("TOO LITTLE: {lacks}");
    }
    println!("{runs} seeds, {failures} failures");
    failures == 0 && is_as_said && lacks.is_none()
}

/// Whether the marks are hit as `docs/proof.md` says: of so many seeds that each has its chance.
fn is_as_said(marks: &Marks, runs: u64) -> bool {
    let (hit, missed) = (marks.unexpected(), marks.unexplained(runs >= MANY_SEEDS));
    let is_missed = runs >= MARKED_SEEDS && !missed.is_empty();
    if is_missed {
        println!("simulate: of {runs} seeds none hits {missed:?}, without a reason");
    }
    if !hit.is_empty() {
        println!("simulate: {hit:?} is hit, with a reason in docs/proof.md why it is not");
    }
    !is_missed && hit.is_empty()
}

/// Gives each outcome in the order of seeds, until enough were seen.
fn each(options: &Options, mut see: impl FnMut(u64, Outcome) -> bool) {
    let next = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let (sender, outcomes) = mpsc::sync_channel(options.threads * 4);
    std::thread::scope(|scope| {
        for _ in 0..options.threads {
            let (sender, next, is_over) = (sender.clone(), &next, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= options.seeds {
                        return;
                    }
                    let plan = Plan::draw(options.from.wrapping_add(number));
                    let outcome = run(plan, options);
                    if sender.send((number, outcome)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut due = 0;
        for (number, outcome) in outcomes {
            waiting.insert(number, outcome);
            while let Some(outcome) = waiting.remove(&due) {
                if !is_over.load(Ordering::Relaxed) && !see(options.from.wrapping_add(due), outcome)
                {
                    is_over.store(true, Ordering::Relaxed);
                }
                due += 1;
            }
        }
    });
}

/// Runs a plan, as often as it is to be compared.
fn run(plan: Plan, options: &Options) -> Outcome {
    let differs = options.checks_determinism.then(|| differs(&plan));
    let mut outcome = match options.log {
        Log::Full => Simulation::run_traced(plan),
        Log::None | Log::Last => Simulation::run(plan),
    };
    outcome.broken = outcome.broken.or_else(|| differs.flatten());
    outcome
}

/// Shows the least that makes a run fail, and what happens then.
fn show_shrunk(seed: u64, broken: &Broken, log: Log) {
    let whole = Plan::draw(seed);
    let (plan, broken) = shrink(&whole, broken, SHRINKS_MAX);
    let (faults, orders) = (plan.faults.len(), plan.orders.len());
    println!(
        "    {faults} of {} faults and {orders} of {} orders are needed",
        whole.faults.len(),
        whole.orders.len(),
    );
    println!("    which break: {broken}");
    for (at, fault) in &plan.faults {
        println!("    {at:?} {fault:?}");
    }
    for (at, order) in &plan.orders {
        println!("    {at:?} {order:?}");
    }
    let lines = match log {
        Log::None => return,
        Log::Last => LAST_LINES,
        Log::Full => usize::MAX,
    };
    show_lines(plan, lines);
}

/// Shows the last lines of a run, and how to see all of them.
fn show_last(seed: u64) {
    show_lines(Plan::draw(seed), LAST_LINES);
    let simulate = "cargo run --release -p lavapool-tests --bin simulate";
    println!("    all of it: {simulate} -- --seed {seed:#x} --log full");
}

fn show_lines(plan: Plan, last: usize) {
    let outcome = Simulation::run_traced(plan);
    let first = outcome.lines.len().saturating_sub(last);
    for line in &outcome.lines[first..] {
        println!("    {line}");
    }
}

const LAST_LINES: usize = 200;

/// Of so many seeds each mark is hit that has no reason not to be.
const MARKED_SEEDS: u64 = 1_000;

/// Of so many, those that are rarely hit, too.
const MANY_SEEDS: u64 = 20_000;

/// How many runs a search for the least may take.
const SHRINKS_MAX: usize = 2_000;
