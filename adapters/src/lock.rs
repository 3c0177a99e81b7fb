//! The one way in which a lock is taken here: for the length of a copy, and past a panic.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. Nothing in this crate leaves half a change behind when it panics with a lock held.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
