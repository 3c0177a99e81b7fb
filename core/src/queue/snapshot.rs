//! [`QueueSnapshot`]: a queue for a store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Current, Entry, Queue, QueueLimits, Repeat};
use crate::protocol::Track;
use crate::seed::Seed;

/// A queue for a store, without its seed and limits.
///
/// ```
/// use lavapool_core::protocol::{Track, TrackInfo};
/// use lavapool_core::queue::{Queue, QueueLimits, QueueSnapshot};
///
/// let mut queue = Queue::new(7);
/// queue.push(Track::new("one", TrackInfo::default()))?;
/// let text = serde_json::to_string(&queue.snapshot())?;
///
/// let snapshot: QueueSnapshot = serde_json::from_str(&text)?;
/// let restored = Queue::restore(snapshot.clone(), 7, QueueLimits::default());
/// assert_eq!(restored.snapshot(), snapshot);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct QueueSnapshot {
    /// What waits, in order.
    pub upcoming: Vec<Arc<Track>>,
    /// Where each of them stood before shuffling; a missing one was added later.
    pub places: Vec<Option<usize>>,
    /// What plays, or should.
    pub current: Option<Arc<Track>>,
    /// What was played, the latest last.
    pub history: Vec<Arc<Track>>,
    /// What follows a track that finished.
    pub repeat: Repeat,
    /// How often chance was drawn, so that a restored queue does not repeat itself.
    pub draws: u64,
}

impl Queue {
    /// The queue as it is, for a store.
    pub fn snapshot(&self) -> QueueSnapshot {
        QueueSnapshot {
            upcoming: self.iter().cloned().collect(),
            places: self.upcoming.iter().map(|entry| entry.place).collect(),
            current: self.current().cloned(),
            history: self.history.iter().cloned().collect(),
            repeat: self.repeat,
            draws: self.draws,
        }
    }

    /// The queue of a snapshot. What exceeds the limits is left out: the last of what waits, and
    /// the oldest of what was played.
    pub fn restore(snapshot: QueueSnapshot, seed: impl Into<Seed>, limits: QueueLimits) -> Self {
        let mut queue = Self::with_limits(seed, limits);
        queue.current = snapshot.current.map(Current::new);
        let places = snapshot.places.into_iter().chain(std::iter::repeat(None));
        let entries = snapshot.upcoming.into_iter().zip(places);
        let entries = entries.map(|(track, place)| Entry { track, place });
        queue.upcoming = entries.take(queue.free()).collect();
        let forgotten = snapshot.history.len().saturating_sub(limits.history_max);
        queue.history = snapshot.history.into_iter().skip(forgotten).collect();
        queue.repeat = snapshot.repeat;
        queue.draws = snapshot.draws;
        queue
    }
}
