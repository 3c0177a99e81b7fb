//! [`Breaker`]: whether a node that fails to answer is given more to do.

use std::time::Duration;

/// Counts a node's failures to answer, and keeps players away from one that fails in a row.
///
/// | state | failure | answer | [`Breaker::OPEN_FOR`] passed |
/// |---|---|---|---|
/// | closed | the third in a row opens | closed, count 0 | |
/// | open | open | open | half open |
/// | half open | open | closed | |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaker {
    Closed { failures: u8 },
    Open,
    HalfOpen,
}

impl Breaker {
    /// How long an open breaker stays so.
    pub(crate) const OPEN_FOR: Duration = Duration::from_secs(5);
    /// How many failures in a row open it.
    pub(crate) const FAILURES_MAX: u8 = 3;
    /// As a node begins.
    pub(crate) const CLOSED: Self = Self::Closed { failures: 0 };

    /// The node failed to answer; whether that opened the breaker just now.
    #[must_use]
    pub(crate) fn failed(&mut self) -> bool {
        match *self {
            Self::Closed { failures } if failures + 1 < Self::FAILURES_MAX => {
                *self = Self::Closed {
                    failures: failures + 1,
                };
                false
            }
            Self::Closed { .. } | Self::HalfOpen => {
                mark!(BreakerOpened);
                *self = Self::Open;
                true
            }
            Self::Open => false,
        }
    }

    /// The node answered; whether that closed the breaker just now.
    #[must_use]
    pub(crate) fn answered(&mut self) -> bool {
        match *self {
            Self::Closed { .. } => {
                *self = Self::CLOSED;
                false
            }
            Self::HalfOpen => {
                mark!(BreakerClosed);
                *self = Self::CLOSED;
                true
            }
            Self::Open => false,
        }
    }

    /// The time to stay open is over.
    pub(crate) fn probe(&mut self) {
        match self {
            Self::Open => *self = Self::HalfOpen,
            Self::Closed { .. } | Self::HalfOpen => {}
        }
    }

    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_open_it_and_one_answer_after_a_pause_closes_it() {
        let mut breaker = Breaker::CLOSED;
        assert_eq!([breaker.failed(), breaker.failed()], [false, false]);
        assert!(!breaker.answered());
        assert_eq!(
            [breaker.failed(), breaker.failed(), breaker.failed()],
            [false, false, true]
        );
        assert!(!breaker.answered() && breaker.is_open());
        breaker.probe();
        assert!(!breaker.is_open() && breaker.answered());
        assert_eq!(breaker, Breaker::CLOSED);
    }

    #[test]
    fn a_failed_probe_opens_it_again() {
        let mut breaker = Breaker::Open;
        breaker.probe();
        assert!(breaker.failed() && breaker.is_open());
    }
}
