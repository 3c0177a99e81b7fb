//! [`Observed`]: tokio, with a note of when each message was read from its socket.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use lavapool::Timestamp;
use lavapool::runtime::{Attempt, Runtime, Socket, Tokio, TokioSocket, TokioTimer};

/// tokio, with a note of when each message was read from its socket.
#[derive(Clone)]
pub(super) struct Observed {
    tokio: Tokio,
    nodes: Arc<BTreeMap<u16, Arc<Reads>>>,
}

/// When the messages of one node were read.
#[derive(Debug, Default)]
pub(super) struct Reads {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How many messages had come with each read, and when that was.
    reads: VecDeque<(u64, Instant)>,
    messages: u64,
}

impl Observed {
    pub(super) fn new(tokio: Tokio, ports: &[u16]) -> Self {
        let reads = |port: &u16| (*port, Arc::default());
        Self {
            tokio,
            nodes: Arc::new(ports.iter().map(reads).collect()),
        }
    }

    pub(super) fn reads(&self, port: u16) -> Option<Arc<Reads>> {
        self.nodes.get(&port).cloned()
    }
}

impl Reads {
    /// Counts from here on.
    pub(super) fn begin(&self) {
        *self.lock() = State::default();
    }

    /// When the message of this number was read; numbers only grow.
    pub(super) fn read_at(&self, number: u64) -> Option<Instant> {
        let mut state = self.lock();
        while let Some((messages, at)) = state.reads.front().copied() {
            if messages > number {
                return Some(at);
            }
            state.reads.pop_front();
        }
        None
    }

    fn add(&self, messages: u64, at: Instant) {
        let mut state = self.lock();
        state.messages += messages;
        let all = state.messages;
        state.reads.push_back((all, at));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runtime for Observed {
    type Socket = ObservedSocket;
    type Timer = TokioTimer;

    fn now(&self) -> Timestamp {
        Runtime::now(&self.tokio)
    }

    fn timer(&self) -> TokioTimer {
        self.tokio.timer()
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        self.tokio.resolve(host, port)
    }

    fn connect(&self, address: SocketAddr) -> impl Attempt<ObservedSocket> {
        let socket = self.tokio.connect(address);
        let reads = self.reads(address.port());
        async move {
            Ok(ObservedSocket {
                socket: socket.await?,
                reads,
                stream: Stream::Unknown,
            })
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.tokio.spawn(future);
    }
}

/// A socket of [`Observed`].
pub(super) struct ObservedSocket {
    socket: TokioSocket,
    reads: Option<Arc<Reads>>,
    stream: Stream,
}

/// What has come on the socket.
enum Stream {
    Unknown,
    Http,
    WebSocket(Frames),
}

impl Stream {
    /// How many messages end in these bytes.
    fn messages(&mut self, bytes: &[u8]) -> u64 {
        match self {
            Self::Http => 0,
            Self::Unknown if bytes.starts_with(b"HTTP/1.1 101") => {
                *self = Self::WebSocket(Frames::default());
                self.messages(bytes.get(head_end(bytes)..).unwrap_or_default())
            }
            Self::Unknown => {
                *self = Self::Http;
                0
            }
            Self::WebSocket(frames) => frames.messages(bytes),
        }
    }
}

fn head_end(bytes: &[u8]) -> usize {
    let head = bytes.windows(4).position(|part| part == b"\r\n\r\n");
    head.map_or(bytes.len(), |at| at + 4)
}

/// Where in its frames a WebSocket is.
#[derive(Debug, Default)]
struct Frames {
    /// What is known of the head of the next.
    head: Vec<u8>,
    /// What is left of the payload of this one.
    payload: usize,
    is_text: bool,
}

impl Frames {
    /// How many messages end in these bytes. The pongs among them are none: no event comes of them.
    fn messages(&mut self, mut bytes: &[u8]) -> u64 {
        let mut count = 0;
        while let Some((first, rest)) = bytes.split_first() {
            if self.payload > 0 {
                let part = bytes.len().min(self.payload);
                self.payload -= part;
                bytes = &bytes[part..];
                count += u64::from(self.payload == 0 && self.is_text);
                continue;
            }
            self.head.push(*first);
            bytes = rest;
            self.payload = match self.head[..] {
                [_, length] if length < 126 => length.into(),
                [_, 126, a, b] => u16::from_be_bytes([a, b]).into(),
                _ => continue,
            };
            self.is_text = self.head[0] & 0x0f == TEXT;
            self.head.clear();
        }
        count
    }
}

/// The opcode of a text frame (RFC 6455 §5.2).
const TEXT: u8 = 0x1;

impl Socket for ObservedSocket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let count = ready!(self.socket.poll_read(cx, buffer))?;
        if let Some(reads) = &self.reads {
            let messages = self.stream.messages(&buffer[..count]);
            if messages > 0 {
                reads.add(messages, Instant::now());
            }
        }
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.poll_write(cx, bytes)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_close(cx)
    }

    fn set_quiet(&mut self, is_quiet: bool) -> io::Result<bool> {
        self.socket.set_quiet(is_quiet)
    }
}
