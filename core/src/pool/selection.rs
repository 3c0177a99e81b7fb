//! Which node a player goes to: [`Strategy`], and the cached scores behind it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::tables::Tables;
use crate::id::NodeId;
use crate::node::{Node, PenaltyWeights, UNAVAILABLE};
use crate::protocol::{GuildId, Stats};
use crate::region::{self, Region, RegionFit};

/// How the best of the nodes that may take a player is chosen. Ties go to the node that was
/// configured first.
///
/// ```
/// use lavapool_core::{PoolConfig, Strategy, protocol::UserId};
///
/// let mut config = PoolConfig::new(UserId::new(1).unwrap());
/// config.strategy = Strategy::LeastLoaded;
/// ```
#[derive(Clone, Debug, PartialEq)]
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
    /// Each in turn.
    RoundRobin,
}

impl Default for Strategy {
    fn default() -> Self {
        Self::Penalty(PenaltyWeights::default())
    }
}

/// What a player needs of a node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needs<'a> {
    pub(super) region: Option<&'a Region>,
    pub(super) except: &'a [NodeId],
}

/// One score a node, as an integer that orders as the strategy does: lower is better. A choice
/// is one scan of them.
#[derive(Debug)]
pub(super) struct Scores {
    strategy: Strategy,
    keys: Vec<Key>,
    /// The labels of the nodes' regions; a key names its own by index.
    labels: Vec<Box<str>>,
    /// How well each label fits a region, by the label's index.
    fits: BTreeMap<Region, Vec<u8>>,
    turn: u64,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    node: NodeId,
    /// The order of configuration is in the low bits.
    score: u64,
    label: Option<u32>,
    eligible: bool,
}

/// The bits of a score that hold the order of configuration.
const ORDER_BITS: u32 = 12;

impl Scores {
    pub(super) const fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            keys: Vec::new(),
            labels: Vec::new(),
            fits: BTreeMap::new(),
            turn: 0,
        }
    }

    /// The best node for these needs: inside the region as closely as it goes, else anywhere.
    fn choose(&mut self, needs: Needs<'_>) -> Option<NodeId> {
        let Self {
            keys, labels, fits, ..
        } = self;
        let fits: &[u8] = match needs.region {
            Some(region) => fits
                .entry(region.clone())
                .or_insert_with(|| labels.iter().map(|label| rank(label, region)).collect()),
            None => &[],
        };
        let fit = |label: u32| fits.get(label as usize).copied().unwrap_or(0);
        best(keys, needs.except, fit)
    }

    /// The node that would be chosen for the region, if somebody asked.
    pub(super) fn peek(&self, region: Option<&Region>) -> Option<NodeId> {
        let label = |index: u32| self.labels.get(index as usize).zip(region);
        best(&self.keys, &[], |index| {
            label(index).map_or(0, |(label, region)| rank(label, region))
        })
    }

    /// The best node, without these.
    pub(super) fn best_except(&mut self, except: &[NodeId]) -> Option<NodeId> {
        self.choose(Needs {
            region: None,
            except,
        })
    }

    fn label(&mut self, label: &str) -> u32 {
        let known = self.labels.iter().position(|other| **other == *label);
        let index = known.unwrap_or_else(|| {
            self.labels.push(label.into());
            self.fits.clear();
            self.labels.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }
}

impl Tables {
    /// The best node at the moment, without these.
    pub(super) fn best_node_except(&mut self, except: &[NodeId]) -> Option<NodeId> {
        self.scores.best_except(except)
    }

    /// The best node for these needs.
    pub(super) fn choose(&mut self, needs: Needs<'_>) -> Option<NodeId> {
        let node = self.scores.choose(needs)?;
        if self.scores.strategy == Strategy::RoundRobin {
            self.scores.turn += 1;
            let score = self.scores.turn << ORDER_BITS;
            if let Some(key) = self.scores.keys.iter_mut().find(|key| key.node == node) {
                key.score = score;
            }
        }
        Some(node)
    }

    /// The player counts on the node from now on, until the node's stats show it.
    pub(super) fn reserve(&mut self, node: NodeId, guild: GuildId) {
        if let Some(found) = self.node_mut(node) {
            found.reserved.insert(guild, false);
            self.node_changed(node);
        }
    }

    /// The node has confirmed the player: the next fresh stats show it.
    pub(super) fn reservation_confirmed(&mut self, node: NodeId, guild: GuildId) {
        if let Some(confirmed) = self
            .node_mut(node)
            .and_then(|node| node.reserved.get_mut(&guild))
        {
            *confirmed = true;
        }
    }

    /// The player does not come, or does not play any more.
    pub(super) fn release(&mut self, node: NodeId, guild: GuildId) {
        if self
            .node_mut(node)
            .is_some_and(|node| node.reserved.remove(&guild).is_some())
        {
            self.node_changed(node);
        }
    }

    /// Computes a node's key anew, after anything that goes into it changed.
    pub(super) fn rescore(&mut self, id: NodeId) {
        let index = self.scores.keys.iter().position(|key| key.node == id);
        let Some(node) = self.nodes.get(id.slot, id.generation) else {
            if let Some(index) = index {
                self.scores.keys.remove(index);
            }
            return;
        };
        let previous = index
            .and_then(|index| self.scores.keys.get(index))
            .map(|key| key.score);
        let score = match self.score(node) {
            Some(score) => score << ORDER_BITS | u64::from(node.order).min((1 << ORDER_BITS) - 1),
            None => previous.unwrap_or_else(|| u64::from(node.order)),
        };
        let eligible = node.is_eligible();
        let label = node.config.region_label().cloned();
        let label = label.map(|label| self.scores.label(&label));
        let key = Key {
            node: id,
            score,
            label,
            eligible,
        };
        match index.and_then(|index| self.scores.keys.get_mut(index)) {
            Some(place) => *place = key,
            None => self.scores.keys.push(key),
        }
    }

    /// The score without the order; `None` where it is not computed but kept.
    fn score(&self, node: &Node) -> Option<u64> {
        let shift = |score: u64| score.min(u64::MAX >> ORDER_BITS);
        match &self.scores.strategy {
            // The bits of floats that are not negative order as the floats do.
            Strategy::Penalty(weights) => {
                Some(self.penalty_by(weights, node).max(0.0).to_bits() >> ORDER_BITS)
            }
            Strategy::LeastLoaded => Some(node.stats.map_or(0, |stats| least_loaded(&stats))),
            Strategy::LeastPlayers => {
                let playing = node
                    .stats
                    .map_or(0, |stats| u64::from(stats.playing_players));
                Some(shift(playing + node.reserved.len() as u64))
            }
            Strategy::Latency => {
                let latency = node.latency.unwrap_or(Duration::MAX);
                Some(shift(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX)))
            }
            Strategy::RoundRobin => None,
        }
    }

    /// The penalty of a node, by the weights of the pool's strategy or the default ones.
    pub(super) fn penalty(&self, node: &Node) -> f64 {
        match &self.scores.strategy {
            Strategy::Penalty(weights) => self.penalty_by(weights, node),
            Strategy::LeastLoaded
            | Strategy::LeastPlayers
            | Strategy::Latency
            | Strategy::RoundRobin => self.penalty_by(&PenaltyWeights::default(), node),
        }
    }

    fn penalty_by(&self, weights: &PenaltyWeights, node: &Node) -> f64 {
        if !node.is_ready() {
            return UNAVAILABLE;
        }
        let reserved = node.reserved.len() as f64;
        let penalty = match &node.stats {
            Some(stats) => {
                let playing = stats.playing_players as f64 + reserved;
                weights.load(stats, node.latency) + weights.playing(playing)
            }
            None => self.median_load(weights, node) + weights.playing(reserved),
        };
        penalty.min(UNAVAILABLE)
    }

    /// The middle one of the other nodes' load terms: what a node without stats probably has.
    fn median_load(&self, weights: &PenaltyWeights, without: &Node) -> f64 {
        let others = self.nodes.iter().filter(|node| node.id() != without.id());
        let mut loads: Vec<_> = others
            .filter(|node| node.is_ready())
            .filter_map(|node| Some(weights.load(&node.stats?, node.latency)))
            .collect();
        loads.sort_by(f64::total_cmp);
        loads.get(loads.len() / 2).copied().unwrap_or(0.0)
    }

    /// The stats of a node changed: those without any are judged by them.
    pub(super) fn rescore_without_stats(&mut self) {
        let bare = self
            .nodes
            .iter()
            .filter(|node| node.is_ready() && node.stats.is_none());
        for node in bare.map(Node::id).collect::<Vec<_>>() {
            self.rescore(node);
        }
    }
}

/// One scan: the closest fit first, then the lowest score.
fn best(keys: &[Key], except: &[NodeId], fit: impl Fn(u32) -> u8) -> Option<NodeId> {
    let mut best: Option<(u8, &Key)> = None;
    for key in keys {
        if !key.eligible || except.contains(&key.node) {
            continue;
        }
        let fit = key.label.map_or(0, &fit);
        let is_better = best.is_none_or(|(best_fit, best)| {
            fit > best_fit || (fit == best_fit && key.score < best.score)
        });
        if is_better {
            best = Some((fit, key));
        }
    }
    best.map(|(_, key)| key.node)
}

/// How well a label fits a region: the greater, the better.
fn rank(label: &str, region: &Region) -> u8 {
    match region::matches(label, region) {
        None => 0,
        Some(RegionFit::Family) => 1,
        Some(RegionFit::Coarse) => 2,
        Some(RegionFit::Fine) => 3,
    }
}

/// Lavalink's load, the memory's and the system's, in percent, the first counting most.
fn least_loaded(stats: &Stats) -> u64 {
    let percent = |share: f64| (share.clamp(0.0, 1.0) * 100.0).round() as u64;
    let reservable = stats.memory.reservable.max(1) as f64;
    let memory = percent(stats.memory.used as f64 / reservable);
    percent(stats.cpu.lavalink_load) << 16 | memory << 8 | percent(stats.cpu.system_load)
}
