//! What an oracle may look at inside a test node.

use std::time::Duration;

use serde_json::Value;

use super::ConnectionId;

/// A session as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Its id, 16 characters of `[a-z0-9]`.
    pub id: String,
    /// The `User-Id` of the handshake that made it.
    pub user_id: i64,
    /// The `Client-Name` of the handshake that made it.
    pub client_name: Option<String>,
    /// Its WebSocket; none while it is detached and can be resumed.
    pub connection: Option<ConnectionId>,
    /// Whether it outlives its WebSocket.
    pub resuming: bool,
    /// For how long it does, in seconds, as PATCHed.
    pub timeout_s: i64,
    /// When it dies, while detached.
    pub expires_at: Option<Duration>,
    /// The number of messages queued for a resume.
    pub queued: usize,
    /// The guilds with a player, in order.
    pub guilds: Vec<i64>,
}

/// A player as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayerView {
    /// The session that owns it.
    pub session: String,
    /// Its guild.
    pub guild: i64,
    /// What it plays.
    pub track: Option<TrackView>,
    /// What the server reports as position, in milliseconds.
    pub position_ms: i64,
    /// Where in the track that is: [`position_ms`](Self::position_ms) runs at the speed of the
    /// output, this at the speed of the timescale.
    pub content_ms: i64,
    /// Whether it is paused.
    pub paused: bool,
    /// Its volume in percent, 0 to 1000.
    pub volume: i32,
    /// The position at which the track is ended, in milliseconds.
    pub end_time_ms: Option<i64>,
    /// Its filters as the server echoes them.
    pub filters: Value,
    /// The voice state that it was given last.
    pub voice: Option<VoiceState>,
    /// Whether its voice WebSocket is open.
    pub connected: bool,
    /// Whether audio goes out: a track, not paused, and voice that takes frames.
    pub audible: bool,
}

/// What a player plays.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackView {
    /// The blob that the server would send now, with the current position in its last 8 bytes.
    pub encoded: String,
    /// The identifier of the track at its source.
    pub identifier: String,
    /// The title.
    pub title: String,
    /// The length in milliseconds; `i64::MAX` for a stream.
    pub length_ms: i64,
    /// The user data; an empty object if none was given.
    pub user_data: Value,
}

/// The four values that make a voice connection.
#[derive(Clone, PartialEq, Eq)]
pub struct VoiceState {
    /// The token of the voice server update.
    pub token: String,
    /// The endpoint of the voice server update, as sent.
    pub endpoint: String,
    /// The session id of the voice state update.
    pub session_id: String,
    /// The id of the voice channel.
    pub channel_id: String,
}

impl std::fmt::Debug for VoiceState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VoiceState")
            .field("token", &"***")
            .field("endpoint", &self.endpoint)
            .field("session_id", &"***")
            .field("channel_id", &self.channel_id)
            .finish()
    }
}
