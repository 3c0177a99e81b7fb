//! TLS, with a server of rustls in memory and what the fuzzer does to its records.

use std::io::{Read, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use lavapool::{Client, NodeConfig, Tls, UserId};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use tungstenite::handshake::derive_accept_key;

use super::wire::{End, Running};

/// A node behind TLS whose records are cut, flipped, and mixed with others.
///
/// No password is ever on the wire; what the server decrypts is an upgrade; a node is connected
/// only if the server itself has said `ready`, whatever else came; and nothing is left in the end.
pub fn tls_session(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let mut world = World::new();
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        let Ok(operation) = Operation::arbitrary(&mut input) else {
            break;
        };
        world.apply(operation);
        world.check();
    }
    world.running.end();
}

#[derive(Arbitrary, Debug)]
enum Operation<'a> {
    /// So many bytes go to the server and back from it.
    Pass {
        count: u16,
    },
    PassAll,
    /// A bit of what comes from the server next is another.
    Flip {
        at: u16,
        bit: u8,
    },
    /// Bytes come before what the server has to say.
    Insert {
        bytes: &'a [u8],
    },
    /// A well-formed record does.
    Record {
        kind: u8,
        minor: u8,
        content: &'a [u8],
    },
    /// The server says something in the session.
    Say {
        bytes: &'a [u8],
    },
    /// The server accepts the upgrade.
    Upgrade,
    Ready,
    CloseNotify,
    RefreshKeys,
    End {
        is_reset: bool,
    },
    Room {
        bytes: u16,
    },
    Wait {
        millis: u16,
    },
}

struct World {
    running: Running,
    /// One for each connection.
    servers: Vec<Server>,
    has_said_ready: bool,
}

/// The server's side of a connection.
struct Server {
    connection: ServerConnection,
    /// What the client wrote and the server has read.
    read: usize,
    /// What is on its way to the client.
    sent: Vec<u8>,
    heard: Vec<u8>,
    is_broken: bool,
}

impl World {
    fn new() -> Self {
        let (config, tls) = certified();
        let node = NodeConfig::new("main", "https://main:2333", PASSWORD).expect("it is valid");
        let builder = Client::builder(UserId::new(1).expect("1 is not zero"));
        let builder = builder.seed(7).tls(tls.clone()).node(node);
        let mut world = Self {
            running: Running::new(builder),
            servers: Vec::new(),
            has_said_ready: false,
        };
        world.accept(config);
        world
    }

    /// Gives each new connection a server.
    fn accept(&mut self, config: &Arc<ServerConfig>) {
        while self.servers.len() < self.running.wires.count() {
            self.servers.push(Server {
                connection: ServerConnection::new(config.clone()).expect("it is valid"),
                read: 0,
                sent: Vec::new(),
                heard: Vec::new(),
                is_broken: false,
            });
        }
    }

    fn apply(&mut self, operation: Operation<'_>) {
        let Some(number) = self.servers.len().checked_sub(1) else {
            return;
        };
        let wires = self.running.wires.clone();
        let Some(server) = self.servers.get_mut(number) else {
            return;
        };
        match operation {
            Operation::Pass { count } => {
                let count = count.into();
                wires.with(number, |wire| {
                    server.pass(&wire.written, &mut wire.inbound, count)
                });
            }
            Operation::PassAll => self.pass_all(number),
            Operation::Flip { at, bit } => {
                if let Some(byte) = server.sent.get_mut(usize::from(at)) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Operation::Insert { bytes } => drop(server.sent.splice(0..0, bytes.iter().copied())),
            Operation::Record {
                kind,
                minor,
                content,
            } => drop(server.sent.splice(0..0, record(kind, minor, content))),
            Operation::Say { bytes } => server.say(bytes),
            Operation::Upgrade => server.upgrade(),
            Operation::Ready => {
                self.has_said_ready = true;
                server.ready();
            }
            Operation::CloseNotify => server.connection.send_close_notify(),
            Operation::RefreshKeys => drop(server.connection.refresh_traffic_keys()),
            Operation::End { is_reset } => {
                let end = if is_reset { End::Reset } else { End::OfStream };
                wires.with(number, |wire| wire.end = Some(end));
            }
            Operation::Room { bytes } => {
                let room = if bytes == u16::MAX {
                    usize::MAX
                } else {
                    bytes.into()
                };
                wires.with(number, |wire| wire.room = room);
            }
            Operation::Wait { millis } => {
                self.running.wait(Duration::from_millis(millis.into()));
            }
        }
        self.running.run();
        self.accept(&certified().0);
    }

    /// All goes both ways until both have nothing more to say.
    fn pass_all(&mut self, number: usize) {
        for _ in 0..4 {
            let Some(server) = self.servers.get_mut(number) else {
                return;
            };
            self.running.wires.with(number, |wire| {
                server.pass(&wire.written, &mut wire.inbound, usize::MAX);
            });
            self.running.run();
        }
    }

    fn check(&self) {
        for (number, server) in self.servers.iter().enumerate() {
            self.running.wires.with(number, |wire| {
                let mut windows = wire.written.windows(PASSWORD.len());
                assert!(
                    !windows.any(|window| window == PASSWORD.as_bytes()),
                    "in the clear"
                );
            });
            let count = server.heard.len().min(REQUEST.len());
            let is_first = number == 0 || server.heard.starts_with(b"GET /v4/web");
            assert!(!is_first || server.heard.get(..count) == REQUEST.get(..count));
        }
        let open = self.running.wires.open();
        assert!(open <= 1 + 16 + 8, "{open} connections");
        let client = self.running.client.as_ref().expect("it lives");
        assert!(
            self.has_said_ready || client.report().connected() == 0,
            "nobody said ready"
        );
    }
}

impl Server {
    /// Takes what the client wrote, and gives it `count` bytes at most.
    fn pass(&mut self, written: &[u8], inbound: &mut impl Extend<u8>, count: usize) {
        let new = written.get(self.read..).unwrap_or_default();
        let mut new = new.get(..count.min(new.len())).unwrap_or_default();
        self.read += new.len();
        while !new.is_empty() && !self.is_broken {
            self.is_broken = self.connection.read_tls(&mut new).is_err()
                || self.connection.process_new_packets().is_err();
            let mut plain = Vec::new();
            // It has no end before the client says so.
            let _ = self.connection.reader().read_to_end(&mut plain);
            self.heard.extend(plain);
        }
        while self.connection.wants_write() {
            let _ = self.connection.write_tls(&mut self.sent);
        }
        let count = count.min(self.sent.len());
        inbound.extend(self.sent.drain(..count));
    }

    fn say(&mut self, bytes: &[u8]) {
        if !self.connection.is_handshaking() {
            let _ = self.connection.writer().write_all(bytes);
        }
    }

    fn ready(&mut self) {
        let ready = br#"{"op":"ready","resumed":false,"sessionId":"x"}"#;
        let count = u8::try_from(ready.len()).expect("it is short");
        self.say(&[0x81, count]);
        self.say(ready);
    }

    fn upgrade(&mut self) {
        let text = String::from_utf8_lossy(&self.heard);
        let key = text
            .split("Sec-WebSocket-Key: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let Some(accept) = key.map(|key| derive_accept_key(key.as_bytes())) else {
            return;
        };
        let start = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade";
        let answer =
            format!("{start}\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
        self.say(answer.as_bytes());
    }
}

/// A record of this kind (RFC 8446 §5.1).
fn record(kind: u8, minor: u8, content: &[u8]) -> Vec<u8> {
    let count = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let mut record = vec![20 + kind % 5, 3, minor % 5];
    record.extend(count.to_be_bytes());
    record.extend(content);
    record
}

/// A server's certificate, and the settings that trust it, made once.
fn certified() -> &'static (Arc<ServerConfig>, Tls) {
    static MADE: OnceLock<(Arc<ServerConfig>, Tls)> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = generate_simple_self_signed(["main".to_owned()]);
        let CertifiedKey { cert, signing_key } = made.expect("the name is valid");
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("it is a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("it has both")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("they belong together");
        let tls = Tls::new()
            .without_platform_roots()
            .root_der(cert.der().as_ref());
        (Arc::new(config), tls.expect("it is a certificate"))
    })
}

const PASSWORD: &str = "hush-hush-password";
const REQUEST: &[u8] = b"GET /v4/websocket HTTP/1.1\r\n";
/// More would only be slower.
const OPERATIONS_MAX: usize = 200;
