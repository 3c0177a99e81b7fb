//! The load of a node: [`Stats`].

use serde::{Deserialize, Serialize};

use super::lenient;

/// The load of a node, sent each minute and answered to `GET /v4/stats`.
///
/// Every key may be missing: a missing number is 0, and numbers are brought into range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Stats {
    /// Audio frames of the last minute; none if no player of this session has data of a whole
    /// minute.
    pub frame_stats: Option<FrameStats>,
    /// Players of all sessions on the node.
    #[serde(deserialize_with = "lenient::u32_or_zero")]
    pub players: u32,
    /// Those that have a track and are not paused.
    #[serde(deserialize_with = "lenient::u32_or_zero")]
    pub playing_players: u32,
    /// Milliseconds since the node started.
    #[serde(deserialize_with = "lenient::u64_or_zero")]
    pub uptime: u64,
    /// Memory.
    #[serde(deserialize_with = "lenient::or_default")]
    pub memory: Memory,
    /// Processors.
    #[serde(deserialize_with = "lenient::or_default")]
    pub cpu: Cpu,
}

/// Audio frames of the last minute, on average per player; 3000 is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FrameStats {
    /// Frames sent to Discord.
    #[serde(deserialize_with = "lenient::i32_or_zero")]
    pub sent: i32,
    /// Frames that were due but that the track did not provide.
    #[serde(deserialize_with = "lenient::i32_or_zero")]
    pub nulled: i32,
    /// What lacks to 3000 frames sent or nulled; negative if there were more.
    #[serde(deserialize_with = "lenient::i32_or_zero")]
    pub deficit: i32,
}

/// Memory of a node in bytes; on Lavalink that of the Java heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Memory {
    /// Allocated but not used.
    #[serde(deserialize_with = "lenient::u64_or_zero")]
    pub free: u64,
    /// Used.
    #[serde(deserialize_with = "lenient::u64_or_zero")]
    pub used: u64,
    /// Taken from the system; 0 on NodeLink.
    #[serde(deserialize_with = "lenient::u64_or_zero")]
    pub allocated: u64,
    /// The most that may be taken.
    #[serde(deserialize_with = "lenient::u64_or_zero")]
    pub reservable: u64,
}

/// Processors of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Cpu {
    /// Logical processors.
    #[serde(deserialize_with = "lenient::u32_or_zero")]
    pub cores: u32,
    /// The load of the machine, 0 to 1 on Lavalink; NodeLink sends the load average, which may
    /// exceed 1. Always finite.
    #[serde(deserialize_with = "lenient::f64_or_zero")]
    pub system_load: f64,
    /// The load of the server's own process, 0 to 1. Always finite.
    #[serde(deserialize_with = "lenient::f64_or_zero")]
    pub lavalink_load: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_with_every_key_are_read() {
        let json = r#"{"op":"stats","frameStats":{"sent":2990,"nulled":10,"deficit":-4},
            "players":3,"playingPlayers":2,"uptime":623575,
            "memory":{"free":1,"used":2,"allocated":3,"reservable":4},
            "cpu":{"cores":2,"systemLoad":0.5,"lavalinkLoad":0.25}}"#;
        let expected = Stats {
            frame_stats: Some(FrameStats {
                sent: 2990,
                nulled: 10,
                deficit: -4,
            }),
            players: 3,
            playing_players: 2,
            uptime: 623_575,
            memory: Memory {
                free: 1,
                used: 2,
                allocated: 3,
                reservable: 4,
            },
            cpu: Cpu {
                cores: 2,
                system_load: 0.5,
                lavalink_load: 0.25,
            },
        };
        assert_eq!(serde_json::from_str::<Stats>(json).unwrap(), expected);
        let again = serde_json::to_string(&expected).unwrap();
        assert_eq!(serde_json::from_str::<Stats>(&again).unwrap(), expected);
    }

    #[test]
    fn stats_that_lack_keys_or_hold_odd_values_are_read() {
        let none = Stats::default();
        for json in [
            "{}",
            r#"{"frameStats":null,"memory":null,"cpu":null,"players":null}"#,
        ] {
            assert_eq!(serde_json::from_str::<Stats>(json).unwrap(), none, "{json}");
        }
        let json = r#"{"players":"7","playingPlayers":-1,"uptime":5.5,
            "memory":{"used":-1},"cpu":{"systemLoad":"2.5","lavalinkLoad":null}}"#;
        let cpu = Cpu {
            system_load: 2.5,
            ..Cpu::default()
        };
        let expected = Stats {
            players: 7,
            uptime: 5,
            cpu,
            ..Stats::default()
        };
        assert_eq!(serde_json::from_str::<Stats>(json).unwrap(), expected);
    }
}
