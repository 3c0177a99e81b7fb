//! Behaviour of the node that no recording shows: faults, time, and what players do by themselves.

mod connections;
mod faults;
mod players;
mod sessions;

use std::time::Duration;

use serde_json::{Value, json};

use super::frames::close_with;
use super::{Action, ConnectionId, How, NodeConfig, TestNode};

/// A client that says what it is told to, and hears everything.
struct Client {
    node: TestNode,
    now: Duration,
}

/// What a node did on one connection.
#[derive(Debug, PartialEq)]
enum Heard {
    /// The head and body of an answer, or of the upgrade.
    Http(u16, String),
    /// A text message.
    Message(Value),
    /// Any other frame, whole.
    Frame(Vec<u8>),
    Closed(How),
}

impl Client {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(configure: impl FnOnce(&mut NodeConfig)) -> Self {
        let mut config = NodeConfig::new("tested");
        configure(&mut config);
        Self {
            node: TestNode::new(config, 1, Duration::ZERO),
            now: Duration::ZERO,
        }
    }

    /// Lets time pass, timer by timer, as a network would.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.node.poll_timeout().filter(|at| *at <= until) {
            assert!(at >= self.now, "a timeout is never in the past");
            self.now = at;
            self.node.handle_timeout(at);
            assert!(
                self.node.poll_timeout().is_none_or(|next| next > at),
                "no timer spins"
            );
        }
        self.now = until;
        self.node.handle_timeout(until);
    }

    fn connect(&mut self) -> ConnectionId {
        self.node.accept(self.now)
    }

    fn send(&mut self, connection: ConnectionId, bytes: &[u8]) {
        self.node.receive(connection, bytes, self.now);
    }

    /// Opens a WebSocket, with more header fields.
    fn open(&mut self, fields: &str) -> ConnectionId {
        let connection = self.connect();
        let request = format!(
            "GET /v4/websocket HTTP/1.1\r\nHost: node\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: youshallnotpass\r\n\
             User-Id: 42\r\nClient-Name: test/1.0.0\r\n{fields}\r\n"
        );
        self.send(connection, request.as_bytes());
        connection
    }

    /// Opens a WebSocket and returns it with the id of its session, all messages heard.
    fn open_session(&mut self) -> (ConnectionId, String) {
        let websocket = self.open("");
        let heard = self.hear(websocket);
        let ready = heard.iter().find_map(|heard| match heard {
            Heard::Message(message) if message["op"] == "ready" => message["sessionId"].as_str(),
            Heard::Message(_) | Heard::Http(..) | Heard::Frame(_) | Heard::Closed(_) => None,
        });
        (websocket, ready.expect("a new session is ready").to_owned())
    }

    /// Sends a request on a connection of its own.
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> ConnectionId {
        let connection = self.connect();
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: node\r\nAuthorization: youshallnotpass\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.send(connection, request.as_bytes());
        connection
    }

    fn patch(&mut self, session: &str, body: &Value) -> ConnectionId {
        self.ask("PATCH", &format!("/v4/sessions/{session}/players/1"), body)
    }

    /// Returns what was heard on a connection, and forgets what was heard on others.
    fn hear(&mut self, connection: ConnectionId) -> Vec<Heard> {
        let (mut bytes, mut closed) = (Vec::new(), None);
        while let Some(action) = self.node.poll_action() {
            match action {
                Action::Send(to, sent) if to == connection => bytes.extend(sent),
                Action::Close(to, how) if to == connection => closed = Some(how),
                Action::Send(..) | Action::Close(..) => {}
            }
        }
        let mut heard = read(&bytes);
        heard.extend(closed.map(Heard::Closed));
        heard
    }

    /// Returns the names of the messages that were heard: `op`, or the type of an event.
    fn names(&mut self, websocket: ConnectionId) -> Vec<String> {
        let heard = self
            .hear(websocket)
            .into_iter()
            .filter_map(|heard| match heard {
                Heard::Message(message) => Some(name(&message)),
                Heard::Http(..) | Heard::Frame(_) | Heard::Closed(_) => None,
            });
        heard.collect()
    }
}

fn name(message: &Value) -> String {
    let kind = if message["op"] == "event" {
        "type"
    } else {
        "op"
    };
    let name = message[kind].as_str().unwrap_or_default();
    match message["reason"].as_str() {
        Some(reason) => format!("{name} {reason}"),
        None => name.to_owned(),
    }
}

fn read(mut bytes: &[u8]) -> Vec<Heard> {
    let mut heard = Vec::new();
    while !bytes.is_empty() {
        if bytes.starts_with(b"HTTP/1.1 ") {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let status = text[9..12].parse().expect("a status is a number");
            if status != 101 {
                heard.push(Heard::Http(status, text));
                return heard;
            }
            let head = text.find("\r\n\r\n").expect("a head ends") + 4;
            heard.push(Heard::Http(status, text[..head].to_owned()));
            bytes = &bytes[head..];
            continue;
        }
        let (start, count) = match bytes[1] {
            126 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            short => (2, usize::from(short)),
        };
        let (frame, rest) = bytes.split_at(start + count);
        let message = serde_json::from_slice(&frame[start..]);
        heard.push(match message {
            Ok(message) if frame[0] == 0x81 => Heard::Message(message),
            _ => Heard::Frame(frame.to_vec()),
        });
        bytes = rest;
    }
    heard
}

/// Masks a frame with zeros, which keeps it readable.
fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short payload");
    [&[0x80 | opcode, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A body that plays a generated track.
fn play(name: &str) -> Value {
    json!({"track": {"identifier": format!("https://tracks.test/{name}")}})
}

/// A body that gives a player voice.
fn voice(token: &str) -> Value {
    let state = json!({"token": token, "endpoint": "e:443", "sessionId": "s", "channelId": "7"});
    json!({"voice": state})
}

fn merged(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Object(mut left), Value::Object(right)) => {
            left.extend(right);
            Value::Object(left)
        }
        (left, _) => left,
    }
}
