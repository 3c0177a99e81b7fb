//! [`WorldBuilder`]: what a world is made of.

use std::time::Duration;

use lavapool_core::node::NodeConfig;
use lavapool_core::protocol::UserId;
use lavapool_core::{Pool, PoolConfig, Secret, Seed, Timestamp};

use super::chance::Chance;
use super::driver::Driver;
use super::network::Network;
use super::records::Records;
use super::{Given, Host, Traced, Weather, World};
use crate::node::{self, TestNode};

/// What a world is made of.
#[derive(Debug)]
pub struct WorldBuilder {
    hosts: Vec<HostConfig>,
    seed: u64,
    cuts: Option<u64>,
    weather: Weather,
    config: PoolConfig,
}

/// A server of a world, and what the pool knows of it.
#[derive(Debug)]
pub struct HostConfig {
    /// The name, which is the host name in the network too.
    pub name: String,
    /// The server's own settings.
    pub server: node::NodeConfig,
    /// The region that the pool is told.
    pub region: Option<String>,
    /// The password that the pool is told; the right one unless a test sets it.
    pub password: String,
    /// The session that the pool is told to resume first.
    pub session_id: Option<String>,
    /// The time from the pool to the server, and back.
    pub latency: Duration,
    /// Whether the pool begins with it. One that it does not begin with can be added.
    pub is_known: bool,
}

impl Default for WorldBuilder {
    fn default() -> Self {
        let user_id = UserId::new(USER_ID).expect("an id is not zero");
        Self {
            hosts: Vec::new(),
            seed: 1,
            cuts: None,
            weather: Weather::default(),
            config: PoolConfig::new(user_id),
        }
    }
}

impl WorldBuilder {
    /// Adds a server.
    #[must_use]
    pub fn node(mut self, name: &str, configure: impl FnOnce(&mut HostConfig)) -> Self {
        let server = node::NodeConfig::new(name);
        let mut host = HostConfig {
            name: name.to_owned(),
            region: None,
            password: server.password.clone(),
            session_id: None,
            server,
            latency: Duration::from_millis(1),
            is_known: true,
        };
        configure(&mut host);
        self.hosts.push(host);
        self
    }

    /// Adds servers with nothing special about them.
    #[must_use]
    pub fn nodes<const COUNT: usize>(self, names: [&str; COUNT]) -> Self {
        names
            .into_iter()
            .fold(self, |builder, name| builder.node(name, |_| {}))
    }

    /// Sets the seed that everything random follows from. Default 1.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Cuts what the servers send at random places, which this seed decides.
    #[must_use]
    pub const fn cuts(mut self, seed: u64) -> Self {
        self.cuts = Some(seed);
        self
    }

    /// Sets what the network and the pool's host are like. Default: at their best.
    #[must_use]
    pub fn weather(mut self, weather: Weather) -> Self {
        self.weather = weather;
        self
    }

    /// Changes what the pool is told, its nodes aside.
    #[must_use]
    pub fn config(mut self, configure: impl FnOnce(&mut PoolConfig)) -> Self {
        configure(&mut self.config);
        self
    }

    /// Makes the world, with the pool about to dial.
    pub fn build(self) -> World {
        let mut config = self.config;
        let mut hosts = Vec::new();
        let mut latencies = Vec::new();
        for (number, host) in (0..).zip(self.hosts) {
            if host.is_known {
                config.nodes.push(host.pool_side());
            }
            let node = TestNode::new(host.server.clone(), self.seed ^ number, Duration::ZERO);
            hosts.push(Host {
                pool_side: host.pool_side(),
                name: host.name,
                node,
            });
            latencies.push(host.latency);
        }
        let mut common = config.clone();
        common.nodes.clear();
        let started = Given::Started(Box::new(config.clone()), self.seed);
        let driver = Driver::new(config.limits.clone());
        let command_deadline = config.timing.command_deadline;
        let pool = Pool::new(config, Seed::from(self.seed), Timestamp::ZERO)
            .expect("the configuration of a test is right");
        let mut world = World {
            pool,
            config: common,
            seed: self.seed,
            restarts: 0,
            hosts,
            network: Network::new(latencies, self.cuts, &self.weather),
            driver,
            records: Records {
                trace: vec![(Duration::ZERO, Traced::Given(started))],
                ..Records::default()
            },
            gateway: super::discord::Gateway::default(),
            command_deadline,
            joins: 0,
            now: Duration::ZERO,
            chance: Chance::new(self.weather.seed ^ 2),
            weather: self.weather,
            rings: None,
            clock_behind: Duration::ZERO,
            clock_stands_until: Duration::ZERO,
            broken: None,
        };
        world.obey();
        world
    }

    /// Makes the world, and lets the pool connect to every node that it begins with, for long
    /// enough that each next loss is the first of a new reconnect schedule.
    pub fn connected(self) -> World {
        let stable_after = self.config.timing.stable_after;
        let mut world = self.build();
        world.run_until(World::is_connected, Duration::from_secs(5));
        world.run_for(stable_after + Duration::from_secs(1));
        world
    }
}

impl HostConfig {
    /// The node as the pool knows it.
    fn pool_side(&self) -> NodeConfig {
        let uri = format!("http://{}:2333", self.name);
        let mut config = NodeConfig::new(&*self.name, &uri, &*self.password)
            .expect("the name and password of a test are right");
        if let Some(region) = &self.region {
            config = config.region(&**region);
        }
        if let Some(session_id) = &self.session_id {
            config = config
                .session_id(&**session_id)
                .expect("the session id of a test is right");
        }
        config
    }
}

/// The same node, with another session to resume.
pub(super) fn pool_side_of(known: &NodeConfig, session: Option<Secret>) -> NodeConfig {
    match session {
        Some(session) => {
            let config = known.clone().session_id(session);
            config.expect("a node gave the session id itself")
        }
        None => known.clone(),
    }
}

/// The bot's id in every world.
pub(super) const USER_ID: u64 = 170_939_974_227_541_168;
