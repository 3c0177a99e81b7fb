//! [`Limits`] and [`Timing`]: every bound and every delay has a name.

use std::time::Duration;

/// The bounds on memory and work.
///
/// ```
/// use lavapool_core::Limits;
///
/// let limits = Limits { events_max: 512, ..Limits::default() };
/// assert_eq!(limits.message_bytes_max, 16 * 1024 * 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct Limits {
    /// The head of an HTTP response, upgrade answers included. Default 64 KiB.
    pub header_bytes_max: usize,
    /// The body of an HTTP response. Default 64 MiB: large playlists are tens of megabytes.
    pub body_bytes_max: usize,
    /// One WebSocket message, whole. Default 16 MiB.
    pub message_bytes_max: usize,
    /// Commands that wait for an answer. Default 65 536; one more is
    /// [`SubmitError::TooManyCommands`](crate::SubmitError::TooManyCommands). What Discord says is
    /// answered at once, and always taken.
    pub commands_max: usize,
    /// Events that wait to be polled, see [`EventQueue`](crate::EventQueue). Default 8 192.
    pub events_max: usize,
    /// Sockets for players and the session, per node. Default 16.
    pub control_sockets_max: usize,
    /// How many of those may carry a PATCH with voice at once. Default 12.
    pub voice_sockets_max: usize,
    /// Sockets for loading tracks and asking about the node, per node. Default 8.
    pub lookup_sockets_max: usize,
    /// Nodes in the pool, removed ones aside. Default 4 096.
    pub nodes_max: usize,
    /// Players in the pool. Default 1 000 000.
    pub players_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes_max: 64 * 1024,
            body_bytes_max: 64 * 1024 * 1024,
            message_bytes_max: 16 * 1024 * 1024,
            commands_max: 65_536,
            events_max: 8_192,
            control_sockets_max: 16,
            voice_sockets_max: 12,
            lookup_sockets_max: 8,
            nodes_max: 4_096,
            players_max: 1_000_000,
        }
    }
}

/// The delays and deadlines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct Timing {
    /// From asking for a socket to its connection, TLS included. Default 10 s.
    pub connect_deadline: Duration,
    /// From a connected socket to the node's `ready` message. Default 10 s.
    pub ready_deadline: Duration,
    /// Between WebSocket pings. Default 30 s. No byte at all for twice this is
    /// [`Loss::Silent`](crate::node::Loss::Silent).
    pub heartbeat: Duration,
    /// From a ping to its pong. Default 10 s.
    pub pong_deadline: Duration,
    /// How long a connection must stay ready before the reconnect schedule starts over.
    /// Default 10 s.
    pub stable_after: Duration,
    /// From our close frame to the peer's; and before it, when the whole pool closes, to the
    /// answers to what was asked for until then. Default 2 s.
    pub close_deadline: Duration,
    /// How long a lost session that may be resumed is waited for before its players move.
    /// Default 1 s.
    pub resume_grace: Duration,
    /// How long the players of a lost node wait for a healthy one before they count as stranded,
    /// and new players for a session that was configured with its id, since it may turn out to
    /// have them. Default 5 s (Voltricx: Automatic Failover).
    pub healthy_within: Duration,
    /// From the first byte of a REST request to the last of its response. Default 15 s: a real
    /// node needs up to several seconds for a PATCH with voice under load.
    pub request_deadline: Duration,
    /// From `submit` to an answer, through every wait. Default 30 s.
    pub command_deadline: Duration,
    /// How long a play waits for Discord's voice updates. Default 15 s.
    pub voice_deadline: Duration,
    /// How long an idle REST socket is kept. Default 50 s: Lavalink closes it after 60 s.
    pub keep_alive: Duration,
    /// How long a `stopped` end that nobody here asked for is held back, in case the node is
    /// shutting down. Default 5 s.
    pub stopped_grace: Duration,
    /// How long after a voice connection closed Discord's updates may say why; and how long after
    /// a new voice state the end of the old connection may come. Default 5 s.
    pub voice_grace: Duration,
    /// How long a track may play without a voice connection, while all that it needs is there.
    /// Default 15 s.
    pub voice_silence: Duration,
    /// From the payload that joins a voice channel to Discord's two updates. Default 15 s: a
    /// channel that is full or closed to the bot is answered with nothing at all.
    pub join_deadline: Duration,
    /// Between two payloads for Discord's gateway. Default 700 ms: 86 of the 120 that one
    /// connection may send in 60 s (Discord: Gateway, Rate limiting).
    pub gateway_interval: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect_deadline: Duration::from_secs(10),
            ready_deadline: Duration::from_secs(10),
            heartbeat: Duration::from_secs(30),
            pong_deadline: Duration::from_secs(10),
            stable_after: Duration::from_secs(10),
            close_deadline: Duration::from_secs(2),
            resume_grace: Duration::from_secs(1),
            healthy_within: Duration::from_secs(5),
            request_deadline: Duration::from_secs(15),
            command_deadline: Duration::from_secs(30),
            voice_deadline: Duration::from_secs(15),
            keep_alive: Duration::from_secs(50),
            stopped_grace: Duration::from_secs(5),
            voice_grace: Duration::from_secs(5),
            voice_silence: Duration::from_secs(15),
            join_deadline: Duration::from_secs(15),
            gateway_interval: Duration::from_millis(700),
        }
    }
}
