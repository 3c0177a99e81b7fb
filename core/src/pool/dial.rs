//! The life of a node's connection: dialled, ready, lost, dialled again, gone.

use std::sync::Arc;

use super::commands::Waits;
use super::tables::{Tables, Task};
use super::timers::Timer;
use crate::command::Answer;
use crate::error::{ConfigError, RequestError, SubmitError};
use crate::event::Event;
use crate::id::{CommandId, NodeId, SocketId};
use crate::node::{
    Breaker, Duty, Job, Keeping, Kept, Lane, LaneKind, Loss, Node, NodeConfig, NodeRef, Pulse,
    Ready, Schedule, Session, State, Status, Stopped, Turns,
};
use crate::protocol::Ready as ReadyMessage;
use crate::time::Timestamp;
use crate::websocket::{Upgraded, Violation};

impl Tables {
    /// Adds a node and dials it.
    pub(super) fn add_node(&mut self, config: NodeConfig) -> Result<NodeId, ConfigError> {
        let is_namesake = |node: &Node| node.config.name() == config.name();
        if self.nodes.iter().any(is_namesake) {
            return Err(ConfigError::DuplicateName {
                name: config.name().clone(),
            });
        }
        let max = self.config.limits.nodes_max;
        if self.order.len() >= max {
            return Err(ConfigError::TooManyNodes { max });
        }
        let (slot, generation) = self.new_node(config);
        let id = NodeId { slot, generation };
        self.order.push(id);
        self.await_inherited(id);
        self.tasks.push_back(Task::Dial(id));
        self.node_changed(id);
        self.warn_of_region(id);
        Ok(id)
    }

    /// A node that is dialled as soon as it has its place.
    fn new_node(&mut self, config: NodeConfig) -> (u32, u32) {
        let session = config.resumed_session().cloned();
        let session = session.map(|id| Session {
            id,
            kept: Kept::Yes,
        });
        let is_inherited = session.is_some();
        let order = u32::try_from(self.order.len()).unwrap_or(u32::MAX);
        let keep_for = config.own_resume_for().unwrap_or(self.config.resume_for);
        let limits = &self.config.limits;
        self.nodes.insert(|slot, generation| Node {
            node: NodeRef {
                id: NodeId { slot, generation },
                name: config.name().clone(),
            },
            order,
            uri: config.endpoint().to_string().into(),
            headers: super::headers::rest_headers(&config),
            config: Arc::new(config),
            pulse: Pulse::default(),
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
            load: None,
            info: None,
            sources: None,
            breaker: Breaker::CLOSED,
            control: Lane::new(limits.control_sockets_max),
            lookup: Lane::new(limits.lookup_sockets_max),
            outage: None,
            tombstones: std::collections::BTreeMap::new(),
            plugins: crate::node::Ledger::default(),
            patching: std::collections::BTreeSet::new(),
            changing_session: false,
            doubted: std::collections::BTreeSet::new(),
            doubts: std::collections::BTreeMap::new(),
            doubt_timer: None,
            is_inherited,
            is_unlisted: false,
            inherits_by: None,
            reconciling: false,
            replaying: false,
            duty: Duty::Serving,
            reserved: std::collections::BTreeMap::new(),
            players: crate::node::PlayerCount::default(),
            turns: Turns::default(),
            told: Status::Disconnected,
            keeping: Keeping::configured(keep_for),
            answered_at: Timestamp::ZERO,
            postponed: Vec::new(),
            postponed_timer: None,
            setbacks: 0,
            unlisted: 0,
            evacuation: None,
            changed: false,
            awaiting: Vec::new(),
            pings: Vec::new(),
            drains: Vec::new(),
        })
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
                let (node, cause) = (node.node.name.clone(), cause.clone());
                self.answer(command, Err(RequestError::Refused { node, cause }));
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

    /// Dials the node at once, unless it is connected.
    pub(super) fn connect(&mut self, command: CommandId, id: NodeId, now: Timestamp) {
        if self.node(id).is_some_and(Node::is_ready) {
            self.await_node(command, id);
        } else {
            self.reconnect(command, id, now);
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
                mark!(DialledWhileReady);
                node.schedule.attempt = 0;
                self.node_lost(id, Loss::Requested, now);
            }
            State::Stopped(_) => {
                node.state = State::Due;
                self.tasks.push_back(Task::Dial(id));
                self.node_changed(id);
            }
            State::Waiting { redial } => {
                mark!(DialledInBackOff);
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
            mark!(ApiVersionForeign);
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
        mark!(RefusedForGood if matches!(refusal.status.as_u16(), 200 | 400 | 401 | 403));
        let version = refusal.api_version;
        let status = refusal.status.as_u16();
        match status {
            401 => self.refused(id, Stopped::Unauthorized, now),
            403 => self.refused(id, Stopped::Forbidden, now),
            400 => self.refused(id, Stopped::BadRequest, now),
            200 => self.refused(id, Stopped::Incompatible { version }, now),
            _ => {
                mark!(UpgradePutOff);
                let location = refusal.location.as_deref().map(Arc::from);
                self.node_lost(id, Loss::UpgradeRefused { status, location }, now);
            }
        }
    }

    /// `ready`: the node can have players.
    pub(super) fn became_ready(&mut self, id: NodeId, message: &ReadyMessage<'_>, now: Timestamp) {
        let stable_at = now + self.config.timing.stable_after;
        let heartbeat_at = now + self.heartbeat_of(id);
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
            resumed: message.resumed,
        };
        mark!(ResumeRefused if !message.resumed && node.session.is_some());
        // A resumed session keeps its configuration; a new one is not resumable by default.
        let id_text = &*message.session_id;
        node.session = Some(Session {
            id: id_text.into(),
            kept: Kept::by_word(message.resumed),
        });
        node.state = State::Ready(ready);
        node.pulse.begin(now);
        node.schedule.was_ready = true;
        node.loss = None;
        node.replaying = message.resumed;
        node.reconciling = message.resumed;
        let awaiting = std::mem::take(&mut node.awaiting);
        let node_ref = node.node.clone();
        self.forget_told(id);
        self.greet(id, message.resumed);
        self.node_changed(id);
        self.emit_node(id, |node| Event::NodeReady {
            node,
            resumed: message.resumed,
        });
        self.answer_all(awaiting, &Ok(Answer::Node(node_ref)));
        // Its stats may have come before.
        self.rescore_without_stats();
        self.doubts_resumed(id, now);
        self.settle_outage(id, message.resumed, now);
        if !message.resumed {
            // Those that were put here before it was ready; a resumed session is compared first.
            self.sync_all(id);
        }
        self.place_waiting_players(now);
        self.return_home(id, now);
        self.route_waiting_requests();
        self.note_lane(id, LaneKind::Control);
        self.note_lane(id, LaneKind::Lookup);
    }

    /// What a ready node is asked first.
    fn greet(&mut self, id: NodeId, resumed: bool) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let mut over = std::collections::BTreeMap::new();
        if resumed {
            node.control.push_first(Job::Players);
        } else {
            // With the old session its players are gone, those that were to go as well.
            over = std::mem::take(&mut node.tombstones);
            mark!(GravesFellWithTheSession if !over.is_empty());
            node.doubted.clear();
            node.doubts.clear();
            node.is_unlisted = false;
            if node.keeping.resuming || node.keeping.is_changed {
                node.control.push_first(Job::Session { resuming: true });
            }
        }
        if node.info.is_none() || !resumed {
            // It may have come back with other sources.
            node.sources = None;
            node.lookup.push_first(Job::Info);
        }
        if !resumed {
            self.inherited_known(id);
        }
        for tombstone in over.into_values() {
            self.answer_all(tombstone.commands, &Ok(Answer::Done));
        }
    }

    /// The id, if the node is in the pool.
    pub(super) fn known(&self, id: NodeId) -> Result<NodeId, SubmitError> {
        let is_here = self.node(id).is_some_and(|node| !node.duty.is_over());
        if is_here {
            Ok(id)
        } else {
            Err(SubmitError::NoSuchNode)
        }
    }
}
