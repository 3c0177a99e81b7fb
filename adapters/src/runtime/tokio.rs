//! [`Tokio`]: the client on tokio.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ::tokio::net::{TcpStream, lookup_host};
use ::tokio::runtime::Handle;
use ::tokio::time::{Instant, Sleep, sleep_until};
use lavapool_core::Timestamp;

use super::{Attempt, Runtime, Socket, Timer};

/// A tokio runtime, with IO and time enabled. Its clock is tokio's, so a paused one pauses the
/// client too.
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
    type Socket = TcpStream;
    type Timer = TokioTimer;

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.origin.elapsed()
    }

    fn timer(&self) -> TokioTimer {
        let _entered = self.handle.enter();
        TokioTimer(self.origin, Box::pin(sleep_until(self.origin)))
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        let host = host.to_owned();
        async move { Ok(lookup_host((host, port)).await?.collect()) }
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<TcpStream> {
        async move {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true).map(|()| socket)
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(future);
    }
}

impl Socket for TcpStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let read = AsyncRead::poll_read(Pin::new(self), cx, &mut buffer);
        read.map_ok(|()| buffer.filled().len())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(self), cx, bytes)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_shutdown(Pin::new(self), cx)
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
