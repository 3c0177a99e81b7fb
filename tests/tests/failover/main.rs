//! What the pool does about nodes that die, blink, fall silent, come back, refuse and leave.
//!
//! Everything runs in virtual time on a simulated network, and what counts is what the servers
//! really have.

mod losses;
