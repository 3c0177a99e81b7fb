//! What Voltricx's guide to connecting nodes promises, on the client's public API.

#![allow(clippy::unwrap_used)]

mod nodes;
mod pool;
