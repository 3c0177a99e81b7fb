//! [`Wires`]: the sockets, and the bytes that pass through them.

use crate::http::Connection;
use crate::id::{NodeId, SocketId};
use crate::node::{Job, LaneKind};
use crate::player::Fields;
use crate::pool::TimerKey;
use crate::protocol::GuildId;
use crate::room::{self, ROOM_KEPT};
use crate::slab::{Entry, Slab};
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
    generation: u32,
}

impl Entry for Wire {
    fn generation(&self) -> u32 {
        self.generation
    }
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
    pub(super) effect: Effect,
}

/// What a request changes at the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// What a player's PATCH sets.
    pub(super) fields: Fields,
    /// The place in the present track that a PATCH seeks, in milliseconds.
    pub(super) sought_ms: Option<u64>,
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
        let (slot, generation) = self.wires.insert(|_, generation| Wire {
            node,
            kind,
            closing: None,
            write_asked: false,
            generation,
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
        while let Some(id) = room::pop(&mut self.touched, ROOM_KEPT) {
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
        let is_all = count >= self.pending().len();
        match &mut self.kind {
            WireKind::WebSocket(websocket) => websocket.wrote(count),
            WireKind::Rest(rest) => rest.connection.wrote(count),
        }
        // What waits now, such as a pong that had to, is news to the driver.
        if is_all {
            self.write_asked = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;
    use ::http::uri::PathAndQuery;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;
    use tungstenite::handshake::derive_accept_key;

    use super::*;
    use crate::websocket::{UpgradeRequest, WebSocketLimits};

    #[test]
    fn a_pong_that_waited_for_other_bytes_is_told_of_when_they_are_gone() {
        let mut wires = Wires::default();
        let node = NodeId {
            slot: 0,
            generation: 0,
        };
        let socket = wires.insert(node, WireKind::WebSocket(Box::new(accepted())));
        websocket(&mut wires, socket).ping(&[7; 8]);
        wires.touch(socket);
        assert_eq!(wires.pop_writable(), Some(socket));
        // The server's ping.
        let answered = websocket(&mut wires, socket).next(&mut &[0x89, 0][..]);
        assert_eq!(answered, Ok(None));

        let wire = wires.get_mut(socket).expect("it is there");
        let count = wire.pending().len();
        wire.wrote(count);
        wires.touch(socket);

        assert_eq!(wires.pop_writable(), Some(socket));
        let wire = wires.get(socket).expect("it is there");
        assert_eq!(wire.pending().first(), Some(&0x8a), "a pong");
    }

    fn websocket(wires: &mut Wires, socket: SocketId) -> &mut WebSocket {
        let wire = wires.get_mut(socket).expect("it is there");
        let WireKind::WebSocket(websocket) = &mut wire.kind else {
            panic!("it is a websocket");
        };
        websocket
    }

    /// A WebSocket that is open, with nothing to write.
    fn accepted() -> WebSocket {
        let request = UpgradeRequest {
            target: &PathAndQuery::from_static("/v4/websocket"),
            host: &HeaderValue::from_static("localhost:2333"),
            headers: &[],
        };
        let rng = ChaCha8Rng::from_seed([0; 32]);
        let mut websocket = WebSocket::with_key(&request, [0; 16], WebSocketLimits::default(), rng);
        websocket.wrote(websocket.pending().len());
        let accept = derive_accept_key(b"AAAAAAAAAAAAAAAAAAAAAA==");
        let start = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket";
        let answer = format!("{start}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
        let upgraded = websocket.next(&mut answer.as_bytes());
        assert!(upgraded.is_ok_and(|found| found.is_some()));
        websocket
    }
}
