//! The queue against tables, and against a naive model over random operations.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::time::Duration;

use rand_core::Rng;

use super::*;
use crate::protocol::{TrackEndReason, TrackInfo};

/// What a reader of the documentation would write down, on vectors of names.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    upcoming: Vec<u64>,
    current: Option<u64>,
    history: Vec<u64>,
    repeat: Repeat,
}

const LIMITS: QueueLimits = QueueLimits {
    tracks_max: 12,
    history_max: 4,
    failures_max: 3,
};

impl Model {
    fn of(queue: &Queue) -> Self {
        let name = |track: &Arc<Track>| track.encoded[1..].parse().unwrap();
        Self {
            upcoming: queue.iter().map(name).collect(),
            current: queue.current().map(name),
            history: queue.history().rev().map(name).collect(),
            repeat: queue.repeat(),
        }
    }

    fn has_room(&self, count: usize) -> bool {
        self.upcoming.len() + usize::from(self.current.is_some()) + count <= LIMITS.tracks_max
    }

    fn halt(&mut self) -> Option<u64> {
        let old = self.current.take()?;
        self.history.push(old);
        if self.history.len() > LIMITS.history_max {
            self.history.remove(0);
        }
        Some(old)
    }

    fn advance(&mut self) -> Option<u64> {
        if let Some(old) = self.halt()
            && self.repeat == Repeat::Queue
        {
            self.upcoming.push(old);
        }
        if !self.upcoming.is_empty() {
            self.current = Some(self.upcoming.remove(0));
        }
        self.current
    }

    fn back(&mut self) -> bool {
        let Some(&last) = self.history.last() else {
            return true;
        };
        let circles = self.repeat == Repeat::Queue && self.upcoming.last() == Some(&last);
        if !circles && !self.has_room(1) {
            return false;
        }
        if circles {
            self.upcoming.pop();
        }
        self.history.pop();
        if let Some(old) = self.current.replace(last) {
            self.upcoming.insert(0, old);
        }
        true
    }
}

#[test]
fn a_queue_does_what_a_naive_model_does() {
    for seed in 0..300 {
        let mut chance = Seed::from(seed).stream(99);
        let mut queue = Queue::with_limits(seed, LIMITS);
        let mut model = Model::default();
        for step in 0..200 {
            let draw = usize::try_from(chance.next_u32() % 16).unwrap();
            let [one, other] = [0; 2].map(|_| usize::try_from(chance.next_u32() % 14).unwrap());
            apply(draw, one, other, step, &mut queue, &mut model);
            assert_eq!(
                Model::of(&queue),
                model,
                "seed {seed}, step {step}, draw {draw}"
            );
            assert!(model.has_room(0) && model.history.len() <= LIMITS.history_max);
        }
        let snapshot = queue.snapshot();
        let restored = Queue::restore(snapshot.clone(), seed, LIMITS);
        assert_eq!(
            (restored.snapshot(), Model::of(&restored)),
            (snapshot, model)
        );
    }
}

/// Does the drawn thing to both.
fn apply(draw: usize, one: usize, other: usize, step: u64, queue: &mut Queue, model: &mut Model) {
    let len = model.upcoming.len();
    match draw {
        0..=4 => {
            let count = one % 4;
            let names: Vec<u64> = (0..count as u64).map(|n| step * 10 + n).collect();
            let tracks = names.iter().map(|&name| named(name));
            let fits = model.has_room(count);
            assert_eq!(queue.insert_all(other, tracks).is_ok(), fits);
            if fits {
                let at = other.min(len);
                model.upcoming.splice(at..at, names);
            }
        }
        5 => {
            let expected = (one < len).then(|| model.upcoming.remove(one));
            assert_eq!(queue.remove(one), expected.map(named));
        }
        6 => {
            let (start, end) = (one.min(other).min(len), one.max(other).min(len));
            let taken: Vec<_> = model.upcoming.drain(start..end).map(named).collect();
            assert_eq!(queue.take(one.min(other)..one.max(other)), taken);
        }
        7 => {
            assert_eq!(queue.move_to(one, other), one < len);
            if one < len {
                let name = model.upcoming.remove(one);
                model.upcoming.insert(other.min(len - 1), name);
            }
        }
        8 => {
            assert_eq!(queue.swap(one, other), one < len && other < len);
            if one < len && other < len {
                model.upcoming.swap(one, other);
            }
        }
        _ => follow(draw, one, queue, model),
    }
}

/// Does what changes the current track, or the order by chance, to both.
fn follow(draw: usize, one: usize, queue: &mut Queue, model: &mut Model) {
    let len = model.upcoming.len();
    match draw {
        9 => {
            model.repeat = [Repeat::Off, Repeat::Track, Repeat::Queue][one % 3];
            queue.set_repeat(model.repeat);
        }
        10 => assert_eq!(queue.advance(), model.advance().map(named)),
        11 => {
            let expected = (one < len).then(|| {
                let mut skipped: Vec<_> = model.upcoming.drain(..one).collect();
                skipped.splice(0..0, model.halt());
                if model.repeat == Repeat::Queue {
                    model.upcoming.extend(skipped);
                }
                model.advance().unwrap()
            });
            assert_eq!(queue.skip_to(one), expected.map(named));
        }
        12 => assert_eq!(queue.back().is_ok(), model.back()),
        13 => assert_eq!(queue.halt(), model.halt().map(named)),
        14 => {
            let Some(current) = model.current else { return };
            let expected = match (model.repeat, model.advance_on_end()) {
                (Repeat::Track, _) => Ended::Next(named(current)),
                (_, Some(next)) => Ended::Next(named(next)),
                (_, None) => Ended::Dry {
                    last: named(current),
                    finished: true,
                },
            };
            let ended = queue.track_ended(&named(current), &TrackEndReason::Finished);
            assert_eq!(ended, expected);
        }
        _ => {
            let mut before = model.upcoming.clone();
            queue.shuffle();
            model.upcoming = Model::of(queue).upcoming;
            let mut after = model.upcoming.clone();
            before.sort_unstable();
            after.sort_unstable();
            assert_eq!(before, after);
        }
    }
}

impl Model {
    fn advance_on_end(&mut self) -> Option<u64> {
        match self.repeat {
            Repeat::Track => self.current,
            Repeat::Off | Repeat::Queue => self.advance(),
        }
    }
}

#[test]
fn only_what_finished_or_failed_is_followed() {
    let table = [
        (TrackEndReason::Finished, Ended::Next(named(2))),
        (TrackEndReason::LoadFailed, Ended::Next(named(2))),
        (TrackEndReason::Stopped, Ended::Ignored),
        (TrackEndReason::Replaced, Ended::Ignored),
        (TrackEndReason::Cleanup, Ended::Ignored),
        (TrackEndReason::Unknown("new".into()), Ended::Ignored),
    ];
    for (reason, expected) in table {
        let mut queue = playing(3);
        let current = if expected == Ended::Ignored { 1 } else { 2 };
        assert_eq!(
            queue.track_ended(&named(1), &reason),
            expected,
            "{reason:?}"
        );
        assert_eq!(queue.current(), Some(&named(current)), "{reason:?}");
    }
}

#[test]
fn the_end_of_another_track_is_nothing() {
    let mut queue = playing(3);
    let ended = queue.track_ended(&named(9), &TrackEndReason::Finished);
    assert_eq!((ended, queue.len()), (Ended::Ignored, 2));
    let mut idle = Queue::new(0);
    let ended = idle.track_ended(&named(9), &TrackEndReason::Finished);
    assert_eq!(ended, Ended::Ignored);
}

#[test]
fn a_failing_track_is_not_repeated() {
    let mut queue = playing(2);
    queue.set_repeat(Repeat::Track);
    let ends = [TrackEndReason::Finished, TrackEndReason::LoadFailed];
    let ended = ends.map(|reason| queue.track_ended(&named(1), &reason));
    assert_eq!(ended, [Ended::Next(named(1)), Ended::Next(named(2))]);
    // The next one fails while it plays: its end says that it finished.
    queue.track_failed(&named(2));
    let ended = queue.track_ended(&named(2), &TrackEndReason::Finished);
    let last = named(2);
    assert_eq!(
        ended,
        Ended::Dry {
            last,
            finished: false
        }
    );
}

#[test]
fn so_many_failures_in_a_row_stop_the_queue() {
    let mut queue = playing(20);
    let mut name = 1;
    let mut end = |queue: &mut Queue, reason| {
        let ended = queue.track_ended(&named(name), &reason);
        name += 1;
        ended
    };
    for _ in 0..4 {
        end(&mut queue, TrackEndReason::LoadFailed);
    }
    // A success starts the count over.
    end(&mut queue, TrackEndReason::Finished);
    for _ in 0..4 {
        let ended = end(&mut queue, TrackEndReason::LoadFailed);
        assert!(matches!(ended, Ended::Next(_)), "{ended:?}");
    }
    let ended = end(&mut queue, TrackEndReason::LoadFailed);
    assert_eq!(ended, Ended::GaveUp { failures: 5 });
    assert_eq!((queue.current(), queue.len()), (None, 10));
    assert_eq!(queue.advance(), Some(named(11)));
}

#[test]
fn a_circle_of_one_failing_track_comes_to_an_end() {
    let mut queue = playing(1);
    queue.set_repeat(Repeat::Queue);
    let ends = [0; 5].map(|_| queue.track_ended(&named(1), &TrackEndReason::LoadFailed));
    let again = || Ended::Next(named(1));
    let over = Ended::GaveUp { failures: 5 };
    assert_eq!(ends, [again(), again(), again(), again(), over]);
}

#[test]
fn a_full_queue_refuses_whole_lists_and_says_how_much_room_there_is() {
    let mut queue = Queue::with_limits(0, LIMITS);
    queue.extend((0..10).map(named)).unwrap();
    queue.advance();
    let (adding, free, max) = (3, 2, 12);
    let full = Err(QueueError::Full { adding, free, max });
    assert_eq!(queue.extend((10..20).map(named)), full);
    assert_eq!(queue.len(), 9);
    queue.extend((10..12).map(named)).unwrap();
    assert!(queue.push(named(1)).is_err() && queue.push_front(named(1)).is_err());
}

#[test]
fn the_same_seed_shuffles_alike_and_every_shuffle_differs() {
    let shuffled = |seed: u64| {
        let mut queue = playing(30);
        queue.seed = seed.into();
        queue.shuffle();
        let first = Model::of(&queue).upcoming;
        queue.shuffle();
        [first, Model::of(&queue).upcoming]
    };
    let [first, second] = shuffled(1);
    assert_eq!(shuffled(1), [first.clone(), second.clone()]);
    assert_ne!(first, second);
    assert_ne!(shuffled(2)[0], first);
}

#[test]
fn every_order_comes_about_as_often() {
    let mut counts = std::collections::BTreeMap::new();
    let mut queue = Queue::new(5);
    for _ in 0..6000 {
        queue.clear();
        queue.extend((0..3).map(named)).unwrap();
        queue.shuffle();
        *counts.entry(Model::of(&queue).upcoming).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 6);
    assert!(
        counts.values().all(|count| (850..1150).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn shuffling_is_taken_back_and_later_tracks_come_behind() {
    let mut queue = playing(6);
    queue.shuffle();
    queue.push_front(named(7)).unwrap();
    queue.shuffle();
    queue.push_front(named(8)).unwrap();
    assert!(queue.is_shuffled());
    queue.unshuffle();
    assert_eq!(Model::of(&queue).upcoming, [2, 3, 4, 5, 6, 7, 8]);
    assert!(!queue.is_shuffled());
}

#[test]
fn duplicates_go_and_the_first_stays() {
    let mut queue = playing(3);
    let of = |source: &str, id: &str, blob: &str| {
        let mut track = Track::new(blob, TrackInfo::default());
        track.info.source_name = source.to_owned();
        track.info.identifier = id.to_owned();
        track
    };
    queue.extend([1, 2, 4].map(named)).unwrap();
    let same = [of("a", "x", "p"), of("b", "x", "p"), of("a", "x", "q")];
    queue.extend(same).unwrap();
    assert_eq!(queue.dedupe(), 3);
    let kept: Vec<_> = queue.iter().map(|track| &*track.encoded).collect();
    assert_eq!(kept, ["t2", "t3", "t4", "p", "p"]);
    assert_eq!((queue.dedupe(), queue.clear(), queue.peek()), (0, 5, None));
}

#[test]
fn the_length_leaves_streams_out() {
    let mut queue = Queue::new(0);
    for (length, is_stream) in [(1500, false), (i64::MAX, true), (500, false), (-1, false)] {
        let mut track = Track::new("t", TrackInfo::default());
        (track.info.length, track.info.is_stream) = (length, is_stream);
        queue.push(track).unwrap();
    }
    assert_eq!(queue.length(), Duration::from_secs(2));
}

#[test]
fn a_snapshot_beyond_the_limits_is_cut() {
    let snapshot = QueueSnapshot {
        upcoming: (0..50).map(named).collect(),
        current: Some(named(77)),
        history: (0..9).map(named).collect(),
        ..QueueSnapshot::default()
    };
    let queue = Queue::restore(snapshot, 1, LIMITS);
    let model = Model::of(&queue);
    assert_eq!((queue.len(), model.history), (11, vec![5, 6, 7, 8]));
}

/// A queue that plays track 1 of these many.
fn playing(count: u64) -> Queue {
    let mut queue = Queue::new(0);
    queue.extend((1..=count).map(named)).unwrap();
    queue.advance();
    queue
}

fn named(name: u64) -> Arc<Track> {
    Track::new(format!("t{name}"), TrackInfo::default()).into()
}
