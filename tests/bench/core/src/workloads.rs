//! The six workloads, one of them at ten times its size too, and the yardstick beside the first.

use std::hint::black_box;
use std::ops::Range;

use lavapool_core::pool::{Needs, Strategy};
use lavapool_core::protocol::ChannelId;
use lavapool_core::region::RegionMap;
use lavapool_core::rest::Request;
use lavapool_core::{Command, NodeId, Target, VoiceServerUpdate, VoiceStateUpdate};

use crate::messages::{self, Kind, guild};
use crate::raw;
use crate::world::World;

/// Work that is the same each time.
pub trait Work {
    /// Makes everything ready for the next run; not measured.
    fn prepare(&mut self);

    /// Does it once.
    fn run(&mut self);
}

/// A workload by name.
pub struct Workload {
    /// Its name, as in the file of counts.
    pub name: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// How many of those one run does.
    pub units: usize,
    /// Makes it.
    pub make: fn() -> Box<dyn Work>,
}

/// All of them, the yardstick first.
pub const WORKLOADS: [Workload; 8] = [
    Workload {
        name: "raw_loop",
        unit: "message",
        units: MESSAGES,
        make: || Box::new(RawLoop::new()),
    },
    Workload {
        name: "message_mix",
        unit: "message",
        units: MESSAGES,
        make: || Box::new(MessageMix::new()),
    },
    Workload {
        name: "rest_exchange",
        unit: "exchange",
        units: EXCHANGES,
        make: || Box::new(RestExchange::new()),
    },
    Workload {
        name: "selection_1000",
        unit: "choice",
        units: CHOICES,
        make: || Box::new(Choosing::among(1_000)),
    },
    Workload {
        name: "failover_1000",
        unit: "player",
        units: 1_000,
        make: || Box::new(Failover::of(1_000)),
    },
    Workload {
        name: "failover_10000",
        unit: "player",
        units: 10_000,
        make: || Box::new(Failover::of(10_000)),
    },
    Workload {
        name: "voice_update",
        unit: "update",
        units: EXCHANGES,
        make: || Box::new(VoiceUpdate::new()),
    },
    Workload {
        name: "chunked_playlist",
        unit: "playlist",
        units: PLAYLISTS,
        make: || Box::new(ChunkedPlaylist::new()),
    },
];

/// The workload of this name.
pub fn workload(name: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|workload| workload.name == name)
}

const PLAYERS: usize = 200;
const MESSAGES: usize = 10 * PLAYERS;
const EXCHANGES: usize = 200;
const CHOICES: usize = 200;
/// How many playlists a run looks up.
pub const PLAYLISTS: usize = 5;

/// Ten messages a player, of a node's WebSocket.
///
/// Of the players, [`SOME`] play another track in each run: the server says that the one before was
/// replaced, and that the other starts. As many have a track that comes to its end, or is stopped.
/// As many had none since the run before, and play one.
pub struct MessageMix {
    world: World,
    node: NodeId,
    bytes: Vec<u8>,
    /// Those whose track comes to its end, and those that play one again: by turns.
    ending: Range<usize>,
    starting: Range<usize>,
    position_ms: u64,
}

/// How many players replace, end or start a track in a run.
const SOME: usize = PLAYERS / 4;
/// One in so many ends was asked for.
const STOPPED_EVERY: usize = 5;

impl MessageMix {
    /// A pool with a node and players on it that play something, or have.
    pub fn new() -> Self {
        let mut world = World::new(1);
        let node = world.nodes()[0];
        world.add_playing(node, 0..PLAYERS);
        let starting = 2 * SOME..3 * SOME;
        for number in starting.clone() {
            let end = messages::track_end(guild(number).get(), &world.present(number), "finished");
            world.say(node, &end);
        }
        Self {
            world,
            node,
            bytes: Vec::new(),
            ending: SOME..2 * SOME,
            starting,
            position_ms: 0,
        }
    }

    /// The bytes of the messages.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn write(&mut self) {
        self.bytes.clear();
        let (mut updates, mut ends, mut starts) = (0, 0, 0);
        for serial in 0..MESSAGES {
            let text = match Kind::of(serial as u64) {
                Kind::PlayerUpdate => {
                    updates += 1;
                    let position_ms = self.position_ms + updates as u64;
                    messages::player_update(guild(updates % PLAYERS).get(), position_ms, 24)
                }
                Kind::Stats => messages::stats(PLAYERS),
                Kind::TrackEnd => {
                    ends += 1;
                    self.end(ends - 1)
                }
                Kind::TrackStart => {
                    starts += 1;
                    self.start(starts - 1)
                }
            };
            messages::frame(&text, &mut self.bytes);
        }
        self.position_ms += 5_000;
        assert_eq!((ends, starts), (2 * SOME, 2 * SOME));
    }

    fn end(&self, serial: usize) -> String {
        let Some(ending) = serial.checked_sub(SOME) else {
            let previous = self.world.previous(serial);
            return messages::track_end(guild(serial).get(), &previous, "replaced");
        };
        let number = self.ending.start + ending;
        let reason = match ending % STOPPED_EVERY {
            0 => "stopped",
            _ => "finished",
        };
        messages::track_end(guild(number).get(), &self.world.present(number), reason)
    }

    fn start(&self, serial: usize) -> String {
        let number = match serial.checked_sub(SOME) {
            None => serial,
            Some(starting) => self.starting.start + starting,
        };
        messages::track_start(guild(number).get(), &self.world.present(number))
    }
}

impl Default for MessageMix {
    fn default() -> Self {
        Self::new()
    }
}

impl Work for MessageMix {
    fn prepare(&mut self) {
        if !self.bytes.is_empty() {
            std::mem::swap(&mut self.ending, &mut self.starting);
        }
        for number in (0..SOME).chain(self.starting.clone()) {
            self.world.play(self.node, number);
        }
        for number in self.ending.clone().step_by(STOPPED_EVERY) {
            self.world.stop(self.node, number);
        }
        self.world.pass(5_000);
        self.write();
    }

    fn run(&mut self) {
        let before = self.world.events();
        let socket = self.world.websocket(self.node);
        self.world.receive(socket, &self.bytes);
        assert_eq!(
            self.world.events() - before,
            MESSAGES,
            "each message is an event"
        );
    }
}

/// The same bytes, read by tungstenite and serde_json alone.
pub struct RawLoop(MessageMix);

impl RawLoop {
    /// As the mix begins.
    pub fn new() -> Self {
        Self(MessageMix::new())
    }
}

impl Default for RawLoop {
    fn default() -> Self {
        Self::new()
    }
}

impl Work for RawLoop {
    fn prepare(&mut self) {
        self.0.prepare();
    }

    fn run(&mut self) {
        assert_eq!(raw::read_all(self.0.bytes()), MESSAGES);
    }
}

/// By turns a lookup that finds a track, and a volume that is set.
struct RestExchange {
    world: World,
    node: NodeId,
    round: u16,
}

impl RestExchange {
    fn new() -> Self {
        let mut world = World::new(1);
        let node = world.nodes()[0];
        world.add_playing(node, 0..EXCHANGES);
        let round = 0;
        Self { world, node, round }
    }
}

impl Work for RestExchange {
    fn prepare(&mut self) {
        self.round += 1;
    }

    fn run(&mut self) {
        let before = self.world.answers();
        for number in 0..EXCHANGES {
            let command = if number % 2 == 0 {
                look_up(self.node, "one")
            } else {
                let volume = 100 + self.round % 2;
                Command::Update {
                    guild: guild(number),
                    node: None,
                    update: lavapool_core::player::Update::default().volume(volume),
                }
            };
            self.world.submit(command);
            self.world.settle();
        }
        assert_eq!(self.world.answers() - before, EXCHANGES);
    }
}

fn look_up(node: NodeId, identifier: &str) -> Command {
    Command::Rest {
        node: Target::Node(node),
        request: Request::LoadTracks {
            identifier: identifier.to_owned(),
        },
    }
}

/// Choices of a node in a region and with a source.
pub struct Choosing {
    world: World,
    strategy: Strategy,
}

impl Choosing {
    /// Among so many nodes.
    pub fn among(nodes: usize) -> Self {
        let mut world = World::new(nodes);
        for (number, node) in world.nodes().into_iter().enumerate() {
            world.say(node, &messages::stats(number * 7 % 50));
        }
        let strategy = Strategy::default();
        Self { world, strategy }
    }

    /// One choice.
    pub fn choose(&self, needs: &Needs<'_>) -> Option<NodeId> {
        self.world.pool.best_node_by(&self.strategy, needs).node
    }
}

/// So many choices in a row, among the nodes of `choosing`.
pub fn choose(choosing: &Choosing, choices: usize) {
    let region = RegionMap::default().region("frankfurt123.discord.media:443");
    let mut needs = Needs::default();
    needs.region = region.as_ref();
    needs.source = Some("youtube");
    for _ in 0..choices {
        assert!(choosing.choose(black_box(&needs)).is_some());
    }
}

impl Work for Choosing {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        choose(self, CHOICES);
    }
}

/// A node dies, and its players go to the other ones.
pub struct Failover {
    players: usize,
    world: World,
    lost: NodeId,
}

impl Failover {
    /// Of a node with so many players.
    pub fn of(players: usize) -> Self {
        let (world, lost) = Self::begin(players);
        Self {
            players,
            world,
            lost,
        }
    }

    fn begin(players: usize) -> (World, NodeId) {
        let mut world = World::new(3);
        let lost = world.nodes()[0];
        world.add_playing(lost, 0..players);
        (world, lost)
    }
}

impl Work for Failover {
    fn prepare(&mut self) {
        (self.world, self.lost) = Self::begin(self.players);
    }

    fn run(&mut self) {
        self.world.kill(self.lost);
        let moved = |number| {
            let view = self.world.pool.player(guild(number)).expect("it is kept");
            view.synced && view.node().is_some_and(|node| node.id != self.lost)
        };
        assert!(moved(0) && moved(self.players - 1));
    }
}

/// Discord's two halves of a voice connection, and the PATCH that follows from them.
struct VoiceUpdate {
    world: World,
    round: u64,
}

impl VoiceUpdate {
    fn new() -> Self {
        let mut world = World::new(1);
        let node = world.nodes()[0];
        world.add_playing(node, 0..EXCHANGES);
        Self { world, round: 0 }
    }
}

impl Work for VoiceUpdate {
    fn prepare(&mut self) {
        self.round += 1;
    }

    fn run(&mut self) {
        for number in 0..EXCHANGES {
            self.world.submit(Command::VoiceState(VoiceStateUpdate {
                guild: guild(number),
                user: lavapool_core::protocol::UserId::new(1).expect("not zero"),
                channel: ChannelId::new(5),
                session_id: format!("session{}", self.round).into(),
            }));
            self.world.submit(Command::VoiceServer(VoiceServerUpdate {
                guild: guild(number),
                token: format!("token{}", self.round).into(),
                endpoint: Some("frankfurt123.discord.media:443".into()),
            }));
            self.world.settle();
        }
    }
}

/// A lookup that finds 100 tracks, in an answer that comes in pieces.
struct ChunkedPlaylist {
    world: World,
    node: NodeId,
}

impl ChunkedPlaylist {
    fn new() -> Self {
        let world = World::new(1);
        let node = world.nodes()[0];
        Self { world, node }
    }
}

impl Work for ChunkedPlaylist {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        let before = self.world.answers();
        for _ in 0..PLAYLISTS {
            self.world.submit(look_up(self.node, "list"));
            self.world.settle();
        }
        assert_eq!(self.world.answers() - before, PLAYLISTS);
    }
}
