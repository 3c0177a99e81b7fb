//! [`Tokio`]: the client on tokio.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(unix)]
use ::tokio::net::UnixStream;
use ::tokio::net::{TcpStream, lookup_host};
use ::tokio::runtime::Handle;
use ::tokio::time::{Instant, Sleep, sleep_until};
use lavapool_core::Timestamp;
use tokio_util::{compat::Compat, compat::TokioAsyncReadCompatExt, context::TokioContext};

#[cfg(not(unix))]
use self::TcpStream as UnixStream;
use super::{Attempt, Hushed, Runtime, Stream, Timer, hushed::hushed};

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
        let resolving = async move { Ok(lookup_host(host).await?.collect()) };
        TokioContext::new(resolving, self.handle.clone())
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<TokioSocket> {
        let connecting = async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Stream::Tcp(hushed!(stream, TcpStream)))
        };
        TokioContext::new(connecting, self.handle.clone())
    }

    #[cfg(unix)]
    fn connect_unix(&self, path: &std::path::Path) -> impl Attempt<TokioSocket> {
        let connecting = UnixStream::connect(path.to_owned());
        let connecting = async { Ok(Stream::Unix(hushed!(connecting.await?, UnixStream))) };
        TokioContext::new(connecting, self.handle.clone())
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(::tokio::task::unconstrained(future));
    }
}

/// A connected socket of [`Tokio`].
pub type TokioSocket = Stream<Hushed<Compat<TcpStream>>, Hushed<Compat<UnixStream>>>;

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
