//! What DisGoLink's guide to nodes promises, on the client's public API.

#![allow(clippy::unwrap_used)]

mod hooks;
mod nodes;
mod player;
mod stats;
mod tracks;
