//! Which node a player goes to: the cached scores behind a [`Strategy`].

use std::collections::BTreeMap;

use super::strategy::{Load, Needs, ORDER_BITS, Selection, Strategy, median};
use super::tables::Tables;
use crate::event::{Event, Kinds};
use crate::id::NodeId;
use crate::node::{Node, PenaltyWeights};
use crate::protocol::GuildId;
use crate::region::{self, Region, RegionFit};

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
    /// For players. The order of configuration is in the low bits.
    score: u64,
    /// For lookups.
    lookup: u64,
    label: Option<u32>,
    eligible: bool,
}

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
        best(keys, needs.except, fit, |key| key.score)
    }

    /// The node that would be chosen for the region, if somebody asked.
    pub(super) fn peek(&self, region: Option<&Region>) -> Option<NodeId> {
        let label = |index: u32| self.labels.get(index as usize).zip(region);
        let fit = |index| label(index).map_or(0, |(label, region)| rank(label, region));
        best(&self.keys, &[], fit, |key| key.score)
    }

    /// How nodes are chosen.
    pub(super) const fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// Whether any node may be chosen.
    pub(super) fn has_any(&self) -> bool {
        self.keys.iter().any(|key| key.eligible)
    }

    /// The number of the next choice, where each node has its turn.
    fn next_turn(&mut self) -> Option<u64> {
        let takes_turns = self.strategy == Strategy::RoundRobin;
        self.turn = self.turn.saturating_add(u64::from(takes_turns));
        takes_turns.then_some(self.turn)
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
    /// The best node for a lookup, without these. Lookups have a turn of their own.
    pub(super) fn choose_for_lookup(&mut self, except: &[NodeId]) -> Option<NodeId> {
        let node = self.peek_for_lookup(except)?;
        if let Some(turn) = self.scores.next_turn() {
            if let Some(node) = self.node_mut(node) {
                node.turns.lookup = turn;
            }
            self.rescore(node);
        }
        Some(node)
    }

    /// The node that the next lookup would go to, without taking its turn.
    pub(super) fn peek_for_lookup(&mut self, except: &[NodeId]) -> Option<NodeId> {
        let needs = Needs {
            except,
            ..Needs::default()
        };
        match self.choose_by_custom(&needs) {
            Some(node) => node,
            None => best(&self.scores.keys, except, |_| 0, |key| key.lookup),
        }
    }

    /// The best node for these needs.
    pub(super) fn choose(&mut self, needs: Needs<'_>) -> Option<NodeId> {
        let node = match self.choose_by_custom(&needs) {
            Some(node) => node,
            None => self.scores.choose(needs),
        }?;
        if let Some(turn) = self.scores.next_turn() {
            if let Some(node) = self.node_mut(node) {
                node.turns.last_player = std::mem::replace(&mut node.turns.player, turn);
            }
            self.node_changed(node);
        }
        Some(node)
    }

    /// The player that the node was chosen for is chosen a node for anew: that turn does not count.
    pub(super) fn take_turn_back(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id) {
            node.turns.player = node.turns.last_player;
            self.node_changed(id);
        }
    }

    /// What a strategy of the application's own chooses; none if the pool's is not one.
    fn choose_by_custom(&mut self, needs: &Needs<'_>) -> Option<Option<NodeId>> {
        let Selection { node, failed } = self.select_by_custom(needs)?;
        if let Some(node) = failed {
            self.emit(Kinds::NODES, || Event::StrategyFailed { node });
        }
        Some(node)
    }

    /// As [`choose_by_custom`](Self::choose_by_custom), if somebody only asks.
    pub(super) fn select_by_custom(&self, needs: &Needs<'_>) -> Option<Selection> {
        let strategy = self.scores.strategy();
        let is_custom = matches!(strategy, Strategy::Custom(_));
        is_custom.then(|| strategy.select(&self.candidates(needs.region), needs))
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
        let key = |turn| {
            let load = load_of(node, turn);
            let standing = self
                .scores
                .strategy
                .standing(&load, |weights| self.median_load(weights, node));
            standing << ORDER_BITS | u64::from(node.order).min((1 << ORDER_BITS) - 1)
        };
        let (score, lookup) = match self.scores.strategy {
            Strategy::RoundRobin => (key(node.turns.player), key(node.turns.lookup)),
            Strategy::Penalty(_)
            | Strategy::LeastLoaded
            | Strategy::LeastPlayers
            | Strategy::Latency
            | Strategy::Custom(_) => {
                let score = key(0);
                (score, score)
            }
        };
        let eligible = node.is_eligible();
        let label = node.config.region_label().cloned();
        let label = label.map(|label| self.scores.label(&label));
        let key = Key {
            node: id,
            score,
            lookup,
            label,
            eligible,
        };
        match index.and_then(|index| self.scores.keys.get_mut(index)) {
            Some(place) => *place = key,
            None => self.scores.keys.push(key),
        }
    }

    /// The penalty of a node, by the weights of the pool's strategy or the default ones.
    pub(super) fn penalty(&self, node: &Node) -> f64 {
        let weights = self.scores.strategy.weights();
        load_of(node, 0).penalty(&weights, |weights| self.median_load(weights, node))
    }

    fn median_load(&self, weights: &PenaltyWeights, without: &Node) -> f64 {
        let others = self.nodes.iter().filter(|node| node.id() != without.id());
        let others = others.filter(|node| node.is_ready());
        median(others.filter_map(|node| Some(weights.load(&node.stats?, node.latency))))
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

fn load_of(node: &Node, turn: u64) -> Load<'_> {
    Load {
        is_ready: node.is_ready(),
        stats: node.stats.as_ref(),
        latency: node.latency,
        reserved: node.reserved.len(),
        turn,
    }
}

/// One scan: the closest fit first, then the lowest score.
fn best(
    keys: &[Key],
    except: &[NodeId],
    fit: impl Fn(u32) -> u8,
    score: impl Fn(&Key) -> u64,
) -> Option<NodeId> {
    let mut best: Option<(u8, u64, NodeId)> = None;
    for key in keys {
        if !key.eligible || except.contains(&key.node) {
            continue;
        }
        let (fit, score) = (key.label.map_or(0, &fit), score(key));
        let is_better = best.is_none_or(|(best_fit, best_score, _)| {
            fit > best_fit || (fit == best_fit && score < best_score)
        });
        if is_better {
            best = Some((fit, score, key.node));
        }
    }
    best.map(|(.., node)| node)
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
