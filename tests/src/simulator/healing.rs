//! What is put right between the two phases, and after.

use std::time::Duration;

use lavapool_core::Command;
use lavapool_core::node::Status;

use super::{Simulation, password};
use crate::node::{Accepting, Voice};
use crate::world::Discord;

impl Simulation {
    /// Some servers are well from here on, and the others dead; nothing else goes wrong.
    pub(super) fn be_healed(&mut self) {
        self.line(|| "HEALED".to_owned());
        self.undos.clear();
        self.world.calm();
        self.world.set_discord(Discord::Answers);
        for host in 0..self.names.len() {
            let name = self.names[host].clone();
            self.world.mend(&name, Duration::from_millis(1));
            self.world.go_on(&name);
            let node = self.world.node(&name);
            let accepting = node.faults().accepting;
            node.faults().end();
            node.config().voice = Voice::Connects;
            node.config().password = password(host);
            if !self.plan.options.healed[host] {
                // Dials are refused, or never answered.
                self.world
                    .answer_dials(&name, self.plan.options.refuses_dials);
                self.world.kill(&name);
            } else if accepting == Accepting::Refuse {
                self.world.restart(&name);
            }
            self.world.notice_dead(&name);
        }
        // Whoever is suspended, or closing, comes to the end of it.
        let awake_by = self.world.now() + Duration::from_secs(120);
        while (self.world.is_suspended() || self.application.is_closing())
            && self.world.now() < awake_by
            && self.broken.is_none()
        {
            self.run_to(self.world.now() + Duration::from_secs(1));
        }
        for host in 0..self.names.len() {
            self.bring_back(host);
        }
        let guilds: Vec<_> = self.application.intents.keys().copied().collect();
        for guild in guilds {
            if self
                .world
                .pool()
                .player(guild)
                .is_some_and(|view| view.playing && !view.connected)
            {
                self.join(guild, guild.get());
            }
        }
    }

    /// A healed server is a node again, and takes players; whatever refused the pool is told anew.
    pub(super) fn bring_back(&mut self, host: usize) {
        if !self.plan.options.healed[host] {
            return;
        }
        if !self.application.known[host] {
            return self.add_node(host);
        }
        // One that is gone, or stands still, though nothing was said of that, stays so.
        let Some(node) = self.node_of(host) else {
            return;
        };
        self.submit(Command::Undrain(node), None);
        let view = self.world.pool().node(node);
        let is_still = view.is_some_and(|view| view.status == Status::Disconnected);
        if is_still && self.oracle.is_given_up(host) {
            self.expect_dial(host);
            self.submit(Command::Connect(node), None);
        }
    }

    /// Whether a server is no node of the pool, or one that takes no players: it is not dialled any
    /// more, or still drained because too many commands were open to take that back.
    pub(super) fn is_away(&self, host: usize) -> bool {
        let view = self
            .node_of(host)
            .and_then(|node| self.world.pool().node(node));
        view.is_none_or(|view| view.status == Status::Disconnected || view.draining)
    }
}
