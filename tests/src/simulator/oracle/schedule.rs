//! When nodes are dialled, and why they are not dialled any more.

use std::time::Duration;

use lavapool_core::node::{Loss, NodeRef, Stopped};
use lavapool_core::{Event, NodeId, SocketId};

use super::{Asked, CLOSE_DEADLINE, Oracle, Socket};
use crate::invariant::Invariant;

impl Oracle {
    /// The application lets a server be dialled, whatever the schedule.
    pub(in crate::simulator) fn expect_dial(&mut self, host: usize, now: Duration) {
        let host = &mut self.hosts[host];
        host.ordered_at = Some(now);
        if host.is_over {
            host.failed = 0;
        }
        host.is_over = false;
        host.is_leaving = false;
        host.redial_at = None;
    }

    /// A node is gone: it is never dialled again.
    pub(in crate::simulator) fn removed(&mut self, host: usize) {
        self.hosts[host].is_over |= self.hosts[host].is_leaving;
    }

    /// A node was removed: its players may still be told so.
    pub(in crate::simulator) fn leaves(&mut self, host: usize) {
        self.hosts[host].is_leaving = true;
        self.hosts[host].redial_at = None;
        self.hosts[host].resumable = None;
    }

    /// A server is a node of the pool from now on, by this name of the pool's.
    pub(in crate::simulator) fn becomes(&mut self, host: usize, node: Option<NodeId>) {
        let host = &mut self.hosts[host];
        (host.node, host.failed, host.ready_at) = (node, 0, None);
        host.is_stopped = false;
    }

    /// Whether it was told that a server is not dialled any more.
    pub(in crate::simulator) fn is_given_up(&self, host: usize) -> bool {
        self.hosts[host].is_stopped
    }

    pub(super) fn dialled(&mut self, id: SocketId, name: &str, at: Duration) {
        let Some(index) = self.names.iter().position(|known| known == name) else {
            return;
        };
        let socket = Socket {
            host: index,
            asked: Asked::default(),
            changing: None,
            begins: None,
            is_of_players: false,
            websocket: None,
        };
        self.sockets.insert(id, socket);
        let host = &mut self.hosts[index];
        host.is_stopped = false;
        let (is_over, redial_at) = (host.is_over, host.redial_at);
        self.require(!is_over, Invariant::OverIsOver, || {
            format!("{name} is dialled, though it was removed or refused the pool")
        });
        if let Some(due) = redial_at {
            self.require(at >= due, Invariant::DialsOnSchedule, || {
                format!("{name} is dialled at {at:?}, {:?} too early", due - at)
            });
            let spoken = if self.hosts[index].is_spoken {
                CLOSE_DEADLINE
            } else {
                Duration::ZERO
            };
            let latest = due.max(self.late_until) + self.lag_max + spoken;
            self.require(at <= latest, Invariant::DialsOnSchedule, || {
                format!("{name} is dialled at {at:?}, {:?} too late", at - latest)
            });
            self.hosts[index].redial_at = None;
        }
    }

    /// A node will be dialled again: exactly on schedule.
    pub(super) fn reconnecting(
        &mut self,
        name: &str,
        attempt: u32,
        delay: Duration,
        loss: &Loss,
        at: Duration,
    ) {
        let Some(index) = self.index(name) else {
            return;
        };
        let scheduled = Duration::from_secs(2 * u64::from(attempt)).min(DELAY_MAX);
        self.require(delay == scheduled, Invariant::DelaysExact, || {
            format!("try {attempt} of {name} comes after {delay:?}, not after {scheduled:?}")
        });
        let late = self.lag_max + Duration::from_millis(1);
        let host = &mut self.hosts[index];
        let ready_at = host.ready_at.take();
        let is_late = ready_at.is_some_and(|ready| self.late_until >= ready);
        let ready_for = ready_at.map(|ready| at.saturating_sub(ready));
        // The timer that says so may ring late.
        let was_stable = ready_for.is_some_and(|time| time + late >= STABLE_AFTER);
        let was_brief = ready_for.is_none_or(|time| time <= STABLE_AFTER + late || is_late);
        host.failed = match ready_at {
            None => host.failed + 1,
            Some(_) if was_brief => host.failed,
            Some(_) => 0,
        };
        let next = host.attempt + 1;
        // An order to dial, if it is taken, begins the schedule anew.
        let is_ordered = host.ordered_at.take().is_some();
        let fits = (attempt == 0 && was_stable)
            || (attempt == next && was_brief)
            || (attempt <= next && is_ordered);
        host.attempt = attempt;
        host.redial_at = Some(at + delay);
        host.is_spoken = matches!(
            loss,
            Loss::Closed { .. } | Loss::Violation(_) | Loss::SessionNotFound | Loss::Requested
        );
        self.require(fits, Invariant::TriesCounted, || {
            format!(
                "try {attempt} of {name} instead of {next}, after {loss}, ready for {ready_for:?}, \
                 ordered {is_ordered}"
            )
        });
    }

    /// A node is not dialled any more: only if nothing would come of another try.
    pub(super) fn stopped(&mut self, name: &str, cause: &Stopped, at: Duration) {
        let Some(index) = self.index(name) else {
            return;
        };
        let is_doubted = self.doubts.is_host_doubted(index, at);
        let host = &mut self.hosts[index];
        let failed = host.failed + 1;
        let has_reason = match cause {
            Stopped::Unauthorized
            | Stopped::Forbidden
            | Stopped::BadRequest
            | Stopped::Incompatible { .. } => host.is_refused || is_doubted,
            Stopped::GaveUp { attempts, .. } => {
                let is_enough = |retries| *attempts > retries && *attempts <= failed;
                self.retries.is_some_and(is_enough)
            }
            Stopped::Closed => host.is_leaving || self.told.is_closing(),
            _ => false,
        };
        host.is_over = !host.is_leaving;
        host.is_stopped = true;
        host.redial_at = None;
        self.require(has_reason, Invariant::StoppedForAReason, || {
            format!("{name} is given up, as {cause}, after {failed} tries at most")
        });
    }

    /// What is told of a node is of the one that was added last under its name.
    pub(super) fn judge_generation(&mut self, event: &Event) {
        let Some(node) = node_of(event) else {
            return;
        };
        let index = self.index(&node.name);
        let present = index.and_then(|index| self.hosts[index].node);
        let is_present = present.is_none_or(|present| present == node.id);
        self.require(is_present, Invariant::NodeIsThePresentOne, || {
            format!("{event:?} is told, and {} is {present:?}", node.name)
        });
    }
}

/// The node that an event is about.
fn node_of(event: &Event) -> Option<&NodeRef> {
    match event {
        Event::NodeReady { node, .. }
        | Event::NodeDisconnected { node, .. }
        | Event::NodeReconnecting { node, .. }
        | Event::NodeStopped { node, .. }
        | Event::NodeStatus { node, .. }
        | Event::NodeStats { node, .. }
        | Event::PlayerAdopted { node, .. }
        | Event::Plugin { node, .. }
        | Event::Unknown { node, .. }
        | Event::Undecodable { node, .. } => Some(node),
        _ => None,
    }
}

const DELAY_MAX: Duration = Duration::from_secs(30);
const STABLE_AFTER: Duration = Duration::from_secs(10);
