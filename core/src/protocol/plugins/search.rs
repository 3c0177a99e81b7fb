//! What LavaSearch finds: [`SearchResult`].

use serde::Deserialize;

use super::super::json::{DecodeError, decode};
use super::super::{LoadType, Playlist, RawJson, Track, lenient};

/// What a search may be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum SearchKind {
    /// Tracks.
    Track,
    /// Albums.
    Album,
    /// Artists.
    Artist,
    /// Playlists.
    Playlist,
    /// Words that complete the query.
    Text,
}

impl SearchKind {
    /// The word as the wire spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Album => "album",
            Self::Artist => "artist",
            Self::Playlist => "playlist",
            Self::Text => "text",
        }
    }
}

/// The answer to `GET /v4/loadsearch` (LavaSearch: Search Result). What was not asked for is
/// empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SearchResult {
    /// The tracks.
    #[serde(deserialize_with = "lenient::or_default")]
    pub tracks: Vec<Track>,
    /// The albums, of the kind [`LoadType::Album`]. They come without their tracks: the URL in
    /// [`Playlist::plugin_info`] loads them.
    #[serde(deserialize_with = "lenient::or_default")]
    pub albums: Vec<Playlist>,
    /// The artists, of the kind [`LoadType::Artist`], without their tracks.
    #[serde(deserialize_with = "lenient::or_default")]
    pub artists: Vec<Playlist>,
    /// The playlists, without their tracks.
    #[serde(deserialize_with = "lenient::or_default")]
    pub playlists: Vec<Playlist>,
    /// Words that complete the query.
    #[serde(deserialize_with = "lenient::or_default")]
    pub texts: Vec<SearchText>,
    /// What another plugin adds to it, an object.
    pub plugin: Option<RawJson>,
}

/// Words that complete a query.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SearchText {
    /// The words.
    #[serde(deserialize_with = "lenient::or_default")]
    pub text: String,
    /// What another plugin adds to them, an object.
    pub plugin: Option<RawJson>,
}

impl SearchResult {
    /// Reads an answer.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        let mut found: Self = decode(text, "search result")?;
        for album in &mut found.albums {
            album.kind = LoadType::Album;
        }
        for artist in &mut found.artists {
            artist.kind = LoadType::Artist;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_is_read_and_keeps_what_it_was() {
        let list = |name: &str| {
            format!(
                r#"{{"info":{{"name":"{name}","selectedTrack":-1}},
                "pluginInfo":{{"url":"u"}},"tracks":[]}}"#
            )
        };
        let text = format!(
            r#"{{"tracks":[{{"encoded":"QAAA","info":{{}}}}],"albums":[{}],"artists":[{}],
            "playlists":[{}],"texts":[{{"text":"never gonna","plugin":{{}}}}],
            "plugin":{{"a":1}}}}"#,
            list("A"),
            list("B"),
            list("C"),
        );
        let found = SearchResult::decode(&text).unwrap();
        let lists = [&found.albums, &found.artists, &found.playlists];
        let lists = lists.map(|list| (list[0].info.name.as_str(), list[0].kind.clone()));
        let kinds = [
            ("A", LoadType::Album),
            ("B", LoadType::Artist),
            ("C", LoadType::Playlist),
        ];
        assert_eq!(lists, kinds);
        assert_eq!(&*found.tracks[0].encoded, "QAAA");
        assert_eq!(found.texts[0].text, "never gonna");
        assert_eq!(found.plugin.unwrap().get(), r#"{"a":1}"#);
    }

    #[test]
    fn what_is_absent_or_null_is_empty() {
        for text in ["{}", r#"{"tracks":null,"albums":null,"texts":null}"#] {
            assert_eq!(SearchResult::decode(text), Ok(SearchResult::default()));
        }
        assert!(SearchResult::decode("7").is_err());
    }
}
