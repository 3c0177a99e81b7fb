//! [`World`]: a pool and its servers, in memory.

use std::ops::Range;

use lavapool_core::node::NodeConfig;
use lavapool_core::player::{Source, Update};
use lavapool_core::protocol::{ChannelId, UserId};
use lavapool_core::{
    Closed, Command, Input, NodeId, Output, Pool, PoolConfig, Seed, SocketId, Timestamp,
    VoiceServerUpdate, VoiceStateUpdate,
};

use crate::messages::{self, Play, guild};
use crate::server::Server;

/// A pool, and servers that answer whatever it asks at once.
pub struct World {
    /// The pool.
    pub pool: Pool,
    now: Timestamp,
    server: Server,
    /// The open sockets, by slot.
    sockets: Vec<Option<(SocketId, NodeId)>>,
    /// A node whose server is gone: nobody answers a dial.
    dead: Option<NodeId>,
    answers: usize,
    events: usize,
    /// How often each guild played its track.
    plays: Vec<u32>,
    request: Vec<u8>,
    reply: Vec<u8>,
    /// The answers of servers that take their time, where they do.
    held: Option<Vec<(SocketId, Vec<u8>)>>,
}

/// How much is read from a socket at once.
const READ_BYTES: usize = 64 * 1024;

impl World {
    /// A pool with so many connected nodes, in regions by turns, which keep no session after a
    /// loss.
    pub fn new(nodes: usize) -> Self {
        let mut config = PoolConfig::new(user());
        config.resume_for = None;
        for number in 0..nodes {
            let node = NodeConfig::new(format!("node{number}"), "http://localhost:2333", "secret");
            let region = REGIONS[number % REGIONS.len()];
            config.nodes.push(node.expect("a node").region(region));
        }
        let pool = Pool::new(config, Seed::from(1), Timestamp::ZERO);
        let mut world = Self {
            pool: pool.expect("nothing is wrong with it"),
            now: Timestamp::ZERO,
            server: Server::new(),
            sockets: Vec::new(),
            dead: None,
            answers: 0,
            events: 0,
            plays: Vec::new(),
            request: Vec::new(),
            reply: Vec::new(),
            held: None,
        };
        world.settle();
        assert_eq!(
            world
                .pool
                .nodes()
                .filter(|node| node.session_id.is_some())
                .count(),
            nodes
        );
        world
    }

    /// The nodes, in the order of configuration.
    pub fn nodes(&self) -> Vec<NodeId> {
        self.pool.nodes().map(|node| node.node.id).collect()
    }

    /// Lets time pass.
    pub fn pass(&mut self, millis: u64) {
        self.now = self.now + std::time::Duration::from_millis(millis);
    }

    /// Lets time pass with nothing but timers, as on a node that nobody uses.
    pub fn idle(&mut self, millis: u64) {
        self.pass(millis);
        self.pool.handle(Input::Timeout, self.now);
        self.settle();
    }

    /// Joins a voice channel in each of these guilds, by both halves that Discord tells of it, with
    /// texts as long as Discord's are.
    pub fn join(&mut self, guilds: Range<usize>) {
        for number in guilds {
            let endpoint = format!("frankfurt{}.discord.media:443", 1_000 + number % 1_000);
            self.submit(Command::VoiceState(VoiceStateUpdate {
                guild: guild(number),
                user: user(),
                channel: ChannelId::new(817_327_181_659_111_455),
                session_id: format!("{number:032x}").into(),
            }));
            self.submit(Command::VoiceServer(VoiceServerUpdate {
                guild: guild(number),
                token: format!("{number:016x}").into(),
                endpoint: Some(endpoint.into()),
            }));
            self.settle();
        }
    }

    /// Gives these guilds a player each on the node that was told something, but has no track.
    pub fn add_bare(&mut self, node: NodeId, guilds: Range<usize>) {
        for number in guilds {
            let update = Update::default().volume(80).without_voice();
            self.update(node, number, update);
        }
    }

    /// The same, and the server says where each is.
    pub fn add_idle(&mut self, node: NodeId, guilds: Range<usize>) {
        for number in guilds {
            self.add_bare(node, number..number + 1);
            self.say_position(node, number);
        }
    }

    /// Plays a track of its own in each of these guilds.
    pub fn add_playing(&mut self, node: NodeId, guilds: Range<usize>) {
        for number in guilds {
            self.play(node, number);
            self.say(
                node,
                &messages::track_start(guild(number).get(), &self.present(number)),
            );
            self.say_position(node, number);
        }
    }

    /// Has the guild play another track than before. The server does not say yet that it does.
    pub fn play(&mut self, node: NodeId, number: usize) {
        if self.plays.len() <= number {
            self.plays.resize(number + 1, 0);
        }
        self.plays[number] += 1;
        let track = messages::track(self.present(number).track);
        let update = Update::play(Source::Track(track)).without_voice();
        self.update(node, number, update);
    }

    /// Stops what the guild plays. The server does not say yet that it did.
    pub fn stop(&mut self, node: NodeId, number: usize) {
        self.update(node, number, Update::stop());
    }

    /// What the guild plays, or played last.
    pub fn present(&self, number: usize) -> Play {
        Play::of(number, self.plays[number])
    }

    /// What it played before that.
    pub fn previous(&self, number: usize) -> Play {
        Play::of(number, self.plays[number] - 1)
    }

    fn say_position(&mut self, node: NodeId, number: usize) {
        self.say(node, &messages::player_update(guild(number).get(), 0, 24));
    }

    fn update(&mut self, node: NodeId, number: usize, update: Update) {
        let guild = guild(number);
        let node = Some(node);
        self.submit(Command::Update {
            guild,
            node,
            update,
        });
        self.settle();
    }

    /// Submits a command.
    pub fn submit(&mut self, command: Command) {
        self.pool.submit(command, self.now).expect("not refused");
    }

    /// A server sends a message.
    pub fn say(&mut self, node: NodeId, text: &str) {
        let mut bytes = Vec::new();
        messages::frame(text, &mut bytes);
        let socket = self.websocket(node);
        self.receive(socket, &bytes);
    }

    /// The node's WebSocket: the socket that was dialled before its others.
    pub fn websocket(&self, node: NodeId) -> SocketId {
        let mut sockets = self.sockets.iter().flatten();
        let found = sockets.find(|(_, of)| *of == node);
        found.expect("it is connected").0
    }

    /// Bytes come, as much as a driver reads at once, and all that follows is done.
    pub fn receive(&mut self, socket: SocketId, bytes: &[u8]) {
        for read in bytes.chunks(READ_BYTES) {
            self.pool.handle(Input::Received(socket, read), self.now);
            self.settle();
        }
    }

    /// A server dies: its sockets are reset, and nobody listens there any more.
    pub fn kill(&mut self, node: NodeId) {
        self.dead = Some(node);
        for slot in 0..self.sockets.len() {
            if let Some((socket, of)) = self.sockets[slot]
                && of == node
            {
                self.sockets[slot] = None;
                self.pool
                    .handle(Input::Closed(socket, Closed::Reset), self.now);
            }
        }
        self.settle();
    }

    /// Servers answer no request from here on.
    pub fn hold_answers(&mut self) {
        self.held = Some(Vec::new());
    }

    /// They answer all that they were asked meanwhile, and at once again.
    pub fn give_answers(&mut self) {
        for (socket, reply) in self.held.take().into_iter().flatten() {
            self.receive(socket, &reply);
        }
    }

    /// How many commands were answered.
    pub const fn answers(&self) -> usize {
        self.answers
    }

    /// How many events were handed out.
    pub const fn events(&self) -> usize {
        self.events
    }

    /// Does what the pool wants, until it wants nothing more.
    pub fn settle(&mut self) {
        while let Some(output) = self.pool.poll_output() {
            match output {
                Output::Connect(socket, _) => self.connect(socket),
                Output::Write(socket) => self.write(socket),
                Output::Close(socket) => self.sockets[socket.slot()] = None,
                Output::Answer(_, answer) => {
                    answer.expect("every request of the bench is fulfilled");
                    self.answers += 1;
                }
                _ => {}
            }
        }
        while self.pool.poll_changed().is_some() {}
        while self.pool.poll_event().is_some() {
            self.events += 1;
        }
    }

    fn connect(&mut self, socket: SocketId) {
        let node = self.pool.node_of(socket).expect("it is dialled").id;
        if self.dead == Some(node) {
            let refused = Input::Closed(socket, Closed::Refused);
            return self.pool.handle(refused, self.now);
        }
        let slot = socket.slot();
        if self.sockets.len() <= slot {
            self.sockets.resize(slot + 1, None);
        }
        self.sockets[slot] = Some((socket, node));
        self.pool.handle(Input::Connected(socket), self.now);
    }

    fn write(&mut self, socket: SocketId) {
        self.request.clear();
        self.request.extend_from_slice(self.pool.outgoing(socket));
        let written = self.request.len();
        self.pool.handle(Input::Wrote(socket, written), self.now);
        self.server.answer(&self.request, &mut self.reply);
        if let Some(held) = &mut self.held {
            return held.push((socket, self.reply.clone()));
        }
        for read in self.reply.chunks(READ_BYTES) {
            self.pool.handle(Input::Received(socket, read), self.now);
        }
    }
}

fn user() -> UserId {
    UserId::new(1).expect("not zero")
}

/// The labels of the nodes' regions.
const REGIONS: [&str; 5] = ["us-east", "eu-central", "asia", "us-west", "sydney"];
