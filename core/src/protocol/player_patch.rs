//! What a player should become: [`PlayerPatch`], and on its own feet [`PlayerPatchBuf`].

use std::sync::Arc;

use serde::Serialize;

use super::{Filters, RawJson, VoiceState};

/// The body of `PATCH /v4/sessions/{id}/players/{guild}`: what is `None` stays as it is.
///
/// `null` is written only where Lavalink takes it: for [`TrackPatch::encoded`] and `end_time`.
///
/// ```
/// use lavapool_core::protocol::PlayerPatch;
///
/// let patch = PlayerPatch { paused: Some(true), end_time: Some(None), ..Default::default() };
/// assert_eq!(serde_json::to_string(&patch)?, r#"{"endTime":null,"paused":true}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlayerPatch<'a> {
    /// The track. Setting one also sets `paused`, to false unless told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<TrackPatch<'a>>,
    /// Where to start the new track or to go in the present one, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Where the track ends, in milliseconds and above 0; `Some(None)` with a new track: at its
    /// end. Alone, `Some(None)` changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Option<u64>>,
    /// The volume in percent, 0 to 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<u16>,
    /// Whether it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// All filters; those that are not set are removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<&'a Filters>,
    /// The voice connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<&'a VoiceState>,
}

/// The track of a [`PlayerPatch`]. `encoded` and `identifier` exclude each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrackPatch<'a> {
    /// The blob of the new track; `Some(None)` stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoded: Option<Option<&'a str>>,
    /// What the server loads the new track from; it must lead to a single track.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<&'a str>,
    /// The user data of the new track, or of the present one; an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_data: Option<&'a RawJson>,
}

impl PlayerPatch<'_> {
    /// Whether the patch starts a track: that is not safe to repeat.
    pub fn starts_track(&self) -> bool {
        self.track.is_some_and(|track| {
            matches!(track.encoded, Some(Some(_))) || track.identifier.is_some()
        })
    }
}

/// A [`PlayerPatch`] that borrows nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlayerPatchBuf {
    /// As [`PlayerPatch::track`].
    pub track: Option<TrackPatchBuf>,
    /// As [`PlayerPatch::position`].
    pub position: Option<u64>,
    /// As [`PlayerPatch::end_time`].
    pub end_time: Option<Option<u64>>,
    /// As [`PlayerPatch::volume`].
    pub volume: Option<u16>,
    /// As [`PlayerPatch::paused`].
    pub paused: Option<bool>,
    /// As [`PlayerPatch::filters`].
    pub filters: Option<Arc<Filters>>,
    /// As [`PlayerPatch::voice`].
    pub voice: Option<Arc<VoiceState>>,
}

/// A [`TrackPatch`] that borrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackPatchBuf {
    /// As [`TrackPatch::encoded`].
    pub encoded: Option<Option<Arc<str>>>,
    /// As [`TrackPatch::identifier`].
    pub identifier: Option<Arc<str>>,
    /// As [`TrackPatch::user_data`].
    pub user_data: Option<RawJson>,
}

impl PlayerPatchBuf {
    /// The same patch, borrowed.
    pub fn as_patch(&self) -> PlayerPatch<'_> {
        PlayerPatch {
            track: self.track.as_ref().map(TrackPatchBuf::as_patch),
            position: self.position,
            end_time: self.end_time,
            volume: self.volume,
            paused: self.paused,
            filters: self.filters.as_deref(),
            voice: self.voice.as_deref(),
        }
    }
}

impl TrackPatchBuf {
    /// The same patch, borrowed.
    pub fn as_patch(&self) -> TrackPatch<'_> {
        TrackPatch {
            encoded: self.encoded.as_ref().map(Option::as_deref),
            identifier: self.identifier.as_deref(),
            user_data: self.user_data.as_ref(),
        }
    }
}
