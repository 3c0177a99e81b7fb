//! Players that go, and the tombstones that keep them from coming back.

use super::changed::Changed;
use super::tables::Tables;
use crate::command::Answer;
use crate::error::RequestError;
use crate::id::{CommandId, NodeId};
use crate::node::{Job, LaneKind, Node};
use crate::player::{Move, Placement, Player, PlayerId};
use crate::protocol::GuildId;

impl Tables {
    /// Destroys a player; the command waits until its node has confirmed that.
    pub(super) fn destroy(&mut self, command: Option<CommandId>, id: PlayerId) {
        let Some(player) = self.player(id) else {
            return;
        };
        let (guild, place, was_sent) = (player.guild, player.place, player.was_sent);
        let nodes: Vec<_> = match place {
            Placement::On(node)
            | Placement::Frozen { old: node }
            | Placement::Stranded { from: node } => vec![node],
            Placement::Moving { from, to, .. } => {
                mark!(DestroyedOnTheWay);
                vec![from, to]
            }
            Placement::Unplaced => Vec::new(),
        };
        self.remove_player(id);
        let mut waits = false;
        for node in nodes.into_iter().filter(|_| was_sent) {
            waits |= self.bury(node, guild, command);
        }
        self.bury_inherited(guild);
        if !waits && let Some(command) = command {
            self.answer(command, Ok(Answer::Done));
        }
    }

    /// Sees to it that no node turns out to have the guild's player when the session of a client
    /// before this one is resumed. Whether there is such a session; nobody waits for it.
    pub(super) fn bury_inherited(&mut self, guild: GuildId) -> bool {
        let may_have_it = |node: &&Node| node.is_inherited || node.is_unlisted;
        let inherited = self.nodes.iter().filter(may_have_it);
        let inherited: Vec<_> = inherited.map(Node::id).collect();
        let mut is_any = false;
        for node in inherited {
            is_any |= self.bury(node, guild, None);
        }
        is_any
    }

    /// Takes the player out of every table.
    pub(super) fn remove_player(&mut self, id: PlayerId) {
        let Some(player) = self.player(id) else {
            return;
        };
        let (guild, place) = (player.guild, player.place);
        if let Some(node) = player.target() {
            self.unqueue(id, node);
            self.release(node, guild);
        }
        let Some(mut player) = self.players.remove(id.slot, id.generation) else {
            return;
        };
        self.timers.rouse(&mut player.stage);
        self.timers.clear_care(&mut player);
        self.uncount(&player.counted);
        self.guilds.remove(&guild);
        self.plays = self.plays.max(player.wanted.plays);
        if let Some(mut wishes) = player.wishes {
            self.timers.clear(&mut wishes.end_timer);
            self.answer_all(wishes.take_all(), &Err(RequestError::Destroyed));
        }
        if let Some(mut busy) = player.busy {
            self.timers.clear(&mut busy.voice_timer);
            self.timers.clear_ending(&mut busy.ending);
            let destroyed = Err(RequestError::Destroyed);
            let held = self.release_all(std::mem::take(&mut busy.held));
            self.answer_all(held, &destroyed);
            let waiting = busy.waiting.iter().map(|waiting| waiting.command);
            self.answer_all(waiting.chain(busy.movers.iter().copied()), &destroyed);
        }
        self.recall_join(guild);
        self.gone(Changed::Player(guild));
        match place {
            Placement::Moving { from, to, why, .. } => {
                if why == Move::Lost {
                    self.left_group(from, to, None);
                }
                self.check_drained(from);
                self.node_changed(from);
                self.node_changed(to);
            }
            Placement::On(node) => {
                self.check_drained(node);
                self.node_changed(node);
            }
            Placement::Frozen { old } => self.check_drained(old),
            Placement::Unplaced | Placement::Stranded { .. } => {}
        }
    }

    pub(super) fn destroy_players_of(&mut self, node: NodeId) {
        for id in self.players_where(|player| player.is_of(node)) {
            self.destroy(None, id);
        }
    }

    /// The node must not have the guild's player. Returns whether the command waits for that.
    pub(super) fn bury(
        &mut self,
        node: NodeId,
        guild: GuildId,
        command: Option<CommandId>,
    ) -> bool {
        let Some(found) = self.node_mut(node) else {
            return false;
        };
        if found.session.is_none() {
            return false;
        }
        let is_ready = found.is_ready();
        let tombstone = found.tombstones.entry(guild).or_default();
        tombstone.commands.extend(command);
        tombstone.leftovers.extend(found.plugins.bury(guild));
        let is_new = !std::mem::replace(&mut tombstone.queued, is_ready);
        if is_ready && is_new {
            mark!(CopyRemoved if command.is_none());
            found.control.push(Job::Delete(guild));
            self.note_lane(node, LaneKind::Control);
        }
        true
    }

    /// The node does not have the player any more, or refuses to destroy it.
    pub(super) fn buried(
        &mut self,
        node: NodeId,
        guild: GuildId,
        answer: Result<Answer, RequestError>,
    ) {
        let tombstone = self
            .node_mut(node)
            .and_then(|node| node.tombstones.remove(&guild));
        if let Some(tombstone) = tombstone {
            self.answer_all(tombstone.commands, &answer);
        }
        let Some(id) = self.player_of(guild) else {
            return;
        };
        let now = self.now;
        // One that is on its way to the node has sent it nothing before this.
        let is_there = |player: &&mut Player| player.place == Placement::On(node);
        let pulse = self.node(node).map(|node| node.pulse);
        if let Some(player) = self.player_mut(id).filter(is_there) {
            mark!(DeleteCaughtThePlayer);
            // It came back to the node in the meantime, and all of it has just been deleted.
            player.follow_copy(node, pulse.unwrap_or_default(), now);
            player.begin_again(now);
            player.awaits_start = player.wanted.track.is_some();
            player.connected = false;
            player.regulate(now);
            self.player_changed(id);
        }
        self.sync(id);
    }
}
