//! [`Update`]: what the application wants of a player.

use std::sync::Arc;
use std::time::Duration;

use crate::error::SubmitError;
use crate::player::{Fields, play_tag};
use crate::protocol::{Filters, RawJson, Track};

/// A change of what a player should be: the fields that are set, and nothing else.
///
/// ```
/// use std::time::Duration;
/// use lavapool_core::player::{Source, Update};
///
/// let update = Update::play(Source::identifier("https://music.example/one.mp3"))
///     .position(Duration::from_secs(30))
///     .volume(80)
///     .paused(true);
/// assert_ne!(update, Update::stop());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct Update {
    #[cfg_attr(feature = "recording", serde(with = "crate::recording::maybe"))]
    pub(crate) track: Option<Option<Source>>,
    pub(crate) position_ms: Option<u64>,
    #[cfg_attr(feature = "recording", serde(with = "crate::recording::maybe"))]
    pub(crate) end_time_ms: Option<Option<u64>>,
    pub(crate) volume: Option<Volume>,
    pub(crate) paused: Option<bool>,
    pub(crate) filters: Option<Arc<Filters>>,
    pub(crate) user_data: Option<RawJson>,
    pub(crate) without_voice: bool,
    pub(crate) no_replace: bool,
}

impl Update {
    /// Plays this track from its start, in place of what plays.
    ///
    /// As on the server, a play ends a pause unless [`paused`](Update::paused) says otherwise,
    /// and has no end time unless [`end_time`](Update::end_time) sets one.
    pub fn play(track: impl Into<Source>) -> Self {
        Self {
            track: Some(Some(track.into())),
            ..Self::default()
        }
    }

    /// Stops what plays and keeps the player.
    pub fn stop() -> Self {
        Self {
            track: Some(None),
            ..Self::default()
        }
    }

    /// Starts the track at this place, or seeks to it. Truncated to milliseconds.
    #[must_use]
    pub fn position(mut self, position: Duration) -> Self {
        self.position_ms = Some(millis(position));
        self
    }

    /// Ends the track at this place, or, with `None`, at its own end.
    #[must_use]
    pub fn end_time(mut self, end_time: impl Into<Option<Duration>>) -> Self {
        self.end_time_ms = Some(end_time.into().map(millis));
        self
    }

    /// Sets the volume in percent; more than 1000 counts as 1000.
    #[must_use]
    pub fn volume(mut self, volume: impl Into<Volume>) -> Self {
        self.volume = Some(volume.into());
        self
    }

    /// Pauses or goes on.
    #[must_use]
    pub const fn paused(mut self, paused: bool) -> Self {
        self.paused = Some(paused);
        self
    }

    /// Replaces all filters; [`Filters::default`] clears them.
    #[must_use]
    pub fn filters(mut self, filters: impl Into<Arc<Filters>>) -> Self {
        self.filters = Some(filters.into());
        self
    }

    /// Attaches a JSON object to the track, which its events carry.
    #[must_use]
    pub fn user_data(mut self, user_data: RawJson) -> Self {
        self.user_data = Some(user_data);
        self
    }

    /// Does not wait for Discord's voice updates: the track starts, and its position stands
    /// still until there is a voice connection.
    #[must_use]
    pub const fn without_voice(mut self) -> Self {
        self.without_voice = true;
        self
    }

    /// Leaves a track alone that plays, or is to play: then nothing of the update is applied, and
    /// it is answered with [`RequestError::NotReplaced`](crate::RequestError::NotReplaced).
    ///
    /// That is decided by what is wanted at the moment, without asking the node, so that it also
    /// holds while a player waits for its voice or for another node (Lavalink's `noReplace` would
    /// find nothing there). An update without a track is applied in any case.
    #[must_use]
    pub const fn no_replace(mut self) -> Self {
        self.no_replace = true;
        self
    }

    /// Whether it plays another track or stops what plays.
    pub const fn sets_track(&self) -> bool {
        self.track.is_some()
    }

    /// Whether it plays another track.
    pub(crate) const fn plays(&self) -> bool {
        matches!(self.track, Some(Some(_)))
    }

    /// Whether it gives way to what plays, see [`no_replace`](Self::no_replace).
    pub const fn gives_way(&self) -> bool {
        self.no_replace
    }

    /// The fields that the update sets.
    pub(crate) fn fields(&self) -> Fields {
        let mut fields = Fields::NONE;
        for (is_set, field) in [
            (self.track.is_some(), Fields::TRACK.with(Fields::POSITION)),
            (self.position_ms.is_some(), Fields::POSITION),
            (self.end_time_ms.is_some(), Fields::END_TIME),
            (self.volume.is_some(), Fields::VOLUME),
            (self.paused.is_some(), Fields::PAUSED),
            (self.filters.is_some(), Fields::FILTERS),
            (self.user_data.is_some(), Fields::USER_DATA),
        ] {
            if is_set {
                fields = fields.with(field);
            }
        }
        fields
    }

    /// Takes out what it asks of a play that it does not begin itself.
    pub(crate) fn take_for_the_play(&mut self) -> Self {
        Self {
            position_ms: self.position_ms.take(),
            end_time_ms: self.end_time_ms.take(),
            user_data: self.user_data.take(),
            ..Self::default()
        }
    }

    /// Takes over what a later one asks of the same play.
    pub(crate) fn ask_since(&mut self, later: Self) {
        self.position_ms = later.position_ms.or(self.position_ms);
        self.end_time_ms = later.end_time_ms.or(self.end_time_ms);
        if later.user_data.is_some() {
            self.user_data = later.user_data;
        }
    }

    /// Refuses what the server would accept and then fail on.
    pub(crate) fn check(&self) -> Result<(), SubmitError> {
        if self.end_time_ms == Some(Some(0)) {
            return Err(SubmitError::InvalidEndTime);
        }
        if let Some(filters) = &self.filters {
            filters.check()?;
        }
        let track_data = match &self.track {
            Some(Some(Source::Track(track))) => track.user_data.as_ref(),
            Some(Some(Source::Encoded(_) | Source::Identifier(_)) | None) | None => None,
        };
        let data = self.user_data.as_ref().or(track_data);
        if data.is_some_and(|data| !play_tag::is_free_object(data)) {
            return Err(SubmitError::InvalidUserData);
        }
        Ok(())
    }
}

/// Where a track comes from.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Source {
    /// A track that a node loaded or decoded.
    Track(Arc<Track>),
    /// The encoded form of a track; what it is called is known once a node plays it.
    Encoded(Arc<str>),
    /// An identifier for the node to load, which must give exactly one track.
    Identifier(Arc<str>),
}

impl Source {
    /// The encoded form of a track (Lavalink: Track).
    pub fn encoded(blob: impl Into<Arc<str>>) -> Self {
        Self::Encoded(blob.into())
    }

    /// A URL or another identifier that a source of the node knows.
    pub fn identifier(identifier: impl Into<Arc<str>>) -> Self {
        Self::Identifier(identifier.into())
    }
}

impl From<Track> for Source {
    fn from(track: Track) -> Self {
        Self::Track(track.into())
    }
}

impl From<&Track> for Source {
    fn from(track: &Track) -> Self {
        Self::Track(track.clone().into())
    }
}

impl From<Arc<Track>> for Source {
    fn from(track: Arc<Track>) -> Self {
        Self::Track(track)
    }
}

/// A player's volume in percent, 0 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "recording", serde(from = "u16"))]
pub struct Volume(u16);

impl Volume {
    /// The loudest.
    pub const MAX: Self = Self(1000);

    /// The percentage.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for Volume {
    /// 100 percent, as on the server.
    fn default() -> Self {
        Self(100)
    }
}

impl From<u16> for Volume {
    /// More than 1000 counts as 1000, as on the server.
    fn from(percent: u16) -> Self {
        Self(percent.min(Self::MAX.0))
    }
}

fn millis(duration: Duration) -> u64 {
    // The server reads a signed 64-bit number.
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX)
        .min(i64::MAX.unsigned_abs())
}
