//! What can go wrong, in closed lists: before the start ([`ConfigError`]), at a call
//! ([`SubmitError`]) and as an answer ([`RequestError`]).

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::node::{Loss, NodeRef, Stopped};
use crate::protocol::plugins::KnownPlugin;
use crate::protocol::{DecodeError, Exception};

/// A configuration that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URI of a node does not parse.
    #[error("the node's uri is malformed: {reason}")]
    InvalidUri {
        /// What is wrong with it; the text itself may hold a password.
        reason: &'static str,
    },
    /// A node without a name.
    #[error("a node needs a name")]
    EmptyName,
    /// Two nodes of one pool share a name.
    #[error("two nodes are called {name:?}")]
    DuplicateName {
        /// The name.
        name: Arc<str>,
    },
    /// A header that HTTP does not allow, or that belongs to the handshake.
    #[error("the header {name:?} cannot be sent")]
    InvalidHeader {
        /// The name of the header; its value may be a secret.
        name: String,
    },
    /// A password with a character that a header cannot carry.
    #[error("the password of {name:?} holds a character that a header cannot carry")]
    InvalidPassword {
        /// The name of the node.
        name: Arc<str>,
    },
    /// A session id with a character that a header cannot carry.
    #[error("the session id for {name:?} holds a character that a header cannot carry")]
    InvalidSessionId {
        /// The name of the node.
        name: Arc<str>,
    },
    /// A client name that is not `NAME/VERSION`.
    #[error("the client name is not of the form NAME/VERSION")]
    InvalidClientName,
    /// A time between pings that would keep a node busy with nothing else.
    #[error("the heartbeat must be at least {min:?}")]
    HeartbeatTooShort {
        /// The shortest that works.
        min: Duration,
    },
    /// A bound that leaves no room for work.
    #[error("{limit} must be at least {min}")]
    LimitTooSmall {
        /// The name of the bound in [`Limits`](crate::Limits).
        limit: &'static str,
        /// The smallest value that works.
        min: usize,
    },
    /// More nodes than [`Limits::nodes_max`](crate::Limits::nodes_max).
    #[error("more than {max} nodes")]
    TooManyNodes {
        /// The bound.
        max: usize,
    },
}

/// A command that is refused at once.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// [`Limits::commands_max`](crate::Limits::commands_max) commands wait already.
    #[error("{max} commands wait for an answer already")]
    TooManyCommands {
        /// The bound.
        max: usize,
    },
    /// [`Limits::players_max`](crate::Limits::players_max) players exist already.
    #[error("{max} players exist already")]
    TooManyPlayers {
        /// The bound.
        max: usize,
    },
    /// The node is not in the pool, or not any more.
    #[error("there is no such node")]
    NoSuchNode,
    /// There is no player for the guild.
    #[error("there is no player for this guild")]
    NoSuchPlayer,
    /// The node's configuration cannot work, or its name is taken.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The filters hold a value that the server accepts and then fails on.
    #[error(transparent)]
    Filters(#[from] crate::protocol::FilterError),
    /// User data that is not a JSON object, or that holds the reserved member `lavapool`.
    #[error("user data must be a JSON object without the member \"lavapool\"")]
    InvalidUserData,
    /// An end time of zero.
    #[error("the end time must be later than zero")]
    InvalidEndTime,
    /// The pool is closing or closed.
    #[error("the pool is closed")]
    Closed,
}

/// Why a command's answer is not the one that was hoped for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The node refused what was asked. The fields of the command are as they were before it.
    #[error("the node refused the request with {status}{}", Detail(.message))]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The node's own words.
        message: Option<Arc<str>>,
    },
    /// Every field of the command was set again before it was sent.
    #[error("a later command set the same fields")]
    Superseded,
    /// Something plays, and the update was told not to replace it.
    #[error("something plays already")]
    NotReplaced,
    /// The node does not have the plugin, or of several none has. A wish of
    /// [`Command::Plugin`](crate::Command::Plugin) stays all the same, for the next node.
    #[error("the node does not have the plugin {plugin}")]
    PluginMissing {
        /// The plugin.
        plugin: KnownPlugin,
    },
    /// Discord's voice updates did not come in time; the play is taken back.
    #[error("no voice connection within the deadline")]
    VoiceTimeout,
    /// Two nodes refused the track; the player has none now.
    #[error("the track cannot be played")]
    TrackUnplayable,
    /// The player was destroyed before its state was sent.
    #[error("the player was destroyed")]
    Destroyed,
    /// Not confirmed, but kept: the command's fields are applied when a node takes the player.
    #[error("not confirmed yet: {0}")]
    Unconfirmed(Unconfirmed),
    /// No node is connected that could answer.
    #[error("no node is available")]
    NoNode,
    /// The node could not answer: the cause, and whether it has seen the request is unknown.
    #[error("the node did not answer: {0}")]
    NodeFailed(NodeFailure),
    /// The tracks of a query did not come.
    #[error("{node} did not load the tracks: {cause}")]
    FetchFailed {
        /// The last node that was asked.
        node: NodeRef,
        /// What it did instead.
        cause: FetchFailure,
    },
    /// An answer that is not Lavalink's.
    #[error("the answer does not decode: {0}")]
    Undecodable(DecodeError),
    /// The node refuses the client, or is no Lavalink v4; it is not dialled any more.
    #[error("{node} refuses the connection: {cause}")]
    Refused {
        /// The node's name.
        node: Arc<str>,
        /// Why it is not dialled any more.
        cause: Stopped,
    },
    /// The deadline of a connect passed; the node is still being dialled.
    #[error("{node} is not connected yet{}", Cause(.last))]
    NotConnected {
        /// The node's name.
        node: Arc<str>,
        /// Why the latest try failed.
        last: Option<Loss>,
    },
    /// The node was removed from the pool.
    #[error("the node was removed")]
    NodeRemoved,
    /// The pool was closed.
    #[error("the pool is closed")]
    Closed,
}

/// What an [`RequestError::Unconfirmed`] command waited for last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unconfirmed {
    /// The node's answer.
    #[error("the node has not answered within the deadline")]
    Deadline,
    /// Discord's voice updates.
    #[error("discord's voice updates have not come")]
    Voice,
    /// A healthy node to put the player on.
    #[error("no node is connected")]
    NoNode,
    /// The client was closed first.
    #[error("the client was closed first")]
    Closing,
}

/// How a node failed to answer a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NodeFailure {
    /// No complete answer within the deadline.
    #[error("no answer within the deadline")]
    TimedOut,
    /// The connection could not be made or was lost.
    #[error("the connection was lost")]
    ConnectionLost,
    /// A gateway or the node itself answered 502, 503 or 504.
    #[error("it answered {status}")]
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
    /// What came is not HTTP, or not Lavalink's, such as a page of a proxy's.
    #[error("its answer broke the protocol")]
    ProtocolViolation,
    /// The session ended before the answer.
    #[error("its session ended")]
    SessionLost,
}

impl NodeFailure {
    /// Whether it says nothing of what was asked: the same may be done later.
    pub(crate) const fn may_pass(self) -> bool {
        match self {
            Self::Unavailable { status } => is_unavailable(status),
            Self::TimedOut | Self::ConnectionLost | Self::ProtocolViolation | Self::SessionLost => {
                true
            }
        }
    }
}

/// Whether a status says that a node, or what is before it, cannot answer at the moment, and
/// nothing of what was asked.
pub(crate) const fn is_unavailable(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

/// How the tracks of a query did not come.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FetchFailure {
    /// The node tried, and loading failed (`loadType` is `error`).
    #[error("loading failed{}", Message(.0))]
    LoadFailed(Arc<Exception>),
    /// The node refused the request.
    #[error("it answered {status}{}", Detail(.message))]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The node's own words.
        message: Option<Arc<str>>,
    },
    /// The node did not answer, nor did others that were asked before it.
    #[error("{0}")]
    NodeFailed(NodeFailure),
    /// An answer that is not Lavalink's.
    #[error("the answer does not decode: {0}")]
    Undecodable(DecodeError),
}

struct Message<'a>(&'a Exception);

impl std::fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

struct Detail<'a>(&'a Option<Arc<str>>);

impl std::fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .as_ref()
            .map_or(Ok(()), |message| write!(f, ": {message}"))
    }
}

struct Cause<'a>(&'a Option<Loss>);

impl std::fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |loss| write!(f, ": {loss}"))
    }
}
