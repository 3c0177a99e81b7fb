//! [`Flooding`]: a runtime whose peer sends without end.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use lavapool::Timestamp;
use lavapool::runtime::{Attempt, Runtime, Socket};

/// A runtime whose first socket, which is the WebSocket, has something to read whenever it is
/// looked at, as long as the flood lasts.
pub(crate) struct Flooding<R>(pub(crate) R, pub(crate) Arc<Flood>);

/// Pongs that nobody asked for (RFC 6455 §5.5.3).
#[derive(Default)]
pub(crate) struct Flood {
    pub(crate) lasts: AtomicBool,
    /// How many bytes were read of it.
    pub(crate) bytes: AtomicUsize,
    is_taken: OnceLock<()>,
}

pub(crate) struct FloodedSocket<S>(S, Option<Arc<Flood>>);

impl<R: Runtime> Runtime for Flooding<R> {
    type Socket = FloodedSocket<R::Socket>;
    type Timer = R::Timer;

    fn now(&self) -> Timestamp {
        Runtime::now(&self.0)
    }

    fn timer(&self) -> R::Timer {
        self.0.timer()
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        self.0.resolve(host, port)
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<Self::Socket> {
        let (connecting, flood) = (self.0.connect(address), self.1.clone());
        async move {
            let socket = connecting.await?;
            let is_first = flood.is_taken.set(()).is_ok();
            Ok(FloodedSocket(socket, is_first.then_some(flood)))
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }
}

impl<S: Socket> Socket for FloodedSocket<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let flood = self.1.as_ref();
        let Some(flood) = flood.filter(|flood| flood.lasts.load(Ordering::SeqCst)) else {
            return self.0.poll_read(cx, buffer);
        };
        let (pongs, _) = buffer.as_chunks_mut();
        let count = PONG_BYTES * pongs.len();
        pongs.fill(pong());
        flood.bytes.fetch_add(count, Ordering::SeqCst);
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bytes)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close(cx)
    }
}

/// A frame with zeros.
fn pong() -> [u8; PONG_BYTES] {
    let mut frame = [0; PONG_BYTES];
    frame[..2].copy_from_slice(&[0x8a, 62]);
    frame
}

/// A full buffer has a whole number of these.
const PONG_BYTES: usize = 64;
