//! [`Stream`]: the socket of a runtime, over its own streams.

use std::io;
use std::task::{Context, Poll};

use super::Socket;

/// A connected socket, over what a runtime has for TCP and for Unix sockets.
///
/// The streams of the runtimes are part of this crate's interface by it: those of tokio in
/// tokio-util's `Compat`, and those of async-io. So a new major release of one of these crates (of
/// one at 0.x, a new minor) that lavapool takes up is a major release of lavapool too.
#[derive(Debug)]
pub enum Stream<T, U> {
    /// By TCP.
    Tcp(T),
    /// By a Unix socket; where the platform has none, nothing makes this.
    Unix(U),
}

impl<T: Socket, U: Socket> Socket for Stream<T, U> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => stream.poll_read(cx, buffer),
            Self::Unix(stream) => stream.poll_read(cx, buffer),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => stream.poll_write(cx, bytes),
            Self::Unix(stream) => stream.poll_write(cx, bytes),
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_close(cx),
            Self::Unix(stream) => stream.poll_close(cx),
        }
    }

    fn set_quiet(&mut self, is_quiet: bool) -> io::Result<bool> {
        match self {
            Self::Tcp(stream) => stream.set_quiet(is_quiet),
            Self::Unix(stream) => stream.set_quiet(is_quiet),
        }
    }
}
