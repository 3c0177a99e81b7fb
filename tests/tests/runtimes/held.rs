//! A driver that is given no time: on a [`Held`] runtime the pong comes and its deadline passes
//! while nobody looks, however busy the machine is.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use lavapool::runtime::{Attempt, Runtime, Socket, Timer};
use lavapool::{Timestamp, Timing};

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
    let clock = Arc::new(Clock::default());
    let first = Arc::new(OnceLock::new());
    let builder = servers.lead(builder()).node(servers.config("first"));
    let on = Held(on, clock.clone(), first.clone());
    let (client, driver) = builder.timing(timing).build_on(on).unwrap();
    let node = client.node("first").unwrap();
    let mut driver = Box::pin(driver);
    beside(&mut driver, node.ready()).await.unwrap();
    // What the node says without being asked comes before this pong.
    beside(&mut driver, node.ping()).await.unwrap();
    let websocket = first.get().unwrap();
    for _ in 0..5 {
        let ping = node.ping();
        websocket.lock().unwrap().is_held = true;
        assert!(now(&mut driver).is_none(), "the ping is on its way");
        // The pong comes, and its deadline passes, while the thread is busy with something else.
        poll_fn(|cx| websocket.lock().unwrap().arrive(cx)).await;
        clock.pass(Duration::from_millis(60));
        beside(&mut driver, ping).await.unwrap();
    }
    assert_eq!(node.view().loss, None);
}

/// A runtime whose clock stands until it is told to pass, and whose first socket, which is the
/// WebSocket, can be looked at from outside.
struct Held<R: Runtime>(R, Arc<Clock>, Arc<OnceLock<Shared<R::Socket>>>);

type Shared<S> = Arc<Mutex<Inside<S>>>;

#[derive(Default)]
struct Clock(AtomicU64);

/// A timer of the clock that stands. It wakes nobody: whoever lets time pass polls the driver.
struct HeldTimer(Arc<Clock>, Timestamp);

/// A socket that is shared with the test.
struct HeldSocket<S>(Shared<S>);

struct Inside<S> {
    socket: S,
    /// What has arrived, and the driver has not read.
    arrived: Vec<u8>,
    /// Whether the driver gets nothing until something has arrived.
    is_held: bool,
    driver: Waker,
}

impl<S: Socket> Inside<S> {
    /// Waits until the peer has said something more.
    fn arrive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 1024];
        let count = ready!(self.socket.poll_read(cx, &mut bytes)).unwrap();
        self.arrived.extend(&bytes[..count]);
        self.is_held = false;
        self.driver.wake_by_ref();
        Poll::Ready(())
    }
}

impl Clock {
    fn now(&self) -> Timestamp {
        Timestamp::ZERO + Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }

    fn pass(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap();
        self.0.fetch_add(nanos, Ordering::SeqCst);
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
        let (connecting, first) = (self.0.connect(address), self.2.clone());
        async move {
            let shared = Arc::new(Mutex::new(Inside {
                socket: connecting.await?,
                arrived: Vec::new(),
                is_held: false,
                driver: Waker::noop().clone(),
            }));
            first.get_or_init(|| shared.clone());
            Ok(HeldSocket(shared))
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }
}

impl<S: Socket> Socket for HeldSocket<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut held = self.0.lock().unwrap();
        held.driver.clone_from(cx.waker());
        if held.is_held {
            return Poll::Pending;
        }
        if held.arrived.is_empty() {
            return held.socket.poll_read(cx, buffer);
        }
        let count = held.arrived.len().min(buffer.len());
        buffer[..count].copy_from_slice(&held.arrived[..count]);
        held.arrived.drain(..count);
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap().socket.poll_write(cx, bytes)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().unwrap().socket.poll_close(cx)
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
