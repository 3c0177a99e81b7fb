//! [`Doubts`]: what a flipped bit may have said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lavapool_core::SocketId;
use lavapool_core::player::Place;
use lavapool_core::protocol::GuildId;

use super::Oracle;
use crate::simulator::Simulation;
use crate::world::guild;

/// What a flipped bit may have said, and until when that counts.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Until when a server may have said anything, by its index.
    hosts: BTreeMap<usize, Duration>,
    /// Between when the pool may have had a wrong idea of a player.
    guilds: BTreeMap<GuildId, (Duration, Duration)>,
    /// The servers whose latest session was named on a connection with a flipped bit.
    sessions: BTreeSet<usize>,
    /// The sockets on which a bit flipped.
    flipped: BTreeSet<SocketId>,
}

impl Doubts {
    /// Whether a server may have said something else than the oracle has read.
    pub(super) fn is_host_doubted(&self, host: usize, at: Duration) -> bool {
        self.hosts.get(&host).is_some_and(|until| *until > at)
    }

    /// Whether the pool may have a wrong idea of a player.
    pub(super) fn is_guild_doubted(&self, guild: GuildId, at: Duration) -> bool {
        let doubted = self.guilds.get(&guild);
        doubted.is_some_and(|(from, until)| *from <= at && at < *until)
    }

    /// Whether the pool may have had a wrong idea of a player at any time since.
    pub(super) fn was_doubted_since(&self, guild: GuildId, since: Duration) -> bool {
        let doubted = self.guilds.get(&guild);
        doubted.is_some_and(|(_, until)| *until > since)
    }

    /// Whether nobody knows what the latest session of a server is called.
    pub(super) fn is_session_doubted(&self, host: usize) -> bool {
        self.sessions.contains(&host)
    }

    /// A server named its session on a socket.
    pub(super) fn ready(&mut self, host: usize, socket: SocketId) {
        if self.flipped.contains(&socket) {
            self.sessions.insert(host);
        } else {
            self.sessions.remove(&host);
        }
    }

    /// A server said where a player is in its track.
    pub(super) fn reported(&mut self, guild: &str, socket: SocketId, at: Duration) {
        let guild = guild.parse().ok().and_then(GuildId::new);
        let doubted = guild.and_then(|guild| self.guilds.get_mut(&guild));
        if let Some((_, until)) = doubted.filter(|_| !self.flipped.contains(&socket)) {
            *until = at.min(*until);
        }
    }

    /// Another client reads all anew, but has the ids of sessions from the one before.
    pub(super) fn new_client(&mut self) {
        self.hosts.clear();
        self.guilds.clear();
        self.flipped.clear();
    }
}

impl Simulation {
    /// A bit flipped on the way from a server: what it says of its players may be something else.
    pub(in crate::simulator) fn doubt_bits(&mut self, socket: SocketId, at: Duration) {
        let Some(host) = self.oracle.sockets.get(&socket).map(|known| known.host) else {
            return;
        };
        let name = &self.names[host];
        let has_copy = |guild: &GuildId| self.world.copies(*guild).iter().any(|(on, _)| on == name);
        let mut guilds = self.guilds_of(name);
        guilds.extend((1..=self.plan.options.guilds).map(guild).filter(has_copy));
        let doubts = &mut self.oracle.doubts;
        doubts.flipped.insert(socket);
        doubts.hosts.insert(host, at + LIVES_FOR);
        let doubted = guilds
            .into_iter()
            .map(|guild| (guild, (at, at + DOUBTED_FOR)));
        doubts.guilds.extend(doubted);
    }

    /// The guilds whose players a node has, had or is to have, by the pool's word.
    pub(in crate::simulator) fn guilds_of(&self, name: &str) -> Vec<GuildId> {
        let is_named = |place: &Place| match place {
            Place::On(node) | Place::Frozen(node) | Place::Stranded(node) => *node.name == *name,
            Place::Moving { from, to } => *from.name == *name || *to.name == *name,
            Place::Unplaced | _ => false,
        };
        let players = self.world.pool().players();
        let theirs = players.filter(|view| is_named(&view.place));
        theirs.map(|view| view.guild).collect()
    }
}

impl Oracle {
    /// Whether timers were late, or what was said about a guild's player may have been something
    /// else, a short time before that moment.
    pub(in crate::simulator) fn is_in_doubt(&self, guild: GuildId, at: Duration) -> bool {
        self.is_late(at) || self.doubts.is_guild_doubted(guild, at)
    }

    /// Whether timers were late a short time ago.
    pub(in crate::simulator) fn is_late(&self, now: Duration) -> bool {
        self.late_until + LATE_FOR > now
    }
}

/// How long a connection lives after a flipped bit, and a moment more.
const LIVES_FOR: Duration = Duration::from_secs(1);

/// How long nobody may say where a player is.
const DOUBTED_FOR: Duration = Duration::from_secs(120);

/// How long after a delay the pool's idea of a position may still be from before.
const LATE_FOR: Duration = Duration::from_secs(8);
