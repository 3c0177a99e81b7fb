//! [`Connection`]: one keep-alive HTTP/1.1 connection to a node, as a pure machine (RFC 9112).
//!
//! A request is drafted and sent, its bytes wait in [`Connection::pending`], the bytes that come
//! back go through [`Connection::next`], and one [`Response`] comes out. There is no pipelining:
//! the next request can be drafted when the connection is idle again. The machine reads no clock;
//! deadlines are its owner's.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod chunked;
#[cfg(test)]
pub(crate) mod cuts;
pub(crate) mod head;
mod request;
mod response;
#[cfg(test)]
mod tests;
mod violation;

pub(crate) use request::write_header;
pub use request::{Draft, HeaderBlock, ReservedHeader, Target};
pub use response::Response;
pub use violation::{Ended, HeadViolation, Violation};

use std::fmt;

use ::http::{Method, StatusCode};

use crate::outgoing::Outgoing;
use chunked::Chunked;
use head::HeadReader;
use response::{Framing, ResponseHead};

/// One HTTP/1.1 connection from the client's side.
///
/// The same bytes give the same responses however they are cut. What the peer does wrong is a
/// [`Violation`]; after one, the connection is spent: it takes no request and drops every byte.
///
/// ```
/// use http::{HeaderValue, Method};
/// use lavapool_core::http::{Connection, HeaderBlock, HttpLimits};
///
/// let host = HeaderValue::from_static("localhost:2333");
/// let headers = HeaderBlock::new(&host, &[])?;
/// let mut connection = Connection::new(HttpLimits::default());
///
/// let mut draft = connection.draft(Method::GET, &headers).expect("a new connection is idle");
/// draft.target().literal("/version");
/// draft.send();
/// assert_eq!(
///     connection.pending(),
///     b"GET /version HTTP/1.1\r\nHost: localhost:2333\r\nAccept: application/json\r\n\r\n",
/// );
/// connection.wrote(connection.pending().len());
///
/// let mut input = &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n4.2.2"[..];
/// let response = connection.next(&mut input)?.expect("the response is whole");
/// assert_eq!(response.body, b"4.2.2");
/// assert!(response.reusable);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Connection {
    limits: HttpLimits,
    state: State,
    outgoing: Outgoing,
    head: HeadReader,
    /// The body of the response, where it did not lie whole in one input.
    body: Vec<u8>,
    /// What is drafted but not sent.
    draft: request::Scratch,
}

/// What one HTTP connection may hold of the peer's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Bytes of a header section, and of a chunk's line and the trailers behind it.
    pub header_bytes_max: usize,
    /// Bytes of a decoded body.
    pub body_bytes_max: usize,
}

impl Default for HttpLimits {
    /// 64 KiB of headers and 64 MiB of body: a playlist of some thousand tracks has a few MiB.
    fn default() -> Self {
        Self {
            header_bytes_max: 64 * 1024,
            body_bytes_max: 64 * 1024 * 1024,
        }
    }
}

#[derive(Debug)]
enum State {
    /// No request is under way.
    Idle,
    /// A request was sent and its response's header section is awaited or under way.
    Head {
        method: Method,
        first_byte_seen: bool,
    },
    /// The body is under way.
    Body {
        head: ResponseHead,
        progress: Progress,
    },
    /// No further request can be sent.
    Spent,
}

/// How much of a body is still to come.
#[derive(Debug)]
enum Progress {
    Length { remaining: usize },
    Chunked(Chunked),
    ToClose,
}

impl Connection {
    /// An idle connection.
    pub fn new(limits: HttpLimits) -> Self {
        Self {
            limits,
            state: State::Idle,
            outgoing: Outgoing::default(),
            head: HeadReader::default(),
            body: Vec::new(),
            draft: request::Scratch::default(),
        }
    }

    /// Begins a request, which [`Draft::send`] finishes; nothing unless the connection is idle.
    pub fn draft<'a>(&'a mut self, method: Method, headers: &'a HeaderBlock) -> Option<Draft<'a>> {
        match self.state {
            State::Idle => Some(Draft::new(self, method, headers)),
            State::Head { .. } | State::Body { .. } | State::Spent => None,
        }
    }

    /// Takes bytes that came, and gives the response when it is whole.
    ///
    /// Nothing means that all of `input` was taken and more is needed. A body that lies whole in
    /// `input` is borrowed from it, unless it is chunked. The buffer of any other is given back
    /// at the call after the response, so it is worth calling until nothing comes.
    ///
    /// # Errors
    ///
    /// What the peer did wrong; the connection is spent then.
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Response<'a>>, Violation> {
        self.release_body();
        match self.advance(input) {
            Err(violation) => {
                self.abort();
                Err(violation)
            }
            Ok(None) => Ok(None),
            Ok(Some((head, Place::Input(body)))) => Ok(Some(self.finish(head, Some(body)))),
            Ok(Some((head, Place::Buffer))) => Ok(Some(self.finish(head, None))),
        }
    }

    /// Tells that the peer closed its side: the end of a body that lasts until then.
    ///
    /// Nothing, if the connection was spent before.
    ///
    /// # Errors
    ///
    /// How far the exchange was. The connection is spent in any case.
    pub fn end_of_stream(&mut self) -> Result<Option<Response<'_>>, Ended> {
        match std::mem::replace(&mut self.state, State::Spent) {
            State::Idle => Err(Ended::Idle),
            State::Spent => Ok(None),
            State::Head {
                first_byte_seen: false,
                ..
            } => {
                mark!(EndedBeforeResponse);
                Err(Ended::BeforeResponse)
            }
            State::Head {
                first_byte_seen: true,
                ..
            } => {
                mark!(HeadCut);
                Err(Ended::InsideResponse)
            }
            State::Body {
                head,
                progress: Progress::ToClose,
            } => {
                mark!(BodyToTheEnd);
                Ok(Some(head.with_body(&self.body, false)))
            }
            State::Body {
                progress: Progress::Length { .. } | Progress::Chunked(_),
                ..
            } => {
                mark!(BodyCut);
                Err(Ended::InsideResponse)
            }
        }
    }

    /// Gives the exchange up: nothing more is read or written.
    pub fn abort(&mut self) {
        self.state = State::Spent;
        self.outgoing = Outgoing::default();
        self.head.clear();
        self.body = Vec::new();
    }

    /// Tells that the first `count` bytes of [`Connection::pending`] were taken.
    pub fn wrote(&mut self, count: usize) {
        self.outgoing.take(count);
    }

    /// The bytes to write.
    pub fn pending(&self) -> &[u8] {
        self.outgoing.pending()
    }

    /// Whether a request can be drafted.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Whether the connection is of no further use.
    pub fn is_spent(&self) -> bool {
        matches!(self.state, State::Spent)
    }

    /// Whether a byte of the response has come to the request that is under way.
    pub fn first_byte_seen(&self) -> bool {
        match self.state {
            State::Head {
                first_byte_seen, ..
            } => first_byte_seen,
            State::Body { .. } => true,
            State::Idle | State::Spent => false,
        }
    }

    /// A request with this method was put among the pending bytes.
    fn begin(&mut self, method: Method) {
        debug_assert!(
            self.is_idle(),
            "a draft exists only while the connection is idle"
        );
        self.release_body();
        self.state = State::Head {
            method,
            first_byte_seen: false,
        };
    }

    /// Takes bytes until a response is whole, and says where its body lies.
    fn advance<'i>(
        &mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<(ResponseHead, Place<'i>)>, Violation> {
        loop {
            match &mut self.state {
                State::Idle if input.is_empty() => return Ok(None),
                State::Idle => {
                    mark!(Unsolicited);
                    return Err(Violation::Unsolicited);
                }
                State::Spent => {
                    *input = &[];
                    return Ok(None);
                }
                State::Head {
                    method,
                    first_byte_seen,
                } => {
                    *first_byte_seen |= !input.is_empty();
                    let section = self.head.next(input, self.limits.header_bytes_max)?;
                    let Some(section) = section else {
                        return Ok(None);
                    };
                    let head = ResponseHead::read(section, method, &self.limits)?;
                    self.head.clear();
                    if head.status == StatusCode::SWITCHING_PROTOCOLS {
                        return Err(Violation::SwitchedProtocols);
                    }
                    // RFC 9110 §15.2: any number of interim responses may come first.
                    if head.status.is_informational() {
                        mark!(InterimResponse);
                        continue;
                    }
                    let progress = Progress::of(head.framing);
                    self.state = State::Body { head, progress };
                }
                State::Body { head, progress } => {
                    let place = progress.read(input, &mut self.body, &self.limits)?;
                    return Ok(place.map(|place| (*head, place)));
                }
            }
        }
    }

    /// Ends the exchange with its response; the body is in the buffer unless it is given.
    fn finish<'a>(&'a mut self, head: ResponseHead, body: Option<&'a [u8]>) -> Response<'a> {
        // A request that the server answered without reading all of it blocks the connection.
        mark!(AnsweredTooSoon if head.keep_alive && !self.outgoing.is_empty());
        let reusable = head.keep_alive && self.outgoing.is_empty();
        self.state = if reusable { State::Idle } else { State::Spent };
        head.with_body(body.unwrap_or(&self.body), reusable)
    }

    /// Gives back the buffer of a response that was handed out, but for room for another like it.
    fn release_body(&mut self) {
        match self.state {
            State::Idle | State::Spent if self.body.is_empty() => {}
            State::Idle | State::Spent => {
                let kept = self.body.len().clamp(BODY_KEPT_BYTES, BODY_KEPT_BYTES_MAX);
                self.body.clear();
                self.body.shrink_to(kept);
            }
            State::Head { .. } | State::Body { .. } => {}
        }
    }
}

impl fmt::Debug for Connection {
    /// What was sent and what came stay hidden: passwords and voice tokens are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.state)
            .field("outgoing", &self.outgoing)
            .finish_non_exhaustive()
    }
}

/// Where a whole body lies.
enum Place<'i> {
    Input(&'i [u8]),
    Buffer,
}

impl Progress {
    fn of(framing: Framing) -> Self {
        match framing {
            Framing::Length(remaining) => Self::Length { remaining },
            Framing::Chunked => Self::Chunked(Chunked::new()),
            Framing::ToClose => Self::ToClose,
        }
    }

    /// Takes bytes of the body, and says where it lies once it is whole.
    fn read<'i>(
        &mut self,
        input: &mut &'i [u8],
        body: &mut Vec<u8>,
        limits: &HttpLimits,
    ) -> Result<Option<Place<'i>>, Violation> {
        match self {
            Self::Length { remaining } => {
                let available: &'i [u8] = input;
                let (taken, rest) = available.split_at(available.len().min(*remaining));
                *input = rest;
                *remaining = remaining.saturating_sub(taken.len());
                if *remaining == 0 && body.is_empty() {
                    return Ok(Some(Place::Input(taken)));
                }
                body.extend_from_slice(taken);
                Ok((*remaining == 0).then_some(Place::Buffer))
            }
            Self::Chunked(chunked) => {
                let is_whole = chunked.read(input, body, limits)?;
                Ok(is_whole.then_some(Place::Buffer))
            }
            Self::ToClose => {
                let room = limits.body_bytes_max.saturating_sub(body.len());
                if input.len() > room {
                    return Err(Violation::BodyTooLong {
                        bytes_max: limits.body_bytes_max,
                    });
                }
                body.extend_from_slice(input);
                *input = &[];
                Ok(None)
            }
        }
    }
}

/// What an idle connection keeps of its body buffer at least, if it was ever as much.
const BODY_KEPT_BYTES: usize = 16 * 1024;
/// What it keeps at most, until it is closed or gathers a shorter body: a playlist of some hundred
/// tracks.
const BODY_KEPT_BYTES_MAX: usize = 128 * 1024;
