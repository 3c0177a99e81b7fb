//! [`Pool::explain`](crate::Pool::explain): why a node was chosen, or was not.

use std::sync::Arc;
use std::time::Duration;

use super::scores::Wanted;
use super::strategy::{Needs, Selection, Strategy};
use super::tables::Tables;
use crate::id::NodeId;
use crate::node::{Node, NodeRef, NodeView, Status};
use crate::player::PlayerId;
use crate::protocol::{Info, Stats};
use crate::region::{Region, RegionFit, matches};

/// What speaks for a node, or against it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// The node.
    pub node: NodeRef,
    /// Whether it may have another player, and if not, why.
    pub verdict: Verdict,
    /// How well its region fits the voice server of the guild; `None` if it does not, or if
    /// neither is known.
    pub region: Option<RegionFit>,
    /// The penalty; where regions fit alike, the strategy decides.
    pub penalty: f64,
    /// Players that were put on it and that its stats do not show yet.
    pub reserved: usize,
    /// The label of its region, as configured.
    pub label: Option<Arc<str>>,
    /// The latest stats.
    pub stats: Option<Stats>,
    /// The latest round trip of a WebSocket ping.
    pub latency: Option<Duration>,
    /// What the node said about itself: its sources, filters and plugins.
    pub info: Option<Arc<Info>>,
    /// The number of the latest [`Strategy::RoundRobin`](crate::Strategy::RoundRobin) choice that
    /// fell on it; 0 if none did.
    pub turn: u64,
}

impl Candidate {
    /// The node of this view, with what its region is to the one that is asked for.
    pub fn new(view: &NodeView, region: Option<RegionFit>) -> Self {
        let verdict = if view.status != Status::Connected {
            Verdict::NotConnected
        } else if view.draining {
            Verdict::Draining
        } else if view.failing {
            Verdict::Failing
        } else {
            Verdict::Eligible
        };
        Self {
            node: view.node.clone(),
            verdict,
            region,
            penalty: view.penalty,
            reserved: view.reserved,
            label: view.region.clone(),
            stats: view.stats,
            latency: view.latency,
            info: view.info.clone(),
            turn: view.turn,
        }
    }
}

/// Whether a node may have another player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is the one.
    Chosen,
    /// It may; another one is better.
    Eligible,
    /// It is not connected.
    NotConnected,
    /// It is being emptied.
    Draining,
    /// It has failed to answer several times in a row.
    Failing,
}

impl Verdict {
    /// Whether the node may have another player.
    pub const fn may_be_chosen(self) -> bool {
        match self {
            Self::Chosen | Self::Eligible => true,
            Self::NotConnected | Self::Draining | Self::Failing => false,
        }
    }
}

impl Tables {
    /// The nodes in the order of configuration, and what speaks for or against each.
    pub(super) fn explain(&self, player: Option<PlayerId>) -> Vec<Candidate> {
        let endpoint = player.and_then(|id| self.player(id)?.voice.as_ref()?.endpoint());
        let region = endpoint.and_then(|endpoint| self.config.regions.region(endpoint));
        let chosen = self.peek(region.as_ref());
        let mut candidates = self.candidates(region.as_ref());
        for candidate in &mut candidates {
            if chosen == Some(candidate.node.id) {
                candidate.verdict = Verdict::Chosen;
            }
        }
        candidates
    }

    /// The node that would be chosen for the region, if somebody asked.
    pub(super) fn peek(&self, region: Option<&Region>) -> Option<NodeId> {
        let needs = Needs {
            region,
            ..Needs::default()
        };
        match self.select_by_custom(&needs) {
            Some(selection) => selection.node,
            None => self.scores.best(&Wanted::from(&needs)),
        }
    }

    /// The node that this strategy would choose: if it is the pool's own, by the cached scores.
    pub(super) fn select_by(&self, strategy: &Strategy, needs: &Needs<'_>) -> Selection {
        let is_custom = matches!(strategy, Strategy::Custom(_));
        if is_custom || strategy != self.scores.strategy() {
            return strategy.select(&self.candidates(needs.region), needs);
        }
        Selection {
            node: self.scores.best(&Wanted::from(needs)),
            failed: None,
        }
    }

    /// The nodes in the order of configuration, none of them chosen yet.
    pub(super) fn candidates(&self, region: Option<&Region>) -> Vec<Candidate> {
        self.candidates_by(|node| region.and_then(|region| fit(node, region)))
    }

    /// As [`candidates`](Self::candidates), with regions that are judged in another way.
    pub(super) fn candidates_by(&self, fit: impl Fn(&Node) -> Option<RegionFit>) -> Vec<Candidate> {
        let nodes = self.order.iter().filter_map(|id| self.node(*id));
        nodes
            .map(|node| Candidate {
                node: node.node.clone(),
                verdict: verdict(node),
                region: fit(node),
                penalty: self.penalty(node),
                reserved: node.reserved.len(),
                label: node.config.region_label().cloned(),
                stats: node.stats,
                latency: node.latency,
                info: node.info.clone(),
                turn: node.turns.player,
            })
            .collect()
    }
}

fn verdict(node: &Node) -> Verdict {
    if !node.is_ready() {
        Verdict::NotConnected
    } else if node.duty.gives_away() {
        Verdict::Draining
    } else if node.breaker.is_open() {
        Verdict::Failing
    } else {
        Verdict::Eligible
    }
}

fn fit(node: &Node, region: &Region) -> Option<RegionFit> {
    matches(node.config.region_label()?, region)
}
