//! Sessions of a client before this one, whose players are not known yet.
//!
//! What such a node has is not known before it has listed its players. Until then a player that no
//! node was ever told of is put nowhere: another node would begin it anew, and what has played on
//! all the while would be destroyed for that.

use super::strategy::Needs;
use super::tables::Tables;
use super::timers::Timer;
use crate::id::NodeId;
use crate::player::PlayerId;
use crate::time::Timestamp;

impl Tables {
    /// New players wait for the node as long as those of a lost one wait for a healthy one.
    pub(super) fn await_inherited(&mut self, id: NodeId) {
        let by = self.now + self.config.timing.healthy_within;
        if let Some(node) = self.nodes.get_mut(id.slot, id.generation)
            && node.is_inherited
        {
            node.inherits_by = Some(self.timers.arm(by, Timer::Inherited(id)));
        }
    }

    /// Whether a player that is new here is put nowhere yet, as a node may turn out to have it.
    pub(super) fn awaits_inherited(&self) -> bool {
        let is_awaited = self.nodes.iter().any(|node| node.inherits_by.is_some());
        mark!(InheritanceAwaited if is_awaited);
        is_awaited
    }

    /// The best node for a new player, if it may be put on one yet.
    pub(super) fn choose_for_new(&mut self, needs: Needs<'_>) -> Option<NodeId> {
        if self.awaits_inherited() {
            return None;
        }
        self.choose(needs)
    }

    /// The node's session is not waited for any more, though it may still be resumed.
    pub(super) fn inherited_due(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        if node.inherits_by.is_some() {
            mark!(InheritanceGivenUp);
            self.timers.clear(&mut node.inherits_by);
            self.place_waiting_players(now);
        }
    }

    /// What was asked of a play before it was known whether there is one is asked of that, as soon
    /// as it is.
    pub(super) fn settle_aside(&mut self, id: PlayerId) {
        let busy = self.player(id).and_then(|player| player.busy.as_ref());
        if busy.is_none_or(|busy| busy.aside.is_none()) || self.is_unknown(id) {
            return;
        }
        let now = self.now;
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.ask_what_is_aside(now);
        let pending = player.pending();
        let settled = player.busy().settle_except(pending);
        self.answer_settled(settled);
        self.player_changed(id);
    }

    /// What players the session has is known, or not to be known.
    pub(super) fn inherited_known(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(id.slot, id.generation) {
            node.is_inherited = false;
            self.timers.clear(&mut node.inherits_by);
        }
    }
}
