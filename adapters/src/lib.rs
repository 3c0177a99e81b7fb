//! A Lavalink v4 client: one pool of nodes, with players that survive everything that a node, a
//! network or a bot process can do to them.

mod answer;
mod builder;
mod client;
mod driver;
mod error;
mod events;
mod inbox;
mod lock;
mod node;
mod pending;
mod player;
pub mod runtime;
mod shared;
mod views;

pub use lavapool_core as core;
pub use lavapool_core::node::{
    Loss, NodeConfig, NodeRef, NodeView, PenaltyWeights, ReconnectPolicy, Report, ReportedNode,
    Status, Stopped,
};
pub use lavapool_core::player::{Place, PlayerView, Source, Update, Volume};
pub use lavapool_core::protocol::{
    ChannelId, Exception, Filters, GuildId, Info, LoadResult, Playlist, RawJson, Severity, Stats,
    Track, TrackEndReason, TrackInfo, UserId, VoiceState,
};
pub use lavapool_core::{
    ConfigError, Endpoint, Event, Kinds, Leaving, Limits, NodeFailure, NodeId, PoolConfig,
    RequestError, Secret, Seed, Strangers, Strategy, SubmitError, Timestamp, Timing, Unconfirmed,
    VoiceServerUpdate, VoiceStateUpdate,
};
pub use lavapool_core::{protocol, region, rest};

pub use builder::Builder;
pub use client::Client;
pub use driver::Driver;
pub use error::{ConnectError, Error};
pub use events::EventStream;
pub use node::Node;
pub use pending::Pending;
pub use player::Player;
