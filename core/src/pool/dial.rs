//! The life of a node's connection: dialled, ready, lost, dialled again, gone.

use std::sync::Arc;
use std::time::Duration;

use rand_core::Rng;

use super::commands::Waits;
use super::tables::{Tables, Task};
use super::timers::Timer;
use crate::command::{Answer, Leaving};
use crate::error::{ConfigError, NodeFailure, RequestError, SubmitError};
use crate::event::Event;
use crate::id::{CommandId, NodeId, SocketId};
use crate::node::{
    Breaker, Departure, Job, Lane, LaneKind, Loss, Node, NodeConfig, NodeRef, Ready, Schedule,
    Session, State, Stopped,
};
use crate::player::Player;
use crate::protocol::Ready as ReadyMessage;
use crate::time::Timestamp;
use crate::websocket::{Upgraded, Violation};

impl Tables {
    /// Adds a node and dials it.
    pub(super) fn add_node(&mut self, config: NodeConfig) -> Result<NodeId, ConfigError> {
        let is_named = |id: &NodeId| {
            self.node(*id)
                .is_some_and(|node| node.config.name() == config.name())
        };
        if self.order.iter().any(is_named) {
            return Err(ConfigError::DuplicateName {
                name: config.name().clone(),
            });
        }
        let max = self.config.limits.nodes_max;
        if self.order.len() >= max {
            return Err(ConfigError::TooManyNodes { max });
        }
        let session = config.resumed_session().cloned();
        let session = session.map(|id| Session {
            id,
            resumable: true,
        });
        let order = u32::try_from(self.order.len()).unwrap_or(u32::MAX);
        let limits = &self.config.limits;
        let control = Lane::new(LaneKind::Control, limits.control_sockets_max);
        let lookup = Lane::new(LaneKind::Lookup, limits.lookup_sockets_max);
        let (slot, generation) = self.nodes.insert(|slot, generation| Node {
            node: NodeRef {
                id: NodeId { slot, generation },
                name: config.name().clone(),
            },
            order,
            uri: config.endpoint().to_string().into(),
            headers: super::headers::rest_headers(&config),
            config,
            state: State::Due,
            // The dial that follows is try 0.
            schedule: Schedule {
                attempt: 1,
                ..Schedule::default()
            },
            session,
            loss: None,
            latency: None,
            stats: None,
            info: None,
            breaker: Breaker::CLOSED,
            control,
            lookup,
            outage: None,
            tombstones: std::collections::BTreeMap::new(),
            reconciling: false,
            replaying: false,
            draining: false,
            reserved: std::collections::BTreeMap::new(),
            answered_at: Timestamp::ZERO,
            awaiting: Vec::new(),
            pings: Vec::new(),
            drains: Vec::new(),
            leaving: None,
        });
        let id = NodeId { slot, generation };
        self.order.push(id);
        self.tasks.push_back(Task::Dial(id));
        self.node_changed(id);
        self.warn_of_region(id);
        Ok(id)
    }

    /// Says once that no region of Discord's will ever match the node's label.
    fn warn_of_region(&mut self, id: NodeId) {
        let Some(label) = self
            .node(id)
            .and_then(|node| node.config.region_label().cloned())
        else {
            return;
        };
        if !self.config.regions.knows(&label) {
            self.emit_node(id, |node| Event::UnknownRegion { node, label });
        }
    }

    /// The command is answered when the node is ready, at once if it is.
    pub(super) fn await_node(&mut self, command: CommandId, id: NodeId) {
        self.wait_for(command, Waits::Ready(id));
        let Some(node) = self.node_mut(id) else {
            return self.answer(command, Err(RequestError::NodeRemoved));
        };
        match &node.state {
            State::Ready(_) => {
                let node = node.node.clone();
                self.answer(command, Ok(Answer::Node(node)));
            }
            State::Stopped(cause) => {
                let cause = cause.clone();
                self.answer(command, Err(RequestError::Refused(cause)));
            }
            State::Leaving { .. } => {
                self.answer(command, Err(RequestError::NodeRemoved));
            }
            State::Due
            | State::Waiting { .. }
            | State::Parting { .. }
            | State::Dialling { .. }
            | State::Opening { .. } => {
                node.awaiting.push(command);
            }
        }
    }

    /// Dials the node at once, whatever it is doing.
    pub(super) fn reconnect(&mut self, command: CommandId, id: NodeId, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.schedule = Schedule {
            attempt: 1,
            failures: 0,
            ..node.schedule
        };
        match &node.state {
            State::Ready(_) => {
                node.schedule.attempt = 0;
                self.node_lost(id, Loss::Requested, now);
            }
            State::Stopped(_) => {
                node.state = State::Due;
                self.tasks.push_back(Task::Dial(id));
                self.node_changed(id);
            }
            State::Waiting { redial } => {
                let redial = *redial;
                self.timers.cancel(redial);
                self.redial_due(id);
            }
            State::Due
            | State::Dialling { .. }
            | State::Opening { .. }
            | State::Parting { .. }
            | State::Leaving { .. } => {}
        }
        self.await_node(command, id);
    }

    /// The back-off is over.
    pub(super) fn redial_due(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id) {
            node.state = State::Due;
            self.tasks.push_back(Task::Dial(id));
            self.node_changed(id);
        }
    }

    /// The WebSocket's socket was asked for.
    pub(super) fn dialled(&mut self, id: NodeId, socket: SocketId, now: Timestamp) {
        let deadline = now + self.config.timing.connect_deadline;
        let deadline = self.timers.arm(deadline, Timer::Connect(id));
        if let Some(node) = self.node_mut(id) {
            node.state = State::Dialling { socket, deadline };
        }
    }

    /// The WebSocket's socket is connected; the upgrade is on its way.
    pub(super) fn opened(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.node(id) else { return };
        let State::Dialling { socket, deadline } = node.state else {
            return;
        };
        self.timers.cancel(deadline);
        let deadline = now + self.config.timing.ready_deadline;
        let deadline = self.timers.arm(deadline, Timer::Ready(id));
        if let Some(node) = self.node_mut(id) {
            node.state = State::Opening { socket, deadline };
        }
    }

    /// The server agreed to speak WebSocket.
    pub(super) fn upgraded(&mut self, id: NodeId, upgraded: &Upgraded, now: Timestamp) {
        if let Some(version) = upgraded.api_version
            && version != 4
        {
            self.refused(
                id,
                Stopped::Incompatible {
                    version: Some(version),
                },
                now,
            );
        }
    }

    /// The server, or what answers in its place, did not agree.
    pub(super) fn upgrade_failed(&mut self, id: NodeId, violation: Violation, now: Timestamp) {
        let Violation::Refused(refusal) = violation else {
            return self.node_lost(id, Loss::Violation(violation), now);
        };
        let version = refusal.api_version;
        let status = refusal.status.as_u16();
        match status {
            401 => self.refused(id, Stopped::Unauthorized, now),
            403 => self.refused(id, Stopped::Forbidden, now),
            400 => self.refused(id, Stopped::BadRequest, now),
            200 => self.refused(id, Stopped::Incompatible { version }, now),
            _ => {
                let location = refusal.location.as_deref().map(Arc::from);
                self.node_lost(id, Loss::UpgradeRefused { status, location }, now);
            }
        }
    }

    /// `ready`: the node can have players.
    pub(super) fn became_ready(&mut self, id: NodeId, message: &ReadyMessage<'_>, now: Timestamp) {
        let timing = &self.config.timing;
        let (heartbeat_at, stable_at) = (now + timing.heartbeat, now + timing.stable_after);
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        let State::Opening { socket, deadline } = node.state else {
            return;
        };
        self.timers.cancel(deadline);
        let ready = Ready {
            socket,
            heartbeat: self.timers.arm(heartbeat_at, Timer::Heartbeat(id)),
            ping: None,
            stable: Some(self.timers.arm(stable_at, Timer::Stable(id))),
            heard_at: now,
            resumed: message.resumed,
        };
        // A resumed session keeps its configuration; a new one is not resumable by default.
        let id_text = &*message.session_id;
        node.session = Some(Session {
            id: id_text.into(),
            resumable: message.resumed,
        });
        node.state = State::Ready(ready);
        node.schedule.was_ready = true;
        node.loss = None;
        node.replaying = message.resumed;
        node.reconciling = message.resumed;
        let awaiting = std::mem::take(&mut node.awaiting);
        let node_ref = node.node.clone();
        self.greet(id, message.resumed);
        self.node_changed(id);
        self.emit_node(id, |node| Event::NodeReady {
            node,
            resumed: message.resumed,
        });
        self.answer_all(awaiting, &Ok(Answer::Node(node_ref)));
        self.settle_outage(id, message.resumed, now);
        self.place_waiting_players(now);
        self.route_waiting_requests();
        self.note_lane(id, LaneKind::Control);
        self.note_lane(id, LaneKind::Lookup);
    }

    /// What a ready node is asked first.
    fn greet(&mut self, id: NodeId, resumed: bool) {
        let wants_resuming = self.config.resume_for.is_some();
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let mut over = std::collections::BTreeMap::new();
        if resumed {
            node.control.push_first(Job::Players);
        } else {
            // With the old session its players are gone, those that were to go as well.
            over = std::mem::take(&mut node.tombstones);
            if wants_resuming {
                node.control.push_first(Job::Session { resuming: true });
            }
        }
        if node.info.is_none() || !resumed {
            node.lookup.push_first(Job::Info);
        }
        for tombstone in over.into_values() {
            self.answer_all(tombstone.commands, &Ok(Answer::Done));
        }
    }

    /// The connection, or the try to make one, ended; the schedule goes on.
    pub(super) fn node_lost(&mut self, id: NodeId, loss: Loss, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let heard_at = node.ready().map(|ready| ready.heard_at);
        let parting = node.socket().filter(|_| loss.is_ours());
        node.loss = Some(loss.clone());
        if heard_at.is_none() {
            node.schedule.failures = node.schedule.failures.saturating_add(1);
        }
        self.disconnect(id, loss.is_ours());
        if heard_at.is_some() {
            let loss = loss.clone();
            self.emit_node(id, |node| Event::NodeDisconnected { node, loss });
        }
        // A peer that closed or reset lived until then; one that fell silent, until its last byte.
        let lost_at = heard_at.filter(|_| loss == Loss::Silent).unwrap_or(now);
        if self.node(id).is_some_and(|node| node.leaving.is_some()) {
            self.stop_node(id, Stopped::Closed);
        } else {
            self.schedule_redial(id, loss, parting, now);
        }
        match heard_at {
            Some(_) => self.begin_outage(id, lost_at, now),
            None => self.redial_failed(id, now),
        }
        self.departed(id, now);
    }

    /// Arms the next try, or gives up when the tries are used up.
    fn schedule_redial(
        &mut self,
        id: NodeId,
        loss: Loss,
        parting: Option<SocketId>,
        now: Timestamp,
    ) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let Schedule {
            attempt, failures, ..
        } = node.schedule;
        node.schedule.attempt = attempt.saturating_add(1);
        if self
            .config
            .reconnect
            .retries
            .is_some_and(|retries| failures > retries)
        {
            let last = Box::new(loss);
            return self.stop_node(
                id,
                Stopped::GaveUp {
                    attempts: failures,
                    last,
                },
            );
        }
        let delay = self.jittered(self.config.reconnect.delay(attempt));
        self.emit_node(id, |node| Event::NodeReconnecting {
            node,
            attempt,
            delay,
            loss,
        });
        if delay.is_zero() && parting.is_none() {
            return self.redial_due(id);
        }
        let state = match parting {
            // The server lets a session be resumed only after its old connection has closed.
            Some(socket) if delay.is_zero() => State::Parting { socket },
            Some(_) | None => State::Waiting {
                redial: self.timers.arm(now + delay, Timer::Redial(id)),
            },
        };
        if let Some(node) = self.node_mut(id) {
            node.state = state;
        }
        self.node_changed(id);
    }

    /// The old connection of a node that we parted from is closed.
    pub(super) fn parted(&mut self, id: NodeId, socket: SocketId, now: Timestamp) {
        match self.node(id).map(|node| &node.state) {
            Some(State::Parting { socket: old }) if *old == socket => self.redial_due(id),
            Some(State::Leaving { socket: old }) if *old == socket => self.departed(id, now),
            Some(_) | None => {}
        }
    }

    /// Chance shortens the delay by up to the configured share.
    fn jittered(&mut self, delay: Duration) -> Duration {
        let percent = u32::from(self.config.reconnect.jitter_percent.min(100));
        if percent == 0 {
            return delay;
        }
        let share = self.chance.next_u32() % (percent + 1);
        delay.saturating_sub(delay.saturating_mul(share) / 100)
    }

    /// The server refuses for a reason that another try does not change.
    fn refused(&mut self, id: NodeId, cause: Stopped, now: Timestamp) {
        self.disconnect(id, false);
        self.stop_node(id, cause);
        self.redial_failed(id, now);
        self.departed(id, now);
    }

    fn stop_node(&mut self, id: NodeId, cause: Stopped) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.state = State::Stopped(cause.clone());
        let awaiting = std::mem::take(&mut node.awaiting);
        self.answer_all(awaiting, &Err(RequestError::Refused(cause.clone())));
        self.emit_node(id, |node| Event::NodeStopped { node, cause });
        self.node_changed(id);
    }

    /// Leaves whatever state the connection is in, with its timers, sockets and requests; with a
    /// close frame if that is polite to a peer that still listens.
    fn disconnect(&mut self, id: NodeId, politely: bool) {
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        match std::mem::replace(&mut node.state, State::Due) {
            State::Stopped(_) | State::Due => {}
            State::Waiting { redial } => self.timers.cancel(redial),
            State::Dialling { socket, deadline } | State::Opening { socket, deadline } => {
                self.timers.cancel(deadline);
                self.tasks.push_back(Task::Drop(socket));
            }
            State::Parting { socket } | State::Leaving { socket } => {
                self.tasks.push_back(Task::Drop(socket));
            }
            State::Ready(ready) => {
                let task = if politely { Task::Close } else { Task::Drop };
                self.tasks.push_back(task(ready.socket));
                self.unready(id, ready);
            }
        }
    }

    /// Takes back everything that only a ready node has.
    fn unready(&mut self, id: NodeId, mut ready: Ready) {
        self.timers.cancel(ready.heartbeat);
        self.timers.clear(&mut ready.stable);
        if let Some((_, _, deadline)) = ready.ping {
            self.timers.cancel(deadline);
        }
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.latency = None;
        node.stats = None;
        node.reserved.clear();
        node.reconciling = false;
        if node
            .session
            .as_ref()
            .is_some_and(|session| !session.resumable)
        {
            node.session = None;
        }
        // Nothing that names the session is asked any more.
        node.control.retain(|job| matches!(job, Job::Request(_)));
        node.tombstones
            .values_mut()
            .for_each(|tombstone| tombstone.queued = false);
        let pings = std::mem::take(&mut node.pings);
        self.answer_all(
            pings,
            &Err(RequestError::NodeFailed(NodeFailure::ConnectionLost)),
        );
        self.tasks.push_back(Task::Clear(id, LaneKind::Control));
        for player in self.players_where(|player| player.target() == Some(id)) {
            if let Some(player) = self.player_mut(player) {
                player.queued = false;
            }
        }
        self.reroute_requests(id);
    }

    /// Lets the node go: its socket is closed with a close frame. The server is told before to
    /// end the session with it, unless that is to be resumed by another process.
    pub(super) fn leave(&mut self, id: NodeId, keeps_session: bool, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let is_resumable = node
            .session
            .as_ref()
            .is_some_and(|session| session.resumable);
        let Some(socket) = node.ready().map(|ready| ready.socket) else {
            self.disconnect(id, false);
            self.stop_node(id, Stopped::Closed);
            return self.departed(id, now);
        };
        if let State::Ready(ready) = std::mem::replace(&mut node.state, State::Leaving { socket }) {
            self.unready(id, ready);
        }
        if is_resumable && !keeps_session {
            if let Some(node) = self.node_mut(id) {
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
    pub(super) fn depart_now(&mut self, id: NodeId, now: Timestamp) {
        self.disconnect(id, false);
        self.departed(id, now);
    }

    /// The node's socket is closed: it is gone.
    pub(super) fn departed(&mut self, id: NodeId, now: Timestamp) {
        let Some(departure) = self.node_mut(id).and_then(|node| node.leaving.take()) else {
            return;
        };
        let error = if departure.removed {
            RequestError::NodeRemoved
        } else {
            RequestError::Closed
        };
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
        if departure.removed {
            self.forget_node(id, now);
        }
        if let Some(command) = departure.command {
            self.answer(command, Ok(Answer::Done));
        }
        self.changed.note(super::Changed::Node(id));
        self.check_closed();
    }

    /// Takes a removed node out of every table.
    fn forget_node(&mut self, id: NodeId, now: Timestamp) {
        self.end_outage(id, now);
        self.nodes.remove(id.slot, id.generation);
        self.order.retain(|other| *other != id);
        for (order, id) in self.order.clone().into_iter().enumerate() {
            if let Some(node) = self.node_mut(id) {
                node.order = u32::try_from(order).unwrap_or(u32::MAX);
            }
            self.rescore(id);
        }
        self.rescore(id);
    }

    /// Removes a node: its players leave it first, one way or the other.
    pub(super) fn remove_node(
        &mut self,
        command: CommandId,
        id: NodeId,
        players: Leaving,
        now: Timestamp,
    ) -> Result<(), SubmitError> {
        let Some(node) = self.node_mut(id).filter(|node| node.leaving.is_none()) else {
            return Err(SubmitError::NoSuchNode);
        };
        node.leaving = Some(Departure {
            command: Some(command),
            removed: true,
        });
        node.draining = true;
        self.node_changed(id);
        self.wait_for(command, Waits::Gone(id));
        match players {
            Leaving::Destroy => self.destroy_players_of(id, now),
            Leaving::Keep => self.evacuate(id, now),
        }
        self.check_drained(id, now);
        Ok(())
    }

    /// The id, if the node is in the pool.
    pub(super) fn known(&self, id: NodeId) -> Result<NodeId, SubmitError> {
        let is_here = self.node(id).is_some_and(|node| node.leaving.is_none());
        if is_here {
            Ok(id)
        } else {
            Err(SubmitError::NoSuchNode)
        }
    }

    /// Empties the node; the command is answered when no player is left.
    pub(super) fn drain(&mut self, command: CommandId, id: NodeId, now: Timestamp) {
        self.wait_for(command, Waits::Drained(id));
        if let Some(node) = self.node_mut(id) {
            node.draining = true;
            node.drains.push(command);
        }
        self.node_changed(id);
        self.evacuate(id, now);
        self.check_drained(id, now);
    }

    /// Lets the node have players again.
    pub(super) fn undrain(&mut self, command: CommandId, id: NodeId, now: Timestamp) {
        if let Some(node) = self.node_mut(id) {
            node.draining = false;
        }
        self.node_changed(id);
        self.answer(command, Ok(Answer::Done));
        self.place_waiting_players(now);
    }

    /// Whether the last player has left a node that is being emptied.
    pub(super) fn check_drained(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.node(id).filter(|node| node.draining) else {
            return;
        };
        let removed = node
            .leaving
            .as_ref()
            .is_some_and(|departure| departure.removed);
        let is_here = |player: &Player| player.is_at(id);
        if self.players.iter().any(is_here) {
            return;
        }
        if let Some(node) = self.node_mut(id) {
            let drains = std::mem::take(&mut node.drains);
            self.answer_all(drains, &Ok(Answer::Done));
        }
        if removed
            && !self
                .node(id)
                .is_some_and(|node| matches!(node.state, State::Leaving { .. }))
        {
            self.leave(id, false, now);
        }
    }

    /// Closes every node.
    pub(super) fn close(&mut self, command: CommandId, players: Leaving, now: Timestamp) {
        self.closing = true;
        self.wait_for(command, Waits::Close);
        for id in self.order.clone() {
            let Some(node) = self.node_mut(id) else {
                continue;
            };
            if node.leaving.is_none() {
                node.leaving = Some(Departure {
                    command: None,
                    removed: false,
                });
            }
            self.leave(id, players == Leaving::Keep, now);
        }
        self.check_closed();
    }

    /// The deadline of the close came.
    pub(super) fn close_now(&mut self, now: Timestamp) {
        for id in self.order.clone() {
            self.depart_now(id, now);
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
