//! [`Outcome`]: what the core understood of a recording, line by line, and what it did not.

use http::StatusCode;
use lavapool_core::Secret;
use lavapool_core::http::Violation as HttpViolation;
use lavapool_core::protocol::{
    DecodeError, Exception, GuildId, PlayerUpdate, Stats, Track, TrackEndReason,
};
use lavapool_core::rest::{Answer, Refusal};
use lavapool_core::websocket::{CloseFrame, Violation as WebSocketViolation};

use super::asked::Asked;
use super::file::LineError;
use super::secrets::Secrets;

/// What the core understood of a recording.
///
/// It prints one line for each entry, without any password, token or session id.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// The lines of the file that say nothing, by their number from 1.
    pub bad_lines: Vec<(usize, LineError)>,
    pub(super) secrets: Secrets,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where it begins in the server's bytes.
    pub offset: usize,
    /// When its first byte came, or the end, in milliseconds of the recording.
    pub t_ms: f64,
    /// What happened.
    pub line: Line,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Line {
    /// An interim response, such as 100.
    Interim {
        /// Its status.
        status: u16,
    },
    /// A response.
    Response(Box<Response>),
    /// The connection ended, or the recording, before a response to this.
    NoAnswer(Asked),
    /// A WebSocket stands.
    Upgraded {
        /// `Session-Resumed`.
        session_resumed: Option<bool>,
        /// `Lavalink-Api-Version`.
        api_version: Option<u32>,
        /// `isNodeLink`.
        is_nodelink: bool,
    },
    /// A text message.
    Message(Box<Message>),
    /// A binary message, of which Lavalink has none.
    Binary {
        /// How long it is.
        bytes: usize,
    },
    /// A ping that the core answered.
    Ping {
        /// The payload of the answer.
        payload: Vec<u8>,
    },
    /// A pong.
    Pong {
        /// Its payload.
        payload: Vec<u8>,
    },
    /// The server's close frame.
    Close(CloseFrame),
    /// Bytes behind the close frame, which are to be dropped (RFC 6455 §1.4).
    Dropped {
        /// How many.
        bytes: usize,
    },
    /// The connection is over.
    Ended(EndedBy),
    /// The connection is over, and the server's close frame never came.
    EndedWithoutClose(EndedBy),
    /// Something that the core does not understand.
    Misunderstood(Misunderstood),
}

/// A response and what it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The request.
    pub asked: Asked,
    /// The status.
    pub status: StatusCode,
    /// Whether the connection takes another request.
    pub reusable: bool,
    /// What it says.
    pub reply: Reply,
}

/// What a response says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// The answer to the request.
    Answer(Answer),
    /// The server says no.
    Refused(Refusal),
    /// No upgrade, whatever the status.
    NotUpgraded(Refusal),
    /// A body in a content coding that the recorded client offered; the core never offers one.
    Encoded {
        /// The coding, such as `br`.
        coding: Box<str>,
        /// The length of the encoded body.
        bytes: usize,
    },
}

/// A text message with everything in it read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Message {
    /// `ready`.
    Ready {
        /// Whether the session is an old one.
        resumed: bool,
        /// Its id.
        session_id: Secret,
    },
    /// `stats`.
    Stats(Stats),
    /// `playerUpdate`.
    PlayerUpdate(PlayerUpdate),
    /// `TrackStartEvent`.
    TrackStart {
        /// The guild.
        guild: GuildId,
        /// The track.
        track: Track,
    },
    /// `TrackEndEvent`.
    TrackEnd {
        /// The guild.
        guild: GuildId,
        /// The track.
        track: Track,
        /// Why.
        reason: TrackEndReason,
    },
    /// `TrackExceptionEvent`.
    TrackException {
        /// The guild.
        guild: GuildId,
        /// The track.
        track: Track,
        /// How it failed.
        exception: Exception,
    },
    /// `TrackStuckEvent`.
    TrackStuck {
        /// The guild.
        guild: GuildId,
        /// The track.
        track: Track,
        /// What the server calls too long, in milliseconds.
        threshold_ms: i64,
    },
    /// `WebSocketClosedEvent`.
    WebSocketClosed {
        /// The guild.
        guild: GuildId,
        /// The close code of the voice connection.
        code: i32,
        /// Discord's reason.
        reason: String,
        /// Whether Discord closed it.
        by_remote: bool,
    },
    /// An event of a type that the core does not know.
    UnknownEvent {
        /// Its guild, if it names one.
        guild: Option<GuildId>,
        /// Its type.
        kind: String,
    },
    /// A message with an `op` that the core does not know.
    Unknown {
        /// Its `op`.
        op: String,
    },
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The server.
    Server {
        /// With an RST rather than a FIN.
        reset: bool,
    },
    /// The recorded client.
    Client {
        /// With an RST rather than a FIN.
        reset: bool,
    },
    /// Nobody: the recording stops.
    Recording,
}

/// What the core did not understand, or rightly refused to.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Misunderstood {
    /// The server broke HTTP. What follows on the connection is not read.
    #[error("HTTP violation: {0}")]
    Http(HttpViolation),
    /// The server broke the WebSocket protocol. What follows on the connection is not read.
    #[error("WebSocket violation: {0}")]
    WebSocket(WebSocketViolation),
    /// The body of a successful response cannot be read.
    #[error("{status} to {asked}: {error}", status = status.as_u16())]
    Body {
        /// The request.
        asked: Asked,
        /// The status.
        status: StatusCode,
        /// Why.
        error: DecodeError,
    },
    /// A text message cannot be read.
    #[error("message of {bytes} bytes: {error}")]
    Message {
        /// How long it is.
        bytes: usize,
        /// Why.
        error: DecodeError,
    },
    /// A response ends in its midst.
    #[error("the answer to {0} is cut short")]
    CutResponse(Asked),
    /// A frame or a fragmented message ends in its midst.
    #[error("the last {bytes} bytes are a message that is cut short")]
    CutMessage {
        /// How much of it is there, headers of frames included.
        bytes: usize,
    },
    /// Bytes behind a response that ended the connection.
    #[error("{bytes} bytes behind the last response")]
    Surplus {
        /// How many.
        bytes: usize,
    },
}

/// Something in a recording that was not understood, and where it is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault<'a> {
    /// A line of the file.
    Line {
        /// Its number from 1.
        number: usize,
        /// What is wrong with it.
        error: LineError,
    },
    /// Bytes of the server.
    Bytes {
        /// Where they begin.
        offset: usize,
        /// When the first of them came, in milliseconds of the recording.
        t_ms: f64,
        /// What was not understood.
        what: &'a Misunderstood,
    },
}

impl Outcome {
    /// What was not understood: nothing of a good recording.
    pub fn faults(&self) -> impl Iterator<Item = Fault<'_>> {
        let lines = self
            .bad_lines
            .iter()
            .map(|&(number, error)| Fault::Line { number, error });
        let bytes = self.entries.iter().filter_map(|entry| match &entry.line {
            Line::Misunderstood(what) => Some(Fault::Bytes {
                offset: entry.offset,
                t_ms: entry.t_ms,
                what,
            }),
            Line::Interim { .. }
            | Line::Response(_)
            | Line::NoAnswer(_)
            | Line::Upgraded { .. }
            | Line::Message(_)
            | Line::Binary { .. }
            | Line::Ping { .. }
            | Line::Pong { .. }
            | Line::Close(_)
            | Line::Dropped { .. }
            | Line::Ended(_)
            | Line::EndedWithoutClose(_) => None,
        });
        lines.chain(bytes)
    }

    /// The lines alone.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.entries.iter().map(|entry| &entry.line)
    }
}
