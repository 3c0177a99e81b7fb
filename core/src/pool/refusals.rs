//! What a node refuses, and would refuse again: it is as before, or as much of that as there is.

use std::sync::Arc;
use std::time::Duration;

use super::tables::Tables;
use crate::error::RequestError;
use crate::event::{Event, Kinds};
use crate::id::NodeId;
use crate::player::{Choice, Fields, Player, PlayerId, Waiting};
use crate::time::Timestamp;
use crate::voice_code::{VoiceRecovery, VoiceTrouble};

/// What is taken back of a player.
struct Refused {
    /// What was sent.
    fields: Fields,
    /// What of it is taken back: nothing else has been asked for since.
    reverted: Fields,
    /// What the commands that it was for were yet to send, which is taken back too.
    rest: Fields,
    /// Those commands.
    waiting: Vec<Waiting>,
    /// What it made of a pause: a play ends one, unless it begins one.
    paused: Option<bool>,
    /// The play that it was to begin again, if it lost one.
    lost: Option<Arc<Choice>>,
    /// Which attempt it was to set back what had been refused before, or 0.
    resets: u8,
}

impl Tables {
    /// The node refused what it was sent, and would refuse it again.
    pub(super) fn player_rejected(
        &mut self,
        id: PlayerId,
        node: NodeId,
        status: u16,
        message: Option<Arc<str>>,
        now: Timestamp,
    ) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        if player.is_moving() {
            return self.move_rejected(id, node, status, now);
        }
        let refused = Refused::of(player);
        if player.wanted.track.is_none() || refused.fields.has(Fields::TRACK) {
            player.awaits_start = false;
        }
        player.take_back(refused.reverted, now);
        let after = refused.set_back(player, status);
        let blames_voice = refused.blame_voice(player);
        if refused.lost.is_some() {
            // Whatever it plays instead is not wanted either.
            player.unsent = player.unsent.with(Fields::TRACK);
            player.wanted.clock.begin(0, u64::MAX, now);
        }
        player.regulate(now);
        self.answer_waiting(refused.waiting, &RequestError::Rejected { status, message });
        self.play_lost(id, refused.lost);
        self.tell_news_since(id, refused.reverted);
        self.track_released(id, refused.reverted);
        self.player_changed(id);
        if blames_voice {
            mark!(VoiceRefused);
            self.recover_voice(id, VoiceTrouble::Refused, VoiceRecovery::Renew, now);
        }
        if after.is_zero() {
            self.sync(id);
        } else {
            self.resend_later(id, after, now);
        }
        self.settle_player(id);
    }

    /// The node lost a play and refuses to begin it again: it is over.
    fn play_lost(&mut self, id: PlayerId, lost: Option<Arc<Choice>>) {
        let (Some(choice), Some(player)) = (lost, self.player(id)) else {
            return;
        };
        mark!(LostPlayRefused);
        let guild = player.guild;
        if let Some(track) = choice.track().cloned() {
            self.emit(Kinds::TRACKS, || Event::TrackUnplayable { guild, track });
        }
    }

    /// The track cannot be played: two nodes refused it, or the only one there is. The player goes
    /// on without it.
    pub(super) fn drop_track(&mut self, id: PlayerId, now: Timestamp) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let track = player.wanted.known_track().cloned();
        let guild = player.guild;
        mark!(TrackUnplayable);
        let unplayable = player
            .busy
            .as_mut()
            .map(|busy| busy.withdraw(Fields::PLAY))
            .unwrap_or_default();
        self.answer_waiting(unplayable, &RequestError::TrackUnplayable);
        self.clear_track(id, now);
        if let Some(track) = track {
            self.emit(Kinds::TRACKS, || Event::TrackUnplayable { guild, track });
        }
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.unsent = player.substance();
        let busy = player.busy();
        // The node that it left is to play it no more either.
        busy.left = busy.left.with(Fields::TRACK);
        self.sync(id);
    }

    /// The track that a refused play was to replace began in the meantime, and goes on; or it
    /// ended, and there is none now.
    pub(super) fn tell_news_since(&mut self, id: PlayerId, taken_back: Fields) {
        let Some(player) = self
            .player_mut(id)
            .filter(|_| taken_back.has(Fields::TRACK))
        else {
            return;
        };
        let (guild, plays) = (player.guild, player.wanted.track.is_some());
        let begun = player.busy.as_mut().and_then(|busy| busy.begun.take());
        let track = player.wanted.known_track().cloned();
        if let Some(track) = track.filter(|_| begun.is_some()) {
            self.emit(Kinds::TRACKS, || Event::TrackStart { guild, track });
        }
        let busy = self.player_mut(id).and_then(|player| player.busy.as_mut());
        let ended = busy.and_then(|busy| busy.take_end());
        if let Some((track, reason)) = ended.filter(|_| !plays) {
            self.tell_end(guild, track, reason);
        }
    }
}

impl Refused {
    fn of(player: &mut Player) -> Self {
        let fields = player.stage.answered();
        let mut reverted = fields.without(player.unsent);
        let is_play = reverted.has(Fields::TRACK);
        if is_play {
            let spared = player.busy().spare(reverted);
            reverted = reverted.without(spared);
            player.unsent = player.unsent.with(spared);
        } else if player.unsent.has(Fields::TRACK) {
            // The play that was asked for since has ended a pause, or the stop has.
            reverted = reverted.without(Fields::PAUSED);
        }
        // What was asked of the refused play since goes with it.
        let its_own = if is_play {
            player.unsent.and(Fields::PLAY)
        } else {
            Fields::NONE
        };
        player.unsent = player.unsent.without(its_own);
        let busy = player.busy();
        busy.refusals = 0;
        busy.refused = Fields::NONE;
        let paused = busy.sent.as_ref().map(|sent| sent.paused);
        let mut waiting = busy.reject();
        waiting.extend(busy.withdraw(its_own));
        let rest = busy.left_by(&waiting).without(Fields::VOICE);
        let is_lost = is_play && busy.refuse_itself();
        let resets = std::mem::take(&mut busy.resets);
        player.unsent = player.unsent.without(rest);
        Self {
            fields,
            reverted: reverted.with(rest),
            rest,
            waiting,
            paused,
            lost: player.wanted.track.clone().filter(|_| is_lost),
            resets,
        }
    }

    /// A server does the parts of a PATCH in turn, the track last, and one that fails leaves those
    /// before it done: they are set back, after a pause if that is what was refused. A node that
    /// lost the player has nothing of the rest.
    fn set_back(&self, player: &mut Player, status: u16) -> Duration {
        player.unsent = player.unsent.with(self.rest.and(Fields::KEPT));
        let names_track = self.fields.has(Fields::TRACK);
        let is_again = !names_track && self.resets > 0;
        let has_parts = names_track || status >= 500 || is_again;
        let is_given_up = is_again && self.resets >= RESETS_MAX;
        if (!has_parts || is_given_up) && self.lost.is_none() {
            return Duration::ZERO;
        }
        mark!(PartsSetBack);
        let mut parts = self.reverted.without(Fields::PLAY).without(Fields::VOICE);
        if names_track
            && self
                .paused
                .is_some_and(|paused| paused != player.wanted.paused)
        {
            parts = parts.with(Fields::PAUSED);
        }
        player.unsent = player.unsent.with(parts);
        let is_reset = !parts.is_empty();
        player.busy().resets = if is_reset {
            self.resets.saturating_add(1)
        } else {
            0
        };
        match is_again && is_reset {
            true => RESET_AGAIN_AFTER * u32::from(self.resets),
            false => Duration::ZERO,
        }
    }

    /// Whether it was refused for the voice connection, which then has to be made anew. Beside a
    /// track that is not known: it goes alone.
    fn blame_voice(&self, player: &mut Player) -> bool {
        if !self.reverted.has(Fields::VOICE) || !player.has_voice() {
            return false;
        }
        let names_track = self.fields.has(Fields::TRACK);
        if names_track {
            player.unsent = player.unsent.with(Fields::VOICE);
        } else if let Some(voice) = &mut player.voice {
            voice.expire();
        }
        !names_track
    }
}

/// How often what a refused PATCH left is set back: whatever refuses that, too, may pass.
const RESETS_MAX: u8 = 4;

/// How long after a refusal that is done again, for each that came before.
const RESET_AGAIN_AFTER: Duration = Duration::from_secs(2);
