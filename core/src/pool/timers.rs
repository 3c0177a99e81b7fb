//! [`Timers`]: what is due, and when.

use std::time::Duration;

use crate::id::{CommandId, NodeId, SocketId};
use crate::player::{Ending, PlayerId, Stage};
use crate::protocol::TrackEndReason;
use crate::slab::{Entry, Slab};
use crate::time::Timestamp;

/// What a moment is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timer {
    /// A lost node is dialled again.
    Redial(NodeId),
    /// A dialled WebSocket should be connected by then.
    Connect(NodeId),
    /// A connected WebSocket should be ready by then.
    Ready(NodeId),
    /// The next ping is due.
    Heartbeat(NodeId),
    /// The pong of a ping should be there by then.
    Pong(NodeId),
    /// The connection has been ready long enough for the schedule to start over.
    Stable(NodeId),
    /// The peer should have answered our close frame by then.
    Close(SocketId),
    /// The session of a lost node has been waited for long enough.
    Grace(NodeId),
    /// A healthy node has been waited for long enough.
    Healthy(NodeId),
    /// A failing node may be tried again.
    Probe(NodeId),
    /// A REST socket should be connected by then.
    Dial(SocketId),
    /// A REST request should be answered by then.
    Exchange(SocketId),
    /// An idle REST socket has been kept long enough.
    Idle(SocketId),
    /// What a node did with a request that it never answered is looked at.
    Doubt(NodeId),
    /// One of the pool's own requests that a node did not answer is repeated.
    Postponed(NodeId),
    /// What no other node could take of a node that is being emptied is moved again.
    Evacuation(NodeId),
    /// A REST request of the application is repeated.
    Repeat(u64),
    /// A player's state is sent again.
    Resend(PlayerId),
    /// Discord's voice updates should be there by then.
    Voice(PlayerId),
    /// An end that is held back counts unless the node is lost before.
    Stopped(PlayerId),
    /// A track that the node does not end at its end time should be over by then.
    EndTime(PlayerId),
    /// The next step toward a voice connection of the player is due.
    VoiceStep(PlayerId),
    /// A player has played for long enough without a voice connection.
    Silence(PlayerId),
    /// A player has been inactive for long enough.
    Inactive(PlayerId),
    /// The node that the application chose for a new player should have connected by then.
    Pinned(PlayerId),
    /// The session of an earlier client should have been resumed by then, and told its players.
    Inherited(NodeId),
    /// The next payload may go to Discord's gateway.
    Gateway,
    /// What was asked for before the close should be done by then.
    LastWords,
    /// A command should be answered by then.
    Command(CommandId),
}

/// The name of an armed timer, by which it is cancelled. Never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerKey {
    slot: u32,
    generation: u32,
}

/// The armed timers: a heap of their slots, and in each slot its place in the heap, so that
/// cancelling one searches for nothing.
#[derive(Debug, Default)]
pub(super) struct Timers {
    armed: Slab<Armed>,
    /// The slots, each due no later than the two behind twice its place.
    heap: Vec<u32>,
    serial: u64,
    /// When the pool was called last: what is armed since is due later, so that no driver spins.
    called_at: Timestamp,
}

#[derive(Debug)]
struct Armed {
    /// The serial number tells those of one moment apart.
    due: (Timestamp, u64),
    timer: Timer,
    place: u32,
    generation: u32,
}

impl Entry for Armed {
    fn generation(&self) -> u32 {
        self.generation
    }
}

impl Timers {
    /// The pool is called.
    pub(super) const fn called(&mut self, now: Timestamp) {
        self.called_at = now;
    }

    pub(super) fn arm(&mut self, at: Timestamp, timer: Timer) -> TimerKey {
        self.serial += 1;
        let place = u32::try_from(self.heap.len()).expect("Limits bound what has timers");
        let due = (at.max(self.called_at + TICK), self.serial);
        let (slot, generation) = self.armed.insert(|_, generation| Armed {
            due,
            timer,
            place,
            generation,
        });
        self.heap.push(slot);
        self.rise(self.heap.len() - 1);
        TimerKey { slot, generation }
    }

    pub(super) fn cancel(&mut self, key: TimerKey) {
        self.remove(key.slot, key.generation);
    }

    /// When an armed timer is due.
    pub(super) fn due_at(&self, key: TimerKey) -> Option<Timestamp> {
        let armed = self.armed.get(key.slot, key.generation)?;
        Some(armed.due.0)
    }

    /// Cancels the timer in its holder's slot, if one is armed.
    pub(super) fn clear(&mut self, slot: &mut Option<TimerKey>) {
        if let Some(key) = slot.take() {
            self.cancel(key);
        }
    }

    /// The end of a track is not waited for any more; returns what it would have counted as.
    pub(super) fn clear_ending(&mut self, ending: &mut Option<Ending>) -> Option<TrackEndReason> {
        let Ending { timer, reason } = ending.take()?;
        self.cancel(timer);
        Some(reason)
    }

    /// A player's state is neither lined up nor rests any more: it goes somewhere else, or is to
    /// go at once.
    pub(super) fn rouse(&mut self, stage: &mut Stage) {
        if let Stage::Resting(key) = *stage {
            self.cancel(key);
            *stage = Stage::Idle;
        }
        stage.unqueue();
    }

    /// Takes the earliest timer that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<Timer> {
        let slot = *self.heap.first()?;
        let (generation, armed) = self.armed.at(slot)?;
        if armed.due.0 > now {
            return None;
        }
        self.remove(slot, generation).map(|armed| armed.timer)
    }

    pub(super) fn next(&self) -> Option<(Timestamp, Timer)> {
        let (_, armed) = self.armed.at(*self.heap.first()?)?;
        Some((armed.due.0, armed.timer))
    }

    fn remove(&mut self, slot: u32, generation: u32) -> Option<Armed> {
        let armed = self.armed.remove(slot, generation)?;
        let place = armed.place as usize;
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.settle(place);
            self.rise(place);
            self.sink(place);
        }
        Some(armed)
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 && self.is_earlier(place, (place - 1) / 2) {
            self.heap.swap(place, (place - 1) / 2);
            self.settle(place);
            place = (place - 1) / 2;
        }
        self.settle(place);
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let mut first = place;
            for behind in [2 * place + 1, 2 * place + 2] {
                if behind < self.heap.len() && self.is_earlier(behind, first) {
                    first = behind;
                }
            }
            if first == place {
                return;
            }
            self.heap.swap(place, first);
            self.settle(place);
            self.settle(first);
            place = first;
        }
    }

    fn is_earlier(&self, one: usize, other: usize) -> bool {
        let due = |place: usize| {
            let slot = self.heap.get(place)?;
            self.armed.at(*slot).map(|(_, armed)| armed.due)
        };
        due(one) < due(other)
    }

    /// Tells a timer its place in the heap.
    fn settle(&mut self, place: usize) {
        if let Some(slot) = self.heap.get(place)
            && let Some(armed) = self.armed.at_mut(*slot)
        {
            armed.place = place as u32;
        }
    }
}

/// The grain of time.
const TICK: Duration = Duration::from_nanos(1);

#[cfg(test)]
mod tests {
    use rand_core::Rng as _;

    use super::*;
    use crate::Seed;

    const fn repeat(number: u64) -> Timer {
        Timer::Repeat(number)
    }

    #[test]
    fn timers_are_due_in_order_and_those_of_one_moment_as_they_were_armed() {
        let mut timers = Timers::default();
        for (millis, number) in [(20, 1), (10, 2), (10, 3), (30, 4)] {
            timers.arm(Timestamp::from_millis(millis), repeat(number));
        }
        let now = Timestamp::from_millis(20);
        let due: Vec<_> = std::iter::from_fn(|| timers.pop_due(now)).collect();
        assert_eq!(due, [repeat(2), repeat(3), repeat(1)]);
        assert_eq!(timers.next(), Some((Timestamp::from_millis(30), repeat(4))));
    }

    #[test]
    fn what_is_armed_for_the_present_moment_is_due_later_than_that() {
        let mut timers = Timers::default();
        let now = Timestamp::from_millis(7);
        timers.called(now);
        timers.arm(now, repeat(1));
        assert_eq!(timers.pop_due(now), None);
        assert_eq!(timers.next(), Some((now + TICK, repeat(1))));
    }

    #[test]
    fn a_cancelled_timer_is_never_due() {
        let mut timers = Timers::default();
        let mut slot = Some(timers.arm(Timestamp::ZERO, repeat(1)));
        timers.clear(&mut slot);
        assert_eq!((slot, timers.next()), (None, None));
    }

    /// Against a list that is sorted anew for each question.
    #[test]
    fn however_they_are_armed_and_cancelled_the_earliest_is_next() {
        let mut chance = Seed::from(5).stream(0);
        let mut timers = Timers::default();
        let mut naive: Vec<(Timestamp, u64, TimerKey)> = Vec::new();
        let mut most = 0;
        for number in 0..20_000_u64 {
            let drawn = chance.next_u32();
            match drawn % 4 {
                0 | 1 => {
                    let at = Timestamp::from_millis(u64::from(drawn >> 2) % 500 + number / 10);
                    naive.push((at, number, timers.arm(at, repeat(number))));
                }
                2 if !naive.is_empty() => {
                    let index = (drawn >> 2) as usize % naive.len();
                    let (at, _, key) = naive.swap_remove(index);
                    assert_eq!(timers.due_at(key), Some(at));
                    timers.cancel(key);
                    timers.cancel(key);
                    assert_eq!(timers.due_at(key), None);
                }
                _ => {
                    naive.sort_by_key(|(at, number, _)| (*at, *number));
                    let now = Timestamp::from_millis(number / 10);
                    let is_due = naive.first().is_some_and(|(at, ..)| *at <= now);
                    let due = is_due.then(|| repeat(naive.remove(0).1));
                    assert_eq!(timers.pop_due(now), due);
                }
            }
            naive.sort_by_key(|(at, number, _)| (*at, *number));
            let first = naive.first().map(|(at, number, _)| (*at, repeat(*number)));
            assert_eq!(timers.next(), first);
            most = most.max(naive.len());
        }
        assert!(most > 50, "{most}");
    }
}
