//! Walks the table of a connection's states that stands in the documentation of [`crate::node`].

use std::time::Duration;

use tungstenite::handshake::derive_accept_key;

use super::Pool;
use crate::command::{Command, Leaving};
use crate::config::PoolConfig;
use crate::id::{NodeId, SocketId};
use crate::node::{NodeConfig, ReconnectPolicy, State};
use crate::output::{Closed, Input, Output};
use crate::protocol::UserId;
use crate::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Stopped,
    Waiting,
    Dialling,
    Opening,
    Ready,
    Parting,
    Leaving,
    /// The node is in the pool no more.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happening {
    Connected,
    /// The socket ends.
    Closed,
    /// Whatever is due next.
    Due,
    /// An answer to the upgrade with this status, or, in place of 101, its api version.
    Refused(u16),
    WrongVersion,
    ReadyMessage,
    Violation,
    Silence,
    Reconnect,
    Connect,
    Remove,
    Close,
}

use Happening::{Closed as Ended, Connect, Due, ReadyMessage, Reconnect, Refused, Remove};

/// The rows of the documentation, and the inputs that must leave a state as it is.
const TABLE: &[(Name, Happening, Name)] = &[
    (Name::Stopped, Reconnect, Name::Dialling),
    (Name::Stopped, Connect, Name::Dialling),
    (Name::Stopped, Remove, Name::Gone),
    (Name::Stopped, Happening::Close, Name::Stopped),
    (Name::Waiting, Due, Name::Dialling),
    (Name::Waiting, Reconnect, Name::Dialling),
    (Name::Waiting, Connect, Name::Dialling),
    (Name::Waiting, Remove, Name::Gone),
    (Name::Waiting, Happening::Close, Name::Stopped),
    (Name::Dialling, Happening::Connected, Name::Opening),
    (Name::Dialling, Ended, Name::Waiting),
    (Name::Dialling, Due, Name::Waiting),
    (Name::Dialling, Reconnect, Name::Dialling),
    (Name::Dialling, Connect, Name::Dialling),
    (Name::Dialling, Remove, Name::Gone),
    (Name::Dialling, Happening::Close, Name::Stopped),
    (Name::Opening, ReadyMessage, Name::Ready),
    (Name::Opening, Refused(200), Name::Stopped),
    (Name::Opening, Refused(400), Name::Stopped),
    (Name::Opening, Refused(401), Name::Stopped),
    (Name::Opening, Refused(403), Name::Stopped),
    (Name::Opening, Refused(404), Name::Waiting),
    (Name::Opening, Refused(503), Name::Waiting),
    (Name::Opening, Happening::WrongVersion, Name::Stopped),
    (Name::Opening, Happening::Violation, Name::Waiting),
    (Name::Opening, Ended, Name::Waiting),
    (Name::Opening, Due, Name::Waiting),
    (Name::Opening, Reconnect, Name::Opening),
    (Name::Opening, Connect, Name::Opening),
    (Name::Opening, Remove, Name::Gone),
    (Name::Opening, Happening::Close, Name::Stopped),
    // A node that was ready for long is dialled again at once.
    (Name::Ready, Ended, Name::Dialling),
    (Name::Ready, Happening::Violation, Name::Dialling),
    (Name::Ready, Happening::Silence, Name::Dialling),
    (Name::Ready, Reconnect, Name::Parting),
    (Name::Ready, Connect, Name::Ready),
    (Name::Ready, ReadyMessage, Name::Ready),
    (Name::Ready, Remove, Name::Leaving),
    // It is told first what was asked for: here, to keep the session.
    (Name::Ready, Happening::Close, Name::Ready),
    (Name::Parting, Ended, Name::Dialling),
    (Name::Parting, Due, Name::Dialling),
    (Name::Parting, Reconnect, Name::Parting),
    (Name::Parting, Connect, Name::Parting),
    (Name::Parting, Remove, Name::Gone),
    (Name::Leaving, Ended, Name::Gone),
    (Name::Leaving, Due, Name::Gone),
];

#[test]
fn each_state_takes_each_input_as_the_table_says() {
    for &(from, happening, to) in TABLE {
        let mut bench = Bench::in_state(from);
        assert_eq!(bench.state(), from, "the way to {from:?}");
        bench.happen(happening);
        assert_eq!(bench.state(), to, "{from:?} + {happening:?}");
    }
}

#[test]
fn a_node_that_is_out_of_tries_stops() {
    let mut bench = Bench::new(Some(0));
    bench.happen(Ended);
    assert_eq!(bench.state(), Name::Stopped);
}

/// One node, and the server at its other end.
struct Bench {
    pool: Pool,
    node: NodeId,
    socket: SocketId,
    now: Timestamp,
}

impl Bench {
    fn new(retries: Option<u32>) -> Self {
        let mut config = PoolConfig::new(UserId::new(1).expect("not zero"));
        let node = NodeConfig::new("main", "localhost:2333", "secret").expect("valid");
        config.nodes.push(node);
        config.reconnect = ReconnectPolicy {
            retries,
            ..ReconnectPolicy::default()
        };
        let now = Timestamp::ZERO;
        let pool = Pool::new(config, 1.into(), now).expect("valid");
        let node = pool.node_named("main").expect("configured");
        let socket = SocketId {
            slot: 0,
            generation: 0,
        };
        let mut bench = Self {
            pool,
            node,
            socket,
            now,
        };
        bench.poll();
        bench
    }

    fn in_state(name: Name) -> Self {
        let mut bench = Self::new(None);
        let way: &[Happening] = match name {
            Name::Dialling => &[],
            Name::Waiting => &[Ended],
            Name::Opening => &[Happening::Connected],
            Name::Stopped => &[Happening::Connected, Refused(401)],
            Name::Ready => &[Happening::Connected, ReadyMessage, Due],
            Name::Parting => &[Happening::Connected, ReadyMessage, Reconnect],
            Name::Leaving => &[Happening::Connected, ReadyMessage, Remove],
            Name::Gone => &[Ended, Remove],
        };
        way.iter().for_each(|happening| bench.happen(*happening));
        bench
    }

    fn state(&self) -> Name {
        match self.pool.tables.node(self.node).map(|node| &node.state) {
            None => Name::Gone,
            Some(State::Stopped(_)) => Name::Stopped,
            Some(State::Waiting { .. }) => Name::Waiting,
            Some(State::Due) => panic!("a node that is due was not dialled"),
            Some(State::Dialling { .. }) => Name::Dialling,
            Some(State::Opening { .. }) => Name::Opening,
            Some(State::Ready(_)) => Name::Ready,
            Some(State::Parting { .. }) => Name::Parting,
            Some(State::Leaving { .. }) => Name::Leaving,
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Connected => self.handle(Input::Connected(self.socket)),
            Ended => self.handle(Input::Closed(self.socket, Closed::Reset)),
            Due => self.due(),
            Refused(status) => {
                let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
                self.receive(answer.as_bytes());
            }
            Happening::WrongVersion => self.upgrade(3),
            ReadyMessage => {
                if self.state() == Name::Opening {
                    self.upgrade(4);
                }
                let text = br#"{"op":"ready","resumed":false,"sessionId":"abcdefgh"}"#;
                let head = [0x81, u8::try_from(text.len()).expect("short")];
                self.receive(&[&head[..], text].concat());
            }
            Happening::Violation => self.receive(&[0xf1, 0x00]),
            Happening::Silence => {
                for _ in 0..2 {
                    self.now = self.now + Duration::from_secs(40);
                    self.handle(Input::Timeout);
                }
            }
            Reconnect => self.submit(Command::Reconnect(self.node)),
            Connect => self.submit(Command::Connect(self.node)),
            Remove => self.submit(Command::RemoveNode {
                node: self.node,
                players: Leaving::Keep,
            }),
            Happening::Close => self.submit(Command::Close(Leaving::Keep)),
        }
    }

    /// Advances to what is due next for the node's connection.
    fn due(&mut self) {
        let before = self.state();
        // A ready node becomes stable; any other leaves its state.
        let end = self.now + Duration::from_secs(12);
        while self.state() == before {
            let Some((at, _)) = self.pool.poll_timeout().filter(|(at, _)| *at <= end) else {
                break;
            };
            self.now = at;
            self.handle(Input::Timeout);
        }
    }

    fn upgrade(&mut self, version: u32) {
        let request = self.pool.outgoing(self.socket).to_vec();
        let request = String::from_utf8(request).expect("a request is text");
        let key = request
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
            .expect("an upgrade has a key");
        let accept = derive_accept_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\nLavalink-Api-Version: {version}\r\n\r\n"
        );
        self.receive(answer.as_bytes());
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.handle(Input::Received(self.socket, bytes));
    }

    fn handle(&mut self, input: Input<'_>) {
        self.pool.handle(input, self.now);
        self.poll();
    }

    fn submit(&mut self, command: Command) {
        self.pool.submit(command, self.now).expect("not refused");
        self.poll();
    }

    /// REST sockets are asked for and never connected.
    fn poll(&mut self) {
        while let Some(output) = self.pool.poll_output() {
            if let Output::Connect(socket, _) = output
                && self
                    .pool
                    .tables
                    .node(self.node)
                    .and_then(|node| node.socket())
                    == Some(socket)
            {
                self.socket = socket;
            }
        }
    }
}
