//! [`Results`]: what was measured.

use std::collections::BTreeMap;
use std::process::Command;

use serde::Serialize;

use crate::clients::{Failover, Load, Memory, Outcome, Who};
use crate::footprint::Footprint;
use crate::measure::Sample;
use crate::rounds::words;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) rounds: usize,
    pub(crate) clients: BTreeMap<Who, BTreeMap<Part, Figures>>,
    pub(crate) failover: Vec<Failover>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) load: Option<Load>,
    pub(crate) build: Option<Footprint>,
}

/// What it was measured on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) system: String,
    pub(crate) rustc: String,
    pub(crate) date: String,
}

/// Something that several clients do beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    Burst,
    Steady,
    RestAlone,
    RestAtOnce,
    Playlist,
}

/// The medians of one client's rounds, and every round.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) cpu_us: f64,
    pub(crate) allocations: f64,
    pub(crate) allocated_bytes: f64,
    pub(crate) samples: Vec<Sample>,
}

impl Results {
    pub(crate) fn new(rounds: usize) -> Outcome<Self> {
        Ok(Self {
            machine: Machine::present()?,
            rounds,
            clients: BTreeMap::new(),
            failover: Vec::new(),
            memory: Vec::new(),
            load: None,
            build: None,
        })
    }

    /// Adds a round.
    pub(crate) fn add(&mut self, part: Part, who: Who, sample: Sample) {
        let figures = self.clients.entry(who).or_default();
        let figures = figures.entry(part).or_default();
        figures.samples.push(sample);
        figures.per_second = median(figures.samples.iter().map(Sample::per_second));
        figures.cpu_us = median(figures.samples.iter().map(Sample::cpu_us));
    }

    /// Notes what was allocated, in a round of its own.
    pub(crate) fn count(&mut self, part: Part, who: Who, sample: Sample) {
        let figures = self.clients.entry(who).or_default();
        let figures = figures.entry(part).or_default();
        figures.allocations = sample.allocations_each();
        figures.allocated_bytes = sample.bytes_each();
    }

    pub(crate) fn figures(&self, part: Part, who: Who) -> Option<&Figures> {
        self.clients.get(&who)?.get(&part)
    }
}

impl Part {
    pub(crate) const ALL: [Self; 5] = [
        Self::Burst,
        Self::Steady,
        Self::RestAlone,
        Self::RestAtOnce,
        Self::Playlist,
    ];

    /// Who can do it.
    pub(crate) const fn clients(self) -> &'static [Who] {
        match self {
            Self::Burst | Self::Steady => &[
                Who::Reads,
                Who::ByHand,
                Who::Tungstenite,
                Who::Twilight,
                Who::LavalinkRs,
                Who::Tokio,
                Who::Smol,
                Who::AsyncStd,
            ],
            Self::RestAlone | Self::RestAtOnce | Self::Playlist => &[
                Who::ByHand,
                Who::LavalinkRs,
                Who::Tokio,
                Who::Smol,
                Who::AsyncStd,
            ],
        }
    }

    /// What the client is told to do.
    pub(crate) fn job(self, who: Who) -> Vec<String> {
        words(match (self, who) {
            (Self::Burst, _) => "messages --count 200000",
            (Self::Steady, _) => "messages --count 30000 --rate 20000",
            (Self::RestAlone, _) => "rest --count 3000 --at-once 1",
            (Self::RestAtOnce, _) => "rest --count 12000 --at-once 32",
            (Self::Playlist, _) => "rest --count 300 --at-once 1 --playlist",
        })
    }
}

impl Machine {
    fn present() -> Outcome<Self> {
        let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = cpus.lines().find_map(|line| {
            let name = line.strip_prefix("model name")?;
            Some(name.trim_start_matches([' ', '\t', ':']).to_owned())
        });
        Ok(Self {
            processor: processor.unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism()?.get(),
            system: said_by("uname", &["-sr"])?,
            rustc: said_by("rustc", &["--version"])?,
            date: said_by("date", &["-u", "+%Y-%m-%d"])?,
        })
    }
}

/// What a program prints.
pub(crate) fn said_by(program: &str, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new(program).args(arguments).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
