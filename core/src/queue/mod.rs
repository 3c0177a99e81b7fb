//! [`Queue`]: the tracks that follow each other on one player.
//!
//! The pool knows nothing of it: a bot that keeps its own list leaves this module out.

mod ends;
mod order;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ops::RangeBounds;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

pub use ends::Ended;
pub use snapshot::QueueSnapshot;

pub(crate) use order::below;

use crate::protocol::{Track, blob_stem};
use crate::seed::Seed;

/// The tracks that follow each other on one player: what was played, what plays and what comes.
///
/// It is a value without IO: it says what should play, and whoever holds it plays that. The ends
/// of tracks drive it ([`track_ended`](Self::track_ended)): only a track that finished or failed
/// is followed by another one, never one that was stopped or replaced (Lavalink: Track End
/// Reason), and so many failures in a row as [`QueueLimits::failures_max`] end the music.
///
/// Everything is bounded by [`QueueLimits`], and everything random follows from the seed.
///
/// ```
/// use lavapool_core::protocol::{Track, TrackEndReason, TrackInfo};
/// use lavapool_core::queue::{Ended, Queue};
///
/// let [one, two] = ["one", "two"].map(|name| Track::new(name, TrackInfo::default()));
/// let mut queue = Queue::new(7);
/// queue.extend([one.clone(), two.clone()])?;
/// assert_eq!(queue.advance().as_deref(), Some(&one));
///
/// assert_eq!(queue.track_ended(&one, &TrackEndReason::Stopped), Ended::Ignored);
/// assert_eq!(queue.track_ended(&one, &TrackEndReason::Finished), Ended::Next(two.into()));
/// # Ok::<(), lavapool_core::queue::QueueError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Queue {
    limits: QueueLimits,
    seed: Seed,
    /// How often chance was drawn from the seed; each draw has a stream of its own.
    draws: u64,
    repeat: Repeat,
    upcoming: VecDeque<Entry>,
    current: Option<Current>,
    /// The latest is the last.
    history: VecDeque<Arc<Track>>,
    /// Tracks in a row that failed.
    failures: u32,
}

/// A track that waits for its turn.
#[derive(Clone, Debug)]
struct Entry {
    track: Arc<Track>,
    /// Where it stood before the queue was shuffled; none of one that was added later.
    place: Option<usize>,
}

/// What plays, or should.
#[derive(Clone, Debug)]
struct Current {
    track: Arc<Track>,
    /// Whether it raised an exception: its end is no success, whatever the reason says.
    has_failed: bool,
}

/// What follows a track that finished.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Repeat {
    /// The next one.
    #[default]
    Off,
    /// The same one again. One that fails, or is skipped, is not repeated.
    Track,
    /// The next one, and the track goes to the end of the queue.
    Queue,
}

/// The bounds of a [`Queue`].
///
/// ```
/// use lavapool_core::queue::QueueLimits;
///
/// let limits = QueueLimits { tracks_max: 500, ..QueueLimits::default() };
/// assert_eq!(limits.history_max, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Tracks that play or wait. Default 10 000; one more is [`QueueError::Full`].
    pub tracks_max: usize,
    /// Tracks that were played, of which the oldest are forgotten. Default 100.
    pub history_max: usize,
    /// Tracks in a row that may fail before the queue stands still. Default 5; 0 counts as 1.
    pub failures_max: u32,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            tracks_max: 10_000,
            history_max: 100,
            failures_max: 5,
        }
    }
}

/// Why a queue did not take what it was given. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QueueError {
    /// [`QueueLimits::tracks_max`] would be exceeded.
    #[error("{adding} more tracks exceed the bound of {max}, of which {free} are free")]
    Full {
        /// How many were to be added. Of a list that is much too long only the beginning counts.
        adding: usize,
        /// How many there is room for.
        free: usize,
        /// The bound.
        max: usize,
    },
}

impl Queue {
    /// An empty queue with the default limits, whose chance follows from this seed.
    pub fn new(seed: impl Into<Seed>) -> Self {
        Self::with_limits(seed, QueueLimits::default())
    }

    /// An empty queue.
    pub fn with_limits(seed: impl Into<Seed>, limits: QueueLimits) -> Self {
        Self {
            limits,
            seed: seed.into(),
            draws: 0,
            repeat: Repeat::Off,
            upcoming: VecDeque::new(),
            current: None,
            history: VecDeque::new(),
            failures: 0,
        }
    }

    /// Adds a track at the end.
    pub fn push(&mut self, track: impl Into<Arc<Track>>) -> Result<(), QueueError> {
        self.insert(usize::MAX, track)
    }

    /// Adds a track at the front: it is the next.
    pub fn push_front(&mut self, track: impl Into<Arc<Track>>) -> Result<(), QueueError> {
        self.insert(0, track)
    }

    /// Adds a track at a place, which is the end if there are fewer.
    pub fn insert(&mut self, index: usize, track: impl Into<Arc<Track>>) -> Result<(), QueueError> {
        self.insert_all(index, [track])
    }

    /// Adds tracks at the end, in their order: all of them, or none.
    pub fn extend(
        &mut self,
        tracks: impl IntoIterator<Item = impl Into<Arc<Track>>>,
    ) -> Result<(), QueueError> {
        self.insert_all(usize::MAX, tracks)
    }

    /// Adds tracks at a place, in their order: all of them, or none.
    pub fn insert_all(
        &mut self,
        index: usize,
        tracks: impl IntoIterator<Item = impl Into<Arc<Track>>>,
    ) -> Result<(), QueueError> {
        let free = self.free();
        let tracks: Vec<_> = tracks.into_iter().take(free.saturating_add(1)).collect();
        self.check_room(tracks.len())?;
        let after = self.upcoming.split_off(index.min(self.upcoming.len()));
        self.upcoming.extend(tracks.into_iter().map(Entry::new));
        self.upcoming.extend(after);
        Ok(())
    }

    /// Takes the track out that is at this place.
    pub fn remove(&mut self, index: usize) -> Option<Arc<Track>> {
        self.upcoming.remove(index).map(|entry| entry.track)
    }

    /// Takes the tracks out that are in this range; what exceeds the queue is left out of it.
    pub fn take(&mut self, range: impl RangeBounds<usize>) -> Vec<Arc<Track>> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let start = match range.start_bound() {
            Included(&start) => start,
            Excluded(&before) => before.saturating_add(1),
            Unbounded => 0,
        };
        let end = match range.end_bound() {
            Included(&last) => last.saturating_add(1),
            Excluded(&end) => end,
            Unbounded => usize::MAX,
        };
        let end = end.min(self.upcoming.len());
        let drained = self.upcoming.drain(start.min(end)..end);
        drained.map(|entry| entry.track).collect()
    }

    /// Moves a track to another place, which is the end if there are fewer; returns whether there
    /// is such a track.
    pub fn move_to(&mut self, from: usize, to: usize) -> bool {
        let Some(entry) = self.upcoming.remove(from) else {
            return false;
        };
        self.upcoming.insert(to.min(self.upcoming.len()), entry);
        true
    }

    /// Lets two tracks change places; returns whether there are both.
    pub fn swap(&mut self, one: usize, other: usize) -> bool {
        let exist = one.max(other) < self.upcoming.len();
        if exist {
            self.upcoming.swap(one, other);
        }
        exist
    }

    /// Takes out all that waits; what plays goes on. Returns how many there were.
    pub fn clear(&mut self) -> usize {
        let count = self.upcoming.len();
        self.upcoming.clear();
        count
    }

    /// Takes out every waiting track that plays already or waits further in front: one with the
    /// same source and identifier, or the same encoded form but for its position. Returns how
    /// many there were.
    pub fn dedupe(&mut self) -> usize {
        let before = self.upcoming.len();
        let mut seen = std::collections::BTreeSet::new();
        let current = self.current.as_ref().map(|current| current.track.clone());
        if let Some(track) = &current {
            seen.insert(Name::of(track));
        }
        let upcoming: Vec<_> = self.upcoming.drain(..).collect();
        let is_new: Vec<_> = upcoming
            .iter()
            .map(|entry| seen.insert(Name::of(&entry.track)))
            .collect();
        let kept = upcoming
            .into_iter()
            .zip(is_new)
            .filter(|(_, is_new)| *is_new);
        self.upcoming = kept.map(|(entry, _)| entry).collect();
        before - self.upcoming.len()
    }

    /// Forgets what was played.
    pub fn clear_history(&mut self) {
        self.history.clear();
    }

    /// Sets what follows a track that finished.
    pub fn set_repeat(&mut self, repeat: Repeat) {
        self.repeat = repeat;
    }

    /// What follows a track that finished.
    pub fn repeat(&self) -> Repeat {
        self.repeat
    }

    /// The bounds.
    pub fn limits(&self) -> &QueueLimits {
        &self.limits
    }

    /// What plays, or should.
    pub fn current(&self) -> Option<&Arc<Track>> {
        self.current.as_ref().map(|current| &current.track)
    }

    /// The next track, which stays where it is.
    pub fn peek(&self) -> Option<&Arc<Track>> {
        self.get(0)
    }

    /// The waiting track at this place.
    pub fn get(&self, index: usize) -> Option<&Arc<Track>> {
        self.upcoming.get(index).map(|entry| &entry.track)
    }

    /// The waiting tracks, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Track>> + ExactSizeIterator {
        self.upcoming.iter().map(|entry| &entry.track)
    }

    /// What was played, the latest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &Arc<Track>> + ExactSizeIterator {
        self.history.iter().rev()
    }

    /// How many tracks wait.
    pub fn len(&self) -> usize {
        self.upcoming.len()
    }

    /// Whether no track waits.
    pub fn is_empty(&self) -> bool {
        self.upcoming.is_empty()
    }

    /// How long the waiting tracks are, streams and others of unknown length left out.
    pub fn length(&self) -> Duration {
        let lengths = self.iter().filter_map(|track| track.info.length());
        lengths.fold(Duration::ZERO, Duration::saturating_add)
    }

    fn free(&self) -> usize {
        let taken = self.upcoming.len() + usize::from(self.current.is_some());
        self.limits.tracks_max.saturating_sub(taken)
    }

    fn check_room(&self, adding: usize) -> Result<(), QueueError> {
        let (free, max) = (self.free(), self.limits.tracks_max);
        if adding > free {
            return Err(QueueError::Full { adding, free, max });
        }
        Ok(())
    }
}

impl Entry {
    fn new(track: impl Into<Arc<Track>>) -> Self {
        let track = track.into();
        Self { track, place: None }
    }
}

/// What tells a track from another one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Name<'a> {
    Identifier(&'a str, &'a str),
    Blob(crate::protocol::BlobStem<'a>),
    Text(&'a str),
}

impl<'a> Name<'a> {
    fn of(track: &'a Track) -> Self {
        let info = &track.info;
        if !info.source_name.is_empty() && !info.identifier.is_empty() {
            return Self::Identifier(&info.source_name, &info.identifier);
        }
        blob_stem(&track.encoded).map_or(Self::Text(&track.encoded), Self::Blob)
    }
}
