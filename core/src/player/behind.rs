//! [`Behind`]: what a lost player has left behind, where it may still play; and what a node still
//! plays of one that it is to delete, and to begin again after that.

use crate::id::NodeId;
use crate::node::{Last, Pulse};
use crate::player::{Desired, Fields, Player, Position};
use crate::time::Timestamp;

/// The copy of a player on the node that it was lost from, while it is on its way to another. If
/// the session is resumed meanwhile that copy has played on, and the player may yet stay with it.
/// Or the one that its node is to delete first: that plays on until then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behind {
    node: NodeId,
    clock: Position,
    end_time_ms: Option<u64>,
    /// Whether its node is to delete it, and to begin the player again after that.
    is_to_go: bool,
}

impl Behind {
    /// What a player that is to be like this leaves there.
    pub(crate) fn new(node: NodeId, wanted: &Desired) -> Self {
        Self {
            node,
            clock: wanted.clock,
            end_time_ms: wanted.end_time_ms,
            is_to_go: false,
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

    /// Its node is to delete it, and to begin it again after that.
    pub(crate) fn leave_copy(&mut self, node: NodeId) {
        let copy = Behind {
            is_to_go: true,
            ..Behind::new(node, &self.wanted)
        };
        self.busy().behind = Some(copy);
    }

    /// That copy is gone, since now or since no report came any more: the player goes on from where
    /// it was.
    pub(crate) fn follow_copy(&mut self, node: NodeId, pulse: Pulse, now: Timestamp) {
        let is_it = |behind: &mut Behind| behind.node == node && behind.is_to_go;
        let behind = self.busy.as_mut().map(|busy| &mut busy.behind);
        let Some(copy) = behind.and_then(|behind| behind.take_if(is_it)) else {
            return;
        };
        let known_at = copy.clock.known_at();
        let is_silent = copy.clock.is_running() && pulse.is_overdue(known_at, now);
        if self.plays() {
            (self.wanted.clock, self.wanted.end_time_ms) = (copy.clock, copy.end_time_ms);
            let until = if is_silent { known_at } else { now };
            self.wanted.clock.run(false, until);
            self.wanted.rebase(now);
        }
    }

    /// Something is asked for that the copy does not have, if its node is to delete that.
    pub(crate) fn forget_copy(&mut self) {
        if let Some(busy) = &mut self.busy {
            busy.behind = busy.behind.filter(|behind| !behind.is_to_go);
        }
    }

    /// It is back on its node: what it left behind there is the player itself, but for a copy that
    /// the node is yet to delete.
    pub(crate) fn rejoin(&mut self) {
        if let Some(busy) = &mut self.busy {
            busy.behind = busy.behind.filter(|behind| behind.is_to_go);
        }
    }

    /// The node says where its copy is, if that is the one that was left behind.
    pub(crate) fn hear_behind(
        &mut self,
        node: NodeId,
        position_ms: u64,
        is_connected: bool,
        now: Timestamp,
    ) {
        if self.is_moving() && self.target() == Some(node) {
            // What it begins there again.
            return;
        }
        let is_running = is_connected && !self.wanted.paused;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::{PlayerId, Source, Update};
    use crate::protocol::GuildId;

    const NOW: Timestamp = Timestamp::from_millis(1_000);
    const NODE: NodeId = NodeId {
        slot: 0,
        generation: 0,
    };

    #[test]
    fn what_a_lost_player_left_behind_is_not_gone_back_to_when_it_is_deleted() {
        for (is_to_go, expected_ms) in [(true, 5_000), (false, 60_000)] {
            let id = PlayerId {
                slot: 0,
                generation: 0,
            };
            let mut player = Player::new(id, GuildId::new(1).expect("not 0"), 0);
            player.ask(Update::play(Source::encoded("QAAA")), false, NOW);
            player.leave_copy(NODE);
            if let Some(behind) = &mut player.busy().behind {
                behind.is_to_go = is_to_go;
            }
            player.hear_behind(NODE, 5_000, true, NOW);
            player.wanted.clock.begin(60_000, u64::MAX, NOW);
            player.rejoin();
            player.follow_copy(NODE, Pulse::default(), NOW);
            let place_ms = player.wanted.clock.position_ms(NOW);
            assert_eq!(place_ms, expected_ms, "{is_to_go}");
        }
    }
}
