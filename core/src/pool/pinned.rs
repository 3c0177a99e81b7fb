//! New players whose node the application chose.

use super::tables::Tables;
use super::timers::Timer;
use crate::id::NodeId;
use crate::node::Node;
use crate::player::{Placement, PlayerId};
use crate::time::Timestamp;

impl Tables {
    /// A node that is not there is waited for as long as the players of a lost one wait for a
    /// healthy one.
    pub(super) fn await_pinned(&mut self, id: PlayerId, node: NodeId, now: Timestamp) {
        if self.node(node).is_some_and(Node::is_ready) {
            return;
        }
        let by = now + self.config.timing.healthy_within;
        let timer = self.timers.arm(by, Timer::Pinned(id));
        if let Some(player) = self.player_mut(id) {
            player.change_plight(|plight| plight.pinned = Some(timer));
        }
    }

    /// The chosen node has not come: any other will do.
    pub(super) fn pinned_due(&mut self, id: PlayerId, now: Timestamp) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.change_plight(|plight| plight.pinned = None);
        let (guild, was_sent, place) = (player.guild, player.was_sent, player.place);
        let Placement::On(node) = place else {
            return;
        };
        if was_sent || self.node(node).is_some_and(Node::is_ready) {
            return;
        }
        self.unqueue(id, node);
        self.release(node, guild);
        if let Some(player) = self.player_mut(id) {
            player.pinned = false;
            player.place = Placement::Unplaced;
            player.regulate(now);
        }
        self.player_changed(id);
        self.node_changed(node);
        if !self.awaits_inherited()
            && let Some(other) = self.choose_for(id, &[node])
        {
            self.put(id, other, now);
        }
        self.check_drained(node);
    }
}
