//! [`Taken`]: how much of the processors others take while the bench does nothing.

use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::clients::Outcome;

/// What others took of the processors while the bench only looked at the clock.
///
/// What is measured of a program is then longer by as much, however good it is: a host that gives
/// its processors to another guest for 10 ms delays each message of these 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Taken {
    /// Of the time, in percent.
    pub(crate) percent: f64,
    /// The same, of what was taken for more than a millisecond at once.
    pub(crate) long_percent: f64,
    /// The longest time at once, in milliseconds.
    pub(crate) longest_ms: f64,
}

impl Taken {
    /// Looks at the clock on each core for a second.
    pub(crate) fn look() -> Outcome<Self> {
        let cores = thread::available_parallelism()?.get();
        let gaps = thread::scope(|scope| {
            let watches: Vec<_> = (0..cores)
                .map(|_| scope.spawn(|| gaps(LOOKS_FOR)))
                .collect();
            let gaps =
                |watch: thread::ScopedJoinHandle<'_, _>| watch.join().expect("it only looks");
            watches.into_iter().flat_map(gaps).collect::<Vec<_>>()
        });
        Ok(Self::of(&gaps, LOOKS_FOR.as_secs_f64() * cores as f64))
    }

    fn of(gaps: &[Duration], seconds: f64) -> Self {
        let percent = |least: Duration| {
            let gaps = gaps.iter().filter(|gap| **gap > least);
            gaps.sum::<Duration>().as_secs_f64() / seconds * 100.0
        };
        let longest = gaps.iter().max().copied().unwrap_or_default();
        Self {
            percent: percent(Duration::ZERO),
            long_percent: percent(Duration::from_millis(1)),
            longest_ms: longest.as_secs_f64() * 1e3,
        }
    }

    /// The more of two.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            percent: self.percent.max(other.percent),
            long_percent: self.long_percent.max(other.long_percent),
            longest_ms: self.longest_ms.max(other.longest_ms),
        }
    }

    /// Whether one in a thousand of what happens is not held up for a millisecond by others alone.
    pub(crate) fn is_idle(self) -> bool {
        self.long_percent < 0.1
    }
}

/// How long it was each time until the clock could be looked at again, where that was no matter of
/// course.
fn gaps(time: Duration) -> Vec<Duration> {
    let begin = Instant::now();
    let (mut gaps, mut last) = (Vec::with_capacity(1_024), begin);
    while last - begin < time {
        let now = Instant::now();
        if now - last > UNNOTICED {
            gaps.push(now - last);
        }
        last = now;
    }
    gaps
}

const LOOKS_FOR: Duration = Duration::from_secs(1);
/// A look takes some 20 ns, and an interrupt of the machine's own a few microseconds.
const UNNOTICED: Duration = Duration::from_micros(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_idle_if_little_is_taken_at_once() {
        let gaps = |longest| [Duration::from_micros(300), Duration::from_millis(longest)];
        let taken = Taken::of(&gaps(5), 2.0);
        assert!((taken.percent - 0.265).abs() < 1e-9, "{taken:?}");
        assert!((taken.long_percent - 0.25).abs() < 1e-9, "{taken:?}");
        assert_eq!((taken.longest_ms, taken.is_idle()), (5.0, false));
        assert!(Taken::of(&gaps(1), 2.0).is_idle());
        assert_eq!(Taken::default().max(taken), taken);
    }
}
