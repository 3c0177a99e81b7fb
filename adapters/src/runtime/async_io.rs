//! [`AsyncIoSocket`]: the sockets of smol and of async-std, which are those of async-io.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;

#[cfg(not(unix))]
use self::TcpStream as UnixStream;
use super::{Attempt, Hushed, Stream};

/// A connected socket of async-io.
pub type AsyncIoSocket =
    Stream<Hushed<HalfClosing<Async<TcpStream>>>, Hushed<HalfClosing<Async<UnixStream>>>>;

/// A stream that ends its direction to the peer when it is closed. Those of async-io only flush.
#[derive(Debug)]
pub struct HalfClosing<S>(pub S);

pub(super) fn connect(address: SocketAddr) -> impl Attempt<AsyncIoSocket> {
    async move {
        let stream = Async::<TcpStream>::connect(address).await?;
        stream.get_ref().set_nodelay(true)?;
        Ok(Stream::Tcp(Hushed::new(
            HalfClosing(stream),
            |stream| Ok(stream.0.into_inner()?.into()),
            |socket| Async::new_nonblocking(socket.into()).map(HalfClosing),
        )))
    }
}

#[cfg(unix)]
pub(super) fn connect_unix(path: &std::path::Path) -> impl Attempt<AsyncIoSocket> {
    let connecting = Async::<UnixStream>::connect(path.to_owned());
    async {
        Ok(Stream::Unix(Hushed::new(
            HalfClosing(connecting.await?),
            |stream| Ok(stream.0.into_inner()?.into()),
            |socket| Async::new_nonblocking(socket.into()).map(HalfClosing),
        )))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HalfClosing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HalfClosing<S>
where
    for<'s> SockRef<'s>: From<&'s S>,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.0).poll_close(cx))?;
        Poll::Ready(SockRef::from(&self.0).shutdown(Shutdown::Write))
    }
}
