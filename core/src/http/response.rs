//! [`Response`], and what its header section says of its body.

use std::fmt;
use std::time::Duration;

use ::http::{Method, StatusCode};

use super::head::{self, StatusLine};
use super::{HttpLimits, Violation};

/// A whole response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// The status; never below 200.
    pub status: StatusCode,
    /// Whether `Content-Type` says JSON.
    pub is_json: bool,
    /// `Retry-After`, if it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// `Lavalink-Api-Version`; 0 if it is not a number.
    pub api_version: Option<u32>,
    /// The body, decoded from its chunks.
    pub body: &'a [u8],
    /// Whether the connection takes another request; otherwise it is to be closed.
    pub reusable: bool,
}

impl fmt::Debug for Response<'_> {
    /// The body stays hidden but for its length: a player's holds a voice token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("is_json", &self.is_json)
            .field("retry_after", &self.retry_after)
            .field("api_version", &self.api_version)
            .field("body_bytes", &self.body.len())
            .field("reusable", &self.reusable)
            .finish()
    }
}

/// What is kept of a header section until the body is whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseHead {
    pub(super) status: StatusCode,
    is_json: bool,
    retry_after: Option<Duration>,
    api_version: Option<u32>,
    pub(super) framing: Framing,
    pub(super) keep_alive: bool,
}

/// How the end of a body is told (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
    ToClose,
}

impl ResponseHead {
    /// Reads a whole header section that answers a request with `method`.
    pub(super) fn read(
        section: &[u8],
        method: &Method,
        limits: &HttpLimits,
    ) -> Result<Self, Violation> {
        let mut fields = Fields::default();
        let line = head::read_head(section, |name, value| fields.visit(name, value))?;
        Ok(Self {
            status: line.status,
            is_json: fields.is_json,
            retry_after: fields.retry_after,
            api_version: fields.api_version,
            framing: fields.framing(line, method, limits)?,
            keep_alive: fields.keeps_alive(line),
        })
    }

    /// The response that this is the head of.
    pub(super) fn with_body(self, body: &[u8], reusable: bool) -> Response<'_> {
        Response {
            status: self.status,
            is_json: self.is_json,
            retry_after: self.retry_after,
            api_version: self.api_version,
            body,
            reusable,
        }
    }
}

/// The headers that matter.
#[derive(Default)]
struct Fields {
    is_json: bool,
    retry_after: Option<Duration>,
    api_version: Option<u32>,
    length: Length,
    encoding: Encoding,
    says_close: bool,
    says_keep_alive: bool,
}

#[derive(Clone, Copy, Default)]
enum Length {
    #[default]
    Absent,
    Known(u64),
    Invalid,
}

#[derive(Clone, Copy, Default)]
enum Encoding {
    #[default]
    Absent,
    Chunked,
    Unknown,
}

impl Fields {
    fn visit(&mut self, name: &str, value: &[u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("content-length") {
            self.length = self.length.and(value);
        } else if is("transfer-encoding") {
            self.encoding = self.encoding.and(value);
        } else if is("connection") {
            self.says_close |= head::has_member(value, "close");
            self.says_keep_alive |= head::has_member(value, "keep-alive");
        } else if is("content-type") {
            self.is_json = is_json(value);
        } else if is("retry-after") {
            mark!(PauseAskedFor);
            self.retry_after = head::retry_after(value);
        } else if is("lavalink-api-version") {
            self.api_version = Some(head::api_version(value));
        }
    }

    fn framing(
        &self,
        line: StatusLine,
        method: &Method,
        limits: &HttpLimits,
    ) -> Result<Framing, Violation> {
        let status = line.status;
        let has_none = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if has_none || method == Method::HEAD {
            return Ok(Framing::Length(0));
        }
        match (self.encoding, self.length) {
            (Encoding::Chunked, Length::Absent) => Ok(Framing::Chunked),
            (Encoding::Absent, Length::Absent) => Ok(Framing::ToClose),
            (Encoding::Unknown, Length::Absent) => Err(Violation::TransferEncoding),
            (Encoding::Chunked | Encoding::Unknown, Length::Known(_) | Length::Invalid) => {
                Err(Violation::LengthAndEncoding)
            }
            (Encoding::Absent, Length::Invalid) => Err(Violation::ContentLength),
            (Encoding::Absent, Length::Known(length)) => usize::try_from(length)
                .ok()
                .filter(|&length| length <= limits.body_bytes_max)
                .map(Framing::Length)
                .ok_or(Violation::BodyTooLong {
                    bytes_max: limits.body_bytes_max,
                }),
        }
    }

    /// RFC 9112 §9.3; chunks from an HTTP/1.0 server are not to be trusted (§6.1).
    fn keeps_alive(&self, line: StatusLine) -> bool {
        mark!(NotKeptAlive if self.says_close);
        let is_dubious = line.is_1_0 && !matches!(self.encoding, Encoding::Absent);
        !self.says_close && !is_dubious && (!line.is_1_0 || self.says_keep_alive)
    }
}

impl Length {
    /// This and one more header; equal repetitions are one (RFC 9110 §8.6).
    fn and(self, value: &[u8]) -> Self {
        let mut found = self;
        let mut members = value.split(|&byte| byte == b',').map(head::number);
        loop {
            found = match (found, members.next()) {
                (found, None) => return found,
                (Self::Absent, Some(Some(length))) => Self::Known(length),
                (Self::Known(known), Some(Some(length))) if known == length => found,
                (Self::Absent | Self::Known(_) | Self::Invalid, Some(_)) => return Self::Invalid,
            }
        }
    }
}

impl Encoding {
    fn and(self, value: &[u8]) -> Self {
        match self {
            Self::Absent if value.trim_ascii().eq_ignore_ascii_case(b"chunked") => Self::Chunked,
            Self::Absent | Self::Chunked | Self::Unknown => Self::Unknown,
        }
    }
}

/// `application/json` or anything `+json`, whatever its parameters.
fn is_json(value: &[u8]) -> bool {
    let essence = value
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let ends_with = |end: &[u8]| {
        let start = essence.len().saturating_sub(end.len());
        essence
            .get(start..)
            .is_some_and(|found| found.eq_ignore_ascii_case(end))
    };
    essence.eq_ignore_ascii_case(b"application/json") || ends_with(b"+json")
}
