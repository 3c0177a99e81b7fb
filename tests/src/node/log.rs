//! What a test node has seen, for oracles to judge.

use std::fmt;
use std::time::Duration;

use super::{ConnectionId, PlayerView};

/// Everything that clients sent to a node since it was made, restarts included.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Every REST request, in the order of arrival.
    pub requests: Vec<RequestRecord>,
    /// Every request to upgrade to a WebSocket, in the order of arrival.
    pub handshakes: Vec<HandshakeRecord>,
    /// Every breach of HTTP or of the WebSocket protocol by a client. A healthy client has none.
    pub violations: Vec<ViolationRecord>,
    /// Counts of WebSocket frames.
    pub frames: FrameCounts,
    /// Every player that is no more, or plays its track no more, as it was just before.
    pub lost: Vec<LostPlayer>,
}

/// A player that is no more, or plays its track no more, though nothing came in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct LostPlayer {
    /// When.
    pub at: Duration,
    /// What became of it.
    pub fate: PlayerFate,
    /// What it was like.
    pub player: PlayerView,
}

/// What became of a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayerFate {
    /// Its session is no more.
    SessionOver,
    /// A client deleted it.
    Deleted,
    /// Its track ended by itself.
    TrackOver,
}

/// One REST request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// When its last byte arrived.
    pub at: Duration,
    /// The connection that it came on.
    pub connection: ConnectionId,
    /// The method, as sent.
    pub method: String,
    /// The path and query, as sent.
    pub target: String,
    /// The header fields.
    pub headers: Headers,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The status of the answer, as soon as there is one.
    pub status: Option<u16>,
    /// When it was answered.
    pub answered_at: Option<Duration>,
}

impl RequestRecord {
    /// Returns the path without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Returns the first value of a query parameter, decoded as a form.
    pub fn query(&self, name: &str) -> Option<String> {
        super::http::query(&self.target, name)
    }
}

/// One request to upgrade to a WebSocket and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeRecord {
    /// When its last byte arrived.
    pub at: Duration,
    /// The connection that it came on.
    pub connection: ConnectionId,
    /// The path and query, as sent.
    pub target: String,
    /// The header fields.
    pub headers: Headers,
    /// The status of the answer.
    pub status: u16,
    /// The id of the session that the WebSocket belongs to, if there is one.
    pub session: Option<String>,
    /// Whether that session was resumed.
    pub resumed: bool,
}

impl HandshakeRecord {
    /// Returns the first value of a header field, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.first(name)
    }
}

/// Header fields as sent, in order. The password among them prints as `***`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// Returns the first value of a field, whatever the case of its name.
    pub fn first(&self, name: &str) -> Option<&str> {
        let is_named = |(field, _): &&(String, String)| field.eq_ignore_ascii_case(name);
        self.0
            .iter()
            .find(is_named)
            .map(|(_, value)| value.as_str())
    }

    /// Tells whether a field lists a token between commas, whatever the case of either.
    pub fn list(&self, name: &str, token: &str) -> bool {
        let named = self
            .0
            .iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name));
        named
            .flat_map(|(_, value)| value.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(token))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.iter().map(|(name, value)| {
            let is_secret = name.eq_ignore_ascii_case("authorization");
            (name, if is_secret { "***" } else { value })
        });
        f.debug_list().entries(shown).finish()
    }
}

/// A breach of protocol with its time and place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViolationRecord {
    /// When it was noticed.
    pub at: Duration,
    /// The connection that it happened on.
    pub connection: ConnectionId,
    /// What the client did.
    pub violation: Violation,
}

/// What a client must never do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// Bytes that are no HTTP request head (RFC 9112 §3).
    MalformedHead,
    /// A request head of more than 64 KiB.
    OversizedHead,
    /// A request target with a raw byte above 0x7e or a broken percent escape.
    MalformedTarget,
    /// A request of HTTP/1.1 without exactly one `Host` (RFC 9112 §3.2).
    MissingHost,
    /// A `Content-Length` that is no number, or one beside `Transfer-Encoding`.
    AmbiguousLength,
    /// Broken chunked framing (RFC 9112 §7.1).
    MalformedChunk,
    /// A body of more than 16 MiB.
    OversizedBody,
    /// A body that the endpoint cannot read: it is no JSON, or lacks a member, or has one of
    /// another type.
    UnreadableBody,
    /// A frame without a mask (RFC 6455 §5.1).
    UnmaskedFrame,
    /// A frame with a reserved bit or opcode, which no extension was agreed for.
    ReservedBits,
    /// A control frame that is fragmented or longer than 125 bytes (RFC 6455 §5.5).
    InvalidControl,
    /// A continuation of nothing, or a new message inside another (RFC 6455 §5.4).
    InvalidContinuation,
    /// A length that does not use the shortest form (RFC 6455 §5.2), or of more than 16 MiB.
    InvalidLength,
    /// Text that is not UTF-8 (RFC 6455 §8.1).
    InvalidUtf8,
    /// A close frame with one byte, or with a code that may not be sent (RFC 6455 §7.4).
    InvalidClose,
    /// Frames after a close frame (RFC 6455 §5.5.1).
    FrameAfterClose,
}

/// How many frames of each kind the clients of a node have sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// Text frames, which a Lavalink v4 server ignores.
    pub text: u64,
    /// Binary frames, which it answers by closing with 1003.
    pub binary: u64,
    /// Pings.
    pub ping: u64,
    /// Pongs, which nothing asked for.
    pub pong: u64,
    /// Close frames.
    pub close: u64,
}
