//! What the application asks for, and what it is answered: [`Command`] and [`Answer`].

use std::sync::Arc;
use std::time::Duration;

use crate::gateway::Shard;
use crate::id::NodeId;
use crate::node::{NodeConfig, NodeRef};
use crate::player::{PluginWish, Update};
use crate::protocol::{ChannelId, GuildId, LoadResult, UserId, VoiceState};
use crate::rest;
use crate::secret::Secret;

/// What the application asks for.
///
/// A command is answered exactly once, by
/// [`Output::Answer`](crate::Output::Answer), unless it is cancelled.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Command {
    /// Adds a node and dials it. Answered with [`Answer::Node`] once it is ready; the node
    /// stays, and is dialled on, when the deadline passes first.
    AddNode(NodeConfig),
    /// Waits until the node is ready: [`Answer::Node`].
    AwaitNode(NodeId),
    /// Removes a node: it is never dialled again. Answered with [`Answer::Done`] once its socket
    /// is closed.
    RemoveNode {
        /// The node.
        node: NodeId,
        /// What becomes of its players.
        players: Leaving,
    },
    /// Dials a node at once, whatever its state: a connected one is closed first, one that was
    /// given up starts over. Answered with [`Answer::Node`] once it is ready.
    Reconnect(NodeId),
    /// Dials a node at once, unless it is connected; one that was given up starts over. Answered
    /// with [`Answer::Node`] once it is ready.
    Connect(NodeId),
    /// Measures the round trip of a WebSocket ping: [`Answer::Latency`].
    Ping(NodeId),
    /// Takes no more players and moves those that it has to other nodes, each playing there
    /// before it stops here. Answered with [`Answer::Done`] when none is left.
    Drain(NodeId),
    /// Lets a drained node have players again.
    Undrain(NodeId),
    /// Changes what the guild's player should be, and makes the player if there is none.
    /// Answered with [`Answer::Done`] once a node confirmed it.
    Update {
        /// The guild.
        guild: GuildId,
        /// The node that a new player should go to. Default: the best one.
        node: Option<NodeId>,
        /// The fields to set.
        update: Update,
    },
    /// Tells a well-known plugin what is wanted of it for the guild's player, and tells it again
    /// wherever the player goes and whenever its node's WebSocket is a new one. Makes the player
    /// if there is none. Answered with [`Answer::Done`] once the player's node confirmed it, and
    /// with [`RequestError::PluginMissing`](crate::RequestError::PluginMissing) if that does not
    /// have the plugin; after any error but `Superseded` and `Destroyed` the wish stays, for the
    /// next node.
    Plugin {
        /// The guild.
        guild: GuildId,
        /// What is wanted.
        wish: PluginWish,
    },
    /// Moves the player, playing on the new node before it stops on the old one. Answered with
    /// [`Answer::Done`] once the new node confirmed it, with
    /// [`RequestError::NoNode`](crate::RequestError::NoNode) if that is not ready, with
    /// [`RequestError::NodeFailed`](crate::RequestError::NodeFailed) if it did not take the player,
    /// which stays or goes elsewhere, and with
    /// [`RequestError::NodeRemoved`](crate::RequestError::NodeRemoved) if it was removed first.
    Move {
        /// The guild.
        guild: GuildId,
        /// Where to.
        node: NodeId,
    },
    /// Destroys the guild's player. Answered with [`Answer::Done`] once the node confirmed it.
    /// While a session that was configured with its id has not been resumed, nobody knows which
    /// players it has: then a guild without a player is answered at once, and does not come back
    /// with it.
    Destroy(GuildId),
    /// Discord's `VOICE_STATE_UPDATE` of the bot itself. Answered with [`Answer::Done`] at once.
    VoiceState(VoiceStateUpdate),
    /// Discord's `VOICE_SERVER_UPDATE`. Answered with [`Answer::Done`] at once.
    VoiceServer(VoiceServerUpdate),
    /// A complete voice state, for an application that puts the two together itself. Answered
    /// with [`Answer::Done`] at once.
    Voice {
        /// The guild.
        guild: GuildId,
        /// What the node needs to join the channel.
        voice: VoiceState,
    },
    /// The bot sends the payload that joins this channel: Discord's updates are waited for, and
    /// if they do not come, as with a channel that is full,
    /// [`Event::VoiceJoinTimedOut`](crate::Event::VoiceJoinTimedOut) says so. Answered with
    /// [`Answer::Done`] at once; nothing is sent.
    Join {
        /// The guild.
        guild: GuildId,
        /// The channel.
        channel: ChannelId,
        /// Whether the bot shows itself as muted, now and when it joins again.
        self_mute: bool,
        /// Whether the bot shows itself as deaf, now and when it joins again.
        self_deaf: bool,
    },
    /// Discord's `READY`: this shard's connection is a new one, and what it had of voice
    /// connections is gone. Every guild of the shard with a player in a channel is joined again
    /// by an [`Output::Gateway`](crate::Output::Gateway), one each
    /// [`Timing::gateway_interval`](crate::Timing::gateway_interval). Not for `RESUMED`. Answered
    /// with [`Answer::Done`] at once.
    GatewayReady(Shard),
    /// Whether nobody is there to hear the guild's player: then it counts as inactive after a
    /// while, though it plays. Answered with [`Answer::Done`] at once.
    Alone {
        /// The guild.
        guild: GuildId,
        /// Whether the bot is alone.
        alone: bool,
    },
    /// Sets after what time the guild's player counts as inactive, in place of
    /// [`PoolConfig::inactive_after`](crate::PoolConfig::inactive_after), and begins that anew.
    /// Answered with [`Answer::Done`] at once.
    InactiveAfter {
        /// The guild.
        guild: GuildId,
        /// The time; `None` for never.
        after: Option<Duration>,
    },
    /// A REST request of its own, past the players' state: [`Answer::Rest`].
    ///
    /// One that changes a player ([`Request::changes_player`](rest::Request::changes_player)) keeps
    /// its place among that player's updates: it goes out when those before it are confirmed, and
    /// those after it wait until it is answered.
    Rest {
        /// Who should answer it.
        node: Target,
        /// What is asked.
        request: rest::Request,
    },
    /// Asks what a query, such as a URL or `ytsearch:words`, leads to: [`Answer::Fetched`], or
    /// [`RequestError::FetchFailed`](crate::RequestError::FetchFailed) (RevvLink: fetch_tracks).
    ///
    /// A result that is cached is the answer, and no node is asked. However many ask the same,
    /// one request is on its way, and its answer is that of all of them, each within its own
    /// deadline; it goes on for as long as one of them waits, and once it was sent in any case.
    /// A node that fails to answer is asked again, or another one, as with [`Command::Rest`].
    ///
    /// Results are kept as [`PoolConfig::cache_capacity`](crate::PoolConfig::cache_capacity) says,
    /// and shared by all nodes that have the same sources. One without any track is not kept, nor
    /// an error, nor one with a stream in it.
    FetchTracks {
        /// Who should answer it.
        node: Target,
        /// The query, as people write it.
        query: Arc<str>,
    },
    /// Sets how many results of [`Command::FetchTracks`] are kept; `None` and 0 switch the cache
    /// off. When there are more, the most used ones stay. Answered with [`Answer::Done`] at once.
    SetCacheCapacity(Option<usize>),
    /// Closes every node. Answered with [`Answer::Done`] once all sockets are closed. Unless the
    /// players are destroyed, the nodes are told first what was asked for before, for up to
    /// [`Timing::close_deadline`](crate::Timing::close_deadline).
    Close(Leaving),
}

impl Command {
    /// Whether it is Discord's word, or the application's of who listens: it is answered at once,
    /// and what it says would be lost if it were refused.
    pub(crate) const fn is_news(&self) -> bool {
        match self {
            Self::VoiceState(_)
            | Self::VoiceServer(_)
            | Self::Voice { .. }
            | Self::GatewayReady(_)
            | Self::Alone { .. } => true,
            Self::AddNode(_)
            | Self::AwaitNode(_)
            | Self::RemoveNode { .. }
            | Self::Reconnect(_)
            | Self::Connect(_)
            | Self::Plugin { .. }
            | Self::Ping(_)
            | Self::Drain(_)
            | Self::Undrain(_)
            | Self::Update { .. }
            | Self::Move { .. }
            | Self::Destroy(_)
            | Self::Join { .. }
            | Self::InactiveAfter { .. }
            | Self::Rest { .. }
            | Self::FetchTracks { .. }
            | Self::SetCacheCapacity(_)
            | Self::Close(_) => false,
        }
    }
}

/// What becomes of the players of a node that goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub enum Leaving {
    /// They stay as they are: moved to other nodes if the node alone goes, and left playing on
    /// the server, to be resumed, if the whole pool closes.
    #[default]
    Keep,
    /// They are destroyed first; so are those that were lost with a node that goes alone, unless
    /// they are on their way to another.
    Destroy,
}

/// The node that a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub enum Target {
    /// The best connected node at the moment, and another one if that fails to answer and the
    /// request may be repeated.
    Best,
    /// This node, and no other.
    Node(NodeId),
}

/// The parts of Discord's `VOICE_STATE_UPDATE` that matter here.
///
/// Updates of other users are ignored, so a bot may hand in every one it receives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct VoiceStateUpdate {
    /// `guild_id`.
    pub guild: GuildId,
    /// `user_id`.
    pub user: UserId,
    /// `channel_id`; `None` when the bot left, or was made to.
    pub channel: Option<ChannelId>,
    /// `session_id`.
    pub session_id: Secret,
}

/// The parts of Discord's `VOICE_SERVER_UPDATE` that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct VoiceServerUpdate {
    /// `guild_id`.
    pub guild: GuildId,
    /// `token`.
    pub token: Secret,
    /// `endpoint`; `None` while Discord looks for another voice server.
    pub endpoint: Option<Box<str>>,
}

/// How a command ended well.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// It is done.
    Done,
    /// The node is ready.
    Node(NodeRef),
    /// The round trip of a ping.
    Latency(Duration),
    /// What a node answered to a request.
    Rest(Box<rest::Answer>),
    /// What a query leads to, shared with the cache and with everybody who asked the same. Never
    /// [`LoadResult::Error`].
    Fetched(Arc<LoadResult>),
}
