//! [`Desired`]: what the application wants of a player, as a value.

use std::sync::Arc;

use crate::player::{Fields, Position, Source, Update, Volume, play_tag};
use crate::protocol::{Filters, PlayerPatch, RawJson, Track, TrackPatch, VoiceState};
use crate::time::Timestamp;

/// What the application wants of a player. Large parts are shared and never change in place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Desired {
    pub(crate) track: Option<Arc<Choice>>,
    /// On the server's clock.
    pub(crate) end_time_ms: Option<u64>,
    pub(crate) volume: Volume,
    pub(crate) paused: bool,
    pub(crate) filters: Option<Arc<Filters>>,
    /// The highest number that a play has had; it never goes back.
    pub(crate) plays: u32,
    pub(crate) clock: Position,
}

/// A chosen track.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    pub(crate) source: Source,
    pub(crate) user_data: Option<RawJson>,
    /// The number of the play; it tags the user data.
    pub(crate) play: u32,
}

impl Choice {
    /// What plays, if its details are known.
    pub(crate) const fn track(&self) -> Option<&Arc<Track>> {
        match &self.source {
            Source::Track(track) => Some(track),
            Source::Encoded(_) | Source::Identifier(_) => None,
        }
    }

    /// The encoded form, unless the node is to find it by an identifier.
    pub(crate) fn encoded(&self) -> Option<&str> {
        match &self.source {
            Source::Track(track) => Some(&track.encoded),
            Source::Encoded(encoded) => Some(encoded),
            Source::Identifier(_) => None,
        }
    }

    /// The length in milliseconds; `u64::MAX` for a stream, or where it is not known.
    pub(crate) fn length_ms(&self) -> u64 {
        let length = self.track().and_then(|track| track.info.length());
        length.map_or(u64::MAX, |length| {
            u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
        })
    }

    fn set_user_data(&mut self, user_data: Option<RawJson>) {
        if let Source::Track(track) = &mut self.source
            && track.user_data != user_data
        {
            Arc::make_mut(track).user_data.clone_from(&user_data);
        }
        self.user_data = user_data;
    }
}

impl Desired {
    /// The track, if there is one and it is known.
    pub(crate) fn known_track(&self) -> Option<&Arc<Track>> {
        self.track.as_deref().and_then(Choice::track)
    }

    /// The length of its track in milliseconds; `u64::MAX` where there is none, or none is known.
    pub(crate) fn length_ms(&self) -> u64 {
        self.track.as_deref().map_or(u64::MAX, Choice::length_ms)
    }

    /// Takes over what an update sets; returns the fields that it changed.
    pub(crate) fn apply(&mut self, update: Update, now: Timestamp) -> Fields {
        let mut fields = Fields::NONE;
        if let Some(source) = update.track {
            fields = fields.with(self.apply_track(source, &update.user_data, now));
        } else if let (Some(user_data), Some(choice)) = (update.user_data, &mut self.track)
            && choice.user_data.as_ref() != Some(&user_data)
        {
            Arc::make_mut(choice).set_user_data(Some(user_data));
            fields = fields.with(Fields::USER_DATA);
        }
        if let (Some(position_ms), Some(choice)) = (update.position_ms, &self.track) {
            self.clock.begin(position_ms, choice.length_ms(), now);
            fields = fields.with(Fields::POSITION);
        }
        if let Some(end_time_ms) = update.end_time_ms
            && end_time_ms != self.end_time_ms
            && self.track.is_some()
        {
            self.end_time_ms = end_time_ms;
            fields = fields.with(Fields::END_TIME);
        }
        if let Some(volume) = update.volume
            && volume != self.volume
        {
            self.volume = volume;
            fields = fields.with(Fields::VOLUME);
        }
        if let Some(paused) = update.paused
            && paused != self.paused
        {
            self.paused = paused;
            fields = fields.with(Fields::PAUSED);
        }
        if let Some(filters) = update.filters {
            fields = fields.with(self.apply_filters(filters, now));
        }
        fields
    }

    /// A new play, or a stop. Either ends a pause and forgets the end time, as on the server.
    fn apply_track(
        &mut self,
        source: Option<Source>,
        user_data: &Option<RawJson>,
        now: Timestamp,
    ) -> Fields {
        let stops_nothing = source.is_none() && self.track.is_none();
        if source.is_some() {
            self.plays = self.plays.wrapping_add(1);
        }
        let play = self.plays;
        self.end_time_ms = None;
        self.track = source.map(|source| {
            let own = match &source {
                Source::Track(track) => track.user_data.clone(),
                Source::Encoded(_) | Source::Identifier(_) => None,
            };
            let mut choice = Choice {
                source,
                user_data: own.clone(),
                play,
            };
            choice.set_user_data(user_data.clone().or(own));
            Arc::new(choice)
        });
        let length_ms = self.length_ms();
        self.clock.begin(0, length_ms, now);
        let was_paused = std::mem::replace(&mut self.paused, false);
        match (stops_nothing, was_paused) {
            (true, true) => Fields::PAUSED,
            (true, false) => Fields::NONE,
            (false, _) => Fields::TRACK.with(Fields::POSITION),
        }
    }

    fn apply_filters(&mut self, filters: Arc<Filters>, now: Timestamp) -> Fields {
        let filters = Some(filters).filter(|filters| **filters != Filters::default());
        if filters == self.filters {
            return Fields::NONE;
        }
        self.filters = filters;
        self.clock.scale(self.rate(), now);
        Fields::FILTERS
    }

    /// Takes the fields back to what `base` has. A play brings its pause with it, unless that was
    /// set `since`.
    pub(crate) fn revert(&mut self, fields: Fields, since: Fields, base: &Self, now: Timestamp) {
        if fields.has(Fields::TRACK) {
            self.track.clone_from(&base.track);
        } else if fields.has(Fields::USER_DATA)
            && let (Some(choice), Some(old)) = (&mut self.track, &base.track)
        {
            Arc::make_mut(choice).set_user_data(old.user_data.clone());
        }
        if fields.has(Fields::TRACK.with(Fields::POSITION)) {
            self.clock = base.clock;
        }
        if fields.has(Fields::END_TIME.with(Fields::TRACK)) {
            self.end_time_ms = base.end_time_ms;
        }
        if fields.has(Fields::VOLUME) {
            self.volume = base.volume;
        }
        if fields.has(Fields::PAUSED.with(Fields::TRACK)) && !since.has(Fields::PAUSED) {
            self.paused = base.paused;
        }
        if fields.has(Fields::FILTERS) {
            self.filters.clone_from(&base.filters);
        }
        self.clock.scale(self.rate(), now);
    }

    /// How fast the content passes, by the filters.
    fn rate(&self) -> f64 {
        let filters = self.filters.as_ref();
        filters.map_or(1.0, |filters| filters.time_scale())
    }

    /// Takes over the fields that a node confirmed, as they were sent.
    pub(crate) fn confirm(&mut self, fields: Fields, sent: &Self, now: Timestamp) {
        if fields.has(Fields::TRACK.with(Fields::USER_DATA)) {
            self.track.clone_from(&sent.track);
        }
        if fields.has(Fields::TRACK.with(Fields::POSITION)) {
            self.clock = sent.clock;
        }
        if fields.has(Fields::END_TIME.with(Fields::TRACK)) {
            self.end_time_ms = sent.end_time_ms;
        }
        if fields.has(Fields::VOLUME) {
            self.volume = sent.volume;
        }
        if fields.has(Fields::PAUSED.with(Fields::TRACK)) {
            self.paused = sent.paused;
        }
        if fields.has(Fields::FILTERS) {
            self.filters.clone_from(&sent.filters);
        }
        self.clock.scale(self.rate(), now);
    }

    /// From now on the count is that of the node that was sent this; the end time is on it, too.
    pub(crate) fn count_as(&mut self, sent: &Self, has_end_time: bool, now: Timestamp) {
        self.clock = sent.clock;
        if has_end_time {
            self.end_time_ms = sent.end_time_ms;
        }
        self.clock.scale(self.rate(), now);
    }

    /// Makes both clocks show the place in the content, and the end time with them: what a node
    /// is told that begins the track there.
    pub(crate) fn rebase(&mut self, now: Timestamp) {
        let (position_ms, content_ms) = (self.clock.position_ms(now), self.clock.content_ms(now));
        if let Some(end_time_ms) = &mut self.end_time_ms {
            let left_ms = end_time_ms.saturating_sub(position_ms).max(1);
            *end_time_ms = content_ms.saturating_add(left_ms);
        }
        let length_ms = self.length_ms();
        self.clock.begin(content_ms, length_ms, now);
    }

    /// The number of the present play.
    pub(crate) fn present_play(&self) -> Option<u32> {
        self.track.as_ref().map(|choice| choice.play)
    }

    /// Numbers the present play anew, so that what is still said of it is told apart from what
    /// will be said when a node is made to begin it again.
    pub(crate) fn renumber(&mut self) {
        self.plays = self.plays.wrapping_add(1);
        if let Some(choice) = &mut self.track {
            Arc::make_mut(choice).play = self.plays;
        }
    }

    /// The user data to send: the application's, tagged with the number of the play.
    pub(crate) fn tagged(&self) -> Option<RawJson> {
        let choice = self.track.as_ref()?;
        Some(play_tag::tag(choice.user_data.as_ref(), choice.play))
    }

    /// Nothing plays any more.
    pub(crate) fn forget_track(&mut self, now: Timestamp) {
        self.track = None;
        self.end_time_ms = None;
        self.clock.begin(0, u64::MAX, now);
    }

    /// The place in the present track that a PATCH of these fields seeks, in milliseconds.
    pub(crate) fn sought_ms(&self, fields: Fields, now: Timestamp) -> Option<u64> {
        let seeks = fields.has(Fields::POSITION) && !fields.has(Fields::TRACK);
        seeks.then(|| self.clock.position_ms(now))
    }

    /// The body that sets these fields, and no others.
    pub(crate) fn patch<'a>(
        &'a self,
        fields: Fields,
        tagged: Option<&'a RawJson>,
        voice: Option<&'a VoiceState>,
        now: Timestamp,
    ) -> PlayerPatch<'a> {
        let starts = fields.has(Fields::TRACK) && self.track.is_some();
        let mut patch = PlayerPatch::default();
        if fields.has(Fields::TRACK) {
            patch.track = Some(self.track_patch(tagged));
        } else if fields.has(Fields::USER_DATA) {
            patch.track = Some(TrackPatch {
                user_data: tagged,
                ..TrackPatch::default()
            });
        }
        if starts || (fields.has(Fields::POSITION) && self.track.is_some()) {
            patch.position = Some(self.clock.position_ms(now));
        }
        if starts {
            patch.end_time = self.end_time_ms.map(Some);
        } else if fields.has(Fields::END_TIME) {
            // A lone null changes nothing on the server; a place that no track reaches does.
            patch.end_time = Some(Some(self.end_time_ms.unwrap_or(i64::MAX.unsigned_abs())));
        }
        if self.tells_pause(fields) {
            patch.paused = Some(self.paused);
        }
        if fields.has(Fields::VOLUME) {
            patch.volume = Some(self.volume.get());
        }
        if fields.has(Fields::FILTERS) {
            patch.filters = Some(self.filters.as_deref().unwrap_or(&NO_FILTERS));
        }
        if fields.has(Fields::VOICE) {
            patch.voice = voice;
        }
        patch
    }

    /// Whether a PATCH of these fields says whether it is paused. A play and a stop end a pause by
    /// themselves.
    pub(crate) const fn tells_pause(&self, fields: Fields) -> bool {
        if fields.has(Fields::TRACK) {
            self.paused
        } else {
            fields.has(Fields::PAUSED)
        }
    }

    fn track_patch<'a>(&'a self, tagged: Option<&'a RawJson>) -> TrackPatch<'a> {
        let Some(choice) = &self.track else {
            return TrackPatch {
                encoded: Some(None),
                ..TrackPatch::default()
            };
        };
        let (encoded, identifier) = match &choice.source {
            Source::Track(track) => (Some(Some(&*track.encoded)), None),
            Source::Encoded(encoded) => (Some(Some(&**encoded)), None),
            Source::Identifier(identifier) => (None, Some(&**identifier)),
        };
        TrackPatch {
            encoded,
            identifier,
            user_data: tagged,
        }
    }
}

/// What clears the filters of a player.
static NO_FILTERS: Filters = Filters::NONE;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::protocol::{Timescale, write};

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn apply(desired: &mut Desired, update: Update) -> Fields {
        desired.apply(update, NOW)
    }

    fn body(desired: &Desired, fields: Fields, now: Timestamp) -> String {
        let tagged = desired.tagged();
        let mut body = Vec::new();
        write(
            &desired.patch(fields, tagged.as_ref(), None, now),
            &mut body,
        );
        String::from_utf8(body).expect("JSON is UTF-8")
    }

    fn playing() -> Desired {
        let mut desired = Desired::default();
        let update = Update::play(Source::encoded("QAAA"))
            .position(Duration::from_secs(30))
            .end_time(Duration::from_secs(60))
            .volume(80)
            .paused(true);
        apply(&mut desired, update);
        desired
    }

    #[test]
    fn a_play_with_everything_is_one_body() {
        let desired = playing();
        let fields = Fields::PLAY.with(Fields::VOLUME).with(Fields::PAUSED);
        assert_eq!(
            body(&desired, fields, NOW),
            r#"{"track":{"encoded":"QAAA","userData":{"lavapool":{"play":1}}},"#.to_owned()
                + r#""position":30000,"endTime":60000,"volume":80,"paused":true}"#
        );
    }

    #[test]
    fn a_stop_sends_null_and_forgets_the_pause_and_the_end() {
        let mut desired = playing();
        let fields = apply(&mut desired, Update::stop());
        assert_eq!(body(&desired, fields, NOW), r#"{"track":{"encoded":null}}"#);
        assert_eq!(
            (desired.paused, desired.end_time_ms, desired.plays),
            (false, None, 1)
        );
    }

    #[test]
    fn a_cleared_end_time_is_a_place_that_no_track_reaches() {
        let mut desired = playing();
        let fields = apply(&mut desired, Update::default().end_time(None));
        assert_eq!(
            body(&desired, fields, NOW),
            r#"{"endTime":9223372036854775807}"#
        );
    }

    #[test]
    fn cleared_filters_are_an_empty_object() {
        let mut desired = Desired {
            filters: Some(Arc::new(Filters::new().with_volume(0.5))),
            ..Desired::default()
        };
        let fields = apply(&mut desired, Update::default().filters(Filters::NONE));
        assert_eq!(body(&desired, fields, NOW), r#"{"filters":{}}"#);
    }

    #[test]
    fn a_value_that_is_set_already_changes_nothing_but_a_play_and_a_seek_always_do() {
        let mut desired = playing();
        let same = Update::default().volume(80).paused(true);
        assert_eq!(apply(&mut desired, same), Fields::NONE);
        let seek = Update::default().position(Duration::from_secs(30));
        assert_eq!(apply(&mut desired, seek), Fields::POSITION);
        let play = apply(&mut desired, Update::play(Source::encoded("QAAA")));
        assert!(play.has(Fields::TRACK) && desired.plays == 2);
    }

    #[test]
    fn a_rebase_shows_the_place_in_the_content_and_keeps_what_is_left_to_the_end() {
        let mut desired = playing();
        let nightcore = Timescale {
            speed: 2.0,
            pitch: 1.0,
            rate: 1.0,
        };
        apply(
            &mut desired,
            Update::default().filters(Filters::new().with_timescale(nightcore)),
        );
        desired.clock.run(true, NOW);
        // Ten seconds of sound are twenty of the track: 20 of 30 s are left on the server's clock.
        let later = NOW + Duration::from_secs(10);
        desired.rebase(later);
        assert_eq!(desired.clock.position_ms(later), 50_000);
        assert_eq!(desired.end_time_ms, Some(70_000));
    }

    #[test]
    fn a_revert_takes_back_the_named_fields_only() {
        let base = playing();
        let mut desired = base.clone();
        apply(
            &mut desired,
            Update::play(Source::encoded("QBBB")).volume(50),
        );
        desired.revert(Fields::PLAY, Fields::NONE, &base, NOW);
        assert_eq!(
            (&desired.track, desired.paused, desired.volume.get()),
            (&base.track, true, 50)
        );
    }
}
