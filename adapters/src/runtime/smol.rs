//! [`Smol`]: the client on smol.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use ::smol::{Executor, net};
use lavapool_core::Timestamp;

use super::{AsyncIoSocket, Attempt, Runtime, Timer, async_io};

/// smol, whose reactor and clock need no context: a client can be started anywhere.
#[derive(Clone, Debug)]
pub struct Smol {
    /// Smol's global one if there is none.
    executor: Option<Arc<Executor<'static>>>,
    origin: Instant,
}

impl Smol {
    /// smol's global executor, which `smol::spawn` uses too, with a clock that begins here.
    pub fn global() -> Self {
        let (executor, origin) = (None, Instant::now());
        Self { executor, origin }
    }
}

impl From<Arc<Executor<'static>>> for Smol {
    /// An executor of your own, which runs the client for as long as you run it.
    fn from(executor: Arc<Executor<'static>>) -> Self {
        let (executor, origin) = (Some(executor), Instant::now());
        Self { executor, origin }
    }
}

impl Runtime for Smol {
    type Socket = SmolSocket;
    type Timer = SmolTimer;

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.origin.elapsed()
    }

    fn timer(&self) -> SmolTimer {
        SmolTimer(self.origin, ::smol::Timer::at(self.origin))
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        let host = host.to_owned();
        async move { net::resolve((&*host, port)).await }
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<SmolSocket> {
        async_io::connect(address)
    }

    #[cfg(unix)]
    fn connect_unix(&self, path: &std::path::Path) -> impl Attempt<SmolSocket> {
        async_io::connect_unix(path)
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        match &self.executor {
            Some(executor) => executor.spawn(future).detach(),
            None => ::smol::spawn(future).detach(),
        }
    }
}

/// A connected socket of [`Smol`].
pub type SmolSocket = AsyncIoSocket;

/// The timer of [`Smol`]: the origin of its clock, and what sleeps.
#[derive(Debug)]
pub struct SmolTimer(Instant, ::smol::Timer);

impl Timer for SmolTimer {
    fn reset(&mut self, at: Timestamp) {
        self.1.set_at(self.0 + at.since(Timestamp::ZERO));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.1).poll(cx).map(drop)
    }
}
