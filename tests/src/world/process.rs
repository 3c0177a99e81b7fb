//! What happens to the process that the pool is in, and to its host.

use std::time::Duration;

use lavapool_core::node::{NodeConfig, NodeView};
use lavapool_core::{Pool, Seed};

use super::builder::pool_side_of;
use super::driver::Driver;
use super::{Given, Traced, Weather, World};
use crate::invariant::Broken;

impl World {
    /// Has somebody take the [trace](Self::take_trace), with all that goes into the pool. Nothing
    /// else is kept any more, and what is broken is [kept](Self::broken) instead of a panic.
    pub fn watch(&mut self) {
        self.records.is_watched = true;
    }

    /// Takes what has come out of the pool and gone into it since the last time.
    pub fn take_trace(&mut self) -> Vec<(Duration, Traced)> {
        std::mem::take(&mut self.records.trace)
    }

    /// What was broken first, in a world that is watched.
    pub fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// Kills the process of the pool, and starts another one with these nodes. The servers hear of
    /// the end of every socket, by a reset if the process was killed by force.
    pub fn restart_client(&mut self, nodes: Vec<NodeConfig>, by_force: bool) {
        self.network.abandon(by_force, self.now);
        self.restarts += 1;
        let mut config = self.config.clone();
        config.nodes = nodes;
        self.driver = Driver::new(config.limits.clone());
        let number = self.seed ^ (self.restarts << 32);
        let seed = Seed::from(number);
        self.records.given(self.now, || {
            Given::Started(Box::new(config.clone()), number)
        });
        let now = self.stamp();
        self.pool = Pool::new(config, seed, now).expect("the configuration worked before");
        self.rings = None;
        self.obey();
    }

    /// A server as a pool would be told of it, with the session that an earlier process had there.
    #[track_caller]
    pub fn node_config(&self, name: &str, earlier: Option<&NodeView>) -> NodeConfig {
        let session = earlier.and_then(|view| view.session_id.clone());
        pool_side_of(&self.hosts[self.host(name)].pool_side, session)
    }

    /// Suspends the host of the pool for a time: nothing reaches the pool, no timer rings. Its
    /// clock goes on, or stands still. Returns for how much longer it stands than it would have.
    pub fn suspend(&mut self, time: Duration, clock_goes_on: bool) -> Duration {
        let awake_at = self.now + time;
        self.network.sleep_until(awake_at);
        // A clock that stands already stands for what is left of that, too.
        let stood_until = self.clock_stands_until.max(self.now);
        let stands_for = if clock_goes_on {
            Duration::ZERO
        } else {
            awake_at.saturating_sub(stood_until)
        };
        self.clock_behind += stands_for;
        if !clock_goes_on {
            self.clock_stands_until = stood_until.max(awake_at);
            self.records
                .given(self.now, || Given::ClockStands(stands_for));
        }
        let open = self.driver.open.values_mut();
        for deadline in open.chain(&mut self.driver.cancelled) {
            *deadline = if clock_goes_on {
                (*deadline).max(awake_at + Duration::from_nanos(1))
            } else {
                *deadline + stands_for
            };
        }
        self.rings = None;
        stands_for
    }

    /// Lets the network and the host of the pool be at their best from here on.
    pub fn calm(&mut self) {
        self.weather = Weather::default();
        self.network.calm();
        self.rings = None;
    }

    /// The sockets that the pool has, and to which server.
    pub fn open_sockets(&self) -> Vec<String> {
        let sockets = self.driver.sockets.iter();
        let named = |host: usize| &self.hosts[host].name;
        sockets
            .map(|(id, socket)| format!("{id:?} to {}, {socket:?}", named(socket.host)))
            .collect()
    }

    /// Whether the host of the pool is suspended: then nobody is there to ask for anything.
    pub fn is_suspended(&self) -> bool {
        self.now < self.network.awake_at
    }
}
