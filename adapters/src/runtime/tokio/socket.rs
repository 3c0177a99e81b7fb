//! [`TokioSocket`]: what a client on tokio reads and writes.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ::tokio::net::TcpStream;
#[cfg(unix)]
use ::tokio::net::UnixStream;

use crate::runtime::Socket;

/// A connected socket of [`Tokio`](super::Tokio).
#[derive(Debug)]
pub enum TokioSocket {
    /// By TCP.
    Tcp(TcpStream),
    /// By a Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
}

impl TokioSocket {
    pub(super) async fn tcp(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }

    #[cfg(unix)]
    pub(super) async fn unix(path: PathBuf) -> io::Result<Self> {
        Ok(Self::Unix(UnixStream::connect(path).await?))
    }
}

impl Socket for TokioSocket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let read = match self {
            Self::Tcp(stream) => AsyncRead::poll_read(Pin::new(stream), cx, &mut buffer),
            #[cfg(unix)]
            Self::Unix(stream) => AsyncRead::poll_read(Pin::new(stream), cx, &mut buffer),
        };
        read.map_ok(|()| buffer.filled().len())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => AsyncWrite::poll_write(Pin::new(stream), cx, bytes),
            #[cfg(unix)]
            Self::Unix(stream) => AsyncWrite::poll_write(Pin::new(stream), cx, bytes),
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => AsyncWrite::poll_shutdown(Pin::new(stream), cx),
            #[cfg(unix)]
            Self::Unix(stream) => AsyncWrite::poll_shutdown(Pin::new(stream), cx),
        }
    }
}
