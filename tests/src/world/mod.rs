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
mod chance;
mod discord;
mod driver;
mod network;
mod records;
mod servers;

use std::time::Duration;

use lavapool_core::node::{NodeConfig, Status};
use lavapool_core::{Closed, Event, Input, Pool, Timestamp};

pub use self::application::{CHANNELS, guild, track, track_of};
pub use self::builder::{HostConfig, WorldBuilder};
pub use self::discord::Discord;
pub use self::records::{Answered, Traced};
pub use self::servers::Heard;

use self::driver::Driver;
use self::network::{Happening, Network};
use self::records::Records;
use crate::node::{Action, How, TestNode};

/// A pool, servers, and a network between them.
#[derive(Debug)]
pub struct World {
    pool: Pool,
    hosts: Vec<Host>,
    network: Network,
    driver: Driver,
    records: Records,
    gateway: discord::Gateway,
    command_deadline: Duration,
    /// How often the bot joined a channel; each join has a token of its own.
    joins: u64,
    now: Duration,
}

/// A server and the way there.
#[derive(Debug)]
struct Host {
    name: String,
    node: TestNode,
    pool_side: NodeConfig,
    latency: Duration,
    /// New dials are never answered.
    is_cut_off: bool,
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
                let last: Vec<_> = self.records.last.iter().map(String::as_str).collect();
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
        stamp(self.now)
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
    fn step(&mut self, end: Duration) -> bool {
        self.collect();
        let Some((at, next)) = self.next().filter(|(at, _)| *at <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(at);
        match next {
            Next::Arrival => {
                if let Some(happening) = self.network.arrive(self.now) {
                    self.happen(happening);
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
        let pool = self.pool.poll_timeout();
        let pool = pool.map(|(at, _)| (Duration::from_nanos(at.as_nanos()), Next::Pool));
        arrival
            .into_iter()
            .chain(nodes)
            .chain(discord)
            .chain(pool)
            .min_by_key(|(at, _)| (*at).max(self.now))
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Dial(socket) => {
                let Some(pipe) = self.network.pipe(socket) else {
                    return;
                };
                let host = &mut self.hosts[pipe.host];
                let answered_at = self.now + host.latency;
                if host.is_cut_off {
                } else if host.node.accepts() {
                    let connection = host.node.accept(self.now);
                    self.network.accept(socket, connection);
                    self.network
                        .depart(Happening::Connected(socket), answered_at);
                } else {
                    let refused = Happening::EndAtPool(socket, Closed::Refused);
                    self.network.depart(refused, answered_at);
                }
            }
            Happening::Connected(socket) => self.give(Input::Connected(socket)),
            Happening::ToNode(socket, bytes) => {
                if let Some(pipe) = self.network.pipe(socket)
                    && let Some(connection) = pipe.connection
                {
                    let node = &mut self.hosts[pipe.host].node;
                    node.receive(connection, &bytes, self.now);
                }
            }
            Happening::EndAtNode(socket) => {
                if let Some(pipe) = self.network.pipe(socket)
                    && let Some(connection) = pipe.connection
                {
                    let node = &mut self.hosts[pipe.host].node;
                    node.peer_closed(connection, false, self.now);
                }
                self.network.forget(socket);
            }
            Happening::ToPool(socket, bytes) => self.give(Input::Received(socket, &bytes)),
            Happening::EndAtPool(socket, closed) => {
                self.network.forget(socket);
                self.give(Input::Closed(socket, closed));
            }
        }
    }

    /// Lets depart what the servers want to send.
    fn collect(&mut self) {
        for index in 0..self.hosts.len() {
            let host = &mut self.hosts[index];
            let arrives_at = self.now + host.latency;
            while let Some(action) = host.node.poll_action() {
                let (Action::Send(connection, _) | Action::Close(connection, _)) = &action;
                let Some(socket) = self.network.socket(index, *connection) else {
                    continue;
                };
                let happening = match action {
                    Action::Send(_, bytes) => Happening::ToPool(socket, bytes),
                    Action::Close(_, How::Fin) => Happening::EndAtPool(socket, Closed::EndOfStream),
                    Action::Close(_, How::Reset) => Happening::EndAtPool(socket, Closed::Reset),
                };
                self.network.depart(happening, arrives_at);
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

fn stamp(now: Duration) -> Timestamp {
    Timestamp::ZERO + now
}
