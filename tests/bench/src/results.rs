//! [`Results`]: what was measured.

use std::collections::BTreeMap;
use std::process::Command;

use serde::Serialize;

use crate::clients::{Failover, Load, Memory, Outcome, Who};
use crate::footprint::Footprint;
use crate::idleness::Taken;
use crate::latencies::Percentiles;
use crate::measure::Sample;
use crate::rounds::words;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    /// What others took of the machine before the first round.
    pub(crate) taken: Taken,
    pub(crate) rounds: usize,
    pub(crate) clients: BTreeMap<Who, BTreeMap<Part, Figures>>,
    pub(crate) failover: Vec<Failover>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) load: Option<Load>,
    pub(crate) build: Option<Footprint>,
    /// What could not be measured, and why.
    pub(crate) failures: Vec<String>,
}

/// How much of what one does another does.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Ratio {
    pub(crate) part: Part,
    pub(crate) who: Who,
    pub(crate) beside: Who,
    /// Of the messages or requests a second.
    pub(crate) speed: f64,
    /// Of the processor time for each.
    pub(crate) cpu: f64,
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
            taken: Taken::look()?,
            rounds,
            clients: BTreeMap::new(),
            failover: Vec::new(),
            memory: Vec::new(),
            load: None,
            build: None,
            failures: Vec::new(),
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

    /// Notes that something could not be measured.
    pub(crate) fn fail(&mut self, what: &str, error: &dyn std::fmt::Display) {
        self.failures.push(format!("{what}: {error}"));
    }

    /// What `who` does beside `beside`, if both were measured.
    pub(crate) fn ratio(&self, part: Part, who: Who, beside: Who) -> Option<Ratio> {
        let (own, other) = (self.figures(part, who)?, self.figures(part, beside)?);
        Some(Ratio {
            part,
            who,
            beside,
            speed: own.per_second / other.per_second,
            cpu: own.cpu_us / other.cpu_us,
        })
    }

    /// What lavapool on tokio does beside each of the others.
    pub(crate) fn ratios(&self) -> Vec<Ratio> {
        let others = self.clients.keys().filter(|who| **who != Who::Tokio);
        let of = |who: &Who| Part::ALL.map(|part| self.ratio(part, Who::Tokio, *who));
        others.flat_map(of).flatten().collect()
    }

    pub(crate) fn figures(&self, part: Part, who: Who) -> Option<&Figures> {
        self.clients.get(&who)?.get(&part)
    }
}

impl Figures {
    /// How late events were told in the round with the median of the middle ones.
    pub(crate) fn late(&self) -> Option<Percentiles> {
        let mut late: Vec<_> = self
            .samples
            .iter()
            .filter_map(|sample| sample.late)
            .collect();
        late.sort_by(|one, other| one.p50_us.total_cmp(&other.p50_us));
        late.get(late.len() / 2).copied()
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
    pub(crate) fn job(self) -> Vec<String> {
        words(match self {
            Self::Burst => "messages --count 200000",
            Self::Steady => "messages --count 20000 --rate 20000",
            Self::RestAlone => "rest --count 3000 --at-once 1",
            Self::RestAtOnce => "rest --count 12000 --at-once 32",
            Self::Playlist => "rest --count 300 --at-once 1 --playlist",
        })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Steady => "20 000 a second",
            Self::RestAlone => "look-ups, 1 at a time",
            Self::RestAtOnce => "look-ups, 32 at a time",
            Self::Playlist => "playlists of 100 tracks",
        }
    }

    /// What there are so many of a second.
    pub(crate) const fn counts(self) -> &'static str {
        match self {
            Self::Burst | Self::Steady => "messages/s",
            Self::RestAlone | Self::RestAtOnce | Self::Playlist => "requests/s",
        }
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
