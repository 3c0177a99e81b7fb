//! [`entered`]: a future of tokio that may be polled anywhere.

use std::future::poll_fn;

use ::tokio::runtime::Handle;

use crate::runtime::Attempt;

/// Polls the future inside of the runtime, wherever the driver is polled.
pub(super) fn entered<T: Send>(handle: Handle, attempt: impl Attempt<T>) -> impl Attempt<T> {
    let mut attempt = Box::pin(attempt);
    poll_fn(move |cx| {
        let _entered = handle.enter();
        attempt.as_mut().poll(cx)
    })
}
