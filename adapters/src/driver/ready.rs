//! [`Ready`]: who has something for the driver, so that a wake costs what is ready and not what
//! is open.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use crate::lock::lock;
use crate::room::is_drained;

/// The slots whose sockets or dials can go on, and the driver to be woken for them.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    slots: VecDeque<usize>,
    /// Taken when it is woken: what happens before it runs wakes it no second time.
    driver: Option<Waker>,
}

impl Ready {
    /// Wakes the driver.
    pub(crate) fn ring(&self) {
        let driver = lock(&self.state).driver.take();
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    fn push(&self, slot: usize) {
        let driver = {
            let mut state = lock(&self.state);
            state.slots.push_back(slot);
            state.driver.take()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Names the waker of the driver's task; whatever happens from here on wakes it.
    pub(crate) fn register(&self, driver: &Waker) {
        lock(&self.state).driver = Some(driver.clone());
    }

    /// Names all slots that are ready.
    pub(super) fn each(&self, name: impl FnMut(usize)) {
        lock(&self.state).slots.iter().copied().for_each(name);
    }

    /// Takes up to `slots_max` of the slots that are ready; returns whether there are more.
    pub(super) fn take(&self, taken: &mut Vec<usize>, slots_max: usize) -> bool {
        let slots = &mut lock(&self.state).slots;
        let count = slots.len().min(slots_max);
        taken.extend(slots.drain(..count));
        !is_drained(slots)
    }
}

/// The waker of one slot. It lives as long as the slot and serves one socket after the other:
/// a late wake of an earlier one costs a look at the present one.
#[derive(Debug)]
pub(super) struct SlotWaker {
    slot: usize,
    /// Whether the slot is on the list.
    listed: AtomicBool,
    ready: Arc<Ready>,
}

impl SlotWaker {
    pub(super) fn new(slot: usize, ready: Arc<Ready>) -> Arc<Self> {
        let listed = AtomicBool::new(false);
        Arc::new(Self {
            slot,
            listed,
            ready,
        })
    }

    /// The slot was taken off the list: the next wake puts it there again.
    pub(super) fn unlist(&self) {
        self.listed.store(false, Ordering::Release);
    }

    /// Puts the slot on the list.
    pub(super) fn list(&self) {
        if !self.listed.swap(true, Ordering::AcqRel) {
            self.ready.push(self.slot);
        }
    }
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.list();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.list();
    }
}
