//! [`WebSocket`]: the client's side of one WebSocket, as a pure machine (RFC 6455).
//!
//! It asks for the upgrade, checks the answer, puts messages together, answers pings and closes.
//! It reads no clock: deadlines for the handshake, the pong and the close are its owner's. It
//! draws masks and the handshake key from the generator that it is given, so the same seed and
//! calls make the same bytes.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod close;
mod frame;
mod incoming;
mod message;
#[cfg(test)]
mod tests;
mod upgrade;
mod violation;

pub use close::{CloseCode, CloseFrame};
pub use incoming::Incoming;
pub use upgrade::{UpgradeRequest, Upgraded};
pub use violation::{Refusal, Violation};

use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng as _;

use crate::outgoing::Outgoing;
use frame::{ControlKind, Header, HeaderReader, Kind, Payload};
use message::{Assembler, Progress, Whole};
use upgrade::Handshake;

/// The client's side of one WebSocket.
///
/// The same bytes give the same results however they are cut. After [`Incoming::Closed`] or a
/// [`Violation`] it is closed: it drops every byte, and adds none to [`WebSocket::pending`]. What
/// still waits there is worth writing: it tells the peer why.
///
/// ```
/// use http::{HeaderValue, uri::PathAndQuery};
/// use lavapool_core::websocket::{UpgradeRequest, WebSocket, WebSocketLimits};
/// use rand_chacha::ChaCha8Rng;
/// use rand_core::SeedableRng;
///
/// let request = UpgradeRequest {
///     target: &PathAndQuery::from_static("/v4/websocket"),
///     host: &HeaderValue::from_static("localhost:2333"),
///     headers: &[],
/// };
/// let rng = ChaCha8Rng::from_seed([0; 32]);
/// let mut websocket = WebSocket::new(&request, WebSocketLimits::default(), rng);
/// assert!(websocket.pending().starts_with(b"GET /v4/websocket HTTP/1.1\r\n"));
/// websocket.wrote(websocket.pending().len());
///
/// let mut input = &b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"[..];
/// let refused = websocket.next(&mut input).unwrap_err();
/// assert_eq!(refused.to_string(), "the upgrade was answered with 401 Unauthorized");
/// assert!(websocket.is_closed());
/// ```
pub struct WebSocket {
    limits: WebSocketLimits,
    state: State,
    reading: Reading,
    header: HeaderReader,
    assembler: Assembler,
    /// The pong that was handed out last.
    pong: Payload,
    outgoing: Outgoing,
    waiting: Waiting,
    rng: ChaCha8Rng,
}

/// What one WebSocket may hold of the server's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSocketLimits {
    /// Bytes of the header section that answers the upgrade.
    pub header_bytes_max: usize,
    /// Bytes of a message, all its frames together.
    pub message_bytes_max: usize,
}

impl Default for WebSocketLimits {
    /// 64 KiB of headers, and 16 MiB of message: Lavalink itself has no limit.
    fn default() -> Self {
        Self {
            header_bytes_max: 64 * 1024,
            message_bytes_max: 16 * 1024 * 1024,
        }
    }
}

#[derive(Debug)]
enum State {
    /// The upgrade is asked for.
    Handshaking(Handshake),
    /// Messages go both ways.
    Open,
    /// Our close frame is among the bytes to write; the server's is awaited.
    Closing,
    /// Nothing is read, and nothing more is written.
    Closed,
}

/// What the next byte of an upgraded connection belongs to.
#[derive(Debug)]
enum Reading {
    Header,
    Data,
    Control {
        control: ControlKind,
        bytes: usize,
        payload: Payload,
    },
}

/// The control frames that go out once the bytes before them are gone: the latest of each kind,
/// so that a peer which reads nothing cannot make them pile up (RFC 6455 §5.5.3).
#[derive(Debug, Default)]
struct Waiting {
    ping: Option<[u8; 8]>,
    pong: Option<Payload>,
}

/// What [`WebSocket::advance`] found, before it is borrowed from.
enum Found<'i> {
    Accepted(Upgraded),
    Message(Whole<'i>),
    Pong(Payload),
    Closed(CloseFrame),
}

impl WebSocket {
    /// A WebSocket whose request to upgrade is pending.
    pub fn new(request: &UpgradeRequest<'_>, limits: WebSocketLimits, mut rng: ChaCha8Rng) -> Self {
        let mut key = [0; 16];
        rng.fill_bytes(&mut key);
        Self::with_key(request, key, limits, rng)
    }

    /// The same with a key that is known before, for an exchange whose answer was recorded; one
    /// that is drawn anew for each WebSocket is what RFC 6455 §4.1 demands.
    pub fn with_key(
        request: &UpgradeRequest<'_>,
        key: [u8; 16],
        limits: WebSocketLimits,
        rng: ChaCha8Rng,
    ) -> Self {
        let mut outgoing = Outgoing::default();
        let handshake = Handshake::begin(request, key, outgoing.writer());
        Self {
            limits,
            state: State::Handshaking(handshake),
            reading: Reading::Header,
            header: HeaderReader::default(),
            assembler: Assembler::new(limits.message_bytes_max),
            pong: Payload::EMPTY,
            outgoing,
            waiting: Waiting::default(),
            rng,
        }
    }

    /// Takes bytes that came, and gives one thing at a time.
    ///
    /// Nothing means that all of `input` was taken and more is needed. A message that is one
    /// frame and lies whole in `input` is borrowed from it; the buffer of any other is given back
    /// at the call after it, so it is worth calling until nothing comes. Pings are answered here;
    /// what is answered is in [`WebSocket::pending`].
    ///
    /// # Errors
    ///
    /// What the server did wrong; the WebSocket is closed then, and a close frame that tells the
    /// server is pending if there was a WebSocket to tell it on.
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Incoming<'a>>, Violation> {
        self.assembler.release();
        if let Some(payload) = self.whole_text(input) {
            return self.text(payload).map(Some);
        }
        let found = match self.advance(input) {
            Ok(found) => found,
            Err(violation) => return Err(self.fail(violation)),
        };
        let Some(found) = found else { return Ok(None) };
        match found {
            Found::Accepted(upgraded) => Ok(Some(Incoming::Accepted(upgraded))),
            Found::Closed(frame) => Ok(Some(Incoming::Closed(frame))),
            Found::Pong(payload) => {
                self.pong = payload;
                Ok(Some(Incoming::Pong(self.pong.bytes())))
            }
            Found::Message(Whole { kind, input }) => match (kind, input) {
                (Kind::Binary, Some(payload)) => Ok(Some(Incoming::Binary(payload))),
                (Kind::Binary, None) => Ok(Some(Incoming::Binary(self.assembler.buffer()))),
                (Kind::Text, Some(payload)) => self.text(payload).map(Some),
                (Kind::Text, None) => match self.assembler.validate() {
                    Ok(()) => Ok(Some(Incoming::Text(self.assembler.text()))),
                    Err(violation) => Err(self.fail(violation)),
                },
            },
        }
    }

    /// Takes a message off the start of `input`, if it is text, lies there whole in one frame, and
    /// nothing is under way.
    fn whole_text<'i>(&self, input: &mut &'i [u8]) -> Option<&'i [u8]> {
        let is_between = matches!(self.reading, Reading::Header)
            && self.header.is_empty()
            && self.assembler.is_empty();
        if !self.is_open() || !is_between {
            return None;
        }
        let (payload, rest) = frame::whole_text(input)?;
        if payload.len() > self.limits.message_bytes_max {
            return None;
        }
        *input = rest;
        Some(payload)
    }

    fn text<'i>(&mut self, payload: &'i [u8]) -> Result<Incoming<'i>, Violation> {
        match std::str::from_utf8(payload) {
            Ok(text) => Ok(Incoming::Text(text)),
            Err(_) => Err(self.fail(Violation::Utf8)),
        }
    }

    /// Tells that the server closed its side of the connection.
    ///
    /// # Errors
    ///
    /// [`Violation::EndedInHandshake`] or [`Violation::EndedWithoutClose`], unless a close frame
    /// has gone or come before: servers need not answer ours.
    pub fn end_of_stream(&mut self) -> Result<(), Violation> {
        let ended = match self.state {
            State::Handshaking(_) => Err(Violation::EndedInHandshake),
            State::Open => Err(Violation::EndedWithoutClose),
            State::Closing | State::Closed => Ok(()),
        };
        self.become_closed();
        ended
    }

    /// Sends a ping, if the WebSocket is open.
    ///
    /// While bytes wait to be written so does the ping, and a later one takes its place.
    pub fn ping(&mut self, payload: &[u8; 8]) {
        if self.is_open() {
            self.waiting.ping = Some(*payload);
            self.flush();
        }
    }

    /// Sends a close frame, if the WebSocket is open; messages that still come are dropped, and
    /// [`Incoming::Closed`] is the server's answer. Before the upgrade there is nothing to close,
    /// and the WebSocket is closed at once.
    ///
    /// A reason is cut to the 123 bytes that fit.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        match self.state {
            State::Open => {
                self.write_close(Some(code), reason);
                self.state = State::Closing;
            }
            State::Handshaking(_) => self.become_closed(),
            State::Closing | State::Closed => {}
        }
    }

    /// Tells that the first `count` bytes of [`WebSocket::pending`] were taken.
    ///
    /// A ping or pong that waited for them is pending then.
    pub fn wrote(&mut self, count: usize) {
        self.outgoing.take(count);
        self.flush();
    }

    /// The bytes to write.
    pub fn pending(&self) -> &[u8] {
        self.outgoing.pending()
    }

    /// Whether the upgrade is still awaited.
    pub fn is_handshaking(&self) -> bool {
        matches!(self.state, State::Handshaking(_))
    }

    /// Whether messages come and pings can be sent.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Whether our close frame was sent and the server's is awaited.
    pub fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing)
    }

    /// Whether nothing more comes or goes, but for what is pending.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Takes bytes until there is something to hand out.
    fn advance<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, Violation> {
        match &mut self.state {
            State::Handshaking(handshake) => {
                let upgraded = handshake.next(input, self.limits.header_bytes_max)?;
                if upgraded.is_some() {
                    self.state = State::Open;
                }
                Ok(upgraded.map(Found::Accepted))
            }
            State::Open | State::Closing => self.advance_frames(input),
            State::Closed => {
                *input = &[];
                Ok(None)
            }
        }
    }

    fn advance_frames<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, Violation> {
        let is_closing = self.is_closing();
        loop {
            match &mut self.reading {
                Reading::Header => {
                    let Some(header) = self.header.next(input)? else {
                        return Ok(None);
                    };
                    self.reading = self.begin_frame(header)?;
                }
                Reading::Data if is_closing => {
                    mark!(ReadWhileClosing);
                    if !self.assembler.skip(input) {
                        return Ok(None);
                    }
                    self.reading = Reading::Header;
                }
                Reading::Data => match self.assembler.read(input) {
                    Progress::Partial => return Ok(None),
                    Progress::Fragment => {
                        mark!(Fragmented);
                        self.reading = Reading::Header;
                    }
                    Progress::Whole(whole) => {
                        self.reading = Reading::Header;
                        return Ok(Some(Found::Message(whole)));
                    }
                },
                Reading::Control {
                    control,
                    bytes,
                    payload,
                } => {
                    if !payload.read(input, *bytes) {
                        return Ok(None);
                    }
                    let (control, payload) = (*control, *payload);
                    self.reading = Reading::Header;
                    if let Some(found) = self.control(control, payload)? {
                        return Ok(Some(found));
                    }
                }
            }
        }
    }

    fn begin_frame(&mut self, header: Header) -> Result<Reading, Violation> {
        match header {
            Header::Data {
                opening,
                is_final,
                bytes,
            } => {
                self.assembler.begin(opening, is_final, bytes)?;
                Ok(Reading::Data)
            }
            Header::Control { control, bytes } => Ok(Reading::Control {
                control,
                bytes,
                payload: Payload::EMPTY,
            }),
        }
    }

    /// Answers a whole control frame, and says what of it is to be handed out.
    fn control(
        &mut self,
        control: ControlKind,
        payload: Payload,
    ) -> Result<Option<Found<'static>>, Violation> {
        match control {
            ControlKind::Pong => Ok(Some(Found::Pong(payload))),
            ControlKind::Ping => {
                mark!(PingAnswered);
                // RFC 6455 §5.5.1: nothing is sent behind a close frame.
                if self.is_open() {
                    self.waiting.pong = Some(payload);
                    self.flush();
                }
                Ok(None)
            }
            ControlKind::Close => {
                let frame = CloseFrame::read(payload.bytes())?;
                if self.is_open() {
                    self.write_close(frame.code, "");
                }
                self.become_closed();
                Ok(Some(Found::Closed(frame)))
            }
        }
    }

    /// Closes on a violation, telling the server if there is a WebSocket to tell it on.
    fn fail(&mut self, violation: Violation) -> Violation {
        if self.is_open()
            && let Some(code) = violation.close_code()
        {
            mark!(ViolationTold);
            self.write_close(Some(code), "");
        }
        self.become_closed();
        violation
    }

    /// Appends a close frame, and drops the pings and pongs that have not gone.
    fn write_close(&mut self, code: Option<CloseCode>, reason: &str) {
        self.waiting = Waiting::default();
        let payload = close::payload(code, reason);
        let out = self.outgoing.writer();
        frame::write_control(out, ControlKind::Close, &payload, &mut self.rng);
    }

    /// Writes the ping and the pong that wait, if nothing is before them.
    fn flush(&mut self) {
        if !self.outgoing.is_empty() {
            mark!(ControlFrameWaits if self.waiting.ping.is_some() || self.waiting.pong.is_some());
            return;
        }
        let Waiting { ping, pong } = std::mem::take(&mut self.waiting);
        let out = self.outgoing.writer();
        if let Some(payload) = pong {
            frame::write_control(out, ControlKind::Pong, &payload, &mut self.rng);
        }
        if let Some(payload) = ping {
            frame::write_control(
                out,
                ControlKind::Ping,
                &Payload::new(&payload),
                &mut self.rng,
            );
        }
    }

    fn become_closed(&mut self) {
        self.state = State::Closed;
        self.reading = Reading::Header;
        self.waiting = Waiting::default();
        self.assembler.clear();
    }
}

impl fmt::Debug for WebSocket {
    /// What came stays hidden: session ids are among it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Handshaking(_) => "Handshaking",
            State::Open => "Open",
            State::Closing => "Closing",
            State::Closed => "Closed",
        };
        f.debug_struct("WebSocket")
            .field("state", &format_args!("{state}"))
            .field("outgoing", &self.outgoing)
            .finish_non_exhaustive()
    }
}
