//! What a node says on its WebSocket.

use std::sync::Arc;
use std::time::Duration;

use super::tables::{Tables, Task};
use super::timers::Timer;
use crate::command::Answer;
use crate::event::{Event, Kinds};
use crate::id::{CommandId, NodeId, SocketId};
use crate::node::{Loss, State};
use crate::protocol::{DecodeCause, DecodeError, GuildId, Message, PlayerUpdate, RawJson, Stats};
use crate::time::Timestamp;
use crate::websocket::CloseFrame;

impl Tables {
    /// Whether the socket is the node's present WebSocket.
    pub(super) fn owns(&self, id: NodeId, socket: SocketId) -> bool {
        self.node(id).is_some_and(|node| match &node.state {
            State::Dialling { socket: own, .. } | State::Opening { socket: own, .. } => {
                *own == socket
            }
            State::Ready(ready) => ready.socket == socket,
            State::Stopped(_)
            | State::Due
            | State::Parting { .. }
            | State::Waiting { .. }
            | State::Leaving { .. } => false,
        })
    }

    /// Bytes came: the node is not silent.
    pub(super) fn heard(&mut self, id: NodeId, now: Timestamp) {
        if let Some(node) = self.node_mut(id)
            && node.is_ready()
        {
            node.pulse.heard(now);
        }
    }

    /// A text message.
    pub(super) fn text(&mut self, id: NodeId, text: &str, now: Timestamp) {
        let message = match Message::decode(text) {
            Ok(message) => message,
            Err(error) => return self.undecodable(id, error),
        };
        let is_ready = self.node(id).is_some_and(|node| node.is_ready());
        match message {
            Message::Ready(ready) => self.became_ready(id, &ready, now),
            // On a new session the first stats often come before `ready`.
            Message::Stats(stats) => self.stats(id, stats),
            Message::PlayerUpdate(update) if is_ready => self.player_update(id, &update, now),
            Message::Event(event) if is_ready => self.player_event(id, event, now),
            Message::Plugin(message) if is_ready => self.plugin_event(id, message, now),
            Message::PlayerUpdate(_) | Message::Event(_) | Message::Plugin(_) => {
                mark!(PlayerBeforeReady);
            }
            Message::UnknownEvent(event) => {
                self.unknown(id, event.guild_id, &event.kind, event.raw);
            }
            Message::Unknown(message) => self.unknown(id, None, &message.op, message.raw),
        }
    }

    /// A binary message: Lavalink has none.
    pub(super) fn binary(&mut self, id: NodeId) {
        self.undecodable(id, DecodeError::of(DecodeCause::Shape, "binary message"));
    }

    fn undecodable(&mut self, id: NodeId, error: DecodeError) {
        mark!(MessageUndecodable);
        if let Some(node) = self.node_ref(id) {
            self.emit(Kinds::UNKNOWN, || Event::Undecodable { node, error });
        }
    }

    fn unknown(&mut self, id: NodeId, guild: Option<GuildId>, kind: &str, raw: &str) {
        mark!(MessageUnknown);
        if !self.listening.intersects(Kinds::UNKNOWN) {
            return;
        }
        match (self.node_ref(id), RawJson::parse(raw)) {
            (Some(node), Ok(raw)) => {
                self.events.push(Event::Unknown {
                    node,
                    guild,
                    kind: kind.into(),
                    raw,
                });
            }
            (_, Err(error)) => self.undecodable(id, error),
            (None, Ok(_)) => {}
        }
    }

    fn stats(&mut self, id: NodeId, stats: Stats) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.stats = Some(stats);
        if !node.replaying {
            // What the node had confirmed by now is in these stats.
            node.reserved.retain(|_, confirmed| !*confirmed);
        }
        self.weigh(id);
        if self.listening.intersects(Kinds::STATS)
            && let Some(node) = self.node_ref(id)
        {
            self.events.push(Event::NodeStats { node, stats });
        }
    }

    fn player_update(&mut self, id: NodeId, update: &PlayerUpdate, now: Timestamp) {
        let mut has_doubts = false;
        if let Some(node) = self.node_mut(id) {
            // What was kept while the connection was away comes before the first of these.
            node.replaying = false;
            has_doubts = !node.doubts.is_empty();
        }
        let Some(player_id) = self.player_of(update.guild_id) else {
            return self.ghost_heard(id, update.guild_id);
        };
        let position_ms = u64::try_from(update.state.position).unwrap_or(0);
        if self.is_buried(id, update.guild_id) {
            mark!(BuriedHeard);
            if let Some(player) = self.player_mut(player_id) {
                player.hear_behind(id, position_ms, update.state.connected, now);
            }
            return;
        }
        let is_doubtful = has_doubts && self.doubts_place(player_id, id, position_ms, now);
        let Some(player) = self.player_mut(player_id) else {
            return;
        };
        if player.speaker() != Some(id) {
            if player.is_elsewhere(id) {
                mark!(CopyHeardElsewhere);
                // Such as a move that was given up and took effect all the same.
                self.bury(id, update.guild_id, None);
            } else {
                player.hear_behind(id, position_ms, update.state.connected, now);
            }
            return;
        }
        let state = &update.state;
        let is_news = player.connected != state.connected;
        player.heed_connection(state);
        // A player that no sound is taken from soon reports the last place of which it was, or
        // none, however far into the track it was told to start.
        let mut apart = None;
        if player.is_audible() && player.heeds_positions() && !is_doubtful {
            apart = player.wanted.clock.report_in_turn(position_ms, now);
        }
        player.report_before(position_ms, now);
        player.regulate(now);
        let (position, connected) = (player.wanted.clock.at(now), player.connected);
        let ping = player.ping();
        if is_news {
            self.player_changed(player_id);
        } else {
            self.player_moved(player_id);
        }
        if let Some(apart) = apart {
            self.reported(id, apart);
        }
        let guild = update.guild_id;
        self.emit(Kinds::POSITIONS, || Event::PlayerUpdate {
            guild,
            position,
            connected,
            ping,
        });
    }

    /// Two reports of a player that played were so far apart.
    fn reported(&mut self, id: NodeId, apart: Duration) {
        if let Some(node) = self.node_mut(id) {
            node.pulse.reported(apart);
        }
    }

    /// The node speaks of a guild that has no player: a PATCH that was never answered took effect
    /// after its player was destroyed. What others made there is none of our business.
    fn ghost_heard(&mut self, id: NodeId, guild: GuildId) {
        if self.is_doubted(id, guild) {
            mark!(GhostHeard);
            self.bury(id, guild, None);
        }
    }

    /// The peer's close frame.
    pub(super) fn closed_by_frame(&mut self, id: NodeId, frame: &CloseFrame, now: Timestamp) {
        let loss = Loss::Closed {
            code: frame.code.map_or(1005, |code| code.get()),
            reason: Arc::from(&*frame.reason),
            by_remote: true,
        };
        self.node_lost(id, loss, now);
    }

    /// The next ping is due; a peer from which nothing at all came for two of them is gone.
    pub(super) fn heartbeat_due(&mut self, id: NodeId, now: Timestamp) {
        let heartbeat = self.heartbeat_of(id);
        let Some(heard_at) = self
            .node(id)
            .filter(|node| node.is_ready())
            .map(|node| node.pulse.heard_at())
        else {
            return;
        };
        if now.since(heard_at) >= heartbeat.saturating_mul(2) {
            mark!(SilenceAtHeartbeat);
            return self.node_lost(id, Loss::Silent, now);
        }
        let next = self.timers.arm(now + heartbeat, Timer::Heartbeat(id));
        if let Some(node) = self.node_mut(id)
            && let State::Ready(ready) = &mut node.state
        {
            ready.heartbeat = next;
        }
        self.ping(id, now);
    }

    /// The time between two pings.
    pub(super) fn heartbeat_of(&self, id: NodeId) -> Duration {
        let own = self.node(id).and_then(|node| node.config.own_heartbeat());
        own.unwrap_or(self.config.timing.heartbeat)
    }

    /// Sends a ping, unless one is on its way.
    fn ping(&mut self, id: NodeId, now: Timestamp) {
        let deadline = now + self.config.timing.pong_deadline;
        self.pings += 1;
        let number = self.pings;
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        let State::Ready(ready) = &mut node.state else {
            return;
        };
        if ready.ping.is_none() {
            let deadline = self.timers.arm(deadline, Timer::Pong(id));
            ready.ping = Some((now, number, deadline));
            self.tasks.push_back(Task::Ping(ready.socket, number));
        }
    }

    /// The application wants to know the round trip now.
    pub(super) fn ping_for(&mut self, command: CommandId, id: NodeId, now: Timestamp) {
        self.wait_for(command, super::commands::Waits::Pong(id));
        match self.node_mut(id).filter(|node| node.is_ready()) {
            Some(node) => {
                node.pings.push(command);
                self.ping(id, now);
            }
            None => self.answer(command, Err(crate::error::RequestError::NoNode)),
        }
    }

    pub(super) fn pong(&mut self, id: NodeId, payload: &[u8], now: Timestamp) {
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        let State::Ready(ready) = &mut node.state else {
            return;
        };
        let Some((sent_at, number, deadline)) = ready.ping else {
            return;
        };
        if payload != number.to_be_bytes() {
            mark!(PongForeign);
            return;
        }
        ready.ping = None;
        let latency = now.since(sent_at);
        node.latency = Some(latency);
        let pings = std::mem::take(&mut node.pings);
        self.timers.cancel(deadline);
        self.answer_all(pings, &Ok(Answer::Latency(latency)));
        self.weigh(id);
    }

    /// No pong came in time.
    pub(super) fn pong_due(&mut self, id: NodeId, now: Timestamp) {
        mark!(PongMissed);
        self.node_lost(id, Loss::Silent, now);
    }

    /// The connection has been ready for long enough: the schedule starts over.
    pub(super) fn stable(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id)
            && let State::Ready(ready) = &mut node.state
        {
            ready.stable = None;
            node.schedule.attempt = 0;
            node.schedule.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::command::Command;
    use crate::event::Kinds;
    use crate::player::{Source, Update};
    use crate::pool::commands::tests::pool;
    use crate::protocol::GuildId;
    use crate::time::Timestamp;

    #[test]
    fn what_a_node_says_of_players_before_it_is_ready_is_not_told() {
        let (mut pool, node) = pool();
        let update = Command::Update {
            guild: GuildId::new(1).expect("not zero"),
            node: Some(node),
            update: Update::play(Source::encoded("a blob")),
        };
        let submitted = pool.submit(update, Timestamp::ZERO);
        submitted.expect("there is room for it");
        for said in [
            r#"{"op":"playerUpdate","guildId":"1","state":{"time":1,"position":1,
                "connected":true,"ping":1}}"#,
            r#"{"op":"event","type":"WebSocketClosedEvent","guildId":"1","code":4006,
                "reason":"","byRemote":true}"#,
            r#"{"op":"event","type":"LyricsNotFoundEvent","guildId":"1"}"#,
        ] {
            pool.tables.text(node, said, Timestamp::ZERO);
        }
        let of_players = Kinds::POSITIONS | Kinds::VOICE | Kinds::PLUGINS;
        while let Some(event) = pool.poll_event() {
            assert!(!of_players.contains(event.kinds()), "{event:?}");
        }
    }
}
