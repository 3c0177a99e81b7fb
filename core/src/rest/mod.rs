//! Lavalink's REST API: what is asked and what is answered.

pub mod answer;
pub mod plugin;
pub mod request;
mod subject;
mod target;

pub use ::http::Method;
pub use answer::{Answer, Failure, RawAnswer, Refusal};
pub(crate) use plugin::lacks_endpoint;
pub use plugin::{PluginAnswer, PluginRequest};
pub use request::{Request, write_player_patch};
