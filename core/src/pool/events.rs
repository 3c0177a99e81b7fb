//! What a node says about a player's track and voice.

use std::sync::Arc;
use std::time::Duration;

use super::tables::Tables;
use super::timers::Timer;
use crate::event::{Event, Kinds};
use crate::id::NodeId;
use crate::player::{Choice, Desired, Ending, Fields, Player, PlayerId, decode};
use crate::protocol::{self, EventKind, GuildId, Track, TrackEndReason, WireTrack, same_track};
use crate::time::Timestamp;
use crate::voice_code::VoiceCloseCode;

/// Which play an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Play {
    Present,
    Stale,
}

impl Tables {
    pub(super) fn player_event(
        &mut self,
        node: NodeId,
        event: protocol::Event<'_>,
        now: Timestamp,
    ) {
        let Some(id) = self.player_of(event.guild_id) else {
            return;
        };
        let Some(player) = self.player(id) else {
            return;
        };
        // What a node says of a copy that it must not have is not about the player.
        let is_meant = !self.is_buried(node, event.guild_id);
        // A play may start on the new node before the answer to its PATCH is there.
        let speaks = is_meant && player.speaker() == Some(node);
        let hears = speaks || (is_meant && player.target() == Some(node));
        match event.kind {
            EventKind::TrackStart { track } if hears => self.track_start(id, node, &track, now),
            EventKind::TrackEnd { track, reason } if hears => {
                self.track_end(id, node, &track, reason, now);
                // What was asked of the track is asked no more: nothing need wait for it.
                self.settle_player(id);
            }
            EventKind::TrackException { track, exception } if hears => {
                let exception = Arc::new(exception);
                self.track_event(id, &track, |guild, track| Event::TrackException {
                    guild,
                    track,
                    exception,
                });
            }
            EventKind::TrackStuck {
                track,
                threshold_ms,
            } if hears => {
                let threshold = Duration::from_millis(u64::try_from(threshold_ms).unwrap_or(0));
                self.track_event(id, &track, |guild, track| Event::TrackStuck {
                    guild,
                    track,
                    threshold,
                });
            }
            EventKind::WebSocketClosed {
                code,
                reason,
                by_remote,
            } if speaks => {
                let guild = event.guild_id;
                self.emit(Kinds::VOICE, || Event::VoiceClosed {
                    guild,
                    code,
                    reason: Arc::from(&*reason),
                    by_remote,
                });
                self.voice_closed(id, VoiceCloseCode::from(code), by_remote, now);
            }
            EventKind::TrackStart { .. }
            | EventKind::TrackEnd { .. }
            | EventKind::TrackException { .. }
            | EventKind::TrackStuck { .. }
            | EventKind::WebSocketClosed { .. } => {}
        }
    }

    fn track_start(&mut self, id: PlayerId, node: NodeId, track: &WireTrack<'_>, now: Timestamp) {
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        if play_of(player, track) == Play::Stale {
            mark!(StartOutdated);
            if let Some(busy) = &mut player.busy {
                busy.begins(track);
            }
            return;
        }
        // To the application the track goes on where it was: neither a move nor what is sent again
        // starts anything.
        let is_repeat = player.awaits_start && player.is_start_told();
        player.start_told();
        if player.target() == Some(node) {
            player.awaits_start = false;
            if let Some(busy) = &mut player.busy {
                // Whatever was stopped before was an earlier copy of it.
                self.timers.clear_ending(&mut busy.ending);
            }
            player.regulate(now);
        }
        self.active(id);
        self.player_changed(id);
        if !is_repeat {
            self.track_event(id, track, |guild, track| Event::TrackStart { guild, track });
        }
    }

    fn track_end(
        &mut self,
        id: PlayerId,
        node: NodeId,
        track: &WireTrack<'_>,
        reason: TrackEndReason,
        now: Timestamp,
    ) {
        let Some(player) = self.player(id) else {
            return;
        };
        if player.has_ended(track) {
            mark!(EndToldBefore);
            return;
        }
        let is_present = play_of(player, track) == Play::Present;
        if is_present && player.awaits_start && player.target() == Some(node) {
            mark!(EndOfACopy);
            // The play has yet to start there: this is the end of a copy from before it left.
            return;
        }
        if is_present && self.end_came_late(id, node, &reason, now) {
            return;
        }
        if is_present && reason.may_start_next() && self.is_overtaken(id) {
            return self.end_overtaken(id, reason, now);
        }
        let Some(player) = self.player(id) else {
            return;
        };
        let own = own_track(player, track);
        mark!(EndOutdated if !is_present && player.plays() && reason.may_start_next());
        match (&reason, is_present) {
            // For whatever reason a server may have one day: it says that the track is over.
            (
                TrackEndReason::Finished | TrackEndReason::LoadFailed | TrackEndReason::Unknown(_),
                true,
            ) => self.clear_track(id, now),
            // The server stopped it, not us: if it is shutting down, the music is not over.
            (TrackEndReason::Stopped, true) => {
                mark!(EndHeldBack);
                return self.hold_end(id, TrackEndReason::Stopped, now);
            }
            (TrackEndReason::Cleanup, true) => self.replay_after_cleanup(id, now),
            (
                TrackEndReason::Finished | TrackEndReason::LoadFailed | TrackEndReason::Cleanup,
                false,
            ) => self.end_superseded(id, node, track, &reason, now),
            (
                TrackEndReason::Stopped | TrackEndReason::Replaced | TrackEndReason::Unknown(_),
                _,
            ) => self.end_told(id, track, &reason, now),
        }
        self.end_event(id, (track, own), reason, is_present);
    }

    /// An end of another play than the present one, which is told if that is refused: of the one
    /// before, perhaps, or of one that has yet to be answered, which then is not there to go back
    /// to.
    fn end_superseded(
        &mut self,
        id: PlayerId,
        node: NodeId,
        track: &WireTrack<'_>,
        reason: &TrackEndReason,
        now: Timestamp,
    ) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let is_target = player.target() == Some(node);
        let is_sent = is_target && player.stage.in_flight().has(Fields::TRACK);
        let Some(busy) = &mut player.busy else {
            return;
        };
        let mut sent = busy.sent.iter().filter(|_| is_sent);
        if let Some(sent) = sent.find(|sent| sent.is_played_as(track)) {
            mark!(EndedBeforeItsAnswer);
            let known = sent.known_track().cloned();
            busy.end_sent(known.or_else(|| decode(track)), reason.clone(), now);
        } else if busy.base.is_played_as(track) {
            mark!(EndedBeforeItsSuccessor);
            busy.end_base(reason.clone(), now);
        }
    }

    /// An end that is told: of the play before the present one, perhaps.
    fn end_told(
        &mut self,
        id: PlayerId,
        track: &WireTrack<'_>,
        reason: &TrackEndReason,
        now: Timestamp,
    ) {
        let busy = self.player_mut(id).and_then(|player| player.busy.as_mut());
        if let Some(busy) = busy.filter(|busy| busy.base.is_played_as(track)) {
            busy.base_end_told(reason, now);
        }
    }

    /// The node has the track no more. It is over for this reason if the node is still there in a
    /// while, and has said nothing else by then.
    pub(super) fn hold_end(&mut self, id: PlayerId, reason: TrackEndReason, now: Timestamp) {
        let at = now + self.config.timing.stopped_grace;
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        player.wanted.clock.run(false, now);
        let busy = player.busy();
        self.timers.clear_ending(&mut busy.ending);
        let timer = self.timers.arm(at, Timer::Stopped(id));
        busy.ending = Some(Ending { timer, reason });
        self.player_changed(id);
    }

    /// Something else is asked for while the end of the track is held back, which then is one: it
    /// is told if the next play is refused, and at once if there is none.
    pub(super) fn held_end_overtaken(
        &mut self,
        id: PlayerId,
        choice: Option<&Choice>,
        now: Timestamp,
    ) {
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        let (guild, plays) = (player.guild, player.plays());
        let busy = player.busy();
        let Some(reason) = self.timers.clear_ending(&mut busy.ending) else {
            return;
        };
        if plays {
            return busy.end_base(reason, now);
        }
        busy.forget_base(now);
        if let Some(track) = choice.and_then(Choice::track).cloned() {
            self.tell_end(guild, track, TrackEndReason::Stopped);
        }
    }

    /// Tells of an end that no message of a node is the news of.
    pub(super) fn tell_end(&mut self, guild: GuildId, track: Arc<Track>, reason: TrackEndReason) {
        self.emit(Kinds::TRACKS, || Event::TrackEnd {
            guild,
            track,
            reason,
        });
    }

    /// The end that was held back counts.
    pub(super) fn stopped_due(&mut self, id: PlayerId, now: Timestamp) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let ending = player.busy.as_mut().and_then(|busy| busy.ending.take());
        let Some(Ending { reason, .. }) = ending else {
            return;
        };
        mark!(HeldEndCounted);
        let guild = player.guild;
        let track = player.wanted.known_track().cloned();
        self.clear_track(id, now);
        if let Some(track) = track {
            self.tell_end(guild, track, reason);
        }
        self.settle_player(id);
    }

    /// The present track is over on the node's own account.
    pub(super) fn clear_track(&mut self, id: PlayerId, now: Timestamp) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.wanted.forget_track(now);
        player.awaits_start = false;
        let fields = Fields::PLAY;
        player.unsent = player.unsent.without(fields);
        let is_in_flight = player.stage.in_flight().has(Fields::TRACK);
        if is_in_flight {
            mark!(EndMetAPatch);
            // What is on its way would start it again.
            player.unsent = player.unsent.with(Fields::TRACK);
        }
        let mut withdrawn = Vec::new();
        if let Some(busy) = &mut player.busy {
            busy.forget_base(now);
            busy.is_sure |= !is_in_flight;
            if let Some(sent) = &mut busy.sent {
                // That it had begun is no reason to go back to it.
                sent.forget_track(now);
            }
            withdrawn = busy.supersede(fields);
            if !busy.left.has(Fields::TRACK) {
                // The node that it leaves has nothing any more of which that could be asked.
                busy.left = busy.left.without(fields);
            }
        }
        player.regulate(now);
        player.settle();
        let (guild, node) = (player.guild, player.target());
        self.answer_settled(withdrawn);
        self.player_changed(id);
        if let Some(node) = node {
            self.release(node, guild);
        }
    }

    /// No sound was asked for in a minute (a play without voice): the play is sent once more.
    fn replay_after_cleanup(&mut self, id: PlayerId, now: Timestamp) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        if std::mem::replace(&mut player.replayed, true) {
            mark!(CleanedUpTwice);
            return self.clear_track(id, now);
        }
        player.wanted.rebase(now);
        player.renumber();
        player.begin_again(now);
        self.player_changed(id);
        self.sync(id);
    }

    /// An end, of the present play or of one that was replaced or stopped.
    fn end_event(
        &mut self,
        id: PlayerId,
        (track, own): (&WireTrack<'_>, Option<Arc<Track>>),
        reason: TrackEndReason,
        is_present: bool,
    ) {
        let is_told = match &reason {
            TrackEndReason::Finished | TrackEndReason::LoadFailed => is_present,
            TrackEndReason::Cleanup => {
                is_present
                    && self
                        .player(id)
                        .is_some_and(|player| player.wanted.track.is_none())
            }
            TrackEndReason::Replaced | TrackEndReason::Stopped | TrackEndReason::Unknown(_) => true,
        };
        if is_told {
            self.track_event_of(id, (track, own), |guild, track| Event::TrackEnd {
                guild,
                track,
                reason,
            });
        }
    }

    /// Builds an event about a track, if anybody listens.
    fn track_event(
        &mut self,
        id: PlayerId,
        wire: &WireTrack<'_>,
        event: impl FnOnce(GuildId, Arc<Track>) -> Event,
    ) {
        let own = self.player(id).and_then(|player| own_track(player, wire));
        self.track_event_of(id, (wire, own), event);
    }

    /// The same, with the track if it is the player's own; any other is decoded.
    fn track_event_of(
        &mut self,
        id: PlayerId,
        (wire, own): (&WireTrack<'_>, Option<Arc<Track>>),
        event: impl FnOnce(GuildId, Arc<Track>) -> Event,
    ) {
        if !self.listening.intersects(Kinds::TRACKS) {
            return;
        }
        let Some(guild) = self.player(id).map(|player| player.guild) else {
            return;
        };
        if let Some(track) = own.or_else(|| decode(wire)) {
            self.events.push(event(guild, track));
        }
    }
}

/// The player's own track, shared, if an event is about that one: the wanted one, or the one before
/// whose end comes as the next begins.
fn own_track(player: &Player, wire: &WireTrack<'_>) -> Option<Arc<Track>> {
    let confirmed = player.busy.as_ref().map(|busy| &busy.base);
    let plays = [Some(&player.wanted), confirmed].into_iter().flatten();
    // A number alone may be that of another client's play.
    let own = plays.filter(|play| play.is_played_as(wire));
    let mut tracks = own.filter_map(Desired::known_track);
    let own = tracks.find(|own| same_track(&own.encoded, &wire.encoded));
    own.cloned()
}

/// Whether an event is about the present play: by its tag, and without one, as from a player that
/// another client began, by the track itself.
fn play_of(player: &Player, track: &WireTrack<'_>) -> Play {
    if player.wanted.is_played_as(track) {
        Play::Present
    } else {
        Play::Stale
    }
}
