//! The header section of a response: finding its end, and reading it.

use std::time::Duration;

use ::http::StatusCode;

use super::HeadViolation;

/// More headers than any node or proxy sends.
pub(crate) const HEADER_COUNT_MAX: usize = 96;

/// Finds the end of a header section, however its bytes are cut.
///
/// A section that lies whole in one input is not copied.
#[derive(Debug, Default)]
pub(crate) struct HeadReader {
    bytes: Vec<u8>,
    search: Search,
}

/// What the search for the empty line remembers of the bytes that it has seen.
#[derive(Clone, Copy, Debug, Default)]
struct Search {
    seen: usize,
    line_is_empty: bool,
}

/// The status line of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatusLine {
    pub(crate) status: StatusCode,
    /// HTTP/1.0 rather than HTTP/1.1.
    pub(crate) is_1_0: bool,
}

impl HeadReader {
    /// Takes bytes from `input` up to the end of the section, and gives the section when it is
    /// whole; [`HeadReader::clear`] must follow before the next one.
    pub(crate) fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
        bytes_max: usize,
    ) -> Result<Option<&'a [u8]>, HeadViolation> {
        let was_buffered = !self.bytes.is_empty();
        let available: &'i [u8] = input;
        let end = self.search.find_end(available, bytes_max)?;
        let (taken, rest) = available.split_at(end.unwrap_or(available.len()));
        *input = rest;
        match end {
            Some(_) if !was_buffered => Ok(Some(taken)),
            Some(_) => {
                self.bytes.extend_from_slice(taken);
                Ok(Some(&self.bytes))
            }
            None => {
                self.bytes.extend_from_slice(taken);
                Ok(None)
            }
        }
    }

    /// Forgets the section, and gives back what a long one took.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.search = Search::default();
    }
}

impl Search {
    /// The place in `bytes` behind the empty line, if it is there.
    ///
    /// The first bytes are checked as they come, so that a peer which speaks something else is
    /// found out at once.
    fn find_end(&mut self, bytes: &[u8], bytes_max: usize) -> Result<Option<usize>, HeadViolation> {
        for (place, &byte) in bytes.iter().enumerate() {
            if MAGIC
                .get(self.seen)
                .is_some_and(|&expected| expected != byte)
            {
                return Err(HeadViolation::NotHttp);
            }
            self.seen = self.seen.saturating_add(1);
            if self.seen > bytes_max {
                return Err(HeadViolation::TooLong { bytes_max });
            }
            match byte {
                b'\n' if self.line_is_empty => return Ok(Some(place.saturating_add(1))),
                b'\n' => self.line_is_empty = true,
                b'\r' => {}
                _ => self.line_is_empty = false,
            }
        }
        Ok(None)
    }
}

/// Reads a whole section, giving each header to `visit` in order.
pub(crate) fn read_head<'s>(
    section: &'s [u8],
    mut visit: impl FnMut(&'s str, &'s [u8]),
) -> Result<StatusLine, HeadViolation> {
    let mut headers = [httparse::EMPTY_HEADER; HEADER_COUNT_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(section).map_err(|error| match error {
        httparse::Error::Status | httparse::Error::Token | httparse::Error::Version => {
            HeadViolation::StatusLine
        }
        httparse::Error::HeaderName => HeadViolation::HeaderName,
        httparse::Error::HeaderValue => HeadViolation::HeaderValue,
        httparse::Error::NewLine => HeadViolation::LineEnd,
        httparse::Error::TooManyHeaders => HeadViolation::TooManyHeaders {
            count_max: HEADER_COUNT_MAX,
        },
    })?;
    let (httparse::Status::Complete(end), Some(code)) = (parsed, response.code) else {
        return Err(HeadViolation::LineEnd);
    };
    if end != section.len() {
        return Err(HeadViolation::LineEnd);
    }
    let status = StatusCode::from_u16(code).map_err(|_| HeadViolation::StatusLine)?;
    for header in response.headers.iter() {
        visit(header.name, header.value);
    }
    Ok(StatusLine {
        status,
        is_1_0: response.version == Some(0),
    })
}

/// The members of a comma-separated header, without surrounding white space.
pub(crate) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

/// Whether a comma-separated header has this member, whatever its case.
pub(crate) fn has_member(value: &[u8], member: &str) -> bool {
    members(value).any(|found| found.eq_ignore_ascii_case(member.as_bytes()))
}

/// The number that a header holds, if it is one and nothing else.
pub(crate) fn number(value: &[u8]) -> Option<u64> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The time in `Retry-After`, if it is a number of seconds rather than a date.
pub(crate) fn retry_after(value: &[u8]) -> Option<Duration> {
    number(value).map(Duration::from_secs)
}

/// The version in `Lavalink-Api-Version`; 0, which no server speaks, if it is not a number.
pub(crate) fn api_version(value: &[u8]) -> u32 {
    number(value)
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or(0)
}

/// What every response begins with (RFC 9112 §2.3).
const MAGIC: &[u8] = b"HTTP/1.";

/// What an empty reader may keep of its memory: a node's section has some 200 bytes.
const KEPT_BYTES: usize = 1024;
