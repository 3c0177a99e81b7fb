//! [`Pool::explain`](crate::Pool::explain): why a node was chosen, or was not.

use super::tables::Tables;
use crate::node::{Node, NodeRef};
use crate::player::PlayerId;
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

impl Tables {
    /// The nodes in the order of configuration, and what speaks for or against each.
    pub(super) fn explain(&self, player: Option<PlayerId>) -> Vec<Candidate> {
        let voice = player.and_then(|id| self.player(id)?.voice.as_ref()?.complete());
        let region = voice.and_then(|voice| self.config.regions.region(&voice.endpoint));
        let chosen = self.scores.peek(region.as_ref());
        let nodes = self.order.iter().filter_map(|id| self.node(*id));
        nodes
            .map(|node| Candidate {
                node: node.node.clone(),
                verdict: match verdict(node) {
                    Verdict::Eligible if chosen == Some(node.id()) => Verdict::Chosen,
                    other => other,
                },
                region: region.as_ref().and_then(|region| fit(node, region)),
                penalty: self.penalty(node),
                reserved: node.reserved.len(),
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
