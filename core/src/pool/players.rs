//! Players as the application sets them, and as the nodes confirm them.

use std::time::Duration;

use super::commands::Waits;
use super::strategy::Needs;
use super::tables::Tables;
use super::timers::Timer;
use crate::command::Answer;
use crate::error::{RequestError, SubmitError};
use crate::id::{CommandId, NodeId};
use crate::node::{Job, LaneKind, Loss, State};
use crate::player::{Choice, Fields, Placement, Player, PlayerId, Stage, Update};
use crate::protocol::{Confirmed, GuildId};
use crate::time::Timestamp;

impl Tables {
    /// The guild's player; made, and put on a node, if there is none.
    pub(super) fn player_for(
        &mut self,
        guild: GuildId,
        node: Option<NodeId>,
        now: Timestamp,
    ) -> Result<PlayerId, SubmitError> {
        if let Some(id) = self.player_of(guild) {
            return Ok(id);
        }
        let max = self.config.limits.players_max;
        let made = self.player_unplaced(guild);
        let id = made.ok_or(SubmitError::TooManyPlayers { max })?;
        self.player_changed(id);
        if let Some(player) = self.player_mut(id) {
            player.pinned = node.is_some();
        }
        let needs = Needs {
            guild: Some(guild),
            ..Needs::default()
        };
        let pinned = node;
        let node = node.or_else(|| self.choose_for_new(needs));
        if let Some(node) = node {
            self.put(id, node, now);
        }
        if let Some(node) = pinned {
            self.await_pinned(id, node, now);
        }
        Ok(id)
    }

    /// Puts a player that was nowhere on a node. One that may still have the last of the guild is
    /// told what a new one has anyway.
    pub(super) fn put(&mut self, id: PlayerId, node: NodeId, now: Timestamp) {
        let guild = self.player(id).map(|player| player.guild);
        let left = match guild.is_some_and(|guild| self.is_doubted(node, guild)) {
            true => Fields::KEPT,
            false => Fields::NONE,
        };
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.place = Placement::On(node);
        player.unsent = player.unsent.with(player.substance()).with(left);
        player.regulate(now);
        let (guild, plays) = (player.guild, player.plays());
        if plays {
            self.reserve(node, guild);
        }
        self.player_changed(id);
        self.node_changed(node);
        self.sync(id);
    }

    /// Takes over what the application wants; the command waits for its confirmation.
    pub(super) fn update_player(
        &mut self,
        command: CommandId,
        id: PlayerId,
        update: Update,
        now: Timestamp,
    ) {
        if let Some(update) = self.hold_update(command, id, update) {
            self.apply_update(command, id, update, now);
            self.settle_player(id);
        }
    }

    pub(super) fn apply_update(
        &mut self,
        command: CommandId,
        id: PlayerId,
        update: Update,
        now: Timestamp,
    ) {
        let voice_at = now + self.config.timing.voice_deadline;
        let is_unknown = self.is_unknown(id);
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        let plays = update.plays();
        if plays && update.no_replace && player.wanted.track.is_some() {
            mark!(NotReplaced);
            return self.answer(command, Err(RequestError::NotReplaced));
        }
        let set = update.fields();
        let without_voice = update.without_voice;
        let before = player.wanted.track.clone();
        let changed = player.ask(update, is_unknown, now);
        if changed.has(Fields::TRACK) {
            self.play_overtaken(id, before.as_deref(), now);
        }
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        let is_voiceless = !player.has_voice();
        let busy = player.busy();
        busy.doubtful = busy.doubtful.without(changed);
        busy.left_doubtful = busy.left_doubtful.without(changed);
        if plays && is_voiceless && !without_voice {
            busy.voice_timer = Some(self.timers.arm(voice_at, Timer::Voice(id)));
        }
        let (superseded, is_settled) = player.enlist(command, set, changed);
        player.regulate(now);
        self.active(id);
        self.wait_for(command, Waits::Player(id));
        self.answer_settled(superseded);
        if is_settled {
            self.answer(command, Ok(Answer::Done));
        }
        self.track_released(id, changed);
        self.player_changed(id);
        self.sync(id);
    }

    /// Another play is asked for, or none any more.
    fn play_overtaken(&mut self, id: PlayerId, before: Option<&Choice>, now: Timestamp) {
        self.held_end_overtaken(id, before, now);
        let player = self.players.get_mut(id.slot, id.generation);
        if let Some(busy) = player.and_then(|player| player.busy.as_mut()) {
            self.timers.clear(&mut busy.voice_timer);
            busy.supersede_base(before);
            busy.forget_play();
        }
    }

    /// Whether a node may yet turn out to have the player, though none was ever told of it.
    pub(super) fn is_unknown(&self, id: PlayerId) -> bool {
        let Some(player) = self.player(id).filter(|player| !player.was_sent) else {
            return false;
        };
        let node = player.target().and_then(|node| self.node(node));
        node.map_or_else(
            || self.nodes.iter().any(|node| node.is_inherited),
            |node| node.is_inherited,
        )
    }

    /// A player that was stopped does not weigh on its node any more.
    pub(super) fn track_released(&mut self, id: PlayerId, changed: Fields) {
        let Some(player) = self.player(id) else {
            return;
        };
        let Some(node) = player.target().filter(|_| changed.has(Fields::TRACK)) else {
            return;
        };
        let (guild, stops) = (player.guild, player.wanted.track.is_none());
        if stops {
            self.release(node, guild)
        } else {
            self.reserve(node, guild)
        }
    }

    /// Lets go what waited for the player to be settled, and drops what only a busy player needs
    /// if it is that no more.
    pub(super) fn settle_player(&mut self, id: PlayerId) {
        self.release_held(id, self.now);
        if let Some(player) = self.player_mut(id) {
            player.settle();
        }
    }

    /// Lines the player up for its node's next free socket, if there is anything to send that
    /// may be sent now.
    pub(super) fn sync(&mut self, id: PlayerId) {
        self.register(id);
        self.settle_aside(id);
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let Some(node) = player.target() else { return };
        if player.is_moving() && player.is_told() {
            // Nothing is left to tell the node: it makes such a player by itself when there is.
            self.player_changed(id);
            return self.arrived(id, node, self.now);
        }
        if !player.may_send() {
            return;
        }
        let (plays, must_check) = (player.plays(), player.must_check());
        let is_heavy = player.is_moving() || player.unsent.has(Fields::VOICE);
        let guild = player.guild;
        let is_ready = |tables: &Self| {
            tables.node(node).is_some_and(|node| {
                node.is_ready() && !node.reconciling && !node.tombstones.contains_key(&guild)
            })
        };
        if !is_ready(self) {
            return;
        }
        if let Some(player) = self.player_mut(id) {
            mark!(QuestionGaveWay if player.stage != Stage::Idle);
            player.stage = Stage::Queued;
        }
        if let Some(node) = self.node_mut(node) {
            match (must_check, plays) {
                (true, _) => node.control.push(Job::Check(id)),
                (false, true) if is_heavy => node.control.push_heavy(Job::Player(id)),
                (false, false) if is_heavy => node.control.push_later(Job::Player(id)),
                (false, _) => node.control.push(Job::Player(id)),
            }
        }
        self.note_lane(node, LaneKind::Control);
    }

    /// Syncs every player that goes to the node.
    pub(super) fn sync_all(&mut self, node: NodeId) {
        for id in self.players_where(|player| player.target() == Some(node)) {
            self.sync(id);
        }
    }

    /// The node confirmed what it was sent.
    pub(super) fn player_confirmed(
        &mut self,
        id: PlayerId,
        node: NodeId,
        reply: Option<&Confirmed<'_>>,
        now: Timestamp,
    ) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let fields = player.stage.answered();
        let settled = fields.without(player.unsent);
        let is_moving = player.is_moving();
        if let Some(busy) = &mut player.busy {
            if let Some(mut sent) = busy.sent.take() {
                if fields.has(Fields::TRACK) {
                    sent.learn_track(|| reply?.track());
                }
                if is_moving && settled.has(Fields::POSITION) {
                    let has_end_time = !player.unsent.has(Fields::END_TIME);
                    player.wanted.count_as(&sent, has_end_time, now);
                }
                if is_moving || fields.has(Fields::TRACK) {
                    busy.is_base_told = sent.present_play() == Some(player.told);
                }
                if is_moving {
                    // The node has nothing but this.
                    busy.replace_base(sent);
                } else {
                    busy.confirm_base(fields, &sent, now);
                }
            }
            busy.resets = 0;
            busy.refusals = 0;
            busy.refused = Fields::NONE;
            busy.pause_waits &= !fields.has(Fields::VOICE);
            busy.failures = 0;
            busy.was_repeated = false;
            busy.doubtful = Fields::NONE;
        }
        let done = player
            .busy
            .as_mut()
            .map(|busy| busy.confirm())
            .unwrap_or_default();
        if let Some(reply) = reply {
            player.heed_connection(&reply.state);
        }
        if settled.has(Fields::TRACK) && player.wanted.track.is_some() {
            player.learn_track(|| reply?.track());
        }
        let guild = player.guild;
        if player.is_moving() {
            self.arrived(id, node, now);
        } else if let Some(player) = self.player_mut(id) {
            player.regulate(now);
            // One whose track is over did not play until then; the news of it may be lost.
            if reply.is_none_or(Confirmed::has_track) {
                player.vouch();
            }
        }
        self.reservation_confirmed(node, guild);
        self.answer_settled(done);
        self.player_changed(id);
        self.sync(id);
        self.settle_player(id);
    }

    /// A new player that no node has; none if there are as many as there may be. One that exists
    /// only because Discord spoke of its guild stays so until it has a voice endpoint to choose a
    /// node by, or something to play.
    pub(super) fn player_unplaced(&mut self, guild: GuildId) -> Option<PlayerId> {
        if self.players.len() >= self.config.limits.players_max {
            mark!(TooManyPlayers);
            return None;
        }
        let plays = self.plays;
        let (slot, generation) = self
            .players
            .insert(|slot, generation| Player::new(PlayerId { slot, generation }, guild, plays));
        let id = PlayerId { slot, generation };
        self.guilds.insert(guild, id);
        Some(id)
    }

    /// The best node for the player: its region first.
    pub(super) fn choose_for(&mut self, id: PlayerId, except: &[NodeId]) -> Option<NodeId> {
        let player = self.player(id)?;
        let endpoint = player.voice.as_ref().and_then(|voice| voice.endpoint());
        let region = endpoint.and_then(|endpoint| self.config.regions.region(endpoint));
        let track = player.wanted.known_track().cloned();
        let source = track.as_ref().map(|track| &*track.info.source_name);
        let needs = Needs {
            guild: Some(player.guild),
            region: region.as_ref(),
            source: source.filter(|source| !source.is_empty()),
            except,
        };
        self.choose(needs)
    }

    /// The player waits in the node's lane no more.
    pub(super) fn unqueue(&mut self, id: PlayerId, node: NodeId) {
        if let Some(player) = self.player_mut(id) {
            player.stage.unqueue();
        }
        if let Some(node) = self.node_mut(node) {
            node.control
                .retain(|job| ![Job::Player(id), Job::Check(id), Job::Look(id)].contains(&job));
        }
    }

    /// The session is unknown to the node although its socket stands: the connection is made
    /// again, and `ready` decides.
    pub(super) fn session_unknown(&mut self, node: NodeId, now: Timestamp) {
        if self
            .node(node)
            .is_some_and(|node| matches!(node.state, State::Ready(_)))
        {
            mark!(SessionNotFound);
            self.node_lost(node, Loss::SessionNotFound, now);
        }
    }

    /// Sends the player's state again after a pause.
    pub(super) fn resend_later(&mut self, id: PlayerId, after: Duration, now: Timestamp) {
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        player.busy();
        self.timers.rouse(&mut player.stage);
        player.stage = Stage::Resting(self.timers.arm(now + after, Timer::Resend(id)));
    }

    /// The pause is over.
    pub(super) fn resend_due(&mut self, id: PlayerId) {
        if let Some(player) = self.player_mut(id) {
            player.stage = Stage::Idle;
        }
        self.sync(id);
        self.settle_player(id);
    }
}
