//! What passes between the pool and its driver: [`Input`] and [`Output`].

use thiserror::Error;

use crate::command::Answer;
use crate::endpoint::Endpoint;
use crate::error::RequestError;
use crate::failure::{DialFailure, ProxyFailure, TlsFailure};
use crate::gateway::GatewayPayload;
use crate::id::{CommandId, SocketId};

/// What happened in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// The moment of [`Pool::poll_timeout`](crate::Pool::poll_timeout) has come. Harmless at any
    /// other moment.
    Timeout,
    /// The socket of an [`Output::Connect`] is connected, TLS included.
    Connected(SocketId),
    /// Bytes came, in order, cut anywhere. Never empty: the end of a stream is
    /// [`Input::Closed`].
    Received(SocketId, &'a [u8]),
    /// This many bytes were taken off [`Pool::outgoing`](crate::Pool::outgoing).
    Wrote(SocketId, usize),
    /// The socket could not be connected, or is gone. Nothing more comes from it, and no
    /// [`Output::Close`] follows.
    Closed(SocketId, Closed),
}

/// How a socket ended, or why it never began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Closed {
    /// The peer ended its direction in good order.
    #[error("the connection ended")]
    EndOfStream,
    /// The peer reset the connection.
    #[error("the connection was reset")]
    Reset,
    /// Nobody listens there.
    #[error("the connection was refused")]
    Refused,
    /// The network does not reach the address.
    #[error("the host cannot be reached")]
    Unreachable,
    /// The operating system gave up waiting.
    #[error("the connection timed out")]
    TimedOut,
    /// The name has no address.
    #[error("the host name does not resolve")]
    NameNotFound,
    /// The name could not be looked up, which says nothing of whether it is there: no resolver
    /// answered, for one. Most systems tell a driver only in the text of an error that there is no
    /// such name; a text that it does not know is [`Closed::LookupFailed`].
    #[error("the host name could not be looked up")]
    LookupFailed,
    /// The operating system forbids it: a firewall of this machine, a sandbox, or the permissions
    /// of a Unix socket.
    #[error("the system does not permit the connection")]
    Denied,
    /// The endpoint asks for TLS and the driver has none.
    #[error("the driver was built without tls")]
    TlsUnavailable,
    /// TLS could not be agreed on, or broke.
    #[error("{0}")]
    Tls(TlsFailure),
    /// The proxy before the node did not let the connection through.
    #[error("{0}")]
    Proxy(ProxyFailure),
    /// A Unix socket is to be used, and the driver has none.
    #[error("the driver has no unix sockets")]
    UnixUnavailable,
    /// Any other failure of the operating system.
    #[error("the connection failed")]
    Failed,
}

impl From<DialFailure> for Closed {
    fn from(failure: DialFailure) -> Self {
        match failure {
            DialFailure::Failed => Self::Failed,
            DialFailure::LookupFailed => Self::LookupFailed,
            DialFailure::NameNotFound => Self::NameNotFound,
            DialFailure::Unreachable => Self::Unreachable,
            DialFailure::Denied => Self::Denied,
            DialFailure::TimedOut => Self::TimedOut,
            DialFailure::Reset => Self::Reset,
            DialFailure::Refused => Self::Refused,
        }
    }
}

/// What the driver must do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Open a connection; [`Input::Connected`] or [`Input::Closed`] follows. The deadline is the
    /// pool's own timer.
    Connect(SocketId, Endpoint),
    /// Close the socket once what was taken from it is written, and forget it. Input that names
    /// it later is dropped.
    Close(SocketId),
    /// [`Pool::outgoing`](crate::Pool::outgoing) has bytes for this socket. Given once, and again
    /// only after all of them were taken.
    Write(SocketId),
    /// Send this on the shard of its guild: the pool wants the bot to join or leave a channel.
    Gateway(GatewayPayload),
    /// The answer to a command. Each command has exactly one, unless it was cancelled.
    Answer(CommandId, Result<Answer, RequestError>),
}
