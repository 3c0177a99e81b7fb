//! A driver that is given no time: on a [`Held`] runtime the pong comes and its deadline passes
//! while nobody looks, however busy the machine is.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use lavapool::runtime::{Attempt, Runtime, Socket, Timer};
use lavapool::{Timestamp, Timing};
use tokio::sync::watch;

use crate::careless::{beside, now};
use crate::hosts::on_each_runtime;
use crate::{Servers, builder};

on_each_runtime! {
    a_driver_that_is_given_no_time_takes_no_node_for_silent,
}

async fn a_driver_that_is_given_no_time_takes_no_node_for_silent<R: Runtime>(
    on: R,
    servers: &Servers,
) {
    let timing = Timing {
        pong_deadline: Duration::from_millis(20),
        ..Timing::default()
    };
    let seen = Arc::new(Seen::default());
    let mut readable = seen.readable.subscribe();
    let builder = servers.lead(builder()).node(servers.config("first"));
    let on = Held(on, seen.clone());
    let (client, driver) = builder.timing(timing).build_on(on).unwrap();
    let node = client.node("first").unwrap();
    let mut driver = Box::pin(driver);
    beside(&mut driver, node.ready()).await.unwrap();
    // What the node says without being asked comes before this pong.
    beside(&mut driver, node.ping()).await.unwrap();
    for _ in 0..5 {
        let ping = node.ping();
        readable.mark_unchanged();
        assert!(now(&mut driver).is_none(), "the ping is on its way");
        // The pong comes, and its deadline passes, while the thread is busy with something else.
        readable.changed().await.unwrap();
        seen.pass(Duration::from_millis(60));
        beside(&mut driver, ping).await.unwrap();
    }
    assert_eq!(node.view().loss, None);
}

/// A runtime whose clock stands until it is told to pass, and whose first socket tells when there
/// is something to be read.
struct Held<R>(R, Arc<Seen>);

#[derive(Default)]
struct Seen {
    nanos: AtomicU64,
    connections: AtomicU64,
    readable: watch::Sender<()>,
}

/// The socket, and what it tells; only of the client's first one, which is the WebSocket.
struct HeldSocket<S>(S, Option<Arc<Seen>>);

/// A timer of the clock that stands. It wakes nobody: whoever lets time pass polls the driver.
struct HeldTimer(Arc<Seen>, Timestamp);

/// Who waits for something to be read.
struct Waiting(Waker, Arc<Seen>);

impl Seen {
    fn now(&self) -> Timestamp {
        Timestamp::ZERO + Duration::from_nanos(self.nanos.load(Ordering::SeqCst))
    }

    fn pass(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap();
        self.nanos.fetch_add(nanos, Ordering::SeqCst);
    }
}

impl<R: Runtime> Runtime for Held<R> {
    type Socket = HeldSocket<R::Socket>;
    type Timer = HeldTimer;

    fn now(&self) -> Timestamp {
        self.1.now()
    }

    fn timer(&self) -> HeldTimer {
        HeldTimer(self.1.clone(), self.1.now())
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        self.0.resolve(host, port)
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<Self::Socket> {
        let is_first = self.1.connections.fetch_add(1, Ordering::SeqCst) == 0;
        let (connecting, seen) = (self.0.connect(address), self.1.clone());
        async move { Ok(HeldSocket(connecting.await?, is_first.then_some(seen))) }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }
}

impl<S: Socket> Socket for HeldSocket<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let Some(seen) = &self.1 else {
            return self.0.poll_read(cx, buffer);
        };
        let waker = Waker::from(Arc::new(Waiting(cx.waker().clone(), seen.clone())));
        self.0.poll_read(&mut Context::from_waker(&waker), buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bytes)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close(cx)
    }
}

impl Timer for HeldTimer {
    fn reset(&mut self, at: Timestamp) {
        self.1 = at;
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        if self.0.now() < self.1 {
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        // The driver knows of it by the time that the test does.
        self.0.wake_by_ref();
        self.1.readable.send_replace(());
    }
}
