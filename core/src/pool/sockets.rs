//! What comes from the driver's sockets, and what they are told to do.

use super::lanes::Written;
use super::tables::Task;
use super::timers::Timer;
use super::wires::{Exchange, Rest, WireKind};
use super::{Pool, headers};
use crate::error::NodeFailure;
use crate::http::{Connection, Ended, HttpLimits};
use crate::id::{NodeId, SocketId};
use crate::node::{Job, LaneKind, Loss, State};
use crate::output::{Closed, Output};
use crate::player::Fields;
use crate::time::Timestamp;
use crate::websocket::{CloseCode, Incoming, WebSocket, WebSocketLimits};

impl Pool {
    pub(super) fn connected(&mut self, socket: SocketId, now: Timestamp) {
        // Once only: a socket that counted twice would serve two requests.
        if !self.is_dialled(socket) {
            return;
        }
        let Some(wire) = self.wires.get_mut(socket) else {
            return;
        };
        let node = wire.node;
        match &mut wire.kind {
            WireKind::WebSocket(_) => self.tables.opened(node, now),
            WireKind::Rest(rest) => {
                let kind = rest.lane;
                self.tables.timers.clear(&mut rest.timer);
                if let Some(node) = self.tables.node_mut(node) {
                    let lane = node.lane(kind);
                    lane.drop_socket(socket);
                    lane.idle.push(socket);
                }
                self.rest_idle(socket, now);
                self.tables.note_lane(node, kind);
            }
        }
        self.wires.touch(socket);
    }

    pub(super) fn received(&mut self, socket: SocketId, bytes: &[u8], now: Timestamp) {
        if self.is_dialled(socket) {
            return;
        }
        let Some(wire) = self.wires.get_mut(socket) else {
            return;
        };
        match &wire.kind {
            WireKind::WebSocket(_) if wire.closing.is_some() => {
                self.closing_received(socket, bytes);
            }
            WireKind::WebSocket(_) => self.websocket_received(socket, bytes, now),
            WireKind::Rest(_) => self.rest_received(socket, bytes, now),
        }
        self.wires.touch(socket);
    }

    /// Whether the driver has yet to say that the socket is connected.
    fn is_dialled(&mut self, socket: SocketId) -> bool {
        let Some(wire) = self.wires.get_mut(socket) else {
            return false;
        };
        let Some(node) = self.tables.node_mut(wire.node) else {
            return false;
        };
        match &wire.kind {
            WireKind::WebSocket(_) => {
                matches!(node.state, State::Dialling { socket: own, .. } if own == socket)
            }
            WireKind::Rest(rest) => node.lane(rest.lane).dialling.contains(&socket),
        }
    }

    fn websocket_received(&mut self, socket: SocketId, mut bytes: &[u8], now: Timestamp) {
        let Self { wires, tables, .. } = self;
        let Some(wire) = wires.get_mut(socket) else {
            return;
        };
        let node = wire.node;
        let WireKind::WebSocket(websocket) = &mut wire.kind else {
            return;
        };
        tables.heard(node, now);
        // Each message is handled while it is borrowed from the socket's own buffer.
        while tables.owns(node, socket) {
            match websocket.next(&mut bytes) {
                Ok(None) => break,
                Ok(Some(Incoming::Text(text))) => tables.text(node, text, now),
                Ok(Some(Incoming::Binary(_))) => tables.binary(node),
                Ok(Some(Incoming::Pong(payload))) => tables.pong(node, payload, now),
                Ok(Some(Incoming::Accepted(upgraded))) => tables.upgraded(node, &upgraded, now),
                Ok(Some(Incoming::Closed(frame))) => tables.closed_by_frame(node, &frame, now),
                Err(violation) => tables.upgrade_failed(node, violation, now),
            }
        }
    }

    /// A WebSocket that the pool is done with: only the peer's close frame matters.
    fn closing_received(&mut self, socket: SocketId, mut bytes: &[u8]) {
        let Some(wire) = self.wires.get_mut(socket) else {
            return;
        };
        let WireKind::WebSocket(websocket) = &mut wire.kind else {
            return;
        };
        while let Ok(Some(_)) = websocket.next(&mut bytes) {}
        mark!(CloseAnswered if websocket.is_closed());
        if websocket.is_closed() && websocket.pending().is_empty() {
            self.drop_socket(socket);
        }
    }

    fn rest_received(&mut self, socket: SocketId, mut bytes: &[u8], now: Timestamp) {
        loop {
            let Self { wires, tables, .. } = self;
            let Some(wire) = wires.get_mut(socket) else {
                return;
            };
            let node = wire.node;
            let WireKind::Rest(rest) = &mut wire.kind else {
                return;
            };
            let exchange = rest.exchange;
            match rest.connection.next(&mut bytes) {
                Ok(None) => return,
                Ok(Some(response)) => {
                    let Some(exchange) = exchange else { return };
                    tables.exchange_ended(node, socket, rest.lane, &exchange);
                    tables.responded(node, &exchange, &response, now);
                    let reusable = response.reusable;
                    self.exchange_over(socket, reusable, now);
                }
                Err(_) => {
                    mark!(ResponseInvalid);
                    self.exchange_failed(socket, NodeFailure::ProtocolViolation, now);
                    return;
                }
            }
        }
    }

    /// The response is handled: the socket is free for the next request, or of no further use.
    fn exchange_over(&mut self, socket: SocketId, reusable: bool, now: Timestamp) {
        let Some(wire) = self.wires.get_mut(socket) else {
            return;
        };
        let node = wire.node;
        let WireKind::Rest(rest) = &mut wire.kind else {
            return;
        };
        let kind = rest.lane;
        rest.exchange = None;
        rest.reused = true;
        self.tables.timers.clear(&mut rest.timer);
        mark!(LastAnswerOfANode if self.tables.node(node).is_none());
        match self.tables.node_mut(node) {
            Some(node) if reusable => {
                node.lane(kind).idle.push(socket);
                self.rest_idle(socket, now);
            }
            // The response may have been the last of a node that was removed.
            Some(_) | None => self.drop_socket(socket),
        }
        self.tables.note_lane(node, kind);
    }

    /// The socket waits for a request; the server would close it after a while.
    fn rest_idle(&mut self, socket: SocketId, now: Timestamp) {
        let at = now + self.tables.config.timing.keep_alive;
        let timer = self.tables.timers.arm(at, Timer::Idle(socket));
        if let Some(wire) = self.wires.get_mut(socket)
            && let WireKind::Rest(rest) = &mut wire.kind
        {
            rest.timer = Some(timer);
        }
    }

    /// The request on the socket, if there is one, has failed; the socket is closed.
    pub(super) fn exchange_failed(
        &mut self,
        socket: SocketId,
        failure: NodeFailure,
        now: Timestamp,
    ) {
        let Some(wire) = self.wires.get_mut(socket) else {
            return;
        };
        let node = wire.node;
        let WireKind::Rest(rest) = &mut wire.kind else {
            return;
        };
        let (kind, exchange) = (rest.lane, rest.exchange.take());
        self.drop_socket(socket);
        if let Some(exchange) = exchange {
            self.tables.exchange_ended(node, socket, kind, &exchange);
            self.tables.failed(node, &exchange, failure, now);
        }
        self.tables.note_lane(node, kind);
    }

    pub(super) fn closed(&mut self, socket: SocketId, closed: Closed, now: Timestamp) {
        let Some(wire) = self.wires.get_mut(socket) else {
            return;
        };
        let node = wire.node;
        match &mut wire.kind {
            WireKind::WebSocket(_) => {
                let is_own = self.tables.owns(node, socket);
                self.forget_socket(socket);
                if is_own {
                    self.tables.node_lost(node, Loss::Socket(closed), now);
                }
            }
            WireKind::Rest(_) => self.rest_closed(socket, closed, now),
        }
    }

    fn rest_closed(&mut self, socket: SocketId, closed: Closed, now: Timestamp) {
        let Self { wires, tables, .. } = self;
        let Some(wire) = wires.get_mut(socket) else {
            return;
        };
        let node = wire.node;
        let WireKind::Rest(rest) = &mut wire.kind else {
            return;
        };
        let (kind, reused) = (rest.lane, rest.reused);
        let Some(exchange) = rest.exchange.take() else {
            let was_dialling = tables
                .node_mut(node)
                .is_some_and(|node| node.lane(kind).dialling.contains(&socket));
            self.forget_socket(socket);
            if was_dialling {
                self.tables.dial_failed(node, kind, now);
            }
            return self.tables.note_lane(node, kind);
        };
        tables.exchange_ended(node, socket, kind, &exchange);
        match rest.connection.end_of_stream() {
            // A body that lasts until the end is whole only if the end was meant.
            Ok(Some(response)) if closed == Closed::EndOfStream => {
                tables.responded(node, &exchange, &response, now);
            }
            // The server closed the idle socket while the request was on its way to it.
            Err(Ended::BeforeResponse) if reused && tables.may_repeat_at_once(&exchange) => {
                mark!(KeepAliveDied);
                tables.repeat_on_fresh(node, &exchange, now);
            }
            Ok(_) | Err(Ended::Idle | Ended::BeforeResponse | Ended::InsideResponse) => {
                tables.failed(node, &exchange, NodeFailure::ConnectionLost, now);
            }
        }
        self.forget_socket(socket);
        self.tables.note_lane(node, kind);
    }

    pub(super) fn wrote(&mut self, socket: SocketId, count: usize) {
        let Some(wire) = self.wires.get_mut(socket) else {
            return;
        };
        wire.wrote(count);
        let is_over = match &wire.kind {
            WireKind::WebSocket(websocket) => {
                wire.closing.is_some() && websocket.is_closed() && websocket.pending().is_empty()
            }
            WireKind::Rest(_) => false,
        };
        if is_over {
            self.drop_socket(socket);
        }
        self.wires.touch(socket);
    }

    /// Tells the driver to close the socket, and forgets it.
    pub(super) fn drop_socket(&mut self, socket: SocketId) {
        if self.wires.get(socket).is_some() {
            self.tables.outputs.push_back(Output::Close(socket));
            self.forget_socket(socket);
        }
    }

    fn forget_socket(&mut self, socket: SocketId) {
        let Some(wire) = self.wires.remove(socket) else {
            return;
        };
        match wire.kind {
            WireKind::WebSocket(_) => {
                let mut closing = wire.closing;
                self.tables.timers.clear(&mut closing);
                self.tables.parted(wire.node, socket);
            }
            WireKind::Rest(mut rest) => {
                self.tables.timers.clear(&mut rest.timer);
                if let Some(node) = self.tables.node_mut(wire.node) {
                    node.lane(rest.lane).drop_socket(socket);
                }
            }
        }
    }

    /// Does what the tables decided.
    pub(super) fn run(&mut self, task: Task, now: Timestamp) {
        match task {
            Task::Dial(node) => self.dial_websocket(node, now),
            Task::Ping(socket, number) => {
                if let Some(wire) = self.wires.get_mut(socket)
                    && let WireKind::WebSocket(websocket) = &mut wire.kind
                {
                    websocket.ping(&number.to_be_bytes());
                    self.wires.touch(socket);
                }
            }
            Task::Linger(socket) => self.linger(socket, now),
            Task::Close(socket) => self.close_websocket(socket, now),
            Task::Drop(socket) => self.drop_socket(socket),
            Task::Clear(node, kind) => self.clear_lane(node, kind, now),
            Task::EndSession(node) => self.end_session(node, now),
        }
    }

    fn dial_websocket(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.tables.node(id) else {
            return;
        };
        debug_assert!(
            matches!(node.state, State::Due),
            "nothing happens to a node before it is dialled"
        );
        let request = headers::Upgrade::new(&self.tables.config, node);
        let limits = WebSocketLimits {
            header_bytes_max: self.tables.config.limits.header_bytes_max,
            message_bytes_max: self.tables.config.limits.message_bytes_max,
        };
        self.streams += 1;
        let websocket = WebSocket::new(
            &request.as_request(),
            limits,
            self.seed.stream(self.streams),
        );
        let endpoint = node.config.endpoint().clone();
        let socket = self
            .wires
            .insert(id, WireKind::WebSocket(Box::new(websocket)));
        self.tables.dialled(id, socket, now);
        self.tables
            .outputs
            .push_back(Output::Connect(socket, endpoint));
    }

    /// Sends a close frame; the socket is dropped when the peer has answered it, or at the
    /// deadline.
    fn close_websocket(&mut self, socket: SocketId, now: Timestamp) {
        let Some(wire) = self.wires.get_mut(socket) else {
            return;
        };
        let WireKind::WebSocket(websocket) = &mut wire.kind else {
            return;
        };
        websocket.close(CloseCode::NORMAL, "");
        if websocket.is_closed() && websocket.pending().is_empty() {
            return self.drop_socket(socket);
        }
        self.linger(socket, now);
        self.wires.touch(socket);
    }

    /// Whatever still is to happen on the socket must have happened by the deadline.
    fn linger(&mut self, socket: SocketId, now: Timestamp) {
        let Some(wire) = self.wires.get_mut(socket) else {
            return;
        };
        let at = now + self.tables.config.timing.close_deadline;
        self.tables.timers.clear(&mut wire.closing);
        wire.closing = Some(self.tables.timers.arm(at, Timer::Close(socket)));
    }

    /// A REST socket was not connected in time.
    pub(super) fn dial_due(&mut self, socket: SocketId, now: Timestamp) {
        let Some(wire) = self.wires.get(socket) else {
            return;
        };
        let node = wire.node;
        let WireKind::Rest(rest) = &wire.kind else {
            return;
        };
        let kind = rest.lane;
        mark!(RestDialTimedOut);
        self.drop_socket(socket);
        self.tables.dial_failed(node, kind, now);
        self.tables.note_lane(node, kind);
    }

    /// Gives the lane's free sockets what waits, and opens more if the lane may have them.
    pub(super) fn pump(&mut self, id: NodeId, kind: LaneKind, now: Timestamp) {
        while let Some((socket, job)) = self.tables.next_job(id, kind) {
            self.start(id, kind, socket, job, now);
        }
        let Some(node) = self.tables.node_mut(id) else {
            return;
        };
        if !node.may_ask() {
            return;
        }
        let endpoint = node.config.endpoint().clone();
        for _ in 0..node.lane(kind).sockets_wanted() {
            let rest = Rest::new(kind, Connection::new(self.http_limits()));
            let socket = self.wires.insert(id, WireKind::Rest(Box::new(rest)));
            let at = now + self.tables.config.timing.connect_deadline;
            let timer = self.tables.timers.arm(at, Timer::Dial(socket));
            if let Some(wire) = self.wires.get_mut(socket)
                && let WireKind::Rest(rest) = &mut wire.kind
            {
                rest.timer = Some(timer);
            }
            if let Some(node) = self.tables.node_mut(id) {
                node.lane(kind).dialling.push(socket);
            }
            self.tables
                .outputs
                .push_back(Output::Connect(socket, endpoint.clone()));
        }
    }

    fn http_limits(&self) -> HttpLimits {
        HttpLimits {
            header_bytes_max: self.tables.config.limits.header_bytes_max,
            body_bytes_max: self.tables.config.limits.body_bytes_max,
        }
    }

    /// Writes the job's request to a free socket.
    fn start(&mut self, id: NodeId, kind: LaneKind, socket: SocketId, job: Job, now: Timestamp) {
        let at = now + self.tables.config.timing.request_deadline;
        let Self {
            wires,
            tables,
            scratch,
            ..
        } = self;
        let Some(wire) = wires.get_mut(socket) else {
            return;
        };
        let WireKind::Rest(rest) = &mut wire.kind else {
            return;
        };
        scratch.clear();
        tables.exchanges = tables.exchanges.wrapping_add(1);
        let serial = tables.exchanges;
        let Some(written) = tables.write_request(id, job, scratch, now) else {
            // Nothing is left to ask: the socket stays free.
            mark!(NothingLeftToAsk);
            if let Some(node) = tables.node_mut(id) {
                node.lane(kind).idle.push(socket);
            }
            return;
        };
        let Some(node) = tables.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        let Written { method, effect } = written;
        let Some(mut draft) = rest.connection.draft(method, &node.headers) else {
            return;
        };
        draft.target().literal(scratch.target());
        draft.body().extend_from_slice(&scratch.body);
        draft.send();
        node.patching.extend(effect.guild);
        node.changing_session |= effect.changes_session;
        let lane = node.lane(kind);
        lane.busy.push(socket);
        lane.voice += usize::from(effect.fields.has(Fields::VOICE));
        lane.moves += usize::from(effect.moves);
        rest.exchange = Some(Exchange {
            serial,
            job,
            sent_at: now,
            effect,
        });
        tables.timers.clear(&mut rest.timer);
        rest.timer = Some(tables.timers.arm(at, Timer::Exchange(socket)));
        wires.touch(socket);
    }
}
