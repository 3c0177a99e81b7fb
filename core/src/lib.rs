//! Placeholder.

mod command;
mod config;
mod endpoint;
mod error;
mod event;
mod event_queue;
mod id;
mod limits;
mod outgoing;
mod output;
mod secret;
mod seed;
mod slab;
mod time;

pub mod http;
pub mod node;
pub mod player;
pub mod pool;
pub mod protocol;
pub mod region;
pub mod rest;
pub mod websocket;

pub use command::{Answer, Command, Leaving, Target, VoiceServerUpdate, VoiceStateUpdate};
pub use config::{PoolConfig, Strangers};
pub use endpoint::Endpoint;
pub use error::{ConfigError, NodeFailure, RequestError, SubmitError, Unconfirmed};
pub use event::{Event, Kinds};
pub use event_queue::EventQueue;
pub use id::{CommandId, NodeId, SocketId};
pub use limits::{Limits, Timing};
pub use output::{Closed, Input, Output};
pub use pool::{Changed, Pool, Strategy, Timer};
pub use secret::Secret;
pub use seed::Seed;
pub use time::Timestamp;
