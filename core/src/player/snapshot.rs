//! What a node says of its player, taken over into ours.

use std::sync::Arc;

use crate::player::{Choice, Fields, Player, Source, Volume, play_tag};
use crate::protocol::{self, Track, VoiceState, WireTrack, same_track};
use crate::time::Timestamp;

impl Player {
    /// Whether the server plays what is wanted.
    pub(crate) fn is_playing(&self, theirs: &protocol::Player<'_>) -> bool {
        match (&self.wanted.track, &theirs.track) {
            (None, None) => true,
            (Some(choice), Some(wire)) => {
                match wire
                    .user_data
                    .and_then(|data| play_tag::play_of(data.get()))
                {
                    Some(play) => play == choice.play,
                    None => choice
                        .encoded()
                        .is_some_and(|own| same_track(own, &wire.encoded)),
                }
            }
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Takes the server's word for what plays.
    pub(crate) fn take_track(&mut self, theirs: &protocol::Player<'_>, now: Timestamp) {
        let track = theirs.track.as_ref().and_then(decode);
        let play = theirs.track.as_ref().and_then(|wire| wire.user_data);
        let play = play.and_then(|data| play_tag::play_of(data.get()));
        let play = play.unwrap_or(self.wanted.plays);
        self.wanted.plays = self.wanted.plays.max(play);
        self.wanted.track = track.map(|track| {
            Arc::new(Choice {
                play,
                user_data: track.user_data.clone(),
                source: Source::Track(track),
            })
        });
        if self.wanted.track.is_none() {
            self.wanted.end_time_ms = None;
        }
        let length_ms = self
            .wanted
            .track
            .as_deref()
            .map_or(u64::MAX, Choice::length_ms);
        let position_ms = u64::try_from(theirs.state.position).unwrap_or(0);
        self.wanted.clock.begin(position_ms, length_ms, now);
        self.awaits_start = false;
    }

    /// Becomes what the server has.
    pub(crate) fn adopt(&mut self, theirs: &protocol::Player<'_>, now: Timestamp) {
        self.take_track(theirs, now);
        self.wanted.paused = theirs.paused;
        self.wanted.volume = Volume::from(theirs.volume);
        let filters = theirs.filters().ok().filter(|filters| !filters.is_empty());
        let rate = filters.as_ref().map_or(1.0, |filters| filters.time_scale());
        self.wanted.filters = filters.map(Arc::new);
        self.wanted.clock.scale(rate, now);
        self.connected = theirs.state.connected;
        self.ping_ms = i32::try_from(theirs.state.ping).unwrap_or(-1);
        if let Some(voice) = &theirs.voice
            && let Some(channel_id) = voice.channel_id
            && !voice.token.is_empty()
        {
            let state = VoiceState {
                token: (&*voice.token).into(),
                endpoint: (&*voice.endpoint).into(),
                session_id: (&*voice.session_id).into(),
                channel_id,
            };
            self.voice.get_or_insert_default().set(state);
        }
        self.unsent = Fields::NONE;
        self.regulate(now);
    }

    /// Fills in what the node's answer says of the track that was sent, if that is not known.
    pub(crate) fn learn_track<'a>(&mut self, wire: impl FnOnce() -> Option<WireTrack<'a>>) {
        let Some(choice) = &mut self.wanted.track else {
            return;
        };
        if choice.track().is_some() {
            return;
        }
        let Some(mut track) = wire().and_then(|wire| decode(&wire)) else {
            return;
        };
        let details = Arc::make_mut(&mut track);
        if let Source::Encoded(encoded) = &choice.source {
            // The answer's blob holds a position; the one that was sent does not.
            details.encoded = encoded.clone();
        }
        details.user_data.clone_from(&choice.user_data);
        Arc::make_mut(choice).source = Source::Track(track);
        let length_ms = Choice::length_ms(choice);
        self.wanted.clock.bound(length_ms);
    }
}

/// The track of an event as the application knows it: without the library's own tag.
pub(crate) fn decode(wire: &WireTrack<'_>) -> Option<Arc<Track>> {
    let mut track = wire.to_track().ok()?;
    track.user_data = track.user_data.take().and_then(play_tag::untag);
    Some(Arc::new(track))
}
