//! [`World`]: the pool, and everything around it.

use std::collections::BTreeMap;
use std::time::Duration;

use lavapool_core::{Closed, Command, CommandId, Input, NodeId, Pool, Seed, SocketId, Timestamp};

use super::asks::{Ask, at, leaving};
use super::bodies::{Server, frame, ready};
use super::operation::{Operation, Said};
use super::peer::{Peer, Request, Speaks};
use super::setup::{NAMES, SECRET, Setup};

/// The pool, and everything around it.
pub(super) struct World {
    pub(super) pool: Pool,
    pub(super) setup: Setup,
    /// Whether nothing that prints may hold a secret.
    pub(super) hides: bool,
    /// The longest piece in which bytes are handed in.
    pub(super) cut: usize,
    pub(super) now: Timestamp,
    /// Every socket there ever was, in the order of their numbers.
    pub(super) sockets: Vec<SocketId>,
    pub(super) peers: BTreeMap<SocketId, Peer>,
    /// Sockets that are to be opened, though they are closed in the same call.
    pub(super) brief: Vec<SocketId>,
    pub(super) servers: BTreeMap<NodeId, Server>,
    pub(super) asked: Vec<CommandId>,
    /// The commands without an answer, and when they must have one.
    pub(super) waiting: BTreeMap<CommandId, Timestamp>,
    /// How many timeouts came since when.
    pub(super) timeouts: (Timestamp, u32),
    pub(super) joined_at: Option<Timestamp>,
    pub(super) transcript: Transcript,
}

/// All that a pool has let out.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Transcript {
    pub(super) outputs: Vec<String>,
    pub(super) events: Vec<String>,
    pub(super) bytes: BTreeMap<SocketId, Vec<u8>>,
}

impl World {
    pub(super) fn new(setup: &Setup, hides: bool, cut: usize) -> Self {
        let now = Timestamp::from_millis(1);
        let pool = Pool::new(setup.config(), Seed::from(7), now).expect("it is valid");
        let mut world = Self {
            pool,
            setup: *setup,
            hides,
            cut,
            now,
            sockets: Vec::new(),
            peers: BTreeMap::new(),
            brief: Vec::new(),
            servers: BTreeMap::new(),
            asked: Vec::new(),
            waiting: BTreeMap::new(),
            timeouts: (now, 0),
            joined_at: None,
            transcript: Transcript::default(),
        };
        world.check();
        world
    }

    pub(super) fn apply(&mut self, operation: &Operation<'_>) {
        match *operation {
            Operation::Wait { millis } => self.wait(Duration::from_millis(millis.into())),
            Operation::Dawdle { millis } => {
                self.now = self.now + Duration::from_millis(millis.into());
            }
            Operation::Timeout => self.timeout(),
            Operation::Early { millis } => self.early(millis),
            Operation::Connected { socket } => {
                if let Some(id) = self.socket(socket) {
                    self.connected(id);
                }
            }
            Operation::Bytes { socket, bytes } => {
                if let Some(id) = self.socket(socket) {
                    self.taint(id);
                    self.received(id, bytes);
                }
            }
            Operation::Says { socket, what } => {
                if let Some(id) = self.socket(socket) {
                    self.says(id, what);
                }
            }
            Operation::Answers { socket, how } => {
                if let Some(id) = self.socket(socket) {
                    self.answers(id, |server, request| server.answer(request, how));
                }
            }
            Operation::Wrote { socket, count } => {
                let all = count == u8::MAX;
                if let Some(id) = self.socket(socket) {
                    self.wrote(id, if all { usize::MAX } else { count.into() });
                }
            }
            Operation::Closed { socket, reset } => {
                if let Some(id) = self.socket(socket) {
                    self.closed(
                        id,
                        if reset {
                            Closed::Reset
                        } else {
                            Closed::EndOfStream
                        },
                    );
                }
            }
            Operation::Serve { rounds } => self.serve(rounds, |_| true),
            Operation::ServeOne { node, rounds } => {
                let node = self.node(node);
                self.serve(rounds, |peer| Some(peer.node) == node);
            }
            Operation::Kill { node } => self.kill(node),
            Operation::Ask(ask) => self.ask(ask),
            Operation::Cancel { command } => {
                if let Some(id) = at(&self.asked, command) {
                    self.waiting.remove(&id);
                    self.pool.cancel(id, self.now);
                }
            }
            Operation::Close { destroy } => self.submit(Command::Close(leaving(destroy))),
        }
    }

    /// Whatever happened, everything is answered in the end, and the pool can be closed.
    pub(super) fn end(mut self) -> Transcript {
        for _ in 0..1000 {
            if self.pool.is_finished() {
                break;
            }
            // It is refused while there are too many other commands.
            self.submit(Command::Close(leaving(true)));
            self.timeout();
        }
        let next = self.pool.poll_timeout();
        assert!(self.pool.is_finished(), "the pool does not end: {next:?}");
        assert!(self.waiting.is_empty(), "{:?} have no answer", self.waiting);
        assert!(self.peers.is_empty(), "{:?} are left open", self.peers);
        self.hidden(&format!("{:?}", self.pool));
        self.transcript
    }

    /// A socket that is open, and for high numbers any that ever was.
    fn socket(&self, number: u8) -> Option<SocketId> {
        if number >= 224 {
            return at(&self.sockets, number);
        }
        let place = usize::from(number).checked_rem(self.peers.len())?;
        self.peers.keys().nth(place).copied()
    }

    fn node(&self, number: u8) -> Option<NodeId> {
        let nodes: Vec<_> = self.pool.nodes().map(|view| view.node.id).collect();
        at(&nodes, number)
    }

    /// Asks for it, if what it is about is there.
    fn ask(&mut self, ask: Ask) {
        let setup = self.setup;
        let nodes: Vec<_> = self.pool.nodes().map(|view| view.node.id).collect();
        let add = |number| {
            let name = at(&NAMES, number).unwrap_or_default();
            Command::AddNode(setup.node(name))
        };
        if let Some(command) = ask.command(&nodes, add) {
            self.submit(command);
        }
    }

    /// The clock runs backwards, which counts as standing still.
    /// The clock runs back from the time that the pool was told last.
    fn early(&mut self, millis: u16) {
        self.pool.handle(Input::Timeout, self.now);
        self.check();
        let early = self
            .now
            .as_nanos()
            .saturating_sub(u64::from(millis) * 1_000_000);
        self.pool
            .handle(Input::Timeout, Timestamp::from_nanos(early));
        self.check();
    }

    fn submit(&mut self, command: Command) {
        if let Ok(id) = self.pool.submit(command, self.now) {
            self.asked.push(id);
            let deadline = self.now + self.setup.config().timing.command_deadline;
            assert!(
                self.waiting.insert(id, deadline).is_none(),
                "{id:?} is used twice"
            );
        }
    }

    fn connected(&mut self, id: SocketId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.connected = true;
        }
        self.pool.handle(Input::Connected(id), self.now);
        self.check();
    }

    fn received(&mut self, id: SocketId, bytes: &[u8]) {
        if let Some(peer) = self.peers.get_mut(&id)
            && let Speaks::Rest { unanswered } = &mut peer.speaks
        {
            *unanswered = None;
        }
        let longest = self.cut.min(bytes.len()).max(1);
        for piece in bytes.chunks(longest) {
            self.pool.handle(Input::Received(id, piece), self.now);
        }
        self.check();
    }

    fn wrote(&mut self, id: SocketId, most: usize) {
        let waiting = self.pool.outgoing(id).len();
        let Some(peer) = self.peers.get_mut(&id).filter(|peer| peer.connected) else {
            return;
        };
        let count = most.min(waiting);
        peer.shown -= count;
        peer.asked_to_write &= count < waiting;
        self.pool.handle(Input::Wrote(id, count), self.now);
        self.check();
    }

    fn closed(&mut self, id: SocketId, closed: Closed) {
        self.peers.remove(&id);
        self.pool.handle(Input::Closed(id, closed), self.now);
        self.check();
    }

    fn kill(&mut self, node: u8) {
        let node = self.node(node);
        let dead = self
            .peers
            .iter()
            .filter(|(_, peer)| Some(peer.node) == node);
        let dead: Vec<_> = dead.map(|(id, _)| *id).collect();
        for id in dead {
            self.closed(id, Closed::Reset);
        }
    }

    /// What is said on this socket from now on is known to nobody.
    fn taint(&mut self, id: SocketId) {
        if let Some(peer) = self.peers.get(&id)
            && matches!(peer.speaks, Speaks::WebSocket(_))
        {
            self.servers.entry(peer.node).or_default().is_tainted = true;
        }
    }

    fn says(&mut self, id: SocketId, what: Said) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        // What comes on a socket that is not connected is nonsense, and heeded by nobody.
        let (node, is_connected) = (peer.node, peer.connected);
        let Some(websocket) = peer.websocket() else {
            return;
        };
        let bytes = match what {
            Said::Upgrade => {
                websocket.is_open |= is_connected;
                let accept = &websocket.accept;
                format!(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                     Upgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                )
                .into_bytes()
            }
            Said::Ready { resumed, anew } => {
                let counts = websocket.is_open && !websocket.is_over && !websocket.is_ready;
                websocket.is_ready |= counts;
                self.ready(node, resumed, anew, counts)
            }
            Said::Ping => frame(0x89, b"ping"),
            Said::Pong => frame(0x8a, &websocket.ping),
            Said::Goodbye { code } => frame(0x88, &code.to_be_bytes()),
            other => {
                let text = self
                    .servers
                    .get(&node)
                    .and_then(|server| server.text(other));
                frame(0x81, text.unwrap_or_default().as_bytes())
            }
        };
        self.received(id, &bytes);
    }

    /// A `ready`; the session is the node's if it `counts`.
    fn ready(&mut self, node: NodeId, resumed: bool, anew: bool, counts: bool) -> Vec<u8> {
        let server = self.servers.entry(node).or_default();
        let session = match server.sessions.last() {
            Some(session) if resumed && !anew => session.clone(),
            _ => format!("{SECRET}-session-{}", server.sessions.len()),
        };
        if counts {
            server.sessions.push(session.clone());
        }
        ready(&session, resumed)
    }

    fn answers(&mut self, id: SocketId, answer: impl FnOnce(&mut Server, &Request) -> Vec<u8>) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let Speaks::Rest { unanswered } = &mut peer.speaks else {
            return;
        };
        let Some(request) = unanswered.take() else {
            return;
        };
        let server = self.servers.entry(peer.node).or_default();
        let bytes = answer(server, &request);
        self.received(id, &bytes);
    }

    /// Servers that are well connect, read, and answer.
    fn serve(&mut self, rounds: u8, is_served: impl Fn(&Peer) -> bool) {
        for _ in 0..1 + rounds % 6 {
            let open: Vec<_> = self.peers.keys().copied().collect();
            for id in open {
                let Some(peer) = self.peers.get(&id).filter(|peer| is_served(peer)) else {
                    continue;
                };
                if !peer.connected {
                    self.connected(id);
                }
                self.wrote(id, usize::MAX);
                let websocket = self.peers.get_mut(&id).and_then(Peer::websocket);
                match websocket.map(|websocket| (websocket.is_open, websocket.is_ready)) {
                    None => self.answers(id, |server, request| server.serve(request)),
                    Some((false, _)) => self.says(id, Said::Upgrade),
                    Some((true, false)) => {
                        let asked = self.peers.get(&id).is_some_and(|peer| peer.resumes);
                        self.says(
                            id,
                            Said::Ready {
                                resumed: asked,
                                anew: false,
                            },
                        );
                    }
                    Some((true, true)) => self.says(id, Said::Pong),
                }
            }
        }
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some((at, _)) = self.pool.poll_timeout()
            && at <= until
        {
            self.timeout();
        }
        self.now = self.now.max(until);
        self.pool.handle(Input::Timeout, self.now);
        self.check();
    }

    /// The next timeout, at its time.
    fn timeout(&mut self) {
        if let Some((at, _)) = self.pool.poll_timeout() {
            self.now = self.now.max(at);
        }
        self.pool.handle(Input::Timeout, self.now);
        let next = self.pool.poll_timeout();
        assert!(
            next.is_none_or(|(at, _)| at > self.now),
            "due again at once: {next:?}"
        );
        let (since, count) = &mut self.timeouts;
        if self.now.since(*since) > Duration::from_secs(1) {
            (*since, *count) = (self.now, 0);
        }
        *count += 1;
        assert!(*count <= TIMEOUTS_MAX, "timeouts without end: {next:?}");
        self.check();
        let late = self
            .waiting
            .iter()
            .find(|(_, deadline)| **deadline <= self.now);
        assert_eq!(late, None, "no answer in time");
    }
}

/// How many timeouts may come within a second: a few for each socket, player and command.
const TIMEOUTS_MAX: u32 = 200;
