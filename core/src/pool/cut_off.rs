//! The requests that a loss or a departure cuts off.

use super::Pool;
use super::tables::Tables;
use super::wires::{Exchange, WireKind};
use crate::error::NodeFailure;
use crate::id::NodeId;
use crate::node::{LaneKind, State};
use crate::time::Timestamp;

impl Pool {
    /// Closes all REST sockets of a lane, whatever they are doing.
    pub(super) fn clear_lane(&mut self, id: NodeId, kind: LaneKind, now: Timestamp) {
        self.cut_off(id, kind, now, |_, _| true);
    }

    /// The node's session is away or over: nothing more is asked about it.
    pub(super) fn end_session(&mut self, id: NodeId, now: Timestamp) {
        let node = self.tables.node(id);
        let leaves = node.is_some_and(|node| matches!(node.state, State::Leaving { .. }));
        self.cut_off(id, LaneKind::Control, now, |_, exchange| {
            // What is said about the session last must also arrive last.
            !leaves || !exchange.is_some_and(|exchange| exchange.effect.changes_session)
        });
        self.cut_off(id, LaneKind::Lookup, now, |tables, exchange| {
            exchange.is_some_and(|exchange| tables.names_session(exchange.job))
        });
    }

    /// Closes those sockets of a lane that are to be, by what is on them.
    fn cut_off(
        &mut self,
        id: NodeId,
        kind: LaneKind,
        now: Timestamp,
        is_cut: impl Fn(&Tables, Option<&Exchange>) -> bool,
    ) {
        let sockets = self
            .tables
            .node_mut(id)
            .map(|node| node.lane(kind).sockets().collect());
        let sockets: Vec<_> = sockets.unwrap_or_default();
        for socket in sockets {
            let exchange = match self.wires.get(socket).map(|wire| &wire.kind) {
                Some(WireKind::Rest(rest)) => rest.exchange.as_ref(),
                Some(WireKind::WebSocket(_)) | None => None,
            };
            if is_cut(&self.tables, exchange) {
                mark!(RequestCutOff);
                self.exchange_failed(socket, NodeFailure::SessionLost, now);
            }
        }
    }
}
