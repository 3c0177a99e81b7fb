//! Why a connection ended: [`Loss`] is tried again, [`Stopped`] is not.

use std::sync::Arc;

use thiserror::Error;

use crate::output::Closed;
use crate::websocket::Violation;

/// Why a node's WebSocket, or a try to open it, ended.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Loss {
    /// A close frame: Lavalink sends 1001 when it shuts down.
    #[error("closed with code {code}{}{reason}", if reason.is_empty() { "" } else { ": " })]
    Closed {
        /// The close code; 1005 stands for none (RFC 6455 §7.4.1).
        code: u16,
        /// The reason, which may be empty.
        reason: Arc<str>,
        /// Whether the node began it.
        by_remote: bool,
    },
    /// The connection could not be made, or ended without a close frame.
    #[error("{0}")]
    Socket(Closed),
    /// No connection within [`Timing::connect_deadline`](crate::Timing::connect_deadline).
    #[error("no connection within the deadline")]
    ConnectTimedOut,
    /// No `ready` within [`Timing::ready_deadline`](crate::Timing::ready_deadline).
    #[error("connected, but never ready")]
    NeverReady,
    /// No pong, or no byte at all, for too long.
    #[error("the node fell silent")]
    Silent,
    /// The upgrade was answered with a status that is worth another try, such as 404 or 503.
    #[error("the upgrade was answered with status {status}{}", To(.location))]
    UpgradeRefused {
        /// The HTTP status.
        status: u16,
        /// Where a redirect points to. Redirects are reported, not followed.
        location: Option<Arc<str>>,
    },
    /// The node broke the WebSocket protocol.
    #[error("{0}")]
    Violation(Violation),
    /// The node said that the session does not exist.
    #[error("the session is unknown to the node")]
    SessionNotFound,
    /// [`Command::Reconnect`](crate::Command::Reconnect) asked for it.
    #[error("a reconnect was asked for")]
    Requested,
}

impl Loss {
    /// Whether it was us who ended a connection that worked.
    pub(crate) const fn is_ours(&self) -> bool {
        match self {
            Self::Requested | Self::SessionNotFound => true,
            Self::Closed { .. }
            | Self::Socket(_)
            | Self::ConnectTimedOut
            | Self::NeverReady
            | Self::Silent
            | Self::UpgradeRefused { .. }
            | Self::Violation(_) => false,
        }
    }
}

impl Loss {
    /// Whether it came about before it was noticed. A peer that closed or reset lived until then,
    /// if no report was overdue; one that fell silent, or lost the session, is known to have played
    /// until its last byte.
    pub(crate) const fn is_late(&self) -> bool {
        matches!(self, Self::Silent | Self::SessionNotFound)
    }

    /// Whether a close frame is owed to the peer, or was prepared for it.
    pub(crate) const fn is_spoken(&self) -> bool {
        matches!(self, Self::Closed { .. } | Self::Violation(_)) || self.is_ours()
    }
}

/// Why a node is not dialled any more, until
/// [`Command::Reconnect`](crate::Command::Reconnect).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Stopped {
    /// 401: the password is wrong.
    #[error("the password is wrong (401)")]
    Unauthorized,
    /// 403: the client may not connect from here.
    #[error("access is forbidden (403)")]
    Forbidden,
    /// 400: the handshake lacks something, as with a user id of 0, or behind a reverse proxy that
    /// does not pass `Upgrade` on.
    #[error("the handshake was refused as a bad request (400)")]
    BadRequest,
    /// 200 instead of 101, or another version of the API.
    #[error("the server does not speak version 4 of Lavalink's api{}", Version(.version))]
    Incompatible {
        /// The `Lavalink-Api-Version` header, if there was one.
        version: Option<u32>,
    },
    /// [`ReconnectPolicy::retries`](crate::node::ReconnectPolicy::retries) tries failed.
    #[error("gave up after {attempts} tries: {last}")]
    GaveUp {
        /// How many tries there were.
        attempts: u32,
        /// Why the last of them failed.
        last: Box<Loss>,
    },
    /// The node was removed, or the pool is closed.
    #[error("it was closed")]
    Closed,
}

struct To<'a>(&'a Option<Arc<str>>);

impl std::fmt::Display for To<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .as_ref()
            .map_or(Ok(()), |location| write!(f, ", which points to {location}"))
    }
}

struct Version<'a>(&'a Option<u32>);

impl std::fmt::Display for Version<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .map_or(Ok(()), |version| write!(f, " but version {version}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Closed;

    #[test]
    fn a_peer_that_is_gone_or_silent_is_owed_no_close_frame() {
        for loss in [Loss::Silent, Loss::Socket(Closed::Reset)] {
            assert!(!loss.is_spoken(), "{loss}");
        }
        for loss in [Loss::Requested, Loss::SessionNotFound] {
            assert!(loss.is_spoken(), "{loss}");
        }
    }
}
