//! Recorded connections, and what the core understands of them.
//!
//! A [`Recording`] is what went over one TCP connection, both ways, as a file of JSON lines:
//! `{"t_ms": 1.5, "dir": "c2s" | "s2c", "b64": "…"}` for bytes, and `"eof": true` (with
//! `"reset": true` after an RST) for the end of a direction. [`Recording::replay`] gives the
//! server's bytes to the machines of `lavapool-core`, cut as the caller likes, and has them ask
//! what the recorded client asked. The [`Outcome`] is a list of typed lines, and of whatever
//! could not be understood.
//!
//! The core never sees the client's bytes: they tell only what was asked (the method decides
//! where a response ends, the path what its body means) and with which key the upgrade was
//! asked for. Nothing that was recorded can make a replay panic.

mod asked;
mod client;
mod display;
mod file;
mod frames;
mod head;
mod outcome;
mod reading;
mod replay;
mod secrets;
#[cfg(test)]
mod tests;

pub use asked::{Asked, Meaning};
pub use file::{LineError, ReadError, Recording};
pub use outcome::{EndedBy, Entry, Fault, Line, Message, Misunderstood, Outcome, Reply, Response};
