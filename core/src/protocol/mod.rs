//! What a Lavalink v4 server and its clients say to each other, as plain types.
//!
//! This module owns the JSON of the WebSocket ([`Message`]) and of the REST API ([`LoadResult`],
//! [`Player`], [`PlayerPatch`] and the rest). It knows no sockets and holds no state.
//!
//! Reading is lenient where servers differ (Lavalink 4.0 to 4.2, NodeLink): unknown keys are
//! ignored, unknown words are kept as text, numbers may come as strings. Writing is strict: what
//! the server would refuse or choke on cannot be said or is refused by
//! [`Filters::check`](Filters::check).
//!
//! What is opaque stays as it came, as [`RawJson`]. Messages are looked at by their `op` and
//! `type` first and then decoded into one plain structure, so nothing here depends on the
//! optional features of `serde_json` that another crate may turn on.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod blob;
mod error_body;
mod event;
mod exception;
mod filters;
mod id;
mod info;
mod json;
mod lenient;
mod load;
mod load_handler;
mod message;
mod open_enum;
mod plain;
mod player;
mod player_patch;
pub mod plugins;
mod route_planner;
mod search;
mod session;
mod stats;
mod track;
mod voice;

pub use blob::{BlobError, BlobTail, BlobVersion, ExtendedInfo, TrackBlob};
pub use error_body::ErrorBody;
pub(crate) use error_body::redact;
pub use event::{Event, EventKind, TrackEndReason, UnknownEvent};
pub use exception::{Exception, Severity};
pub use filters::{
    Band, ChannelMix, Distortion, FilterError, Filters, Karaoke, LowPass, Preset, Rotation,
    Timescale, Tremolo, Vibrato,
};
pub use id::{ChannelId, GuildId, ParseIdError, UserId};
pub use info::{Git, Info, Plugin, Version};
pub use json::{DecodeCause, DecodeError, RawJson, RawJsonRef};
pub(crate) use json::{decode, write};
pub use load::{LoadResult, LoadType, Playlist, PlaylistInfo};
pub use load_handler::LoadHandler;
pub use message::{Message, PlayerState, PlayerUpdate, Ready, UnknownMessage};
pub(crate) use player::Confirmed;
pub use player::{Player, PlayerSnapshot, PlayerVoice};
pub use player_patch::{PlayerPatch, PlayerPatchBuf, TrackPatch, TrackPatchBuf};
pub use route_planner::{FailingAddress, IpBlock, RoutePlanner, RoutePlannerKind};
pub use search::SearchSource;
pub use session::{SessionState, SessionUpdate};
pub use stats::{Cpu, FrameStats, Memory, Stats};
pub(crate) use track::TrackInText;
pub use track::{BlobStem, Track, TrackInfo, WireTrack, blob_stem, same_track};
pub use voice::VoiceState;
