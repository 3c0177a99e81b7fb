//! [`Runtime`]: what the driver needs of an async runtime, and all in which runtimes differ.
//!
//! Each has a file of its own. What they share is `Stream`, a socket of any of them, and `Hushed`,
//! by which it can stop to be watched; smol and async-std have the sockets of async-io.

#[cfg(any(feature = "async-std", feature = "smol"))]
mod async_io;
#[cfg(feature = "async-std")]
mod async_std;
#[cfg(any(feature = "tokio", feature = "async-std", feature = "smol"))]
mod hushed;
#[cfg(any(feature = "tokio", feature = "async-std", feature = "smol"))]
mod present;
#[cfg(feature = "smol")]
mod smol;
#[cfg(any(feature = "tokio", feature = "async-std", feature = "smol"))]
mod stream;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(any(feature = "async-std", feature = "smol"))]
pub use self::async_io::{AsyncIoSocket, HalfClosing};
#[cfg(feature = "async-std")]
pub use self::async_std::{AsyncStd, AsyncStdSocket, AsyncStdTimer};
#[cfg(any(feature = "tokio", feature = "async-std", feature = "smol"))]
pub use self::hushed::Hushed;
#[cfg(any(feature = "tokio", feature = "async-std", feature = "smol"))]
pub(crate) use self::present::Present;
#[cfg(feature = "smol")]
pub use self::smol::{Smol, SmolSocket, SmolTimer};
#[cfg(any(feature = "tokio", feature = "async-std", feature = "smol"))]
pub use self::stream::Stream;
#[cfg(feature = "tokio")]
pub use self::tokio::{Tokio, TokioSocket, TokioTimer};

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::task::{Context, Poll};

use lavapool_core::Timestamp;

/// An async runtime: sockets, a timer, a clock, name lookup, and a place to run the driver.
///
/// Implement it to run lavapool on a runtime that has no feature of its own, then start the
/// client with [`Builder::start_on`](crate::Builder::start_on) or
/// [`Builder::connect_on`](crate::Builder::connect_on).
pub trait Runtime: Send + Sync + 'static {
    /// A connected socket: TCP, or a Unix socket where there are any.
    type Socket: Socket;
    /// A timer.
    type Timer: Timer;

    /// The present, on a monotonic clock. The origin is free, and the same for all calls.
    fn now(&self) -> Timestamp;

    /// A timer, to be set before it is polled.
    fn timer(&self) -> Self::Timer;

    /// The addresses of a host, which is a name or the text of an address, in the system's order
    /// of preference (RFC 6724). The driver makes the families alternate. No address, or an error
    /// of the kind [`io::ErrorKind::NotFound`], says that there is no such name; any other error
    /// says nothing of it ([`Closed::LookupFailed`](crate::Closed::LookupFailed)).
    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>>;

    /// A connection to this address, without Nagle's delay (`TCP_NODELAY`).
    fn connect(&self, address: SocketAddr) -> impl Attempt<Self::Socket>;

    /// A connection to the Unix socket at this path. Unless it is implemented there are none:
    /// [`io::ErrorKind::Unsupported`].
    fn connect_unix(&self, _path: &Path) -> impl Attempt<Self::Socket> {
        std::future::ready(Err(io::ErrorKind::Unsupported.into()))
    }

    /// Runs a future to its end, in the background.
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static);
}

/// A future that may fail; every `async` block of that type that borrows nothing is one.
pub trait Attempt<T>: Future<Output = io::Result<T>> + Send + 'static {}

impl<T, F: Future<Output = io::Result<T>> + Send + 'static> Attempt<T> for F {}

/// A connected socket. Dropping it closes it.
pub trait Socket: Send + Unpin + 'static {
    /// Reads into `buffer` and returns how much; 0 is the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Takes some of `bytes` and returns how much, at least one.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Passes on everything that was taken, and ends the direction to the peer.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Lets the socket wake nobody who waits to read, or wake again; returns whether it is quiet
    /// from now on. Unless it is implemented, none ever is.
    ///
    /// While a node says something several times a millisecond, the driver lets its socket be quiet
    /// and reads it each millisecond: to be woken takes longer than to read a message. A read of a
    /// quiet socket takes what is there, and remembers no waker if there is nothing. Whoever cannot
    /// write at once is woken as ever, for which the socket may end to be quiet by itself. After
    /// `set_quiet(false)` the driver reads at once.
    ///
    /// # Errors
    /// Those of the system, after which the connection counts as lost.
    fn set_quiet(&mut self, _is_quiet: bool) -> io::Result<bool> {
        Ok(false)
    }
}

/// A timer that can be set again and again.
pub trait Timer: Send + Unpin + 'static {
    /// Sets the timer to a moment of [`Runtime::now`]'s clock, in place of an earlier setting.
    fn reset(&mut self, at: Timestamp);

    /// Ready once the moment has come. It is set again before it is polled after that.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// The one thing that handles need of a runtime, whatever its type.
pub(crate) trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

impl<R: Runtime> Clock for R {
    fn now(&self) -> Timestamp {
        Runtime::now(self)
    }
}
