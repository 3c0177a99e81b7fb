//! What a node is asked again after a pause, each when its own is over.

use std::time::Duration;

use super::answers::{RESEND_AFTER, RESEND_AFTER_MAX};
use super::requests::RETRY_AFTER_MAX;
use super::tables::Tables;
use super::timers::Timer;
use crate::id::NodeId;
use crate::node::{Job, LaneKind};
use crate::time::Timestamp;

impl Tables {
    /// Asks again after a pause, which grows while the node goes on failing. One that is not ready
    /// is asked nothing: what it is asked is lined up anew when it is.
    pub(super) fn postpone(
        &mut self,
        id: NodeId,
        job: Job,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) {
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        if !node.is_ready() {
            return;
        }
        node.setbacks = node.setbacks.saturating_add(1);
        if job == Job::Players {
            node.unlisted = node.unlisted.saturating_add(1);
            if node.unlisted > UNLISTED_MAX || node.is_unlisted {
                return self.players_unlisted(id, now);
            }
        }
        let pause = RESEND_AFTER
            .saturating_mul(node.setbacks)
            .min(RESEND_AFTER_MAX);
        let pause = pause.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX));
        self.postpone_for(id, job, pause, now);
    }

    /// Asks again after this pause.
    pub(super) fn postpone_for(&mut self, id: NodeId, job: Job, pause: Duration, now: Timestamp) {
        if let Some(node) = self.node_mut(id) {
            node.postponed.push((now + pause, job));
            self.await_postponed(id);
        }
    }

    /// Arms the node's timer for what it is asked again first.
    fn await_postponed(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        self.timers.clear(&mut node.postponed_timer);
        let first = node.postponed.iter().map(|(at, _)| *at).min();
        node.postponed_timer = first.map(|at| self.timers.arm(at, Timer::Postponed(id)));
    }

    fn ask_again(&mut self, id: NodeId, job: Job, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let was_given_up = !node.reconciling;
        let lane = node.lane(super::lanes::kind_of(job));
        match job {
            Job::Players if was_given_up => self.list_again(id, now),
            // What must not go before it may be in front by now.
            Job::Players => lane.push_first(job),
            _ => lane.push(job),
        }
    }

    /// The node is asked again for its players as when it was resumed: between what is on its way
    /// about them and what is to go.
    fn list_again(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        if node.control.is_quiet() {
            node.reconciling = true;
            node.control.push_first(Job::Players);
        } else {
            self.postpone_for(id, Job::Players, RESEND_AFTER, now);
        }
    }

    /// A pause is over.
    pub(super) fn postponed_due(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let due = node.postponed.extract_if(.., |(at, _)| *at <= now);
        for (_, job) in due.collect::<Vec<_>>() {
            self.ask_again(id, job, now);
        }
        self.await_postponed(id);
        self.note_lane(id, LaneKind::Control);
        self.note_lane(id, LaneKind::Lookup);
    }
}

/// How often in a row a node may fail to list its players before they are sent to it unseen.
const UNLISTED_MAX: u8 = 3;
