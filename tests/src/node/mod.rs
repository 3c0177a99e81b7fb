//! A Lavalink v4 test node: a server as a pure state machine, with the wire behaviour of a real
//! Lavalink 4.2.2 as recorded in `tests/recordings`, and with [`Faults`] that a real one has only
//! on bad days.
//!
//! Bytes and the time go in, [`Action`]s come out. Time is a [`Duration`] since an origin that the
//! caller chose; the same seed and the same calls give the same bytes. [`Listener`] drives a node
//! on a real port, a simulated network drives it in virtual time:
//!
//! ```
//! use std::time::Duration;
//! use lavapool_tests::node::{Action, How, NodeConfig, TestNode};
//!
//! let now = Duration::ZERO;
//! let mut node = TestNode::new(NodeConfig::new("a"), 1, now);
//! let connection = node.accept(now);
//! let request = b"GET /version HTTP/1.1\r\nHost: a\r\nAuthorization: youshallnotpass\r\n\r\n";
//! node.receive(connection, request, now);
//! let Some(Action::Send(to, bytes)) = node.poll_action() else { panic!("an answer") };
//! assert_eq!(to, connection);
//! assert!(bytes.starts_with(b"HTTP/1.1 200 OK\r\n") && bytes.ends_with(b"4.2.2"));
//! ```
//!
//! The module never uses `lavapool-core`. It keeps a [`Log`] of everything that clients sent, in
//! which every breach of protocol is a [`Violation`].

mod api;
pub mod blob;
pub mod catalogue;
mod clock;
pub mod config;
mod connection;
mod disturb;
pub mod faults;
mod fields;
mod filters;
mod frames;
mod front;
mod handshake;
mod http;
mod listener;
pub mod log;
mod messages;
mod patch;
mod player;
pub mod plugins;
mod recommended;
mod rest;
mod seeded;
mod session;
mod stance;
mod stats;
#[cfg(test)]
mod tests;
mod ticks;
mod view;
mod voice;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

pub use self::config::{AnswerKind, Latency, NodeConfig, Voice};
pub use self::disturb::Disturbance;
pub use self::faults::{Accepting, Failure, Faults};
pub use self::front::{Front, Fronts, Passed};
pub use self::listener::Listener;
pub use self::log::{
    FrameCounts, HandshakeRecord, Headers, Log, LostPlayer, PlayerFate, RequestRecord, Violation,
    ViolationRecord,
};
pub use self::stats::{FrameStats, NodeStats};
pub use self::view::{PlayerView, SessionView, TrackView, VoiceState};

use self::connection::{Connection, Hearing, Pending};
use self::front::Gate;
use self::seeded::Seeded;
use self::session::Session;
use self::stance::{Stance, Unheard};

/// One server process.
///
/// Every call that takes `now` first lets everything happen that was due by then, in the order
/// and with the time at which it was due. Time that goes backwards is taken as standing still.
#[derive(Debug)]
pub struct TestNode {
    config: NodeConfig,
    faults: Faults,
    stats: NodeStats,
    log: Log,
    /// How many requests were in logs that were taken away.
    log_taken: usize,
    seeded: Seeded,
    /// The time of the last call, by the node's own clock.
    now: Duration,
    /// What its own clock is behind, and whether it stands.
    stance: Stance,
    /// What has arrived while it stands.
    unheard: Vec<Unheard>,
    started_at: Duration,
    connections: BTreeMap<ConnectionId, Connection>,
    sessions: BTreeMap<String, Session>,
    /// Requests whose clients are gone, which take effect all the same.
    abandoned: Vec<Pending>,
    timers: BTreeSet<(Duration, Timer)>,
    actions: VecDeque<Action>,
    /// What stands between the actions and the network.
    gate: Gate,
    next_connection: u64,
}

/// A connection that a node has accepted; never used again by the same node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

/// What the network has to do for a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Deliver these bytes to the client, after all that were sent before.
    Send(ConnectionId, Vec<u8>),
    /// End the connection; the node has forgotten it.
    Close(ConnectionId, How),
}

/// How a node ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// FIN, after everything that was sent has been delivered.
    Fin,
    /// RST, at once; what was sent may be lost.
    Reset,
}

/// One timer is one variant, with what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The answer of a connection is ready.
    Answer(ConnectionId),
    /// A request whose client is gone takes effect.
    Abandoned,
    /// A keep-alive connection was idle for a minute.
    Idle(ConnectionId),
    /// A detached session is given up.
    Expiry(String),
    /// The next stats of a session.
    Stats(String),
    /// The next thing that a player does by itself.
    Player(String, i64),
}

impl TestNode {
    /// Starts a node. The seed decides session ids and, with `config.races`, the order of
    /// messages that threads of a real server race for.
    pub fn new(config: NodeConfig, seed: u64, now: Duration) -> Self {
        Self {
            config,
            faults: Faults::default(),
            stats: NodeStats::default(),
            log: Log::default(),
            log_taken: 0,
            seeded: Seeded::new(seed),
            now,
            stance: Stance::default(),
            unheard: Vec::new(),
            started_at: now,
            connections: BTreeMap::new(),
            sessions: BTreeMap::new(),
            abandoned: Vec::new(),
            timers: BTreeSet::new(),
            actions: VecDeque::new(),
            gate: Gate::default(),
            next_connection: 0,
        }
    }

    /// Takes a new connection from the network.
    ///
    /// A node that refuses connections answers with a reset at once; a network that models the
    /// refusal itself asks [`accepts`](Self::accepts) first.
    pub fn accept(&mut self, now: Duration) -> ConnectionId {
        self.advance(now);
        let id = ConnectionId(self.next_connection);
        self.next_connection += 1;
        if let Some(fronts) = &self.config.front {
            self.gate.open(id, fronts);
        }
        match self.faults.accepting {
            Accepting::Serve => self.add_connection(id, Hearing::Served),
            Accepting::Silence => self.add_connection(id, Hearing::Ignored),
            Accepting::Refuse => self.actions.push_back(Action::Close(id, How::Reset)),
        }
        id
    }

    /// Takes bytes of a client. Those of a connection that the node has ended are dropped; those
    /// for one that stands still wait.
    pub fn receive(&mut self, connection: ConnectionId, bytes: &[u8], now: Duration) {
        self.advance(now);
        if self.stance.stands() {
            let bytes = Unheard::Bytes(connection, bytes.to_vec());
            return self.unheard.push(bytes);
        }
        let Some((bytes, is_last)) = self.gate.client_sent(connection, bytes) else {
            return self.read(connection, bytes);
        };
        if !bytes.is_empty() {
            self.read(connection, &bytes);
        }
        if is_last {
            self.forget(connection);
        }
    }

    /// Learns that a client has ended its connection, by FIN or by RST.
    pub fn peer_closed(&mut self, connection: ConnectionId, reset: bool, now: Duration) {
        self.advance(now);
        if self.stance.stands() {
            return self.unheard.push(Unheard::End(connection, reset));
        }
        let Some(ended) = self.connections.get(&connection) else {
            return;
        };
        // A half-open connection is one whose end nobody has heard of.
        if ended.is_frozen() {
            return;
        }
        if reset {
            self.gate.forget(connection);
        } else {
            self.actions.push_back(Action::Close(connection, How::Fin));
        }
        self.forget(connection);
    }

    /// Returns the next thing for the network to do; nothing for one that stands still.
    pub fn poll_action(&mut self) -> Option<Action> {
        if self.stance.stands() {
            return None;
        }
        while let Some(action) = self.actions.pop_front() {
            self.gate.pass(action);
        }
        self.gate.poll_action()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is to be called at the latest.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let at = self.timers.first().map(|(at, _)| *at);
        at.filter(|_| !self.stance.stands())
            .map(|at| self.stance.to_world(at))
    }

    /// Lets everything happen that is due. Afterwards the next timeout is later than `now`.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.advance(now);
    }

    /// Returns the time of the last call; of one that stands, when that began.
    pub fn now(&self) -> Duration {
        self.stance.to_world(self.now)
    }

    /// Tells whether a connection that is made now would be accepted.
    pub fn accepts(&self) -> bool {
        self.faults.accepting != Accepting::Refuse
    }

    /// Returns the faults that last, to look at or to change.
    pub fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// Returns the numbers that `stats` messages report, to look at or to change.
    pub fn stats(&mut self) -> &mut NodeStats {
        &mut self.stats
    }

    /// Returns the configuration, to look at or to change.
    pub fn config(&mut self) -> &mut NodeConfig {
        &mut self.config
    }

    /// Returns everything that clients have sent.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Takes the log away, so that a long run does not keep everything. Requests that are not
    /// answered yet will never be marked as answered.
    pub fn take_log(&mut self) -> Log {
        self.log_taken += self.log.requests.len();
        std::mem::take(&mut self.log)
    }

    /// Returns the sessions in the order of their ids, attached and detached.
    pub fn sessions(&self) -> Vec<SessionView> {
        let sessions = self.sessions.values();
        sessions.map(|session| session.view(self.stance)).collect()
    }

    /// Returns a session by its id.
    pub fn session(&self, id: &str) -> Option<SessionView> {
        let session = self.sessions.get(id);
        session.map(|session| session.view(self.stance))
    }

    /// Returns the players of all sessions as they are at `now`, which is no earlier than the
    /// last call.
    pub fn players(&self, now: Duration) -> Vec<PlayerView> {
        let now = self.stance.to_own(now).max(self.now);
        let sessions = self.sessions.values();
        let mut players: Vec<_> = sessions
            .flat_map(|session| session.player_views(now))
            .collect();
        for player in &mut players {
            player.audible &= !self.stance.stands();
        }
        players
    }

    /// Returns the players of one guild; more than one if sessions fight over it.
    pub fn players_of(&self, guild: i64, now: Duration) -> Vec<PlayerView> {
        let mut players = self.players(now);
        players.retain(|player| player.guild == guild);
        players
    }

    /// Returns the connections that are open, half-open ones included.
    pub fn connections(&self) -> Vec<ConnectionId> {
        self.connections.keys().copied().collect()
    }

    /// Runs every timer that is due by `now`, each at its own time.
    fn advance(&mut self, now: Duration) {
        let now = self.stance.to_own(now).max(self.now);
        if self.stance.stands() {
            return;
        }
        while let Some((at, timer)) = self.timers.first().cloned() {
            if at > now {
                break;
            }
            self.timers.pop_first();
            self.now = self.now.max(at);
            match timer {
                Timer::Answer(connection) => self.answer_due(connection),
                Timer::Abandoned => self.run_abandoned(),
                Timer::Idle(connection) => self.close_idle(connection),
                Timer::Expiry(session) => self.expire(&session),
                Timer::Stats(session) => self.send_stats(&session),
                Timer::Player(session, guild) => self.tick_player(&session, guild),
            }
        }
        self.now = now;
    }

    fn arm(&mut self, at: Duration, timer: Timer) {
        self.timers.insert((at, timer));
    }

    /// The wall clock of the node, in Unix milliseconds.
    fn unix_ms(&self) -> u64 {
        self.config.epoch_ms + millis_u64(self.now())
    }
}

/// Whole milliseconds; a simulation does not last for 500 million years.
fn millis_u64(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whole milliseconds, as Java counts them.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
