//! [`Tally`]: what happened how often.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use lavapool_core::Event;

use super::{FaultKind, OrderKind};
use crate::world::Answered;

/// What happened how often, in one run or in many.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Runs.
    pub runs: u64,
    /// The time that passed in them.
    pub time: Duration,
    faults: BTreeMap<FaultKind, u64>,
    orders: BTreeMap<OrderKind, u64>,
    /// Answers: done, and the rest.
    done: u64,
    undone: u64,
    pub(super) restarts: u64,
    pub(super) closed_with_players: u64,
    pub(super) moves_judged: u64,
    /// Places of moves of which it is known how much is heard twice.
    pub(super) repeats_judged: u64,
    /// Copies that were to be deleted as their players had gone elsewhere.
    pub(super) leavings_judged: u64,
    pub(super) waits_judged: u64,
    pub(super) gaps_judged: u64,
    pub(super) news_judged: u64,
    pub(super) choices_judged: u64,
    /// Fields of refused commands of which it is known what they were before.
    pub(super) refusals_judged: u64,
    /// Players that another process of the client has to go on with.
    pub(super) found_judged: u64,
    /// Places that the pool was told of, and that no later one may be before.
    pub(super) places_heard: u64,
    /// Parts of players that were compared with what is wanted in the end, and all that there were.
    pub(super) parts_judged: u64,
    pub(super) parts: u64,
    /// Players of which the place is the one that was asked for, or later.
    pub(super) places_judged: u64,
    resumes: u64,
    losses: u64,
    failovers: u64,
    moved: u64,
    stranded: u64,
    adopted: u64,
}

impl Tally {
    /// Counts what happened in another run, too.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.time += other.time;
        for (kind, count) in &other.faults {
            *self.faults.entry(*kind).or_default() += count;
        }
        for (kind, count) in &other.orders {
            *self.orders.entry(*kind).or_default() += count;
        }
        for (mine, theirs) in [
            (&mut self.done, other.done),
            (&mut self.undone, other.undone),
            (&mut self.restarts, other.restarts),
            (&mut self.closed_with_players, other.closed_with_players),
            (&mut self.moves_judged, other.moves_judged),
            (&mut self.repeats_judged, other.repeats_judged),
            (&mut self.leavings_judged, other.leavings_judged),
            (&mut self.waits_judged, other.waits_judged),
            (&mut self.gaps_judged, other.gaps_judged),
            (&mut self.choices_judged, other.choices_judged),
            (&mut self.news_judged, other.news_judged),
            (&mut self.refusals_judged, other.refusals_judged),
            (&mut self.found_judged, other.found_judged),
            (&mut self.places_heard, other.places_heard),
            (&mut self.parts_judged, other.parts_judged),
            (&mut self.parts, other.parts),
            (&mut self.places_judged, other.places_judged),
            (&mut self.resumes, other.resumes),
            (&mut self.losses, other.losses),
            (&mut self.failovers, other.failovers),
            (&mut self.moved, other.moved),
            (&mut self.stranded, other.stranded),
            (&mut self.adopted, other.adopted),
        ] {
            *mine += theirs;
        }
    }

    /// How many faults there were.
    pub fn faults(&self) -> u64 {
        self.faults.values().sum()
    }

    /// How many orders there were.
    pub fn orders(&self) -> u64 {
        self.orders.values().sum()
    }

    /// What too little was judged of, if that many runs say anything: whoever looks away finds
    /// nothing.
    pub fn lacks(&self) -> Option<String> {
        if self.runs < RUNS_THAT_TELL {
            return None;
        }
        let fields_min = self.parts * PARTS_JUDGED_MIN / 100;
        let of_runs = |of_a_thousand: u64| of_a_thousand * self.runs / 1_000;
        let judged = [
            ("fields in the end", self.parts_judged, fields_min),
            ("places of moves", self.moves_judged, of_runs(MOVES_MIN)),
            ("repeats", self.repeats_judged, of_runs(REPEATS_MIN)),
            ("leavings", self.leavings_judged, of_runs(LEAVINGS_MIN)),
            ("waits", self.waits_judged, of_runs(WAITS_MIN)),
            ("gaps", self.gaps_judged, of_runs(GAPS_MIN)),
            ("news", self.news_judged, of_runs(NEWS_MIN)),
            (
                "choices of nodes",
                self.choices_judged,
                of_runs(CHOICES_MIN),
            ),
            (
                "refused fields",
                self.refusals_judged,
                of_runs(REFUSALS_MIN),
            ),
            ("places in the end", self.places_judged, of_runs(PLACES_MIN)),
            ("places heard", self.places_heard, of_runs(HEARD_MIN)),
            ("players found", self.found_judged, of_runs(FOUND_MIN)),
        ];
        let lacking = judged.iter().find(|(_, count, floor)| count < floor);
        lacking.map(|(what, count, floor)| {
            format!(
                "{count} {what} were judged, less than {floor} of {} runs",
                self.runs
            )
        })
    }

    pub(super) fn fault(&mut self, kind: FaultKind) {
        *self.faults.entry(kind).or_default() += 1;
    }

    pub(super) fn order(&mut self, kind: OrderKind) {
        *self.orders.entry(kind).or_default() += 1;
    }

    pub(super) fn answer(&mut self, answer: &Answered) {
        match answer {
            Ok(_) => self.done += 1,
            Err(_) => self.undone += 1,
        }
    }

    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::NodeReady { resumed: true, .. } => self.resumes += 1,
            Event::NodeDisconnected { .. } => self.losses += 1,
            Event::Failover { .. } => self.failovers += 1,
            Event::PlayerMoved { .. } => self.moved += 1,
            Event::PlayersStranded { players, .. } => {
                self.stranded += u64::try_from(players.len()).unwrap_or(0);
            }
            Event::PlayerAdopted { .. } => self.adopted += 1,
            _ => {}
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time.as_secs_f64().max(1.0);
        let rate = |count: u64| count as f64 / seconds;
        writeln!(
            f,
            "{} runs, {seconds:.0} s: {} commands, {:.2} a second; {} faults, {:.2} a second",
            self.runs,
            self.orders(),
            rate(self.orders()),
            self.faults(),
            rate(self.faults()),
        )?;
        list(f, "faults", &self.faults)?;
        list(f, "commands", &self.orders)?;
        writeln!(
            f,
            "answers: {} done, {} not; clients restarted: {}; \
             judged: {} places of moves, {} repeats, {} leavings, {} waits, {} gaps, {} news, \
             {} choices, {} refused fields, {} players found, {} places heard, \
             {} of {} fields and {} places in the end",
            self.done,
            self.undone,
            self.restarts,
            self.moves_judged,
            self.repeats_judged,
            self.leavings_judged,
            self.waits_judged,
            self.gaps_judged,
            self.news_judged,
            self.choices_judged,
            self.refusals_judged,
            self.found_judged,
            self.places_heard,
            self.parts_judged,
            self.parts,
            self.places_judged,
        )?;
        write!(
            f,
            "lost nodes {}, resumes {}, failovers {}, players moved {}, stranded {}, adopted {}",
            self.losses, self.resumes, self.failovers, self.moved, self.stranded, self.adopted
        )
    }
}

/// The counts by kind, the rarest last.
fn list<K: fmt::Debug>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    counts: &BTreeMap<K, u64>,
) -> fmt::Result {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    write!(f, "{title}:")?;
    for (kind, count) in sorted {
        write!(f, " {kind:?} {count}")?;
    }
    writeln!(f)
}

/// Fewer runs than this may be odd ones.
const RUNS_THAT_TELL: u64 = 1_000;

/// How many of a hundred fields are judged in the end, at least.
const PARTS_JUDGED_MIN: u64 = 70;

/// How much of the rest is judged in a thousand runs, at least: two thirds of what it was when
/// this was written.
const MOVES_MIN: u64 = 2_600;
const REPEATS_MIN: u64 = 1_300;
const LEAVINGS_MIN: u64 = 600;
const WAITS_MIN: u64 = 6_000;
const GAPS_MIN: u64 = 3_100;
const NEWS_MIN: u64 = 28_000;
const CHOICES_MIN: u64 = 1_400;
const REFUSALS_MIN: u64 = 7_000;
const PLACES_MIN: u64 = 1_100;
const HEARD_MIN: u64 = 14_000;
const FOUND_MIN: u64 = 780;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_that_looked_away_from_one_thing_is_told_so() {
        let well = Tally {
            runs: 1_000,
            moves_judged: MOVES_MIN,
            repeats_judged: REPEATS_MIN,
            leavings_judged: LEAVINGS_MIN,
            waits_judged: WAITS_MIN,
            gaps_judged: GAPS_MIN,
            news_judged: NEWS_MIN,
            choices_judged: CHOICES_MIN,
            refusals_judged: REFUSALS_MIN,
            places_judged: PLACES_MIN,
            places_heard: HEARD_MIN,
            found_judged: FOUND_MIN,
            parts_judged: PARTS_JUDGED_MIN,
            parts: 100,
            ..Tally::default()
        };
        assert_eq!(well.lacks(), None);
        let blind = Tally {
            choices_judged: CHOICES_MIN - 1,
            ..well
        };
        let lacks = blind.lacks().unwrap_or_default();
        assert!(lacks.contains("choices of nodes"), "{lacks}");
        let short = Tally {
            runs: 999,
            ..Tally::default()
        };
        assert_eq!(short.lacks(), None);
    }
}
