//! [`Observed`]: a runtime that finds the names of a test where the test says, and whose sockets
//! are watched.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use lavapool::Timestamp;
use lavapool::runtime::{AsyncIoSocket, Attempt, Runtime, Socket, TokioSocket};
use tokio::sync::Notify;

/// The runtime that does everything else, and what is known of it.
#[derive(Clone)]
pub(crate) struct Observed<R> {
    runtime: R,
    names: Arc<BTreeMap<String, Vec<SocketAddr>>>,
    /// Held by each look-up on its way, if none of them ever ends.
    lookups: Option<Arc<()>>,
    pub(crate) seen: Arc<Seen>,
}

/// What was seen of a client.
#[derive(Default)]
pub(crate) struct Seen {
    /// The addresses that were dialled, in order.
    pub(crate) dialled: Mutex<Vec<SocketAddr>>,
    /// Of each connection, whether it is without Nagle's delay.
    pub(crate) nodelay: Mutex<Vec<bool>>,
    /// How many writes took a part of what they were given.
    pub(crate) partial: Mutex<usize>,
    /// A write took nothing, because the socket was full.
    pub(crate) full: Notify,
    /// How often a socket became quiet.
    pub(crate) hushed: AtomicUsize,
    /// A quiet socket is watched again.
    pub(crate) watched: Notify,
    /// Whether the system lets no socket become quiet, and closes it.
    pub(crate) fails: AtomicBool,
}

/// A socket that is looked at, and whether it is quiet.
pub(crate) struct ObservedSocket<S>(S, Arc<Seen>, bool);

/// What the system says of a socket's `TCP_NODELAY`.
pub(crate) trait NoDelay {
    fn nodelay(&self) -> io::Result<bool>;
}

impl<R> Observed<R> {
    pub(crate) fn new(runtime: R) -> Self {
        Self {
            runtime,
            names: Arc::default(),
            lookups: None,
            seen: Arc::default(),
        }
    }

    /// On which no look-up ever ends; each holds this on its way.
    pub(crate) fn without_answers(self, lookups: &Arc<()>) -> Self {
        let lookups = Some(lookups.clone());
        Self { lookups, ..self }
    }

    /// On which this name leads to these addresses.
    pub(crate) fn with_name(self, name: &str, addresses: &[SocketAddr]) -> Self {
        let names = BTreeMap::from([(name.to_owned(), addresses.to_vec())]);
        let names = Arc::new(names);
        Self { names, ..self }
    }
}

impl<R: Runtime<Socket: NoDelay>> Runtime for Observed<R> {
    type Socket = ObservedSocket<R::Socket>;
    type Timer = R::Timer;

    fn now(&self) -> Timestamp {
        self.runtime.now()
    }

    fn timer(&self) -> R::Timer {
        self.runtime.timer()
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        let known = self.names.get(host).cloned();
        let asked = self.runtime.resolve(host, port);
        let held = self.lookups.clone();
        async move {
            if held.is_some() {
                std::future::pending::<()>().await;
            }
            match known {
                Some(addresses) => Ok(addresses),
                None => asked.await,
            }
        }
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<Self::Socket> {
        self.seen.dialled.lock().unwrap().push(address);
        let (connecting, seen) = (self.runtime.connect(address), self.seen.clone());
        async move {
            let socket = connecting.await?;
            seen.nodelay.lock().unwrap().push(socket.nodelay()?);
            Ok(ObservedSocket(socket, seen, false))
        }
    }

    fn connect_unix(&self, path: &Path) -> impl Attempt<Self::Socket> {
        let (connecting, seen) = (self.runtime.connect_unix(path), self.seen.clone());
        async move { Ok(ObservedSocket(connecting.await?, seen, false)) }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(future);
    }
}

impl<S: Socket> Socket for ObservedSocket<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.0.poll_write(cx, bytes);
        match written {
            Poll::Ready(Ok(count)) if count < bytes.len() => {
                *self.1.partial.lock().unwrap() += 1;
            }
            Poll::Pending => self.1.full.notify_one(),
            Poll::Ready(_) => {}
        }
        written
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close(cx)
    }

    fn set_quiet(&mut self, is_quiet: bool) -> io::Result<bool> {
        if self.1.fails.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let is_hushed = self.0.set_quiet(is_quiet)?;
        assert_eq!(is_hushed, is_quiet, "it can be quiet on each runtime");
        match (std::mem::replace(&mut self.2, is_quiet), is_quiet) {
            (false, true) => _ = self.1.hushed.fetch_add(1, Ordering::SeqCst),
            (true, false) => self.1.watched.notify_one(),
            _ => {}
        }
        Ok(is_quiet)
    }
}

impl NoDelay for TokioSocket {
    fn nodelay(&self) -> io::Result<bool> {
        match self {
            Self::Tcp(stream) => stream.get_ref().unwrap().get_ref().nodelay(),
            Self::Unix(_) => Ok(true),
        }
    }
}

impl NoDelay for AsyncIoSocket {
    fn nodelay(&self) -> io::Result<bool> {
        match self {
            Self::Tcp(stream) => stream.get_ref().unwrap().0.get_ref().nodelay(),
            Self::Unix(_) => Ok(true),
        }
    }
}
