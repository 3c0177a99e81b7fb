//! [`Incoming`]: what came from the server.

use std::fmt;

use super::{CloseFrame, Upgraded};

/// What came from the server.
#[derive(Clone, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// The server upgraded the connection: messages follow.
    Accepted(Upgraded),
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// The payload of a pong, asked for or not.
    Pong(&'a [u8]),
    /// The server's close frame; an answer to it is pending, unless it is itself the answer to
    /// [`WebSocket::close`](super::WebSocket::close).
    Closed(CloseFrame),
}

impl fmt::Debug for Incoming<'_> {
    /// Messages stay hidden but for their length: `ready` holds the session id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(upgraded) => f.debug_tuple("Accepted").field(upgraded).finish(),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Self::Pong(payload) => f.debug_tuple("Pong").field(payload).finish(),
            Self::Closed(frame) => f.debug_tuple("Closed").field(frame).finish(),
        }
    }
}
