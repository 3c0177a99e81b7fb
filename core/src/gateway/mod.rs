//! What passes between a bot and Discord's gateway because of voice: the events that come in
//! ([`GatewayEvent`]) and the payload that goes out ([`GatewayPayload`]).

mod event;
mod payload;

pub use event::{GatewayEvent, Shard};
pub use payload::GatewayPayload;
