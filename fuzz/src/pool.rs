//! The whole pool under any calls, in any order, with any bytes.

use std::collections::BTreeSet;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use lavapool_core::node::NodeConfig;
use lavapool_core::player::{Source, Update};
use lavapool_core::protocol::{ChannelId, GuildId, UserId, VoiceState};
use lavapool_core::rest::Request;
use lavapool_core::{
    Closed, Command, CommandId, Input, Leaving, Output, Pool, PoolConfig, Seed, SocketId, Target,
    Timestamp,
};

#[derive(Arbitrary, Debug)]
enum Operation<'a> {
    Wait {
        millis: u16,
    },
    Timeout,
    Connected {
        socket: u8,
    },
    Bytes {
        socket: u8,
        bytes: &'a [u8],
    },
    Known {
        socket: u8,
        what: Known,
    },
    Wrote {
        socket: u8,
    },
    Closed {
        socket: u8,
        reset: bool,
    },
    Play {
        guild: u8,
        position_ms: u16,
        without_voice: bool,
    },
    Stop {
        guild: u8,
    },
    Volume {
        guild: u8,
        volume: u16,
    },
    Pause {
        guild: u8,
        paused: bool,
    },
    Voice {
        guild: u8,
        channel: u8,
    },
    Move {
        guild: u8,
        node: u8,
    },
    Destroy {
        guild: u8,
    },
    Drain {
        node: u8,
    },
    Reconnect {
        node: u8,
    },
    Remove {
        node: u8,
        destroy: bool,
    },
    Ping {
        node: u8,
    },
    Load,
    Cancel {
        command: u8,
    },
    Close {
        destroy: bool,
    },
}

/// What a server says, without the fuzzer having to find the words.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Known {
    Ready {
        resumed: bool,
    },
    Ok,
    NoContent,
    SessionNotFound,
    ServerError,
    Unavailable,
    Update {
        guild: u8,
        position_ms: u16,
        connected: bool,
    },
    End {
        guild: u8,
        finished: bool,
        play: u8,
    },
}

/// The calls are typed, and every promise of the contract is checked after each of them.
pub fn pool(bytes: &[u8]) {
    let mut world = World::new();
    let mut input = Unstructured::new(bytes);
    while let Ok(operation) = Operation::arbitrary(&mut input) {
        world.apply(operation);
        world.check();
        if input.is_empty() {
            break;
        }
    }
    world.end();
}

struct World {
    pool: Pool,
    now: Timestamp,
    sockets: Vec<SocketId>,
    open: BTreeSet<SocketId>,
    asked: Vec<CommandId>,
    waiting: BTreeSet<CommandId>,
    closing: bool,
}

impl World {
    fn new() -> Self {
        let mut config = PoolConfig::new(UserId::new(1).expect("not zero"));
        for name in ["a", "b", "c"] {
            config
                .nodes
                .push(NodeConfig::new(name, name, "password").expect("valid"));
        }
        let now = Timestamp::ZERO;
        let pool = Pool::new(config, Seed::from(7), now).expect("valid");
        let mut world = Self {
            pool,
            now,
            sockets: Vec::new(),
            open: BTreeSet::new(),
            asked: Vec::new(),
            waiting: BTreeSet::new(),
            closing: false,
        };
        world.check();
        world
    }

    fn apply(&mut self, operation: Operation<'_>) {
        match operation {
            Operation::Wait { millis } => {
                self.now = self.now + Duration::from_millis(millis.into())
            }
            Operation::Timeout => self.timeout(),
            Operation::Connected { socket } => self.input(socket, |id| Input::Connected(id)),
            Operation::Bytes { socket, bytes } if !bytes.is_empty() => {
                self.input(socket, |id| Input::Received(id, bytes));
            }
            Operation::Bytes { .. } => {}
            Operation::Known { socket, what } => {
                let bytes = what.bytes();
                self.input(socket, |id| Input::Received(id, &bytes));
            }
            Operation::Wrote { socket } => {
                let count = self
                    .socket(socket)
                    .map_or(0, |id| self.pool.outgoing(id).len());
                self.input(socket, |id| Input::Wrote(id, count));
            }
            Operation::Closed { socket, reset } => {
                let closed = if reset {
                    Closed::Reset
                } else {
                    Closed::EndOfStream
                };
                if let Some(id) = self.socket(socket) {
                    self.open.remove(&id);
                }
                self.input(socket, |id| Input::Closed(id, closed));
            }
            Operation::Cancel { command } => {
                if let Some(id) = self.asked.get(usize::from(command)) {
                    self.waiting.remove(id);
                    self.pool.cancel(*id, self.now);
                }
            }
            Operation::Close { destroy } => {
                self.submit(Command::Close(leaving(destroy)));
                self.closing = true;
            }
            other => {
                if let Some(command) = self.command(&other) {
                    self.submit(command);
                }
            }
        }
    }

    fn command(&self, operation: &Operation<'_>) -> Option<Command> {
        let update = |guild: u8, update| {
            Some(Command::Update {
                guild: id(guild),
                node: None,
                update,
            })
        };
        let node = |number: u8| {
            let nodes: Vec<_> = self.pool.nodes().map(|view| view.node.id).collect();
            nodes.get(usize::from(number) % nodes.len().max(1)).copied()
        };
        match *operation {
            Operation::Play {
                guild,
                position_ms,
                without_voice,
            } => {
                let play = Update::play(Source::encoded("QAAA"))
                    .position(Duration::from_millis(position_ms.into()));
                update(
                    guild,
                    if without_voice {
                        play.without_voice()
                    } else {
                        play
                    },
                )
            }
            Operation::Stop { guild } => update(guild, Update::stop()),
            Operation::Volume { guild, volume } => update(guild, Update::default().volume(volume)),
            Operation::Pause { guild, paused } => update(guild, Update::default().paused(paused)),
            Operation::Voice { guild, channel } => Some(Command::Voice {
                guild: id(guild),
                voice: VoiceState {
                    token: "token".into(),
                    endpoint: "c-iad01-0.discord.media:443".into(),
                    session_id: "session".into(),
                    channel_id: ChannelId::new(u64::from(channel) + 1)?,
                },
            }),
            Operation::Move { guild, node: to } => Some(Command::Move {
                guild: id(guild),
                node: node(to)?,
            }),
            Operation::Destroy { guild } => Some(Command::Destroy(id(guild))),
            Operation::Drain { node: number } => Some(Command::Drain(node(number)?)),
            Operation::Reconnect { node: number } => Some(Command::Reconnect(node(number)?)),
            Operation::Remove {
                node: number,
                destroy,
            } => Some(Command::RemoveNode {
                node: node(number)?,
                players: leaving(destroy),
            }),
            Operation::Ping { node: number } => Some(Command::Ping(node(number)?)),
            Operation::Load => Some(Command::Rest {
                node: Target::Best,
                request: Request::LoadTracks {
                    identifier: "x".into(),
                },
            }),
            _ => None,
        }
    }

    fn submit(&mut self, command: Command) {
        if let Ok(id) = self.pool.submit(command, self.now) {
            self.asked.push(id);
            self.waiting.insert(id);
        }
    }

    fn socket(&self, number: u8) -> Option<SocketId> {
        self.sockets
            .get(usize::from(number) % self.sockets.len().max(1))
            .copied()
    }

    fn input<'a>(&mut self, number: u8, input: impl FnOnce(SocketId) -> Input<'a>) {
        if let Some(id) = self.socket(number) {
            self.pool.handle(input(id), self.now);
        }
    }

    fn timeout(&mut self) {
        if let Some((at, _)) = self.pool.poll_timeout() {
            self.now = self.now.max(at);
        }
        self.pool.handle(Input::Timeout, self.now);
        let next = self.pool.poll_timeout();
        assert!(
            next.is_none_or(|(at, _)| at > self.now),
            "due again at once: {next:?}"
        );
    }

    fn check(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.pool.poll_output() {
            outputs += 1;
            assert!(outputs < 10_000, "outputs without end");
            match output {
                Output::Connect(id, _) => {
                    assert!(self.open.insert(id), "{id:?} is used twice");
                    self.sockets.push(id);
                }
                Output::Close(id) => assert!(self.open.remove(&id), "{id:?} is closed twice"),
                Output::Write(id) => {
                    assert!(
                        !self.pool.outgoing(id).is_empty(),
                        "nothing to write on {id:?}"
                    );
                }
                Output::Answer(id, _) => {
                    assert!(
                        self.waiting.remove(&id),
                        "{id:?} is answered twice or unasked"
                    );
                }
                _ => {}
            }
        }
        while self.pool.poll_event().is_some() {}
        while self.pool.poll_changed().is_some() {}
    }

    /// Whatever happened, everything is answered in the end, and the pool can be closed.
    fn end(&mut self) {
        if !self.closing {
            self.submit(Command::Close(Leaving::Destroy));
        }
        for _ in 0..10_000 {
            self.check();
            if self.pool.is_finished() {
                break;
            }
            self.timeout();
        }
        assert!(
            self.pool.is_finished(),
            "the pool does not end: {:?}",
            self.pool.poll_timeout()
        );
        assert!(self.waiting.is_empty(), "{:?} have no answer", self.waiting);
    }
}

impl Known {
    fn bytes(self) -> Vec<u8> {
        let http = |head: &str, body: &str| {
            format!(
                "HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes()
        };
        match self {
            Self::Ready { resumed } => frame(&format!(
                r#"{{"op":"ready","resumed":{resumed},"sessionId":"s"}}"#
            )),
            Self::Ok => http("200 OK", "{}"),
            Self::NoContent => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            Self::SessionNotFound => http(
                "404 Not Found",
                r#"{"status":404,"message":"Session not found"}"#,
            ),
            Self::ServerError => http("500 Internal Server Error", ""),
            Self::Unavailable => http("503 Service Unavailable", ""),
            Self::Update {
                guild,
                position_ms,
                connected,
            } => frame(&format!(
                concat!(
                    r#"{{"op":"playerUpdate","guildId":"{}","state":{{"time":1,"#,
                    r#""position":{},"connected":{},"ping":1}}}}"#
                ),
                id(guild),
                position_ms,
                connected
            )),
            Self::End {
                guild,
                finished,
                play,
            } => {
                let reason = if finished { "finished" } else { "stopped" };
                frame(&format!(
                    concat!(
                        r#"{{"op":"event","type":"TrackEndEvent","guildId":"{}","reason":"{}","#,
                        r#""track":{{"encoded":"QAAA","info":{{}},"#,
                        r#""userData":{{"lavapool":{{"play":{}}}}}}}}}"#
                    ),
                    id(guild),
                    reason,
                    play
                ))
            }
        }
    }
}

fn frame(text: &str) -> Vec<u8> {
    let bytes = u16::try_from(text.len()).expect("short").to_be_bytes();
    [&[0x81, 126][..], &bytes, text.as_bytes()].concat()
}

fn id(guild: u8) -> GuildId {
    GuildId::new(u64::from(guild % 8) + 1).expect("not zero")
}

const fn leaving(destroy: bool) -> Leaving {
    if destroy {
        Leaving::Destroy
    } else {
        Leaving::Keep
    }
}
