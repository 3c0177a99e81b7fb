//! What an identifier leads to: [`LoadResult`].

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::json::{DecodeError, Text, decode};
use super::open_enum::open_enum;
use super::track::{TrackInText, raw_in_text};
use super::{Exception, RawJson, Track, lenient};

/// The answer to `GET /v4/loadtracks`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LoadResult {
    /// One track.
    Track(Track),
    /// One short video (NodeLink).
    Short(Track),
    /// A playlist, or what is like one: see [`Playlist::kind`].
    Playlist(Playlist),
    /// What a search found; may be empty.
    Search(Vec<Track>),
    /// Nothing.
    Empty,
    /// Loading failed.
    Error(Exception),
    /// A kind of result that the core does not know.
    Unknown {
        /// Its `loadType`.
        load_type: Box<str>,
        /// Its `data`; `null` if there is none.
        data: RawJson,
    },
}

impl LoadResult {
    /// Reads an answer; `loadType` may stand before or after `data`.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        // Servers write `loadType` first: then what follows is read at once for what it is. What is
        // wrong, or in another order, is looked at again, to say of which part.
        match serde_json::from_str(text) {
            Ok(InOrder(result)) => Ok(result),
            Err(_) => Self::decode_in_any_order(text),
        }
    }

    fn decode_in_any_order(text: &str) -> Result<Self, DecodeError> {
        let wire: WireResult<'_> = decode(text, "load result")?;
        let data = wire.data.map_or("null", RawValue::get);
        let load_type = LoadType::from(&*wire.load_type.0);
        match load_type {
            LoadType::Track => decode(data, "loaded track").map(Self::Track),
            LoadType::Short => decode(data, "loaded track").map(Self::Short),
            LoadType::Search => decode(data, "found tracks").map(Self::Search),
            LoadType::Empty => Ok(Self::Empty),
            LoadType::Error => decode(data, "load exception").map(Self::Error),
            LoadType::Unknown(load_type) => Ok(Self::Unknown {
                load_type,
                data: RawJson::parse(data)?,
            }),
            kind => decode(data, "loaded playlist").map(|list| Self::playlist(list, kind)),
        }
    }

    fn playlist(mut playlist: Playlist, kind: LoadType) -> Self {
        playlist.kind = kind;
        Self::Playlist(playlist)
    }

    /// The tracks, in order; none of an empty or failed result.
    pub fn tracks(&self) -> &[Track] {
        match self {
            Self::Track(track) | Self::Short(track) => std::slice::from_ref(track),
            Self::Playlist(playlist) => &playlist.tracks,
            Self::Search(tracks) => tracks,
            Self::Empty | Self::Error(_) | Self::Unknown { .. } => &[],
        }
    }
}

open_enum! {
    /// What a [`LoadResult`] is.
    pub enum LoadType {
        /// A track.
        Track = "track",
        /// A playlist.
        Playlist = "playlist",
        /// The tracks that a search found.
        Search = "search",
        /// Nothing.
        Empty = "empty",
        /// An error.
        Error = "error",
        /// An album (NodeLink), like a playlist.
        Album = "album",
        /// An artist's tracks (NodeLink), like a playlist.
        Artist = "artist",
        /// A radio station (NodeLink), like a playlist.
        Station = "station",
        /// A podcast (NodeLink), like a playlist.
        Podcast = "podcast",
        /// A show (NodeLink), like a playlist.
        Show = "show",
        /// A short video (NodeLink), like a track.
        Short = "short",
    }
}

/// Tracks that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Playlist {
    /// [`LoadType::Playlist`] or what NodeLink calls it.
    #[serde(skip, default = "playlist")]
    pub kind: LoadType,
    /// Its name and selected track.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub info: PlaylistInfo,
    /// What a plugin adds to it, an object.
    #[serde(default)]
    pub plugin_info: Option<RawJson>,
    /// Its tracks.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub tracks: Vec<Track>,
}

impl Playlist {
    /// The track that the identifier points at, if any.
    pub fn selected(&self) -> Option<&Track> {
        self.tracks.get(self.info.selected_track?)
    }
}

/// What is known of a [`Playlist`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlaylistInfo {
    /// Its name.
    #[serde(deserialize_with = "lenient::or_default")]
    pub name: String,
    /// The index of the track that the identifier points at.
    #[serde(deserialize_with = "index", serialize_with = "index_or_minus_one")]
    pub selected_track: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireResult<'a> {
    #[serde(borrow)]
    load_type: Text<'a>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// A result whose `loadType` comes before its `data`, read in one pass.
struct InOrder(LoadResult);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Key {
    LoadType,
    Data,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrderVisitor)
    }
}

struct InOrderVisitor;

impl<'de> Visitor<'de> for InOrderVisitor {
    type Value = InOrder;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a load result")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<InOrder, A::Error> {
        let mut load_type = None;
        let mut result = None;
        while let Some(key) = entries.next_key()? {
            match key {
                Key::LoadType if load_type.is_none() => {
                    load_type = Some(LoadType::from(&*entries.next_value::<Text<'de>>()?.0));
                }
                Key::Data if result.is_none() => result = Some(data(&load_type, &mut entries)?),
                Key::Other => {
                    entries.next_value::<IgnoredAny>()?;
                }
                Key::LoadType | Key::Data => return Err(A::Error::custom("it comes twice")),
            }
        }
        let result = result.ok_or_else(|| A::Error::missing_field("data"));
        result.map(InOrder)
    }
}

/// The `data` of a result of this type, if it is known by now.
fn data<'de, A>(load_type: &Option<LoadType>, entries: &mut A) -> Result<LoadResult, A::Error>
where
    A: MapAccess<'de>,
{
    match load_type {
        None | Some(LoadType::Unknown(_)) => Err(A::Error::custom("not known what it is")),
        Some(LoadType::Track) => track(entries).map(LoadResult::Track),
        Some(LoadType::Short) => track(entries).map(LoadResult::Short),
        Some(LoadType::Search) => {
            let tracks = entries.next_value().map(TrackInText::into_tracks);
            tracks.map(LoadResult::Search)
        }
        Some(LoadType::Error) => entries.next_value().map(LoadResult::Error),
        Some(LoadType::Empty) => {
            entries.next_value::<IgnoredAny>()?;
            Ok(LoadResult::Empty)
        }
        Some(kind) => {
            let list: PlaylistInText = entries.next_value()?;
            Ok(LoadResult::playlist(list.into(), kind.clone()))
        }
    }
}

fn track<'de, A: MapAccess<'de>>(entries: &mut A) -> Result<Track, A::Error> {
    entries.next_value().map(TrackInText::into_track)
}

/// A [`Playlist`] in a text that is there as a whole, as servers write it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlaylistInText {
    info: PlaylistInfo,
    #[serde(default, deserialize_with = "raw_in_text")]
    plugin_info: Option<RawJson>,
    tracks: Vec<TrackInText>,
}

impl From<PlaylistInText> for Playlist {
    fn from(list: PlaylistInText) -> Self {
        Self {
            kind: playlist(),
            info: list.info,
            plugin_info: list.plugin_info,
            tracks: TrackInText::into_tracks(list.tracks),
        }
    }
}

fn playlist() -> LoadType {
    LoadType::Playlist
}

/// The wire has -1 for none.
fn index<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    Ok(usize::try_from(lenient::i64_or_minus_one(deserializer)?).ok())
}

fn index_or_minus_one<S>(index: &Option<usize>, serializer: S) -> Result<S::Ok, S::Error>
where
    S: serde::Serializer,
{
    let index = index.and_then(|index| i64::try_from(index).ok());
    serializer.serialize_i64(index.unwrap_or(-1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{DecodeCause, Severity, TrackInfo};

    const TRACK: &str = r#"{"encoded":"QAAA","info":{}}"#;

    fn track() -> Track {
        Track::new("QAAA", TrackInfo::default())
    }

    #[test]
    fn the_kind_may_stand_before_or_after_the_data() {
        let before = format!(r#"{{"loadType":"track","data":{TRACK}}}"#);
        let after = format!(r#"{{"data":{TRACK},"loadType":"TRACK"}}"#);
        let short = format!(r#"{{"loadType":"short","data":{TRACK}}}"#);
        assert_eq!(LoadResult::decode(&before), Ok(LoadResult::Track(track())));
        assert_eq!(LoadResult::decode(&after), Ok(LoadResult::Track(track())));
        assert_eq!(LoadResult::decode(&short), Ok(LoadResult::Short(track())));
    }

    /// Each text with something wrong or unusual in it is read as it is in two passes.
    #[test]
    fn what_is_read_in_one_pass_is_what_is_read_in_two() {
        let track = format!(r#"{{"loadType":"track","data":{TRACK}}}"#);
        let list = format!(
            r#"{{"loadType":"album","x":[1],"data":{{"info":{{"name":"P"}},"tracks":[{TRACK}]}}}}"#
        );
        let twice = format!(r#"{{"loadType":"track","data":{TRACK},"data":{TRACK}}}"#);
        let retyped = format!(r#"{{"loadType":"track","data":{TRACK},"loadType":"search"}}"#);
        let mut texts = vec![twice, retyped, r#"{"loadType":"empty"}"#.to_owned()];
        for text in [track, list] {
            for at in (0..text.len()).filter(|&at| text.is_char_boundary(at)) {
                texts.push(text[..at].to_owned());
                for other in ["", "x", "\"", "{", "]", ",", "0"] {
                    texts.push(format!("{}{other}{}", &text[..at], &text[at + 1..]));
                }
            }
            texts.push(text);
        }
        for text in texts {
            let (one, two) = (
                LoadResult::decode(&text),
                LoadResult::decode_in_any_order(&text),
            );
            assert_eq!(one, two, "{text}");
        }
    }

    #[test]
    fn nothing_is_said_in_three_ways() {
        for data in ["", r#","data":null"#, r#","data":{}"#] {
            let text = format!(r#"{{"loadType":"empty"{data}}}"#);
            assert_eq!(LoadResult::decode(&text), Ok(LoadResult::Empty));
        }
    }

    #[test]
    fn a_playlist_keeps_what_it_was() {
        for word in ["playlist", "album", "artist", "station", "podcast", "show"] {
            let text = format!(
                r#"{{"loadType":"{word}","data":{{"info":{{"name":"P","selectedTrack":1}},
                "pluginInfo":{{}},"tracks":[{TRACK},{TRACK}]}}}}"#
            );
            let expected = Playlist {
                kind: LoadType::from(word),
                info: PlaylistInfo {
                    name: "P".into(),
                    selected_track: Some(1),
                },
                plugin_info: Some(RawJson::parse("{}").unwrap()),
                tracks: vec![track(), track()],
            };
            assert_eq!(expected.selected(), Some(&track()));
            assert_eq!(
                LoadResult::decode(&text),
                Ok(LoadResult::Playlist(expected))
            );
        }
    }

    #[test]
    fn a_playlist_may_select_nothing() {
        for selected in ["-1", "null", "7"] {
            let text = format!(
                r#"{{"loadType":"playlist","data":{{"info":{{"name":"P",
                "selectedTrack":{selected}}},"tracks":[]}}}}"#
            );
            let Ok(LoadResult::Playlist(playlist)) = LoadResult::decode(&text) else {
                panic!("{text}");
            };
            assert_eq!(playlist.selected(), None, "{selected}");
        }
    }

    #[test]
    fn a_search_lists_tracks_and_an_error_says_why() {
        let found = format!(r#"{{"loadType":"search","data":[{TRACK}]}}"#);
        assert_eq!(
            LoadResult::decode(&found),
            Ok(LoadResult::Search(vec![track()]))
        );
        assert_eq!(LoadResult::decode(&found).unwrap().tracks(), [track()]);
        let failed =
            r#"{"loadType":"error","data":{"message":"m","severity":"fault","cause":"c"}}"#;
        let exception = Exception {
            message: Some("m".into()),
            severity: Severity::Fault,
            cause: Some("c".into()),
            cause_stack_trace: None,
        };
        assert_eq!(LoadResult::decode(failed), Ok(LoadResult::Error(exception)));
    }

    #[test]
    fn an_unknown_kind_keeps_its_data() {
        let text = r#"{"data":{"x":1},"loadType":"lyricsSingle"}"#;
        let data = RawJson::parse(r#"{"x":1}"#).unwrap();
        let expected = LoadResult::Unknown {
            load_type: "lyricsSingle".into(),
            data,
        };
        assert_eq!(LoadResult::decode(text), Ok(expected));
    }

    #[test]
    fn a_result_without_its_kind_or_data_is_an_error() {
        for text in [
            "{}",
            r#"{"loadType":"track"}"#,
            r#"{"loadType":"search","data":{}}"#,
        ] {
            assert_eq!(
                LoadResult::decode(text).unwrap_err().cause,
                DecodeCause::Shape,
                "{text}"
            );
        }
    }
}
