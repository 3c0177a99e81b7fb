//! The network between a pool and its servers: byte pipes in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use lavapool_core::{Closed, SocketId};

use super::chance::Chance;
use crate::node::ConnectionId;

/// Everything that is under way, and the pipes that it goes through.
#[derive(Debug)]
pub(super) struct Network {
    /// In the order of arrival; what arrives at the same moment, in the order of departure.
    under_way: BTreeMap<(Duration, u64), Happening>,
    departed: u64,
    pipes: BTreeMap<SocketId, Pipe>,
    sockets: BTreeMap<(usize, ConnectionId), SocketId>,
    /// Cuts what a node sends, if pieces are to arrive one by one.
    cuts: Option<Chance>,
}

/// What arrives somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// A dial, at the server.
    Dial(SocketId),
    /// The word that a dial was accepted, at the pool.
    Connected(SocketId),
    /// Bytes, at the server.
    ToNode(SocketId, Vec<u8>),
    /// The end of what the pool sends, at the server.
    EndAtNode(SocketId),
    /// Bytes, at the pool.
    ToPool(SocketId, Vec<u8>),
    /// The end of a socket, at the pool.
    EndAtPool(SocketId, Closed),
}

/// One connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pipe {
    /// The index of the server.
    pub(super) host: usize,
    /// The server's name for it, once it was accepted.
    pub(super) connection: Option<ConnectionId>,
    /// Nothing gets through any more, not even the end.
    is_silent: bool,
    last_at_node: Duration,
    last_at_pool: Duration,
}

impl Network {
    pub(super) fn new(cuts: Option<Chance>) -> Self {
        Self {
            under_way: BTreeMap::new(),
            departed: 0,
            pipes: BTreeMap::new(),
            sockets: BTreeMap::new(),
            cuts,
        }
    }

    /// Makes a pipe to a server, and lets the dial depart.
    pub(super) fn dial(&mut self, socket: SocketId, host: usize, arrives_at: Duration) {
        let pipe = Pipe {
            host,
            connection: None,
            is_silent: false,
            last_at_node: Duration::ZERO,
            last_at_pool: Duration::ZERO,
        };
        self.pipes.insert(socket, pipe);
        self.depart(Happening::Dial(socket), arrives_at);
    }

    /// Names the connection that a server made of a dial.
    pub(super) fn accept(&mut self, socket: SocketId, connection: ConnectionId) {
        if let Some(pipe) = self.pipes.get_mut(&socket) {
            pipe.connection = Some(connection);
            self.sockets.insert((pipe.host, connection), socket);
        }
    }

    /// Lets something depart; what goes the same way through the same pipe never overtakes.
    pub(super) fn depart(&mut self, happening: Happening, arrives_at: Duration) {
        let Some(pipe) = self.pipes.get_mut(&happening.socket()) else {
            return;
        };
        if pipe.is_silent {
            return;
        }
        let last = if happening.is_at_node() {
            &mut pipe.last_at_node
        } else {
            &mut pipe.last_at_pool
        };
        *last = arrives_at.max(*last);
        let arrives_at = *last;
        for piece in self.cut(happening) {
            self.departed += 1;
            self.under_way.insert((arrives_at, self.departed), piece);
        }
    }

    /// Returns when the next thing arrives.
    pub(super) fn next_at(&self) -> Option<Duration> {
        self.under_way.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next thing that has arrived by now, unless its pipe has fallen silent.
    pub(super) fn arrive(&mut self, now: Duration) -> Option<Happening> {
        while let Some(entry) = self.under_way.first_entry() {
            if entry.key().0 > now {
                return None;
            }
            let happening = entry.remove();
            let pipe = self.pipes.get(&happening.socket());
            if !pipe.is_some_and(|pipe| pipe.is_silent) {
                return Some(happening);
            }
        }
        None
    }

    pub(super) fn pipe(&self, socket: SocketId) -> Option<Pipe> {
        self.pipes.get(&socket).copied()
    }

    pub(super) fn socket(&self, host: usize, connection: ConnectionId) -> Option<SocketId> {
        self.sockets.get(&(host, connection)).copied()
    }

    /// Forgets a pipe of which no end is left.
    pub(super) fn forget(&mut self, socket: SocketId) {
        if let Some(pipe) = self.pipes.remove(&socket)
            && let Some(connection) = pipe.connection
        {
            self.sockets.remove(&(pipe.host, connection));
        }
    }

    /// Lets nothing through the present pipes of a server any more, in either direction.
    pub(super) fn silence(&mut self, host: usize) {
        let theirs = self.pipes.values_mut().filter(|pipe| pipe.host == host);
        theirs.for_each(|pipe| pipe.is_silent = true);
    }

    /// Cuts bytes for the pool at random places.
    fn cut(&mut self, happening: Happening) -> Vec<Happening> {
        match (happening, &mut self.cuts) {
            (Happening::ToPool(socket, bytes), Some(chance)) => chance
                .cut(&bytes)
                .into_iter()
                .map(|piece| Happening::ToPool(socket, piece))
                .collect(),
            (whole, _) => vec![whole],
        }
    }
}

impl Happening {
    fn socket(&self) -> SocketId {
        match self {
            Self::Dial(socket)
            | Self::Connected(socket)
            | Self::ToNode(socket, _)
            | Self::EndAtNode(socket)
            | Self::ToPool(socket, _)
            | Self::EndAtPool(socket, _) => *socket,
        }
    }

    fn is_at_node(&self) -> bool {
        match self {
            Self::Dial(_) | Self::ToNode(..) | Self::EndAtNode(_) => true,
            Self::Connected(_) | Self::ToPool(..) | Self::EndAtPool(..) => false,
        }
    }
}
