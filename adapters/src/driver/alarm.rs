//! [`Alarm`]: the timer of the driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use lavapool_core::Timestamp;

use super::ready::Ready;
use crate::runtime::Timer;

/// The timer of the driver. It is looked at only when it was set or rang: what wakes the driver is
/// mostly something else.
pub(super) struct Alarm<T> {
    timer: T,
    /// What it is set to.
    at: Option<Timestamp>,
    bell: Arc<Bell>,
    waker: Waker,
}

/// The waker of the timer.
struct Bell {
    rang: AtomicBool,
    ready: Arc<Ready>,
}

impl<T: Timer> Alarm<T> {
    pub(super) fn new(timer: T, ready: Arc<Ready>) -> Self {
        let rang = AtomicBool::new(false);
        let bell = Arc::new(Bell { rang, ready });
        Self {
            timer,
            at: None,
            waker: Waker::from(bell.clone()),
            bell,
        }
    }

    /// Sets it to wake the driver then; returns whether it is due already.
    pub(super) fn set(&mut self, at: Timestamp) -> bool {
        let is_set = self.at.replace(at) == Some(at);
        if !is_set {
            self.timer.reset(at);
        }
        if is_set && !self.bell.rang.swap(false, Ordering::AcqRel) {
            return false;
        }
        let mut cx = Context::from_waker(&self.waker);
        let is_due = self.timer.poll(&mut cx).is_ready();
        if is_due {
            self.at = None;
        }
        is_due
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        self.ready.ring();
    }
}
