//! [`Sample`]: what one piece of work cost the process that did it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::counting;
use crate::latencies::Percentiles;

/// What one piece of work cost the process that did it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// How many messages or requests it was.
    pub(crate) count: u64,
    pub(crate) seconds: f64,
    /// Of all threads, in the program and in the system on its behalf.
    pub(crate) cpu_seconds: f64,
    /// Zero unless the run counted them, and so is the next.
    pub(crate) allocations: u64,
    pub(crate) allocated_bytes: u64,
    /// How many of the messages the application never saw.
    pub(crate) lost: u64,
    /// From the server's write to the event, where that was looked at.
    pub(crate) late: Option<Percentiles>,
}

impl Sample {
    /// Adds what came after it.
    pub(crate) fn add(&mut self, next: &Self) {
        self.count += next.count;
        self.seconds += next.seconds;
        self.cpu_seconds += next.cpu_seconds;
        self.allocations += next.allocations;
        self.allocated_bytes += next.allocated_bytes;
        self.lost += next.lost;
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.count as f64 / self.seconds
    }

    pub(crate) fn cpu_us(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.count as f64
    }

    pub(crate) fn allocations_each(&self) -> f64 {
        self.allocations as f64 / self.count as f64
    }

    pub(crate) fn bytes_each(&self) -> f64 {
        self.allocated_bytes as f64 / self.count as f64
    }
}

/// A measurement that has begun.
pub(crate) struct Stopwatch {
    began_at: Instant,
    cpu: Duration,
    counts: counting::Counts,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            counts: counting::counts(),
            cpu: cpu(),
            began_at: Instant::now(),
        }
    }

    pub(crate) fn stop(self, count: u64) -> Sample {
        let elapsed = self.began_at.elapsed();
        self.stop_after(count, elapsed)
    }

    /// The work was done after this time.
    pub(crate) fn stop_after(self, count: u64, elapsed: Duration) -> Sample {
        let cpu = cpu() - self.cpu;
        let counts = counting::counts();
        Sample {
            count,
            seconds: elapsed.as_secs_f64(),
            cpu_seconds: cpu.as_secs_f64(),
            allocations: counts.allocations - self.counts.allocations,
            allocated_bytes: counts.bytes - self.counts.bytes,
            lost: 0,
            late: None,
        }
    }

    pub(crate) const fn began_at(&self) -> Instant {
        self.began_at
    }
}

/// The processor time of this process so far.
pub(crate) fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// The memory of this process that is in RAM, in bytes.
pub(crate) fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Counts what the application was given, and tells when it is all there.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    seen: AtomicU64,
    target: AtomicU64,
    done_at: Mutex<Option<Instant>>,
    done: Condvar,
}

impl Arrivals {
    /// One more came.
    pub(crate) fn count(&self) {
        let seen = self.seen.fetch_add(1, Ordering::AcqRel) + 1;
        if seen == self.target.load(Ordering::Acquire) {
            *self.lock() = Some(Instant::now());
            self.done.notify_all();
        }
    }

    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Acquire)
    }

    /// Starts anew, to wait for `target`.
    pub(crate) fn expect(&self, target: u64) {
        *self.lock() = None;
        self.seen.store(0, Ordering::Release);
        self.target.store(target, Ordering::Release);
    }

    /// When the last of them came; `None` if they are not all there within this time.
    pub(crate) fn wait(&self, within: Duration) -> Option<Instant> {
        let done_at = self.lock();
        let waited = self
            .done
            .wait_timeout_while(done_at, within, |done_at| done_at.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.done_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
