//! Where a lost player goes when a target fails it, or refuses it.
//!
//! | the target | another node that has not had its turn | all have had it | no other |
//! |---|---|---|---|
//! | does not answer | at once, then after pauses | after a pause | the same after a pause |
//! | cannot let go of what it may have | at once | at once | waited for |
//! | refuses the track, as the first node | at once | at once | the track is dropped |
//! | refuses the track, the same node again | at once | the track is dropped | |
//! | refuses the track, as the second node | the track is dropped | | |
//! | takes all but the voice connection | at once | arrives without | arrives without |
//!
//! Before a track is dropped that went with a voice connection it is tried without: if it is taken
//! then, it is not dropped any more: others are asked for the voice connection, and if none of
//! them makes it the player goes where it is played at least.
//! A player whose target failed it goes to the next node that is ready.

use std::time::Duration;

use super::tables::Tables;
use crate::error::{NodeFailure, RequestError};
use crate::id::NodeId;
use crate::node::Node;
use crate::player::{Blame, Fields, Move, Placement, Player, PlayerId, Stage};
use crate::protocol::GuildId;
use crate::time::Timestamp;

impl Tables {
    /// The best node for a lost player after one that failed it: first one that has not, then any
    /// other one.
    pub(super) fn next_target(&mut self, id: PlayerId, failed: NodeId) -> Option<NodeId> {
        let next = self.untried_target(id, failed);
        if next.is_some() {
            return next;
        }
        // All have had their turn.
        self.player_mut(id)?.busy().tried = vec![failed];
        self.choose_for(id, &[failed])
    }

    /// Each node may have it again.
    pub(super) fn forget_tried(&mut self, id: PlayerId) {
        if let Some(busy) = self.player_mut(id).and_then(|player| player.busy.as_mut()) {
            busy.tried = Vec::new();
        }
    }

    /// As [`Self::next_target`], of those that have not had their turn.
    fn untried_target(&mut self, id: PlayerId, failed: NodeId) -> Option<NodeId> {
        let busy = self.player_mut(id)?.busy();
        if !busy.tried.contains(&failed) {
            busy.tried.push(failed);
        }
        let tried = busy.tried.clone();
        self.choose_for(id, &tried)
    }

    /// The target did not answer: the next one is tried, and this one must not keep the player.
    pub(super) fn move_failed(&mut self, id: PlayerId, failure: NodeFailure, now: Timestamp) {
        let Some(player) = self.player(id) else {
            return;
        };
        let Placement::Moving { from, to, why, .. } = player.place else {
            return;
        };
        self.forsake(id);
        match why {
            Move::Ordered => {
                mark!(OrderedMoveFailed);
                self.call_off(id, from, RequestError::NodeFailed(failure), now);
            }
            Move::Lost => self.try_next(id, from, to, failure, now),
        }
    }

    /// Another target; the same again after a pause, if there is no other.
    fn try_next(
        &mut self,
        id: PlayerId,
        from: NodeId,
        failed: NodeId,
        failure: NodeFailure,
        now: Timestamp,
    ) {
        if from != failed && self.still_has(id, from) {
            self.left_group(from, failed, None);
            return self.call_off(id, from, RequestError::NodeFailed(failure), now);
        }
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let failures = player.busy().failures.saturating_add(1);
        player.busy().failures = failures;
        let mut pause = Duration::from_secs(u64::from(failures).min(10));
        if let Some(to) = self.next_target(id, failed) {
            mark!(AnotherTargetTried);
            self.try_instead(id, to, failure, now);
            // The first other one is asked at once. If that fails as well, it may be the player's
            // fault, and no node is to be asked over and over.
            pause -= Duration::from_secs(1);
        } else {
            mark!(SameTargetTriedAgain);
        }
        let Some(player) = self.player_mut(id).filter(|player| player.is_moving()) else {
            return;
        };
        // What has started there after all is being deleted.
        player.awaits_start = player.wanted.track.is_some();
        if !pause.is_zero() {
            self.resend_later(id, pause, now);
        }
    }

    /// Another node is ready for a lost player whose target failed it: it waits for that no longer.
    pub(super) fn move_past(&mut self, id: PlayerId, now: Timestamp) {
        let target = self.player(id).and_then(Player::target);
        if let Some(target) = target
            && let Some(to) = self.untried_target(id, target)
        {
            mark!(HeldUpNoLonger);
            self.try_instead(id, to, NodeFailure::ConnectionLost, now);
        }
    }

    /// The target of a lost player cannot even let go of what it may have of it, before which
    /// nothing else of the guild may be sent there. That has pauses of its own, so this needs none.
    pub(super) fn move_blocked(&mut self, guild: GuildId, target: NodeId, now: Timestamp) {
        let is_blocked =
            |player: &&Player| player.is_lost_to(target) && player.stage == Stage::Idle;
        let id = self.player_of(guild);
        let player = id.and_then(|id| self.player(id)).filter(is_blocked);
        let Some(id) = player.map(|player| player.id) else {
            return;
        };
        if let Some(to) = self.next_target(id, target) {
            mark!(TargetCannotLetGo);
            self.try_instead(id, to, NodeFailure::ConnectionLost, now);
        }
    }

    /// Sends a lost player to this target instead of the one that failed it.
    fn try_instead(&mut self, id: PlayerId, to: NodeId, failure: NodeFailure, now: Timestamp) {
        self.forsake(id);
        self.movers_failed(id, failure);
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let Placement::Moving {
            from, to: failed, ..
        } = player.place
        else {
            return;
        };
        let failures = player.busy().failures;
        self.left_group(from, failed, None);
        self.start_move(id, from, to, Move::Lost, now);
        if let Some(player) = self.player_mut(id).filter(|player| player.is_moving()) {
            player.busy().failures = failures;
        }
        self.check_drained(failed);
    }

    /// The player does not come where these commands sent it.
    pub(super) fn movers_failed(&mut self, id: PlayerId, failure: NodeFailure) {
        let movers = self.player_mut(id).map(Player::take_movers);
        let failed = Err(RequestError::NodeFailed(failure));
        self.answer_all(movers.unwrap_or_default(), &failed);
    }

    /// The target must not keep what it may have made of the player.
    pub(super) fn forsake(&mut self, id: PlayerId) {
        let Some(player) = self.player(id) else {
            return;
        };
        let guild = player.guild;
        if let Some(target) = player.target() {
            self.bury(target, guild, None);
            self.release(target, guild);
        }
    }

    /// The target refused the player, and would again. If that may be the track's fault another
    /// node is tried, and two such refusals are enough; anything else is the node's.
    pub(super) fn move_rejected(
        &mut self,
        id: PlayerId,
        node: NodeId,
        status: u16,
        now: Timestamp,
    ) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let Placement::Moving { from, to, why, .. } = player.place else {
            return;
        };
        let in_flight = player.stage.in_flight();
        let is_superseded = in_flight.and(player.unsent).has(Fields::TRACK);
        let has_track = in_flight.has(Fields::TRACK) && player.wanted.track.is_some();
        player.recall();
        player.busy().refusals = 0;
        player.busy().refused = Fields::NONE;
        if is_superseded {
            // What is wanted now is another one, which the node has yet to be sent.
            return self.sync(id);
        }
        let failure = NodeFailure::Unavailable { status };
        let blame = player.busy().blame;
        let names_voice = in_flight.has(Fields::VOICE) && matches!(status, 400 | 500);
        let is_taken = matches!(blame, Blame::Voice(_));
        if names_voice && why == Move::Lost && (!has_track || is_taken) {
            if from != to && self.still_has(id, from) {
                return self.turn_back(id, RequestError::NodeFailed(failure), now);
            }
            return self.voice_refused_by(id, in_flight, failure, now);
        }
        if names_voice && why == Move::Ordered && status == 500 {
            // Whether it is the track's fault or that of the voice connection.
            return self.move_failed(id, failure, now);
        }
        if !has_track || !matches!(status, 400 | 500) {
            return self.move_failed(id, failure, now);
        }
        if !is_taken {
            player.busy().blame = Blame::Track(node);
        }
        if why == Move::Ordered {
            mark!(TrackRefusedOnTheMove);
            self.forsake(id);
            return self.call_off(id, from, RequestError::TrackUnplayable, now);
        }
        if from != to && self.still_has(id, from) {
            return self.turn_back(id, RequestError::TrackUnplayable, now);
        }
        let other = match blame {
            Blame::Nothing => self.next_target(id, node),
            // Others have failed since, and there may be more.
            Blame::Track(first) if first == node => self.untried_target(id, node),
            Blame::Track(_) | Blame::Either => None,
            // There it is played at least.
            Blame::Voice(taker) => Some(taker).filter(|taker| self.takes_again(*taker, node)),
        };
        match other {
            Some(other) => self.try_instead(id, other, failure, now),
            None if in_flight.has(Fields::VOICE) => self.try_without_voice(id, in_flight),
            None => self.drop_track(id, now),
        }
    }

    /// Whether a node that took a track without its voice connection may have it after this one.
    fn takes_again(&self, taker: NodeId, refused_by: NodeId) -> bool {
        let may_have_it = |node: &Node| node.is_ready() && !node.duty.gives_away();
        taker != refused_by && self.node(taker).is_some_and(may_have_it)
    }

    /// The target refused a lost player whose old node has come back and has it still.
    fn turn_back(&mut self, id: PlayerId, error: RequestError, now: Timestamp) {
        let Some(player) = self.player(id) else {
            return;
        };
        let Placement::Moving { from, to, .. } = player.place else {
            return;
        };
        mark!(RefusedAndBack);
        self.forsake(id);
        self.left_group(from, to, None);
        self.call_off(id, from, error, now);
    }

    /// The target of a lost player without a track refused what went with its voice connection: if
    /// no node takes that, the player arrives where it is, and the connection is made anew.
    fn voice_refused_by(
        &mut self,
        id: PlayerId,
        refused: Fields,
        failure: NodeFailure,
        now: Timestamp,
    ) {
        let Some(target) = self.player(id).and_then(Player::target) else {
            return;
        };
        if self.untried_target(id, target).is_some() {
            return self.move_failed(id, failure, now);
        }
        let Some(player) = self.player_mut(id) else {
            return;
        };
        if !player.refused_voice_alone(refused) {
            return self.try_without_voice(id, refused);
        }
        mark!(ArrivedWithoutVoice);
        self.arrived(id, target, now);
        self.player_changed(id);
        self.sync(id);
        self.settle_player(id);
    }

    /// No node takes the track of a lost player: perhaps for the voice connection that goes with
    /// it, which can be made anew where the player is.
    fn try_without_voice(&mut self, id: PlayerId, refused: Fields) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        mark!(TriedWithoutVoice);
        let busy = player.busy();
        (busy.refusals, busy.refused) = (1, refused.without(Fields::VOICE));
        if !matches!(busy.blame, Blame::Voice(_)) {
            busy.blame = Blame::Either;
        }
        self.sync(id);
    }

    /// The target took what it was sent. If that was all but the voice connection, which it had
    /// refused, the player goes on to a node that may make it: returns whether there is one.
    pub(super) fn goes_on_for_voice(&mut self, id: PlayerId, now: Timestamp) -> bool {
        let is_asked = |player: &&mut Player| {
            let is_without = !player.stage.in_flight().has(Fields::VOICE);
            let busy = player.busy.as_ref();
            let is_tried = busy.is_some_and(|busy| busy.blame == Blame::Either);
            is_tried && is_without && player.unsent.has(Fields::VOICE)
        };
        let Some(player) = self.player_mut(id).filter(is_asked) else {
            return false;
        };
        let Placement::Moving { from, to, .. } = player.place else {
            return false;
        };
        player.busy().blame = Blame::Voice(to);
        let other = match from != to && self.still_has(id, from) {
            true => None,
            false => match self.untried_target(id, to) {
                Some(other) => Some(other),
                None => return false,
            },
        };
        if let Some(player) = self.player_mut(id) {
            player.recall();
        }
        match other {
            Some(other) => {
                mark!(VoiceMadeElsewhere);
                let failure = NodeFailure::Unavailable { status: 500 };
                self.try_instead(id, other, failure, now);
            }
            // The old node has come back, and can be heard.
            None => self.turn_back(id, RequestError::TrackUnplayable, now),
        }
        true
    }
}
