//! The numbers of `stats` messages and `GET /v4/stats`.

use serde_json::{Value, json};

use super::{TestNode, millis_u64};

/// What a node reports about itself beside its players. Tests set it as they like.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeStats {
    /// The number of cores.
    pub cores: i32,
    /// The load of the system, 0 to 1.
    pub system_load: f64,
    /// The load of the process, 0 to 1.
    pub lavalink_load: f64,
    /// Free heap in bytes.
    pub free: i64,
    /// Used heap in bytes.
    pub used: i64,
    /// Allocated heap in bytes.
    pub allocated: i64,
    /// The most that the heap can grow to, in bytes.
    pub reservable: i64,
    /// Frame statistics; a real server sends `null` for a session without two minutes of
    /// uninterrupted audio, and always in `GET /v4/stats`.
    pub frames: Option<FrameStats>,
    /// Players and playing players, in place of the counted ones.
    pub players: Option<(i32, i32)>,
}

/// Audio frames of the last full minute, per player on average; 3000 are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameStats {
    /// Frames sent.
    pub sent: i32,
    /// Polls that found no frame.
    pub nulled: i32,
    /// Frames missing; negative if there were too many.
    pub deficit: i32,
}

impl Default for NodeStats {
    fn default() -> Self {
        Self {
            cores: 2,
            system_load: 0.0,
            lavalink_load: 0.0,
            free: 23_345_416,
            used: 39_569_144,
            allocated: 62_914_560,
            reservable: 268_435_456,
            frames: None,
            players: None,
        }
    }
}

impl TestNode {
    /// Builds the `stats` object; `op` and frame statistics are in WebSocket messages only.
    pub(super) fn stats_json(&self, is_message: bool) -> Value {
        let stats = &self.stats;
        let attached = self
            .sessions
            .values()
            .filter(|session| session.is_attached());
        let counts = attached.map(super::Session::counts);
        let counted = counts.fold((0, 0), |sum, (all, playing)| (sum.0 + all, sum.1 + playing));
        let (players, playing) = stats.players.unwrap_or(counted);
        let frames = stats.frames.filter(|_| is_message).map(|frames| {
            json!({"sent": frames.sent, "nulled": frames.nulled, "deficit": frames.deficit})
        });
        let mut message = json!({
            "op": "stats",
            "frameStats": frames,
            "players": players,
            "playingPlayers": playing,
            "uptime": millis_u64(self.now.saturating_sub(self.started_at)),
            "memory": {
                "free": stats.free,
                "used": stats.used,
                "allocated": stats.allocated,
                "reservable": stats.reservable,
            },
            "cpu": {
                "cores": stats.cores,
                "systemLoad": stats.system_load,
                "lavalinkLoad": stats.lavalink_load,
            },
        });
        if !is_message && let Some(object) = message.as_object_mut() {
            object.shift_remove("op");
        }
        message
    }
}
