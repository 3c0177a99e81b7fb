//! What the application may like to know: [`Event`].

use std::sync::Arc;
use std::time::Duration;

use crate::gateway::GatewayPayload;
use crate::node::{Loss, NodeRef, Status, Stopped};
use crate::protocol::plugins::PluginEvent;
use crate::protocol::{
    ChannelId, DecodeError, Exception, GuildId, RawJson, Stats, Track, TrackEndReason,
};
use crate::voice_code::VoiceTrouble;

/// What the application may like to know.
///
/// Events of one guild come in the order in which its node sent them. What is stale (from a
/// session, a node or a play that the player has left) is not handed out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A node is ready for players.
    NodeReady {
        /// The node.
        node: NodeRef,
        /// Whether its earlier session goes on.
        resumed: bool,
    },
    /// A ready node was lost.
    NodeDisconnected {
        /// The node.
        node: NodeRef,
        /// Why: [`Loss::Closed`] has the code, the reason and who closed.
        loss: Loss,
    },
    /// A node will be dialled again.
    NodeReconnecting {
        /// The node.
        node: NodeRef,
        /// The number of the try; 0 is the first after a loss.
        attempt: u32,
        /// When, from now.
        delay: Duration,
        /// Why the connection, or the try before, ended.
        loss: Loss,
    },
    /// A node is not dialled any more.
    NodeStopped {
        /// The node.
        node: NodeRef,
        /// Why.
        cause: Stopped,
    },
    /// The status of a node changed. The event that says why is beside it.
    NodeStatus {
        /// The node.
        node: NodeRef,
        /// What it was doing; [`Status::Disconnected`] before it was dialled for the first time.
        old: Status,
        /// What it is doing.
        new: Status,
    },
    /// The [`Strategy::Custom`](crate::Strategy::Custom) had no score for a node, or panicked: the
    /// choice was made by [`Strategy::Penalty`](crate::Strategy::Penalty).
    StrategyFailed {
        /// The node.
        node: NodeRef,
    },
    /// A node reported its load.
    NodeStats {
        /// The node.
        node: NodeRef,
        /// The report.
        stats: Stats,
    },
    /// A region label that names no region, said once per node.
    UnknownRegion {
        /// The node.
        node: NodeRef,
        /// Its label.
        label: Arc<str>,
    },
    /// A player's position, as its node reports it about every five seconds.
    PlayerUpdate {
        /// The guild.
        guild: GuildId,
        /// The position on the server's clock.
        position: Duration,
        /// Whether the node has a voice connection.
        connected: bool,
        /// The round trip to the voice server.
        ping: Option<Duration>,
    },
    /// A track began. Told once for each play: neither a move, nor a node that is made to begin it
    /// again, starts anything.
    TrackStart {
        /// The guild.
        guild: GuildId,
        /// The track.
        track: Arc<Track>,
    },
    /// A track ended.
    TrackEnd {
        /// The guild.
        guild: GuildId,
        /// The track.
        track: Arc<Track>,
        /// Why; [`TrackEndReason::may_start_next`] says whether a queue should go on.
        reason: TrackEndReason,
    },
    /// A track failed; its end follows, but not always (protocol notes: without voice it does
    /// not).
    TrackException {
        /// The guild.
        guild: GuildId,
        /// The track.
        track: Arc<Track>,
        /// What happened.
        exception: Arc<Exception>,
    },
    /// A track gives no audio.
    TrackStuck {
        /// The guild.
        guild: GuildId,
        /// The track.
        track: Arc<Track>,
        /// For how long.
        threshold: Duration,
    },
    /// The voice connection of a player closed.
    VoiceClosed {
        /// The guild.
        guild: GuildId,
        /// Discord's close code; [`VoiceCloseCode`](crate::VoiceCloseCode) says what it means.
        code: i32,
        /// Discord's reason, which may be empty.
        reason: Arc<str>,
        /// Whether Discord closed it.
        by_remote: bool,
    },
    /// Discord's voice server did not answer the node: the voice connection is dropped, and the
    /// player goes on when the bot has joined the channel again.
    VoiceFailed {
        /// The guild.
        guild: GuildId,
    },
    /// The pool joins a voice channel again, because its connection there failed; the payload is
    /// an [`Event::Gateway`] to come.
    VoiceRejoining {
        /// The guild.
        guild: GuildId,
        /// The channel.
        channel: ChannelId,
        /// The number of the try, from 1.
        attempt: u32,
        /// When, from now.
        delay: Duration,
        /// What is wrong.
        trouble: VoiceTrouble,
    },
    /// The pool does nothing more about a failed voice connection: the player goes on when the
    /// application has the bot join again.
    VoiceLost {
        /// The guild.
        guild: GuildId,
        /// What is wrong.
        trouble: VoiceTrouble,
    },
    /// Discord did not answer when the bot joined a channel: it may be full, or closed to the
    /// bot, or the payload was not sent.
    VoiceJoinTimedOut {
        /// The guild.
        guild: GuildId,
        /// The channel.
        channel: ChannelId,
    },
    /// The bot is in no channel of the guild any more: it left, or was made to.
    VoiceLeft {
        /// The guild.
        guild: GuildId,
        /// Whether its player is destroyed because of that, see
        /// [`PoolConfig::on_leave`](crate::PoolConfig::on_leave).
        destroyed: bool,
    },
    /// For the shard of its guild to send, as [`Output::Gateway`](crate::Output::Gateway) has it:
    /// take it from one of the two.
    Gateway(GatewayPayload),
    /// A player had no track, or nobody to hear it, for its
    /// [`inactive_after`](crate::PoolConfig::inactive_after). Said once, until it is active again:
    /// a track starts, an update is made, or somebody is there to hear it.
    PlayerInactive {
        /// The guild.
        guild: GuildId,
        /// For how long it has been so.
        after: Duration,
        /// Whether it is destroyed because of that, see
        /// [`PoolConfig::on_inactive`](crate::PoolConfig::on_inactive).
        destroyed: bool,
    },
    /// A player plays on another node, or again on its own, and the node has confirmed it.
    PlayerMoved {
        /// The guild.
        guild: GuildId,
        /// The node that it was on.
        from: NodeRef,
        /// The node that it is on; the same if that came back without memory.
        to: NodeRef,
        /// Where in the track it went on.
        position: Duration,
        /// From the loss of the old node, or from the order to move, to this confirmation.
        gap: Duration,
    },
    /// Every player that goes from a lost node to this target has been confirmed there.
    Failover {
        /// The lost node.
        old: NodeRef,
        /// The target.
        new: NodeRef,
        /// The guilds, in the order of their confirmation.
        players: Arc<[GuildId]>,
    },
    /// No node could take these players; they go on when any node becomes ready.
    PlayersStranded {
        /// The lost node.
        from: NodeRef,
        /// The guilds.
        players: Arc<[GuildId]>,
    },
    /// A player that is not ours was found in a resumed session, and is one of the pool's now.
    PlayerAdopted {
        /// The guild.
        guild: GuildId,
        /// Its node.
        node: NodeRef,
    },
    /// Two nodes refused the track, or one that had lost it, or the only one there is; the player
    /// has none now.
    TrackUnplayable {
        /// The guild.
        guild: GuildId,
        /// The track.
        track: Arc<Track>,
    },
    /// A well-known plugin of the player's node said something of it.
    Plugin {
        /// The guild.
        guild: GuildId,
        /// The node.
        node: NodeRef,
        /// What it said.
        event: PluginEvent,
    },
    /// A message that Lavalink does not document, such as another plugin's.
    Unknown {
        /// The node.
        node: NodeRef,
        /// The guild that it is about, if it names one.
        guild: Option<GuildId>,
        /// Its `op`, or the `type` of its event.
        kind: Arc<str>,
        /// The whole message.
        raw: RawJson,
    },
    /// A message that does not decode. It costs only itself.
    Undecodable {
        /// The node.
        node: NodeRef,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// The queue of events was full.
    Lagged {
        /// How many events were lost. Positions and stats that a later one replaced do not count.
        dropped: u64,
    },
}

impl Event {
    /// The guild that the event is about, if it is one alone.
    pub fn guild(&self) -> Option<GuildId> {
        match self {
            Self::PlayerUpdate { guild, .. }
            | Self::TrackStart { guild, .. }
            | Self::TrackEnd { guild, .. }
            | Self::TrackException { guild, .. }
            | Self::TrackStuck { guild, .. }
            | Self::VoiceClosed { guild, .. }
            | Self::VoiceFailed { guild }
            | Self::VoiceRejoining { guild, .. }
            | Self::VoiceLost { guild, .. }
            | Self::VoiceJoinTimedOut { guild, .. }
            | Self::VoiceLeft { guild, .. }
            | Self::PlayerInactive { guild, .. }
            | Self::PlayerMoved { guild, .. }
            | Self::PlayerAdopted { guild, .. }
            | Self::Plugin { guild, .. }
            | Self::TrackUnplayable { guild, .. } => Some(*guild),
            Self::Gateway(payload) => Some(payload.guild),
            Self::Unknown { guild, .. } => *guild,
            Self::NodeReady { .. }
            | Self::NodeDisconnected { .. }
            | Self::NodeReconnecting { .. }
            | Self::NodeStopped { .. }
            | Self::NodeStatus { .. }
            | Self::StrategyFailed { .. }
            | Self::NodeStats { .. }
            | Self::UnknownRegion { .. }
            | Self::Failover { .. }
            | Self::PlayersStranded { .. }
            | Self::Undecodable { .. }
            | Self::Lagged { .. } => None,
        }
    }

    /// The kind of the event.
    pub const fn kinds(&self) -> Kinds {
        match self {
            Self::PlayerUpdate { .. } => Kinds::POSITIONS,
            Self::NodeStats { .. } => Kinds::STATS,
            Self::TrackStart { .. }
            | Self::TrackEnd { .. }
            | Self::TrackException { .. }
            | Self::TrackStuck { .. }
            | Self::TrackUnplayable { .. } => Kinds::TRACKS,
            Self::VoiceClosed { .. }
            | Self::VoiceFailed { .. }
            | Self::VoiceRejoining { .. }
            | Self::VoiceLost { .. }
            | Self::VoiceJoinTimedOut { .. }
            | Self::VoiceLeft { .. } => Kinds::VOICE,
            Self::Gateway(_) => Kinds::GATEWAY,
            Self::PlayerMoved { .. }
            | Self::PlayerInactive { .. }
            | Self::Failover { .. }
            | Self::PlayersStranded { .. }
            | Self::PlayerAdopted { .. } => Kinds::PLAYERS,
            Self::NodeReady { .. }
            | Self::NodeDisconnected { .. }
            | Self::NodeReconnecting { .. }
            | Self::NodeStopped { .. }
            | Self::StrategyFailed { .. }
            | Self::UnknownRegion { .. } => Kinds::NODES,
            Self::NodeStatus { .. } => Kinds::STATUSES,
            Self::Plugin { .. } => Kinds::PLUGINS,
            Self::Unknown { .. } | Self::Undecodable { .. } => Kinds::UNKNOWN,
            Self::Lagged { .. } => Kinds::ALL,
        }
    }
}

/// A set of kinds of events: those that nobody listens for are not built.
///
/// ```
/// use lavapool_core::Kinds;
///
/// let kinds = Kinds::TRACKS | Kinds::NODES;
/// assert!(kinds.contains(Kinds::TRACKS) && !kinds.contains(Kinds::POSITIONS));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct Kinds(u16);

impl Kinds {
    /// None.
    pub const NONE: Self = Self(0);
    /// [`Event::PlayerUpdate`].
    pub const POSITIONS: Self = Self(1);
    /// [`Event::NodeStats`].
    pub const STATS: Self = Self(1 << 1);
    /// Starts, ends, exceptions and stuck tracks.
    pub const TRACKS: Self = Self(1 << 2);
    /// Voice connections that close, fail and are made again.
    pub const VOICE: Self = Self(1 << 3);
    /// Players that move, strand, are found or are inactive.
    pub const PLAYERS: Self = Self(1 << 4);
    /// Nodes that come, go and are dialled.
    pub const NODES: Self = Self(1 << 5);
    /// Messages that Lavalink does not document, or that do not decode.
    pub const UNKNOWN: Self = Self(1 << 6);
    /// [`Event::NodeStatus`].
    pub const STATUSES: Self = Self(1 << 7);
    /// [`Event::Plugin`].
    pub const PLUGINS: Self = Self(1 << 8);
    /// [`Event::Gateway`].
    pub const GATEWAY: Self = Self(1 << 9);
    /// All.
    pub const ALL: Self = Self(0x3ff);

    /// Whether all of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is among these.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl std::ops::BitOr for Kinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
