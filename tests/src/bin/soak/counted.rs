//! [`Counted`]: a runtime that counts what the client does with it, alike on each.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use lavapool::Timestamp;
use lavapool::runtime::{Attempt, Runtime, Socket};

/// A runtime, how many tasks the client has spawned there that have not ended, and what was
/// written.
#[derive(Clone)]
pub(crate) struct Counted<R> {
    runtime: R,
    tasks: Arc<AtomicUsize>,
    /// How many there are by the runtime's own account, whoever spawned them.
    alive: Option<Arc<dyn Fn() -> usize + Send + Sync>>,
    writes: Arc<Writes>,
}

/// How sockets took what they were given.
#[derive(Default)]
pub(crate) struct Writes {
    calls: AtomicUsize,
    /// Those that took all of it, so that nothing was left for a second one.
    whole: AtomicUsize,
    bytes: AtomicUsize,
}

/// A socket whose writes are counted.
pub(crate) struct CountedSocket<S>(S, Arc<Writes>);

/// One task, until it is dropped.
struct Task(Arc<AtomicUsize>);

impl<R> Counted<R> {
    pub(crate) fn new(runtime: R) -> Self {
        Self {
            runtime,
            tasks: Arc::default(),
            alive: None,
            writes: Arc::default(),
        }
    }

    /// On a runtime that tells how many tasks it has.
    pub(crate) fn with_alive(self, alive: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        let alive = Some(Arc::new(alive) as _);
        Self { alive, ..self }
    }

    /// What was written so far, in words.
    pub(crate) fn writes(&self) -> String {
        let count = |number: &AtomicUsize| number.load(Ordering::SeqCst);
        let Writes {
            calls,
            whole,
            bytes,
        } = &*self.writes;
        let (calls, whole, bytes) = (count(calls), count(whole), count(bytes));
        let each = bytes / calls.max(1);
        format!("{calls} writes of {each} bytes, {whole} took all that there was")
    }

    /// The client's tasks, and all of the runtime's where it tells.
    pub(crate) fn tasks(&self) -> (usize, Option<usize>) {
        let alive = self.alive.as_ref().map(|alive| alive());
        (self.tasks.load(Ordering::SeqCst), alive)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<R: Runtime> Runtime for Counted<R> {
    type Socket = CountedSocket<R::Socket>;
    type Timer = R::Timer;

    fn now(&self) -> Timestamp {
        Runtime::now(&self.runtime)
    }

    fn timer(&self) -> R::Timer {
        self.runtime.timer()
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        self.runtime.resolve(host, port)
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<Self::Socket> {
        let (socket, writes) = (self.runtime.connect(address), self.writes.clone());
        async move { Ok(CountedSocket(socket.await?, writes)) }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.tasks.fetch_add(1, Ordering::SeqCst);
        let task = Task(self.tasks.clone());
        self.runtime.spawn(async move {
            let _task = task;
            future.await;
        });
    }
}

impl<S: Socket> Socket for CountedSocket<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.0.poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.1.calls.fetch_add(1, Ordering::SeqCst);
            self.1.bytes.fetch_add(count, Ordering::SeqCst);
            let is_whole = usize::from(count == bytes.len());
            self.1.whole.fetch_add(is_whole, Ordering::SeqCst);
        }
        written
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close(cx)
    }
}
