//! [`EventQueue`]: the one rule of what happens when events are not taken in time.

use std::collections::{BTreeMap, VecDeque};

use crate::event::Event;
use crate::id::NodeId;
use crate::protocol::GuildId;
use crate::room;

/// A bounded queue of events.
///
/// While there is room every event is kept. Once it is full, and until half of it is taken, a
/// position or a stats report takes the place of the one before it (of the same guild or node),
/// which loses nothing that still mattered; where there is no room any other event pushes the
/// oldest out, and [`Event::Lagged`] says how many were lost, before the first event after the gap.
///
/// A queue that is emptied keeps room for as many events as it held since it was empty last,
/// between 512 and 4 096: 480 KiB at most.
///
/// ```
/// use lavapool_core::{Event, EventQueue};
///
/// let mut queue = EventQueue::new(2);
/// for dropped in 1..=3 {
///     queue.push(Event::Lagged { dropped });
/// }
/// assert_eq!(queue.pop(), Some(Event::Lagged { dropped: 1 })); // one was lost: the oldest
/// assert_eq!(queue.pop(), Some(Event::Lagged { dropped: 2 }));
/// ```
#[derive(Debug)]
pub struct EventQueue {
    /// `None` where a later position or report took an event's place.
    slots: VecDeque<Option<Event>>,
    /// How many slots there were at most since the queue was empty: once it is again, it keeps room
    /// for another time like this, so that a long rush does not grow it over and over.
    fullest: usize,
    /// The serial number of the first slot.
    first: u64,
    kept: usize,
    kept_max: usize,
    dropped: u64,
    /// Where the latest position or report of each key is; kept only while the queue is crowded.
    latest: Option<BTreeMap<Key, u64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Position(GuildId),
    Stats(NodeId),
}

impl EventQueue {
    /// A queue of at most `events_max` events, and at least one.
    pub fn new(events_max: usize) -> Self {
        Self {
            slots: VecDeque::new(),
            fullest: 0,
            first: 0,
            kept: 0,
            kept_max: events_max.max(1),
            dropped: 0,
            latest: None,
        }
    }

    /// Adds an event, by the rule above.
    pub fn push(&mut self, event: Event) {
        if self.latest.is_some() || self.kept == self.kept_max {
            self.make_room(&event);
        }
        self.slots.push_back(Some(event));
        self.kept += 1;
        self.fullest = self.fullest.max(self.slots.len());
        if self.slots.len() >= self.kept_max.saturating_mul(2) {
            self.coalesce();
        }
    }

    /// Makes room for an event in a queue that is full, or was lately, and notes where it will be.
    #[cold]
    fn make_room(&mut self, event: &Event) {
        if self.kept == self.kept_max && self.latest.is_none() {
            self.coalesce();
        }
        let key = Key::of(event);
        if let (Some(latest), Some(key)) = (&mut self.latest, key)
            && let Some(serial) = latest.remove(&key)
        {
            self.vacate(serial);
        }
        if self.kept == self.kept_max {
            self.drop_oldest();
        }
        let serial = self.first.wrapping_add(self.slots.len() as u64);
        if let (Some(latest), Some(key)) = (&mut self.latest, key) {
            latest.insert(key, serial);
        }
    }

    /// Takes the oldest event, or the word that some were lost.
    pub fn pop(&mut self) -> Option<Event> {
        if self.dropped > 0 {
            let dropped = std::mem::take(&mut self.dropped);
            return Some(Event::Lagged { dropped });
        }
        let event = self.take_first();
        if self.latest.is_some() && self.kept <= self.kept_max / 2 {
            self.latest = None;
            self.slots.retain(Option::is_some);
        }
        event
    }

    /// How many events wait.
    pub const fn len(&self) -> usize {
        self.kept
    }

    /// Whether nothing waits.
    pub const fn is_empty(&self) -> bool {
        self.kept == 0 && self.dropped == 0
    }

    /// Drops every position and report that a later one replaces, and remembers the rest.
    fn coalesce(&mut self) {
        let mut latest = BTreeMap::new();
        let mut slots = VecDeque::with_capacity(self.kept);
        for event in std::mem::take(&mut self.slots).into_iter().rev().flatten() {
            match Key::of(&event) {
                Some(key) if latest.contains_key(&key) => continue,
                Some(key) => latest.insert(key, slots.len() as u64),
                None => None,
            };
            slots.push_front(Some(event));
        }
        self.kept = slots.len();
        let last = self.first.wrapping_add(slots.len() as u64).wrapping_sub(1);
        for from_end in latest.values_mut() {
            *from_end = last.wrapping_sub(*from_end);
        }
        self.slots = slots;
        self.latest = Some(latest);
    }

    fn vacate(&mut self, serial: u64) {
        let index = usize::try_from(serial.wrapping_sub(self.first)).unwrap_or(usize::MAX);
        if self
            .slots
            .get_mut(index)
            .is_some_and(|slot| slot.take().is_some())
        {
            self.kept -= 1;
        }
    }

    fn drop_oldest(&mut self) {
        let lost = match self.take_first() {
            None => 0,
            // Word of a loss upstream, which is passed on with ours.
            Some(Event::Lagged { dropped }) => dropped,
            Some(_) => 1,
        };
        self.dropped = self.dropped.saturating_add(lost);
    }

    #[inline]
    fn take_first(&mut self) -> Option<Event> {
        let mut event = None;
        while event.is_none()
            && let Some(slot) = self.slots.pop_front()
        {
            event = slot;
            self.first = self.first.wrapping_add(1);
            if self.slots.is_empty() {
                self.emptied();
            }
        }
        if let Some(event) = &event {
            self.kept -= 1;
            if let (Some(latest), Some(key)) = (&mut self.latest, Key::of(event)) {
                latest.remove(&key);
            }
        }
        event
    }

    fn emptied(&mut self) {
        let fullest = std::mem::take(&mut self.fullest).next_power_of_two();
        room::trim(
            &mut self.slots,
            fullest.clamp(room::ROOM_KEPT, ROOM_KEPT_MAX),
        );
    }
}

/// For how many events an empty queue keeps room after a rush. A driver publishes about as many
/// between one look of the application at its events and the next.
const ROOM_KEPT_MAX: usize = 4096;

impl Key {
    fn of(event: &Event) -> Option<Self> {
        match event {
            Event::PlayerUpdate { guild, .. } => Some(Self::Position(*guild)),
            Event::NodeStats { node, .. } => Some(Self::Stats(node.id)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn position(guild: u64, millis: u64) -> Event {
        Event::PlayerUpdate {
            guild: GuildId::new(guild).expect("not zero"),
            position: Duration::from_millis(millis),
            connected: true,
            ping: None,
        }
    }

    fn other(serial: i32) -> Event {
        let guild = GuildId::new(9).expect("not zero");
        Event::VoiceClosed {
            guild,
            code: serial,
            reason: "".into(),
            by_remote: false,
        }
    }

    fn drain(queue: &mut EventQueue) -> Vec<Event> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    /// The rule, as it is told.
    struct Told {
        events: Vec<Event>,
        events_max: usize,
        is_crowded: bool,
        dropped: u64,
    }

    impl Told {
        fn push(&mut self, event: Event) {
            if self.events.len() == self.events_max && !self.is_crowded {
                self.is_crowded = true;
                let all = self.events.clone();
                let mut at = 0..;
                self.events.retain(|event| {
                    let later = &all[at.next().unwrap() + 1..];
                    let key = Key::of(event);
                    key.is_none() || later.iter().all(|later| Key::of(later) != key)
                });
            }
            if self.is_crowded
                && let Some(key) = Key::of(&event)
            {
                self.events.retain(|event| Key::of(event) != Some(key));
            }
            if self.events.len() == self.events_max {
                self.dropped += match self.events.remove(0) {
                    Event::Lagged { dropped } => dropped,
                    _ => 1,
                };
            }
            self.events.push(event);
        }

        fn pop(&mut self) -> Option<Event> {
            if self.dropped > 0 {
                let dropped = std::mem::take(&mut self.dropped);
                return Some(Event::Lagged { dropped });
            }
            let event = (!self.events.is_empty()).then(|| self.events.remove(0));
            self.is_crowded &= self.events.len() > self.events_max / 2;
            event
        }
    }

    #[test]
    fn whatever_is_pushed_and_popped_the_rule_is_kept() {
        let mut seed = 1_u64;
        let mut draw = |count: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % count
        };
        for events_max in 1..=9 {
            let mut queue = EventQueue::new(events_max);
            let (events, is_crowded) = (Vec::new(), false);
            let mut told = Told {
                events,
                events_max,
                is_crowded,
                dropped: 0,
            };
            for serial in 0..20_000 {
                // Now more come, now more are taken.
                if draw(8) < if serial / 50 % 2 == 0 { 3 } else { 5 } {
                    assert_eq!(queue.pop(), told.pop(), "{events_max}, {serial}");
                } else {
                    let event = match draw(10) {
                        0..7 => position(1 + draw(3), serial),
                        7 => Event::Lagged {
                            dropped: 1 + draw(3),
                        },
                        _ => other(i32::try_from(serial).unwrap()),
                    };
                    queue.push(event.clone());
                    told.push(event);
                }
                assert_eq!(queue.len(), told.events.len(), "{events_max}, {serial}");
            }
        }
    }

    #[test]
    fn with_room_every_event_is_kept_in_order() {
        let mut queue = EventQueue::new(3);
        let events = vec![position(1, 1), position(1, 2), other(1)];
        events.iter().cloned().for_each(|event| queue.push(event));
        assert_eq!(drain(&mut queue), events);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_full_queue_keeps_the_latest_position_of_each_guild_behind_what_came_before_it() {
        let mut queue = EventQueue::new(3);
        for event in [
            position(1, 1),
            other(1),
            position(2, 1),
            position(1, 2),
            position(1, 3),
        ] {
            queue.push(event);
        }
        assert_eq!(
            drain(&mut queue),
            [other(1), position(2, 1), position(1, 3)]
        );
    }

    #[test]
    fn a_full_queue_without_positions_loses_its_oldest_and_says_so() {
        let mut queue = EventQueue::new(2);
        (0..5).for_each(|serial| queue.push(other(serial)));
        assert_eq!(queue.len(), 2);
        assert_eq!(
            drain(&mut queue),
            [Event::Lagged { dropped: 3 }, other(3), other(4)]
        );
    }

    #[test]
    fn word_of_a_loss_upstream_is_not_lost_with_what_is_dropped() {
        let mut queue = EventQueue::new(1);
        for dropped in [5, 7] {
            queue.push(Event::Lagged { dropped });
            queue.push(other(0));
        }
        let lagged = Event::Lagged { dropped: 5 + 1 + 7 };
        assert_eq!(drain(&mut queue), [lagged, other(0)]);
    }

    #[test]
    fn a_rush_grows_the_queue_once_and_what_comes_after_it_gives_the_room_back() {
        let mut queue = EventQueue::new(1_000_000);
        let mut fill = |count: u64| {
            (0..count).for_each(|millis| queue.push(position(1, millis)));
            assert_eq!(drain(&mut queue).len() as u64, count);
            queue.slots.capacity()
        };
        let room = fill(1_500);
        assert!((1_500..=ROOM_KEPT_MAX).contains(&room));
        assert_eq!([fill(1_100), fill(1_500)], [room, room]);
        assert!(fill(100_000) <= ROOM_KEPT_MAX);
        assert!(fill(1) <= room::ROOM_KEPT);
    }

    #[test]
    fn a_long_lag_of_positions_takes_bounded_room_and_loses_nothing() {
        let mut queue = EventQueue::new(8);
        for millis in 0..10_000 {
            queue.push(position(millis % 4 + 1, millis));
            assert!(queue.slots.len() <= 16 && queue.len() <= 8);
        }
        let left = drain(&mut queue);
        let tail = &left[left.len() - 4..];
        let expected: Vec<_> = (9_996..10_000).map(|ms| position(ms % 4 + 1, ms)).collect();
        assert_eq!(tail, expected);
        assert!(
            !left
                .iter()
                .any(|event| matches!(event, Event::Lagged { .. }))
        );
    }
}
