//! [`Timers`]: what is due, and when.

use std::collections::BTreeMap;

use crate::id::{CommandId, NodeId, SocketId};
use crate::player::{Ending, PlayerId, Stage};
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
    /// The pool's own requests that a node did not answer are repeated.
    Postponed(NodeId),
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
    /// The next payload may go to Discord's gateway.
    Gateway,
    /// A command should be answered by then.
    Command(CommandId),
}

/// The name of an armed timer, by which it is cancelled.
pub(crate) type TimerKey = (Timestamp, u64);

/// The armed timers, in the order in which they are due.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeMap<TimerKey, Timer>,
    serial: u64,
}

impl Timers {
    pub(super) fn arm(&mut self, at: Timestamp, timer: Timer) -> TimerKey {
        self.serial += 1;
        let key = (at, self.serial);
        self.due.insert(key, timer);
        key
    }

    pub(super) fn cancel(&mut self, key: TimerKey) {
        self.due.remove(&key);
    }

    /// Cancels the timer in its holder's slot, if one is armed.
    pub(super) fn clear(&mut self, slot: &mut Option<TimerKey>) {
        if let Some(key) = slot.take() {
            self.cancel(key);
        }
    }

    /// The end of a track is not waited for any more.
    pub(super) fn clear_ending(&mut self, ending: &mut Option<Ending>) {
        if let Some(ending) = ending.take() {
            self.cancel(ending.timer);
        }
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
        let entry = self.due.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    pub(super) fn next(&self) -> Option<(Timestamp, Timer)> {
        self.due
            .first_key_value()
            .map(|(key, timer)| (key.0, *timer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_cancelled_timer_is_never_due() {
        let mut timers = Timers::default();
        let mut slot = Some(timers.arm(Timestamp::ZERO, repeat(1)));
        timers.clear(&mut slot);
        assert_eq!((slot, timers.next()), (None, None));
    }
}
