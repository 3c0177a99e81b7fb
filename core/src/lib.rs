//! Placeholder.

mod outgoing;
mod secret;
mod seed;
mod time;

pub mod http;
pub mod node;
pub mod player;
pub mod pool;
pub mod protocol;
pub mod region;
pub mod rest;
pub mod websocket;

pub use secret::Secret;
pub use seed::Seed;
pub use time::Timestamp;
