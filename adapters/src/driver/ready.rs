//! [`Ready`]: who has something for the driver, so that a wake costs what is ready and not what
//! is open.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use crate::lock::lock;
use crate::room::trim;

/// The slots whose sockets or dials can go on, and the driver to be woken for them.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    slots: VecDeque<usize>,
    /// Whether there is something else for the driver.
    is_rung: bool,
    /// There while the driver waits. What happens while it runs, or is about to, wakes it no second
    /// time: it looks before it waits again.
    driver: Option<Waker>,
}

impl Ready {
    /// There is something for the driver that is in no slot.
    pub(crate) fn ring(&self) {
        self.note(|state| state.is_rung = true);
    }

    fn push(&self, slot: usize) {
        self.note(|state| state.slots.push_back(slot));
    }

    fn note(&self, what: impl FnOnce(&mut State)) {
        let driver = {
            let mut state = lock(&self.state);
            what(&mut state);
            state.driver.take()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// The driver runs, or is gone: nobody needs to wake it.
    pub(super) fn run(&self) {
        let waker = lock(&self.state).driver.take();
        // Behind the lock: it may be the last that holds a task, which is dropped with it.
        drop(waker);
    }

    /// Whether something has come since [`Ready::take`], or was left by it.
    pub(super) fn has_more(&self) -> bool {
        let state = lock(&self.state);
        state.is_rung || !state.slots.is_empty()
    }

    /// The driver waits, and whatever happens from here on wakes it. Not so if something has
    /// happened: then it returns false.
    pub(super) fn wait(&self, driver: &Waker) -> bool {
        let driver = driver.clone();
        let mut state = lock(&self.state);
        let may_wait = !state.is_rung && state.slots.is_empty();
        let unused = if may_wait {
            state.driver.replace(driver)
        } else {
            Some(driver)
        };
        drop(state);
        drop(unused);
        may_wait
    }

    /// Names all slots that are ready.
    pub(super) fn each(&self, name: impl FnMut(usize)) {
        lock(&self.state).slots.iter().copied().for_each(name);
    }

    /// Takes up to `slots_max` of the slots that are ready. Whatever else there is for the driver
    /// it looks at after this.
    pub(super) fn take(&self, taken: &mut Vec<usize>, slots_max: usize) {
        let state = &mut *lock(&self.state);
        let count = state.slots.len().min(slots_max);
        taken.extend(state.slots.drain(..count));
        trim(&mut state.slots);
        state.is_rung = false;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_happens_while_the_driver_runs_wakes_nobody_and_is_found_before_it_waits() {
        let ready = Arc::new(Ready::default());
        let slot = SlotWaker::new(3, ready.clone());
        let wakes = Arc::new(Wakes::default());
        let driver = Waker::from(wakes.clone());
        let woken = || wakes.0.swap(0, Ordering::Relaxed);
        let mut taken = Vec::new();

        assert!(ready.wait(&driver));
        slot.list();
        ready.ring();
        assert_eq!(woken(), 1);

        ready.run();
        assert!(ready.has_more());
        ready.take(&mut taken, 8);
        slot.unlist();
        assert!(!ready.has_more());
        slot.list();
        assert!(ready.has_more() && !ready.wait(&driver));
        ready.take(&mut taken, 8);
        slot.unlist();
        ready.ring();
        assert!(ready.has_more() && !ready.wait(&driver));
        ready.take(&mut taken, 8);
        assert_eq!((woken(), &taken[..]), (0, &[3, 3][..]));

        assert!(ready.wait(&driver));
        slot.list();
        assert_eq!(woken(), 1);
    }
}
