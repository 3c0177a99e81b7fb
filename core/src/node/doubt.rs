//! [`Doubt`]: when a node is looked at for what it may have done late.

use std::time::Duration;

use crate::time::Timestamp;

/// How long after each failure, or look, the next one is taken.
const LOOK_AFTER: [Duration; 2] = [Duration::from_secs(15), Duration::from_secs(45)];
/// The pause before a look at a player that is being sent something.
const BUSY_LOOK_AFTER: Duration = Duration::from_secs(5);

/// A PATCH about a guild was never answered, and may take effect at any time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Doubt {
    /// When what became of it is looked at.
    due: Option<Timestamp>,
    /// How often that was done.
    looks: u8,
    /// Whether it has been seen to take effect.
    is_spent: bool,
}

impl Doubt {
    /// A request has just failed.
    pub(crate) fn since(now: Timestamp) -> Self {
        let mut doubt = Self::default();
        doubt.look_after(now);
        doubt
    }

    fn look_after(&mut self, now: Timestamp) {
        let after = LOOK_AFTER.get(usize::from(self.looks));
        self.due = after.map(|after| now + *after);
    }

    /// A look was taken: after the last one nothing is expected any more.
    pub(crate) fn looked(&mut self, now: Timestamp) {
        self.looks += 1;
        self.look_after(now);
    }

    /// Whether what was asked may be what is seen now; it can take effect once only.
    pub(crate) const fn spend(&mut self) -> bool {
        self.due.is_some() && !std::mem::replace(&mut self.is_spent, true)
    }

    /// No look can be taken now.
    pub(crate) fn postpone(&mut self, now: Timestamp) {
        self.due = Some(now + BUSY_LOOK_AFTER);
    }

    /// When the next look is due, if there is to be one.
    pub(crate) const fn due(&self) -> Option<Timestamp> {
        self.due
    }
}
