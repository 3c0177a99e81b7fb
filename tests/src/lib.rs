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

/// Tells whoever reads a log what the harness keeps to itself of a test that passes: what ran, or
/// was skipped and why. It is one write of lines of their own, as the harness writes to the same
/// place, and not line by line.
pub fn tell(what: &str) {
    // Where nobody reads it, nothing is lost.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("\n{what}\n").as_bytes());
}
