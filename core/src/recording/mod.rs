//! What a pool was told, as text: the lines of a recording (feature `recording`).
//!
//! The same seed and the same calls give the same bytes, so a file that holds the configuration,
//! the seed and each call with its time is all that it takes to see again what a pool did. The
//! first line of such a file is a [`Header`], and each one after it a [`Line`], in JSON. What came
//! out of the pool stands there too, the bytes it sent as they were and the rest as a [`Trace`],
//! so that a replay can say where it differs.
//!
//! Secrets stand in the text of a call as `{"secret":"…"}`, in voice states under `token` and
//! `sessionId`: a recorder that writes for others' eyes replaces them, there and in the bytes.

mod fields;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use fields::{
    NodeFields, SecretField, SessionFields, YoutubeFields, custom, exact, hex, maybe, method,
};
pub use text::{Bytes, Trace};

use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::config::PoolConfig;
use crate::event::Kinds;
use crate::id::{CommandId, SocketId};
use crate::output::Closed;
use crate::seed::Seed;
use crate::time::Timestamp;

/// The version of the format that this one writes and reads.
pub const VERSION: u32 = 1;

/// Why a recording ends in which everything is that the client did: it has ended itself. All that
/// the pool gave out is in it, and what it still wanted to send.
pub const CLOSED: &str = "closed";

/// The first line of a recording: what the pool was made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Header {
    /// The version of the format, [`VERSION`].
    pub version: u32,
    /// The version of lavapool that wrote it.
    pub lavapool: String,
    /// The seed.
    pub seed: Seed,
    /// The time that [`Pool::new`](crate::Pool::new) was told.
    pub now: Timestamp,
    /// The configuration. A [`Strategy::Custom`](crate::Strategy::Custom) that was read from a
    /// recording knows no node: what it said is in the [`Line::Score`]s.
    pub config: PoolConfig,
}

impl Header {
    /// The header of a pool that begins with these.
    pub fn new(config: PoolConfig, seed: Seed, now: Timestamp) -> Self {
        Self {
            version: VERSION,
            lavapool: env!("CARGO_PKG_VERSION").to_owned(),
            seed,
            now,
            config,
        }
    }
}

/// One line of a recording after the first: a call of the pool, or what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Line {
    /// [`Input::Timeout`](crate::Input::Timeout).
    Timeout {
        /// The time of the call.
        at: Timestamp,
    },
    /// [`Input::Connected`](crate::Input::Connected).
    Connected {
        /// The time of the call.
        at: Timestamp,
        /// The socket.
        socket: SocketId,
    },
    /// [`Input::Received`](crate::Input::Received).
    Received {
        /// The time of the call.
        at: Timestamp,
        /// The socket.
        socket: SocketId,
        /// What came.
        bytes: Bytes,
    },
    /// [`Input::Wrote`](crate::Input::Wrote).
    Wrote {
        /// The time of the call.
        at: Timestamp,
        /// The socket.
        socket: SocketId,
        /// What was taken from [`Pool::outgoing`](crate::Pool::outgoing).
        bytes: Bytes,
    },
    /// [`Input::Closed`](crate::Input::Closed).
    Closed {
        /// The time of the call.
        at: Timestamp,
        /// The socket.
        socket: SocketId,
        /// How it ended.
        why: Closed,
    },
    /// [`Pool::submit_by`](crate::Pool::submit_by), or [`Pool::submit`](crate::Pool::submit) if
    /// there is no deadline.
    Submit {
        /// The time of the call.
        at: Timestamp,
        /// The deadline.
        by: Option<Timestamp>,
        /// The command.
        command: Box<Command>,
    },
    /// What the submit before this was answered with.
    Submitted(Trace),
    /// [`Pool::cancel`](crate::Pool::cancel).
    Cancel {
        /// The time of the call.
        at: Timestamp,
        /// The command.
        command: CommandId,
    },
    /// [`Pool::listen`](crate::Pool::listen).
    Listen {
        /// The kinds.
        kinds: Kinds,
    },
    /// What a [`Strategy::Custom`](crate::Strategy::Custom) said during the call before this, as
    /// the bits of the number.
    Score(Option<u64>),
    /// An [`Output`](crate::Output) that was polled.
    Output(Trace),
    /// An [`Event`](crate::Event) that was polled.
    Event(Trace),
    /// What [`Pool::outgoing`](crate::Pool::outgoing) still had when the client ended, if it had
    /// anything: nobody took it.
    Unsent {
        /// The socket.
        socket: SocketId,
        /// All of it.
        bytes: Bytes,
    },
    /// The end of the recording, and why: [`CLOSED`] if there was nothing more to record.
    End(String),
}
