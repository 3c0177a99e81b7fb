//! Connections that end in an odd way, byte by byte: each is driven by hand.

use std::time::Duration;

use lavapool_core::node::NodeConfig;
use lavapool_core::protocol::UserId;
use lavapool_core::{
    Closed, Command, Input, Leaving, NodeId, Output, Pool, PoolConfig, SocketId, Timestamp,
};
use tungstenite::handshake::derive_accept_key;

use super::secs;

#[test]
fn a_connection_that_is_closed_is_kept_until_the_server_has_said_so_too() {
    let mut hand = Hand::ready();
    hand.submit(Command::Close(Leaving::Destroy));
    let socket = hand.websocket;
    assert_eq!(hand.pool.outgoing(socket).first(), Some(&0x88), "a close");

    hand.write_all(socket);
    hand.receive(socket, &text(r#"{"op":"late"}"#));
    assert!(!hand.has_closed(socket));
    hand.receive(socket, &CLOSE);
    assert!(hand.has_closed(socket));
}

#[test]
fn a_connection_that_is_closed_is_not_kept_for_ever() {
    let mut hand = Hand::ready();
    hand.submit(Command::Close(Leaving::Destroy));
    let socket = hand.websocket;
    hand.write_all(socket);
    hand.pass(Duration::from_millis(1_900));
    assert!(!hand.has_closed(socket));
    hand.pass(Duration::from_millis(200));
    assert!(hand.has_closed(socket));
}

#[test]
fn a_server_that_breaks_the_protocol_is_told_so_before_its_connection_ends() {
    let mut hand = Hand::ready();
    let socket = hand.websocket;
    hand.receive(socket, &BREACH);
    assert_eq!(hand.pool.outgoing(socket).first(), Some(&0x88), "a close");
    assert!(!hand.has_closed(socket));
    hand.write_all(socket);
    assert!(hand.has_closed(socket));
}

#[test]
fn a_close_frame_that_is_taken_in_parts_is_not_cut_off() {
    let mut hand = Hand::ready();
    let socket = hand.websocket;
    hand.receive(socket, &CLOSE);
    hand.write(socket, 1);
    assert!(!hand.has_closed(socket));
    hand.write_all(socket);
    assert!(hand.has_closed(socket));
}

#[test]
fn a_connection_for_requests_that_the_server_will_close_takes_no_other() {
    for (how, closes) in [("close", true), ("keep-alive", false)] {
        let mut hand = Hand::ready();
        let socket = hand.asked("/v4/info");
        let head = format!("HTTP/1.1 200 OK\r\nConnection: {how}\r\nContent-Length: ");
        hand.receive(socket, with_length(&head, INFO).as_bytes());
        assert!(hand.knows_its_node());
        assert_eq!(hand.has_closed(socket), closes, "{how}");
    }
}

#[test]
fn an_answer_that_lasts_until_the_end_is_whole_only_if_the_end_was_meant() {
    for (closed, is_whole) in [(Closed::EndOfStream, true), (Closed::Reset, false)] {
        let mut hand = Hand::ready();
        let socket = hand.asked("/v4/info");
        let answer = format!("HTTP/1.1 200 OK\r\n\r\n{INFO}");
        hand.receive(socket, answer.as_bytes());
        assert!(!hand.knows_its_node());
        hand.handle(Input::Closed(socket, closed));
        assert_eq!(hand.knows_its_node(), is_whole, "{closed}");
    }
}

#[test]
fn a_new_connection_that_dies_under_its_first_request_has_failed_it() {
    let mut hand = Hand::ready();
    let socket = hand.asked("/v4/info");
    hand.handle(Input::Closed(socket, Closed::EndOfStream));
    hand.pass(Duration::from_millis(900));
    assert_eq!(hand.asks("/v4/info"), None);
    hand.pass(Duration::from_millis(200));
    assert!(hand.asks("/v4/info").is_some());
}

#[test]
fn each_connection_draws_a_key_of_its_own() {
    let mut hand = Hand::ready();
    let first = hand.key.clone();
    hand.handle(Input::Closed(hand.websocket, Closed::Reset));
    hand.pass(secs(3));
    hand.upgrade();
    assert_ne!(hand.key, first);
}

#[test]
fn a_node_that_leaves_has_gone_when_its_latest_connection_has() {
    let mut hand = Hand::upgraded(soon_stable);
    let first = hand.ready_twice();
    let node = hand.node;
    let players = Leaving::Keep;
    hand.submit(Command::RemoveNode { node, players });
    hand.write_all(first);
    assert!(hand.has_closed(first) && !hand.has_answered());
    hand.write_all(hand.websocket);
    hand.receive(hand.websocket, &CLOSE);
    assert!(hand.has_answered());
}

#[test]
fn a_node_that_is_to_be_dialled_anew_is_when_its_latest_connection_has_ended() {
    let mut hand = Hand::upgraded(soon_stable);
    let first = hand.ready_twice();
    hand.pass(Duration::from_millis(2));
    hand.submit(Command::Reconnect(hand.node));
    let dialled = hand.dialled();
    hand.write_all(first);
    assert!(hand.has_closed(first));
    assert_eq!(hand.dialled(), dialled);
    hand.write_all(hand.websocket);
    hand.receive(hand.websocket, &CLOSE);
    assert_ne!(hand.dialled(), dialled);
}

/// A connection that is lost is made again at once.
fn soon_stable(config: &mut PoolConfig) {
    config.timing.stable_after = Duration::from_millis(1);
}

/// A pool with one node, and all that its driver was told.
struct Hand {
    pool: Pool,
    node: NodeId,
    now: Timestamp,
    outputs: Vec<Output>,
    /// The latest WebSocket, and the key of its upgrade.
    websocket: SocketId,
    key: String,
}

impl Hand {
    /// The node is ready.
    fn ready() -> Self {
        let mut hand = Self::upgraded(|_| {});
        hand.get_ready();
        hand
    }

    /// The node has yet to say that it is ready.
    fn upgraded(configure: impl FnOnce(&mut PoolConfig)) -> Self {
        let mut config = PoolConfig::new(UserId::new(1).unwrap());
        configure(&mut config);
        let node = NodeConfig::new("a", "a:2333", "youshallnotpass").unwrap();
        config.nodes.push(node);
        let now = Timestamp::ZERO;
        let mut pool = Pool::new(config, 7.into(), now).unwrap();
        let node = pool.node_named("a").unwrap();
        let first = pool.poll_output();
        let Some(Output::Connect(websocket, _)) = first else {
            panic!("{first:?}");
        };
        let mut hand = Self {
            pool,
            node,
            now,
            outputs: first.into_iter().collect(),
            websocket,
            key: String::new(),
        };
        hand.upgrade();
        hand
    }

    fn get_ready(&mut self) {
        let ready = text(r#"{"op":"ready","resumed":false,"sessionId":"s"}"#);
        self.receive(self.websocket, &ready);
    }

    /// The node is ready on a second connection, and the first has yet to end. Returns the first.
    fn ready_twice(&mut self) -> SocketId {
        self.get_ready();
        let first = self.websocket;
        self.pass(Duration::from_millis(2));
        self.receive(first, &CLOSE);
        self.upgrade();
        self.get_ready();
        assert!(!self.has_closed(first));
        first
    }

    /// The server agrees to the latest upgrade.
    fn upgrade(&mut self) {
        let dialled = self.outputs.iter().rev().find_map(|output| match output {
            Output::Connect(socket, _) => Some(*socket),
            _ => None,
        });
        self.websocket = dialled.unwrap();
        self.handle(Input::Connected(self.websocket));
        let request = self.pool.outgoing(self.websocket).to_vec();
        let request = String::from_utf8(request).unwrap();
        let mut lines = request.lines();
        let key = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        self.key = key.unwrap().to_owned();
        self.write_all(self.websocket);
        let accept = derive_accept_key(self.key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\nLavalink-Api-Version: 4\r\n\r\n"
        );
        self.receive(self.websocket, answer.as_bytes());
    }

    /// Connects what was dialled, and returns the socket on which this is asked.
    fn asked(&mut self, path: &str) -> SocketId {
        for output in self.outputs.clone() {
            if let Output::Connect(socket, _) = output {
                self.handle(Input::Connected(socket));
            }
        }
        let socket = self.asks(path).unwrap();
        self.write_all(socket);
        socket
    }

    /// A socket on which this is asked and not taken yet; what was dialled is connected.
    fn asks(&mut self, path: &str) -> Option<SocketId> {
        for output in self.outputs.clone() {
            if let Output::Connect(socket, _) = output {
                self.handle(Input::Connected(socket));
            }
        }
        let asked = format!("GET {path} ");
        let mut sockets = self.outputs.iter().filter_map(|output| match output {
            Output::Connect(socket, _) => Some(*socket),
            _ => None,
        });
        let asks = |socket: &SocketId| self.pool.outgoing(*socket).starts_with(asked.as_bytes());
        sockets.rfind(asks)
    }

    fn knows_its_node(&self) -> bool {
        self.pool.node(self.node).unwrap().info.is_some()
    }

    /// How often the pool has asked for a socket.
    fn dialled(&self) -> usize {
        let is_dial = |output: &&Output| matches!(output, Output::Connect(..));
        self.outputs.iter().filter(is_dial).count()
    }

    fn has_answered(&self) -> bool {
        let is_answer = |output: &Output| matches!(output, Output::Answer(..));
        self.outputs.iter().any(is_answer)
    }

    fn has_closed(&self, socket: SocketId) -> bool {
        self.outputs.contains(&Output::Close(socket))
    }

    fn submit(&mut self, command: Command) {
        self.pool.submit(command, self.now).unwrap();
        self.take_outputs();
    }

    /// Lets time pass, with whatever is due in it.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some((at, _)) = self.pool.poll_timeout().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            self.handle(Input::Timeout);
        }
        self.now = end;
    }

    fn receive(&mut self, socket: SocketId, bytes: &[u8]) {
        self.handle(Input::Received(socket, bytes));
    }

    fn write_all(&mut self, socket: SocketId) {
        self.write(socket, self.pool.outgoing(socket).len());
    }

    fn write(&mut self, socket: SocketId, count: usize) {
        self.handle(Input::Wrote(socket, count));
    }

    fn handle(&mut self, input: Input<'_>) {
        self.pool.handle(input, self.now);
        self.take_outputs();
    }

    fn take_outputs(&mut self) {
        let pool = &mut self.pool;
        self.outputs
            .extend(std::iter::from_fn(|| pool.poll_output()));
    }
}

/// A text message of the server.
fn text(text: &str) -> Vec<u8> {
    let head = [0x81, u8::try_from(text.len()).unwrap()];
    [&head[..], text.as_bytes()].concat()
}

/// A head without its last line, and the body whose length is missing there.
fn with_length(head: &str, body: &str) -> String {
    format!("{head}{}\r\n\r\n{body}", body.len())
}

/// A server's close frame, with 1000.
/// A frame with reserved bits.
const BREACH: [u8; 2] = [0xf1, 0x00];
const CLOSE: [u8; 4] = [0x88, 0x02, 0x03, 0xe8];

/// What a node says of itself.
const INFO: &str = r#"{"sourceManagers":["http"],"filters":[],"plugins":[]}"#;
