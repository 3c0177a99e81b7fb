//! The WebSocket against tungstenite's own.

use std::io::{self, Read, Write};

use lavapool_core::websocket::{CloseCode, CloseFrame, Violation};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

use crate::websocket_stream::{LIMITS, Seen, feed, open};

/// Frames of a server: tungstenite reads the same messages from them, and agrees on what breaks
/// the protocol, but for where the two are known to differ.
pub fn websocket_differential(fuzzed: &[u8]) {
    let mut ours = feed(&mut open(), &[fuzzed]);
    let violation = match ours.last() {
        Some(Seen::Violation(violation)) => Some(violation.clone()),
        _ => None,
    };
    ours.retain(|seen| !matches!(seen, Seen::Violation(_)));
    let (mut theirs, mut end) = read_all(fuzzed);
    // What may not be sent, and 1014, which was registered later, it hands out as 1002.
    let is_1014 = |seen: &Seen| matches!(seen, Seen::Closed(frame) if frame.code == BAD_GATEWAY);
    if matches!(violation, Some(Violation::CloseCode { .. })) || ours.last().is_some_and(is_1014) {
        let closed = Seen::Closed(CloseFrame {
            code: Some(CloseCode::PROTOCOL_ERROR),
            reason: "Protocol violation".to_owned(),
        });
        if theirs.last() == Some(&closed) {
            theirs.pop();
            ours.retain(|seen| !is_1014(seen));
            end = End::Dry;
        }
    }

    match (&violation, end) {
        // It gives up inside a message, where we find out at its end: only control frames can
        // lie between.
        (_, End::Utf8) => {
            let common = ours.get(..theirs.len()).expect("we read as far");
            assert_eq!(common, theirs);
            let rest = ours.get(theirs.len()..).unwrap_or_default();
            let is_control = |seen: &Seen| matches!(seen, Seen::Pong(_) | Seen::Closed(_));
            assert!(rest.iter().all(is_control), "{rest:?}");
        }
        // We read what a header says before the payload has come.
        (Some(_), End::Broken | End::Dry) => assert_eq!(ours, theirs),
        (Some(violation), End::Closed) => panic!("{violation} where it closed: {theirs:?}"),
        (None, End::Closed | End::Dry) => assert_eq!(ours, theirs),
        (None, End::Broken) => panic!("{ours:?} where it found a violation after {theirs:?}"),
    }
}

const BAD_GATEWAY: Option<CloseCode> = CloseCode::new(1014);

/// Why tungstenite stopped.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The input is used up.
    Dry,
    /// A close frame.
    Closed,
    /// Text, or a close reason, that is not UTF-8.
    Utf8,
    /// Any other violation.
    Broken,
}

fn read_all(bytes: &[u8]) -> (Vec<Seen>, End) {
    let config = WebSocketConfig::default()
        .read_buffer_size(256)
        .max_message_size(Some(LIMITS.message_bytes_max))
        .max_frame_size(Some(LIMITS.message_bytes_max));
    let mut context = WebSocketContext::new(Role::Client, Some(config));
    let mut stream = Source(bytes);
    let mut seen = Vec::new();
    loop {
        match context.read(&mut stream) {
            Ok(Message::Text(text)) => seen.push(Seen::Text(text.to_string())),
            Ok(Message::Binary(bytes)) => seen.push(Seen::Binary(bytes.to_vec())),
            Ok(Message::Pong(payload)) => seen.push(Seen::Pong(payload.to_vec())),
            Ok(Message::Ping(_)) => {}
            Ok(Message::Close(frame)) => {
                let code = frame
                    .as_ref()
                    .and_then(|frame| CloseCode::new(frame.code.into()));
                let reason = frame
                    .map(|frame| frame.reason.to_string())
                    .unwrap_or_default();
                seen.push(Seen::Closed(CloseFrame { code, reason }));
                return (seen, End::Closed);
            }
            Ok(Message::Frame(_)) => panic!("reading gives no raw frames"),
            Err(Error::Utf8(_)) => return (seen, End::Utf8),
            Err(Error::Io(_)) => return (seen, End::Dry),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return (seen, End::Dry);
            }
            Err(_) => return (seen, End::Broken),
        }
    }
}

/// A connection that gives these bytes and then none, and takes all.
struct Source<'a>(&'a [u8]);

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Source<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
