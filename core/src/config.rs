//! [`PoolConfig`]: everything a pool is told before it starts.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::error::ConfigError;
use crate::limits::{Limits, Timing};
use crate::node::{NodeConfig, ReconnectPolicy};
use crate::pool::Strategy;
use crate::protocol::UserId;
use crate::region::RegionMap;

/// Everything a pool is told before it starts.
///
/// ```
/// use lavapool_core::node::NodeConfig;
/// use lavapool_core::protocol::UserId;
/// use lavapool_core::PoolConfig;
///
/// let mut config = PoolConfig::new(UserId::new(170939974227541168).unwrap());
/// config.nodes.push(NodeConfig::new("main", "localhost:2333", "youshallnotpass")?);
/// # Ok::<(), lavapool_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PoolConfig {
    /// The bot's own id, sent as `User-Id`.
    pub user_id: UserId,
    /// Sent as `Client-Name`, of the form `NAME/VERSION`. Default `lavapool/` and its version.
    pub client_name: String,
    /// The nodes to begin with, in the order that breaks ties.
    pub nodes: Vec<NodeConfig>,
    /// How a node is chosen. Default [`Strategy::Penalty`].
    pub strategy: Strategy,
    /// Whether and for how long a node keeps the session of a lost connection. Default 60 s;
    /// `None` switches resuming off (Lavalink: Session resuming).
    pub resume_for: Option<Duration>,
    /// When a lost node is dialled again.
    pub reconnect: ReconnectPolicy,
    /// What becomes of players in a resumed session that nobody here knows. Default: adopted.
    pub strangers: Strangers,
    /// Whether a player moves back when the node that it was lost from is ready again.
    /// Default off.
    pub return_home: bool,
    /// How many results of [`Command::FetchTracks`](crate::Command::FetchTracks) are kept. Full,
    /// the cache gives up the one that was used least often (RevvLink: Cache). A result is one
    /// entry, however long its playlist is. Default `None`: none, as 0 is; more than 2^32 - 1 is
    /// as much as that.
    pub cache_capacity: Option<usize>,
    /// How long a result is kept after a node answered it, used or not. Default 1 h: a playlist
    /// that its owner changes is seen as it was for at most that long.
    pub cache_for: Duration,
    /// Whether the pool joins a voice channel again by itself when the connection there fails,
    /// see [`VoiceCloseCode`](crate::VoiceCloseCode). Default: it does. It asks for that with
    /// [`Output::Gateway`](crate::Output::Gateway) and without anybody who sends those payloads
    /// nothing comes of it but events.
    pub rejoin: Option<Rejoin>,
    /// What becomes of the player of a guild whose voice channel the bot left, or was made to
    /// leave. Default: it is kept, and goes on when the bot joins again.
    pub on_leave: Fate,
    /// How long a player may have no track, or only itself to play to, before it counts as
    /// inactive. Default 300 s; `None` for ever. See
    /// [`Event::PlayerInactive`](crate::Event::PlayerInactive).
    pub inactive_after: Option<Duration>,
    /// What becomes of an inactive player. Default: it is kept.
    pub on_inactive: Fate,
    /// The regions of Discord's voice servers.
    pub regions: RegionMap,
    /// The bounds.
    pub limits: Limits,
    /// The delays and deadlines.
    pub timing: Timing,
}

/// What becomes of players in a resumed session that nobody here knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub enum Strangers {
    /// They become players of the pool.
    #[default]
    Adopt,
    /// They are destroyed.
    Destroy,
}

/// What becomes of a player that nobody may need any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub enum Fate {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is destroyed, and the bot leaves its voice channel if it is in one.
    Destroy,
}

/// How the pool joins a voice channel again.
///
/// ```
/// use lavapool_core::Rejoin;
///
/// let rejoin = Rejoin { self_deaf: true, ..Rejoin::default() };
/// assert_eq!(rejoin.tries, 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct Rejoin {
    /// How often in a row, before it gives up. Default 5. A connection that holds for a minute
    /// begins a new row.
    pub tries: u32,
    /// Whether the bot shows itself as muted in a channel that it did not join with
    /// [`Command::Join`](crate::Command::Join), which says so itself. Default no.
    pub self_mute: bool,
    /// The same for deaf. Default no.
    pub self_deaf: bool,
}

impl Default for Rejoin {
    fn default() -> Self {
        Self {
            tries: 5,
            self_mute: false,
            self_deaf: false,
        }
    }
}

impl PoolConfig {
    /// The defaults, for the bot with this id, without any node yet.
    pub fn new(user_id: UserId) -> Self {
        Self {
            user_id,
            client_name: concat!("lavapool/", env!("CARGO_PKG_VERSION")).to_owned(),
            nodes: Vec::new(),
            strategy: Strategy::default(),
            resume_for: Some(Duration::from_secs(60)),
            reconnect: ReconnectPolicy::default(),
            strangers: Strangers::default(),
            return_home: false,
            cache_capacity: None,
            cache_for: Duration::from_secs(60 * 60),
            rejoin: Some(Rejoin::default()),
            on_leave: Fate::default(),
            inactive_after: Some(Duration::from_secs(300)),
            on_inactive: Fate::default(),
            regions: RegionMap::default(),
            limits: Limits::default(),
            timing: Timing::default(),
        }
    }

    /// Checks everything that can be known to be wrong before the start.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if !is_client_name(&self.client_name) {
            return Err(ConfigError::InvalidClientName);
        }
        let limits = &self.limits;
        for (limit, value, min) in [
            ("header_bytes_max", limits.header_bytes_max, 1024),
            ("body_bytes_max", limits.body_bytes_max, 1024),
            ("message_bytes_max", limits.message_bytes_max, 1024),
            ("commands_max", limits.commands_max, 1),
            ("events_max", limits.events_max, 1),
            ("control_sockets_max", limits.control_sockets_max, 2),
            ("voice_sockets_max", limits.voice_sockets_max, 1),
            ("lookup_sockets_max", limits.lookup_sockets_max, 1),
            ("players_max", limits.players_max, 1),
        ] {
            if value < min {
                return Err(ConfigError::LimitTooSmall { limit, min });
            }
        }
        if self.nodes.len() > limits.nodes_max {
            return Err(ConfigError::TooManyNodes {
                max: limits.nodes_max,
            });
        }
        let mut names = BTreeSet::new();
        match self.nodes.iter().find(|node| !names.insert(node.name())) {
            Some(node) => Err(ConfigError::DuplicateName {
                name: node.name().clone(),
            }),
            None => Ok(()),
        }
    }
}

/// `NAME/VERSION`, optionally with a comment in parentheses (NodeLink refuses anything else).
fn is_client_name(text: &str) -> bool {
    let printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let parts = text
        .split_once('/')
        .map(|(name, rest)| (name, rest.split(' ').next()));
    printable
        && matches!(parts, Some((name, Some(version)))
            if !name.is_empty() && !name.contains(' ') && !version.is_empty())
}
