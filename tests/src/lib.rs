//! The proof of lavapool: servers and networks that live in memory, and the tests that use them.
//!
//! [`node`] is a Lavalink v4 server written apart from `lavapool-core`, so that it judges the
//! bytes that core sends and not the ideas that both would share. [`world`] joins several of them
//! with the real pool by a network in virtual time; [`sim`] runs the real driver and handles there,
//! and [`guide`] says that in a few words. [`replay`] does again what a driver recorded.

pub mod guide;
pub mod invariant;
pub mod node;
pub mod proxy;
pub mod recording;
pub mod replay;
pub mod sabotage;
pub mod sim;
pub mod simulator;
pub mod tls;
pub mod world;
