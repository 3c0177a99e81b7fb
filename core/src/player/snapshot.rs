//! What a node says of its player, taken over into ours.

use std::sync::Arc;

use super::before::STANDING;
use crate::player::{Busy, Choice, Desired, Fields, Player, Source, Volume, play_tag};
use crate::protocol::{self, Track, TrackEndReason, VoiceState, WireTrack, same_track};
use crate::texts::Texts;
use crate::time::Timestamp;

/// What a server plays, beside what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Played {
    /// What is wanted; that may be nothing.
    Ours,
    /// A play from before: a PATCH that was never answered took effect late.
    Late,
    /// What another client began, or the process of this one before.
    Another,
    /// Nothing, though there should be something.
    Nothing,
}

impl Player {
    /// What the server plays. A play of another number is late only where a PATCH is in doubt.
    pub(crate) fn played(&self, theirs: &protocol::Player<'_>, is_doubted: bool) -> Played {
        let Some(wire) = &theirs.track else {
            let is_wanted = self.wanted.track.is_none();
            return if is_wanted {
                Played::Ours
            } else {
                Played::Nothing
            };
        };
        let tag = tag_of(wire);
        match tag {
            _ if self.wanted.is_played_as(wire) => Played::Ours,
            Some(_) if is_doubted => Played::Late,
            Some(_) | None => Played::Another,
        }
    }

    /// The server plays something else than the play that it is yet to be sent: that is what a
    /// refusal goes back to, if it is not known better.
    pub(crate) fn note_base(
        &mut self,
        theirs: &protocol::Player<'_>,
        played: Played,
        now: Timestamp,
    ) {
        let busy = self.busy();
        let Some(wire) = &theirs.track else {
            busy.is_sure = true;
            return busy.end_base(TrackEndReason::Finished, now);
        };
        if played == Played::Another && !busy.is_base_known() {
            mark!(RefusalGoesBackToTheirs);
            busy.base.take_track(theirs, now);
            busy.before = STANDING;
        }
        busy.is_sure = busy.base.is_played_as(wire);
        busy.heed_place(theirs, now);
    }

    /// The server plays what is wanted, whatever became of the answer to its PATCH: with the play
    /// that arrived which went with it and is in doubt. Its word counts for the place.
    pub(crate) fn heed_ours(
        &mut self,
        theirs: &protocol::Player<'_>,
        doubtful: Fields,
        now: Timestamp,
    ) {
        if self.unsent.has(Fields::TRACK) {
            let fields = self.unsent.and(doubtful).and(Fields::PLAY);
            let fields = fields.with(Fields::TRACK);
            self.unsent = self.unsent.without(fields);
            let shown = self.wanted.clone();
            self.busy().confirm_base(fields, &shown, now);
        }
        self.awaits_start = false;
        self.heed_place(theirs, now);
    }

    /// The server's word for where its play is, which is what is wanted.
    pub(crate) fn heed_place(&mut self, theirs: &protocol::Player<'_>, now: Timestamp) {
        // As with its reports: without sound the server says 0, or the last place of any.
        let is_heard = self.is_audible() && !theirs.paused;
        if is_heard && !self.unsent.has(Fields::POSITION) {
            let position_ms = u64::try_from(theirs.state.position).unwrap_or(0);
            self.wanted.clock.report(position_ms, now);
        }
        if let Some(busy) = &mut self.busy {
            busy.heed_place(theirs, now);
        }
    }

    /// What was sent has arrived, though its answer did not: returns it, with the place that the
    /// server says. A node that the player comes to counts from where it was told to begin.
    pub(crate) fn heed_arrival(
        &mut self,
        theirs: &protocol::Player<'_>,
        now: Timestamp,
    ) -> Desired {
        if !self.is_moving() {
            self.heed_place(theirs, now);
            return self.wanted.clone();
        }
        let mut sent = self.wanted.clone();
        sent.rebase(now);
        if self.is_audible() && !theirs.paused {
            let position_ms = u64::try_from(theirs.state.position).unwrap_or(0);
            sent.clock.report(position_ms, now);
        }
        sent
    }

    /// What of the server's player differs from the wanted one is to be sent; what it has is what
    /// a refusal of that goes back to, but for what is in doubt, which may be of what is refused.
    pub(crate) fn note_differences(&mut self, theirs: &protocol::Player<'_>, doubtful: Fields) {
        let filters = theirs.filters().ok().filter(|filters| !filters.is_empty());
        let volume = Volume::from(theirs.volume);
        let wanted = &self.wanted;
        for (is_other, field) in [
            (theirs.paused != wanted.paused, Fields::PAUSED),
            (volume != wanted.volume, Fields::VOLUME),
            (
                filters.as_ref() != wanted.filters.as_deref(),
                Fields::FILTERS,
            ),
            (self.has_old_voice(theirs), Fields::VOICE),
        ] {
            if is_other {
                self.unsent = self.unsent.with(field);
            }
        }
        let base = &mut self.busy().base;
        if !doubtful.has(Fields::PAUSED.with(Fields::TRACK)) {
            base.paused = theirs.paused;
        }
        if !doubtful.has(Fields::VOLUME) {
            base.volume = volume;
        }
        if !doubtful.has(Fields::FILTERS) {
            base.filters = filters.map(Arc::new);
        }
    }

    /// Whether the server was given another voice connection than the present one.
    fn has_old_voice(&self, theirs: &protocol::Player<'_>) -> bool {
        let ours = self.voice.as_ref().filter(|voice| voice.is_complete());
        ours.zip(theirs.voice.as_ref())
            .is_some_and(|(ours, theirs)| {
                !theirs.token.is_empty()
                    && !theirs.session_id.is_empty()
                    && !ours.is_of(&theirs.session_id, &theirs.token)
            })
    }

    /// Takes over what nobody here has asked for: the server has had the player for longer. A play
    /// that was asked for gets a number that no earlier client gave to another.
    pub(crate) fn take_unasked(&mut self, theirs: &protocol::Player<'_>, now: Timestamp) {
        let asked = self.unsent;
        if asked.has(Fields::TRACK) {
            let play = theirs.track.as_ref().and_then(tag_of);
            self.wanted.plays = self.wanted.plays.max(play.unwrap_or(0));
            self.renumber();
        }
        if !asked.has(Fields::PAUSED) && !asked.has(Fields::TRACK) {
            self.wanted.paused = theirs.paused;
        }
        if !asked.has(Fields::VOLUME) {
            self.wanted.volume = Volume::from(theirs.volume);
        }
        if !asked.has(Fields::FILTERS) {
            self.take_filters(theirs, now);
        }
    }

    fn take_filters(&mut self, theirs: &protocol::Player<'_>, now: Timestamp) {
        let filters = theirs.filters().ok().filter(|filters| !filters.is_empty());
        let rate = filters.as_ref().map_or(1.0, |filters| filters.time_scale());
        self.wanted.filters = filters.map(Arc::new);
        self.wanted.clock.scale(rate, now);
    }

    /// Takes the server's word for what plays.
    pub(crate) fn take_track(&mut self, theirs: &protocol::Player<'_>, now: Timestamp) {
        self.wanted.take_track(theirs, now);
        if let Some(busy) = &mut self.busy {
            busy.base.take_track(theirs, now);
            busy.before = STANDING;
        }
        self.awaits_start = false;
        // It had begun before it was known.
        self.start_told();
    }

    /// Becomes what the server has.
    pub(crate) fn adopt(
        &mut self,
        theirs: &protocol::Player<'_>,
        texts: &mut Texts,
        now: Timestamp,
    ) {
        self.take_track(theirs, now);
        self.wanted.paused = theirs.paused;
        self.wanted.volume = Volume::from(theirs.volume);
        self.take_filters(theirs, now);
        self.heed_connection(&theirs.state);
        if let Some(voice) = &theirs.voice
            && let Some(channel_id) = voice.channel_id
            && !voice.token.is_empty()
        {
            let state = VoiceState {
                token: (&*voice.token).into(),
                endpoint: texts.share(&voice.endpoint),
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
        self.wanted.learn_track(wire);
    }
}

impl Busy {
    /// Where the confirmed play is, if that is what the server plays.
    fn heed_place(&mut self, theirs: &protocol::Player<'_>, now: Timestamp) {
        let wire = theirs.track.as_ref();
        if wire.is_some_and(|wire| self.base.is_played_as(wire)) {
            let position_ms = u64::try_from(theirs.state.position).unwrap_or(0);
            self.base.clock.report(position_ms, now);
            self.base.clock.run(!theirs.paused, now);
        }
    }
}

impl Desired {
    /// Whether this is the play that the server has.
    pub(crate) fn is_played_as(&self, wire: &WireTrack<'_>) -> bool {
        let tag = tag_of(wire);
        self.track.as_ref().is_some_and(|choice| match tag {
            Some(play) => play == choice.play,
            None => choice
                .encoded()
                .is_some_and(|own| same_track(own, &wire.encoded)),
        })
    }

    /// As [`Player::learn_track`].
    pub(crate) fn learn_track<'a>(&mut self, wire: impl FnOnce() -> Option<WireTrack<'a>>) {
        let Some(choice) = &mut self.track else {
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
        self.clock.bound(length_ms);
    }

    fn take_track(&mut self, theirs: &protocol::Player<'_>, now: Timestamp) {
        let track = theirs.track.as_ref().and_then(decode);
        let play = theirs.track.as_ref().and_then(tag_of).unwrap_or(self.plays);
        self.plays = self.plays.max(play);
        self.track = track.map(|track| {
            Arc::new(Choice {
                play,
                user_data: track.user_data.clone(),
                source: Source::Track(track),
            })
        });
        if self.track.is_none() {
            self.end_time_ms = None;
        }
        let length_ms = self.length_ms();
        let position_ms = u64::try_from(theirs.state.position).unwrap_or(0);
        self.clock.begin(position_ms, length_ms, now);
    }
}

/// The number of the play, if it is one of ours.
fn tag_of(wire: &WireTrack<'_>) -> Option<u32> {
    wire.user_data
        .and_then(|data| play_tag::play_of(data.get()))
}

/// The track of an event as the application knows it: without the library's own tag.
pub(crate) fn decode(wire: &WireTrack<'_>) -> Option<Arc<Track>> {
    let mut track = wire.to_track().ok()?;
    track.user_data = track.user_data.take().and_then(play_tag::untag);
    Some(Arc::new(track))
}
