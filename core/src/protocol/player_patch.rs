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
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct PlayerPatchBuf {
    /// As [`PlayerPatch::track`].
    pub track: Option<TrackPatchBuf>,
    /// As [`PlayerPatch::position`].
    pub position: Option<u64>,
    /// As [`PlayerPatch::end_time`].
    #[cfg_attr(feature = "recording", serde(with = "crate::recording::maybe"))]
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
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct TrackPatchBuf {
    /// As [`TrackPatch::encoded`].
    #[cfg_attr(feature = "recording", serde(with = "crate::recording::maybe"))]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use crate::protocol::ChannelId;

    fn json(patch: PlayerPatch<'_>) -> String {
        let mut out = Vec::new();
        crate::protocol::write(&patch, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_does_not_change_is_left_out() {
        assert_eq!(json(PlayerPatch::default()), "{}");
        let track = Some(TrackPatch::default());
        assert_eq!(
            json(PlayerPatch {
                track,
                ..Default::default()
            }),
            r#"{"track":{}}"#
        );
    }

    #[test]
    fn null_is_written_only_for_no_track_and_no_end() {
        let track = Some(TrackPatch {
            encoded: Some(None),
            ..Default::default()
        });
        let patch = PlayerPatch {
            track,
            end_time: Some(None),
            ..Default::default()
        };
        assert_eq!(json(patch), r#"{"track":{"encoded":null},"endTime":null}"#);
    }

    #[test]
    fn a_whole_player_fits_in_one_patch() {
        let patch = PlayerPatchBuf {
            track: Some(TrackPatchBuf {
                encoded: Some(Some("QAAA".into())),
                identifier: None,
                user_data: Some(RawJson::object(r#"{"n":1}"#).unwrap()),
            }),
            position: Some(30_000),
            end_time: Some(Some(60_000)),
            volume: Some(80),
            paused: Some(true),
            filters: Some(Arc::new(Filters::new().with_volume(0.5))),
            voice: Some(Arc::new(VoiceState {
                token: Secret::from("t"),
                endpoint: "e".into(),
                session_id: Secret::from("s"),
                channel_id: ChannelId::new(6).unwrap(),
            })),
        };
        let expected = r#"{"track":{"encoded":"QAAA","userData":{"n":1}},"position":30000,"#
            .to_owned()
            + r#""endTime":60000,"volume":80,"paused":true,"filters":{"volume":0.5},"#
            + r#""voice":{"token":"t","endpoint":"e","sessionId":"s","channelId":"6"}}"#;
        assert_eq!(json(patch.as_patch()), expected);
    }

    #[test]
    fn only_a_patch_with_a_new_track_starts_one() {
        let starts = |track| {
            PlayerPatch {
                track,
                ..Default::default()
            }
            .starts_track()
        };
        let encoded = TrackPatch {
            encoded: Some(Some("QAAA")),
            ..Default::default()
        };
        let identifier = TrackPatch {
            identifier: Some("https://a"),
            ..Default::default()
        };
        let stop = TrackPatch {
            encoded: Some(None),
            ..Default::default()
        };
        assert!(starts(Some(encoded)));
        assert!(starts(Some(identifier)));
        assert!(!starts(Some(stop)));
        assert!(!starts(Some(TrackPatch::default())));
        assert!(!starts(None));
    }
}
