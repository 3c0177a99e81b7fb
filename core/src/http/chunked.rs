//! [`Chunked`]: a body in chunks (RFC 9112 §7.1).

use super::{HttpLimits, Violation};

/// Takes a chunked body apart, byte by byte where it must and chunk by chunk where it can.
#[derive(Debug)]
pub(super) struct Chunked {
    step: Step,
    /// Bytes since the last data: of a size line, with the trailers if it is the last one.
    line_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The digits of a size; at least one must come.
    Size {
        size: usize,
        has_digit: bool,
    },
    /// White space behind the size, which RFC 9112 §7.1.1 tells to tolerate.
    AfterSize {
        size: usize,
    },
    /// A chunk extension, which is skipped.
    Extension {
        size: usize,
    },
    /// The line feed of a size line.
    SizeEnd {
        size: usize,
    },
    Data {
        remaining: usize,
    },
    /// The line end behind a chunk's data.
    DataReturn,
    DataEnd,
    /// A trailer line, which is skipped; an empty one ends the body.
    Trailer {
        is_empty: bool,
    },
    /// The line feed of a trailer line.
    TrailerEnd {
        is_empty: bool,
    },
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self {
            step: Step::SIZE,
            line_bytes: 0,
        }
    }

    /// Takes bytes from `input` and appends what they hold to `body`; true when it is whole.
    pub(super) fn read(
        &mut self,
        input: &mut &[u8],
        body: &mut Vec<u8>,
        limits: &HttpLimits,
    ) -> Result<bool, Violation> {
        loop {
            if let Step::Data { remaining } = self.step {
                let (data, rest) = input.split_at(remaining.min(input.len()));
                body.extend_from_slice(data);
                *input = rest;
                let remaining = remaining.saturating_sub(data.len());
                mark!(ChunkTorn if remaining > 0);
                if remaining > 0 {
                    self.step = Step::Data { remaining };
                    return Ok(false);
                }
                self.step = Step::DataReturn;
                self.line_bytes = 0;
            }
            let Some((&byte, rest)) = input.split_first() else {
                return Ok(false);
            };
            *input = rest;
            self.line_bytes = self.line_bytes.saturating_add(1);
            if self.line_bytes > limits.header_bytes_max {
                return Err(Violation::ChunkLineTooLong {
                    bytes_max: limits.header_bytes_max,
                });
            }
            let room = limits.body_bytes_max.saturating_sub(body.len());
            let Some(step) = self.step.after(byte, room, limits)? else {
                return Ok(true);
            };
            self.step = step;
        }
    }
}

impl Step {
    /// The beginning of a chunk.
    const SIZE: Self = Self::Size {
        size: 0,
        has_digit: false,
    };

    /// What follows this byte; nothing behind the end of the body.
    fn after(self, byte: u8, room: usize, limits: &HttpLimits) -> Result<Option<Self>, Violation> {
        let next = match (self, byte) {
            (Self::Size { size, .. }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let size = with_digit(size, byte).filter(|&size| size <= room);
                let bytes_max = limits.body_bytes_max;
                let size = size.ok_or(Violation::BodyTooLong { bytes_max })?;
                Self::Size {
                    size,
                    has_digit: true,
                }
            }
            (
                Self::Size {
                    size,
                    has_digit: true,
                }
                | Self::AfterSize { size },
                b' ' | b'\t',
            ) => Self::AfterSize { size },
            (
                Self::Size {
                    size,
                    has_digit: true,
                }
                | Self::AfterSize { size },
                b';',
            ) => Self::Extension { size },
            (
                Self::Size {
                    size,
                    has_digit: true,
                }
                | Self::AfterSize { size }
                | Self::Extension { size },
                b'\r',
            ) => Self::SizeEnd { size },
            (Self::Extension { .. }, b'\n') => return Err(Violation::Chunk),
            (Self::Extension { size }, _) => Self::Extension { size },
            (Self::SizeEnd { size: 0 }, b'\n') => Self::Trailer { is_empty: true },
            (Self::SizeEnd { size }, b'\n') => Self::Data { remaining: size },
            (Self::DataReturn, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::SIZE,
            (Self::Trailer { is_empty }, b'\r') => Self::TrailerEnd { is_empty },
            (Self::Trailer { .. }, b'\n') => return Err(Violation::Chunk),
            (Self::Trailer { .. }, _) => Self::Trailer { is_empty: false },
            (Self::TrailerEnd { is_empty: true }, b'\n') => return Ok(None),
            (Self::TrailerEnd { is_empty: false }, b'\n') => Self::Trailer { is_empty: true },
            (
                Self::Size { .. }
                | Self::AfterSize { .. }
                | Self::SizeEnd { .. }
                | Self::Data { .. }
                | Self::DataReturn
                | Self::DataEnd
                | Self::TrailerEnd { .. },
                _,
            ) => return Err(Violation::Chunk),
        };
        Ok(Some(next))
    }
}

/// A size with one more hexadecimal digit, unless it overflows.
fn with_digit(size: usize, digit: u8) -> Option<usize> {
    let value = char::from(digit).to_digit(16)?;
    size.checked_mul(16)?
        .checked_add(usize::try_from(value).ok()?)
}
