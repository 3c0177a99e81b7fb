//! What the fuzz targets do with their bytes. Each body panics when something does not hold.
//!
//! The bodies are here, apart from the targets, so that the committed corpora can be replayed
//! without a fuzzer, on stable: `cargo test -p lavapool-tests --test corpora` does.

mod chunks;
mod cuts;
mod differential;
mod driver;
mod exchange;
mod gateway;
mod http_stream;
mod messages;
mod pool;
mod track_blob;
mod websocket_stream;

pub use chunks::http_chunked;
pub use differential::websocket_differential;
pub use driver::{proxy, tls_session};
pub use exchange::http_exchange;
pub use gateway::gateway_event;
pub use http_stream::http_response;
pub use messages::{endpoint, filters_round_trip, lavalink_message, region};
pub use pool::pool;
pub use track_blob::track_blob;
pub use websocket_stream::{websocket_handshake, websocket_stream};

/// What a target does with the bytes of the fuzzer.
pub type Body = fn(&[u8]);

/// Every target: its name, which is that of its corpus, and its body.
pub const TARGETS: &[(&str, Body)] = &[
    ("endpoint", endpoint),
    ("filters_round_trip", filters_round_trip),
    ("gateway_event", gateway_event),
    ("http_chunked", http_chunked),
    ("http_exchange", http_exchange),
    ("http_response", http_response),
    ("lavalink_message", lavalink_message),
    ("pool", pool),
    ("proxy", proxy),
    ("region", region),
    ("tls_session", tls_session),
    ("track_blob", track_blob),
    ("websocket_differential", websocket_differential),
    ("websocket_handshake", websocket_handshake),
    ("websocket_stream", websocket_stream),
];
