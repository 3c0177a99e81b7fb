//! Recordings that no server made: other shutdowns, other oddities, and broken files.

#![allow(clippy::unwrap_used)]

mod files;
mod http;
mod websocket;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lavapool_core::websocket::{CloseCode, CloseFrame};

use super::{EndedBy, Line, Message, Misunderstood, Outcome, Recording, Reply};

/// A recording in the making.
#[derive(Default)]
struct Tape {
    file: String,
    t_ms: u32,
}

impl Tape {
    fn new() -> Self {
        Self::default()
    }

    fn upgraded() -> Self {
        Self::new().client(UPGRADE).server(ACCEPTED)
    }

    fn asked(target: &str) -> Self {
        Self::new().client(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes())
    }

    fn client(self, bytes: &[u8]) -> Self {
        self.line("c2s", bytes, "")
    }

    fn server(self, bytes: &[u8]) -> Self {
        self.line("s2c", bytes, "")
    }

    /// A text frame of the server.
    fn text(self, text: &str) -> Self {
        let mut frame = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(length @ 0..126) => frame.push(length),
            Ok(_) | Err(_) => {
                frame.push(126);
                frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            }
        }
        frame.extend(text.as_bytes());
        self.server(&frame)
    }

    fn server_ends(self) -> Self {
        self.line("s2c", b"", r#","eof":true"#)
    }

    fn server_resets(self) -> Self {
        self.line("s2c", b"", r#","eof":true,"reset":true"#)
    }

    fn client_ends(self) -> Self {
        self.line("c2s", b"", r#","eof":true"#)
    }

    fn line(mut self, dir: &str, bytes: &[u8], more: &str) -> Self {
        self.t_ms += 1;
        let (t_ms, b64) = (self.t_ms, STANDARD.encode(bytes));
        writeln!(
            self.file,
            r#"{{"t_ms":{t_ms}.5,"dir":"{dir}","b64":"{b64}"{more}}}"#
        )
        .unwrap();
        self
    }

    /// What is understood, cut or not.
    fn replay(&self) -> Outcome {
        let recording = Recording::read(self.file.as_bytes()).unwrap();
        let outcome = recording.replay([]);
        assert_eq!(recording.replay(0..recording.server_bytes()), outcome);
        outcome
    }

    fn lines(&self) -> Vec<Line> {
        self.replay().lines().cloned().collect()
    }

    /// The lines behind the upgrade.
    fn frames(&self) -> Vec<Line> {
        let mut lines = self.lines();
        assert!(matches!(lines.remove(0), Line::Upgraded { .. }));
        lines
    }

    fn faults(&self) -> usize {
        self.replay().faults().count()
    }
}

fn closed(code: u16, reason: &str) -> Line {
    Line::Close(CloseFrame {
        code: CloseCode::new(code),
        reason: reason.to_owned(),
    })
}

const UPGRADE: &[u8] = b"GET /v4/websocket HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: hunter2\r\n\r\n";

const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

const SERVER: EndedBy = EndedBy::Server { reset: false };
