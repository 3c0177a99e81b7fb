//! [`Panicking`]: a runtime with a bug.

use std::io;
use std::net::SocketAddr;

use lavapool::Timestamp;
use lavapool::runtime::{Attempt, Runtime};

/// A runtime whose dials panic.
pub(crate) struct Panicking<R>(pub(crate) R);

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

    fn connect(&self, _: SocketAddr) -> impl Attempt<R::Socket> {
        async { panic!("a runtime with a bug") as io::Result<R::Socket> }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }
}
