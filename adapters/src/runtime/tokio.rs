//! [`Tokio`]: the client on tokio.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ::tokio::net::{TcpStream, lookup_host};
use ::tokio::runtime::Handle;
use ::tokio::time::{Instant, Sleep, sleep_until};
use lavapool_core::Timestamp;

use super::{Attempt, Runtime, Socket, Timer, stream};

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

    /// Polls the future inside of the runtime, wherever the driver is polled.
    fn entered<T: Send, A: Attempt<T>>(&self, attempt: A) -> impl Attempt<T> + use<T, A> {
        let (handle, mut attempt) = (self.handle.clone(), Box::pin(attempt));
        poll_fn(move |cx| {
            let _entered = handle.enter();
            attempt.as_mut().poll(cx)
        })
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
    type Socket = Box<dyn Socket>;
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
        self.entered(async move { Ok(lookup_host(host).await?.collect()) })
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<Box<dyn Socket>> {
        self.entered(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(boxed(stream))
        })
    }

    #[cfg(unix)]
    fn connect_unix(&self, path: &std::path::Path) -> impl Attempt<Box<dyn Socket>> {
        let stream = ::tokio::net::UnixStream::connect(path.to_owned());
        self.entered(async { Ok(boxed(stream.await?)) })
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

fn boxed<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: S) -> Box<dyn Socket> {
    let read = |stream: Pin<&mut S>, cx: &mut Context<'_>, buffer: &mut [u8]| {
        let mut buffer = ReadBuf::new(buffer);
        stream
            .poll_read(cx, &mut buffer)
            .map_ok(|()| buffer.filled().len())
    };
    stream::boxed(stream, read, S::poll_write, S::poll_shutdown)
}
