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
