//! [`Pulse`]: when a node was heard last, and until when its players are known to have played.

use std::time::Duration;

use crate::time::Timestamp;

/// When a node was heard last, and how often it is heard of a player that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pulse {
    /// When the last byte came.
    heard_at: Timestamp,
    /// The latest silence of the connection in which a report was overdue: since when, and until
    /// when.
    silence: Option<(Timestamp, Timestamp)>,
    /// The longest time between two reports of a player that played, also of earlier connections.
    reports_every: Duration,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            heard_at: Timestamp::ZERO,
            silence: None,
            reports_every: REPORTS_EVERY,
        }
    }
}

impl Pulse {
    /// A connection is ready.
    pub(crate) const fn begin(&mut self, now: Timestamp) {
        (self.heard_at, self.silence) = (now, None);
    }

    /// Bytes came.
    pub(crate) fn heard(&mut self, now: Timestamp) {
        if self.is_overdue(self.heard_at, now) {
            self.silence = Some((self.heard_at, now));
        }
        self.heard_at = now;
    }

    pub(crate) const fn heard_at(self) -> Timestamp {
        self.heard_at
    }

    /// Two reports of a player that played were so far apart.
    pub(crate) fn reported(&mut self, apart: Duration) {
        self.reports_every = self.reports_every.max(apart);
    }

    /// Until when a player is known to have played of which the node said something, or was told,
    /// at `known_at`: until now, unless its next report is overdue and nothing else came either.
    /// What ends a connection then may come from whatever is there now in the node's place.
    pub(crate) fn played_until(self, known_at: Timestamp, now: Timestamp) -> Timestamp {
        let heard_at = self.heard_of(known_at);
        if self.is_overdue(heard_at, now) {
            heard_at
        } else {
            now
        }
    }

    /// When the node was heard last, or told, of a player that was spoken of at `known_at`. What
    /// ends a silence, such as a close frame, says nothing of who played through it: the process
    /// may have stood still.
    fn heard_of(self, known_at: Timestamp) -> Timestamp {
        match self.silence {
            Some((since, until)) if known_at < until => known_at.max(since),
            Some(_) | None => known_at.max(self.heard_at),
        }
    }

    /// Whether a player that plays was to be reported again since.
    pub(crate) fn is_overdue(self, known_at: Timestamp, now: Timestamp) -> bool {
        now.since(known_at) > self.reports_every + LATE_MAX
    }
}

/// Until when the players of a node that is lost played.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Last {
    /// Until the node was last heard.
    Heard(Pulse),
    /// Until the loss, if nothing was overdue by then.
    ByPulse(Pulse),
}

impl Last {
    /// Until when a player played of which something was known at `known_at`, if its node is lost
    /// now.
    pub(crate) fn played_until(self, known_at: Timestamp, now: Timestamp) -> Timestamp {
        match self {
            Self::Heard(pulse) => pulse.heard_of(known_at),
            Self::ByPulse(pulse) => pulse.played_until(known_at, now),
        }
    }
}

/// How far apart Lavalink reports where a player is, unless its `playerUpdateInterval` says
/// otherwise, which is seen when it does.
const REPORTS_EVERY: Duration = Duration::from_secs(5);

/// How late a report may be.
const LATE_MAX: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn heard_at(millis: u64) -> Pulse {
        let mut pulse = Pulse::default();
        pulse.heard(at(millis));
        pulse
    }

    #[test]
    fn a_player_played_until_now_unless_its_report_is_overdue() {
        let pulse = heard_at(1000);
        assert_eq!(pulse.played_until(at(0), at(6500)), at(6500));
        assert_eq!(pulse.played_until(at(0), at(6501)), at(1000));
        assert_eq!(pulse.played_until(at(1001), at(6501)), at(6501));
    }

    #[test]
    fn what_ends_a_silence_does_not_say_that_a_player_played_through_it() {
        let mut pulse = heard_at(1000);
        pulse.heard(at(9000));
        for (known_ms, until_ms) in [(500, 1000), (2000, 2000), (9000, 9100)] {
            let until = pulse.played_until(at(known_ms), at(9100));
            assert_eq!(until, at(until_ms), "{known_ms}");
        }
        pulse.begin(at(20_000));
        assert_eq!(pulse.played_until(at(500), at(20_100)), at(20_100));
    }

    #[test]
    fn a_node_that_reports_less_often_is_waited_for() {
        let mut pulse = heard_at(1000);
        pulse.reported(Duration::from_secs(10));
        pulse.reported(Duration::from_secs(1));
        assert_eq!(pulse.played_until(at(0), at(11_500)), at(11_500));
        assert_eq!(pulse.played_until(at(0), at(11_501)), at(1000));
    }
}
