//! Machine tests of the WebSocket, with exact bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions)]

mod control;
mod frames;
mod upgrade;

use ::http::uri::PathAndQuery;
use ::http::{HeaderName, HeaderValue};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use tungstenite::handshake::derive_accept_key;

use super::*;
use crate::http::cuts::every_cut;

/// What came out of a WebSocket, owned.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Accepted(Upgraded),
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Closed(CloseFrame),
    Violation(Violation),
}

/// A WebSocket that asked for an upgrade, with the password as the only further header.
fn asking(limits: WebSocketLimits) -> WebSocket {
    let headers = [(
        HeaderName::from_static("authorization"),
        HeaderValue::from_static("secret"),
    )];
    let request = UpgradeRequest {
        target: &PathAndQuery::from_static("/v4/websocket"),
        host: &HeaderValue::from_static("localhost:2333"),
        headers: &headers,
    };
    WebSocket::new(&request, limits, ChaCha8Rng::from_seed([7; 32]))
}

/// An open WebSocket, with nothing pending.
fn open(limits: WebSocketLimits) -> WebSocket {
    let mut websocket = asking(limits);
    let answer = accepting(&websocket, "");
    write_all(&mut websocket);
    let seen = feed(&mut websocket, &[&answer]);
    assert!(matches!(seen[..], [Seen::Accepted(_)]), "{seen:?}");
    websocket
}

/// The bytes of a 101 to the request that is pending, with further header lines.
fn accepting(websocket: &WebSocket, lines: &str) -> Vec<u8> {
    let request = std::str::from_utf8(websocket.pending()).unwrap();
    let key = request
        .split("Sec-WebSocket-Key: ")
        .nth(1)
        .unwrap()
        .split("\r\n")
        .next()
        .unwrap();
    let accept = derive_accept_key(key.as_bytes());
    let start = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n";
    format!("{start}Sec-WebSocket-Accept: {accept}\r\n{lines}\r\n").into_bytes()
}

/// Gives the pieces, and collects what comes out until the first violation.
fn feed(websocket: &mut WebSocket, pieces: &[&[u8]]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            match websocket.next(&mut input) {
                Ok(Some(Incoming::Accepted(upgraded))) => seen.push(Seen::Accepted(upgraded)),
                Ok(Some(Incoming::Text(text))) => seen.push(Seen::Text(text.to_owned())),
                Ok(Some(Incoming::Binary(bytes))) => seen.push(Seen::Binary(bytes.to_vec())),
                Ok(Some(Incoming::Pong(payload))) => seen.push(Seen::Pong(payload.to_vec())),
                Ok(Some(Incoming::Closed(frame))) => seen.push(Seen::Closed(frame)),
                Ok(None) => break assert!(input.is_empty(), "nothing is left when nothing comes"),
                Err(violation) => {
                    seen.push(Seen::Violation(violation));
                    assert!(websocket.is_closed());
                    break;
                }
            }
        }
    }
    seen
}

/// What an open WebSocket makes of `bytes`, and what it sends, however they are cut.
fn outcome(bytes: &[u8]) -> (Vec<Seen>, Vec<Sent>) {
    outcome_within(bytes, WebSocketLimits::default())
}

fn outcome_within(bytes: &[u8], limits: WebSocketLimits) -> (Vec<Seen>, Vec<Sent>) {
    every_cut(bytes, |pieces| {
        let mut websocket = open(limits);
        let seen = feed(&mut websocket, pieces);
        (seen, take_sent(&mut websocket))
    })
}

/// The violation that `bytes` are, and the close code that tells the server.
fn violation(bytes: &[u8]) -> (Violation, u16) {
    violation_within(bytes, WebSocketLimits::default())
}

fn violation_within(bytes: &[u8], limits: WebSocketLimits) -> (Violation, u16) {
    let (seen, sent) = outcome_within(bytes, limits);
    let ([.., Seen::Violation(violation)], [Sent { opcode: 8, payload }]) = (&seen[..], &sent[..])
    else {
        panic!("{seen:?}, {sent:?}");
    };
    (
        violation.clone(),
        u16::from_be_bytes([payload[0], payload[1]]),
    )
}

/// A frame that the client sent, unmasked.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    opcode: u8,
    payload: Vec<u8>,
}

/// Takes the frames that wait; each must be final, short and masked.
fn take_sent(websocket: &mut WebSocket) -> Vec<Sent> {
    let bytes = write_all(websocket);
    let mut rest = &bytes[..];
    let mut sent = Vec::new();
    while let [first, second, m0, m1, m2, m3, tail @ ..] = rest {
        assert_eq!(
            (first & 0xf0, second & 0x80),
            (0x80, 0x80),
            "final and masked"
        );
        let (payload, tail) = tail.split_at(usize::from(second & 0x7f));
        let mask = [m0, m1, m2, m3];
        let payload = payload
            .iter()
            .enumerate()
            .map(|(i, byte)| byte ^ mask[i % 4])
            .collect();
        sent.push(Sent {
            opcode: first & 0xf,
            payload,
        });
        rest = tail;
    }
    assert_eq!(rest, b"", "whole frames");
    sent
}

/// Takes all that waits, and all that waited behind it.
fn write_all(websocket: &mut WebSocket) -> Vec<u8> {
    let mut written = Vec::new();
    while !websocket.pending().is_empty() {
        written.extend_from_slice(websocket.pending());
        websocket.wrote(websocket.pending().len());
    }
    written
}

fn text(text: &str) -> Seen {
    Seen::Text(text.to_owned())
}

fn sent(opcode: u8, payload: &[u8]) -> Sent {
    Sent {
        opcode,
        payload: payload.to_vec(),
    }
}

fn closed(code: u16, reason: &str) -> Seen {
    Seen::Closed(CloseFrame {
        code: CloseCode::new(code),
        reason: reason.to_owned(),
    })
}
