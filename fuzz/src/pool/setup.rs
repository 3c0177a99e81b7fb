//! [`Setup`]: the pool that a run begins with.

use std::time::Duration;

use arbitrary::Arbitrary;
use lavapool_core::node::NodeConfig;
use lavapool_core::protocol::UserId;
use lavapool_core::{Fate, Limits, PoolConfig, Strangers, Strategy};

/// The pool that a run begins with.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Setup {
    /// The pieces that bytes are cut into when all is done again; 0 for once only.
    pub(super) cut: u8,
    nodes: u8,
    choice: Choice,
    resumes: bool,
    destroys_strangers: bool,
    returns_home: bool,
    caches: bool,
    rejoins: bool,
    destroys_on_leave: bool,
    destroys_inactive: bool,
    gives_up: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Choice {
    Penalty,
    LeastLoaded,
    LeastPlayers,
    Latency,
    RoundRobin,
}

impl Setup {
    pub(super) fn config(self) -> PoolConfig {
        let mut config = PoolConfig::new(USER);
        for name in NAMES.iter().take(1 + usize::from(self.nodes % 3)) {
            config.nodes.push(self.node(name));
        }
        config.strategy = match self.choice {
            Choice::Penalty => Strategy::default(),
            Choice::LeastLoaded => Strategy::LeastLoaded,
            Choice::LeastPlayers => Strategy::LeastPlayers,
            Choice::Latency => Strategy::Latency,
            Choice::RoundRobin => Strategy::RoundRobin,
        };
        config.resume_for = self.resumes.then_some(Duration::from_secs(60));
        if self.destroys_strangers {
            config.strangers = Strangers::Destroy;
        }
        config.return_home = self.returns_home;
        config.cache_capacity = self.caches.then_some(CACHED_MAX);
        if !self.rejoins {
            config.rejoin = None;
        }
        let fate = |destroys| if destroys { Fate::Destroy } else { Fate::Keep };
        config.on_leave = fate(self.destroys_on_leave);
        config.on_inactive = fate(self.destroys_inactive);
        config.inactive_after = Some(Duration::from_secs(20));
        config.limits = LIMITS;
        config
    }

    /// One of [`NAMES`], to be configured or added.
    pub(super) fn node(self, name: &str) -> NodeConfig {
        let config = NodeConfig::new(name, name, password(name)).expect("it is valid");
        config.region(name).retries(self.gives_up.then_some(2))
    }
}

/// The bot.
pub(super) const USER: UserId = match UserId::new(1) {
    Some(user) => user,
    None => panic!("1 is not zero"),
};

/// The nodes, which are also their hosts and their regions.
pub(super) const NAMES: [&str; 4] = ["eu", "us", "asia", "brazil"];

/// Small bounds, which a fuzzer can reach.
pub(super) const LIMITS: Limits = Limits {
    header_bytes_max: 2048,
    body_bytes_max: 4096,
    message_bytes_max: 2048,
    commands_max: 24,
    events_max: 24,
    control_sockets_max: 3,
    voice_sockets_max: 2,
    lookup_sockets_max: 2,
    nodes_max: 3,
    players_max: 6,
};

/// How many results are cached.
pub(super) const CACHED_MAX: usize = 2;

/// What all passwords, voice tokens and session ids begin with.
pub(super) const SECRET: &str = "hush-hush";

/// The password of a node.
pub(super) fn password(node: &str) -> String {
    format!("{SECRET}-password-{node}")
}
