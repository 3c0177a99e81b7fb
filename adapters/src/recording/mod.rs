//! [`Recording`]: what goes into the pool, in a file for a bug report.

mod framing;
#[cfg(test)]
mod leaks;
mod lines;
mod machine;
mod mask;
mod quoted;
mod scrub;
mod secrets;
mod spelling;
#[cfg(test)]
mod tests;
mod words;
mod writer;

pub(crate) use machine::Machine;
pub(crate) use writer::{Recorder, create};

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use thiserror::Error;

use crate::lock::lock;

/// How a recording goes, from [`Client::recording`](crate::Client::recording).
///
/// It does not keep the client open.
#[derive(Clone, Debug)]
pub struct Recording {
    shared: Arc<Shared>,
}

/// Whether a recording goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordingState {
    /// It goes on.
    Running,
    /// The client was closed, and everything is in the file.
    Complete,
    /// It stopped early. What is in the file is whole up to that point.
    Stopped(RecordingFailure),
}

/// Why a recording stopped before the client did. The client goes on without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordingFailure {
    /// The disk did not keep up: more than 64 MiB waited for it.
    #[error("the disk did not keep up with the recording")]
    TooSlow,
    /// The file could not be written.
    #[error("the recording could not be written: {0}")]
    Disk(io::ErrorKind),
    /// The file has reached 1 GiB.
    #[error("the recording has reached {max} bytes")]
    Full {
        /// The bound.
        max: u64,
    },
    /// There were more secrets to hide than can be remembered.
    #[error("the recording met more than {max} secrets")]
    TooManySecrets {
        /// The bound.
        max: usize,
    },
}

/// What the driver, the writer and the handles share.
#[derive(Debug)]
struct Shared {
    state: Mutex<(RecordingState, Vec<Waker>)>,
}

impl Recording {
    /// How it stands.
    pub fn state(&self) -> RecordingState {
        lock(&self.shared.state).0
    }

    /// Waits until nothing more is written: the client was closed, or the recording stopped by
    /// itself. A program that ends right after the client waits for this, so that the end of the
    /// recording is in the file. Cancel safe.
    pub async fn finished(&self) -> RecordingState {
        poll_fn(|cx| {
            let (state, wakers) = &mut *lock(&self.shared.state);
            if *state != RecordingState::Running {
                return Poll::Ready(*state);
            }
            if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                wakers.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await
    }
}

impl Shared {
    fn new() -> Self {
        Self {
            state: Mutex::new((RecordingState::Running, Vec::new())),
        }
    }

    /// The recording is over; the first reason counts.
    fn end(&self, ended: RecordingState) {
        let wakers = {
            let (state, wakers) = &mut *lock(&self.state);
            if *state == RecordingState::Running {
                *state = ended;
            }
            std::mem::take(wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}
