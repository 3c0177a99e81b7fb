//! [`Strategy`]: how the best of several nodes is chosen, and what is known of each.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::explain::{Candidate, Verdict};
use crate::id::NodeId;
use crate::node::{NodeRef, PenaltyWeights, UNAVAILABLE};
use crate::protocol::{GuildId, Stats};
use crate::region::Region;

/// How the best of the nodes that may take a player is chosen: the closest to the voice server
/// first, and where regions fit alike, by this. Ties go to the node that was configured first.
///
/// ```
/// use lavapool_core::{PoolConfig, Score, Strategy, protocol::UserId};
///
/// let mut config = PoolConfig::new(UserId::new(1).unwrap());
/// config.strategy = Strategy::LeastLoaded;
/// // One of the application's own: nodes with `spotify` first, then the lowest penalty.
/// config.strategy = Strategy::custom(|candidate, _needs| {
///     let has_spotify = candidate.info.as_ref().is_some_and(|info| info.has_source("spotify"));
///     Score::new(if has_spotify { 0.0 } else { 1e6 } + candidate.penalty)
/// });
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Strategy {
    /// The lowest penalty.
    Penalty(PenaltyWeights),
    /// The lowest load of Lavalink itself, then of memory, then of the system, each in steps of
    /// one percent (DisGoLink: Load Balancing).
    LeastLoaded,
    /// The fewest playing players.
    LeastPlayers,
    /// The shortest round trip of a ping.
    Latency,
    /// Each in turn: players in one turn, lookups in another, so that a bot which looks up a
    /// track and then plays it does not put all players on every second node.
    RoundRobin,
    /// A function of the application's own.
    Custom(
        #[cfg_attr(feature = "recording", serde(with = "crate::recording::custom"))] CustomStrategy,
    ),
}

/// Scores a node for what a player needs; the lowest score is chosen.
///
/// It must be pure: it is asked anew for each choice, as often and in whichever order is needed.
/// It is asked only about nodes that may be chosen. `None` means that it does not know: then that
/// choice is made by [`Strategy::Penalty`], and
/// [`Event::StrategyFailed`](crate::Event::StrategyFailed) says so. It must not panic; the adapter
/// catches a panic and takes it for `None`.
pub type CustomStrategy = Arc<dyn Fn(&Candidate, &Needs<'_>) -> Option<Score> + Send + Sync>;

impl Strategy {
    /// A function of the application's own, see [`CustomStrategy`].
    pub fn custom(
        score: impl Fn(&Candidate, &Needs<'_>) -> Option<Score> + Send + Sync + 'static,
    ) -> Self {
        Self::Custom(Arc::new(score))
    }

    /// Chooses among the nodes that may be chosen, in the order of configuration: among those that
    /// are not known to lack the source, if there are any.
    pub fn select(&self, candidates: &[Candidate], needs: &Needs<'_>) -> Selection {
        let may_be_chosen = |candidate: &&Candidate| {
            candidate.verdict.may_be_chosen() && !needs.except.contains(&candidate.node.id)
        };
        let lacks = |candidate: &Candidate| {
            let info = candidate.info.as_ref().zip(needs.source);
            info.is_some_and(|(info, source)| !info.has_source(source))
        };
        // A source may go by another name: a node that seems to lack it is better than none.
        let all_lack = candidates.iter().filter(may_be_chosen).all(lacks);
        let eligible = || {
            let candidates = candidates.iter().filter(may_be_chosen);
            candidates.filter(|candidate| all_lack || !lacks(candidate))
        };
        let mut scores = Vec::with_capacity(candidates.len());
        for candidate in eligible() {
            match self.score(candidate, candidates, needs) {
                Some(score) => scores.push(score),
                None => {
                    let by_penalty = Self::default().select(candidates, needs);
                    let failed = Some(candidate.node.clone());
                    return Selection {
                        failed,
                        ..by_penalty
                    };
                }
            }
        }
        let best = eligible().zip(scores).min_by_key(|(candidate, score)| {
            // Of equals the first counts.
            (std::cmp::Reverse(candidate.region), *score)
        });
        Selection {
            node: best.map(|(candidate, _)| candidate.node.id),
            failed: None,
        }
    }

    fn score(
        &self,
        candidate: &Candidate,
        candidates: &[Candidate],
        needs: &Needs<'_>,
    ) -> Option<u64> {
        if let Self::Custom(score) = self {
            return score(candidate, needs).map(Score::rank);
        }
        let load = Load {
            is_ready: candidate.verdict != Verdict::NotConnected,
            stats: candidate.stats.as_ref(),
            load: None,
            latency: candidate.latency,
            reserved: candidate.reserved,
            turn: candidate.turn,
        };
        Some(self.standing(&load, |weights| {
            // It has no stats itself, or its own would count.
            let others = candidates.iter();
            let others = others.filter(|other| other.verdict != Verdict::NotConnected);
            median(others.filter_map(|other| Some(weights.load(&other.stats?, other.latency))))
        }))
    }

    /// Where a node stands: lower is better.
    pub(super) fn standing(
        &self,
        load: &Load<'_>,
        median: impl FnOnce(&PenaltyWeights) -> f64,
    ) -> u64 {
        match self {
            Self::Penalty(weights) => load.standing_by_penalty(weights, median),
            Self::LeastLoaded => load.stats.map_or(0, least_loaded),
            Self::LeastPlayers => {
                let playing = load
                    .stats
                    .map_or(0, |stats| u64::from(stats.playing_players));
                bounded(playing.saturating_add(load.reserved as u64))
            }
            Self::Latency => {
                let latency = load.latency.unwrap_or(Duration::MAX);
                bounded(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX))
            }
            Self::RoundRobin => bounded(load.turn),
            // What takes its place when it fails.
            Self::Custom(_) => load.standing_by_penalty(&PenaltyWeights::default(), median),
        }
    }

    /// The weights of the penalty that nodes show.
    pub(super) fn weights(&self) -> PenaltyWeights {
        match self {
            Self::Penalty(weights) => weights.clone(),
            Self::LeastLoaded
            | Self::LeastPlayers
            | Self::Latency
            | Self::RoundRobin
            | Self::Custom(_) => PenaltyWeights::default(),
        }
    }
}

impl Default for Strategy {
    fn default() -> Self {
        Self::Penalty(PenaltyWeights::default())
    }
}

impl fmt::Debug for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Penalty(weights) => f.debug_tuple("Penalty").field(weights).finish(),
            Self::LeastLoaded => f.write_str("LeastLoaded"),
            Self::LeastPlayers => f.write_str("LeastPlayers"),
            Self::Latency => f.write_str("Latency"),
            Self::RoundRobin => f.write_str("RoundRobin"),
            Self::Custom(_) => f.write_str("Custom"),
        }
    }
}

impl PartialEq for Strategy {
    /// Functions are equal if they are the same one.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Penalty(ours), Self::Penalty(theirs)) => ours == theirs,
            (Self::Custom(ours), Self::Custom(theirs)) => Arc::ptr_eq(ours, theirs),
            (Self::LeastLoaded, Self::LeastLoaded)
            | (Self::LeastPlayers, Self::LeastPlayers)
            | (Self::Latency, Self::Latency)
            | (Self::RoundRobin, Self::RoundRobin) => true,
            (
                Self::Penalty(_)
                | Self::LeastLoaded
                | Self::LeastPlayers
                | Self::Latency
                | Self::RoundRobin
                | Self::Custom(_),
                _,
            ) => false,
        }
    }
}

/// What is to be chosen for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Needs<'a> {
    /// The guild, if it is for a player.
    pub guild: Option<GuildId>,
    /// The region of the player's voice server, if that is known.
    pub region: Option<&'a Region>,
    /// The source of what it plays, such as `youtube`, if that is known.
    pub source: Option<&'a str>,
    /// Nodes that are not to be chosen.
    pub except: &'a [NodeId],
}

/// What a [`Strategy::Custom`] thinks of a node: the lowest is chosen.
///
/// ```
/// use lavapool_core::Score;
///
/// assert!(Score::new(-1.0) < Score::new(f64::INFINITY));
/// assert_eq!(Score::new(0.0), Score::new(-0.0));
/// assert_eq!(Score::new(f64::NAN), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Score(f64);

impl Score {
    /// The score; none of what is not a number.
    pub fn new(score: f64) -> Option<Self> {
        // Zero has one sign.
        (!score.is_nan()).then_some(Self(score + 0.0))
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// An integer that orders as the score does.
    const fn rank(self) -> u64 {
        let bits = self.0.to_bits();
        if self.0.is_sign_negative() {
            !bits
        } else {
            bits | 1 << 63
        }
    }
}

/// What a [`Strategy`] chose.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selection {
    /// The node, if any may be chosen.
    pub node: Option<NodeId>,
    /// The node that a [`Strategy::Custom`] had no score for, so that the choice was made by
    /// [`Strategy::Penalty`].
    pub failed: Option<NodeRef>,
}

/// What goes into the score of a node.
pub(super) struct Load<'a> {
    pub(super) is_ready: bool,
    pub(super) stats: Option<&'a Stats>,
    /// What the stats and the latency weigh, if that was worked out before.
    pub(super) load: Option<f64>,
    pub(super) latency: Option<Duration>,
    pub(super) reserved: usize,
    pub(super) turn: u64,
}

impl Load<'_> {
    fn standing_by_penalty(
        &self,
        weights: &PenaltyWeights,
        median: impl FnOnce(&PenaltyWeights) -> f64,
    ) -> u64 {
        // The classic penalty can be negative, and orders below zero as the number does.
        Score::new(self.penalty(weights, median)).map_or(u64::MAX, Score::rank) >> ORDER_BITS
    }

    pub(super) fn penalty(
        &self,
        weights: &PenaltyWeights,
        median: impl FnOnce(&PenaltyWeights) -> f64,
    ) -> f64 {
        if !self.is_ready {
            return UNAVAILABLE;
        }
        let reserved = self.reserved as f64;
        let penalty = match self.stats {
            Some(stats) => {
                let playing = f64::from(stats.playing_players) + reserved;
                let load = self.load;
                let load = load.unwrap_or_else(|| weights.load(stats, self.latency));
                load + weights.playing(playing)
            }
            None => median(weights) + weights.playing(reserved),
        };
        penalty.min(UNAVAILABLE)
    }
}

/// The bits of a cached score that hold the order of configuration.
pub(super) const ORDER_BITS: u32 = 12;

fn bounded(standing: u64) -> u64 {
    standing.min(u64::MAX >> ORDER_BITS)
}

/// The middle one of the other nodes' load terms: what a node without stats probably has.
pub(super) fn median(loads: impl Iterator<Item = f64>) -> f64 {
    let mut loads: Vec<_> = loads.collect();
    if loads.is_empty() {
        return 0.0;
    }
    let middle = loads.len() / 2;
    *loads.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Lavalink's load, the memory's and the system's, in percent, the first counting most.
fn least_loaded(stats: &Stats) -> u64 {
    let percent = |share: f64| (share.clamp(0.0, 1.0) * 100.0).round() as u64;
    let reservable = stats.memory.reservable.max(1) as f64;
    let memory = percent(stats.memory.used as f64 / reservable);
    percent(stats.cpu.lavalink_load) << 16 | memory << 8 | percent(stats.cpu.system_load)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_on_their_way_weigh_on_a_node_without_stats_as_on_one_that_has_told_its_load() {
        let stats = Stats::default();
        let penalty = |stats, reserved| {
            let load = Load {
                is_ready: true,
                stats,
                load: Some(10.0),
                latency: None,
                reserved,
                turn: 0,
            };
            load.penalty(&PenaltyWeights::default(), |_| 10.0)
        };
        let (bare, told) = (penalty(None, 2), penalty(Some(&stats), 2));
        assert_eq!(bare.to_bits(), told.to_bits());
        assert!(bare > penalty(None, 1));
    }
}
