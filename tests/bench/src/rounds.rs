//! [`Bench`]: what is run, and in which order.

use clap::{Args, Subcommand};

use crate::clients::{Failover, Load, Memory, Outcome, Who};
use crate::footprint;
use crate::measure::Sample;
use crate::process::{Server, client};
use crate::report::print;
use crate::results::{Part, Results};

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
        measure(*part, options, &mut results)?;
    }
    if matches!(bench, Bench::All) && !options.json {
        // What was measured is not lost to whatever comes after it.
        print(&results);
    }
    if matches!(bench, Bench::All | Bench::Failover) {
        results.failover = failover()?;
    }
    if matches!(bench, Bench::All | Bench::Memory) {
        results.memory = memory()?;
    }
    if matches!(bench, Bench::All | Bench::Load) {
        results.load = Some(load(options.seconds)?);
    }
    if matches!(bench, Bench::All | Bench::Build) {
        results.build = Some(footprint::measure()?);
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    } else {
        print(&results);
    }
    Ok(())
}

/// All clients in turn, round after round, each round beginning with another.
fn measure(part: Part, options: &Options, results: &mut Results) -> Outcome {
    let is_wanted = |who: &Who| options.only.is_empty() || options.only.contains(who);
    let mut clients: Vec<_> = part.clients().iter().copied().filter(is_wanted).collect();
    for round in 0..options.rounds {
        for who in &clients {
            progress(&format!("{part:?}, round {}: {who:?}", round + 1));
            let sample = sample(part, *who, false)?;
            results.add(part, *who, sample);
        }
        let next = usize::from(!clients.is_empty());
        clients.rotate_left(next);
    }
    for who in &clients {
        progress(&format!("{part:?}, allocations: {who:?}"));
        results.count(part, *who, sample(part, *who, true)?);
    }
    Ok(())
}

/// One client, with a server of its own.
fn sample(part: Part, who: Who, counted: bool) -> Outcome<Sample> {
    let server = Server::start(1)?;
    let sample: Sample = client(who, &server.ports, counted, &part.job(who))?;
    if sample.lost > 0 {
        return Err(format!("{who:?} lost {} of {}", sample.lost, sample.count).into());
    }
    Ok(sample)
}

fn failover() -> Outcome<Vec<Failover>> {
    let mut results = Vec::new();
    for (players, delay_ms) in [(1_000, 0), (10_000, 0), (1_000, 5)] {
        // The best of a few would flatter it; the middle one does not.
        let mut rounds = Vec::new();
        for round in 0..FAILOVERS {
            progress(&format!("failover of {players}, round {}", round + 1));
            let job = format!("failover --players {players} --delay-ms {delay_ms}");
            let server = Server::start(2)?;
            let result: Failover = client(Who::Tokio, &server.ports, false, &words(&job))?;
            rounds.push(result);
        }
        rounds.sort_by(|one, other| one.ms.total_cmp(&other.ms));
        results.push(rounds.swap_remove(FAILOVERS / 2));
    }
    Ok(results)
}

fn memory() -> Outcome<Vec<Memory>> {
    let jobs = [
        ("memory idle --count 100000", 1),
        ("memory playing --count 100000", 1),
        ("memory nodes --count 100", 101),
    ];
    let measured = jobs.map(|(job, nodes)| {
        progress(job);
        let server = Server::start(nodes)?;
        client(Who::Tokio, &server.ports, true, &words(job))
    });
    measured.into_iter().collect()
}

fn load(seconds: u64) -> Outcome<Load> {
    progress(&format!("load, {seconds} s"));
    let server = Server::start(50)?;
    let job = format!("load --players 100000 --rate 20000 --seconds {seconds}");
    client(Who::Tokio, &server.ports, false, &words(&job))
}

pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// Tells whoever waits what is being done.
fn progress(what: &str) {
    eprintln!("{what}");
}

/// How often a failover is measured.
const FAILOVERS: usize = 3;
