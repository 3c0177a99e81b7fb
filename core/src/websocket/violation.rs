//! What a server can do wrong on a WebSocket.

use std::time::Duration;

use ::http::StatusCode;

use super::CloseCode;
use crate::http::HeadViolation;

/// How a server broke the WebSocket protocol, or refused it. The WebSocket is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The header section of the answer to the upgrade is broken.
    #[error(transparent)]
    Head(#[from] HeadViolation),
    /// The server answered the upgrade with something other than 101.
    #[error("the upgrade was answered with {}", .0.status)]
    Refused(Box<Refusal>),
    /// The 101 has no `Upgrade: websocket` (RFC 6455 §4.1, step 2).
    #[error("the upgrade is not to websocket")]
    Upgrade,
    /// The 101 has no `Connection: Upgrade` (RFC 6455 §4.1, step 3).
    #[error("the connection is not upgraded")]
    Connection,
    /// `Sec-WebSocket-Accept` is absent or answers another key (RFC 6455 §4.1, step 4).
    #[error("the accept key is absent or wrong")]
    AcceptKey,
    /// The server chose an extension; none was offered (RFC 6455 §4.1, step 5).
    #[error("an extension that was not offered")]
    Extension,
    /// The server chose a subprotocol; none was offered (RFC 6455 §4.1, step 6).
    #[error("a subprotocol that was not offered")]
    Subprotocol,
    /// The server closed the connection before it answered the upgrade.
    #[error("closed before the upgrade was answered")]
    EndedInHandshake,
    /// The server closed the connection without a close frame (close code 1006).
    #[error("closed without a close frame")]
    EndedWithoutClose,
    /// A server's frame is masked (RFC 6455 §5.1).
    #[error("masked frame from a server")]
    MaskedServerFrame,
    /// A reserved bit is set; only an extension could mean something by it (RFC 6455 §5.2).
    #[error("reserved bit set")]
    ReservedBits,
    /// An opcode that means nothing (RFC 6455 §5.2).
    #[error("reserved opcode {opcode:#x}")]
    ReservedOpcode {
        /// The opcode.
        opcode: u8,
    },
    /// A control frame's payload is longer than 125 bytes (RFC 6455 §5.5).
    #[error("control frame of {bytes} bytes exceeds 125 bytes")]
    ControlTooLong {
        /// What its header announces.
        bytes: u64,
    },
    /// A control frame is fragmented (RFC 6455 §5.5).
    #[error("fragmented control frame")]
    FragmentedControl,
    /// A continuation of no message (RFC 6455 §5.4).
    #[error("continuation of no message")]
    UnexpectedContinuation,
    /// A message begins inside another (RFC 6455 §5.4).
    #[error("message inside a fragmented message")]
    InterruptedMessage,
    /// A message is longer than `message_bytes_max`, told by the header of a frame of it.
    #[error("message of {bytes} bytes or more exceeds {bytes_max} bytes")]
    MessageTooLong {
        /// Its bytes, with the frame that was announced last.
        bytes: u64,
        /// The limit.
        bytes_max: usize,
    },
    /// A text message is not UTF-8 (RFC 6455 §8.1).
    #[error("text message is not UTF-8")]
    Utf8,
    /// A close frame of one byte, where a code takes two (RFC 6455 §5.5.1).
    #[error("close frame with half a code")]
    CloseLength,
    /// A close code that may not be sent (RFC 6455 §7.4).
    #[error("invalid close code {code}")]
    CloseCode {
        /// The code.
        code: u16,
    },
    /// The reason of a close frame is not UTF-8 (RFC 6455 §5.5.1).
    #[error("close reason is not UTF-8")]
    CloseReason,
}

/// What a server said that did not upgrade.
///
/// Its body is not waited for: servers leave it empty (Lavalink) or end it only by closing
/// (NodeLink), and what of it has come depends on how the network cut it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status: anything but 101, 200 included.
    pub status: StatusCode,
    /// `Location`, as a redirect gives it; the first 2048 bytes.
    pub location: Option<String>,
    /// `Retry-After`, if it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// `Lavalink-Api-Version`; 0 if it is not a number.
    pub api_version: Option<u32>,
}

impl Violation {
    /// The code that tells the server what it did wrong (RFC 6455 §7.4.1); nothing if there is
    /// no WebSocket to tell it on.
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Head(_)
            | Self::Refused(_)
            | Self::Upgrade
            | Self::Connection
            | Self::AcceptKey
            | Self::Extension
            | Self::Subprotocol
            | Self::EndedInHandshake
            | Self::EndedWithoutClose => None,
            Self::MaskedServerFrame
            | Self::ReservedBits
            | Self::ReservedOpcode { .. }
            | Self::ControlTooLong { .. }
            | Self::FragmentedControl
            | Self::UnexpectedContinuation
            | Self::InterruptedMessage
            | Self::CloseLength
            | Self::CloseCode { .. } => Some(CloseCode::PROTOCOL_ERROR),
            Self::MessageTooLong { .. } => Some(CloseCode::MESSAGE_TOO_BIG),
            Self::Utf8 | Self::CloseReason => Some(CloseCode::INVALID_PAYLOAD),
        }
    }
}
