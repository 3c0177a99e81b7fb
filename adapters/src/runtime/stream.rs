//! [`boxed`]: a stream of any runtime as a socket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Socket;

/// A stream, and how it is read, written and ended.
struct Stream<S>(S, Read<S>, Write<S>, End<S>);

type Read<S> = fn(Pin<&mut S>, &mut Context<'_>, &mut [u8]) -> Poll<io::Result<usize>>;
type Write<S> = fn(Pin<&mut S>, &mut Context<'_>, &[u8]) -> Poll<io::Result<usize>>;
type End<S> = fn(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<()>>;

/// The socket that reads, writes and ends this stream by these functions, as
/// [`Socket`] says.
pub(super) fn boxed<S: Send + Unpin + 'static>(
    stream: S,
    read: Read<S>,
    write: Write<S>,
    end: End<S>,
) -> Box<dyn Socket> {
    Box::new(Stream(stream, read, write, end))
}

impl<S: Send + Unpin + 'static> Socket for Stream<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.1(Pin::new(&mut self.0), cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.2(Pin::new(&mut self.0), cx, bytes)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.3(Pin::new(&mut self.0), cx)
    }
}
