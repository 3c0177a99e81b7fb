//! [`On`]: the runtimes, as far as the bench itself needs them.

use std::time::Duration;

use super::{Outcome, WITHIN, Who};
use crate::measure::{Sample, Stopwatch};

/// A runtime, as its documentation has a program start it.
#[derive(Debug)]
pub(super) enum On {
    Tokio(tokio::runtime::Runtime),
    Smol,
    AsyncStd,
}

impl On {
    pub(super) fn of(who: Who) -> Outcome<Self> {
        match who {
            Who::Tokio | Who::Twilight | Who::LavalinkRs => {
                Ok(Self::Tokio(tokio::runtime::Runtime::new()?))
            }
            Who::Smol => Ok(Self::Smol),
            Who::AsyncStd => Ok(Self::AsyncStd),
            Who::Reads | Who::ByHand | Who::Tungstenite => Err("that needs no runtime".into()),
        }
    }

    pub(super) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        match self {
            Self::Tokio(runtime) => runtime.block_on(future),
            Self::Smol => smol::block_on(future),
            Self::AsyncStd => async_std::task::block_on(future),
        }
    }

    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        match self {
            Self::Tokio(runtime) => drop(runtime.spawn(future)),
            Self::Smol => smol::spawn(future).detach(),
            Self::AsyncStd => drop(async_std::task::spawn(future)),
        }
    }

    /// Runs `at_once` tasks which together do the work `count` times, and waits for them.
    pub(super) fn measure<F: Future<Output = ()> + Send + 'static>(
        &self,
        count: u64,
        at_once: u64,
        work: impl Fn(u64) -> F + Clone + Send + 'static,
    ) -> Outcome<Sample> {
        let (done, all) = std::sync::mpsc::channel();
        let stopwatch = Stopwatch::start();
        for task in 0..at_once {
            let (done, work) = (done.clone(), work.clone());
            let numbers = (task..count).step_by(usize::try_from(at_once)?);
            // Without `move` in the loop each task would borrow.
            self.spawn(async move {
                for number in numbers {
                    work(number).await;
                }
                let _ = done.send(());
            });
        }
        for _ in 0..at_once {
            all.recv_timeout(WITHIN + Duration::from_millis(count))?;
        }
        Ok(stopwatch.stop(count))
    }
}
