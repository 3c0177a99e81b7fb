//! The network between a pool and its servers: byte pipes in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use lavapool_core::{Closed, SocketId};

use super::chance::Chance;
use super::weather::{Bite, Bitten, Dialled, Direction, Weather};
use crate::node::ConnectionId;

/// Everything that is under way, and the pipes that it goes through.
#[derive(Debug)]
pub(super) struct Network {
    /// In the order of arrival; what arrives at the same moment, in the order of departure.
    under_way: BTreeMap<(Duration, u64), (PipeId, Happening)>,
    departed: u64,
    pipes: BTreeMap<PipeId, Pipe>,
    /// The pipes of the present pool; another one names its sockets anew.
    sockets: BTreeMap<SocketId, PipeId>,
    connections: BTreeMap<(usize, ConnectionId), PipeId>,
    pub(super) ways: Vec<Way>,
    /// Nothing reaches the pool before: its host is suspended.
    pub(super) awake_at: Duration,
    /// Cuts what a node sends, if pieces are to arrive one by one.
    cuts: Option<Chance>,
    joins: Option<Chance>,
    jitter: Option<(Chance, Duration)>,
}

/// The number of a pipe, the first being 1; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PipeId(u64);

/// What arrives somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// A dial, at the server.
    Dial,
    /// The word that a dial was accepted, at the pool.
    Connected,
    /// Bytes, at the server.
    ToNode(Vec<u8>),
    /// The end of what the pool sends, at the server; the pool's process was killed if it is a
    /// reset.
    EndAtNode { reset: bool },
    /// Bytes, at the pool.
    ToPool(Vec<u8>),
    /// The end of a socket, at the pool.
    EndAtPool(Closed),
    /// The socket takes more bytes, at the pool.
    Writable,
}

/// One connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pipe {
    /// The index of the server.
    pub(super) host: usize,
    /// The pool's name for it, until it is gone there.
    pub(super) socket: Option<SocketId>,
    /// The server's name for it, from when it is accepted until it is gone there.
    pub(super) connection: Option<ConnectionId>,
    /// Nothing gets through any more in a direction, not even the end.
    is_mute: [bool; 2],
    /// When the latest arrival in each direction is.
    last_at: [Duration; 2],
    /// The latest bytes for the pool that have departed.
    last_bytes: Option<(Duration, u64)>,
    /// A bit was flipped of what went to the pool.
    pub(super) is_flipped: bool,
}

/// The way to a server.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// The time from the pool to the server, and back.
    pub(super) latency: Duration,
    /// New dials are never answered.
    pub(super) is_cut_off: bool,
    /// What becomes of the next dials.
    pub(super) dials: VecDeque<Dialled>,
    /// Until when nothing arrives, in each direction.
    pub(super) held_until: [Duration; 2],
    /// Until when sockets take nothing of what the pool writes.
    pub(super) stalled_until: Duration,
    /// What becomes of the next bytes for the pool.
    pub(super) bite: Option<Bite>,
}

impl Network {
    pub(super) fn new(latencies: Vec<Duration>, cuts: Option<u64>, weather: &Weather) -> Self {
        let way = |latency| Way {
            latency,
            ..Way::default()
        };
        let has_jitter = !weather.jitter_max.is_zero();
        Self {
            under_way: BTreeMap::new(),
            departed: 0,
            pipes: BTreeMap::new(),
            sockets: BTreeMap::new(),
            connections: BTreeMap::new(),
            ways: latencies.into_iter().map(way).collect(),
            awake_at: Duration::ZERO,
            cuts: cuts.map(Chance::new),
            joins: weather.has_joins.then(|| Chance::new(weather.seed ^ 3)),
            jitter: has_jitter.then(|| (Chance::new(weather.seed ^ 1), weather.jitter_max)),
        }
    }

    /// Makes a pipe to a server, and lets the dial depart.
    pub(super) fn dial(&mut self, socket: SocketId, host: usize, now: Duration) {
        let dialled = self.ways[host].dials.pop_front();
        self.departed += 1;
        let id = PipeId(self.departed);
        let pipe = Pipe {
            host,
            socket: Some(socket),
            connection: None,
            is_mute: [false; 2],
            last_at: [Duration::ZERO; 2],
            last_bytes: None,
            is_flipped: false,
        };
        self.pipes.insert(id, pipe);
        self.sockets.insert(socket, id);
        match dialled {
            None => self.depart(id, Happening::Dial, now),
            Some(Dialled::Slow(by)) => self.depart(id, Happening::Dial, now + by),
            Some(Dialled::Never) => {}
            Some(Dialled::Fails(closed)) => self.depart(id, Happening::EndAtPool(closed), now),
        }
    }

    /// Names the connection that a server made of a dial.
    pub(super) fn accept(&mut self, id: PipeId, connection: ConnectionId) {
        if let Some(pipe) = self.pipes.get_mut(&id) {
            pipe.connection = Some(connection);
            self.connections.insert((pipe.host, connection), id);
        }
    }

    /// Lets something depart; what goes the same way through the same pipe never overtakes.
    pub(super) fn depart(&mut self, id: PipeId, happening: Happening, now: Duration) {
        let Some(pipe) = self.pipes.get(&id) else {
            return;
        };
        let direction = happening.direction();
        if pipe.is_mute[direction.index()] {
            return;
        }
        let way = &mut self.ways[pipe.host];
        let jitter = self.jitter.as_mut();
        let jitter = jitter.map_or(Duration::ZERO, |(chance, max)| chance.below(*max));
        let mut arrives_at = (now + way.latency + jitter)
            .max(way.held_until[direction.index()])
            .max(pipe.last_at[direction.index()]);
        if direction == Direction::ToPool {
            arrives_at = arrives_at.max(self.awake_at);
        }
        if let Happening::ToPool(bytes) = &happening
            && bytes.len() > 1
            && let Some(bite) = way.bite.take()
        {
            return self.bite(id, bytes.clone(), bite, arrives_at);
        }
        self.push(id, happening, arrives_at);
    }

    /// Lets the pool hear at a later moment that a socket takes more bytes.
    pub(super) fn later(&mut self, id: PipeId, at: Duration) {
        self.departed += 1;
        let at = at.max(self.awake_at);
        self.under_way
            .insert((at, self.departed), (id, Happening::Writable));
    }

    /// Returns when the next thing arrives.
    pub(super) fn next_at(&self) -> Option<Duration> {
        self.under_way.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next thing that has arrived by now, unless its pipe has fallen silent.
    pub(super) fn arrive(&mut self, now: Duration) -> Option<(PipeId, Happening)> {
        while let Some(entry) = self.under_way.first_entry() {
            if entry.key().0 > now {
                return None;
            }
            let (id, happening) = entry.remove();
            let is_mute = |pipe: &Pipe| pipe.is_mute[happening.direction().index()];
            if self.pipes.get(&id).is_some_and(|pipe| !is_mute(pipe)) {
                return Some((id, happening));
            }
        }
        None
    }

    pub(super) fn pipe(&self, id: PipeId) -> Option<Pipe> {
        self.pipes.get(&id).copied()
    }

    pub(super) fn pipe_of(&self, socket: SocketId) -> Option<PipeId> {
        self.sockets.get(&socket).copied()
    }

    /// The server has ended a connection by itself.
    pub(super) fn ended_at_node(
        &mut self,
        host: usize,
        connection: ConnectionId,
    ) -> Option<PipeId> {
        let id = self.connections.remove(&(host, connection))?;
        if let Some(pipe) = self.pipes.get_mut(&id) {
            pipe.connection = None;
        }
        Some(id)
    }

    /// The pipe that a server knows by this connection.
    pub(super) fn pipe_at(&self, host: usize, connection: ConnectionId) -> Option<PipeId> {
        self.connections.get(&(host, connection)).copied()
    }

    /// The pool has heard of the end of a pipe.
    pub(super) fn ended_at_pool(&mut self, id: PipeId) {
        let Some(pipe) = self.pipes.get_mut(&id) else {
            return;
        };
        if let Some(socket) = pipe.socket.take() {
            self.sockets.remove(&socket);
        }
        if pipe.connection.is_none() {
            self.pipes.remove(&id);
        }
    }

    /// Forgets a pipe of which no end is left.
    pub(super) fn forget(&mut self, id: PipeId) {
        if let Some(pipe) = self.pipes.remove(&id) {
            if let Some(connection) = pipe.connection {
                self.connections.remove(&(pipe.host, connection));
            }
            if let Some(socket) = pipe.socket {
                self.sockets.remove(&socket);
            }
        }
    }

    /// The process of the pool is gone: its sockets are, and the servers hear of it.
    pub(super) fn abandon(&mut self, reset: bool, now: Duration) {
        for id in std::mem::take(&mut self.sockets).into_values() {
            self.depart(id, Happening::EndAtNode { reset }, now);
            if let Some(pipe) = self.pipes.get_mut(&id) {
                pipe.socket = None;
            }
        }
    }

    /// Lets nothing through the present pipes of a server any more, in these directions.
    pub(super) fn silence(&mut self, host: usize, directions: &[Direction]) {
        for pipe in self.pipes.values_mut().filter(|pipe| pipe.host == host) {
            for direction in directions {
                pipe.is_mute[direction.index()] = true;
            }
        }
    }

    /// The connections of pipes to a server that are mute in some direction.
    pub(super) fn mute_at(&self, host: usize) -> Vec<ConnectionId> {
        let mute = self
            .pipes
            .values()
            .filter(|pipe| pipe.host == host && pipe.is_mute.contains(&true));
        mute.filter_map(|pipe| pipe.connection).collect()
    }

    /// Whether anything is lost on a connection to a server that the pool has.
    pub(super) fn is_any_mute(&self, host: usize) -> bool {
        let mut pipes = self.pipes.values();
        pipes.any(|pipe| pipe.host == host && pipe.socket.is_some() && pipe.is_mute.contains(&true))
    }

    /// Lets nothing be on its way for longer than the latency.
    pub(super) fn calm(&mut self) {
        self.jitter = None;
    }

    /// Lets nothing reach the pool before this moment.
    pub(super) fn sleep_until(&mut self, awake_at: Duration) {
        self.awake_at = self.awake_at.max(awake_at);
        let early = |key: &&(Duration, u64)| key.0 < awake_at;
        let early: Vec<_> = self.under_way.keys().take_while(early).copied().collect();
        for key in early {
            let Some((id, happening)) = self.under_way.remove(&key) else {
                continue;
            };
            if happening.direction() == Direction::ToNode {
                self.under_way.insert(key, (id, happening));
                continue;
            }
            self.under_way.insert((awake_at, key.1), (id, happening));
            if let Some(pipe) = self.pipes.get_mut(&id) {
                let last_at = &mut pipe.last_at[Direction::ToPool.index()];
                *last_at = awake_at.max(*last_at);
                pipe.last_bytes = None;
            }
        }
    }

    /// Spoils the bytes that a server has just sent.
    fn bite(&mut self, id: PipeId, mut bytes: Vec<u8>, bite: Bite, arrives_at: Duration) {
        let place = 1 + bite.place % (bytes.len() - 1);
        let end = match bite.how {
            Bitten::Flipped => {
                let place = bite.place % bytes.len();
                bytes[place] ^= 1 << (bite.place / bytes.len() % 8);
                Closed::Reset
            }
            Bitten::Reset => {
                bytes.truncate(place);
                Closed::Reset
            }
            Bitten::Ended => {
                bytes.truncate(place);
                Closed::EndOfStream
            }
        };
        self.push(id, Happening::ToPool(bytes), arrives_at);
        let ends_at = arrives_at + bite.lives_for;
        self.push(id, Happening::EndAtPool(end), ends_at);
        self.push(id, Happening::EndAtNode { reset: true }, ends_at);
        if let Some(pipe) = self.pipes.get_mut(&id) {
            pipe.last_at = [ends_at; 2];
            pipe.is_flipped = bite.how == Bitten::Flipped;
        }
    }

    fn push(&mut self, id: PipeId, happening: Happening, arrives_at: Duration) {
        let Some(pipe) = self.pipes.get_mut(&id) else {
            return;
        };
        pipe.last_at[happening.direction().index()] = arrives_at;
        let Happening::ToPool(bytes) = happening else {
            self.departed += 1;
            let key = (arrives_at, self.departed);
            self.under_way.insert(key, (id, happening));
            return;
        };
        let before = pipe.last_bytes.filter(|(at, _)| *at == arrives_at);
        // What was sent apart may arrive as one piece.
        let joins = before.is_some() && self.joins.as_mut().is_some_and(Chance::toss);
        let before = before.filter(|_| joins);
        if let Some(before) = before.and_then(|key| self.under_way.get_mut(&key))
            && let (_, Happening::ToPool(earlier)) = before
        {
            earlier.extend(bytes);
            return;
        }
        let pieces = self.cuts.as_mut().map(|chance| chance.cut(&bytes));
        for piece in pieces.unwrap_or_else(|| vec![bytes]) {
            self.insert(id, piece, arrives_at);
        }
    }

    fn insert(&mut self, id: PipeId, bytes: Vec<u8>, arrives_at: Duration) {
        self.departed += 1;
        let key = (arrives_at, self.departed);
        self.under_way.insert(key, (id, Happening::ToPool(bytes)));
        if let Some(pipe) = self.pipes.get_mut(&id) {
            pipe.last_bytes = Some(key);
        }
    }
}

impl Happening {
    fn direction(&self) -> Direction {
        match self {
            Self::Dial | Self::ToNode(_) | Self::EndAtNode { .. } => Direction::ToNode,
            Self::Connected | Self::ToPool(_) | Self::EndAtPool(_) | Self::Writable => {
                Direction::ToPool
            }
        }
    }
}
