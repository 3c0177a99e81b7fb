//! Which node a player goes to: the cached scores behind a [`Strategy`].

use super::scores::{Key, Traits, Wanted};
use super::strategy::{Load, Needs, ORDER_BITS, Selection, Strategy, median};
use super::tables::Tables;
use crate::event::{Event, Kinds};
use crate::id::NodeId;
use crate::node::Node;
use crate::protocol::GuildId;

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
            None => self.scores.best(&Wanted {
                is_lookup: true,
                ..Wanted::from(&needs)
            }),
        }
    }

    /// The best node for these needs.
    pub(super) fn choose(&mut self, needs: Needs<'_>) -> Option<NodeId> {
        let node = match self.choose_by_custom(&needs) {
            Some(node) => node,
            None => self.scores.best(&Wanted::from(&needs)),
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

    /// The stats or the latency of a node changed.
    pub(super) fn weigh(&mut self, id: NodeId) {
        let weights = self.scores.strategy().weights();
        if let Some(node) = self.nodes.get_mut(id.slot, id.generation) {
            let stats = node.stats.as_ref();
            node.load = stats.map(|stats| weights.load(stats, node.latency));
        }
        self.node_changed(id);
        self.rescore_without_stats();
    }

    /// A node said what it is.
    pub(super) fn note_sources(&mut self, id: NodeId) {
        let Some(info) = self.node(id).and_then(|node| node.info.clone()) else {
            return;
        };
        let sources = self.scores.sources(&info);
        if let Some(key) = self.scores.get(id) {
            let traits = key.traits.without_sources().with(sources);
            self.scores.put(Key { traits, ..*key });
        }
    }

    /// Computes a node's key anew, after anything that goes into it changed.
    pub(super) fn rescore(&mut self, id: NodeId) {
        self.rescore_by(id, None);
    }

    /// The load of a node changed: those without stats are judged by the median of all loads.
    pub(super) fn rescore_without_stats(&mut self) {
        let bare = self.scores.bare();
        if bare.is_empty() {
            return;
        }
        let median = self.median_load();
        for node in bare {
            self.rescore_by(node, Some(median));
            self.view_changed(node);
        }
    }

    fn rescore_by(&mut self, id: NodeId, median: Option<f64>) {
        let Some(node) = self.nodes.get(id.slot, id.generation) else {
            return self.scores.remove(id);
        };
        let key = |turn| {
            let load = load_of(node, turn);
            let strategy = self.scores.strategy();
            let median = || median.unwrap_or_else(|| self.median_load());
            let standing = strategy.standing(&load, |_| median());
            standing << ORDER_BITS | u64::from(node.order).min((1 << ORDER_BITS) - 1)
        };
        let (score, lookup) = match self.scores.strategy() {
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
        let (label, sources) = match self.scores.get(id) {
            Some(old) => (old.label, old.traits.sources()),
            // What a node is not known to lack, it has.
            None => {
                let label = node.config.region_label();
                let label = label.map(|label| self.scores.label(label));
                (label, Traits::ANY_SOURCE)
            }
        };
        let is_bare = node.is_ready() && node.stats.is_none();
        let traits = sources
            .with_if(Traits::ELIGIBLE, node.is_eligible())
            .with_if(Traits::BARE, is_bare);
        self.scores.put(Key {
            node: id,
            score,
            lookup,
            traits,
            label,
        });
    }

    /// The penalty of a node, by the weights of the pool's strategy or the default ones.
    pub(super) fn penalty(&self, node: &Node) -> f64 {
        let weights = self.scores.strategy().weights();
        load_of(node, 0).penalty(&weights, |_| self.median_load())
    }

    /// The middle one of the loads of those nodes that have told theirs.
    fn median_load(&self) -> f64 {
        let ready = self.nodes.iter().filter(|node| node.is_ready());
        median(ready.filter_map(|node| node.load))
    }
}

fn load_of(node: &Node, turn: u64) -> Load<'_> {
    Load {
        is_ready: node.is_ready(),
        stats: node.stats.as_ref(),
        load: node.load,
        latency: node.latency,
        reserved: node.reserved.len(),
        turn,
    }
}

impl<'a> From<&Needs<'a>> for Wanted<'a> {
    fn from(needs: &Needs<'a>) -> Self {
        Self {
            region: needs.region,
            source: needs.source,
            except: needs.except,
            is_lookup: false,
        }
    }
}
