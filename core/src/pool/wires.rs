//! [`Wires`]: the sockets, and the bytes that pass through them.

use crate::http::Connection;
use crate::id::{NodeId, SocketId};
use crate::node::{Job, LaneKind};
use crate::player::Fields;
use crate::pool::TimerKey;
use crate::protocol::GuildId;
use crate::slab::Slab;
use crate::time::Timestamp;
use crate::websocket::WebSocket;

/// The sockets that the driver holds for the pool.
#[derive(Debug, Default)]
pub(super) struct Wires {
    wires: Slab<Wire>,
    /// Those that may have something new to write.
    touched: Vec<SocketId>,
}

/// One socket.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) node: NodeId,
    pub(super) kind: WireKind,
    /// The deadline of a WebSocket that the pool is done with: only the exchange of close frames
    /// is waited for.
    pub(super) closing: Option<TimerKey>,
    /// Whether the driver knows that there is something to write.
    write_asked: bool,
}

#[derive(Debug)]
pub(super) enum WireKind {
    WebSocket(Box<WebSocket>),
    Rest(Box<Rest>),
}

/// A REST socket and the request that is on it.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) lane: LaneKind,
    pub(super) connection: Connection,
    pub(super) exchange: Option<Exchange>,
    /// The deadline of the dial or of the request, or the end of idling.
    pub(super) timer: Option<TimerKey>,
    /// Whether it has served a request before the present one.
    pub(super) reused: bool,
}

/// A request that is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exchange {
    /// Its number; never used twice.
    pub(super) serial: u64,
    pub(super) job: Job,
    pub(super) sent_at: Timestamp,
    /// What a player's PATCH sets.
    pub(super) fields: Fields,
    /// Whether it moves a player here.
    pub(super) moves: bool,
    /// Whose player a PATCH is about.
    pub(super) guild: Option<GuildId>,
    /// Whether it changes how the session is kept.
    pub(super) changes_session: bool,
}

impl Rest {
    pub(super) const fn new(lane: LaneKind, connection: Connection) -> Self {
        Self {
            lane,
            connection,
            exchange: None,
            timer: None,
            reused: false,
        }
    }
}

impl Wires {
    pub(super) fn insert(&mut self, node: NodeId, kind: WireKind) -> SocketId {
        let (slot, generation) = self.wires.insert(|_, _| Wire {
            node,
            kind,
            closing: None,
            write_asked: false,
        });
        SocketId { slot, generation }
    }

    pub(super) fn get(&self, id: SocketId) -> Option<&Wire> {
        self.wires.get(id.slot, id.generation)
    }

    pub(super) fn get_mut(&mut self, id: SocketId) -> Option<&mut Wire> {
        self.wires.get_mut(id.slot, id.generation)
    }

    pub(super) fn remove(&mut self, id: SocketId) -> Option<Wire> {
        self.wires.remove(id.slot, id.generation)
    }

    pub(super) const fn len(&self) -> usize {
        self.wires.len()
    }

    /// Something may have been written to this socket's buffer.
    pub(super) fn touch(&mut self, id: SocketId) {
        self.touched.push(id);
    }

    /// The next socket of which the driver must hear that it has bytes to take.
    pub(super) fn pop_writable(&mut self) -> Option<SocketId> {
        while let Some(id) = self.touched.pop() {
            if let Some(wire) = self.get_mut(id)
                && !wire.write_asked
                && !wire.pending().is_empty()
            {
                wire.write_asked = true;
                return Some(id);
            }
        }
        None
    }
}

impl Wire {
    pub(super) fn pending(&self) -> &[u8] {
        match &self.kind {
            WireKind::WebSocket(websocket) => websocket.pending(),
            WireKind::Rest(rest) => rest.connection.pending(),
        }
    }

    pub(super) fn wrote(&mut self, count: usize) {
        match &mut self.kind {
            WireKind::WebSocket(websocket) => websocket.wrote(count),
            WireKind::Rest(rest) => rest.connection.wrote(count),
        }
        if self.pending().is_empty() {
            self.write_asked = false;
        }
    }
}
