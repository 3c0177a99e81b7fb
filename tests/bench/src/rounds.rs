//! [`Bench`]: what is run, and in which order.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::bounds::{Bound, bounds};
use crate::clients::{Failover, Load, Outcome, Who};
use crate::footprint;
use crate::idleness::Taken;
use crate::measure::Sample;
use crate::process::{Server, client};
use crate::report::print;
use crate::results::{Part, Ratio, Results};

/// What is run.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Bench {
    /// Everything, in one table.
    All,
    /// 200 000 messages as fast as they can be taken.
    Burst,
    /// 20 000 messages a second, with a write of the server each.
    Steady,
    /// Look-ups of one track, 1 and 32 at a time.
    Rest,
    /// Look-ups of a playlist of 100 tracks.
    Playlist,
    /// A node dies with 1 000 and 10 000 players.
    Failover,
    /// 100 000 players, and 100 nodes.
    Memory,
    /// 20 000 messages a second from 50 nodes to 100 000 players.
    Load,
    /// What a bot has to build, and what the smallest program weighs.
    Build,
}

/// How it is run.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// How often each is measured; the figures are medians.
    #[arg(long, global = true, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Prints JSON in place of tables.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How many seconds the load lasts.
    #[arg(long, global = true, default_value_t = 60)]
    pub(crate) seconds: u64,
    /// Fails if any bound is missed; else only a lost message or a second PATCH does that.
    #[arg(long, global = true)]
    pub(crate) strict: bool,
    /// Only these, of those who are measured beside each other.
    #[arg(
        long,
        global = true,
        value_delimiter = ',',
        hide_possible_values = true
    )]
    pub(crate) only: Vec<Who>,
}

/// Runs it and prints the results.
pub(crate) fn run(bench: Bench, options: &Options) -> Outcome {
    let mut results = Results::new(options.rounds)?;
    let parts: &[Part] = match bench {
        Bench::All => &Part::ALL,
        Bench::Burst => &[Part::Burst],
        Bench::Steady => &[Part::Steady],
        Bench::Rest => &[Part::RestAlone, Part::RestAtOnce],
        Bench::Playlist => &[Part::Playlist],
        Bench::Failover | Bench::Memory | Bench::Load | Bench::Build => &[],
    };
    for part in parts {
        measure(*part, options, &mut results);
    }
    if matches!(bench, Bench::All | Bench::Failover) {
        failovers(options.rounds, &mut results);
    }
    if matches!(bench, Bench::All | Bench::Memory) {
        memory(&mut results);
    }
    if matches!(bench, Bench::All | Bench::Load) {
        load(options.seconds, &mut results);
    }
    if matches!(bench, Bench::All | Bench::Build) {
        match footprint::measure() {
            Ok(footprint) => results.build = Some(footprint),
            Err(error) => results.fail("build", &error),
        }
    }
    judge(&results, options)
}

/// Prints what was measured and what must hold, and says no if something does not.
fn judge(results: &Results, options: &Options) -> Outcome {
    let bounds = bounds(results);
    if options.json {
        let judged = Judged {
            results,
            ratios: results.ratios(),
            bounds: &bounds,
        };
        println!("{}", serde_json::to_string_pretty(&judged)?);
    } else {
        print(results, &bounds);
    }
    let counts = |bound: &&Bound| bound.is_firm || options.strict;
    let breaches = bounds
        .iter()
        .filter(counts)
        .filter(|bound| bound.is_missed());
    let (breaches, failures) = (breaches.count(), results.failures.len());
    match (breaches, failures) {
        (0, 0) => Ok(()),
        _ => Err(format!("{breaches} of the bounds missed, {failures} not measured").into()),
    }
}

/// What machines are told.
#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    results: &'a Results,
    ratios: Vec<Ratio>,
    bounds: &'a [Bound],
}

/// All clients in turn, round after round, each round beginning with another. One that fails is
/// left out from there on.
fn measure(part: Part, options: &Options, results: &mut Results) {
    let is_wanted = |who: &Who| options.only.is_empty() || options.only.contains(who);
    let mut clients: Vec<_> = part.clients().iter().copied().filter(is_wanted).collect();
    for round in 0..options.rounds {
        clients.retain(|who| {
            let what = format!("{}, round {}: {}", part.name(), round + 1, who.name());
            progress(&what);
            let sample = sample(part, *who, false).map(|sample| results.add(part, *who, sample));
            sample
                .inspect_err(|error| results.fail(&what, error))
                .is_ok()
        });
        let next = usize::from(!clients.is_empty());
        clients.rotate_left(next);
    }
    for who in clients {
        let what = format!("{}, allocations: {}", part.name(), who.name());
        progress(&what);
        match sample(part, who, true) {
            Ok(sample) => results.count(part, who, sample),
            Err(error) => results.fail(&what, &error),
        }
    }
}

/// One client, with a server of its own.
fn sample(part: Part, who: Who, counted: bool) -> Outcome<Sample> {
    let server = Server::start(1)?;
    client(who, &server.ports, counted, &part.job())
}

/// Each size once a round: the one is judged beside the other.
fn failovers(rounds: usize, results: &mut Results) {
    let sizes = [(1_000, 0), (10_000, 0), (1_000, 5)];
    let mut measured = sizes.map(|_| Vec::new());
    for round in 1..=rounds {
        for ((players, delay_ms), measured) in sizes.into_iter().zip(&mut measured) {
            progress(&format!("failover of {players}, round {round}"));
            match failover(players, delay_ms) {
                Ok(failover) => measured.push(failover),
                Err(error) => results.fail(&format!("failover of {players}"), &error),
            }
        }
    }
    let middles = measured.into_iter().filter_map(middle);
    results.failover.extend(middles);
}

fn failover(players: u64, delay_ms: u64) -> Outcome<Failover> {
    let job = format!("failover --players {players} --delay-ms {delay_ms}");
    let server = Server::start(2)?;
    client(Who::Tokio, &server.ports, false, &words(&job))
}

/// The best of a few would flatter it; the middle one does not. Of PATCHes the most count.
fn middle(mut rounds: Vec<Failover>) -> Option<Failover> {
    let patches_max = rounds.iter().map(|round| round.patches_max).max()?;
    let in_flight_max = rounds.iter().map(|round| round.in_flight_max).max()?;
    rounds.sort_by(|one, other| one.lasted_ms().total_cmp(&other.lasted_ms()));
    Some(Failover {
        patches_max,
        in_flight_max,
        ..rounds.swap_remove(rounds.len() / 2)
    })
}

fn memory(results: &mut Results) {
    for (job, nodes) in [
        ("memory bare --count 100000", 1),
        ("memory idle --count 100000", 1),
        ("memory playing --count 100000", 1),
        ("memory nodes --count 100", 101),
    ] {
        progress(job);
        let memory = Server::start(nodes)
            .and_then(|server| client(Who::Tokio, &server.ports, true, &words(job)));
        match memory {
            Ok(memory) => results.memory.push(memory),
            Err(error) => results.fail(job, &error),
        }
    }
}

fn load(seconds: u64, results: &mut Results) {
    progress(&format!("load, {seconds} s"));
    let job = format!("load --players 100000 --rate 20000 --seconds {seconds}");
    let load = || -> Outcome<Load> {
        let before = Taken::look()?;
        let server = Server::start(50)?;
        let load: Load = client(Who::Tokio, &server.ports, false, &words(&job))?;
        let taken = before.max(Taken::look()?);
        Ok(Load { taken, ..load })
    };
    match load() {
        Ok(load) => results.load = Some(load),
        Err(error) => results.fail("load", &error),
    }
}

pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// Tells whoever waits what is being done.
fn progress(what: &str) {
    eprintln!("{what}");
}
