//! [`CloseCode`] and [`CloseFrame`] (RFC 6455 §7).

use std::fmt;

use super::Violation;
use super::frame::{CONTROL_BYTES_MAX, Payload};

/// A close code that may stand in a close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999.
///
/// ```
/// use lavapool_core::websocket::CloseCode;
///
/// assert_eq!(CloseCode::new(1001), Some(CloseCode::GOING_AWAY));
/// assert_eq!(CloseCode::new(1006), None);
/// assert_eq!(CloseCode::GOING_AWAY.get(), 1001);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

/// How a peer closed the WebSocket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why, unless the frame is empty (close code 1005).
    pub code: Option<CloseCode>,
    /// Why, in the peer's words; at most 123 bytes, often empty.
    pub reason: String,
}

impl CloseCode {
    /// The purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The server shuts down: Lavalink's answer to SIGTERM.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// The peer sent a kind of message that is not accepted: Lavalink's answer to binary.
    pub const UNSUPPORTED: Self = Self(1003);
    /// The peer sent text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// The peer broke a rule that has no code of its own.
    pub const POLICY: Self = Self(1008);
    /// The peer sent a message that is too long.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// The server failed: Lavalink's answer to a user id that it cannot read.
    pub const INTERNAL_ERROR: Self = Self(1011);

    /// The code of this number, if it may be sent (RFC 6455 §7.4, IANA: WebSocket close codes).
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// Its number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl CloseFrame {
    /// Reads the payload of a close frame.
    pub(super) fn read(payload: &[u8]) -> Result<Self, Violation> {
        let Some((code, reason)) = payload.split_first_chunk() else {
            return if payload.is_empty() {
                Ok(Self::default())
            } else {
                Err(Violation::CloseLength)
            };
        };
        let code = u16::from_be_bytes(*code);
        let code = CloseCode::new(code).ok_or(Violation::CloseCode { code })?;
        let reason = std::str::from_utf8(reason).map_err(|_| Violation::CloseReason)?;
        Ok(Self {
            code: Some(code),
            reason: reason.to_owned(),
        })
    }
}

/// The payload of a close frame; a reason needs a code, and is cut to what fits.
pub(super) fn payload(code: Option<CloseCode>, reason: &str) -> Payload {
    let Some(code) = code else {
        return Payload::EMPTY;
    };
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let mut payload = Payload::new(&code.get().to_be_bytes());
    payload.append(reason.get(..end).unwrap_or_default().as_bytes());
    payload
}

/// What a control frame may hold, less the code.
const REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;
