//! Sessions: what a WebSocket owns, and what outlives it (Lavalink: Session resuming).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::log::PlayerFate;
use super::player::{INTERVAL_MIN, Player};
use super::plugins::Told;
use super::stance::Stance;
use super::view::{PlayerView, SessionView};
use super::{ConnectionId, Disturbance, TestNode, Timer, frames};

/// A session and its players.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    user_id: i64,
    client_name: Option<String>,
    link: Link,
    pub(super) resuming: bool,
    pub(super) timeout_s: i64,
    next_stats_at: Duration,
    pub(super) players: BTreeMap<i64, Player>,
    /// What plugins were told through the present WebSocket.
    pub(super) told: Told,
}

/// Whether a session has a WebSocket.
#[derive(Debug)]
enum Link {
    Attached(ConnectionId),
    /// With the messages that a resume will replay, and the time at which there is none any more.
    Detached {
        queue: Vec<String>,
        expires_at: Duration,
    },
}

/// A message on its way to a client. Updates are not queued for a resume.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message {
    Update(Value),
    Other(Value),
}

impl Session {
    fn new(id: String, user_id: i64, client_name: Option<String>, link: Link) -> Self {
        Self {
            id,
            user_id,
            client_name,
            link,
            resuming: false,
            timeout_s: 60,
            next_stats_at: Duration::ZERO,
            players: BTreeMap::new(),
            told: Told::default(),
        }
    }

    /// Returns what an oracle may see.
    pub(super) fn view(&self, stance: Stance) -> SessionView {
        let (connection, expires_at, queued) = match &self.link {
            Link::Attached(connection) => (Some(*connection), None, 0),
            Link::Detached { queue, expires_at } => {
                let expires_at = stance.to_world(*expires_at);
                (None, Some(expires_at), queue.len())
            }
        };
        SessionView {
            id: self.id.clone(),
            user_id: self.user_id,
            client_name: self.client_name.clone(),
            connection,
            resuming: self.resuming,
            timeout_s: self.timeout_s,
            expires_at,
            queued,
            guilds: self.players.keys().copied().collect(),
        }
    }

    /// Returns what an oracle may see of the players.
    pub(super) fn player_views(&self, now: Duration) -> Vec<PlayerView> {
        self.players
            .values()
            .map(|player| player.view(&self.id, now))
            .collect()
    }

    /// Tells whether the session has a WebSocket; REST knows no other ones.
    pub(super) fn is_attached(&self) -> bool {
        matches!(self.link, Link::Attached(_))
    }

    /// Returns the number of players, and of those that play.
    pub(super) fn counts(&self) -> (i32, i32) {
        let playing = self
            .players
            .values()
            .filter(|player| player.is_playing())
            .count();
        let count = |players| i32::try_from(players).unwrap_or(i32::MAX);
        (count(self.players.len()), count(playing))
    }
}

impl TestNode {
    /// Finds the session that a handshake may resume.
    pub(super) fn resumable(&self, id: Option<&str>) -> Option<String> {
        let session = self.sessions.get(id?)?;
        (!session.is_attached()).then(|| session.id.clone())
    }

    /// Gives a detached session this WebSocket: `ready`, the queue, then where every player is.
    pub(super) fn resume(&mut self, id: &str, connection: ConnectionId) {
        let now = self.now;
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.told = Told::default();
        let link = std::mem::replace(&mut session.link, Link::Attached(connection));
        let players = session.players.values().map(|player| player.update(now));
        let updates: Vec<_> = players.map(Message::Update).collect();
        self.send_ready(connection, id, true);
        if let Link::Detached { queue, .. } = link {
            queue
                .iter()
                .for_each(|message| self.send_text(connection, message));
        }
        self.deliver(id, updates);
    }

    /// Makes a session for this WebSocket and returns its id.
    pub(super) fn open(
        &mut self,
        user_id: i64,
        client_name: Option<String>,
        connection: ConnectionId,
    ) -> String {
        let id = self.seeded.session_id();
        let session = Session::new(id.clone(), user_id, client_name, Link::Attached(connection));
        self.sessions.insert(id.clone(), session);
        let stats_first = self.config.races && self.seeded.toss(1);
        if stats_first {
            self.send_stats_now(&id);
            self.send_ready(connection, &id, false);
        } else {
            self.send_ready(connection, &id, false);
            self.send_stats_now(&id);
        }
        id
    }

    /// Takes the WebSocket away from a session, which then waits to be resumed or dies.
    pub(super) fn detach(&mut self, id: &str) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if !session.resuming {
            return self.end_session(id);
        }
        let seconds = u64::try_from(session.timeout_s).unwrap_or(0);
        let expires_at = self.now.saturating_add(Duration::from_secs(seconds));
        session.link = Link::Detached {
            queue: Vec::new(),
            expires_at,
        };
        self.arm(expires_at, Timer::Expiry(id.to_owned()));
    }

    /// Gives a detached session up when its time has come.
    pub(super) fn expire(&mut self, id: &str) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        if let Link::Detached { expires_at, .. } = session.link
            && expires_at <= self.now
        {
            self.end_session(id);
        }
    }

    /// Forgets every session with its players.
    pub(super) fn end_sessions(&mut self) {
        let ids: Vec<_> = self.sessions.keys().cloned().collect();
        ids.iter().for_each(|id| self.end_session(id));
    }

    fn end_session(&mut self, id: &str) {
        if let Some(session) = self.sessions.remove(id) {
            for player in session.player_views(self.now) {
                self.note_lost(PlayerFate::SessionOver, player);
            }
        }
    }

    /// Sends the stats of a session when they are due; those of a detached one are queued.
    pub(super) fn send_stats(&mut self, id: &str) {
        if self
            .sessions
            .get(id)
            .is_some_and(|session| session.next_stats_at <= self.now)
        {
            self.send_stats_now(id);
        }
    }

    /// Sends messages in order, or queues those that a resume replays.
    pub(super) fn deliver(&mut self, id: &str, messages: Vec<Message>) {
        for message in messages {
            let Some(session) = self.sessions.get_mut(id) else {
                return;
            };
            match (&mut session.link, message) {
                (Link::Attached(connection), Message::Update(body) | Message::Other(body)) => {
                    let connection = *connection;
                    self.send_text(connection, &body.to_string());
                }
                (Link::Detached { queue, .. }, Message::Other(body)) => {
                    queue.push(body.to_string());
                }
                (Link::Detached { .. }, Message::Update(_)) => {}
            }
        }
    }

    /// Sends something odd on every attached WebSocket.
    pub(super) fn send_everywhere(&mut self, what: &Disturbance) {
        let attached = self
            .sessions
            .values()
            .filter_map(|session| match session.link {
                Link::Attached(connection) => Some(connection),
                Link::Detached { .. } => None,
            });
        for connection in attached.collect::<Vec<_>>() {
            self.send(connection, what.frame());
        }
    }

    fn send_ready(&mut self, connection: ConnectionId, id: &str, resumed: bool) {
        let ready = json!({"op": "ready", "resumed": resumed, "sessionId": id});
        self.send_text(connection, &ready.to_string());
    }

    fn send_stats_now(&mut self, id: &str) {
        let stats = self.stats_json(true);
        let interval = self.config.stats_interval.max(INTERVAL_MIN);
        let Some(next_at) = self.now.checked_add(interval) else {
            return;
        };
        if let Some(session) = self.sessions.get_mut(id) {
            session.next_stats_at = next_at;
            self.arm(next_at, Timer::Stats(id.to_owned()));
            self.deliver(id, vec![Message::Other(stats)]);
        }
    }

    fn send_text(&mut self, connection: ConnectionId, message: &str) {
        self.send(connection, frames::text(message));
    }
}
