//! [`Wires`]: a runtime whose sockets end in memory, and [`Running`]: a client on it.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use lavapool::runtime::{Attempt, Runtime, Socket, Timer};
use lavapool::{Builder, Client, Driver, Timestamp};

/// A runtime whose sockets end in memory. Clones are the same one.
#[derive(Clone, Default)]
pub(super) struct Wires(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    now: Timestamp,
    wires: Vec<Wire>,
    timers: Vec<(Timestamp, Waker)>,
}

/// A connection as its other end sees it.
#[derive(Default)]
pub(super) struct Wire {
    /// What the client has yet to read.
    pub(super) inbound: VecDeque<u8>,
    /// What comes behind that.
    pub(super) end: Option<End>,
    /// All that the client wrote.
    pub(super) written: Vec<u8>,
    /// How much the client may write.
    pub(super) room: usize,
    /// Whether the client has let go of it.
    pub(super) is_dropped: bool,
    /// Whether nobody is woken who waits to read.
    is_quiet: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    OfStream,
    Reset,
}

impl Wires {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics with a lock held")
    }

    /// Uses the connection of this number, from the first one on, if there is one.
    pub(super) fn with<T>(&self, number: usize, change: impl FnOnce(&mut Wire) -> T) -> Option<T> {
        let mut state = self.lock();
        let wire = state.wires.get_mut(number)?;
        let changed = change(wire);
        for waker in [wire.reader.take(), wire.writer.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
        Some(changed)
    }

    /// How many connections there were.
    pub(super) fn count(&self) -> usize {
        self.lock().wires.len()
    }

    /// How many connections the client holds.
    pub(super) fn open(&self) -> usize {
        self.lock()
            .wires
            .iter()
            .filter(|wire| !wire.is_dropped)
            .count()
    }
}

/// A client whose driver is polled here.
pub(super) struct Running {
    pub(super) client: Option<Client>,
    pub(super) wires: Wires,
    driver: Option<Pin<Box<Driver<Wires>>>>,
    flag: Arc<Flag>,
}

impl Running {
    pub(super) fn new(builder: Builder) -> Self {
        let wires = Wires::default();
        let (client, driver) = builder.build_on(wires.clone()).expect("it is valid");
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let driver = Some(Box::pin(driver));
        let client = Some(client);
        let mut running = Self {
            client,
            wires,
            driver,
            flag,
        };
        running.run();
        running
    }

    /// Polls the driver until it waits.
    pub(super) fn run(&mut self) {
        let waker = Waker::from(self.flag.clone());
        let mut polls = 0;
        while self.flag.0.swap(false, Ordering::Relaxed)
            && let Some(driver) = &mut self.driver
        {
            polls += 1;
            assert!(polls <= POLLS_MAX, "it wakes itself without end");
            if driver
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
            {
                self.driver = None;
            }
        }
    }

    /// Lets time pass, from each moment at which something is due to the next.
    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.wires.lock().now + time;
        let mut steps = 0;
        loop {
            let due: Vec<_> = {
                let mut state = self.wires.lock();
                let next = state.timers.iter().map(|(at, _)| *at).min();
                let Some(next) = next.filter(|next| *next <= end) else {
                    state.now = end;
                    break;
                };
                state.now = state.now.max(next);
                state.timers.extract_if(.., |(at, _)| *at <= next).collect()
            };
            steps += 1;
            assert!(steps <= STEPS_MAX, "it sets its timer without end");
            for (_, waker) in due {
                waker.wake();
            }
            self.run();
        }
    }

    /// Drops the client: its driver ends, and lets go of every connection.
    pub(super) fn end(mut self) {
        self.client = None;
        for _ in 0..60 {
            self.run();
            if self.driver.is_none() {
                break;
            }
            self.wait(Duration::from_secs(1));
        }
        assert!(self.driver.is_none(), "the driver does not end");
        assert_eq!(self.wires.open(), 0, "connections are left open");
    }
}

impl Runtime for Wires {
    type Socket = Ours;
    type Timer = Alarm;

    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn timer(&self) -> Alarm {
        Alarm {
            at: Timestamp::MAX,
            wires: self.clone(),
        }
    }

    fn resolve(&self, _host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        std::future::ready(Ok(vec![(Ipv4Addr::LOCALHOST, port).into()]))
    }

    fn connect(&self, _address: SocketAddr) -> impl Attempt<Ours> {
        let mut state = self.lock();
        let number = state.wires.len();
        state.wires.push(Wire {
            room: usize::MAX,
            ..Wire::default()
        });
        std::future::ready(Ok(Ours {
            number,
            wires: self.clone(),
        }))
    }

    fn connect_unix(&self, _path: &Path) -> impl Attempt<Ours> {
        std::future::ready(Err(io::ErrorKind::Unsupported.into()))
    }

    fn spawn(&self, _future: impl Future<Output = ()> + Send + 'static) {
        panic!("the driver is polled by hand");
    }
}

/// The client's end of a connection.
pub(super) struct Ours {
    number: usize,
    wires: Wires,
}

impl Ours {
    fn with<T>(&self, change: impl FnOnce(&mut Wire) -> T) -> T {
        let mut state = self.wires.lock();
        let wire = state.wires.get_mut(self.number);
        change(wire.expect("connections stay in the list"))
    }
}

impl Socket for Ours {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        assert!(!buffer.is_empty(), "a read into nothing looks like the end");
        self.with(|wire| {
            let count = wire.inbound.len().min(buffer.len());
            if count > 0 {
                for (place, byte) in buffer.iter_mut().zip(wire.inbound.drain(..count)) {
                    *place = byte;
                }
                return Poll::Ready(Ok(count));
            }
            match wire.end {
                Some(End::OfStream) => Poll::Ready(Ok(0)),
                Some(End::Reset) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                None => {
                    wire.reader = (!wire.is_quiet).then(|| cx.waker().clone());
                    Poll::Pending
                }
            }
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        assert!(!bytes.is_empty(), "a write of nothing");
        self.with(|wire| {
            if matches!(wire.end, Some(End::Reset)) {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let count = wire.room.min(bytes.len());
            if count == 0 {
                wire.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            wire.room -= count;
            wire.written.extend(bytes.iter().take(count));
            Poll::Ready(Ok(count))
        })
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn set_quiet(&mut self, is_quiet: bool) -> io::Result<bool> {
        self.with(|wire| {
            wire.is_quiet = is_quiet;
            wire.reader = None;
        });
        Ok(is_quiet)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.with(|wire| wire.is_dropped = true);
    }
}

/// A timer of [`Wires`].
pub(super) struct Alarm {
    at: Timestamp,
    wires: Wires,
}

impl Timer for Alarm {
    fn reset(&mut self, at: Timestamp) {
        self.at = at;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.wires.lock();
        if self.at <= state.now {
            return Poll::Ready(());
        }
        let at = self.at;
        state
            .timers
            .retain(|(other, waker)| *other != at || !waker.will_wake(cx.waker()));
        state.timers.push((at, cx.waker().clone()));
        Poll::Pending
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// How often the driver may be polled until it waits.
const POLLS_MAX: u32 = 2000;
/// What is due in a minute is a few deadlines, and a round each millisecond while a peer speaks.
const STEPS_MAX: usize = 1_000;
