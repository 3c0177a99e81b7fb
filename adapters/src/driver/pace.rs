//! [`Pace`]: whether a socket wakes the driver, or is read by the clock.

use std::time::Duration;

use lavapool_core::Timestamp;

/// How fast messages come on a socket, by windows of a millisecond or more, and so whether it wakes
/// the driver for each:
///
/// | it is | and in a window | so it is |
/// |---|---|---|
/// | watched | was read four times or more, had little, and waits for no answer or write | quiet |
/// | quiet | had nothing, or much | watched |
/// | quiet | is written to | watched |
///
/// Whoever answers what is written, as REST does, is waited for; what a node says without being
/// asked can wait a millisecond. What comes in great pieces costs few wakes as it is, and more than
/// the system keeps for a reader could come in a millisecond.
#[derive(Debug)]
pub(super) struct Pace {
    /// When the window began.
    since: Timestamp,
    /// How often the socket was read in it.
    reads: u32,
    bytes: usize,
    /// Until when there may be an answer to what was written.
    answered_by: Timestamp,
    is_quiet: bool,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self {
            since: Timestamp::ZERO,
            reads: 0,
            bytes: 0,
            answered_by: Timestamp::ZERO,
            is_quiet: false,
        }
    }

    pub(super) const fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// The socket was read, dry unless there was too much.
    pub(super) fn read(&mut self, bytes: usize) {
        self.reads += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether the socket is to become quiet, or to be watched again; asked once it was read dry.
    /// One that has more to write than it takes stays watched.
    pub(super) fn turn(&mut self, is_waited_for: bool, now: Timestamp) -> Option<bool> {
        let elapsed = now.since(self.since);
        if elapsed < WINDOW {
            return None;
        }
        let wants_quiet = if self.is_quiet {
            (1..QUIET_BYTES_MAX).contains(&self.bytes)
        } else {
            elapsed < 2 * WINDOW
                && self.reads >= READS_MIN
                && self.bytes < WATCHED_BYTES_MAX
                && self.answered_by <= now
                && !is_waited_for
        };
        self.since = now;
        self.reads = 0;
        self.bytes = 0;
        (wants_quiet != self.is_quiet).then_some(wants_quiet)
    }

    /// What the socket is from now on.
    pub(super) const fn set_quiet(&mut self, is_quiet: bool) {
        self.is_quiet = is_quiet;
    }

    /// Something was written.
    pub(super) fn wrote(&mut self, now: Timestamp) {
        self.answered_by = now + ANSWER_WITHIN;
    }
}

/// The quiet sockets, and when they are read.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    slots: Vec<usize>,
    due: Option<Timestamp>,
}

impl Rounds {
    /// A socket has become quiet.
    pub(super) fn add(&mut self, slot: usize, now: Timestamp) {
        if !self.slots.contains(&slot) {
            self.slots.push(slot);
        }
        self.due.get_or_insert(now + WINDOW);
    }

    /// Goes through the slots, and keeps those whose sockets are quiet still.
    pub(super) fn go(&mut self, now: Timestamp, is_quiet: impl FnMut(&usize) -> bool) -> &[usize] {
        self.slots.retain(is_quiet);
        self.due = (!self.slots.is_empty()).then(|| now + WINDOW);
        &self.slots
    }

    /// When the next round is.
    pub(super) const fn poll_timeout(&self) -> Option<Timestamp> {
        self.due
    }
}

/// How long a window is, and a quiet socket not read.
const WINDOW: Duration = Duration::from_millis(1);
/// How long a socket stays watched that was written to: longer than most answers take.
const ANSWER_WITHIN: Duration = Duration::from_millis(200);
/// How often a socket that becomes quiet was read dry in a window.
const READS_MIN: u32 = 4;
/// Fewer bytes than these came on a socket that becomes quiet: 30 messages in a millisecond.
const WATCHED_BYTES_MAX: usize = 8 * 1024;
/// Fewer bytes than these come on a socket that stays quiet. Systems keep 64 KiB and more.
const QUIET_BYTES_MAX: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_becomes_quiet_that_is_read_often_and_has_little() {
        assert_eq!(quiet_after(250, 250), Some(5));
    }

    #[test]
    fn one_that_is_read_seldom_or_has_much_at_once_stays_watched() {
        assert_eq!(quiet_after(250, 500), None);
        assert_eq!(quiet_after(2_048, 250), None);
        assert_eq!(quiet_after(1, 2_000), None);
    }

    #[test]
    fn one_that_was_written_to_stays_watched_until_an_answer_has_had_its_time() {
        let mut pace = Pace::new();
        pace.wrote(at(0));
        let quiet_at = (0..1_000).find(|number| {
            pace.read(250);
            pace.turn(false, at(number * 250)) == Some(true)
        });
        assert_eq!(quiet_at, Some(800));
    }

    #[test]
    fn one_that_has_more_to_write_stays_watched() {
        let mut pace = Pace::new();
        let mut turns = (0..100).map(|number| {
            pace.read(250);
            pace.turn(true, at(number * 250))
        });
        assert!(turns.all(|turn| turn.is_none()));
    }

    #[test]
    fn a_quiet_one_stays_so_while_something_comes_and_not_too_much() {
        for (bytes, expected) in [
            (0, Some(false)),
            (1, None),
            (32_767, None),
            (32_768, Some(false)),
        ] {
            let mut pace = Pace::new();
            pace.set_quiet(true);
            pace.read(bytes);
            assert_eq!(pace.turn(false, at(1_000)), expected, "{bytes} bytes");
        }
    }

    #[test]
    fn slots_are_gone_through_each_millisecond_while_any_is_quiet() {
        let mut rounds = Rounds::default();
        rounds.add(3, at(0));
        rounds.add(5, at(500));
        rounds.add(3, at(600));
        assert_eq!(rounds.poll_timeout(), Some(at(1_000)));
        assert_eq!(rounds.go(at(1_200), |slot| *slot == 3), [3]);
        assert_eq!(rounds.poll_timeout(), Some(at(2_200)));
        assert!(rounds.go(at(2_200), |_| false).is_empty());
        assert_eq!(rounds.poll_timeout(), None);
    }

    /// After how many reads of so many bytes, so many microseconds apart, a socket becomes quiet.
    fn quiet_after(bytes: usize, apart_us: u64) -> Option<u64> {
        let mut pace = Pace::new();
        (1..100).find(|number| {
            pace.read(bytes);
            pace.turn(false, at(10_000 + number * apart_us)) == Some(true)
        })
    }

    fn at(us: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_micros(us)
    }
}
