//! Voice connections of players, as koe keeps them (Lavalink: Update player, `voice`).

use std::time::Duration;

use serde_json::{Value, json};

use super::player::Player;
use super::session::Message;
use super::view::VoiceState;
use super::{TestNode, Voice, messages};

/// A connection to a voice server, made or lost.
#[derive(Debug)]
pub(super) struct VoiceLink {
    pub(super) state: VoiceState,
    /// Whether frames are taken from the player: from when voice is ready until the connection
    /// is replaced or destroyed, even if the remote has closed it meanwhile.
    pub(super) is_polling: bool,
    opened_at: Duration,
    /// When the remote closed it.
    closed_at: Option<Duration>,
    closes: Option<(Duration, u16, &'static str)>,
}

impl VoiceLink {
    /// Returns the `voice` object of a player.
    pub(super) fn json(link: Option<&Self>) -> Value {
        match link {
            Some(Self { state, .. }) => json!({
                "token": state.token,
                "endpoint": state.endpoint,
                "sessionId": state.session_id,
                "channelId": state.channel_id,
            }),
            None => json!({"token": "", "endpoint": "", "sessionId": "", "channelId": null}),
        }
    }

    /// Tells whether the voice WebSocket is open.
    pub(super) fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// Returns the round-trip time of the last heartbeat, which outlives the connection; 0 before
    /// the first.
    pub(super) fn ping_ms(&self, now: Duration) -> i64 {
        i64::from(self.closed_at.unwrap_or(now) >= self.opened_at + FIRST_HEARTBEAT)
    }

    /// Returns when the remote will close the connection.
    pub(super) fn closes_at(&self) -> Option<Duration> {
        self.closes.filter(|_| self.is_open()).map(|(at, ..)| at)
    }
}

impl Player {
    /// Tells whether this very connection is open.
    pub(super) fn is_connected_to(&self, state: &VoiceState) -> bool {
        self.voice
            .as_ref()
            .is_some_and(|link| link.is_open() && link.state == *state)
    }

    /// Connects to a voice server, in place of the present one.
    pub(super) fn connect(
        &mut self,
        state: VoiceState,
        voice: Voice,
        now: Duration,
    ) -> Vec<Message> {
        let mut messages = self.disconnect(now);
        let closes = match voice {
            Voice::Closes {
                after,
                code,
                reason,
            } => Some((now + after, code, reason)),
            Voice::Connects | Voice::Fails | Voice::Unreachable => None,
        };
        let at_once = closes.is_some_and(|(at, ..)| at <= now);
        self.voice = Some(VoiceLink {
            state,
            is_polling: !at_once,
            opened_at: now,
            closed_at: None,
            closes,
        });
        self.settle(now);
        if !at_once {
            messages.push(Message::Update(self.update(now)));
        }
        messages
    }

    /// Gives the voice connection up.
    pub(super) fn disconnect(&mut self, now: Duration) -> Vec<Message> {
        let Some(link) = self.voice.take() else {
            return Vec::new();
        };
        self.settle(now);
        if !link.is_open() {
            return Vec::new();
        }
        vec![
            Message::Other(messages::voice_closed(self.guild, 1000, "", false)),
            Message::Update(self.update(now)),
        ]
    }

    /// Loses the voice connection to the remote, with a code and a reason.
    pub(super) fn lose_voice(&mut self, code: u16, reason: &str, now: Duration) -> Vec<Message> {
        let Some(link) = self.voice.as_mut().filter(|link| link.is_open()) else {
            return Vec::new();
        };
        link.closed_at = Some(now);
        vec![
            Message::Other(messages::voice_closed(self.guild, code, reason, true)),
            Message::Update(self.update(now)),
        ]
    }

    /// Lets the remote do what it was configured to do.
    pub(super) fn voice_closes(&mut self, now: Duration) -> Vec<Message> {
        let closes = self.voice.as_mut().and_then(|link| link.closes.take());
        closes.map_or_else(Vec::new, |(_, code, reason)| {
            self.lose_voice(code, reason, now)
        })
    }
}

impl TestNode {
    /// Lets Discord close the voice connection of a guild, in every session that has one. The
    /// client hears of it by a `WebSocketClosedEvent`.
    pub fn close_voice(&mut self, guild: i64, code: u16, reason: &str, now: Duration) {
        self.for_players(guild, now, |player, now| {
            player.lose_voice(code, reason, now)
        });
    }

    /// Lets the voice connection of a guild die without a word, as a refused reconnection does:
    /// the next update has `connected: false`, and no frames are taken any more.
    pub fn lose_voice(&mut self, guild: i64, now: Duration) {
        self.for_players(guild, now, |player, now| {
            if let Some(link) = &mut player.voice {
                link.closed_at = link.closed_at.or(Some(now));
                link.is_polling = false;
            }
            player.settle(now);
            Vec::new()
        });
    }

    fn for_players(
        &mut self,
        guild: i64,
        now: Duration,
        mut change: impl FnMut(&mut Player, Duration) -> Vec<Message>,
    ) {
        self.handle_timeout(now);
        let now = self.now;
        let owners = self
            .sessions
            .values()
            .filter(|session| session.players.contains_key(&guild));
        for id in owners.map(|session| session.id.clone()).collect::<Vec<_>>() {
            let session = self.sessions.get_mut(&id);
            let player = session.and_then(|session| session.players.get_mut(&guild));
            let messages = player.map(|player| change(player, now)).unwrap_or_default();
            self.deliver(&id, messages);
            self.arm_player(&id, guild);
        }
    }
}

const FIRST_HEARTBEAT: Duration = Duration::from_secs(1);
