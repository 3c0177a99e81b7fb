//! [`Panicking`]: a runtime with a bug.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lavapool::Timestamp;
use lavapool::runtime::{Attempt, Runtime};

/// A runtime whose dials panic as soon as it is told so.
pub(crate) struct Panicking<R>(pub(crate) R, pub(crate) Arc<AtomicBool>);

impl<R: Runtime> Runtime for Panicking<R> {
    type Socket = R::Socket;
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

    fn connect(&self, address: SocketAddr) -> impl Attempt<R::Socket> {
        let (connecting, panics) = (self.0.connect(address), self.1.clone());
        async move {
            assert!(!panics.load(Ordering::SeqCst), "a runtime with a bug");
            connecting.await
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }
}
