//! Nodes that go: drained, removed, or closed with the pool.

use std::sync::Arc;
use std::time::Duration;

use super::changed::Changed;
use super::commands::Waits;
use super::tables::{Tables, Task};
use super::timers::Timer;
use crate::command::{Answer, Leaving};
use crate::error::{RequestError, SubmitError};
use crate::event::{Event, Kinds};
use crate::id::{CommandId, NodeId};
use crate::node::{Duty, Job, Kept, LaneKind, Last, Node, State, Stopped};
use crate::player::{Move, Placement, Player, PlayerId};
use crate::protocol::GuildId;
use crate::time::Timestamp;

impl Tables {
    /// Removes a node: its players leave it first, one way or the other.
    pub(super) fn remove_node(
        &mut self,
        command: CommandId,
        id: NodeId,
        players: Leaving,
        now: Timestamp,
    ) -> Result<(), SubmitError> {
        let Some(node) = self.node_mut(id).filter(|node| !node.duty.is_over()) else {
            return Err(SubmitError::NoSuchNode);
        };
        node.duty = Duty::Removed { command };
        self.node_changed(id);
        self.inherited_due(id, now);
        self.wait_for(command, Waits::Gone(id));
        match players {
            Leaving::Destroy => self.destroy_players_of(id),
            Leaving::Keep => self.evacuate(id, now),
        }
        self.check_drained(id);
        Ok(())
    }

    /// Empties the node; the command is answered when no player is left.
    pub(super) fn drain(&mut self, command: CommandId, id: NodeId, now: Timestamp) {
        self.wait_for(command, Waits::Drained(id));
        if let Some(node) = self.node_mut(id) {
            node.duty = Duty::Draining;
            node.drains.push(command);
        }
        self.node_changed(id);
        self.evacuate(id, now);
        self.check_drained(id);
    }

    /// Lets the node have players again.
    pub(super) fn undrain(&mut self, command: CommandId, id: NodeId, now: Timestamp) {
        if let Some(node) = self.node_mut(id) {
            node.duty = Duty::Serving;
        }
        self.node_changed(id);
        self.answer(command, Ok(Answer::Done));
        self.place_waiting_players(now);
        self.return_home(id, now);
        self.route_waiting_requests();
    }

    /// Moves every player off a node that is being emptied.
    pub(super) fn evacuate(&mut self, id: NodeId, now: Timestamp) {
        self.rescore(id);
        let Some(node) = self.node(id) else { return };
        let (is_alive, is_leaving) = (node.is_ready(), node.duty.is_over());
        for player in self.players_where(|player| player.is_at(id)) {
            match self.choose_for(player, &[id]) {
                Some(to) if is_alive => self.move_to(None, player, to, now),
                Some(to) => self.start_move(player, id, to, Move::Lost, now),
                None if is_leaving => self.strand(player, id, now),
                // It plays on until another node can take it.
                None => {
                    mark!(NowhereToGo);
                }
            }
        }
    }

    /// A node that could take its players failed one, which may pass.
    pub(super) fn evacuate_later(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        if node.is_emptied() && node.evacuation.is_none() {
            let at = now + EVACUATE_AGAIN_AFTER;
            node.evacuation = Some(self.timers.arm(at, Timer::Evacuation(id)));
        }
    }

    /// That may have passed.
    pub(super) fn evacuation_due(&mut self, id: NodeId, now: Timestamp) {
        if let Some(node) = self.node_mut(id) {
            node.evacuation = None;
            if node.is_emptied() {
                mark!(EvacuatedAgain);
                self.evacuate(id, now);
            }
        }
    }

    /// These nodes failed a player that stays: if its node is being emptied, the next best has its
    /// turn. When all have had theirs it plays on until any node is ready, or may be well again.
    pub(super) fn evacuate_past(
        &mut self,
        id: PlayerId,
        from: NodeId,
        tried: Vec<NodeId>,
        now: Timestamp,
    ) {
        let is_here = |player: &Player| player.place == Placement::On(from);
        if !self.node(from).is_some_and(Node::is_emptied) || !self.player(id).is_some_and(is_here) {
            return;
        }
        let except: Vec<_> = tried.iter().copied().chain([from]).collect();
        let Some(to) = self.choose_for(id, &except) else {
            return;
        };
        mark!(EvacuatedPastAFailure);
        self.move_to(None, id, to, now);
        if let Some(player) = self.player_mut(id).filter(|player| player.is_moving()) {
            player.busy().tried = tried;
        }
    }

    /// A node may take players: those that a drained one still has go there.
    pub(super) fn evacuate_drained(&mut self, now: Timestamp) {
        for id in self.order.clone() {
            if self.node(id).is_some_and(Node::is_emptied) {
                self.evacuate(id, now);
            }
        }
    }

    /// No other node can take it: it waits for one, and the node that goes forgets it.
    fn strand(&mut self, id: PlayerId, leaves: NodeId, now: Timestamp) {
        let Some(place) = self.player(id).map(|player| player.place) else {
            return;
        };
        match place {
            Placement::Moving { to, .. } if to == leaves => {
                return self.target_removed(id, to, now);
            }
            // It is leaving already.
            Placement::Moving { .. } => return,
            Placement::Unplaced
            | Placement::On(_)
            | Placement::Frozen { .. }
            | Placement::Stranded { .. } => {}
        }
        mark!(StrandedByRemoval);
        self.unqueue(id, leaves);
        let played_until = self.played_until(id, leaves, now);
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        player.recall();
        player.stand(played_until);
        if let Some(busy) = &mut player.busy {
            // As of any node that goes away.
            self.timers.clear_ending(&mut busy.ending);
        }
        player.place = Placement::Stranded { from: leaves };
        let guild = player.guild;
        self.player_changed(id);
        self.bury(leaves, guild, None);
        self.tell_stranded(leaves, guild);
    }

    /// The node that the player was on its way to is removed before it came.
    fn target_removed(&mut self, id: PlayerId, to: NodeId, now: Timestamp) {
        mark!(TargetRemoved);
        self.unqueue(id, to);
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let (guild, movers) = (player.guild, player.take_movers());
        self.bury(to, guild, None);
        self.answer_all(movers, &Err(RequestError::NodeRemoved));
        self.turned_away(id, now);
        self.player_changed(id);
    }

    /// If it is to wait for a node, the application is told.
    pub(super) fn tell_if_stranded(&mut self, id: PlayerId) {
        if let Some((Placement::Stranded { from }, guild)) =
            self.player(id).map(|player| (player.place, player.guild))
        {
            self.tell_stranded(from, guild);
        }
    }

    fn tell_stranded(&mut self, from: NodeId, guild: GuildId) {
        if let Some(from) = self.last_ref(from) {
            let players = Arc::from([guild]);
            self.emit(Kinds::PLAYERS, || Event::PlayersStranded { from, players });
        }
    }

    /// Whether the last player has left a node that is being emptied; one that was lost with it may
    /// yet be back with its session.
    pub(super) fn check_drained(&mut self, id: NodeId) {
        let Some(node) = self.node(id).filter(|node| node.duty.gives_away()) else {
            return;
        };
        let is_removed = matches!(node.duty, Duty::Removed { .. });
        let is_drained = node.duty == Duty::Draining;
        let is_here =
            |player: &Player| player.is_at(id) || (is_drained && player.may_return_to(id));
        if self.players.iter().any(is_here) {
            return;
        }
        if let Some(node) = self.node_mut(id) {
            let drains = std::mem::take(&mut node.drains);
            self.answer_all(drains, &Ok(Answer::Done));
        }
        if is_removed
            && !self
                .node(id)
                .is_some_and(|node| matches!(node.state, State::Leaving { .. }))
        {
            self.leave(id, false);
        }
    }

    /// Lets the node go: its socket is closed with a close frame. The server is told before to
    /// end the session with it, unless that is to be resumed by another process.
    pub(super) fn leave(&mut self, id: NodeId, keeps_session: bool) {
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        node.session.take_if(|session| session.kept == Kept::No);
        let may_be_kept = node.session.is_some();
        self.timers.clear(&mut node.inherits_by);
        let Some(socket) = node.ready().map(|ready| ready.socket) else {
            self.disconnect(id, false);
            self.stop_node(id, Stopped::Closed);
            return self.departed(id);
        };
        let last = Last::ByPulse(node.pulse);
        if let State::Ready(ready) = std::mem::replace(&mut node.state, State::Leaving { socket }) {
            self.unready(id, ready);
        }
        // What plays there of players that are on their way to others ends with the session.
        self.lose_left_behind(id, last, self.now);
        if may_be_kept && !keeps_session {
            self.tasks.push_back(Task::Linger(socket));
            if let Some(node) = self.node_mut(id) {
                mark!(SessionTakenBack);
                node.control.push(Job::Session { resuming: false });
            }
            self.note_lane(id, LaneKind::Control);
        } else {
            self.tasks.push_back(Task::Close(socket));
        }
        self.node_changed(id);
    }

    /// The server was told to end the session with its connection, or could not be told.
    pub(super) fn session_ended(&mut self, id: NodeId) {
        if let Some(State::Leaving { socket }) = self.node(id).map(|node| &node.state) {
            let socket = *socket;
            self.tasks.push_back(Task::Close(socket));
        }
    }

    /// The deadline of a departure came: nothing is waited for any more.
    pub(super) fn depart_now(&mut self, id: NodeId) {
        if self.node(id).is_none_or(|node| node.duty == Duty::Gone) {
            return;
        }
        mark!(DepartureCutShort);
        let ready = self.node(id).filter(|node| node.is_ready());
        let last = ready.map(|node| Last::ByPulse(node.pulse));
        self.disconnect(id, false);
        self.node_changed(id);
        if let Some(last) = last.filter(|_| !self.closing) {
            self.begin_outage(id, last, self.now);
        }
        self.departed(id);
    }

    /// The node's socket is closed: it is gone.
    pub(super) fn departed(&mut self, id: NodeId) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let (remover, error) = match node.duty {
            Duty::Removed { command } => (Some(command), RequestError::NodeRemoved),
            Duty::Closing => (None, RequestError::Closed),
            Duty::Serving | Duty::Draining | Duty::Gone => return,
        };
        node.duty = Duty::Gone;
        self.tasks.push_back(Task::Clear(id, LaneKind::Control));
        self.tasks.push_back(Task::Clear(id, LaneKind::Lookup));
        if let Some(node) = self.node_mut(id) {
            if !matches!(node.state, State::Stopped(_)) {
                node.state = State::Stopped(Stopped::Closed);
            }
            let waiting = std::mem::take(&mut node.awaiting);
            let drains = std::mem::take(&mut node.drains);
            self.answer_all(waiting, &Err(error.clone()));
            self.answer_all(drains, &Ok(Answer::Done));
        }
        self.fail_requests_of(id, &error);
        if let Some(command) = remover {
            self.forget_node(id);
            self.answer(command, Ok(Answer::Done));
        }
        self.gone(Changed::Node(id));
        self.check_closed();
    }

    /// Takes a removed node out of every table.
    fn forget_node(&mut self, id: NodeId) {
        self.requests_lost(id, self.now);
        self.healthy_due(id);
        for player in self.players_where(|player| player.is_about(id)) {
            self.player_changed(player);
        }
        self.keep_name_of(id);
        if let Some(node) = self.nodes.remove(id.slot, id.generation) {
            // Nobody finds the sockets by their node any more.
            let sockets = node.control.sockets().chain(node.lookup.sockets());
            self.tasks.extend(sockets.map(Task::Drop));
            for tombstone in node.tombstones.into_values() {
                self.answer_all(tombstone.commands, &Ok(Answer::Done));
            }
        }
        self.order.retain(|other| *other != id);
        for (order, id) in self.order.clone().into_iter().enumerate() {
            if let Some(node) = self.node_mut(id) {
                node.order = u32::try_from(order).unwrap_or(u32::MAX);
            }
            self.rescore(id);
        }
        self.rescore(id);
        self.place_waiting_players(self.now);
    }

    /// Closes every node: at once if the players go with them, and otherwise when the nodes know
    /// what was asked for by now.
    pub(super) fn close(&mut self, command: CommandId, players: Leaving, now: Timestamp) {
        self.closing = true;
        self.wait_for(command, Waits::Close);
        for id in self.order.clone() {
            let Some(node) = self.node_mut(id) else {
                continue;
            };
            if !node.duty.is_over() {
                node.duty = Duty::Closing;
            }
            let is_told = players == Leaving::Keep && node.is_ready();
            self.rescore(id);
            self.node_changed(id);
            if !is_told {
                self.leave(id, players == Leaving::Keep);
            }
        }
        if players == Leaving::Keep {
            let at = now + self.config.timing.close_deadline;
            self.last_words = Some(self.timers.arm(at, Timer::LastWords));
        }
        self.check_closed();
    }

    /// Leaves the nodes of a pool that closes, if none has anything left to be told or to answer;
    /// returns whether it does. They leave together: what one confirms may be for another to
    /// delete.
    pub(super) fn leave_if_said(&mut self) -> bool {
        let is_told = |node: &Node| !node.is_ready() || node.control.is_quiet();
        let is_said = self.last_words.is_some() && self.nodes.iter().all(is_told);
        if is_said {
            self.last_words_over();
        }
        is_said
    }

    /// What was asked for before the close is done, or has been waited for long enough.
    pub(super) fn last_words_over(&mut self) {
        self.timers.clear(&mut self.last_words);
        for id in self.order.clone() {
            if self.node(id).is_some_and(Node::is_ready) {
                mark!(LastWordsCut if self.node(id).is_some_and(|node| !node.control.is_quiet()));
                self.leave(id, true);
            }
        }
        self.check_closed();
    }

    /// The deadline of the close came.
    pub(super) fn close_now(&mut self) {
        for id in self.order.clone() {
            self.depart_now(id);
        }
        self.check_closed();
    }

    /// Whether the last node is gone.
    pub(super) fn check_closed(&mut self) {
        let is_gone = |node: &Node| matches!(node.state, State::Stopped(_));
        if self.closing && self.nodes.iter().all(is_gone) {
            self.answer_closed();
        }
    }
}

/// How long a node that could not take a player of one that is being emptied has to be well again.
const EVACUATE_AGAIN_AFTER: Duration = Duration::from_secs(5);
