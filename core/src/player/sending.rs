//! What of a player its node has yet to be sent: what that is, when it may go, and who waits.

use crate::id::{CommandId, NodeId};
use crate::player::{Busy, Desired, Fields, Player, Stage, Volume, Waiting};
use crate::protocol::VoiceState;
use crate::time::Timestamp;

impl Player {
    /// The fields that its node has yet to confirm.
    pub(crate) const fn pending(&self) -> Fields {
        self.unsent.with(self.stage.in_flight())
    }

    /// As [`pending`](Self::pending), of the node that it is on: one that it is led over to is told
    /// all of it, most of which stands already.
    pub(crate) fn awaited(&self) -> Fields {
        match &self.busy {
            Some(busy) if self.is_led_over() => busy.left,
            _ => self.pending(),
        }
    }

    /// Whether the next PATCH must wait for Discord's voice updates.
    pub(crate) fn awaits_voice(&self) -> bool {
        self.busy
            .as_ref()
            .is_some_and(|busy| busy.voice_timer.is_some())
    }

    /// The fields that a node without this player must be sent.
    pub(crate) fn substance(&self) -> Fields {
        let wanted = &self.wanted;
        let mut fields = Fields::NONE;
        if wanted.track.is_some() {
            fields = fields.with(Fields::TRACK).with(Fields::POSITION);
            if wanted.end_time_ms.is_some() {
                fields = fields.with(Fields::END_TIME);
            }
        }
        if wanted.paused {
            fields = fields.with(Fields::PAUSED);
        }
        if wanted.volume != Volume::default() {
            fields = fields.with(Fields::VOLUME);
        }
        if wanted.filters.is_some() {
            fields = fields.with(Fields::FILTERS);
        }
        if self.has_voice() {
            fields = fields.with(Fields::VOICE);
        }
        fields
    }

    /// Marks everything unsent that a node without this player must be sent, and remembers what
    /// the node that it leaves has not been sent. Returns the commands that are done by that:
    /// those that took away what the new node never had.
    pub(crate) fn pack(&mut self) -> Vec<Waiting> {
        let left = self.unsent;
        // A value that equals the default is sent only if somebody waits for it.
        self.unsent = self.substance().with(left.and(Fields::KEPT));
        self.awaits_start = self.wanted.track.is_some();
        let pending = self.unsent;
        if self.busy.is_none() && left.is_empty() && !self.is_led_over() {
            // Thousands may be lost at once: one that nobody waits for needs nothing before its
            // turn.
            return Vec::new();
        }
        let busy = self.busy();
        (busy.left, busy.is_burnt) = (left, false);
        busy.refusals = 0;
        busy.refused = Fields::NONE;
        (busy.needs_voice, busy.pause_waits) = (false, false);
        busy.failures = 0;
        busy.was_repeated = false;
        busy.left_doubtful = std::mem::take(&mut busy.doubtful);
        busy.settle_except(pending)
    }

    /// Turns back to the node that it was leaving: that has yet to be sent what it had not been
    /// sent before, and what was set since.
    pub(crate) fn unpack(&mut self, now: Timestamp) {
        self.recall();
        self.follow_behind(now);
        self.unsent = Fields::NONE;
        if let Some(busy) = &mut self.busy {
            self.unsent = busy.left;
            (busy.refusals, busy.refused) = (0, Fields::NONE);
            (busy.needs_voice, busy.pause_waits) = (false, false);
            busy.doubtful = std::mem::take(&mut busy.left_doubtful);
            if busy.is_burnt {
                self.begin_elsewhere(now);
            }
        }
    }

    /// As [`unpack`](Self::unpack); what it plays had started on that node, unless that has yet to
    /// be sent it.
    pub(crate) fn turn_back(&mut self, now: Timestamp) {
        self.unpack(now);
        self.awaits_start = self.plays() && self.unsent.has(Fields::TRACK);
    }

    /// What is on its way is sent no more, and may have arrived.
    pub(crate) fn doubt_what_is_sent(&mut self) {
        let sent = self.stage.in_flight();
        let overtaken = self.recall();
        if let Some(sent_at) = self.busy.as_ref().map(|busy| busy.sent_at)
            && !sent.is_empty()
        {
            self.doubt(sent, overtaken, sent_at);
        }
    }

    /// The node that it leaves does not have it any more: to turn back is to be made again there.
    pub(crate) fn burn_bridges(&mut self) {
        self.busy().is_burnt = true;
    }

    /// Remembers what is confirmed, before something else is asked for. While nothing is on its way
    /// that changes it, the present place is that of the confirmed play.
    pub(crate) fn begin_from_here(&mut self) {
        let changing = Fields::TRACK.with(Fields::POSITION).with(Fields::PAUSED);
        let is_settled = !self.pending().has(changing);
        let (clock, play) = (self.wanted.clock, self.wanted.present_play());
        let is_told = self.is_start_told();
        let busy = self.busy();
        if is_settled {
            busy.base.clock = clock;
        }
        if busy.base.present_play() == play {
            busy.is_base_told = is_told;
        }
    }

    /// Forgets that a PATCH is on its way: whether it arrived is not known. Returns what of it is
    /// overtaken: the application has asked for something else since.
    pub(crate) fn recall(&mut self) -> Fields {
        let fields = self.stage.answered();
        let overtaken = self.unsent.and(fields);
        self.unsent = self.unsent.with(fields);
        if let Some(busy) = &mut self.busy {
            busy.recall();
        }
        overtaken
    }

    /// Whether the node that it goes to was asked, and may have done so, or a part of it.
    pub(crate) fn is_perhaps_there(&self) -> bool {
        let was_asked = |busy: &Busy| busy.refusals > 0 || !busy.doubtful.is_empty();
        self.busy.as_deref().is_some_and(was_asked) || matches!(self.stage, Stage::Resting(_))
    }

    /// These fields were sent then, and whether they arrived is not known: those that are overtaken
    /// are yet to be sent in any case. What a node that it goes to may have does not matter to the
    /// one that it leaves.
    pub(crate) fn doubt(&mut self, fields: Fields, overtaken: Fields, sent_at: Timestamp) {
        let is_here = !self.is_moving();
        let busy = self.busy();
        busy.doubtful = busy.doubtful.with(fields.without(overtaken));
        if is_here && fields.has(Fields::TRACK) {
            busy.is_sure = false;
            busy.base.clock.run(false, sent_at);
        }
    }

    /// Whether there is all that a node needs for the voice connection.
    pub(crate) fn has_voice(&self) -> bool {
        self.voice.as_ref().is_some_and(|voice| voice.is_complete())
    }

    /// The voice connection is to be made anew, also on a node that the player may yet stay on.
    pub(crate) fn renew_voice(&mut self) {
        self.unsent = self.unsent.with(Fields::VOICE);
        let is_moving = self.is_moving();
        let busy = self.busy();
        if is_moving {
            mark!(ToldOnTheMove);
            busy.left = busy.left.with(Fields::VOICE);
        }
    }

    /// The voice connection, if it is one of the fields to be sent.
    pub(crate) fn voice_to_send(&self, fields: Fields) -> Option<VoiceState> {
        let voice = self.voice.as_ref().filter(|_| fields.has(Fields::VOICE));
        voice.and_then(|voice| voice.complete())
    }

    /// Whether there is anything to send that may be sent now, and is not lined up already.
    pub(crate) fn may_send(&self) -> bool {
        let is_free = match self.stage {
            Stage::Idle | Stage::ToLookAt | Stage::Looking { .. } => true,
            // The play that is asked about is not wanted any more.
            Stage::Asked { .. } => !self.must_check(),
            Stage::Queued | Stage::Sent { .. } | Stage::Resting(_) => false,
        };
        is_free && self.has_to_send()
    }

    /// Whether it is a play that must not be sent twice; to stop twice does no harm.
    pub(crate) fn must_check(&self) -> bool {
        let is_doubtful = self
            .busy
            .as_ref()
            .is_some_and(|busy| busy.doubtful.has(Fields::TRACK));
        is_doubtful && self.plays() && self.unsent.has(Fields::TRACK)
    }

    /// Whether it waits in this node's lane: a job may lie there that it has left behind.
    pub(crate) fn is_queued_at(&self, id: NodeId) -> bool {
        self.stage == Stage::Queued && self.target() == Some(id)
    }

    /// Whether it waits in this node's lane to be looked at.
    pub(crate) fn is_to_be_looked_at(&self, id: NodeId) -> bool {
        self.stage == Stage::ToLookAt && self.target() == Some(id)
    }

    /// Nothing is to be sent any more of a voice connection that is gone.
    pub(crate) fn drop_lost_voice(&mut self) {
        if !self.has_voice() {
            self.unsent = self.unsent.without(Fields::VOICE);
        }
    }

    /// The node refused what it was sent: whether that is worth another try. The server answers
    /// 500 to what it cannot decode, and to passing troubles. It may be the fault of the voice
    /// connection, which can be made anew: so the rest is tried without, unless another node may
    /// take all of it.
    pub(crate) fn may_be_sent_again(&mut self, status: u16) -> bool {
        let in_flight = self.stage.in_flight();
        let rest = match self.is_moving() {
            true => in_flight,
            false => in_flight.without(Fields::VOICE),
        };
        let busy = self.busy();
        busy.refusals = busy.refusals.saturating_add(1);
        let is_first = busy.refusals == 1 && status >= 500;
        let is_parted = is_first && !rest.is_empty();
        mark!(RefusedWithVoice if is_parted && rest != in_flight);
        busy.refused = if is_parted { rest } else { in_flight };
        if is_first && rest == Fields::PAUSED && rest != in_flight && busy.needs_voice {
            // The pause alone would be refused.
            (busy.refused, busy.pause_waits) = (Fields::VOICE, true);
        }
        is_first
    }

    /// Whether all that the node refused is a voice connection, and a pause that waits for that
    /// from now on.
    pub(crate) fn refused_voice_alone(&mut self, refused: Fields) -> bool {
        let busy = self.busy();
        let is_alone = match busy.needs_voice {
            true => refused.without(Fields::PAUSED) == Fields::VOICE,
            false => refused == Fields::VOICE,
        };
        busy.pause_waits |= is_alone && refused.has(Fields::PAUSED);
        is_alone
    }

    /// What of the unsent the node may be sent.
    fn sendable(&self) -> Fields {
        let is_beside_voice = self.unsent.has(Fields::VOICE);
        let waits = self.busy.as_ref().is_some_and(|busy| {
            // It goes with a new connection, unless that was refused already.
            busy.pause_waits && (busy.refusals > 0 || !is_beside_voice)
        });
        if waits && self.wanted.paused {
            self.unsent.without(Fields::PAUSED)
        } else {
            self.unsent
        }
    }

    /// Whether the node has confirmed all that it may be sent: a pause that waits for a voice
    /// connection may wait for ever.
    pub(crate) fn is_told(&self) -> bool {
        self.sendable().is_empty() && self.stage.in_flight().is_empty()
    }

    /// Whether there is anything that the node may be sent.
    pub(crate) fn has_to_send(&self) -> bool {
        !self.sendable().is_empty() && !self.awaits_voice()
    }

    /// Takes what the next PATCH sends: everything, or what was refused before by itself.
    pub(crate) fn take_unsent(&mut self) -> Fields {
        let refused = self.busy.as_ref().map_or(Fields::NONE, |busy| busy.refused);
        let sendable = self.sendable();
        let again = sendable.and(refused);
        mark!(RefusedSentAlone if !again.is_empty() && again != sendable);
        let fields = if again.is_empty() { sendable } else { again };
        self.unsent = self.unsent.without(fields);
        fields
    }

    /// NodeLink refuses to end a pause as well without a voice connection: a player that is not
    /// paused is not told to go on. Returns the commands that are done by that.
    pub(crate) fn drop_needless_pause(&mut self) -> Vec<Waiting> {
        let was_paused = !self.is_moving() && self.busy().base.paused;
        let is_paused = self.wanted.paused || was_paused;
        if is_paused || self.was_told_voice() || !self.unsent.has(Fields::PAUSED) {
            return Vec::new();
        }
        self.unsent = self.unsent.without(Fields::PAUSED);
        let pending = self.pending();
        self.busy().settle_except(pending)
    }

    /// NodeLink refuses a pause without a voice connection: a player on its way that has nothing
    /// else to be told arrives, and its pause waits for a connection there.
    pub(crate) fn hold_lone_pause(&mut self) {
        let is_lone = self.unsent == Fields::PAUSED && self.wanted.paused;
        if is_lone && self.is_moving() && !self.was_told_voice() {
            self.busy().pause_waits = true;
        }
    }

    /// Whether the node has what it needs for the voice connection, or is sent it just now.
    fn was_told_voice(&self) -> bool {
        self.has_voice() && !self.unsent.has(Fields::VOICE)
    }

    /// NodeLink refuses a pause without a voice connection, with all that is sent beside it: the
    /// pause follows the connection, and the rest goes before. Returns the rest.
    pub(crate) fn keep_pause_back(&mut self, fields: Fields, sent: &mut Desired) -> Fields {
        self.busy().needs_voice = true;
        let rest = fields.without(Fields::PAUSED);
        if self.was_told_voice() || rest.is_empty() || !sent.tells_pause(fields) {
            return fields;
        }
        mark!(PauseKeptBack);
        self.unsent = self.unsent.with(Fields::PAUSED);
        self.busy().pause_waits = true;
        sent.paused = false;
        rest
    }

    /// The fields are on their way: a play with all that belongs to it, unless that was set since.
    pub(crate) fn note_sent(&mut self, fields: Fields, sent: Desired, now: Timestamp) {
        let brought = fields.with_play().without(self.unsent);
        self.busy().send(brought, sent, now);
    }

    /// Lets the command wait for the fields that it sets. Returns the commands that are overridden
    /// by that, and whether there is nothing to wait for.
    pub(crate) fn enlist(
        &mut self,
        command: CommandId,
        set: Fields,
        changed: Fields,
    ) -> (Vec<Waiting>, bool) {
        let mut overridden = changed;
        if changed.has(Fields::TRACK) {
            // What belonged to the play before goes with it.
            overridden = overridden.with(Fields::PLAY).with(Fields::PAUSED);
        }
        let superseded = self.busy().supersede(overridden);
        // A value that is set already may still be on its way: its confirmation is this one's, and
        // so is that of a play which brings it.
        let pending = self.awaited();
        let mut waits = set.and(pending).with(changed);
        let is_brought = set.without(changed).has(Fields::PLAY);
        if is_brought && pending.has(Fields::TRACK) {
            mark!(WaitsForThePlay if !changed.has(Fields::TRACK));
            waits = waits.with(Fields::TRACK);
        }
        let in_flight = waits.and(self.stage.in_flight()).without(self.unsent);
        mark!(WaitsForWhatIsSent if !in_flight.is_empty());
        if !waits.is_empty() {
            self.busy()
                .wait(command, waits.without(in_flight), in_flight);
        }
        (superseded, waits.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::{Move, Placement, PlayerId, Source, Update};
    use crate::protocol::GuildId;

    const NOW: Timestamp = Timestamp::from_millis(1_000);
    const PAUSE_AND_VOICE: Fields = Fields::PAUSED.with(Fields::VOICE);

    fn player() -> Player {
        let id = PlayerId {
            slot: 0,
            generation: 0,
        };
        Player::new(id, GuildId::new(1).expect("not 0"), 0)
    }

    /// A player that a node is being sent these fields of, but for the answer.
    fn sending(fields: Fields) -> Player {
        let mut player = player();
        player.stage = Stage::Sent {
            exchange: 1,
            fields,
        };
        player
    }

    #[test]
    fn a_player_that_is_led_over_awaits_nothing_that_the_node_it_is_on_has() {
        let node = |slot| NodeId {
            slot,
            generation: 0,
        };
        let mut player = player();
        player.wanted.paused = true;
        player.place = Placement::Moving {
            from: node(0),
            to: node(1),
            why: Move::Ordered,
        };
        assert_eq!(player.pack().len(), 0);
        assert_eq!(player.awaited(), Fields::NONE);
    }

    #[test]
    fn the_confirmed_play_is_told_to_have_begun_whatever_is_asked_for_after_it() {
        let mut player = player();
        player.ask(Update::play(Source::encoded("QAAA")), false, NOW);
        player.unsent = Fields::NONE;
        player.busy().base = player.wanted.clone();
        player.start_told();
        for next in ["QBBB", "QCCC"] {
            player.ask(Update::play(Source::encoded(next)), false, NOW);
            assert!(player.busy().is_base_told, "{next}");
        }
    }

    #[test]
    fn a_node_that_was_asked_nothing_or_answered_everything_has_nothing_unknown() {
        let mut player = player();
        assert!(!player.is_perhaps_there());
        player.busy();
        assert!(!player.is_perhaps_there());
        player.busy().refusals = 1;
        assert!(player.is_perhaps_there());
        player.busy().refusals = 0;
        player.busy().doubtful = Fields::VOLUME;
        assert!(player.is_perhaps_there());
    }

    #[test]
    fn what_failed_once_is_sent_once_more_without_what_was_asked_for_since() {
        for fields in [Fields::VOICE, Fields::PAUSED, Fields::VOLUME] {
            let mut player = sending(fields);
            assert!(player.may_be_sent_again(500));
            player.recall();
            (player.wanted.paused, player.unsent) = (true, player.unsent.with(Fields::FILTERS));
            assert_eq!(player.take_unsent(), fields);
            assert_eq!(player.take_unsent(), Fields::FILTERS);
        }
    }

    #[test]
    fn a_pause_that_waits_goes_beside_a_voice_connection_that_was_not_refused() {
        for (refusals, expected) in [(0, PAUSE_AND_VOICE), (1, Fields::VOICE)] {
            let mut player = player();
            player.unsent = PAUSE_AND_VOICE;
            player.wanted.paused = true;
            player.busy().pause_waits = true;
            player.busy().refusals = refusals;
            assert_eq!(player.take_unsent(), expected, "{refusals}");
        }
    }

    #[test]
    fn a_pause_that_was_refused_beside_a_voice_connection_waits_for_the_next_one() {
        let mut player = player();
        assert!(!player.refused_voice_alone(PAUSE_AND_VOICE));
        assert!(!player.busy().pause_waits);
        player.busy().needs_voice = true;
        assert!(player.refused_voice_alone(PAUSE_AND_VOICE));
        assert!(player.busy().pause_waits);
    }

    #[test]
    fn the_end_of_a_pause_is_told_to_the_node_that_has_the_pause() {
        let mut player = player();
        player.unsent = Fields::PAUSED;
        player.busy().base.paused = true;
        assert_eq!(player.drop_needless_pause().len(), 0);
        assert_eq!(player.unsent, Fields::PAUSED);
    }

    #[test]
    fn what_a_play_that_is_not_confirmed_brings_is_not_confirmed_either() {
        let mut player = player();
        let command = CommandId(1);
        assert!(player.enlist(command, Fields::USER_DATA, Fields::NONE).1);
        player.unsent = Fields::TRACK;
        assert!(!player.enlist(command, Fields::USER_DATA, Fields::NONE).1);
    }
}
