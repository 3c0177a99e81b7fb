//! The loss of a node's connection, and the schedule by which it is dialled again.

use std::time::Duration;

use rand_core::Rng;

use super::tables::{Tables, Task};
use super::timers::Timer;
use crate::error::{NodeFailure, RequestError};
use crate::event::Event;
use crate::id::{NodeId, SocketId};
use crate::node::{Job, Kept, Last, Loss, Ready, Schedule, State, Stopped};
use crate::time::Timestamp;

impl Tables {
    /// The connection, or the try to make one, ended; the schedule goes on.
    pub(super) fn node_lost(&mut self, id: NodeId, loss: Loss, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let pulse = node.is_ready().then_some(node.pulse);
        let parting = node.socket().filter(|_| loss.is_ours());
        node.loss = Some(loss.clone());
        if pulse.is_none() {
            node.schedule.failures = node.schedule.failures.saturating_add(1);
        }
        self.disconnect(id, loss.is_spoken());
        if pulse.is_some() {
            let loss = loss.clone();
            self.emit_node(id, |node| Event::NodeDisconnected { node, loss });
        }
        let last = pulse.map(|pulse| {
            if loss.is_late() {
                Last::Heard(pulse)
            } else {
                Last::ByPulse(pulse)
            }
        });
        if self.node(id).is_some_and(|node| node.duty.is_over()) {
            self.stop_node(id, Stopped::Closed);
            mark!(LostWhileLeaving);
        } else {
            self.schedule_redial(id, loss, parting, now);
        }
        match last {
            Some(last) => self.begin_outage(id, last, now),
            None => self.redial_failed(id, now),
        }
        self.departed(id);
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
        let own = node.config.own_retries();
        let retries = own.unwrap_or(self.config.reconnect.retries);
        if retries.is_some_and(|retries| failures > retries) {
            mark!(TriesUsedUp);
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
    pub(super) fn parted(&mut self, id: NodeId, socket: SocketId) {
        match self.node(id).map(|node| &node.state) {
            Some(State::Parting { socket: old }) if *old == socket => {
                mark!(OldSocketAwaited);
                self.redial_due(id);
            }
            Some(State::Leaving { socket: old }) if *old == socket => self.departed(id),
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
    pub(super) fn refused(&mut self, id: NodeId, cause: Stopped, now: Timestamp) {
        self.disconnect(id, false);
        self.stop_node(id, cause);
        self.redial_failed(id, now);
        self.departed(id);
    }

    pub(super) fn stop_node(&mut self, id: NodeId, cause: Stopped) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.state = State::Stopped(cause.clone());
        let awaiting = std::mem::take(&mut node.awaiting);
        let refused = RequestError::Refused {
            node: node.node.name.clone(),
            cause: cause.clone(),
        };
        self.answer_all(awaiting, &Err(refused));
        self.emit_node(id, |node| Event::NodeStopped { node, cause });
        self.node_changed(id);
        self.inherited_due(id, self.now);
    }

    /// Leaves whatever state the connection is in, with its timers, sockets and requests; with a
    /// close frame if that is polite to a peer that still listens.
    pub(super) fn disconnect(&mut self, id: NodeId, politely: bool) {
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
                node.session.take_if(|session| session.kept != Kept::Yes);
                let task = if politely { Task::Close } else { Task::Drop };
                self.tasks.push_back(task(ready.socket));
                self.unready(id, ready);
            }
        }
    }

    /// Takes back everything that only a ready node has.
    pub(super) fn unready(&mut self, id: NodeId, mut ready: Ready) {
        self.rescore(id);
        self.timers.cancel(ready.heartbeat);
        self.timers.clear(&mut ready.stable);
        if let Some((_, _, deadline)) = ready.ping {
            self.timers.cancel(deadline);
        }
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        self.timers.clear(&mut node.postponed_timer);
        self.timers.clear(&mut node.doubt_timer);
        self.timers.clear(&mut node.evacuation);
        node.postponed.clear();
        (node.setbacks, node.unlisted) = (0, 0);
        node.latency = None;
        node.stats = None;
        node.load = None;
        node.reserved.clear();
        node.reconciling = false;
        // Nothing that names the session is asked any more.
        node.control.retain(|job| matches!(job, Job::Request(_)));
        node.lookup.retain(|job| !matches!(job, Job::Plugin(..)));
        node.tombstones
            .values_mut()
            .for_each(|tombstone| tombstone.queued = false);
        let pings = std::mem::take(&mut node.pings);
        self.answer_all(
            pings,
            &Err(RequestError::NodeFailed(NodeFailure::ConnectionLost)),
        );
        self.tasks.push_back(Task::EndSession(id));
        let players = self.players.iter_mut();
        for player in players.filter(|player| player.target() == Some(id)) {
            player.stage.unqueue();
        }
        self.reroute_requests(id);
        self.rescore_without_stats();
    }
}
