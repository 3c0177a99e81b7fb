//! [`Autoplay`]: a track that resembles the one before, when nothing else is to be played.

mod heard;
mod recipe;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use crate::protocol::{Info, LoadResult, Track};
use crate::queue::below;
use crate::seed::Seed;
use heard::Heard;
use recipe::{Attempt, mix_of};

/// The search for a track that resembles the one before (Moonlink: `handleAutoPlay`).
///
/// It is a value without IO: it names an identifier, is told what that [loaded](Self::loaded),
/// and says which track to play or which identifier to look up next. What it names follows from
/// the track before and from what the node offers ([`Info`]):
///
/// | Source | Identifier | Needs |
/// |---|---|---|
/// | `youtube` | `https://www.youtube.com/watch?v=ID&list=RDID`, YouTube's mix | `source:youtube` |
/// | `spotify` | `sprec:seed_tracks=ID` (NodeLink) | `source:spotify` |
/// | `spotify` | `sprec:mix:track:ID`, then `sprec:seed_tracks=ID` (LavaSrc) | `source:spotify` |
/// | `deezer` | `dzrec:ID` | `source:deezer` |
/// | `applemusic` | `amrec:ID` (NodeLink alone) | `source:applemusic` |
/// | `yandexmusic`, `vkmusic` | `ymrec:ID`, `vkrec:ID` | that source |
/// | `tidal`, `qobuz`, `jiosaavn` | `tdrec:ID`, `qbrec:ID`, `jsrec:ID` | that source |
/// | any with an ISRC | `sprec:mix:isrc:ISRC` (LavaSrc) | `source:spotify` |
/// | `soundcloud` | `scsearch:AUTHOR` | `source:soundcloud` |
/// | any | `ytsearch:TITLE AUTHOR`, and YouTube's mix of its first hit | `source:youtube` |
/// | any | a search for `AUTHOR`, or `TITLE` if there is none | a source with a search |
///
/// Of what an identifier loads, tracks that were [heard](Self::avoiding) do not count; one of the
/// first [`CANDIDATES_MAX`](Self::CANDIDATES_MAX) others is chosen by the seed. An identifier
/// that loads nothing new gives way to the next one, and [`LOOKUPS_MAX`](Self::LOOKUPS_MAX) of
/// them are the end of it.
///
/// ```
/// use lavapool_core::autoplay::{Autoplay, Step};
/// use lavapool_core::protocol::{Info, LoadResult, Track, TrackInfo};
///
/// let info: Info = serde_json::from_str(r#"{"sourceManagers":["youtube"]}"#)?;
/// let json = r#"{"sourceName":"youtube","identifier":"dQw4w9WgXcQ","title":"Never"}"#;
/// let previous = Track::new("…", serde_json::from_str::<TrackInfo>(json)?);
///
/// let mut search = Autoplay::new(&previous, &info, 7);
/// let mix = "https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=RDdQw4w9WgXcQ";
/// assert_eq!(search.next(), Step::Load(mix.into()));
/// assert_eq!(search.loaded(&LoadResult::Empty), Step::Load("ytsearch:Never".into()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Autoplay {
    attempts: VecDeque<Attempt>,
    /// What the answer that comes next is to.
    asked: Option<Attempt>,
    tried: BTreeSet<String>,
    heard: Heard,
    chance: ChaCha8Rng,
    lookups: usize,
}

/// What to do next in the search for a track.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// Look this identifier up, and say what it [loaded](Autoplay::loaded).
    Load(String),
    /// Play this track.
    Play(Arc<Track>),
    /// Nothing was found.
    Nothing,
}

impl Autoplay {
    /// How many identifiers are looked up at most.
    pub const LOOKUPS_MAX: usize = 6;
    /// How many tracks that were not heard are drawn from (Moonlink: 10).
    pub const CANDIDATES_MAX: usize = 10;
    /// How many tracks of a history are to be [avoided](Self::avoiding) (Moonlink: `historyLimit`).
    pub const HEARD_MAX: usize = 10;

    /// A search for what resembles this track, on a node that says this of itself.
    pub fn new(previous: &Track, info: &Info, seed: impl Into<Seed>) -> Self {
        let mut heard = Heard::default();
        heard.insert(previous);
        Self {
            attempts: recipe::attempts(&previous.info, info),
            asked: None,
            tried: BTreeSet::new(),
            heard,
            chance: seed.into().stream(0),
            lookups: 0,
        }
    }

    /// The same search, which chooses none of these tracks: the last
    /// [`HEARD_MAX`](Self::HEARD_MAX) of a history, and what waits in a queue. The track before
    /// is avoided anyway.
    ///
    /// A track counts as heard if it shares source and identifier, the encoded form but for its
    /// position, the URI, the ISRC, or title and author with one that was.
    #[must_use]
    pub fn avoiding<'a>(mut self, tracks: impl IntoIterator<Item = &'a Track>) -> Self {
        for track in tracks {
            self.heard.insert(track);
        }
        self
    }

    /// What to do next: the beginning of the search, or the way on after a lookup that failed.
    #[expect(
        clippy::should_implement_trait,
        reason = "its last item comes again and again"
    )]
    pub fn next(&mut self) -> Step {
        self.asked = None;
        while let Some(attempt) = self.attempts.pop_front() {
            if self.lookups >= Self::LOOKUPS_MAX {
                break;
            }
            let identifier = attempt.identifier().to_owned();
            if self.tried.insert(identifier.clone()) {
                self.lookups += 1;
                self.asked = Some(attempt);
                return Step::Load(identifier);
            }
        }
        self.attempts.clear();
        Step::Nothing
    }

    /// Takes what the identifier loaded that was named last.
    pub fn loaded(&mut self, result: &LoadResult) -> Step {
        match self.asked.take() {
            Some(Attempt::Choose(_)) => match self.choose(result.tracks()) {
                Some(track) => Step::Play(track),
                None => self.next(),
            },
            Some(Attempt::Seed(_)) => {
                let mut mixes = result.tracks().iter().filter_map(|hit| mix_of(&hit.info));
                if let Some(mix) = mixes.next() {
                    self.attempts.push_front(Attempt::Choose(mix));
                }
                self.next()
            }
            None => self.next(),
        }
    }

    /// One of the first tracks that were not heard, each but once.
    fn choose(&mut self, tracks: &[Track]) -> Option<Arc<Track>> {
        let mut heard = self.heard.clone();
        let mut candidates = Vec::new();
        for track in tracks {
            if candidates.len() < Self::CANDIDATES_MAX && !heard.knows(track) {
                heard.insert(track);
                candidates.push(track);
            }
        }
        let chosen = below(&mut self.chance, candidates.len());
        let track = (*candidates.get(chosen)?).clone();
        Some(Arc::new(track))
    }
}
