//! What recommendations load: a playlist of tracks of the same source, derived from the seed, so
//! that any seed has some.
//!
//! | Identifier | Needs |
//! |---|---|
//! | `https://www.youtube.com/watch?v=ID&list=RDID` | `youtube` |
//! | `sprec:mix:track:ID`, `sprec:mix:isrc:ISRC`, `sprec:seed_tracks=ID` | `spotify` |
//! | `dzrec:ID` | `deezer` |
//! | `amrec:ID` | `applemusic` |
//! | `ymrec:ID`, `vkrec:ID`, `tdrec:ID`, `qbrec:ID`, `jsrec:ID` | that source |
//!
//! The first track is the seed itself, as in YouTube's mixes. The seed `nothing` has none.

use super::blob::TrackBlob;
use super::catalogue::{LoadResult, derived};

/// How many tracks a recommendation has.
const TRACKS: u32 = 25;

/// Loads a recommendation on a node that has these sources; none if the identifier is no such.
pub(super) fn load(identifier: &str, sources: &[String]) -> Option<LoadResult> {
    let (source, seed) = mix(identifier).or_else(|| seeded(identifier))?;
    if !sources.iter().any(|own| own == source) || matches!(seed, "" | "nothing") {
        return Some(LoadResult::Empty);
    }
    let seed_itself = derived(source, seed, &format!("Title of {seed}"), 0);
    let others = (1..TRACKS).map(|number| recommended(source, seed, number));
    Some(LoadResult::Playlist {
        name: format!("Recommended with {seed}"),
        selected: -1,
        tracks: std::iter::once(seed_itself).chain(others).collect(),
    })
}

fn recommended(source: &str, seed: &str, number: u32) -> TrackBlob {
    // Short, and of the characters that ids have.
    let stem = seed.rsplit("-r").next().unwrap_or(seed);
    let identifier = format!("{stem}-r{number}");
    derived(
        source,
        &identifier,
        &format!("Like {seed} {number}"),
        number,
    )
}

/// The video of YouTube's mix.
fn mix(identifier: &str) -> Option<(&'static str, &str)> {
    let query = identifier.strip_prefix("https://www.youtube.com/watch?v=")?;
    let (video, list) = query.split_once("&list=RD")?;
    (video == list).then_some(("youtube", video))
}

fn seeded(identifier: &str) -> Option<(&'static str, &str)> {
    let (prefix, rest) = identifier.split_once(':')?;
    let source = match prefix {
        "sprec" => {
            let forms = ["mix:track:", "mix:isrc:", "seed_tracks="];
            let seed = forms.iter().find_map(|form| rest.strip_prefix(form));
            return Some(("spotify", seed.unwrap_or_default()));
        }
        "dzrec" => "deezer",
        "amrec" => "applemusic",
        "ymrec" => "yandexmusic",
        "vkrec" => "vkmusic",
        "tdrec" => "tidal",
        "qbrec" => "qobuz",
        "jsrec" => "jiosaavn",
        _ => return None,
    };
    Some((source, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recommendations_are_a_playlist_that_begins_with_the_seed() {
        let sources = ["youtube".to_owned()];
        let mix = "https://www.youtube.com/watch?v=a-1&list=RDa-1";
        let Some(LoadResult::Playlist { tracks, .. }) = load(mix, &sources) else {
            panic!("no playlist");
        };
        let mut ids: Vec<_> = tracks.iter().map(|track| &track.identifier).collect();
        assert_eq!((ids[0].as_str(), ids.len()), ("a-1", 25));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 25);
        assert!(tracks.iter().all(|track| track.source == "youtube"));
    }

    #[test]
    fn a_node_without_the_source_recommends_nothing() {
        for identifier in ["sprec:mix:track:x", "dzrec:x", "sprec:x", "jsrec:"] {
            let sources = ["youtube".to_owned(), "spotify".to_owned()];
            let has = identifier == "sprec:mix:track:x";
            let found = load(identifier, &sources).expect("a recommendation");
            assert_eq!(found == LoadResult::Empty, !has, "{identifier}");
        }
        assert_eq!(load("https://tracks.test/1", &[]), None);
        assert_eq!(load("ytsearch:x", &[]), None);
    }
}
