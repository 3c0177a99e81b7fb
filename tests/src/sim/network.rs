//! [`Network`]: nodes, the pipes to them, and what is on its way, in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::reset;
use crate::node::{Action, ConnectionId, How, NodeConfig, TestNode};

/// The number of a pipe. Never used again.
pub(super) type PipeId = u64;

/// Nodes, the pipes to them, and what is on its way.
pub(super) struct Network {
    pub(super) now: Duration,
    pub(super) latency: Duration,
    pub(super) window_bytes: usize,
    hosts: Vec<Host>,
    /// Names that lead to several hosts, in order.
    aliases: BTreeMap<String, Vec<usize>>,
    pipes: BTreeMap<PipeId, Pipe>,
    /// By time, and then by the order in which they began.
    happenings: BTreeMap<(Duration, u64), Happening>,
    /// The time of the latest happening: what is sent later never overtakes what was sent before.
    latest: Duration,
    /// By time, and then by number.
    timers: BTreeMap<(Duration, u64), Waker>,
    /// The last number that was given to a pipe, a happening or a timer.
    last: u64,
}

struct Host {
    name: String,
    node: TestNode,
    connections: BTreeMap<ConnectionId, PipeId>,
    is_cut_off: bool,
    is_ipv6: bool,
}

/// A connection between the client and a node, as the client sees it.
struct Pipe {
    host: usize,
    stage: Stage,
    arrived: VecDeque<u8>,
    /// What the client reads after what has arrived.
    end: Option<End>,
    reader: Option<Waker>,
    /// Whether nobody is woken who waits to read.
    is_quiet: bool,
    /// Bytes that were written and have not arrived.
    sent_bytes: usize,
    writer: Option<Waker>,
    is_finished: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Dialling,
    Refused,
    Open(ConnectionId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    OfStream,
    Reset,
}

enum Happening {
    /// A dial arrives at the node.
    Dial(PipeId),
    /// The node's word on it is back.
    Dialled(PipeId, usize, Stage),
    ToNode(PipeId, usize, ConnectionId, Vec<u8>),
    ToClient(PipeId, Vec<u8>),
    /// The client has ended its direction, or everything.
    NodeHears(usize, ConnectionId),
    ClientHears(PipeId, End),
}

/// What is next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Happening,
    Timer,
    Node(usize),
}

impl Default for Network {
    fn default() -> Self {
        Self {
            now: Duration::ZERO,
            latency: Duration::from_millis(1),
            window_bytes: 64 * 1024,
            hosts: Vec::new(),
            aliases: BTreeMap::new(),
            pipes: BTreeMap::new(),
            happenings: BTreeMap::new(),
            latest: Duration::ZERO,
            timers: BTreeMap::new(),
            last: 0,
        }
    }
}

impl Network {
    pub(super) fn add_node(&mut self, name: &str, mut config: NodeConfig) {
        config.authority = format!("{name}:{PORT}");
        let seed = self.hosts.len() as u64;
        self.hosts.push(Host {
            name: name.to_owned(),
            node: TestNode::new(config, seed, self.now),
            connections: BTreeMap::new(),
            is_cut_off: false,
            is_ipv6: false,
        });
    }

    pub(super) fn add_alias(&mut self, alias: &str, names: &[&str]) {
        let indices = names.iter().map(|name| self.index(name)).collect();
        self.aliases.insert(alias.to_owned(), indices);
    }

    pub(super) fn with<T>(&mut self, name: &str, use_node: impl FnOnce(&mut TestNode) -> T) -> T {
        let index = self.index(name);
        let host = &mut self.hosts[index];
        host.node.handle_timeout(self.now);
        let result = use_node(&mut host.node);
        self.settle(index);
        result
    }

    pub(super) fn cut_off(&mut self, name: &str, is_cut_off: bool) {
        let index = self.index(name);
        self.hosts[index].is_cut_off = is_cut_off;
    }

    pub(super) fn give_ipv6(&mut self, name: &str) {
        let index = self.index(name);
        self.hosts[index].is_ipv6 = true;
    }

    /// Lets the next thing happen, at its time; returns false if nothing is left to happen.
    pub(super) fn advance(&mut self) -> bool {
        let first = |at: &(Duration, u64)| at.0;
        let happening = self.happenings.keys().next().map(first);
        let timer = self.timers.keys().next().map(first);
        let nodes = self.hosts.iter().enumerate();
        let timeouts = nodes.filter_map(|(index, host)| Some((host.node.poll_timeout()?, index)));
        let candidates = [
            happening.map(|at| (at, Next::Happening)),
            timer.map(|at| (at, Next::Timer)),
            timeouts.min().map(|(at, index)| (at, Next::Node(index))),
        ];
        let Some((at, next)) = candidates.into_iter().flatten().min() else {
            return false;
        };
        self.now = self.now.max(at);
        match next {
            Next::Happening => {
                let (_, happening) = self.happenings.pop_first().expect("it was just seen");
                self.happen(happening);
            }
            Next::Timer => {
                let (_, waker) = self.timers.pop_first().expect("it was just seen");
                waker.wake();
            }
            Next::Node(index) => {
                self.hosts[index].node.handle_timeout(self.now);
                self.settle(index);
            }
        }
        true
    }

    /// The number of a new timer.
    pub(super) const fn timer(&mut self) -> u64 {
        self.number()
    }

    pub(super) fn arm(&mut self, at: Duration, timer: u64, waker: &Waker) {
        self.timers.insert((at, timer), waker.clone());
    }

    pub(super) fn disarm(&mut self, at: Duration, timer: u64) {
        self.timers.remove(&(at, timer));
    }

    pub(super) fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let own = self.hosts.iter().position(|other| other.name == host);
        let indices = self.aliases.get(host).cloned();
        let indices = indices.or_else(|| own.map(|index| vec![index]));
        let indices = indices.ok_or(io::ErrorKind::NotFound)?.into_iter();
        Ok(indices
            .map(|index| SocketAddr::new(self.address(index), port))
            .collect())
    }

    pub(super) fn dial(&mut self, address_and_port: SocketAddr) -> io::Result<PipeId> {
        let is_it = |index: &usize| SocketAddr::new(self.address(*index), PORT) == address_and_port;
        let host = (0..self.hosts.len()).find(is_it);
        let host = host.ok_or(io::ErrorKind::NetworkUnreachable)?;
        let id = self.number();
        let pipe = Pipe {
            host,
            stage: Stage::Dialling,
            arrived: VecDeque::new(),
            end: None,
            reader: None,
            is_quiet: false,
            sent_bytes: 0,
            writer: None,
            is_finished: false,
        };
        self.pipes.insert(id, pipe);
        self.send(Happening::Dial(id));
        Ok(id)
    }

    pub(super) fn poll_dial(&mut self, id: PipeId, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let Some(pipe) = self.pipes.get_mut(&id) else {
            return Poll::Ready(Err(reset()));
        };
        match pipe.stage {
            Stage::Open(_) => Poll::Ready(Ok(())),
            Stage::Refused => Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into())),
            Stage::Dialling => {
                pipe.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(super) fn poll_read(
        &mut self,
        id: PipeId,
        cx: &Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let window_bytes = self.window_bytes;
        let Some(pipe) = self.pipes.get_mut(&id) else {
            return Poll::Ready(Err(reset()));
        };
        if pipe.end == Some(End::Reset) {
            return Poll::Ready(Err(reset()));
        }
        let count = pipe.arrived.len().min(buffer.len()).min(window_bytes);
        if count > 0 {
            for (place, byte) in buffer.iter_mut().zip(pipe.arrived.drain(..count)) {
                *place = byte;
            }
            return Poll::Ready(Ok(count));
        }
        if pipe.end == Some(End::OfStream) {
            return Poll::Ready(Ok(0));
        }
        if !pipe.is_quiet {
            pipe.reader = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    pub(super) fn set_quiet(&mut self, id: PipeId, is_quiet: bool) {
        if let Some(pipe) = self.pipes.get_mut(&id) {
            pipe.is_quiet = is_quiet;
            pipe.reader = None;
        }
    }

    pub(super) fn poll_write(
        &mut self,
        id: PipeId,
        cx: &Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let window_bytes = self.window_bytes;
        let Some(pipe) = self.pipes.get_mut(&id) else {
            return Poll::Ready(Err(reset()));
        };
        let Stage::Open(connection) = pipe.stage else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        if pipe.end == Some(End::Reset) || pipe.is_finished {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = window_bytes.saturating_sub(pipe.sent_bytes);
        let taken = &bytes[..room.min(bytes.len())];
        if taken.is_empty() {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        pipe.sent_bytes += taken.len();
        let host = pipe.host;
        self.send(Happening::ToNode(id, host, connection, taken.to_vec()));
        Poll::Ready(Ok(taken.len()))
    }

    /// The client ends its direction.
    pub(super) fn finish(&mut self, id: PipeId) {
        let Some(pipe) = self.pipes.get_mut(&id) else {
            return;
        };
        let was_finished = std::mem::replace(&mut pipe.is_finished, true);
        if let Stage::Open(connection) = pipe.stage
            && !was_finished
        {
            let host = pipe.host;
            self.send(Happening::NodeHears(host, connection));
        }
    }

    /// The client has dropped its end.
    pub(super) fn forget(&mut self, id: PipeId) {
        self.finish(id);
        self.pipes.remove(&id);
    }

    fn address(&self, index: usize) -> IpAddr {
        let [_, _, third, fourth] = u32::try_from(index + 1)
            .expect("fewer hosts than addresses")
            .to_be_bytes();
        let address = Ipv4Addr::new(10, 0, third, fourth);
        match self.hosts[index].is_ipv6 {
            true => address.to_ipv6_mapped().into(),
            false => address.into(),
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Dial(id) => self.dial_arrives(id),
            Happening::Dialled(id, host, stage) => {
                if let Some(pipe) = self.pipes.get_mut(&id) {
                    pipe.stage = stage;
                    wake(&mut pipe.reader);
                } else if let Stage::Open(connection) = stage {
                    // The client has given the dial up.
                    self.send(Happening::NodeHears(host, connection));
                }
            }
            Happening::ToNode(id, host, connection, bytes) => {
                if let Some(pipe) = self.pipes.get_mut(&id) {
                    pipe.sent_bytes -= bytes.len();
                    wake(&mut pipe.writer);
                }
                self.hosts[host].node.receive(connection, &bytes, self.now);
                self.settle(host);
            }
            Happening::ToClient(id, bytes) => {
                if let Some(pipe) = self.pipes.get_mut(&id) {
                    pipe.arrived.extend(bytes);
                    wake(&mut pipe.reader);
                }
            }
            Happening::NodeHears(host, connection) => {
                self.hosts[host]
                    .node
                    .peer_closed(connection, false, self.now);
                self.settle(host);
            }
            Happening::ClientHears(id, end) => {
                if let Some(pipe) = self.pipes.get_mut(&id) {
                    pipe.end = Some(end);
                    wake(&mut pipe.reader);
                    wake(&mut pipe.writer);
                }
            }
        }
    }

    fn dial_arrives(&mut self, id: PipeId) {
        let Some(pipe) = self.pipes.get(&id) else {
            return;
        };
        let index = pipe.host;
        let host = &mut self.hosts[index];
        if host.is_cut_off {
            return;
        }
        let stage = if host.node.accepts() {
            let connection = host.node.accept(self.now);
            host.connections.insert(connection, id);
            Stage::Open(connection)
        } else {
            Stage::Refused
        };
        self.send(Happening::Dialled(id, index, stage));
        self.settle(index);
    }

    /// Does what a node wants of the network.
    fn settle(&mut self, index: usize) {
        while let Some(action) = self.hosts[index].node.poll_action() {
            let connections = &mut self.hosts[index].connections;
            match action {
                Action::Send(connection, bytes) => {
                    if let Some(id) = connections.get(&connection).copied() {
                        self.send(Happening::ToClient(id, bytes));
                    }
                }
                Action::Close(connection, how) => {
                    if let Some(id) = connections.remove(&connection) {
                        let end = match how {
                            How::Fin => End::OfStream,
                            How::Reset => End::Reset,
                        };
                        self.send(Happening::ClientHears(id, end));
                    }
                }
            }
        }
    }

    fn send(&mut self, happening: Happening) {
        self.latest = self.latest.max(self.now + self.latency);
        let number = self.number();
        self.happenings.insert((self.latest, number), happening);
    }

    const fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn index(&self, name: &str) -> usize {
        let index = self.hosts.iter().position(|host| host.name == name);
        index.expect("the node was added")
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// The address of the host with this index.
/// The port of every node: Lavalink's own.
const PORT: u16 = 2333;
