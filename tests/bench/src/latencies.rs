//! [`Latencies`]: how often something took how long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// How often each latency was seen, in microseconds.
pub(crate) struct Latencies {
    counts: Vec<AtomicU64>,
}

/// What most of them are below, in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    pub(crate) max_us: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        let counts = (0..LATENCY_US_MAX).map(|_| AtomicU64::new(0)).collect();
        Self { counts }
    }
}

impl Latencies {
    pub(crate) fn add(&self, latency: Duration) {
        let place = (latency.as_micros() as usize).min(LATENCY_US_MAX - 1);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        for count in &self.counts {
            count.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn percentiles(&self) -> Percentiles {
        Percentiles {
            p50_us: self.percentile(0.5),
            p99_us: self.percentile(0.99),
            p999_us: self.percentile(0.999),
            max_us: self.percentile(1.0),
        }
    }

    /// In microseconds, rounded up.
    fn percentile(&self, part: f64) -> f64 {
        let counts = || {
            self.counts
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
        };
        let rank = (counts().sum::<u64>() as f64 * part).ceil();
        let mut seen = 0.0;
        let place = counts().position(|count| {
            seen += count as f64;
            seen >= rank
        });
        place.map_or(f64::NAN, |place| place as f64 + 1.0)
    }
}

/// Whatever takes longer counts as this.
const LATENCY_US_MAX: usize = 1_000_000;

/// A clock that all processes of the machine share, in microseconds.
pub(crate) fn shared_clock_us() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let [seconds, nanos] = [time.tv_sec, time.tv_nsec].map(|part| part.cast_unsigned());
    seconds * 1_000_000 + nanos / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_latencies_are_below_the_middle_one() {
        let latencies = Latencies::default();
        for micros in [1, 2, 3, 900] {
            latencies.add(Duration::from_micros(micros));
        }
        let found = latencies.percentiles();
        assert_eq!((found.p50_us, found.max_us), (3.0, 901.0));
    }
}
