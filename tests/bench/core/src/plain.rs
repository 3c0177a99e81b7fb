//! The yardstick of the playlist: what serde derives for types that hold the same as the core's.
//!
//! Texts are owned, what plugins and applications add stays raw, and whatever is missing or of
//! another type is an error.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What an identifier leads to.
#[derive(Debug, Deserialize)]
#[serde(tag = "loadType", content = "data", rename_all = "camelCase")]
pub enum LoadResult {
    /// One track.
    Track(Track),
    /// Tracks that belong together.
    Playlist(Playlist),
    /// What a search found.
    Search(Vec<Track>),
    /// Nothing.
    Empty,
}

impl LoadResult {
    /// Reads the body of an answer.
    pub fn decode(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// The tracks, in order.
    pub fn tracks(&self) -> &[Track] {
        match self {
            Self::Track(track) => std::slice::from_ref(track),
            Self::Playlist(playlist) => &playlist.tracks,
            Self::Search(tracks) => tracks,
            Self::Empty => &[],
        }
    }
}

/// Tracks that belong together.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are Lavalink's")]
pub struct Playlist {
    pub info: PlaylistInfo,
    pub plugin_info: Option<Box<RawValue>>,
    pub tracks: Vec<Track>,
}

/// What is known of a playlist.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are Lavalink's")]
pub struct PlaylistInfo {
    pub name: String,
    pub selected_track: i64,
}

/// A track.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are Lavalink's")]
pub struct Track {
    pub encoded: String,
    pub info: TrackInfo,
    pub plugin_info: Option<Box<RawValue>>,
    pub user_data: Option<Box<RawValue>>,
}

/// What is known of a track.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are Lavalink's")]
pub struct TrackInfo {
    pub identifier: String,
    pub is_seekable: bool,
    pub author: String,
    pub length: i64,
    pub is_stream: bool,
    pub position: i64,
    pub title: String,
    pub uri: Option<String>,
    pub source_name: String,
    pub artwork_url: Option<String>,
    pub isrc: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server;

    #[test]
    fn a_playlist_is_read_whole() {
        let list = LoadResult::decode(&server::playlist()).expect("it is one");
        let numbers = list.tracks().iter().map(|track| track.info.length);
        assert_eq!(numbers.sum::<i64>(), 100 * 90_000_000);
    }
}
