//! What follows what: ends of tracks, skips, and the way back.

use std::sync::Arc;

use super::{Current, Entry, Queue, QueueError, Repeat};
use crate::protocol::{Track, TrackEndReason, same_track};

/// What the end of a track leads to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Ended {
    /// Nothing: another track ended than the one that plays by the queue's account, or one that
    /// was stopped, replaced or cleaned up.
    Ignored,
    /// This track is to be played; it is the current one.
    Next(Arc<Track>),
    /// No track waits, and none plays.
    Dry {
        /// The track that ended.
        last: Arc<Track>,
        /// Whether it came to its end in good health. One that failed should lead to nothing that
        /// resembles it.
        finished: bool,
    },
    /// Too many tracks in a row failed: none plays. Those that wait are still there.
    GaveUp {
        /// How many.
        failures: u32,
    },
}

impl Queue {
    /// Goes on to the next track, which is the current one then; the one before goes into the
    /// history and, in [`Repeat::Queue`], to the end. `None` if no track waits: none plays then.
    ///
    /// This is a skip, so [`Repeat::Track`] repeats nothing.
    pub fn advance(&mut self) -> Option<Arc<Track>> {
        self.retire();
        let entry = self.upcoming.pop_front()?;
        self.current = Some(Current::new(entry.track.clone()));
        Some(entry.track)
    }

    /// Goes on to the waiting track at this place. Those in front of it are gone or, in
    /// [`Repeat::Queue`], at the end. `None`, and nothing changes, if there is no such track.
    pub fn skip_to(&mut self, index: usize) -> Option<Arc<Track>> {
        if index >= self.upcoming.len() {
            return None;
        }
        self.retire();
        let skipped = self.upcoming.drain(..index);
        let skipped: Vec<_> = skipped.collect();
        if self.repeat == Repeat::Queue {
            self.upcoming.extend(skipped);
        }
        self.advance()
    }

    /// Goes back to the track that was played last; the current one waits at the front. `None`,
    /// and nothing changes, if the history is empty.
    pub fn back(&mut self) -> Result<Option<Arc<Track>>, QueueError> {
        let Some(last) = self.history.back() else {
            return Ok(None);
        };
        // In a circle, the track waits at the end and leaves that place.
        let waits = self.repeat == Repeat::Queue
            && self
                .upcoming
                .back()
                .is_some_and(|entry| Arc::ptr_eq(&entry.track, last));
        if !waits {
            self.check_room(1)?;
        }
        let Some(track) = self.history.pop_back() else {
            return Ok(None);
        };
        if waits {
            self.upcoming.pop_back();
        }
        if let Some(current) = self.current.take() {
            self.upcoming.push_front(Entry::new(current.track));
        }
        self.failures = 0;
        self.current = Some(Current::new(track.clone()));
        Ok(Some(track))
    }

    /// Nothing plays any more: the current track goes into the history, and waiting ones stay.
    /// Returns the track.
    pub fn halt(&mut self) -> Option<Arc<Track>> {
        self.failures = 0;
        let current = self.current.take()?;
        self.remember(current.track.clone());
        Some(current.track)
    }

    /// Notes that a track raised an exception. Its end follows (Lavalink: TrackExceptionEvent),
    /// with whatever reason, and counts as a failure.
    pub fn track_failed(&mut self, track: &Track) {
        if let Some(current) = &mut self.current
            && same_track(&current.track.encoded, &track.encoded)
        {
            current.has_failed = true;
        }
    }

    /// Takes the end of a track, and says what follows.
    ///
    /// | Reason | What follows |
    /// |---|---|
    /// | `finished` | by [`Repeat`]: the next track, or the same one |
    /// | `loadFailed`, or `finished` after an exception | the next track |
    /// | `replaced`, `stopped`, `cleanup` and unknown ones | nothing |
    ///
    /// With so many failures in a row as [`QueueLimits::failures_max`](super::QueueLimits), the
    /// queue stands still. Any track that finishes in good health starts the count over.
    pub fn track_ended(&mut self, track: &Track, reason: &TrackEndReason) -> Ended {
        let Some(current) = &self.current else {
            return Ended::Ignored;
        };
        if !same_track(&current.track.encoded, &track.encoded) || !reason.may_start_next() {
            return Ended::Ignored;
        }
        let finished = *reason == TrackEndReason::Finished && !current.has_failed;
        let last = current.track.clone();
        if finished {
            self.failures = 0;
            if self.repeat == Repeat::Track {
                return Ended::Next(last);
            }
        } else {
            self.failures = self.failures.saturating_add(1);
            let failures = self.failures;
            if failures >= self.limits.failures_max {
                self.retire();
                self.failures = 0;
                return Ended::GaveUp { failures };
            }
        }
        match self.follow() {
            Some(next) => Ended::Next(next),
            None => Ended::Dry { last, finished },
        }
    }

    /// As [`advance`](Self::advance), and the failures in a row go on being counted.
    fn follow(&mut self) -> Option<Arc<Track>> {
        let failures = self.failures;
        let next = self.advance();
        self.failures = failures;
        next
    }

    /// The current track gives its place away.
    fn retire(&mut self) {
        if let Some(track) = self.halt()
            && self.repeat == Repeat::Queue
        {
            self.upcoming.push_back(Entry::new(track));
        }
    }

    fn remember(&mut self, track: Arc<Track>) {
        self.history.push_back(track);
        while self.history.len() > self.limits.history_max {
            self.history.pop_front();
        }
    }
}

impl Current {
    pub(super) fn new(track: Arc<Track>) -> Self {
        Self {
            track,
            has_failed: false,
        }
    }
}
