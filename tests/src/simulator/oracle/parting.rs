//! What is let go of: a node that is lost, and a client that has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lavapool_core::SocketId;
use lavapool_core::protocol::GuildId;

use super::{CLOSE_DEADLINE, Host, Oracle, Sparing, Tellings};
use crate::invariant::Invariant;
use crate::simulator::parts::Part;

/// A request that changes a player.
#[derive(Clone, Debug)]
pub(super) struct Changing {
    pub(super) guild: String,
    /// What it names, without a query.
    pub(super) path: String,
    pub(super) removes: bool,
    /// What it changes, as soon as all of it is written.
    pub(super) parts: BTreeSet<Part>,
    /// When the first byte of it was to be written.
    began: Duration,
}

impl Changing {
    /// One that is begun.
    pub(super) fn new(guild: String, target: &str, removes: bool, began: Duration) -> Self {
        Self {
            guild,
            path: target.split('?').next().unwrap_or_default().to_owned(),
            removes,
            parts: BTreeSet::new(),
            began,
        }
    }
}

/// What clients asked for that had no answer when they ended: a server may do it after the next
/// client has looked, and no message tells of it.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Orphans {
    /// The guilds of DELETEs, after which there is no player, and when each was given up.
    removals: BTreeMap<String, Duration>,
    /// The guilds of PATCHes, which make a player or change one.
    changes: BTreeMap<String, Duration>,
    /// What they change of the player.
    parts: BTreeMap<(String, Part), Duration>,
}

impl Orphans {
    /// Whether a server may have removed the guild's player since.
    pub(in crate::simulator) fn may_remove(&self, guild: GuildId) -> bool {
        self.removals.contains_key(&guild.to_string())
    }

    /// Whether a server may have made or changed the guild's player since.
    pub(in crate::simulator) fn may_change(&self, guild: GuildId) -> bool {
        self.changes.contains_key(&guild.to_string())
    }

    /// Whether a server may have changed this of the guild's player since.
    pub(in crate::simulator) fn may_have_changed(&self, guild: GuildId, part: Part) -> bool {
        self.parts.contains_key(&(guild.to_string(), part))
    }

    /// A server did what the present client asked for.
    pub(in crate::simulator) fn settled(&mut self, guild: GuildId, parts: &[Part], at: Duration) {
        for part in parts {
            let key = (guild.to_string(), *part);
            let since = self.parts.get(&key);
            if since.is_some_and(|since| *since + HANGS_FOR < at) {
                self.parts.remove(&key);
            }
        }
    }

    /// A server has begun a play of the present client: what it was asked for so long ago that it
    /// has done it is of the past.
    pub(in crate::simulator) fn played(&mut self, guild: GuildId, at: Duration) {
        let guild = guild.to_string();
        self.parts
            .retain(|(known, _), since| *known != guild || *since + HANGS_FOR >= at);
        for of_kind in [&mut self.removals, &mut self.changes] {
            if of_kind
                .get(&guild)
                .is_some_and(|since| *since + HANGS_FOR < at)
            {
                of_kind.remove(&guild);
            }
        }
    }

    fn add(&mut self, changing: Changing, since: Duration, now: Duration) {
        if since + HANGS_FOR < now {
            // Whatever came of it, the next client finds it.
            return;
        }
        for part in changing.parts {
            let latest = self
                .parts
                .entry((changing.guild.clone(), part))
                .or_default();
            *latest = since.max(*latest);
        }
        let of_kind = if changing.removes {
            &mut self.removals
        } else {
            &mut self.changes
        };
        let latest = of_kind.entry(changing.guild).or_default();
        *latest = since.max(*latest);
    }
}

impl Oracle {
    /// A server answers, or begins to.
    pub(super) fn answered(&mut self, id: SocketId, at: Duration) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        socket.asked.answered();
        if let Some(changing) = socket.changing.take().filter(|changing| changing.removes) {
            let deleted = &mut self.hosts[socket.host].deleted;
            deleted.insert(changing.guild, at);
        }
    }

    /// Whether a server has just answered that it has the guild's player no more. That its track
    /// was stopped because of that may be heard a moment later.
    pub(in crate::simulator) fn was_just_deleted(&self, guild: GuildId, now: Duration) -> bool {
        let guild = guild.to_string();
        let mut times = self
            .hosts
            .iter()
            .filter_map(|host| host.deleted.get(&guild));
        times.any(|at| *at + SAID_WITHIN > now)
    }

    /// Whether a server is asked to delete the guild's player, or has just done that.
    pub(in crate::simulator) fn is_deleted(
        &self,
        host: usize,
        guild: GuildId,
        now: Duration,
    ) -> bool {
        let name = guild.to_string();
        let is_it = |changing: &Changing| changing.removes && changing.guild == name;
        let mut sockets = self.sockets.values().filter(|socket| socket.host == host);
        sockets.any(|socket| socket.changing.as_ref().is_some_and(is_it))
            || self.was_just_deleted(guild, now)
    }

    /// Whether the guild's player may have gone elsewhere in its track than it was asked to at one
    /// moment, which was answered at another: a server may do late what it was asked before that
    /// and did not answer, and a flipped bit may have said anything. What is asked later tells of
    /// that place, or of one further on.
    pub(in crate::simulator) fn may_seek_late(
        &self,
        guild: GuildId,
        (asked_at, answered_at): (Duration, Duration),
    ) -> bool {
        let name = guild.to_string();
        let mut late = self.late_places(&name, asked_at);
        let was_doubted = self.doubts.was_doubted_since(guild, asked_at);
        let orphans = &self.orphans;
        was_doubted
            || orphans.may_have_changed(guild, Part::Place)
            || late.any(|changing| changing.began <= answered_at)
    }

    /// What was not answered and may yet put a guild's player elsewhere in its track at some moment
    /// after this one.
    fn late_places(&self, guild: &str, since: Duration) -> impl Iterator<Item = &Changing> {
        let unanswered = self.hosts.iter().flat_map(|host| &host.unanswered);
        let late = unanswered.filter(move |(changing, at)| {
            let is_place = changing.parts.contains(&Part::Place);
            changing.guild == guild && is_place && *at + HANGS_FOR > since
        });
        late.map(|(changing, _)| changing)
    }

    /// Whether no server may be about to change the guild's player, or to put it elsewhere in its
    /// track.
    pub(in crate::simulator) fn leaves_alone(&self, guild: GuildId, now: Duration) -> bool {
        let name = guild.to_string();
        let changing = self.sockets.values().filter_map(|s| s.changing.as_ref());
        let is_changed = changing.into_iter().any(|changing| changing.guild == name);
        let may_have_changed = self.orphans.may_have_changed(guild, Part::Place);
        let is_late = self.late_places(&name, now).next().is_some();
        !is_changed && !may_have_changed && !is_late
    }

    /// Whether nothing that a server says is sure to be taken: a flipped bit may have said
    /// something else, it has been ready for no time, or its node was removed.
    pub(in crate::simulator) fn is_new(&self, host: usize, now: Duration) -> bool {
        let is_doubted = self.doubts.is_host_doubted(host, now);
        let host = &self.hosts[host];
        is_doubted || host.is_leaving || host.ready_at.is_none_or(|at| at >= now)
    }

    /// A node is lost: whatever is asked there of its session's players is of no use any more.
    pub(super) fn parts(&mut self, host: usize, at: Duration) {
        if self.hosts[host].is_leaving {
            return;
        }
        let sockets = self.sockets.iter();
        let of_players = sockets.filter(|(_, socket)| socket.host == host && socket.is_of_players);
        self.parting.extend(of_players.map(|(id, _)| (*id, at)));
    }

    /// A node is lost, and its WebSocket may be closed in good order while the next one is made.
    pub(super) fn lets_close(&mut self, host: usize, at: Duration) {
        self.judge_closing(host, at);
        let host = &mut self.hosts[host];
        host.closing = host.websocket.take().map(|id| (id, at)).or(host.closing);
    }

    /// A WebSocket that is closed in good order is gone when the server does not answer in time.
    pub(super) fn judge_closing(&mut self, host: usize, now: Duration) {
        let Some((id, since)) = self.hosts[host].closing else {
            return;
        };
        let by = since.max(self.late_until) + CLOSE_DEADLINE + self.lag_max;
        let is_gone = !self.sockets.contains_key(&id);
        let name = self.names[host].clone();
        self.require(is_gone || now <= by, Invariant::OneWebSocket, || {
            format!("{name} gets another one, and {id:?} is to be closed since {since:?}")
        });
    }

    /// The process of the client is another one.
    pub(in crate::simulator) fn new_client(&mut self, now: Duration) {
        for changing in self.sockets.values_mut().filter_map(|s| s.changing.take()) {
            self.orphans.add(changing, now, now);
        }
        self.sockets.clear();
        self.parting.clear();
        self.tellings = Tellings::default();
        self.told.new_client();
        self.sparing = Sparing::default();
        self.doubts.new_client();
        for host in &mut self.hosts {
            for (changing, since) in host.unanswered.drain(..) {
                self.orphans.add(changing, since, now);
            }
            *host = Host {
                resumable: host.resumable.take(),
                lost_at: host.lost_at,
                hearings: std::mem::take(&mut host.hearings),
                ..Host::default()
            };
        }
    }

    /// The sockets of nodes that were lost before now are closed by now.
    pub(super) fn judge_parting(&mut self, now: Duration) {
        while let Some((id, at)) = self.parting.front().copied().filter(|(_, at)| *at < now) {
            self.parting.pop_front();
            let name = self
                .sockets
                .get(&id)
                .map(|socket| &*self.names[socket.host]);
            let detail = name.map(|name| format!("{id:?} to {name}, which was lost at {at:?}"));
            self.require(detail.is_none(), Invariant::LostIsLetGo, || {
                detail.unwrap_or_default()
            });
        }
    }
}

/// What a server says on its WebSocket may come so much later than an answer of the same moment.
const SAID_WITHIN: Duration = Duration::from_secs(30);

/// A server that is slow, and gets what it is asked late, has done it by then.
const HANGS_FOR: Duration = Duration::from_secs(70);
