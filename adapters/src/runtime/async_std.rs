//! [`AsyncStd`]: the client on async-std.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use ::async_std::net::ToSocketAddrs;
use ::async_std::task;
use lavapool_core::Timestamp;

use super::{AsyncIoSocket, Attempt, Runtime, Timer, async_io};

/// async-std, whose one executor and clock need no context: a client can be started anywhere.
///
/// async-std is [no longer maintained](https://rustsec.org/advisories/RUSTSEC-2025-0052.html).
/// This is for bots that use it all the same; a new one does better with tokio or smol.
#[derive(Clone, Debug)]
pub struct AsyncStd {
    origin: Instant,
}

impl AsyncStd {
    /// The one async-std of this process, with a clock that begins here.
    pub fn global() -> Self {
        let origin = Instant::now();
        Self { origin }
    }
}

impl Runtime for AsyncStd {
    type Socket = AsyncStdSocket;
    type Timer = AsyncStdTimer;

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.origin.elapsed()
    }

    fn timer(&self) -> AsyncStdTimer {
        AsyncStdTimer(self.origin, self.origin, None)
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        let host = host.to_owned();
        async move { Ok((&*host, port).to_socket_addrs().await?.collect()) }
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<AsyncStdSocket> {
        async_io::connect(address)
    }

    #[cfg(unix)]
    fn connect_unix(&self, path: &std::path::Path) -> impl Attempt<AsyncStdSocket> {
        async_io::connect_unix(path)
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        drop(task::spawn(future));
    }
}

/// A connected socket of [`AsyncStd`].
pub type AsyncStdSocket = AsyncIoSocket;

/// The timer of [`AsyncStd`]: the origin of its clock, when it is due, and what sleeps.
pub struct AsyncStdTimer(Instant, Instant, Option<Sleep>);

/// async-std has no timer that can be set again, so each setting makes a new one.
type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Timer for AsyncStdTimer {
    fn reset(&mut self, at: Timestamp) {
        self.1 = self.0 + at.since(Timestamp::ZERO);
        let left = self.1.saturating_duration_since(Instant::now());
        self.2 = (!left.is_zero()).then(|| Box::pin(task::sleep(left)) as Sleep);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.2 {
            Some(sleep) if Instant::now() < self.1 => sleep.as_mut().poll(cx),
            _ => Poll::Ready(()),
        }
    }
}
