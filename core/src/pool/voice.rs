//! Discord's voice updates, and what they do to a player.

use super::tables::Tables;
use crate::command::{VoiceServerUpdate, VoiceStateUpdate};
use crate::config::Fate;
use crate::error::RequestError;
use crate::event::{Event, Kinds};
use crate::id::NodeId;
use crate::player::{Fields, Placement, PlayerId, Voice, VoiceChange};
use crate::protocol::{GuildId, VoiceState};
use crate::time::Timestamp;
use crate::voice_code::{VoiceRecovery, VoiceTrouble};

impl Tables {
    /// Discord's `VOICE_STATE_UPDATE`; other users' are none of our business.
    pub(super) fn voice_state(&mut self, update: VoiceStateUpdate, now: Timestamp) {
        if update.user != self.config.user_id {
            return;
        }
        let VoiceStateUpdate {
            guild,
            channel,
            session_id,
            ..
        } = update;
        self.voice(guild, channel.is_some(), now, |voice| {
            voice.state(channel, &session_id)
        });
    }

    /// Discord's `VOICE_SERVER_UPDATE`.
    pub(super) fn voice_server(&mut self, update: VoiceServerUpdate, now: Timestamp) {
        let VoiceServerUpdate {
            guild,
            token,
            endpoint,
        } = update;
        let endpoint = endpoint.map(|endpoint| self.texts.share(&endpoint));
        self.voice(guild, true, now, |voice| voice.server(&token, endpoint));
    }

    /// A complete voice state.
    pub(super) fn voice_set(&mut self, guild: GuildId, mut state: VoiceState, now: Timestamp) {
        state.endpoint = self.texts.share(&state.endpoint);
        self.voice(guild, true, now, |voice| voice.set(state));
    }

    fn voice(
        &mut self,
        guild: GuildId,
        creates: bool,
        now: Timestamp,
        change: impl FnOnce(&mut Voice) -> VoiceChange,
    ) {
        let id = match self.player_of(guild) {
            Some(id) => id,
            None if creates => match self.player_unplaced(guild) {
                Some(id) => id,
                None => return,
            },
            None => return,
        };
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        let change = change(player.voice.get_or_insert_default());
        match change {
            VoiceChange::Gone => {
                player.unsent = player.unsent.without(Fields::VOICE);
                let busy = player.busy();
                busy.left = busy.left.without(Fields::VOICE);
                self.sync(id);
            }
            VoiceChange::None => self.voice_repeated(id, now),
            VoiceChange::Left => self.voice_left(id, now),
            VoiceChange::New => {
                player.renew_voice();
                if let Some(busy) = &mut player.busy {
                    self.timers.clear(&mut busy.voice_timer);
                }
                self.voice_renewed(id, now);
                self.place_by_region(id, now);
                self.sync(id);
            }
        }
        self.player_changed(id);
        self.settle_player(id);
    }

    /// The bot is in no channel of the guild any more.
    fn voice_left(&mut self, id: PlayerId, now: Timestamp) {
        let is_own = self.is_own_leave(id);
        let channel = self
            .player(id)
            .and_then(|player| player.plight().rejoining.as_ref());
        let channel = channel.map(|rejoining| rejoining.channel);
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.voice = None;
        player.connected = false;
        player.unsent = player.unsent.without(Fields::VOICE);
        player.regulate(now);
        if is_own && let Some(channel) = channel {
            player.voice.get_or_insert_default().expect_channel(channel);
            return self.sync(id);
        }
        mark!(LeftByForce);
        let guild = player.guild;
        // What nobody but Discord ever asked for is gone with that.
        let destroyed = !player.care.asked || self.config.on_leave == Fate::Destroy;
        self.recall_gateway(guild);
        self.set_rejoining(id, None);
        self.emit(Kinds::VOICE, || Event::VoiceLeft { guild, destroyed });
        if destroyed {
            return self.destroy(None, id);
        }
        self.sync(id);
    }

    /// The endpoint is known: a player of which no node knows anything yet goes to its region.
    fn place_by_region(&mut self, id: PlayerId, now: Timestamp) {
        let Some(player) = self.player(id) else {
            return;
        };
        let (is_unknown, guild, plays) = (!player.was_sent, player.guild, player.plays());
        let old = match player.place {
            Placement::Unplaced if self.awaits_inherited() => return,
            Placement::Unplaced => None,
            Placement::On(node) if is_unknown && !player.pinned => Some(node),
            Placement::On(_)
            | Placement::Frozen { .. }
            | Placement::Moving { .. }
            | Placement::Stranded { .. } => return,
        };
        if let Some(old) = old {
            // It is chosen for anew, and must not count against itself.
            self.take_turn_back(old);
            self.release(old, guild);
        }
        let chosen = self.choose_for(id, &[]);
        let Some(node) = chosen.filter(|node| Some(*node) != old) else {
            if let Some(old) = old.filter(|_| plays) {
                self.reserve(old, guild);
            }
            return;
        };
        mark!(MovedByRegion if old.is_some());
        if let Some(old) = old {
            self.unqueue(id, old);
        }
        self.put(id, node, now);
        if let Some(old) = old {
            self.node_changed(old);
        }
    }

    /// Discord's voice updates did not come: the play that waited for them is taken back.
    pub(super) fn voice_due(&mut self, id: PlayerId, now: Timestamp) {
        mark!(VoiceNeverCame);
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let unsent = player.unsent;
        let busy = player.busy();
        busy.voice_timer = None;
        let mut taken_back = unsent.and(Fields::PLAY);
        if !busy.is_asked_alone(Fields::PAUSED) {
            // A pause is the play's.
            taken_back = taken_back.with(unsent.and(Fields::PAUSED));
        }
        let withdrawn = busy.withdraw(taken_back.with_play());
        let rest = busy.left_by(&withdrawn).without(Fields::VOICE);
        let taken_back = taken_back.with(unsent.and(rest));
        player.unsent = unsent.without(taken_back);
        player.awaits_start = false;
        player.take_back(taken_back, now);
        // A node that has lost the player has nothing of that.
        player.unsent = player.unsent.with(rest.and(Fields::KEPT));
        if player.is_moving() {
            // The node that it goes to has nothing of the play before either.
            player.unsent = player.unsent.with(player.substance());
            player.awaits_start = player.wanted.track.is_some();
            let busy = player.busy();
            busy.left = busy.left.without(taken_back);
        }
        player.regulate(now);
        self.answer_waiting(withdrawn, &RequestError::VoiceTimeout);
        self.tell_news_since(id, taken_back);
        self.track_released(id, taken_back);
        self.player_changed(id);
        self.sync(id);
        self.settle_player(id);
    }

    /// Discord's voice server did not answer the node: the application should join again.
    pub(super) fn voice_failed(&mut self, id: PlayerId, node: NodeId, now: Timestamp) {
        mark!(VoiceServerSilent);
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let guild = player.guild;
        // Discord has named another server since, which is not to blame.
        let is_newer = player.unsent.has(Fields::VOICE);
        player.recall();
        if let Some(voice) = player.voice.as_mut().filter(|_| !is_newer) {
            voice.expire();
        }
        player.connected = false;
        player.begin_again(now);
        player.unsent = player.substance();
        player.awaits_start = player.wanted.track.is_some();
        player.regulate(now);
        player.leave_copy(node);
        player.wanted.rebase(now);
        player.renumber();
        self.bury(node, guild, None);
        self.player_changed(id);
        if is_newer {
            return self.sync(id);
        }
        self.emit(Kinds::VOICE, || Event::VoiceFailed { guild });
        let trouble = VoiceTrouble::Unanswered;
        self.recover_voice(id, trouble, VoiceRecovery::Renew, now);
    }
}
