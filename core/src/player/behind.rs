//! [`Behind`]: what a lost player has left behind, where it may still play.

use crate::id::NodeId;
use crate::node::Last;
use crate::player::{Desired, Fields, Player, Position};
use crate::time::Timestamp;

/// The copy of a player on the node that it was lost from, while it is on its way to another. If
/// the session is resumed meanwhile that copy has played on, and the player may yet stay with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behind {
    node: NodeId,
    clock: Position,
    end_time_ms: Option<u64>,
}

impl Behind {
    /// What a player that is to be like this leaves there.
    pub(crate) fn new(node: NodeId, wanted: &Desired) -> Self {
        Self {
            node,
            clock: wanted.clock,
            end_time_ms: wanted.end_time_ms,
        }
    }
}

impl Player {
    /// It begins to leave the lost node; the next target is sent what this one does not know of.
    /// Where nothing of a busy player is there yet, [`Player::busy`] begins with this.
    pub(crate) fn leave_behind(&mut self, node: NodeId) {
        if let Some(busy) = &mut self.busy {
            busy.behind
                .get_or_insert_with(|| Behind::new(node, &self.wanted));
        }
    }

    /// The node says where its copy is, if that is the one that was left behind.
    pub(crate) fn hear_behind(&mut self, node: NodeId, position_ms: u64, now: Timestamp) {
        if self.target() == Some(node) {
            // What it begins there again.
            return;
        }
        let is_running = !self.wanted.paused;
        let behind = self.busy.as_mut().and_then(|busy| busy.behind.as_mut());
        if let Some(behind) = behind.filter(|behind| behind.node == node) {
            behind.clock.report(position_ms, now);
            behind.clock.run(is_running, now);
        }
    }

    /// Whether it has left a copy behind on the node.
    pub(crate) fn has_left_behind(&self, node: NodeId) -> bool {
        let behind = self.busy.as_ref().and_then(|busy| busy.behind.as_ref());
        behind.is_some_and(|behind| behind.node == node)
    }

    /// The node with that copy is lost again, and was last heard then.
    pub(crate) fn lose_behind(&mut self, last: Last, now: Timestamp) {
        if let Some(behind) = self.busy.as_mut().and_then(|busy| busy.behind.as_mut()) {
            let lost_at = last.played_until(behind.clock.known_at(), now);
            behind.clock.run(false, lost_at);
        }
    }

    /// It does not go where it was on its way to: it is where that copy is, unless the application
    /// has sent it elsewhere.
    pub(crate) fn follow_behind(&mut self, now: Timestamp) {
        let Self { wanted, busy, .. } = self;
        let Some(busy) = busy else { return };
        let (left, behind) = (busy.left, busy.behind);
        let Some(behind) = behind.filter(|_| !left.has(Fields::TRACK.with(Fields::POSITION)))
        else {
            return;
        };
        let rate = wanted.clock.rate();
        wanted.clock = behind.clock;
        wanted.clock.scale(rate, now);
        if !left.has(Fields::END_TIME) {
            wanted.end_time_ms = behind.end_time_ms;
        }
    }
}
