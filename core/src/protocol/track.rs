//! What is played: [`Track`] and its borrowed form [`WireTrack`].

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::json::{DecodeError, Text, decode};
use super::{RawJson, RawJsonRef, lenient};

/// A track that a server knows how to play.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Track {
    /// The server's own form of the track, in base64. In events it holds the position, so compare
    /// with [`same_track`].
    #[serde(deserialize_with = "shared")]
    pub encoded: Arc<str>,
    /// What people want to know of it.
    pub info: TrackInfo,
    /// What a plugin adds to it, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin_info: Option<RawJson>,
    /// What the application added to it, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<RawJson>,
}

impl Track {
    /// A track of these parts, without plugin info and user data.
    pub fn new(encoded: impl Into<Arc<str>>, info: TrackInfo) -> Self {
        Self {
            encoded: encoded.into(),
            info,
            plugin_info: None,
            user_data: None,
        }
    }

    /// The same track with this user data.
    #[must_use]
    pub fn with_user_data(mut self, user_data: RawJson) -> Self {
        self.user_data = Some(user_data);
        self
    }
}

/// A [`Track`] in a text that is there as a whole, as a body is: what stays raw in it is copied
/// once, to where it is shared from. (A `Track` is also read from a stream or a
/// [`Value`](serde_json::Value), where there is no text to copy from.)
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct TrackInText(#[serde(with = "InText")] Track);

impl TrackInText {
    pub(crate) fn into_track(self) -> Track {
        self.0
    }

    /// Those tracks, in the place where they are.
    pub(crate) fn into_tracks(tracks: Vec<Self>) -> Vec<Track> {
        tracks.into_iter().map(Self::into_track).collect()
    }
}

#[derive(Deserialize)]
#[serde(remote = "Track", rename_all = "camelCase")]
struct InText {
    #[serde(deserialize_with = "shared")]
    encoded: Arc<str>,
    info: TrackInfo,
    #[serde(default, deserialize_with = "raw_in_text")]
    plugin_info: Option<RawJson>,
    #[serde(default, deserialize_with = "raw_in_text")]
    user_data: Option<RawJson>,
}

/// What stays raw, from a text that is there as a whole.
pub(super) fn raw_in_text<'de, D>(deserializer: D) -> Result<Option<RawJson>, D::Error>
where
    D: Deserializer<'de>,
{
    let raw: Option<&RawValue> = Option::deserialize(deserializer)?;
    Ok(raw.map(RawJson::from))
}

/// A text that is copied once, to where it is shared from.
fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    Text::deserialize(deserializer).map(|text| Arc::from(&*text.0))
}

/// What is known of a track. Missing texts are empty, missing numbers 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct TrackInfo {
    /// The source's own name of the track.
    #[serde(deserialize_with = "lenient::or_default")]
    pub identifier: String,
    /// Whether a position can be set.
    #[serde(deserialize_with = "lenient::or_default")]
    pub is_seekable: bool,
    /// Who made it.
    #[serde(deserialize_with = "lenient::or_default")]
    pub author: String,
    /// The length in milliseconds as the server says it: of a stream it is `i64::MAX`, 0 or -1.
    /// [`TrackInfo::length`] tells these apart.
    #[serde(deserialize_with = "lenient::i64_or_zero")]
    pub length: i64,
    /// Whether it has no end.
    #[serde(deserialize_with = "lenient::or_default")]
    pub is_stream: bool,
    /// The position in milliseconds.
    #[serde(deserialize_with = "lenient::i64_or_zero")]
    pub position: i64,
    /// Its title.
    #[serde(deserialize_with = "lenient::or_default")]
    pub title: String,
    /// Where people find it.
    pub uri: Option<String>,
    /// The source that loaded it, such as `youtube`.
    #[serde(deserialize_with = "lenient::or_default")]
    pub source_name: String,
    /// Its picture.
    pub artwork_url: Option<String>,
    /// Its International Standard Recording Code.
    pub isrc: Option<String>,
}

impl TrackInfo {
    /// How long the track is; none of a stream and where the server does not know.
    pub fn length(&self) -> Option<Duration> {
        if self.is_stream || self.length == i64::MAX {
            return None;
        }
        u64::try_from(self.length).ok().map(Duration::from_millis)
    }
}

/// A track as it stands in a message, with only its blob read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WireTrack<'a> {
    /// As [`Track::encoded`].
    #[serde(borrow)]
    pub encoded: Cow<'a, str>,
    /// As [`Track::info`].
    #[serde(borrow)]
    pub info: RawJsonRef<'a>,
    /// As [`Track::plugin_info`].
    #[serde(borrow, default)]
    pub plugin_info: Option<RawJsonRef<'a>>,
    /// As [`Track::user_data`].
    #[serde(borrow, default)]
    pub user_data: Option<RawJsonRef<'a>>,
}

impl WireTrack<'_> {
    /// Reads the whole track.
    pub fn to_track(&self) -> Result<Track, DecodeError> {
        Ok(Track {
            encoded: Arc::from(&*self.encoded),
            info: decode(self.info.get(), "info of a track")?,
            plugin_info: self.plugin_info.map(RawJson::from),
            user_data: self.user_data.map(RawJson::from),
        })
    }
}

/// Whether two blobs are of one track, wherever it is played: all but the position is equal.
///
/// Texts that are no blobs are the same track when they are equal.
///
/// ```
/// use lavapool_core::protocol::same_track;
///
/// let start = "AAAANAACVDEAAkExAAAAAAAAE4gADS90bXAvdG9uZS53YXYAAAVsb2NhbAADd2F2AAAAAAAAAAA=";
/// let later = "AAAANAACVDEAAkExAAAAAAAAE4gADS90bXAvdG9uZS53YXYAAAVsb2NhbAADd2F2AAAAAAAABNI=";
/// assert!(same_track(start, later));
/// ```
pub fn same_track(one: &str, other: &str) -> bool {
    // Mostly so, and found out faster.
    if one == other {
        return true;
    }
    match (blob_stem(one), blob_stem(other)) {
        (Some(one), Some(other)) => one == other,
        (Some(_), None) | (None, Some(_) | None) => false,
    }
}

/// A track's blob without the position, which is the last 8 bytes of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobStem<'a> {
    /// Base64 of all whole groups of three bytes.
    groups: &'a str,
    /// The one or two bytes after them.
    rest: [u8; 2],
}

/// The part of a blob that names the track; none if the text is no blob.
///
/// Nothing is allocated: the base64 is compared as text, save the group where the position begins.
pub fn blob_stem(encoded: &str) -> Option<BlobStem<'_>> {
    let digits = encoded.trim_end_matches('=');
    let [a, b, c] = group(digits, 0)?;
    let [d, ..] = group(digits, 1)?;
    // The upper two bits are flags (protocol of lavaplayer: MessageInput).
    let body = u32::from_be_bytes([a & 0x3f, b, c, d]);
    let stem = usize::try_from(body)
        .ok()?
        .checked_sub(POSITION_BYTES)?
        .checked_add(HEADER_BYTES)?;
    let decoded = digits.len().checked_mul(3)? / 4;
    if decoded < stem.checked_add(POSITION_BYTES)? {
        return None;
    }
    let groups = digits.get(..(stem / 3).checked_mul(4)?)?;
    let [first, second, _] = group(digits, stem / 3)?;
    let rest = match stem % 3 {
        0 => [0, 0],
        1 => [first, 0],
        _ => [first, second],
    };
    Some(BlobStem { groups, rest })
}

const HEADER_BYTES: usize = 4;
const POSITION_BYTES: usize = 8;

/// The numbered three bytes of unpadded base64.
fn group(digits: &str, number: usize) -> Option<[u8; 3]> {
    let start = number.checked_mul(4)?;
    let digits = digits.as_bytes().get(start..start.checked_add(4)?)?;
    let mut bytes = [0; 3];
    STANDARD_NO_PAD.decode_slice(digits, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Version 1, body of 52 bytes, position 0 and 1234 ms.
    const START: &str =
        "AAAANAACVDEAAkExAAAAAAAAE4gADS90bXAvdG9uZS53YXYAAAVsb2NhbAADd2F2AAAAAAAAAAA=";
    const LATER: &str =
        "AAAANAACVDEAAkExAAAAAAAAE4gADS90bXAvdG9uZS53YXYAAAVsb2NhbAADd2F2AAAAAAAABNI=";

    #[test]
    fn a_blob_is_compared_without_its_position() {
        assert!(same_track(START, LATER));
        assert!(same_track(START, LATER.trim_end_matches('=')));
        // "T1" is "T2": byte 7 differs.
        let other = LATER.replacen("VDEA", "VDIA", 1);
        assert!(!same_track(START, &other));
    }

    #[test]
    fn only_the_last_eight_bytes_of_the_body_are_left_out_whatever_its_length() {
        for body in 8_u8..40 {
            let mut bytes = vec![0x40, 0, 0, body];
            bytes.extend((0..body).map(|byte| byte.wrapping_mul(37)));
            bytes.extend([0xff; 3]);
            let whole = STANDARD_NO_PAD.encode(&bytes);
            let stem = 4 + usize::from(body) - 8;
            for index in 4..bytes.len() {
                let mut changed = bytes.clone();
                changed[index] ^= 0x11;
                let same = same_track(&whole, &STANDARD_NO_PAD.encode(&changed));
                assert_eq!(same, index >= stem, "byte {index} of a body of {body}");
            }
        }
    }

    #[test]
    fn what_is_no_blob_is_compared_as_text() {
        for text in [
            "",
            "A",
            "AAAA",
            "QAAA",
            "AAAAAAA=",
            "AAAABwAAAAAAAAA=",
            "é",
            "!!!!!!!!!!!!",
        ] {
            assert_eq!(blob_stem(text), None, "{text}");
            assert!(same_track(text, text));
            assert!(!same_track(text, START));
        }
        // The body is said to be 510 bytes long.
        assert_eq!(blob_stem(&START.replacen("AAAANA", "AAAB/g", 1)), None);
        assert!(!same_track("garbage", "rubbish"));
    }

    #[test]
    fn a_track_is_written_as_it_was_read() {
        let json = r#"{"encoded":"QAAA","info":{"identifier":"id","isSeekable":true,"author":"A","#
            .to_owned()
            + r#""length":30066,"isStream":false,"position":5,"title":"T","uri":null,"#
            + r#""sourceName":"http","artworkUrl":"https://a","isrc":null},"#
            + r#""pluginInfo":{"probeInfo":"mp3"},"userData":{ "n":1.0 }}"#;
        let track: Track = serde_json::from_str(&json).unwrap();
        let info = TrackInfo {
            identifier: "id".into(),
            is_seekable: true,
            author: "A".into(),
            length: 30_066,
            is_stream: false,
            position: 5,
            title: "T".into(),
            uri: None,
            source_name: "http".into(),
            artwork_url: Some("https://a".into()),
            isrc: None,
        };
        let user_data = RawJson::object(r#"{ "n":1.0 }"#).unwrap();
        let mut expected = Track::new("QAAA", info).with_user_data(user_data);
        expected.plugin_info = Some(RawJson::object(r#"{"probeInfo":"mp3"}"#).unwrap());
        assert_eq!(track, expected);
        assert_eq!(serde_json::to_string(&track).unwrap(), json);
        let wire: WireTrack<'_> = serde_json::from_str(&json).unwrap();
        assert_eq!(wire.to_track(), Ok(expected));
    }

    #[test]
    fn info_may_lack_everything() {
        assert_eq!(
            serde_json::from_str::<TrackInfo>("{}").unwrap(),
            TrackInfo::default()
        );
    }

    #[test]
    fn a_stream_has_no_length() {
        let length = |length, is_stream| {
            TrackInfo {
                length,
                is_stream,
                ..TrackInfo::default()
            }
            .length()
        };
        assert_eq!(length(5000, false), Some(Duration::from_secs(5)));
        assert_eq!(length(5000, true), None);
        assert_eq!(length(-1, false), None);
        assert_eq!(length(i64::MAX, false), None);
    }
}
