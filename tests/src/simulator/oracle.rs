//! [`Oracle`]: sees every byte both ways and every event, and says what must not be.

mod doubts;
mod hearing;
mod orders;
mod parting;
mod pulse;
mod schedule;
mod sparing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Debug;
use std::time::Duration;

use lavapool_core::protocol::GuildId;
use lavapool_core::{Event, NodeId, Output, SocketId};

use self::doubts::Doubts;
use self::hearing::{Hearing, REPORTS_MAX};
use self::parting::{Changing, Orphans};
use self::pulse::Pings;
use self::sparing::Sparing;
use super::leavings::Leaving;
use super::secrets::Secrets;
use super::spread::Told;
use super::tellings::Tellings;
use super::wire::{self, Asked, Heard, Said};
use crate::invariant::{Broken, Invariant};
use crate::world::{Given, Traced};

/// What the oracle knows of sockets and nodes.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    names: Vec<String>,
    hosts: Vec<Host>,
    sockets: BTreeMap<SocketId, Socket>,
    /// The pool's clock stood still, or its host slept, until then.
    late_until: Duration,
    /// The most that a timer may ring late.
    lag_max: Duration,
    /// How many tries to dial in a row may fail, if there is a bound.
    retries: Option<u32>,
    /// What clients asked for that had no answer when they ended.
    pub(super) orphans: Orphans,
    /// The players that servers are to delete.
    leavings: Vec<Leaving>,
    /// The players, with their sessions, of which a server has answered that they went on.
    confirmed: BTreeSet<(GuildId, String)>,
    /// The sockets of nodes that were lost at that moment.
    parting: VecDeque<(SocketId, Duration)>,
    pub(super) broken: Option<Broken>,
    /// The servers that have just said where players are, each with the guild.
    pub(super) reported: Vec<(usize, String)>,
    pub(super) tellings: Tellings,
    secrets: Secrets,
    sparing: Sparing,
    doubts: Doubts,
    pub(super) told: Told,
}

/// A server, as the pool can know it.
#[derive(Debug, Default)]
struct Host {
    websocket: Option<SocketId>,
    /// The one before, which is closed in good order, and since when.
    closing: Option<(SocketId, Duration)>,
    /// The session of the present WebSocket, once it is ready.
    session: Option<String>,
    /// The latest session that it ever was, until it is known to be over.
    resumable: Option<String>,
    /// When it may be dialled at the earliest, after a loss.
    redial_at: Option<Duration>,
    /// When the application last let it be dialled.
    ordered_at: Option<Duration>,
    /// Our close frame may be answered before the next dial, or not.
    is_spoken: bool,
    /// The number of the latest try since the schedule began; the first dial is none.
    attempt: u32,
    /// How many tries in a row have failed at most.
    failed: u32,
    /// The pool's name for the node, if it is one, or was last.
    node: Option<NodeId>,
    ready_at: Option<Duration>,
    /// When it was lost last.
    lost_at: Duration,
    /// When the last byte of its latest WebSocket that was ready arrived.
    heard_until: Duration,
    /// When it was noticed last that it was gone before, and when it had been heard last then.
    silent: Option<(Duration, Duration)>,
    /// When it was heard of each of its sessions.
    hearings: BTreeMap<String, Hearing>,
    /// Where it said lately that each player is, by its guild, in milliseconds, and when that came.
    reports: BTreeMap<String, VecDeque<(i64, Duration)>>,
    /// It is not to have another WebSocket.
    is_leaving: bool,
    /// It is not to be dialled any more.
    is_over: bool,
    /// It was told that it is not.
    is_stopped: bool,
    /// It has refused the latest WebSocket so that another try changes nothing.
    is_refused: bool,
    /// What it owes for the pings that it was sent.
    pings: Pings,
    /// Those that were given up without an answer, and when.
    unanswered: Vec<(Changing, Duration)>,
    /// When it last answered a DELETE of a player, by the guild.
    deleted: BTreeMap<String, Duration>,
    /// When it last said something that means nothing.
    nonsense_at: Option<Duration>,
}

#[derive(Debug)]
struct Socket {
    host: usize,
    asked: Asked,
    /// The PATCH or DELETE that waits for its answer.
    changing: Option<Changing>,
    /// The player, and its session, that is to go on by this request, and what has come of the
    /// answer.
    begins: Option<((GuildId, String), Vec<u8>)>,
    is_of_players: bool,
    websocket: Option<Heard>,
}

impl Oracle {
    pub(super) fn new(names: &[String], lag_max: Duration, retries: Option<u32>) -> Self {
        Self {
            names: names.to_vec(),
            hosts: names.iter().map(|_| Host::default()).collect(),
            lag_max,
            retries,
            ..Self::default()
        }
    }

    /// Timers of the pool are late until then.
    pub(super) fn late(&mut self, until: Duration) {
        self.late_until = self.late_until.max(until);
    }

    /// The pool's clock stood still for so long: what it waits for is due later.
    pub(super) fn clock_stood(&mut self, time: Duration) {
        for host in &mut self.hosts {
            host.redial_at = host.redial_at.map(|at| at + time);
        }
    }

    /// Sees one thing that went in or came out.
    pub(super) fn see(&mut self, at: Duration, traced: &Traced) {
        self.judge_parting(at);
        if let Traced::Output(output) = traced {
            self.shown(output);
        }
        match traced {
            Traced::Given(Given::Received(socket, bytes)) => self.heard(*socket, bytes, at),
            Traced::Given(Given::Closed(socket, _)) => self.gone(*socket, at, false),
            Traced::Given(Given::Submitted(command, Some(_))) => {
                self.sparing.ordered(command, at);
            }
            Traced::Given(_) => {}
            Traced::Output(Output::Connect(socket, endpoint)) => {
                self.dialled(*socket, endpoint.host(), at);
            }
            Traced::Output(Output::Close(socket)) => self.gone(*socket, at, true),
            Traced::Output(Output::Write(socket)) => self.writes(*socket, at),
            Traced::Output(_) => {}
            Traced::Wrote(socket, bytes) => self.wrote(*socket, bytes, at),
            Traced::Event(event) => self.told(event, at),
        }
    }

    fn require(&mut self, holds: bool, invariant: Invariant, detail: impl FnOnce() -> String) {
        if !holds && self.broken.is_none() {
            let detail = detail();
            self.broken = Some(Broken { invariant, detail });
        }
    }

    fn heard(&mut self, id: SocketId, bytes: &[u8], at: Duration) {
        self.answered(id, at);
        self.status_comes(id, bytes);
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        let index = socket.host;
        let Some(websocket) = &mut socket.websocket else {
            return;
        };
        for said in websocket.take(bytes) {
            let is_doubted = self.doubts.is_host_doubted(index, at);
            let host = &mut self.hosts[index];
            if host.websocket != Some(id) {
                continue;
            }
            host.nonsense_at = None;
            let message = match said {
                Said::Message(message) => message,
                Said::Nonsense => {
                    host.nonsense_at = Some(at);
                    continue;
                }
                // Another try changes nothing, unless the application orders one.
                Said::Refused => {
                    host.is_refused = true;
                    host.is_over |= !host.is_leaving && !is_doubted;
                    continue;
                }
                Said::Pong => {
                    host.pings.answered();
                    continue;
                }
                Said::Close | Said::Control | Said::Broken => continue,
            };
            if message.op == "ready" {
                host.session = Some(message.session.clone());
                host.resumable.clone_from(&host.session);
                host.ready_at = Some(at);
                let hearing = host.hearings.entry(message.session.clone());
                hearing.or_default().begin(at);
                host.redial_at = None;
                self.doubts.ready(index, id);
            }
            if message.op == "playerUpdate" {
                self.doubts.reported(&message.guild, id, at);
                let reports = self.hosts[index].reports.entry(message.guild.clone());
                let reports = reports.or_default();
                reports.push_back((message.state.position, at));
                reports.drain(..reports.len().saturating_sub(REPORTS_MAX));
                self.reported.push((index, message.guild.clone()));
            }
            let is_leaving = self.hosts[index].is_leaving;
            if message.op == "stats" {
                let is_owed = !is_leaving && !is_doubted;
                self.told.hear(index, at, is_owed);
            }
            let session = self.hosts[index].session.clone().unwrap_or_default();
            self.secrets.learn(&session);
            self.tellings.arrived(index, session, message, at);
        }
        let host = &mut self.hosts[index];
        if let Some(session) = host.session.clone().filter(|_| host.websocket == Some(id)) {
            host.hearings.entry(session).or_default().go_on(at);
            host.heard_until = at;
        }
    }

    fn gone(&mut self, id: SocketId, at: Duration, by_pool: bool) {
        let Some(socket) = self.sockets.remove(&id) else {
            return;
        };
        let host = &mut self.hosts[socket.host];
        let changing = socket.changing.map(|changing| (changing, at));
        host.unanswered.extend(changing);
        if host.websocket != Some(id) {
            return;
        }
        host.websocket = None;
        host.session = None;
        host.lost_at = at;
        let is_wanted = !host.is_leaving && host.ordered_at != Some(at);
        let after_nonsense = by_pool && host.nonsense_at == Some(at) && is_wanted;
        let is_doubted = self.doubts.is_host_doubted(socket.host, at);
        self.parts(socket.host, at);
        let name = self.names[socket.host].clone();
        self.require(
            !after_nonsense || is_doubted,
            Invariant::NonsenseCostsItself,
            || format!("{name} said something that means nothing, and lost its WebSocket for it"),
        );
    }

    /// When a server was lost last.
    pub(super) fn lost_at(&self, host: usize) -> Duration {
        self.hosts[host].lost_at
    }

    fn wrote(&mut self, id: SocketId, bytes: &[u8], at: Duration) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        let index = socket.host;
        if socket.websocket.is_some() {
            if self.hosts[index].websocket == Some(id) {
                self.hosts[index].pings.wrote(bytes, at);
            }
            return;
        }
        let head = socket.asked.take(bytes, at);
        if let Some((head, began)) = head {
            self.begins(id, index, &head, began);
        }
        self.body_goes_out(id);
    }

    /// The head of a request is written.
    fn begins(&mut self, id: SocketId, index: usize, head: &str, began: Duration) {
        let target = head.split(' ').nth(1).unwrap_or_default();
        if target == "/v4/websocket" {
            if let Some(socket) = self.sockets.get_mut(&id) {
                socket.websocket = Some(Heard::default());
            }
            self.upgrades(id, index, head, began);
        } else {
            let changed = self.asks(index, head, target, began);
            if let Some(changed) = &changed {
                self.head_goes_out(index, changed);
            }
            if let Some(socket) = self.sockets.get_mut(&id) {
                socket.changing = changed;
                socket.is_of_players |= target.contains("/players");
            }
        }
    }

    /// The pool asks for a WebSocket.
    fn upgrades(&mut self, id: SocketId, index: usize, head: &str, at: Duration) {
        let name = self.names[index].clone();
        let is_leaving = self.hosts[index].is_leaving;
        self.require(!is_leaving, Invariant::OverIsOver, || {
            format!("{name} gets a WebSocket, though it was removed")
        });
        self.judge_closing(index, at);
        let before = self.hosts[index].websocket.replace(id);
        self.require(before.is_none(), Invariant::OneWebSocket, || {
            format!("{name} gets {id:?} beside {before:?}")
        });
        let asked = wire::field(head, "session-id").map(str::to_owned);
        let host = &mut self.hosts[index];
        (host.is_refused, host.pings) = (false, Pings::default());
        let resumable = host.resumable.clone();
        let doubted = self.doubts.is_session_doubted(index);
        if let Some(asked) = asked {
            let fits = resumable.as_ref() == Some(&asked);
            self.require(fits || doubted, Invariant::ResumesLatest, || {
                format!("{name} is asked to resume a session that is not its latest")
            });
        }
    }

    /// The pool asks something by REST. Returns what it changes of a player.
    fn asks(&mut self, index: usize, head: &str, target: &str, at: Duration) -> Option<Changing> {
        let name = self.names[index].clone();
        let host = &self.hosts[index];
        // A request that was begun before the loss is written to its end.
        let is_doubted = self.doubts.is_host_doubted(index, at);
        let doubted = is_doubted || host.lost_at >= at || host.ready_at > Some(at);
        let session = host.session.clone();
        let line = head.lines().next().unwrap_or_default();
        let what = wire::without_session(line);
        self.require(
            session.is_some() || doubted,
            Invariant::DeadNodeLeftAlone,
            || format!("{name} is asked {what:?} without a WebSocket that is ready"),
        );
        let changed = target
            .rsplit_once("/players/")
            .filter(|_| !line.starts_with("GET "));
        let changed = changed.and_then(|(_, guild)| guild.split('?').next().map(str::to_owned));
        if let Some(guild) = changed.as_ref().filter(|_| line.starts_with("PATCH ")) {
            self.judge_sparing(index, guild, &what, at);
        }
        let named = target.strip_prefix("/v4/sessions/");
        let named = named.and_then(|rest| rest.split(['/', '?']).next());
        if let (Some(named), Some(session)) = (named, session) {
            self.require(
                named == session || doubted,
                Invariant::SessionIsValid,
                || format!("{name} is asked {what:?} with a session that is over"),
            );
        }
        let removes = line.starts_with("DELETE ");
        changed.map(|guild| Changing::new(guild, target, removes, at))
    }

    /// Whether what a log may show holds a secret.
    pub(super) fn shown(&mut self, what: &dyn Debug) {
        let found = self.secrets.find(what);
        self.require(found.is_none(), Invariant::SecretsHidden, || {
            let kind: String = format!("{what:?}").chars().take(20).collect();
            format!("{kind}… shows {}", found.unwrap_or_default())
        });
    }

    fn told(&mut self, event: &Event, at: Duration) {
        self.shown(event);
        self.judge_generation(event);
        let is_doubtful = event
            .guild()
            .is_some_and(|guild| self.doubts.is_guild_doubted(guild, at));
        let sessions = self.hosts.iter().map(|host| host.session.as_deref());
        let sessions: Vec<_> = sessions.collect();
        let told = self.tellings.told(event, at, is_doubtful, &sessions);
        if self.broken.is_none() {
            self.broken = told.err();
        }
        match event {
            Event::NodeReconnecting {
                node,
                attempt,
                delay,
                loss,
            } => self.reconnecting(&node.name, *attempt, *delay, loss, at),
            // Its connection may still be closed in good order while the next one is made.
            Event::NodeDisconnected { node, loss } => {
                if let Some(index) = self.index(&node.name) {
                    self.judge_silent(index, loss, at);
                    self.lets_close(index, at);
                    self.is_lost(index, loss, at);
                    self.hosts[index].session = None;
                    self.hosts[index].lost_at = at;
                    self.parts(index, at);
                }
            }
            Event::NodeStopped { node, cause } => self.stopped(&node.name, cause, at),
            _ => {}
        }
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
