//! What an identifier leads to: [`LoadResult`].

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::json::{DecodeError, Text, decode};
use super::open_enum::open_enum;
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
        let wire: WireResult<'_> = decode(text, "load result")?;
        let data = wire.data.map_or("null", RawValue::get);
        let load_type = LoadType::from(&*wire.load_type.0);
        match load_type {
            LoadType::Track => decode(data, "loaded track").map(Self::Track),
            LoadType::Short => decode(data, "loaded track").map(Self::Short),
            LoadType::Search => decode(data, "found tracks").map(Self::Search),
            LoadType::Empty => Ok(Self::Empty),
            LoadType::Error => decode(data, "load exception").map(Self::Error),
            LoadType::Playlist
            | LoadType::Album
            | LoadType::Artist
            | LoadType::Station
            | LoadType::Podcast
            | LoadType::Show => {
                let mut playlist: Playlist = decode(data, "loaded playlist")?;
                playlist.kind = load_type;
                Ok(Self::Playlist(playlist))
            }
            LoadType::Unknown(load_type) => Ok(Self::Unknown {
                load_type,
                data: RawJson::parse(data)?,
            }),
        }
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
