//! What happens to the servers of a world, and to the ways there.

use std::time::Duration;

use lavapool_core::Closed;
use lavapool_core::protocol::GuildId;
use serde_json::{Value, json};

use super::network::{Happening, Way};
use super::{Bite, Dialled, Direction, World, guild};
use crate::node::{Accepting, Disturbance, How, PlayerView, TestNode};

/// A request that a server has heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// When its last byte arrived.
    pub at: Duration,
    /// Its method and its path, from below the session if it names one.
    pub what: String,
    /// Its body; null if that is no JSON.
    pub body: Value,
    /// The status of its answer, if there was one.
    pub status: Option<u16>,
}

impl World {
    /// A server, to look at or to change. What it does because of that departs with the next
    /// step.
    #[track_caller]
    pub fn node(&mut self, name: &str) -> &mut TestNode {
        let host = self.host(name);
        &mut self.hosts[host].node
    }

    /// A server, to look at.
    #[track_caller]
    pub fn server(&self, name: &str) -> &TestNode {
        &self.hosts[self.host(name)].node
    }

    /// Kills the process: every connection is reset, new ones are refused, all memory is lost.
    pub fn kill(&mut self, name: &str) {
        let now = self.now;
        let node = self.node(name);
        node.restart(now);
        node.faults().accepting = Accepting::Refuse;
        self.collect();
    }

    /// Starts the process anew, without memory; one that runs is killed first.
    pub fn restart(&mut self, name: &str) {
        let now = self.now;
        let node = self.node(name);
        node.restart(now);
        node.faults().accepting = Accepting::Serve;
        self.collect();
    }

    /// Lets the process stand still, as SIGSTOP does: what is sent to it waits.
    pub fn stand_still(&mut self, name: &str) {
        let now = self.now;
        self.collect();
        self.node(name).stand_still(now);
    }

    /// Lets a process go on that stood still.
    pub fn go_on(&mut self, name: &str) {
        let now = self.now;
        self.node(name).go_on(now);
        self.collect();
    }

    /// Lets the pool's sockets to a server be reset, of which the server knows nothing.
    pub fn reset_at_pool(&mut self, name: &str) {
        let host = self.host(name);
        for connection in self.hosts[host].node.connections() {
            if let Some(pipe) = self.network.pipe_at(host, connection) {
                let reset = Happening::EndAtPool(Closed::Reset);
                self.network.depart(pipe, reset, self.now);
            }
        }
    }

    /// Resets every connection. Sessions that can be resumed wait for that.
    pub fn drop_connections(&mut self, name: &str) {
        let now = self.now;
        self.node(name).drop_connections(How::Reset, now);
        self.collect();
    }

    /// Resets every REST connection, and leaves the WebSockets as they are.
    pub fn end_rest(&mut self, name: &str) {
        self.collect();
        let index = self.host(name);
        let host = &mut self.hosts[index];
        let sessions = host.node.sessions();
        let is_websocket = |id| {
            sessions
                .iter()
                .any(|session| session.connection == Some(id))
        };
        let rest = host.node.connections().into_iter();
        for connection in rest.filter(|id| !is_websocket(*id)) {
            host.node.peer_closed(connection, true, self.now);
            if let Some(pipe) = self.network.ended_at_node(index, connection) {
                let reset = Happening::EndAtPool(Closed::Reset);
                self.network.depart(pipe, reset, self.now);
            }
        }
    }

    /// Refuses new connections, or accepts them again.
    pub fn refuse(&mut self, name: &str, refuses: bool) {
        self.node(name).faults().accepting = if refuses {
            Accepting::Refuse
        } else {
            Accepting::Serve
        };
    }

    /// Lets nothing through the present connections, in either direction; neither side hears of
    /// it. New connections work.
    pub fn half_open(&mut self, name: &str) {
        let (now, host) = (self.now, self.host(name));
        let both = [Direction::ToNode, Direction::ToPool];
        self.network.silence(host, &both);
        self.hosts[host].node.freeze_connections(now);
    }

    /// Lets nothing through the present connections in one direction; neither side hears of it.
    pub fn mute(&mut self, name: &str, direction: Direction) {
        let host = self.host(name);
        self.network.silence(host, &[direction]);
    }

    /// Lets the server notice which of its connections are dead: they end there.
    pub fn notice_dead(&mut self, name: &str) {
        let (now, index) = (self.now, self.host(name));
        self.hosts[index].node.end_frozen(now);
        for connection in self.network.mute_at(index) {
            self.hosts[index].node.peer_closed(connection, true, now);
            if let Some(pipe) = self.network.ended_at_node(index, connection) {
                self.network
                    .depart(pipe, Happening::EndAtPool(Closed::Reset), now);
            }
        }
        self.collect();
    }

    /// Holds everything back that goes to a server, or comes from it, until this time has passed.
    /// Nothing is lost.
    pub fn hold(&mut self, name: &str, direction: Direction, time: Duration) {
        let (until, host) = (self.now + time, self.host(name));
        let held = &mut self.network.ways[host].held_until[direction.index()];
        *held = until.max(*held);
    }

    /// Lets the pool's sockets to a server take nothing until this time has passed, as if their
    /// buffers were full; some take a part of the next write before.
    pub fn stall_writes(&mut self, name: &str, time: Duration) {
        let (until, host) = (self.now + time, self.host(name));
        let stalled = &mut self.network.ways[host].stalled_until;
        *stalled = until.max(*stalled);
    }

    /// Says what becomes of the next dial to a server that nothing was said about.
    pub fn next_dial(&mut self, name: &str, dialled: Dialled) {
        let host = self.host(name);
        self.network.ways[host].dials.push_back(dialled);
    }

    /// Spoils the next bytes that a server sends.
    pub fn bite(&mut self, name: &str, bite: Bite) {
        let host = self.host(name);
        self.network.ways[host].bite = Some(bite);
    }

    /// Whether a dial to a server is yet to go wrong.
    pub(crate) fn are_dials_spoiled(&self, name: &str) -> bool {
        let way = &self.network.ways[self.host(name)];
        way.is_cut_off || !way.dials.is_empty()
    }

    /// Whether the next bytes are yet to be spoiled, are held back, or go nowhere.
    pub(crate) fn are_bytes_spoiled(&self, name: &str) -> bool {
        let host = self.host(name);
        let way = &self.network.ways[host];
        let is_held = way.held_until.iter().any(|until| *until > self.now);
        way.bite.is_some() || is_held || self.network.is_any_mute(host)
    }

    /// Makes the way to a server as good as it can be.
    pub fn mend(&mut self, name: &str, latency: Duration) {
        let host = self.host(name);
        self.network.ways[host] = Way {
            latency,
            ..Way::default()
        };
    }

    /// Cuts the server off: nothing gets through, and new dials are never answered. When dials are
    /// answered again the old connections stay dead.
    pub fn cut_off(&mut self, name: &str) {
        self.half_open(name);
        self.answer_dials(name, false);
    }

    /// Lets new dials be answered, or never.
    pub fn answer_dials(&mut self, name: &str, are_answered: bool) {
        let host = self.host(name);
        self.network.ways[host].is_cut_off = !are_answered;
    }

    /// Ends the process as SIGTERM does: players are stopped, WebSockets closed with 1001.
    pub fn shut_down_gracefully(&mut self, name: &str) {
        let now = self.now;
        self.node(name).shut_down(now);
        self.collect();
    }

    /// Sends something odd on the server's WebSockets.
    pub fn disturb(&mut self, name: &str, what: &Disturbance) {
        let now = self.now;
        self.node(name).disturb(what, now);
        self.collect();
    }

    /// Changes how long bytes take to the server and back.
    pub fn set_latency(&mut self, name: &str, latency: Duration) {
        let host = self.host(name);
        self.network.ways[host].latency = latency;
    }

    /// The players that a server really has, detached sessions included.
    #[track_caller]
    pub fn players_on(&self, name: &str) -> Vec<PlayerView> {
        self.server(name).players(self.now)
    }

    /// The guilds of which a server has a player.
    #[track_caller]
    pub fn guilds_on(&self, name: &str) -> Vec<u64> {
        let players = self.players_on(name);
        let mut guilds: Vec<_> = players.iter().map(|player| player.guild).collect();
        guilds.sort_unstable();
        guilds
            .into_iter()
            .map(|guild| u64::try_from(guild).expect("a guild's number is positive"))
            .collect()
    }

    /// Every copy of a guild's player, with the name of the server that has it.
    pub fn copies(&self, guild: GuildId) -> Vec<(&str, PlayerView)> {
        let number = i64::try_from(guild.get()).expect("a test's guilds have small numbers");
        let copies = self.hosts.iter().flat_map(|host| {
            let players = host.node.players_of(number, self.now);
            players.into_iter().map(|player| (&*host.name, player))
        });
        copies.collect()
    }

    /// The only copy of a guild's player, and where it is.
    #[track_caller]
    pub fn only_copy(&self, guild: GuildId) -> (&str, PlayerView) {
        let mut copies = self.copies(guild);
        let places: Vec<_> = copies.iter().map(|(name, _)| *name).collect();
        assert_eq!(places.len(), 1, "{guild} has copies on {places:?}");
        copies.remove(0)
    }

    /// An event about what the guild plays on its server, as that would send it, with the members
    /// that belong to its kind.
    #[track_caller]
    pub fn track_event(&self, number: u64, kind: &str, more: &Value) -> Disturbance {
        let (_, copy) = self.only_copy(guild(number));
        let playing = copy.track.expect("the guild plays");
        let mut event = json!({
            "op": "event",
            "type": kind,
            "guildId": number.to_string(),
            "track": {
                "encoded": playing.encoded,
                "info": {
                    "identifier": playing.identifier,
                    "isSeekable": true,
                    "author": "Test artist",
                    "length": playing.length_ms,
                    "isStream": false,
                    "position": 0,
                    "title": playing.title,
                    "uri": playing.identifier,
                    "sourceName": "http",
                    "artworkUrl": null,
                    "isrc": null,
                },
                "pluginInfo": {},
                "userData": playing.user_data,
            },
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            event[key] = value.clone();
        }
        Disturbance::Text(event.to_string())
    }

    /// The requests that a server has heard since a moment, in the order of arrival.
    #[track_caller]
    pub fn heard_since(&self, name: &str, since: Duration) -> Vec<Heard> {
        let requests = &self.server(name).log().requests;
        let heard = requests.iter().filter(|request| request.at >= since);
        heard
            .map(|request| Heard {
                at: request.at,
                what: format!("{} {}", request.method, without_session(request.path())),
                body: serde_json::from_slice(&request.body).unwrap_or_default(),
                status: request.status,
            })
            .collect()
    }

    /// As [`heard_since`](Self::heard_since), without the bodies: `METHOD path`.
    #[track_caller]
    pub fn requests_since(&self, name: &str, since: Duration) -> Vec<String> {
        let heard = self.heard_since(name, since).into_iter();
        heard.map(|heard| heard.what).collect()
    }

    /// When the pool has dialled a server: every socket, REST included.
    #[track_caller]
    pub fn dials(&self, name: &str) -> &[Duration] {
        let dials = self.records.dials.get(&self.host(name));
        dials.map_or(&[], |dials| dials)
    }
}

/// `/v4/sessions/abc/players/1` as `players/1`, and any other path as it is.
fn without_session(path: &str) -> &str {
    let below = path.strip_prefix("/v4/sessions/");
    match below.and_then(|below| below.split_once('/')) {
        Some((_, rest)) => rest,
        None if below.is_some() => "session",
        None => path,
    }
}
