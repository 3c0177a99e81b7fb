//! [`AsyncStdSocket`]: what a client on async-std reads and writes.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::async_std::io::{Read, Write};
use ::async_std::net::TcpStream;
#[cfg(unix)]
use ::async_std::os::unix::net::UnixStream;

use crate::runtime::Socket;

/// A connected socket of [`AsyncStd`](super::AsyncStd).
#[derive(Debug)]
pub enum AsyncStdSocket {
    /// By TCP.
    Tcp(TcpStream),
    /// By a Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket for AsyncStdSocket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => Read::poll_read(Pin::new(stream), cx, buffer),
            #[cfg(unix)]
            Self::Unix(stream) => Read::poll_read(Pin::new(stream), cx, buffer),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => Write::poll_write(Pin::new(stream), cx, bytes),
            #[cfg(unix)]
            Self::Unix(stream) => Write::poll_write(Pin::new(stream), cx, bytes),
        }
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        })
    }
}
