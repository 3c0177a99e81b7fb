//! What identifiers load: entries that a test made, and tracks that are derived from their
//! address, so that any number of distinct ones exists.
//!
//! | Identifier | Loads |
//! |---|---|
//! | `https://tracks.test/<name>` | a track of 3 minutes; `?length=MS` and the hints of [`Fate`] |
//! | `https://tracks.test/playlist/<name>?tracks=N` | a playlist, its first track selected |
//! | `https://tracks.test/error` | an error |
//! | `ytsearch:`, `ytmsearch:`, `scsearch:` and text | a search of 10 tracks of that source |
//! | `spsearch:`, `dzsearch:`, `amsearch:` and text | the same |
//! | such a prefix and `nothing` | nothing |
//! | recommendations: YouTube's mixes, `sprec:`, `dzrec:` and others | a playlist |
//! | anything else | nothing |

use std::collections::BTreeMap;
use std::time::Duration;

use super::blob::TrackBlob;
use super::recommended;

/// The result of loading an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadResult {
    /// One track.
    Track(TrackBlob),
    /// A playlist.
    Playlist {
        /// Its name.
        name: String,
        /// The index of the selected track, or -1.
        selected: i32,
        /// Its tracks.
        tracks: Vec<TrackBlob>,
    },
    /// The hits of a search.
    Search(Vec<TrackBlob>),
    /// Nothing was found.
    Empty,
    /// Loading failed with this message.
    Error(String),
}

/// What identifiers load.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    entries: BTreeMap<String, LoadResult>,
    fates: BTreeMap<String, Fate>,
}

impl Catalogue {
    /// Makes an identifier load this, whatever else it would load.
    pub fn insert(&mut self, identifier: impl Into<String>, result: LoadResult) {
        self.entries.insert(identifier.into(), result);
    }

    /// Makes a track that was loaded or decoded with this identifier end like this when played.
    pub fn doom(&mut self, identifier: impl Into<String>, fate: Fate) {
        self.fates.insert(identifier.into(), fate);
    }

    /// Loads an identifier on a node that has these sources.
    pub fn load(&self, identifier: &str, sources: &[String]) -> LoadResult {
        if let Some(result) = self.entries.get(identifier) {
            return result.clone();
        }
        let has = |name: &str| sources.iter().any(|source| source == name);
        if let Some(name) = identifier.strip_prefix(ROOT).filter(|_| has("http")) {
            return generated(name);
        }
        if let Some(result) = recommended::load(identifier, sources) {
            return result;
        }
        let Some((prefix, text)) = identifier.split_once(':') else {
            return LoadResult::Empty;
        };
        let source = match prefix {
            "ytsearch" | "ytmsearch" => "youtube",
            "scsearch" => "soundcloud",
            "spsearch" => "spotify",
            "dzsearch" => "deezer",
            "amsearch" => "applemusic",
            _ => return LoadResult::Empty,
        };
        if !has(source) || text.trim().is_empty() || text.trim() == "nothing" {
            return LoadResult::Empty;
        }
        LoadResult::Search(
            (0..10)
                .map(|hit| search_hit(source, text.trim(), hit))
                .collect(),
        )
    }

    /// Returns how a track ends when it is played.
    pub(super) fn fate(&self, identifier: &str) -> Fate {
        self.fates
            .get(identifier)
            .cloned()
            .unwrap_or_else(|| Fate::of(identifier))
    }
}

/// What happens to a track when it is played. In generated identifiers: `?fails`, `?stalls=MS`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It plays to its end.
    #[default]
    Plays,
    /// It fails before any audio, with this as root cause.
    Fails(String),
    /// Its audio stops coming after this position.
    Stalls(Duration),
}

impl Fate {
    fn of(identifier: &str) -> Self {
        let Some(name) = identifier.strip_prefix(ROOT) else {
            return Self::Plays;
        };
        if parameter(name, "fails").is_some() {
            return Self::Fails("java.lang.RuntimeException: Not success status code: 404".into());
        }
        let stalls = parameter(name, "stalls").and_then(|value| value.parse().ok());
        stalls.map_or(Self::Plays, |at| Self::Stalls(Duration::from_millis(at)))
    }
}

/// Makes a track of the `http` source with this address, as generated identifiers do.
pub fn track(identifier: &str, title: &str, length_ms: i64) -> TrackBlob {
    TrackBlob {
        title: title.to_owned(),
        author: "Test artist".to_owned(),
        length_ms,
        identifier: identifier.to_owned(),
        is_stream: length_ms == i64::MAX,
        uri: Some(identifier.to_owned()),
        artwork_url: None,
        isrc: None,
        source: "http".to_owned(),
        tail: TrackBlob::probe_tail("mp3"),
        position_ms: 0,
    }
}

fn generated(name: &str) -> LoadResult {
    let stem = name.split('?').next().unwrap_or_default();
    if stem == "error" {
        return LoadResult::Error(LOAD_FAILED.to_owned());
    }
    let Some(list) = stem.strip_prefix("playlist/") else {
        let length = match parameter(name, "length") {
            Some("stream") => i64::MAX,
            Some(value) => value.parse().unwrap_or(LENGTH_MS),
            None => LENGTH_MS,
        };
        return LoadResult::Track(track(
            &format!("{ROOT}{name}"),
            &format!("Track {stem}"),
            length,
        ));
    };
    let count = parameter(name, "tracks")
        .and_then(|value| value.parse().ok())
        .unwrap_or(3);
    let member = |index: u32| {
        let identifier = format!("{ROOT}{list}-{index}");
        track(&identifier, &format!("Track {list}-{index}"), LENGTH_MS)
    };
    LoadResult::Playlist {
        name: format!("Playlist {list}"),
        selected: if count == 0 { -1 } else { 0 },
        tracks: (0..count.min(TRACKS_MAX)).map(member).collect(),
    }
}

fn search_hit(source: &str, text: &str, hit: u32) -> TrackBlob {
    let identifier = format!("{}-{hit}", text.replace(' ', "-"));
    derived(source, &identifier, &format!("{text} {hit}"), hit)
}

/// Makes a track of a source; the number makes its length.
pub(super) fn derived(source: &str, identifier: &str, title: &str, number: u32) -> TrackBlob {
    TrackBlob {
        uri: Some(format!("https://{source}.test/{identifier}")),
        artwork_url: Some(format!("https://{source}.test/{identifier}.webp")),
        source: source.to_owned(),
        tail: Vec::new(),
        ..track(identifier, title, LENGTH_MS + i64::from(number) * 1000)
    }
}

/// Returns the value of a query parameter, empty if it has none.
fn parameter<'a>(address: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = address.split_once('?')?;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then_some(value)
    })
}

const ROOT: &str = "https://tracks.test/";
const LENGTH_MS: i64 = 180_000;
const TRACKS_MAX: u32 = 10_000;
/// lavaplayer's text for whatever goes wrong in a source.
pub(super) const LOAD_FAILED: &str = "Something went wrong while looking up the track.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_track_is_named_by_its_address() {
        let catalogue = Catalogue::default();
        let identifier = "https://tracks.test/7?length=5000";
        let expected = LoadResult::Track(track(identifier, "Track 7", 5000));
        assert_eq!(catalogue.load(identifier, &["http".to_owned()]), expected);
        assert_eq!(
            catalogue.load(identifier, &["local".to_owned()]),
            LoadResult::Empty
        );
    }

    #[test]
    fn all_five_results_exist() {
        let catalogue = Catalogue::default();
        let sources = ["http".to_owned(), "youtube".to_owned()];
        let kinds = ["1", "playlist/a?tracks=2", "error"].map(|name| format!("{ROOT}{name}"));
        let [track, playlist, error] =
            kinds.map(|identifier| catalogue.load(&identifier, &sources));
        assert!(matches!(track, LoadResult::Track(_)));
        assert!(matches!(&playlist, LoadResult::Playlist { tracks, .. } if tracks.len() == 2));
        assert_eq!(error, LoadResult::Error(LOAD_FAILED.to_owned()));
        let search = catalogue.load("ytsearch:a b", &sources);
        assert!(matches!(&search, LoadResult::Search(hits) if hits.len() == 10));
        assert_eq!(catalogue.load("scsearch:a b", &sources), LoadResult::Empty);
    }

    #[test]
    fn a_fate_is_read_from_the_address_or_given() {
        let mut catalogue = Catalogue::default();
        let stalls = Fate::Stalls(Duration::from_millis(300));
        assert_eq!(
            catalogue.fate("https://tracks.test/1?length=9&stalls=300"),
            stalls
        );
        assert_eq!(catalogue.fate("https://tracks.test/1"), Fate::Plays);
        catalogue.doom("/tmp/x", Fate::Fails("gone".to_owned()));
        assert_eq!(catalogue.fate("/tmp/x"), Fate::Fails("gone".to_owned()));
    }
}
