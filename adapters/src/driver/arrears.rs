//! [`Arrears`]: what the sockets had when a deadline was found to have passed.

use super::ready::Ready;

/// The slots that were ready, or quiet, when a deadline was found to have passed. What they have
/// came before anybody looked at the time, so they are read dry before the pool is told of it; one
/// whose peer sends without end is looked at a number of times, and then counts as read.
#[derive(Debug, Default)]
pub(super) struct Arrears {
    /// Whether a deadline has passed that the pool has not been told of.
    is_begun: bool,
    /// How often each slot is looked at before it counts as read; 0 for one that does.
    looks_left: Vec<u16>,
    /// How many slots have looks left.
    slots: usize,
}

impl Arrears {
    /// A deadline has passed: what is ready or taken counts before it. What becomes ready later
    /// does not.
    pub(super) fn begin(&mut self, ready: &Ready, taken: &[usize]) {
        if !self.is_begun {
            self.is_begun = true;
            ready.each(|slot| self.put(slot));
            taken.iter().for_each(|slot| self.put(*slot));
        }
    }

    /// The pool knows the time.
    pub(super) const fn end(&mut self) {
        self.is_begun = false;
    }

    /// A slot was looked at; `is_dry` if it had nothing more.
    pub(super) fn looked_at(&mut self, slot: usize, is_dry: bool) {
        let Some(left) = self.looks_left.get_mut(slot).filter(|left| **left > 0) else {
            return;
        };
        *left = if is_dry { 0 } else { *left - 1 };
        self.slots -= usize::from(*left == 0);
    }

    /// Whether everything counts as read.
    pub(super) const fn are_read(&self) -> bool {
        self.slots == 0
    }

    fn put(&mut self, slot: usize) {
        if self.looks_left.len() <= slot {
            self.looks_left.resize(slot + 1, 0);
        }
        if let Some(left) = self.looks_left.get_mut(slot) {
            self.slots += usize::from(*left == 0);
            *left = LOOKS_MAX;
        }
    }
}

/// How often a slot is looked at before the time counts although there is more. Each look takes a
/// full buffer, so these are 16 MiB: as long as a message may be, and more than a kernel keeps.
const LOOKS_MAX: u16 = 256;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::ready::SlotWaker;
    use super::*;

    #[test]
    fn all_that_was_ready_is_read_dry_and_nothing_that_came_later() {
        let ready = Arc::new(Ready::default());
        let mut arrears = Arrears::default();
        list(&ready, &[4]);
        arrears.begin(&ready, &[0]);
        list(&ready, &[7]);
        arrears.begin(&ready, &[]);

        arrears.looked_at(4, true);
        arrears.looked_at(4, true);
        arrears.looked_at(7, false);
        assert!(!arrears.are_read());
        arrears.looked_at(0, false);
        assert!(!arrears.are_read());
        arrears.looked_at(0, true);
        assert!(arrears.are_read());
    }

    #[test]
    fn a_slot_that_is_never_dry_counts_as_read_in_the_end_and_again_the_next_time() {
        let ready = Arc::new(Ready::default());
        let mut arrears = Arrears::default();
        list(&ready, &[3]);
        for _ in 0..2 {
            arrears.begin(&ready, &[]);
            for _ in 0..LOOKS_MAX {
                assert!(!arrears.are_read());
                arrears.looked_at(3, false);
            }
            assert!(arrears.are_read());
            arrears.end();
        }
    }

    #[test]
    fn what_is_left_of_a_deadline_that_was_met_is_looked_at_as_often_as_the_rest() {
        let ready = Arc::new(Ready::default());
        let mut arrears = Arrears::default();
        list(&ready, &[3]);
        arrears.begin(&ready, &[]);
        arrears.looked_at(3, false);
        arrears.end();

        arrears.begin(&ready, &[]);
        for _ in 0..LOOKS_MAX {
            assert!(!arrears.are_read());
            arrears.looked_at(3, false);
        }
        assert!(arrears.are_read());
    }

    fn list(ready: &Arc<Ready>, slots: &[usize]) {
        for slot in slots {
            SlotWaker::new(*slot, ready.clone()).list();
        }
    }
}
