//! [`Stream`]: the socket of a runtime, over its own streams.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use super::Socket;

/// A connected socket, over what a runtime has for TCP and for Unix sockets.
///
/// What is behind it is read, written and closed as [futures-io](futures_io) says. The streams of
/// the runtimes are part of this crate's interface by it: those of tokio in tokio-util's `Compat`,
/// those of smol and async-std in a `HalfClosing` over socket2. So a new major release of one of
/// these crates (of one at 0.x, a new minor) that lavapool takes up is a major release of lavapool
/// too.
#[derive(Debug)]
pub enum Stream<T, U> {
    /// By TCP.
    Tcp(T),
    /// By a Unix socket; where the platform has none, nothing makes this.
    Unix(U),
}

impl<T, U> Socket for Stream<T, U>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    U: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_close(cx),
            Self::Unix(stream) => Pin::new(stream).poll_close(cx),
        }
    }
}
