//! [`Recording`]: the file, read.

use std::borrow::Cow;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::outcome::EndedBy;

/// What went over one TCP connection.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    pub(super) client: Stream,
    pub(super) server: Stream,
    /// Who ended the connection first, and when, in milliseconds.
    pub(super) ended: Option<(EndedBy, f64)>,
    /// The lines that say nothing, by their number from 1.
    pub(super) bad_lines: Vec<(usize, LineError)>,
    has_lines: bool,
}

/// One direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub(super) bytes: Vec<u8>,
    chunks: Vec<Chunk>,
    is_ended: bool,
}

/// Bytes that were written or read at once.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// Its first byte's place in the stream.
    offset: usize,
    t_ms: f64,
    /// Bytes of the other direction on earlier lines.
    other_before: usize,
}

/// Why a file is no recording.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It has no line at all.
    #[error("holds no line")]
    Empty,
}

/// What is wrong with one line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// It is not a JSON object with the right keys.
    #[error("not a line of a recording (column {column})")]
    Shape {
        /// Where reading stopped, in bytes from 1.
        column: usize,
    },
    /// `dir` is neither `c2s` nor `s2c`.
    #[error("unknown direction")]
    Direction,
    /// It has neither `b64` nor `eof`.
    #[error("neither bytes nor an end")]
    Nothing,
    /// `b64` is not base64.
    #[error("malformed base64")]
    Base64,
    /// It has bytes of a direction that was at its end.
    #[error("bytes behind the end of their direction")]
    AfterEnd,
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If there is no such file or nothing in it. A bad line is no error here: the others are
    /// read, and [`Recording::replay`] tells of it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        Self::read(&std::fs::read(path)?)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    ///
    /// If there is no line in it.
    pub fn read(file: &[u8]) -> Result<Self, ReadError> {
        let mut recording = Self::default();
        let file = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
        for (number, line) in (1..).zip(file.split(|&byte| byte == b'\n')) {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            recording.has_lines = true;
            if let Err(error) = recording.add(line) {
                recording.bad_lines.push((number, error));
            }
        }
        if recording.has_lines {
            Ok(recording)
        } else {
            Err(ReadError::Empty)
        }
    }

    /// How many bytes the server sent.
    pub fn server_bytes(&self) -> usize {
        self.server.bytes.len()
    }

    fn add(&mut self, line: &[u8]) -> Result<(), LineError> {
        let line: WireLine<'_> = serde_json::from_slice(line).map_err(|error| {
            let column = error.column();
            LineError::Shape { column }
        })?;
        let (stream, other, ended_by) = match &*line.dir {
            "c2s" => {
                let by = EndedBy::Client { reset: line.reset };
                (&mut self.client, &self.server, by)
            }
            "s2c" => {
                let by = EndedBy::Server { reset: line.reset };
                (&mut self.server, &self.client, by)
            }
            _ => return Err(LineError::Direction),
        };
        let is_end = line.eof || line.reset;
        let text = match line.b64 {
            Some(text) => text,
            None if is_end => Cow::Borrowed(""),
            None => return Err(LineError::Nothing),
        };
        let bytes = BASE64.decode(&*text).map_err(|_| LineError::Base64)?;
        if stream.is_ended && !bytes.is_empty() {
            return Err(LineError::AfterEnd);
        }
        let t_ms = line.t_ms.unwrap_or_else(|| stream.t_ms_last());
        if !bytes.is_empty() {
            stream.chunks.push(Chunk {
                offset: stream.bytes.len(),
                t_ms,
                other_before: other.bytes.len(),
            });
            stream.bytes.extend_from_slice(&bytes);
        }
        if is_end {
            stream.is_ended = true;
            self.ended.get_or_insert((ended_by, t_ms));
        }
        Ok(())
    }
}

impl Stream {
    /// When the byte at `offset` went over the wire, in milliseconds.
    pub(super) fn t_ms(&self, offset: usize) -> f64 {
        self.chunk(offset).map_or(0.0, |chunk| chunk.t_ms)
    }

    /// The bytes of `other`, at least, that were there before the one at `offset` of this one.
    ///
    /// A recorder with a thread for each direction may write two lines in the wrong order, so
    /// the order of the lines and that of their times are both asked.
    pub(super) fn before(&self, offset: usize, other: &Self) -> usize {
        let Some(chunk) = self.chunk(offset) else {
            return 0;
        };
        let later = other.chunks.iter().find(|found| found.t_ms >= chunk.t_ms);
        let earlier_bytes = later.map_or(other.bytes.len(), |found| found.offset);
        earlier_bytes.min(chunk.other_before)
    }

    /// The chunk with the byte at `offset`; the last one of an offset behind the end.
    fn chunk(&self, offset: usize) -> Option<&Chunk> {
        let next = self.chunks.partition_point(|chunk| chunk.offset <= offset);
        self.chunks.get(next.checked_sub(1)?)
    }

    fn t_ms_last(&self) -> f64 {
        self.chunks.last().map_or(0.0, |chunk| chunk.t_ms)
    }
}

#[derive(Deserialize)]
struct WireLine<'a> {
    #[serde(default)]
    t_ms: Option<f64>,
    #[serde(borrow)]
    dir: Cow<'a, str>,
    #[serde(borrow, default)]
    b64: Option<Cow<'a, str>>,
    #[serde(default)]
    eof: bool,
    #[serde(default)]
    reset: bool,
}

/// Some recorders leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
