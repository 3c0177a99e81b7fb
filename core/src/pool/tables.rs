//! [`Tables`]: everything that a pool knows, apart from the bytes of its sockets.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use rand_chacha::ChaCha8Rng;

use super::changed::News;
use super::commands::Commands;
use super::fetches::Fetches;
use super::gateway::Gateway;
use super::moves::Group;
use super::requests::Requests;
use super::scores::Scores;
use super::timers::{TimerKey, Timers};
use crate::cache::Keyed;
use crate::config::PoolConfig;
use crate::event::{Event, Kinds};
use crate::event_queue::EventQueue;
use crate::id::{NodeId, SocketId};
use crate::node::{LaneKind, Node, NodeRef};
use crate::output::Output;
use crate::player::{Player, PlayerId};
use crate::protocol::GuildId;
use crate::seed::Seed;
use crate::slab::Slab;
use crate::texts::Texts;
use crate::time::Timestamp;

/// Everything that a pool knows, apart from the bytes of its sockets.
///
/// A message is decoded in its socket's buffer and handled here while it is borrowed from there,
/// so nothing here touches a socket: what a socket must do is a [`Task`].
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) config: PoolConfig,
    pub(super) now: Timestamp,
    pub(super) nodes: Slab<Node>,
    /// The nodes in the order of configuration.
    pub(super) order: Vec<NodeId>,
    pub(super) players: Slab<Player>,
    pub(super) guilds: HashMap<GuildId, PlayerId, BuildHasherDefault<SnowflakeHasher>>,
    pub(super) scores: Scores,
    pub(super) commands: Commands,
    pub(super) requests: Requests,
    pub(super) fetches: Fetches,
    pub(super) timers: Timers,
    pub(super) failovers: BTreeMap<(NodeId, NodeId), Group>,
    /// The removed nodes that players are yet to be told to have left.
    pub(super) removed: Vec<NodeRef>,
    pub(super) events: EventQueue,
    pub(super) listening: Kinds,
    pub(super) outputs: VecDeque<Output>,
    /// The views to publish.
    pub(super) changed: VecDeque<News>,
    /// The players that may have to be counted otherwise.
    pub(super) uncounted: Vec<PlayerId>,
    pub(super) tasks: VecDeque<Task>,
    /// What goes to Discord's gateway.
    pub(super) gateway: Gateway,
    /// Lanes with something to do.
    pub(super) noted: VecDeque<(NodeId, LaneKind)>,
    /// Counts the REST requests, so that an answer is known to be to the latest one of a player.
    pub(super) exchanges: u64,
    /// Counts the pings, so that a pong answers one of them.
    pub(super) pings: u64,
    /// No player that is gone had a play with a higher number: one that is made again numbers
    /// its plays from here, so that late events of the old one are told apart.
    pub(super) plays: u32,
    /// Counts what was wanted of plugins.
    pub(super) wishes: u64,
    /// The endpoints of voice servers.
    pub(super) texts: Texts,
    /// Whether the pool is closing, or closed.
    pub(super) closing: bool,
    /// Armed while the nodes are still told what was asked for before the close.
    pub(super) last_words: Option<TimerKey>,
    /// For jitter.
    pub(super) chance: ChaCha8Rng,
}

/// The stream of the seed that the hasher of the cache draws from, away from those of sockets.
const HASHER_STREAM: u64 = u64::MAX;

/// What a socket must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Open the node's WebSocket.
    Dial(NodeId),
    /// Send a ping with this number.
    Ping(SocketId, u64),
    /// Close the socket at a deadline, whatever it still waits for.
    Linger(SocketId),
    /// Send a close frame, and close the socket when the peer has answered it.
    Close(SocketId),
    /// Close the socket at once.
    Drop(SocketId),
    /// Close all REST sockets of a lane, whatever they are doing.
    Clear(NodeId, LaneKind),
    /// Close those REST sockets of the node on which something is asked about its session.
    EndSession(NodeId),
}

impl Tables {
    pub(super) fn new(config: PoolConfig, seed: &Seed, now: Timestamp) -> Self {
        let hasher = Keyed::new(&mut seed.stream(HASHER_STREAM));
        Self {
            fetches: Fetches::new(&config, hasher),
            scores: Scores::new(config.strategy.clone(), &config.regions),
            events: EventQueue::new(config.limits.events_max),
            config,
            now,
            nodes: Slab::default(),
            order: Vec::new(),
            players: Slab::default(),
            guilds: HashMap::default(),
            commands: Commands::default(),
            requests: Requests::default(),
            timers: Timers::default(),
            failovers: BTreeMap::new(),
            removed: Vec::new(),
            listening: Kinds::ALL,
            outputs: VecDeque::new(),
            changed: VecDeque::new(),
            uncounted: Vec::new(),
            tasks: VecDeque::new(),
            gateway: Gateway::default(),
            noted: VecDeque::new(),
            exchanges: 0,
            pings: 0,
            plays: 0,
            wishes: 0,
            texts: Texts::default(),
            closing: false,
            last_words: None,
            chance: seed.stream(0),
        }
    }

    /// Time never goes backwards in here.
    pub(super) fn advance(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        self.timers.called(self.now);
        self.now
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.slot, id.generation)
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id.slot, id.generation)
    }

    pub(super) fn node_ref(&self, id: NodeId) -> Option<NodeRef> {
        self.node(id).map(|node| node.node.clone())
    }

    /// As [`Tables::node_ref`], also of a node that was removed when players had yet to go on
    /// elsewhere.
    pub(super) fn last_ref(&self, id: NodeId) -> Option<NodeRef> {
        let removed = || self.removed.iter().find(|node| node.id == id).cloned();
        self.node_ref(id).or_else(removed)
    }

    /// The node is about to be removed: its name is kept while players are about it.
    pub(super) fn keep_name_of(&mut self, id: NodeId) {
        self.removed.extend(self.node_ref(id));
        let players = &self.players;
        let is_known = |node: &NodeRef| players.iter().any(|player| player.is_about(node.id));
        self.removed.retain(is_known);
    }

    pub(super) fn player(&self, id: PlayerId) -> Option<&Player> {
        self.players.get(id.slot, id.generation)
    }

    pub(super) fn player_mut(&mut self, id: PlayerId) -> Option<&mut Player> {
        self.players.get_mut(id.slot, id.generation)
    }

    pub(super) fn player_of(&self, guild: GuildId) -> Option<PlayerId> {
        self.guilds.get(&guild).copied()
    }

    /// The players that `wanted` names, in the order of their slots.
    pub(super) fn players_where(&self, wanted: impl Fn(&Player) -> bool) -> Vec<PlayerId> {
        self.players
            .iter()
            .filter(|player| wanted(player))
            .map(|player| player.id)
            .collect()
    }

    /// Hands out an event, if anybody listens for its kind; only then is it built.
    pub(super) fn emit(&mut self, kind: Kinds, event: impl FnOnce() -> Event) {
        if self.listening.intersects(kind) {
            self.events.push(event());
        }
    }

    pub(super) fn emit_node(&mut self, id: NodeId, event: impl FnOnce(NodeRef) -> Event) {
        if self.listening.intersects(Kinds::NODES)
            && let Some(node) = self.node_ref(id)
        {
            self.events.push(event(node));
        }
    }

    /// The lane is looked at before the present call returns.
    pub(super) fn note_lane(&mut self, id: NodeId, kind: LaneKind) {
        if let Some(node) = self.nodes.get_mut(id.slot, id.generation)
            && !std::mem::replace(&mut node.lane(kind).noted, true)
        {
            self.noted.push_back((id, kind));
        }
    }
}

/// Spreads snowflakes, which differ in their upper bits, with one multiplication.
///
/// It is the same in every run; the table is only looked up, never iterated.
#[derive(Default)]
pub(super) struct SnowflakeHasher(u64);

impl Hasher for SnowflakeHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
