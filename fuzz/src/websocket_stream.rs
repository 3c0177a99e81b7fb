//! The WebSocket, whole and cut.

use http::HeaderValue;
use http::uri::PathAndQuery;
use lavapool_core::websocket::{
    CloseFrame, Incoming, UpgradeRequest, Upgraded, Violation, WebSocket, WebSocketLimits,
};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use tungstenite::handshake::derive_accept_key;

use crate::cuts::Cut;

/// Frames of a server: the same comes out however they are cut, and messages keep their bound.
pub fn websocket_stream(fuzzed: &[u8]) {
    let Some(cut) = Cut::read(fuzzed) else { return };
    let (seen, _) = cut.check(|pieces| {
        let mut websocket = open();
        let seen = feed(&mut websocket, pieces);
        let ended = websocket.end_of_stream();
        (seen, (ended, websocket.pending().to_vec()))
    });
    for seen in seen {
        match seen {
            Seen::Text(text) => assert!(text.len() <= LIMITS.message_bytes_max),
            Seen::Binary(bytes) => assert!(bytes.len() <= LIMITS.message_bytes_max),
            Seen::Accepted(_) => panic!("a WebSocket opens once"),
            Seen::Pong(payload) => assert!(payload.len() <= 125),
            Seen::Closed(_) | Seen::Violation(_) => {}
        }
    }
}

/// An answer to the upgrade and what follows: the same comes out however it is cut, and nothing
/// is accepted that lacks the key.
pub fn websocket_handshake(fuzzed: &[u8]) {
    let Some(cut) = Cut::read(fuzzed) else { return };
    let seen = cut.check(|pieces| feed(&mut asking(), pieces));
    for (place, seen) in seen.iter().enumerate() {
        match seen {
            Seen::Accepted(upgraded) => {
                assert_eq!(place, 0);
                assert_eq!(upgraded.headers["sec-websocket-accept"], accept(&asking()));
            }
            Seen::Violation(_) => {}
            Seen::Text(_) | Seen::Binary(_) | Seen::Pong(_) | Seen::Closed(_) => {
                assert_ne!(place, 0, "frames follow the answer");
            }
        }
    }
}

/// What came out of a WebSocket, owned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Accepted(Upgraded),
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Closed(CloseFrame),
    Violation(Violation),
}

/// Small bounds, which a fuzzer can reach.
pub(crate) const LIMITS: WebSocketLimits = WebSocketLimits {
    header_bytes_max: 2048,
    message_bytes_max: 1024,
};

/// A WebSocket that was accepted, with nothing to write.
pub(crate) fn open() -> WebSocket {
    let mut websocket = asking();
    let accept = accept(&websocket);
    websocket.wrote(websocket.pending().len());
    let start = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket";
    let answer = format!("{start}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
    let seen = feed(&mut websocket, &[answer.as_bytes()]);
    assert!(matches!(seen[..], [Seen::Accepted(_)]), "{seen:?}");
    websocket
}

/// Gives the pieces, and collects what comes out until the first violation.
pub(crate) fn feed(websocket: &mut WebSocket, pieces: &[&[u8]]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            seen.push(match websocket.next(&mut input) {
                Ok(Some(Incoming::Accepted(upgraded))) => Seen::Accepted(upgraded),
                Ok(Some(Incoming::Text(text))) => Seen::Text(text.to_owned()),
                Ok(Some(Incoming::Binary(bytes))) => Seen::Binary(bytes.to_vec()),
                Ok(Some(Incoming::Pong(payload))) => Seen::Pong(payload.to_vec()),
                Ok(Some(Incoming::Closed(frame))) => Seen::Closed(frame),
                Ok(None) => break assert!(input.is_empty()),
                Err(violation) => Seen::Violation(violation),
            });
        }
    }
    seen
}

fn asking() -> WebSocket {
    let request = UpgradeRequest {
        target: &PathAndQuery::from_static("/v4/websocket"),
        host: &HeaderValue::from_static("localhost:2333"),
        headers: &[],
    };
    WebSocket::new(&request, LIMITS, ChaCha8Rng::from_seed([0; 32]))
}

/// The key that answers the request.
fn accept(websocket: &WebSocket) -> String {
    let request = String::from_utf8_lossy(websocket.pending());
    let key = request
        .split("Sec-WebSocket-Key: ")
        .nth(1)
        .and_then(|rest| rest.split('\r').next());
    derive_accept_key(key.expect("a request has a key").as_bytes())
}
