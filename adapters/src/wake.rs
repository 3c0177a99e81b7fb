//! The one way in which the driver wakes a task of the application: past a panic of its waker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Wakes whoever waits. A panic over there, in a runtime that we know nothing of, is that task's
/// own: the driver serves all the others.
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
    }
}
