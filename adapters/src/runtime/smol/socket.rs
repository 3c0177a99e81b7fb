//! [`SmolSocket`]: what a client on smol reads and writes.

use std::io;
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::smol::Async;
use ::smol::io::{AsyncRead, AsyncWrite};

use crate::runtime::Socket;

/// A connected socket of [`Smol`](super::Smol).
#[derive(Debug)]
pub enum SmolSocket {
    /// By TCP.
    Tcp(Async<TcpStream>),
    /// By a Unix socket.
    #[cfg(unix)]
    Unix(Async<UnixStream>),
}

impl Socket for SmolSocket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => AsyncRead::poll_read(Pin::new(stream), cx, buffer),
            #[cfg(unix)]
            Self::Unix(stream) => AsyncRead::poll_read(Pin::new(stream), cx, buffer),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => AsyncWrite::poll_write(Pin::new(stream), cx, bytes),
            #[cfg(unix)]
            Self::Unix(stream) => AsyncWrite::poll_write(Pin::new(stream), cx, bytes),
        }
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self {
            Self::Tcp(stream) => stream.get_ref().shutdown(Shutdown::Write),
            #[cfg(unix)]
            Self::Unix(stream) => stream.get_ref().shutdown(Shutdown::Write),
        })
    }
}
