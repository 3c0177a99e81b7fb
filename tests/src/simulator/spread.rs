//! Whether players that lost their node go where there is room.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use lavapool_core::Event;
use lavapool_core::node::{NodeView, Status};

use super::Simulation;
use crate::invariant::Invariant;
use crate::world::Traced;

/// What servers, by their index, said of their load.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// When they last did.
    last: BTreeMap<usize, Duration>,
    /// What the pool has to pass on, and since when.
    open: VecDeque<(usize, Duration)>,
    /// The client is closing: it listens to nobody any more.
    is_closing: bool,
}

impl Told {
    pub(super) fn hear(&mut self, host: usize, at: Duration, is_owed: bool) {
        self.last.insert(host, at);
        if is_owed && !self.is_closing {
            self.open.push_back((host, at));
        }
    }

    /// The client was told to close.
    pub(super) fn closes(&mut self) {
        self.is_closing = true;
        self.open.clear();
    }

    /// Nobody passes on what the client before was told.
    pub(super) fn new_client(&mut self) {
        self.is_closing = false;
        self.open.clear();
    }

    /// Whether the server told nothing for a while.
    fn is_settled(&self, host: usize, now: Duration) -> bool {
        let told = self.last.get(&host);
        told.is_some_and(|at| now.saturating_sub(*at) > CHOSEN_WITHIN)
    }
}

impl Simulation {
    /// Judges whether the application is told at once what nodes say of their load.
    pub(super) fn judge_told(&mut self, at: Duration, traced: &Traced) {
        let open = &mut self.oracle.told.open;
        if let Traced::Event(Event::NodeStats { node, .. }) = traced {
            let is_it = |(host, _): &(usize, Duration)| *self.names[*host] == *node.name;
            open.iter().position(is_it).map(|place| open.remove(place));
        }
        if let Some((host, said_at)) = open.front().copied().filter(|(_, said_at)| *said_at < at) {
            open.pop_front();
            let name = self.name(host);
            self.fail(Invariant::LoadTold, || {
                format!("{name} said at {said_at:?} what its load is, and nobody was told")
            });
        }
    }

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

    /// Judges where the next player would go, which the application may ask for as well.
    pub(super) fn judge_best(&mut self) {
        let pool = self.world.pool();
        let (0, Some(best)) = (self.plan.options.strategy, pool.best_node()) else {
            return;
        };
        // One that has not told its load is judged by the others.
        let may_take = |node: &NodeView| {
            node.status == Status::Connected
                && !node.draining
                && !node.failing
                && node.stats.is_some()
        };
        let views: Vec<_> = pool.nodes().filter(may_take).collect();
        let Some(chosen) = views.iter().find(|node| node.node.id == best) else {
            return;
        };
        let by = |node: &NodeView| chosen.penalty - node.penalty;
        let better = views.iter().find(|node| by(node) > PENALTY_ROUNDED);
        if let Some(better) = better {
            let (best, better, by) = (&chosen.node.name, &better.node.name, by(better));
            let detail = format!("{best} is the best, with a penalty {by} above that of {better}");
            self.fail(Invariant::LoadSpread, || detail);
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
/// The pool keeps penalties as integers, to compare them at once.
const PENALTY_ROUNDED: f64 = 0.5;
