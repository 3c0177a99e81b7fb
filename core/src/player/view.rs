//! [`PlayerView`]: a player as the application sees it.

use std::sync::Arc;
use std::time::Duration;

use crate::node::NodeRef;
use crate::player::{Position, Volume};
use crate::protocol::plugins::{Category, LyricsFrom};
use crate::protocol::{ChannelId, Filters, GuildId, Track};
use crate::time::Timestamp;

/// A player as the application sees it.
///
/// It shows the wanted value for what the application sets, and the server's word for the rest;
/// [`synced`](PlayerView::synced) tells whether the two agree.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PlayerView {
    /// The guild.
    pub guild: GuildId,
    /// Where it is.
    pub place: Place,
    /// What plays, if its details are known; see [`playing`](PlayerView::playing).
    pub track: Option<Arc<Track>>,
    /// Whether anything plays, or should.
    pub playing: bool,
    /// Whether it is paused.
    pub paused: bool,
    /// The volume.
    pub volume: Volume,
    /// Where the track ends early, on the server's clock.
    pub end_time: Option<Duration>,
    /// The filters, if any are set.
    pub filters: Option<Arc<Filters>>,
    /// The voice channel, once Discord named one.
    pub channel: Option<ChannelId>,
    /// Whether the node has a voice connection.
    pub connected: bool,
    /// The round trip between the node and the voice server.
    pub ping: Option<Duration>,
    /// The categories that SponsorBlock is to skip, if any were set.
    pub skipped: Option<Arc<[Category]>>,
    /// Where live lyrics are looked for, if they are wanted.
    pub live_lyrics: Option<LyricsFrom>,
    /// Whether a node has confirmed everything that is wanted, the wishes for plugins aside.
    pub synced: bool,
    /// Where in the track it is, as a function of time.
    pub position: Position,
}

/// What of a player moves by itself, as its node reports it every few seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Motion {
    /// The guild.
    pub guild: GuildId,
    /// A small number that no other player of the pool has at the same time: the place in a table
    /// of a driver that does not want to search.
    pub slot: u32,
    /// As [`PlayerView::position`].
    pub position: Position,
    /// As [`PlayerView::connected`].
    pub connected: bool,
    /// As [`PlayerView::ping`].
    pub ping: Option<Duration>,
}

impl PlayerView {
    /// Takes over what moved.
    pub fn follow(&mut self, motion: &Motion) {
        self.position = motion.position;
        self.connected = motion.connected;
        self.ping = motion.ping;
    }

    /// The position on the server's clock at `now`.
    pub fn position_at(&self, now: Timestamp) -> Duration {
        self.position.at(now)
    }

    /// The node that it is on, or on its way to.
    pub fn node(&self) -> Option<&NodeRef> {
        self.place.node()
    }
}

/// Where a player is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// On this node.
    On(NodeRef),
    /// Its node was lost a moment ago, and it waits for that node or another one.
    Frozen(NodeRef),
    /// On its way to a node that has not confirmed it yet.
    Moving {
        /// The node that it leaves.
        from: NodeRef,
        /// The node that it goes to.
        to: NodeRef,
    },
    /// Its node was lost, and no other could take it; any node that becomes ready does.
    Stranded(NodeRef),
    /// New, and no node has been there to take it.
    Unplaced,
}

impl Place {
    /// The node that a player there is on, or on its way to.
    pub fn node(&self) -> Option<&NodeRef> {
        match self {
            Self::On(node) | Self::Moving { to: node, .. } => Some(node),
            Self::Frozen(_) | Self::Stranded(_) | Self::Unplaced => None,
        }
    }
}
