//! Faults that happen once.

use std::time::Duration;

use super::{Accepting, ConnectionId, How, TestNode, frames, messages};

/// Something odd that a node sends on every attached WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// Text that is no JSON.
    MalformedJson,
    /// JSON without `op`.
    WithoutOp,
    /// A message whose `op` nobody knows, as a plugin may send.
    UnknownOp,
    /// An event of this guild whose `type` nobody knows, as a plugin may send.
    UnknownEvent(i64),
    /// An unknown message of this many bytes of text.
    Oversized(usize),
    /// A text frame that is not UTF-8.
    InvalidUtf8,
    /// A text frame with this payload.
    Text(String),
    /// These bytes, framed by the caller.
    Raw(Vec<u8>),
}

impl Disturbance {
    pub(super) fn frame(&self) -> Vec<u8> {
        match self {
            Self::MalformedJson => frames::text("{\"op\":\"playerUpdate\",\"state\":"),
            Self::WithoutOp => frames::text("{\"guildId\":\"1\"}"),
            Self::UnknownOp => frames::text(&messages::unknown_op("unknown op").to_string()),
            Self::UnknownEvent(guild) => frames::text(&messages::unknown_event(*guild).to_string()),
            Self::Oversized(bytes) => {
                frames::text(&messages::unknown_op(&"x".repeat(*bytes)).to_string())
            }
            Self::InvalidUtf8 => frames::raw_text(b"{\"op\":\"\xff\"}"),
            Self::Text(text) => frames::text(text),
            Self::Raw(bytes) => bytes.clone(),
        }
    }
}

impl TestNode {
    /// Sends something odd on every attached WebSocket.
    pub fn disturb(&mut self, what: &Disturbance, now: Duration) {
        self.handle_timeout(now);
        self.send_everywhere(what);
    }

    /// Ends every connection. Sessions stay as after a loss of the network: those that can be
    /// resumed wait for it.
    pub fn drop_connections(&mut self, how: How, now: Duration) {
        self.handle_timeout(now);
        for connection in self.connections() {
            self.end(connection, how);
        }
    }

    /// Closes every WebSocket with a code and a reason.
    pub fn close_websockets(&mut self, code: u16, reason: &str, now: Duration) {
        self.handle_timeout(now);
        for connection in self.websockets() {
            self.send(connection, frames::close_with(code, reason));
            self.end(connection, How::Fin);
        }
    }

    /// Makes every open connection half-open: it stays, and nothing gets through in either
    /// direction. Players play on, as they do until a real server notices.
    pub fn freeze_connections(&mut self, now: Duration) {
        self.handle_timeout(now);
        self.connections
            .values_mut()
            .for_each(super::Connection::freeze);
    }

    /// Lets the node notice that its half-open connections are dead.
    pub fn end_frozen(&mut self, now: Duration) {
        self.handle_timeout(now);
        let frozen = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.is_frozen());
        let frozen: Vec<_> = frozen.map(|(id, _)| *id).collect();
        for connection in frozen {
            self.end(connection, How::Reset);
        }
    }

    /// Kills the process and starts it anew: all connections are reset, all sessions are lost.
    /// Faults, statistics and the log stay; faults belong to the test and not to the process.
    pub fn restart(&mut self, now: Duration) {
        self.unheard.clear();
        self.go_on(now);
        self.drop_connections(How::Reset, now);
        self.end_sessions();
        self.abandoned.clear();
        self.timers.clear();
        self.started_at = self.now;
    }

    /// Ends the process as SIGTERM does: WebSockets are closed with 1001, and no connection is
    /// accepted any more until [`Faults::accepting`](super::Faults::accepting) is set.
    pub fn shut_down(&mut self, now: Duration) {
        self.go_on(now);
        self.close_websockets(1001, "", now);
        self.drop_connections(How::Fin, now);
        self.end_sessions();
        self.abandoned.clear();
        self.timers.clear();
        self.faults.accepting = Accepting::Refuse;
    }

    fn websockets(&self) -> Vec<ConnectionId> {
        let upgraded = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.is_websocket());
        upgraded.map(|(id, _)| *id).collect()
    }
}
