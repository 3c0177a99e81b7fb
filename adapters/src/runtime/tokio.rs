//! [`Tokio`]: the client on tokio.

mod entered;
mod socket;

pub use socket::TokioSocket;

use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tokio::net::lookup_host;
use ::tokio::runtime::Handle;
use ::tokio::time::{Instant, Sleep, sleep_until};
use lavapool_core::Timestamp;

use super::{Attempt, Runtime, Timer};
use entered::entered;

/// A tokio runtime with IO and time. Its clock is tokio's: a paused one pauses the client too.
#[derive(Clone, Debug)]
pub struct Tokio {
    handle: Handle,
    origin: Instant,
}

impl Tokio {
    /// The runtime that this is called in.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn current() -> Self {
        Handle::current().into()
    }
}

impl From<Handle> for Tokio {
    /// The runtime of this handle, for a start from outside of it.
    fn from(handle: Handle) -> Self {
        let origin = Instant::now();
        Self { handle, origin }
    }
}

impl Runtime for Tokio {
    type Socket = TokioSocket;
    type Timer = TokioTimer;

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.origin.elapsed()
    }

    fn timer(&self) -> TokioTimer {
        let _entered = self.handle.enter();
        TokioTimer(self.origin, Box::pin(sleep_until(self.origin)))
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        let host = (host.to_owned(), port);
        entered(self.handle.clone(), async move {
            Ok(lookup_host(host).await?.collect())
        })
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<TokioSocket> {
        entered(self.handle.clone(), TokioSocket::tcp(address))
    }

    #[cfg(unix)]
    fn connect_unix(&self, path: &Path) -> impl Attempt<TokioSocket> {
        entered(self.handle.clone(), TokioSocket::unix(path.to_owned()))
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(future);
    }
}

/// The timer of [`Tokio`]: the origin of its clock, and what sleeps.
#[derive(Debug)]
pub struct TokioTimer(Instant, Pin<Box<Sleep>>);

impl Timer for TokioTimer {
    fn reset(&mut self, at: Timestamp) {
        self.1.as_mut().reset(self.0 + at.since(Timestamp::ZERO));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.1.as_mut().poll(cx)
    }
}
