//! A world in virtual time: the real pool, several servers, and a network between them.
//!
//! [`World`] drives a [`Pool`] as a driver would, on one thread, without a socket or a clock: time
//! jumps to whatever happens next. The same seed gives the same bytes. At every step it checks
//! what a driver may expect of the pool, and that no server saw a breach of protocol.
//!
//! ```
//! use std::time::Duration;
//! use lavapool_tests::world::{World, guild, track};
//!
//! let mut world = World::builder().nodes(["a", "b"]).seed(7).connected();
//! world.join(guild(1), "us-east");
//! world.play(guild(1), &track("song"));
//! world.run_for(Duration::from_secs(1));
//! assert_eq!(world.guilds_on("a"), [1]);
//!
//! world.kill("a");
//! world.run_for(Duration::from_secs(1));
//! assert_eq!(world.guilds_on("b"), [1]);
//! ```

mod application;
mod builder;
pub(crate) mod chance;
mod discord;
mod driver;
mod network;
mod process;
mod records;
mod servers;
mod weather;

use std::time::Duration;

use lavapool_core::node::{NodeConfig, Status};
use lavapool_core::{Closed, Event, Input, Pool, PoolConfig, Timestamp};

pub use self::application::{CHANNELS, guild, track, track_of};
pub use self::builder::{HostConfig, WorldBuilder};
pub use self::discord::Discord;
pub use self::records::{Answered, Given, Traced};
pub use self::servers::Heard;
pub use self::weather::{Bite, Bitten, Dialled, Direction, Weather};

use self::chance::Chance;
use self::driver::Driver;
use self::network::{Happening, Network, PipeId};
use self::records::Records;
use crate::invariant::Broken;
use crate::node::{Action, How, TestNode};

/// A pool, servers, and a network between them.
#[derive(Debug)]
pub struct World {
    pool: Pool,
    /// What the pool was told, its nodes aside.
    config: PoolConfig,
    seed: u64,
    /// How many processes the pool has had before.
    restarts: u64,
    hosts: Vec<Host>,
    network: Network,
    driver: Driver,
    records: Records,
    gateway: discord::Gateway,
    command_deadline: Duration,
    /// How often the bot joined a channel; each join has a token of its own.
    joins: u64,
    now: Duration,
    weather: Weather,
    /// What sockets take of what is written, and when timers ring.
    chance: Chance,
    /// When the pool's next timer rings, if that is not when it is due.
    rings: Option<(Timestamp, Duration)>,
    /// How much the pool's clock has lost, because it stood still in a suspended host.
    clock_behind: Duration,
    /// Until when that clock stands still.
    clock_stands_until: Duration,
    /// What was broken, if that is not to end the world.
    broken: Option<Broken>,
}

/// A server and the way there.
#[derive(Debug)]
struct Host {
    name: String,
    node: TestNode,
    pool_side: NodeConfig,
}

/// What happens next.
enum Next {
    Arrival,
    Node(usize),
    Discord,
    Pool,
}

impl World {
    /// Begins with a world without servers.
    pub fn builder() -> WorldBuilder {
        WorldBuilder::default()
    }

    /// Lets time pass.
    #[track_caller]
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.judge();
    }

    /// Lets time pass until something is so.
    ///
    /// # Panics
    /// If it is not so after `within`, with the last things that came out of the pool.
    #[track_caller]
    pub fn run_until(&mut self, mut is_so: impl FnMut(&Self) -> bool, within: Duration) {
        let end = self.now + within;
        while !is_so(self) {
            if !self.step(end) && !is_so(self) {
                let last = self.records.last();
                panic!(
                    "not so within {within:?}; the last of it:\n{}",
                    last.join("\n")
                );
            }
        }
        self.judge();
    }

    /// The time since the world began.
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// The pool, to look at.
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The pool's time.
    pub fn stamp(&self) -> Timestamp {
        Timestamp::ZERO + self.now.saturating_sub(self.clock_behind)
    }

    /// Everything that the pool told the application, and when.
    pub fn events(&self) -> &[(Duration, Event)] {
        &self.records.events
    }

    /// What the pool told the application since a moment.
    pub fn events_since(&self, since: Duration) -> impl Iterator<Item = &Event> {
        let events = self.records.events.iter();
        events
            .filter(move |(at, _)| *at >= since)
            .map(|(_, event)| event)
    }

    /// Everything that came out of the pool, and when.
    pub fn trace(&self) -> &[(Duration, Traced)] {
        &self.records.trace
    }

    /// Leaves events in the pool's queue, or takes them again.
    pub fn hold_events(&mut self, holds: bool) {
        self.records.holds_events = holds;
        self.obey();
    }

    /// Whether every node of the pool is connected.
    pub fn is_connected(&self) -> bool {
        let mut nodes = self.pool.nodes();
        nodes.all(|node| node.status == Status::Connected)
    }

    /// Lets the next thing happen, if that is by `end`; otherwise it is `end` now.
    pub(crate) fn step(&mut self, end: Duration) -> bool {
        self.collect();
        self.set_ring();
        let Some((at, next)) = self.next().filter(|(at, _)| *at <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(at);
        match next {
            Next::Arrival => {
                if let Some((pipe, happening)) = self.network.arrive(self.now) {
                    self.happen(pipe, happening);
                }
            }
            Next::Node(host) => self.hosts[host].node.handle_timeout(self.now),
            Next::Discord => self.answer_gateway(),
            Next::Pool => {
                self.count_timeout();
                self.give(Input::Timeout);
            }
        }
        true
    }

    /// What happens next, and when. What arrives comes before what is due.
    fn next(&self) -> Option<(Duration, Next)> {
        let arrival = self.network.next_at().map(|at| (at, Next::Arrival));
        let nodes = (0..).zip(&self.hosts).filter_map(|(index, host)| {
            let at = host.node.poll_timeout()?;
            Some((at, Next::Node(index)))
        });
        let discord = self.gateway.next_at().map(|at| (at, Next::Discord));
        let pool = self.rings.map(|(_, at)| (at, Next::Pool));
        arrival
            .into_iter()
            .chain(nodes)
            .chain(discord)
            .chain(pool)
            .min_by_key(|(at, _)| (*at).max(self.now))
    }

    /// Decides when the pool's next timer rings: when it is due, unless timers are late.
    fn set_ring(&mut self) {
        let due = self.pool.poll_timeout().map(|(at, _)| at);
        if self.rings.map(|(at, _)| at) == due {
            return;
        }
        let lag_max = self.weather.timer_lag_max;
        self.rings = due.map(|due| {
            let at = Duration::from_nanos(due.as_nanos()) + self.clock_behind;
            let lag = if lag_max.is_zero() {
                Duration::ZERO
            } else {
                self.chance.below(lag_max)
            };
            (due, (at + lag).max(self.network.awake_at))
        });
    }

    fn happen(&mut self, id: PipeId, happening: Happening) {
        let Some(pipe) = self.network.pipe(id) else {
            return;
        };
        match (happening, pipe.socket) {
            (Happening::Dial, _) => self.take_dial(id, pipe.host),
            (Happening::ToNode(bytes), _) => {
                if let Some(connection) = pipe.connection {
                    let node = &mut self.hosts[pipe.host].node;
                    node.receive(connection, &bytes, self.now);
                }
            }
            (Happening::EndAtNode { reset }, _) => {
                if let Some(connection) = pipe.connection {
                    let node = &mut self.hosts[pipe.host].node;
                    node.peer_closed(connection, reset, self.now);
                }
                self.network.forget(id);
            }
            (Happening::EndAtPool(closed), socket) => {
                self.network.ended_at_pool(id);
                if let Some(socket) = socket {
                    self.give(Input::Closed(socket, closed));
                }
            }
            // The process that had the socket is gone.
            (Happening::Connected | Happening::ToPool(_) | Happening::Writable, None) => {}
            (Happening::Connected, Some(socket)) => self.give(Input::Connected(socket)),
            (Happening::ToPool(bytes), Some(socket)) => {
                if pipe.is_flipped {
                    self.records.given(self.now, || Given::Flipped(socket));
                }
                self.give(Input::Received(socket, &bytes));
            }
            (Happening::Writable, Some(socket)) => {
                self.write(socket);
                self.obey();
            }
        }
    }

    fn take_dial(&mut self, id: PipeId, host: usize) {
        if self.network.ways[host].is_cut_off {
            return;
        }
        let node = &mut self.hosts[host].node;
        let answer = if node.accepts() {
            let connection = node.accept(self.now);
            self.network.accept(id, connection);
            Happening::Connected
        } else {
            Happening::EndAtPool(Closed::Refused)
        };
        self.network.depart(id, answer, self.now);
    }

    /// Lets depart what the servers want to send.
    fn collect(&mut self) {
        for index in 0..self.hosts.len() {
            while let Some(action) = self.hosts[index].node.poll_action() {
                let (pipe, happening) = match action {
                    Action::Send(connection, bytes) => {
                        let pipe = self.network.pipe_at(index, connection);
                        (pipe, Happening::ToPool(bytes))
                    }
                    Action::Close(connection, how) => {
                        let closed = match how {
                            How::Fin => Closed::EndOfStream,
                            How::Reset => Closed::Reset,
                        };
                        let pipe = self.network.ended_at_node(index, connection);
                        (pipe, Happening::EndAtPool(closed))
                    }
                };
                if let Some(pipe) = pipe {
                    self.network.depart(pipe, happening, self.now);
                }
            }
        }
    }

    /// The index of a server.
    #[track_caller]
    fn host(&self, name: &str) -> usize {
        let index = self.hosts.iter().position(|host| host.name == name);
        index.unwrap_or_else(|| panic!("there is no server {name:?}"))
    }
}
