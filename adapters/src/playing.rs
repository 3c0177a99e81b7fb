//! [`Playing`]: a play that may take several tries, as a future.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::Error;

/// A play that may take several tries, such as one with a search before it.
///
/// Its first play, if it is known already, is queued when the method is called; what follows
/// from the answers happens while this is polled, on any runtime. It borrows nothing, so it can
/// be spawned. Dropping it gives up the wait and every further try.
#[must_use = "a refused track is followed by another one, and a search begins, only when awaited"]
pub struct Playing<T> {
    /// None if there is nothing to wait for: most events are none of a queue's business.
    tries: Option<Tries<T>>,
}

type Tries<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

impl<T: Default> Playing<T> {
    pub(crate) fn new(tries: impl Future<Output = Result<T, Error>> + Send + 'static) -> Self {
        let tries = Some(Box::pin(tries) as _);
        Self { tries }
    }

    pub(crate) const fn nothing() -> Self {
        Self { tries: None }
    }
}

impl<T: Default> Future for Playing<T> {
    type Output = Result<T, Error>;

    /// # Panics
    /// When it is polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.tries {
            Some(tries) => tries.as_mut().poll(cx),
            None => Poll::Ready(Ok(T::default())),
        }
    }
}

impl<T> std::fmt::Debug for Playing<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Playing").finish_non_exhaustive()
    }
}
