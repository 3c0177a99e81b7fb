//! Players on their way from one node to another.

use std::sync::Arc;

use super::commands::Waits;
use super::tables::Tables;
use crate::command::Answer;
use crate::error::{NodeFailure, RequestError, Unconfirmed};
use crate::event::{Event, Kinds};
use crate::id::{CommandId, NodeId};
use crate::node::{Duty, Node};
use crate::player::{Blame, Fields, Move, Placement, Player, PlayerId};
use crate::protocol::GuildId;
use crate::time::Timestamp;

/// The players that go from one lost node to one target.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) under_way: usize,
    confirmed: Vec<GuildId>,
}

impl Tables {
    /// Moves a player that plays to another node, without a gap.
    pub(super) fn move_to(
        &mut self,
        command: Option<CommandId>,
        id: PlayerId,
        to: NodeId,
        now: Timestamp,
    ) {
        let Some(player) = self.player(id) else {
            return;
        };
        let is_there = player.place == Placement::On(to);
        if !is_there && !self.node(to).is_some_and(Node::is_ready) {
            mark!(MoveToNowhere);
            // Wherever it is now is better than a node that is not there.
            if let Some(command) = command {
                self.answer(command, Err(RequestError::NoNode));
            }
            return;
        }
        match player.place {
            Placement::On(from) if from == to => self.moved_already(command),
            Placement::On(from) => {
                self.unqueue(id, from);
                self.await_move(command, id);
                if let Some(player) = self.player_mut(id) {
                    // It matters if the move comes to nothing.
                    player.doubt_what_is_sent();
                }
                self.start_move(id, from, to, Move::Ordered, now);
            }
            Placement::Frozen { old: from } | Placement::Stranded { from } => {
                self.await_move(command, id);
                self.start_move(id, from, to, Move::Lost, now);
            }
            Placement::Moving { to: present, .. } if present == to => self.await_move(command, id),
            Placement::Moving { .. } => {
                mark!(MoveOvertaken);
                if let Some(command) = command {
                    let error = RequestError::Unconfirmed(Unconfirmed::Deadline);
                    self.answer(command, Err(error));
                }
            }
            Placement::Unplaced => {
                self.put(id, to, now);
                self.moved_already(command);
            }
        }
    }

    /// Until when a player of a node is known to have played, which may be quiet for too long
    /// though nobody has found it lost yet.
    pub(super) fn played_until(&self, id: PlayerId, node: NodeId, now: Timestamp) -> Timestamp {
        let ready = self.node(node).filter(|node| node.is_ready());
        ready.zip(self.player(id)).map_or(now, |(node, player)| {
            let known_at = player.wanted.clock.known_at();
            node.pulse.played_until(known_at, now)
        })
    }

    /// The PATCH of a player that is led over goes out: it goes on where it was last known to play.
    pub(super) fn leave_quiet(&mut self, id: PlayerId, now: Timestamp) {
        let place = self.player(id).map(|player| player.place);
        let Some(Placement::Moving {
            from,
            why: Move::Ordered,
            ..
        }) = place
        else {
            return;
        };
        let played_until = self.played_until(id, from, now);
        if let Some(player) = self.player_mut(id).filter(|_| played_until < now) {
            mark!(LeftWhileQuiet);
            player.stop_clocks(played_until);
        }
    }

    fn moved_already(&mut self, command: Option<CommandId>) {
        if let Some(command) = command {
            self.answer(command, Ok(Answer::Done));
        }
    }

    fn await_move(&mut self, command: Option<CommandId>, id: PlayerId) {
        if let (Some(command), Some(player)) = (command, self.player_mut(id)) {
            player.busy().movers.push(command);
            self.wait_for(command, Waits::Player(id));
        }
    }

    /// Sends a player that has no node to the best one, or the next one after one that failed it;
    /// back to the one that it was lost from, if that has come back with it.
    pub(super) fn move_player(
        &mut self,
        id: PlayerId,
        from: NodeId,
        failed: Option<NodeId>,
        now: Timestamp,
    ) {
        if self.still_has(id, from) {
            mark!(StayedAfterAll);
            self.stay(id, from, now);
            return self.evacuate_past(id, from, failed.into_iter().collect(), now);
        }
        let next = match failed {
            Some(failed) => self.next_target(id, failed),
            None => {
                self.forget_tried(id);
                self.choose_for(id, &[])
            }
        };
        if let Some(to) = next {
            self.start_move(id, from, to, Move::Lost, now);
        }
    }

    /// Every field goes to the target.
    pub(super) fn start_move(
        &mut self,
        id: PlayerId,
        from: NodeId,
        to: NodeId,
        why: Move,
        now: Timestamp,
    ) {
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        player.begin_away(now);
        if player.is_moving() {
            player.unpack(now);
        }
        player.place = Placement::Moving { from, to, why };
        self.timers.rouse(&mut player.stage);
        let settled = player.pack();
        if why == Move::Lost {
            player.leave_behind(from);
        }
        if let Some(busy) = &mut player.busy {
            let ended = self.timers.clear_ending(&mut busy.ending);
            if why == Move::Ordered && ended.is_some() {
                // The node that it leaves does not play it any more.
                busy.left = busy.left.with(Fields::TRACK).with(Fields::POSITION);
            }
            // A request to the node that it leaves is not about the player on the next.
            busy.barrier = None;
        }
        player.regulate(now);
        let plays = player.wanted.track.is_some();
        let (guild, is_empty) = (player.guild, player.unsent.is_empty());
        if why == Move::Lost {
            self.failovers.entry((from, to)).or_default().under_way += 1;
        }
        if plays {
            self.reserve(to, guild);
        }
        self.answer_settled(settled);
        self.player_changed(id);
        if is_empty {
            mark!(MovedWithNothing);
            // A node makes such a player by itself, when there is something to tell it.
            self.arrived(id, to, now);
            self.settle_aside(id);
            self.register(id);
        } else {
            self.sync(id);
        }
        self.settle_player(id);
    }

    /// The target confirmed the player.
    pub(super) fn arrived(&mut self, id: PlayerId, node: NodeId, now: Timestamp) {
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        let Placement::Moving { from, to, why } = player.place else {
            return;
        };
        if to != node {
            return;
        }
        player.place = Placement::On(to);
        let leaves_home = why == Move::Lost && from != to && self.config.return_home;
        player.change_plight(|plight| {
            if to == plight.home.unwrap_or(to) {
                plight.home = None;
            }
            if leaves_home {
                plight.home.get_or_insert(from);
            }
        });
        if let Some(busy) = &mut player.busy {
            self.timers.clear_ending(&mut busy.ending);
            busy.blame = Blame::Nothing;
            busy.tried = Vec::new();
            (busy.left, busy.is_burnt) = (Fields::NONE, false);
            busy.left_doubtful = Fields::NONE;
            busy.behind = None;
        }
        player.regulate(now);
        let (guild, gap) = (player.guild, now.since(player.away_since));
        let position = player.wanted.clock.content_at(now);
        let movers = player
            .busy
            .as_mut()
            .map(|busy| std::mem::take(&mut busy.movers));
        if from != to {
            // The old node must not play it as well, should its session come back.
            self.bury(from, guild, None);
            self.release(from, guild);
        }
        if let (Some(from), Some(to)) = (self.last_ref(from), self.node_ref(to)) {
            self.emit(Kinds::PLAYERS, || Event::PlayerMoved {
                guild,
                from,
                to,
                position,
                gap,
            });
        }
        self.answer_all(movers.unwrap_or_default(), &Ok(Answer::Done));
        if why == Move::Lost {
            self.left_group(from, to, Some(guild));
        }
        self.node_changed(from);
        self.node_changed(to);
        self.check_drained(from);
        if self.node(to).is_some_and(|node| node.duty.gives_away()) {
            mark!(ArrivedWhereItMayNotStay);
            self.evacuate(to, now);
        }
    }

    /// A player is under way to the target no more: the last one completes the failover.
    pub(super) fn left_group(&mut self, from: NodeId, to: NodeId, confirmed: Option<GuildId>) {
        let Some(group) = self.failovers.get_mut(&(from, to)) else {
            return;
        };
        group.under_way = group.under_way.saturating_sub(1);
        group.confirmed.extend(confirmed);
        if group.under_way > 0 {
            return;
        }
        let Some(group) = self.failovers.remove(&(from, to)) else {
            return;
        };
        if group.confirmed.is_empty() {
            return;
        }
        if let (Some(old), Some(new)) = (self.last_ref(from), self.node_ref(to)) {
            let players = Arc::from(group.confirmed);
            self.emit(Kinds::PLAYERS, || Event::Failover { old, new, players });
        }
    }

    /// A move has come to nothing, and the player stays where it is.
    pub(super) fn call_off(
        &mut self,
        id: PlayerId,
        from: NodeId,
        error: RequestError,
        now: Timestamp,
    ) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let movers = player.take_movers();
        let may_pass = matches!(error, RequestError::NodeFailed(failure) if failure.may_pass());
        let mut tried = std::mem::take(&mut player.busy().tried);
        tried.extend(player.target());
        self.answer_all(movers, &Err(error));
        self.stay(id, from, now);
        self.evacuate_past(id, from, tried, now);
        let is_there = |player: &Player| player.place == Placement::On(from);
        if may_pass && self.player(id).is_some_and(is_there) {
            self.evacuate_later(from, now);
        }
    }

    /// The player stays on the node that it was to leave.
    pub(super) fn stay(&mut self, id: PlayerId, node: NodeId, now: Timestamp) {
        let is_gone = self.node(node).is_none();
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        let failed = player.target();
        let was_away = !player.is_led_over();
        let guild = player.guild;
        if player.is_moving() {
            player.turn_back(now);
        }
        self.timers.rouse(&mut player.stage);
        if is_gone {
            mark!(CameBackToNoNode);
            // The node was removed while the player was on its way.
            player.stand(now);
            player.place = Placement::Stranded { from: node };
            self.player_changed(id);
            self.move_player(id, node, failed, now);
            return self.tell_if_stranded(id);
        }
        let pending = player.pending();
        let busy = player.busy();
        busy.tried = Vec::new();
        (busy.behind, busy.blame) = (None, Blame::Nothing);
        // What the other node was only to be told with all the rest stands here.
        let settled = busy.settle_except(pending);
        let movers = std::mem::take(&mut busy.movers);
        player.place = Placement::On(node);
        player.regulate(now);
        if was_away {
            // What its node has said of it since was not heeded.
            self.look_at_once(node, guild, now);
        }
        self.answer_settled(settled);
        let lost = RequestError::NodeFailed(NodeFailure::ConnectionLost);
        self.answer_all(movers, &Err(lost));
        self.player_changed(id);
        self.node_changed(node);
        if let Some(failed) = failed {
            self.check_drained(failed);
        }
        self.sync(id);
        self.settle_player(id);
    }

    /// The node may have players again: those that were lost from it come back, if they are to.
    pub(super) fn return_home(&mut self, id: NodeId, now: Timestamp) {
        let may_come = |node: &Node| node.is_ready() && node.duty == Duty::Serving;
        if !self.config.return_home || !self.node(id).is_some_and(may_come) {
            return;
        }
        let theirs = self.players_where(|player| {
            player.plight().home == Some(id)
                && matches!(player.place, Placement::On(on) if on != id)
        });
        mark!(WentHome if !theirs.is_empty());
        for player in theirs {
            self.move_to(None, player, id, now);
        }
    }
}
