//! Recordings of the driver, done again: what the pool was told in a bot is told to a pool here.
//!
//! A [`Replay`] is the file that [`Builder::record`](lavapool::Builder::record) wrote. The pool
//! draws nothing and asks no clock, so it sends the same bytes and has the same events; where it
//! does not, it is another pool than the one that was recorded, or has lost its determinism, and
//! [`Outcome::differences`] says where.

mod file;
mod names;
mod run;

pub use file::ReplayError;
pub use names::names;

use std::fmt;

use lavapool_core::Timestamp;
use lavapool_core::recording::{Header, Line};

/// A recording of what a pool was told.
#[derive(Clone, Debug)]
pub struct Replay {
    header: Header,
    lines: Vec<Line>,
}

/// How what was received is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// As it came.
    AsRecorded,
    /// Into pieces of at most so many bytes.
    Each(usize),
}

/// What a pool did in a replay.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The events and the answers to commands, each with its time.
    pub happenings: Vec<Happening>,
    /// Where the pool did something else than the recorded one.
    pub differences: Vec<Difference>,
    /// The lines, with what this pool did in place of what the recorded one did.
    lines: Vec<Line>,
}

/// An event, or the answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// When it was there to be seen.
    pub at: Timestamp,
    /// As it prints.
    pub text: String,
}

/// Where a replay is not what was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line of the file, counted from 1.
    pub line: usize,
    /// What was recorded there.
    pub recorded: String,
    /// What the replay had.
    pub replayed: String,
}

impl Replay {
    /// How many lines there are after the first.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is only the first line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Why the recording ended, if its end is in the file.
    pub fn end(&self) -> Option<&str> {
        match self.lines.last() {
            Some(Line::End(why)) => Some(why),
            Some(_) | None => None,
        }
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at, self.text)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "line {}:", self.line)?;
        writeln!(f, "  recorded: {}", self.recorded)?;
        write!(f, "  replayed: {}", self.replayed)
    }
}
