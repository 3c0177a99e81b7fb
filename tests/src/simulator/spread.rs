//! Whether players that lost their node go where there is room.

use std::collections::BTreeMap;
use std::time::Duration;

use lavapool_core::Event;
use lavapool_core::node::{NodeView, Status};

use super::Simulation;
use crate::invariant::Invariant;

/// When servers last told their load, by their index.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeMap<usize, Duration>);

impl Told {
    pub(super) fn hear(&mut self, host: usize, at: Duration) {
        self.0.insert(host, at);
    }

    /// Whether the server told nothing for a while.
    fn is_settled(&self, host: usize, now: Duration) -> bool {
        let told = self.0.get(&host);
        told.is_some_and(|at| now.saturating_sub(*at) > CHOSEN_WITHIN)
    }
}

impl Simulation {
    /// Judges where a player goes.
    pub(super) fn judge_choice(&mut self, event: &Event) {
        let Event::PlayerMoved {
            guild, from, to, ..
        } = event
        else {
            return;
        };
        if let Some((better, by)) = self.better_than(&to.name, &from.name) {
            self.fail(Invariant::LoadSpread, || {
                let to = &to.name;
                format!("{guild} goes to {to}, whose penalty is {by:.0} above that of {better}")
            });
        }
    }

    /// A node that would have been a far better choice than this one, which was chosen in place of
    /// a lost one.
    fn better_than(&self, chosen: &str, lost: &str) -> Option<(String, f64)> {
        let options = &self.plan.options;
        let is_ready = |node: &NodeView| node.status == Status::Connected;
        let views: Vec<_> = self.world.pool().nodes().filter(is_ready).collect();
        let is_lost = views.iter().all(|node| *node.node.name != *lost);
        // With regions, and by other strategies, the penalty does not decide.
        if options.strategy != 0 || options.has_regions || options.returns_home || !is_lost {
            return None;
        }
        // What was told since the choice was made cannot have led to it.
        let is_settled = |node: &&NodeView| {
            let host = self.names.iter().position(|name| **name == *node.node.name);
            host.is_some_and(|host| self.oracle.told.is_settled(host, self.world.now()))
        };
        let mut settled = views.iter().filter(is_settled);
        let chosen = settled.find(|node| *node.node.name == *chosen)?;
        let may_take = |node: &&NodeView| is_settled(node) && !node.draining && !node.failing;
        let others = views.iter().filter(may_take);
        others
            .map(|node| (node.node.name.to_string(), chosen.penalty - node.penalty))
            .find(|(_, by)| *by > PENALTY_APART_MAX)
    }
}

/// A move takes no longer than that, mostly.
const CHOSEN_WITHIN: Duration = Duration::from_secs(20);
/// Five players: others may have come between the choice and its confirmation.
const PENALTY_APART_MAX: f64 = 7.5;
