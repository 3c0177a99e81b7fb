//! [`Sparing`]: how often a node is sent a player beyond what the application asks for.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use lavapool_core::protocol::GuildId;
use lavapool_core::{Command, SocketId};

use super::Oracle;
use crate::invariant::Invariant;

/// When players were changed by PATCHes, and when the application asked for that.
#[derive(Debug, Default)]
pub(super) struct Sparing {
    /// By the server and the guild.
    patches: BTreeMap<(usize, String), VecDeque<Duration>>,
    orders: BTreeMap<String, VecDeque<Duration>>,
}

impl Sparing {
    /// The application asks for something.
    pub(super) fn ordered(&mut self, command: &Command, at: Duration) {
        if let Some(guild) = changed_by(command) {
            let times = self.orders.entry(guild.to_string()).or_default();
            times.push_back(at);
            forget_before(times, at.saturating_sub(HELD_FOR + WITHIN));
        }
    }

    /// A PATCH is begun. Returns how many there were lately that nobody asked for.
    pub(super) fn patched(&mut self, host: usize, guild: &str, at: Duration) -> usize {
        let times = self.patches.entry((host, guild.to_owned())).or_default();
        times.push_back(at);
        forget_before(times, at.saturating_sub(WITHIN));
        let patches = times.len();
        let orders = self.orders.get_mut(guild).map_or(0, |times| {
            forget_before(times, at.saturating_sub(HELD_FOR + WITHIN));
            times.len()
        });
        patches.saturating_sub(orders)
    }

    /// When the latest PATCH of a player was begun.
    fn latest(&self, host: usize, guild: GuildId) -> Option<Duration> {
        let times = self.patches.get(&(host, guild.to_string()));
        times.and_then(|times| times.back().copied())
    }
}

impl Oracle {
    /// The pool has something to write: whatever the socket takes of it and when, it begins here.
    pub(super) fn writes(&mut self, socket: SocketId, at: Duration) {
        let id = socket;
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.asked.begins(at);
            let host = &mut self.hosts[socket.host];
            if host.websocket == Some(id) {
                host.pings.begins(at);
            }
        }
    }

    /// A PATCH of a player is begun: it is one of few.
    pub(in crate::simulator) fn judge_sparing(
        &mut self,
        host: usize,
        guild: &str,
        what: &str,
        at: Duration,
    ) {
        let unasked = self.sparing.patched(host, guild, at);
        let name = self.names[host].clone();
        self.require(unasked <= UNASKED_MAX, Invariant::AskedSparingly, || {
            format!("{name} gets {what:?} {unasked} times unasked within {WITHIN:?}")
        });
    }

    /// When the latest PATCH of a player was begun to be written.
    pub(in crate::simulator) fn patched_at(&self, host: usize, guild: GuildId) -> Option<Duration> {
        self.sparing.latest(host, guild)
    }
}

/// The guild whose player a command changes.
const fn changed_by(command: &Command) -> Option<GuildId> {
    match command {
        Command::Update { guild, .. }
        | Command::Move { guild, .. }
        | Command::Voice { guild, .. }
        | Command::Join { guild, .. } => Some(*guild),
        Command::VoiceState(update) => Some(update.guild),
        Command::VoiceServer(update) => Some(update.guild),
        _ => None,
    }
}

fn forget_before(times: &mut VecDeque<Duration>, from: Duration) {
    while times.front().is_some_and(|at| *at < from) {
        times.pop_front();
    }
}

/// PATCHes are counted for so long.
const WITHIN: Duration = Duration::from_secs(10);

/// So long what was asked for may wait until it is written.
const HELD_FOR: Duration = Duration::from_secs(10);

/// So many PATCHes nobody asked for: tries again after failures, and what a node that was lost is
/// told anew.
const UNASKED_MAX: usize = 20;
