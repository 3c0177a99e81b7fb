//! Reading and writing of a [`Replay`].

use std::io;
use std::path::Path;

use lavapool_core::recording::{Header, Line, VERSION};

use super::{Outcome, Replay};

/// Why a file is no recording.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is empty.
    #[error("the file is empty")]
    Empty,
    /// A line is not what it should be.
    #[error("line {line}: {cause}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// It is of another version of the format.
    #[error("the format is version {found}, and this program reads version {VERSION}")]
    Version {
        /// The version of the file.
        found: u32,
    },
    /// The pool refuses the configuration.
    #[error("the configuration cannot work: {0}")]
    Config(#[from] lavapool_core::ConfigError),
}

impl Replay {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReplayError> {
        Self::read(&std::fs::read(path)?)
    }

    /// Reads the text of a recording. A last line without its end is left out: the program that
    /// wrote it was stopped there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &[u8]) -> Result<Self, ReplayError> {
        let whole = text.iter().rposition(|byte| *byte == b'\n');
        let text = text.get(..whole.map_or(0, |end| end + 1)).unwrap_or(text);
        let mut lines = text.split(|byte| *byte == b'\n').enumerate();
        let Some((_, first)) = lines.next().filter(|(_, first)| !first.is_empty()) else {
            return Err(ReplayError::Empty);
        };
        let wrong = |line| move |cause| ReplayError::Line { line, cause };
        let Version { version } = serde_json::from_slice(first).map_err(wrong(1))?;
        if version != VERSION {
            return Err(ReplayError::Version { found: version });
        }
        let header: Header = serde_json::from_slice(first).map_err(wrong(1))?;
        let lines = lines
            .filter(|(_, line)| !line.is_empty())
            .map(|(number, line)| serde_json::from_slice(line).map_err(wrong(number + 1)));
        let lines = lines.collect::<Result<Vec<Line>, _>>()?;
        Ok(Self { header, lines })
    }

    /// The text of the recording in which the pool did what it does in this replay.
    ///
    /// # Errors
    /// Never, for a recording that was read.
    pub fn accepted(&self, outcome: &Outcome) -> serde_json::Result<String> {
        let mut text = serde_json::to_string(&self.header)? + "\n";
        for line in &outcome.lines {
            text += &serde_json::to_string(line)?;
            text.push('\n');
        }
        Ok(text)
    }
}

/// All that is known of the first line before its version is.
#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}
