//! What Moonlink's guide to nodes promises, on the client's public API.

#![allow(clippy::unwrap_used)]

mod autoplay;
mod nodes;
mod state;
