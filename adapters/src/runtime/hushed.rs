//! [`Hushed`]: a stream that its runtime can be told to watch no more.

use std::io::{self, Read};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use super::Socket;

/// A stream that its runtime watches until it is to be quiet ([`Socket::set_quiet`]). Then it is
/// the system's socket and nothing else, which is read all the same, and wakes nobody.
pub struct Hushed<S> {
    state: State<S>,
    unwatch: fn(S) -> io::Result<socket2::Socket>,
    watch: Box<dyn Fn(socket2::Socket) -> io::Result<S> + Send + Sync>,
}

#[derive(Debug)]
enum State<S> {
    Watched(S),
    Quiet(socket2::Socket),
    /// The runtime could not take it back, and it is closed.
    Lost,
}

impl<S> Hushed<S> {
    /// A stream, how its runtime lets go of it, and how it takes it back.
    pub(super) fn new(
        stream: S,
        unwatch: fn(S) -> io::Result<socket2::Socket>,
        watch: impl Fn(socket2::Socket) -> io::Result<S> + Send + Sync + 'static,
    ) -> Self {
        Self {
            state: State::Watched(stream),
            unwatch,
            watch: Box::new(watch),
        }
    }

    /// The stream, while its runtime watches it.
    pub const fn get_ref(&self) -> Option<&S> {
        match &self.state {
            State::Watched(stream) => Some(stream),
            State::Quiet(_) | State::Lost => None,
        }
    }
}

/// A stream of the runtime whose context this is in, which has to be entered to watch one.
#[allow(unused_macros, reason = "one runtime is such")]
macro_rules! hushed {
    ($stream:expr, $of:ty) => {{
        let handle = Handle::current();
        let unwatch = |stream: Compat<$of>| Ok(stream.into_inner().into_std()?.into());
        Hushed::new($stream.compat(), unwatch, move |socket| {
            let _entered = handle.enter();
            <$of>::from_std(socket.into()).map(TokioAsyncReadCompatExt::compat)
        })
    }};
}
#[allow(unused_imports, reason = "one runtime is such")]
pub(super) use hushed;

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Socket for Hushed<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match &mut self.state {
            State::Watched(stream) => Pin::new(stream).poll_read(cx, buffer),
            State::Quiet(socket) => unless_it_blocks(socket.read(buffer)),
            State::Lost => Poll::Ready(Err(lost())),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // Whoever cannot write at once is woken when it can.
        self.set_quiet(false)?;
        match &mut self.state {
            State::Watched(stream) => Pin::new(stream).poll_write(cx, bytes),
            State::Quiet(_) | State::Lost => Poll::Ready(Err(lost())),
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Watched(stream) => Pin::new(stream).poll_close(cx),
            // Nothing that was written waits here.
            State::Quiet(socket) => Poll::Ready(socket.shutdown(Shutdown::Write)),
            State::Lost => Poll::Ready(Err(lost())),
        }
    }

    fn set_quiet(&mut self, is_quiet: bool) -> io::Result<bool> {
        if matches!(self.state, State::Quiet(_)) != is_quiet {
            self.state = match std::mem::replace(&mut self.state, State::Lost) {
                State::Watched(stream) => State::Quiet((self.unwatch)(stream)?),
                State::Quiet(socket) => State::Watched((self.watch)(socket)?),
                State::Lost => return Err(lost()),
            };
        }
        Ok(is_quiet)
    }
}

impl<S: std::fmt::Debug> std::fmt::Debug for Hushed<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.state.fmt(f)
    }
}

fn unless_it_blocks<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

fn lost() -> io::Error {
    io::ErrorKind::NotConnected.into()
}
