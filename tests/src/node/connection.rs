//! Connections: bytes in, requests and frames out of them, answers when they are due.

use std::time::Duration;

use super::frames::{self, Frames, Incoming};
use super::handshake::Upgrade;
use super::http::{BARE_400, CONTINUE, Parsed, Request, Response};
use super::log::{RequestRecord, Violation, ViolationRecord};
use super::{Action, AnswerKind, ConnectionId, How, TestNode, Timer};

/// A connection that both sides believe to be open, or at least one of them.
#[derive(Debug)]
pub(super) struct Connection {
    wire: Wire,
    hearing: Hearing,
    idle_since: Duration,
}

/// What happens to the bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    /// They are read and answered.
    Served,
    /// They are not read, but the end of the connection is noticed.
    Ignored,
    /// Nothing gets through in either direction, not even the end.
    Frozen,
}

#[derive(Debug)]
enum Wire {
    Http {
        buffer: Vec<u8>,
        continued: bool,
        pending: Option<Pending>,
    },
    WebSocket {
        frames: Frames,
        session: Option<String>,
    },
}

/// A request on its way to its answer.
#[derive(Debug)]
pub(super) struct Pending {
    request: Request,
    kind: AnswerKind,
    /// Its number among all requests that were logged; none for an upgrade.
    record: Option<usize>,
    /// When it takes effect and is answered; none is never.
    due: Option<Duration>,
}

impl Connection {
    /// Tells whether nothing gets through, not even the end of the connection.
    pub(super) fn is_frozen(&self) -> bool {
        self.hearing == Hearing::Frozen
    }

    /// Lets nothing through from here on.
    pub(super) fn freeze(&mut self) {
        self.hearing = Hearing::Frozen;
    }

    /// Tells whether the connection was upgraded.
    pub(super) fn is_websocket(&self) -> bool {
        matches!(self.wire, Wire::WebSocket { .. })
    }
}

impl TestNode {
    pub(super) fn add_connection(&mut self, id: ConnectionId, hearing: Hearing) {
        let wire = Wire::Http {
            buffer: Vec::new(),
            continued: false,
            pending: None,
        };
        self.connections.insert(
            id,
            Connection {
                wire,
                hearing,
                idle_since: self.now,
            },
        );
        self.arm(self.now + IDLE_MAX, Timer::Idle(id));
    }

    pub(super) fn read(&mut self, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        if connection.hearing != Hearing::Served {
            return;
        }
        match &mut connection.wire {
            Wire::Http { buffer, .. } => {
                buffer.extend(bytes);
                self.read_requests(id);
            }
            Wire::WebSocket { frames, .. } => {
                frames.extend(bytes);
                self.read_frames(id);
            }
        }
    }

    /// Answers what is due on a connection, then goes on with what was pipelined behind it.
    pub(super) fn answer_due(&mut self, id: ConnectionId) {
        let now = self.now;
        let Some(Connection {
            wire: Wire::Http { pending, .. },
            ..
        }) = self.connections.get_mut(&id)
        else {
            return;
        };
        let is_due = |waiting: &mut Pending| waiting.due.is_some_and(|due| due <= now);
        let Some(pending) = pending.take_if(is_due) else {
            return;
        };
        self.answer(id, pending);
        self.read_requests(id);
    }

    /// Lets requests take effect whose clients did not wait for the answer.
    pub(super) fn run_abandoned(&mut self) {
        let now = self.now;
        let abandoned = std::mem::take(&mut self.abandoned);
        let (due, waiting) = abandoned
            .into_iter()
            .partition(|pending| pending.due.is_some_and(|due| due <= now));
        self.abandoned = waiting;
        let due: Vec<Pending> = due;
        for pending in due {
            if let Some(response) = self.rest(&pending.request) {
                self.note_answer(pending.record, response.status);
            }
        }
    }

    /// Ends a keep-alive connection that has been idle for too long.
    pub(super) fn close_idle(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        let Wire::Http { pending: None, .. } = connection.wire else {
            return;
        };
        if connection.idle_since + IDLE_MAX <= self.now {
            self.end(id, How::Fin);
        }
    }

    /// Ends a connection from this side.
    pub(super) fn end(&mut self, id: ConnectionId, how: How) {
        if self.connections.contains_key(&id) {
            self.actions.push_back(Action::Close(id, how));
            self.forget(id);
        }
    }

    /// Lets go of a connection, and of what depends on it.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        match connection.wire {
            Wire::Http {
                pending: Some(pending),
                ..
            } => {
                if let (Some(due), Some(_)) = (pending.due, pending.record) {
                    self.abandoned.push(pending);
                    self.arm(due, Timer::Abandoned);
                }
            }
            Wire::WebSocket {
                session: Some(session),
                ..
            } => self.detach(&session),
            Wire::Http { pending: None, .. } | Wire::WebSocket { session: None, .. } => {}
        }
    }

    /// Sends bytes to a client, unless nothing gets through to it.
    pub(super) fn send(&mut self, id: ConnectionId, bytes: Vec<u8>) {
        let served = |connection: &Connection| connection.hearing == Hearing::Served;
        if self.connections.get(&id).is_some_and(served) {
            self.actions.push_back(Action::Send(id, bytes));
        }
    }

    fn read_requests(&mut self, id: ConnectionId) {
        loop {
            let Some(Connection {
                wire:
                    Wire::Http {
                        buffer,
                        continued,
                        pending: None,
                    },
                ..
            }) = self.connections.get_mut(&id)
            else {
                return;
            };
            match Request::parse(buffer, *continued) {
                Parsed::Incomplete => return,
                Parsed::Expecting => {
                    *continued = true;
                    self.send(id, CONTINUE.to_vec());
                }
                Parsed::Broken(violation) => {
                    self.note_violation(id, violation);
                    self.send(id, BARE_400.to_vec());
                    self.end(id, How::Fin);
                }
                Parsed::Request(request, used, flaw) => {
                    buffer.drain(..used);
                    *continued = false;
                    if let Some(violation) = flaw {
                        self.note_violation(id, violation);
                    }
                    self.take_request(id, request);
                }
            }
        }
    }

    fn take_request(&mut self, id: ConnectionId, request: Request) {
        let kind = request.kind();
        let record = (kind != AnswerKind::Handshake).then(|| {
            self.log.requests.push(RequestRecord {
                at: self.now(),
                connection: id,
                method: request.method.clone(),
                target: request.target.clone(),
                headers: request.headers.clone(),
                body: request.body.clone(),
                status: None,
                answered_at: None,
            });
            self.log_taken + self.log.requests.len() - 1
        });
        let due = (!self.faults.unanswered.contains(&kind))
            .then(|| self.now + self.config.latency.of(kind) + self.faults.delay(kind));
        let pending = Pending {
            request,
            kind,
            record,
            due,
        };
        if due.is_some_and(|due| due <= self.now) {
            self.answer(id, pending);
            return;
        }
        if let Some(Connection {
            wire: Wire::Http { pending: place, .. },
            ..
        }) = self.connections.get_mut(&id)
        {
            *place = Some(pending);
        }
        if let Some(due) = due {
            self.arm(due, Timer::Answer(id));
        }
    }

    fn answer(&mut self, id: ConnectionId, pending: Pending) {
        let request = &pending.request;
        let response = if pending.kind == AnswerKind::Handshake {
            match self.upgrade(id, request) {
                Upgrade::Refused(response) => response,
                Upgrade::Done { head, opening } => {
                    self.switch(id, head, opening);
                    return;
                }
            }
        } else {
            match self.rest(request) {
                Some(response) => response,
                None => {
                    self.park(id, pending);
                    return;
                }
            }
        };
        if let Some(violation) = response.flaw {
            self.note_violation(id, violation);
        }
        self.note_answer(pending.record, response.status);
        self.respond(id, request, &response);
    }

    fn respond(&mut self, id: ConnectionId, request: &Request, response: &Response) {
        if self.faults.lost.contains(&request.kind()) {
            self.end(id, How::Reset);
            return;
        }
        let is_head = request.method == "HEAD";
        self.send(
            id,
            response.write(is_head, request.keep_alive, self.unix_ms()),
        );
        if !request.keep_alive {
            self.end(id, How::Fin);
        } else if let Some(connection) = self.connections.get_mut(&id) {
            connection.idle_since = self.now;
            self.arm(self.now + IDLE_MAX, Timer::Idle(id));
        }
    }

    /// Keeps a request that will never be answered, so that nothing behind it is either.
    fn park(&mut self, id: ConnectionId, mut parked: Pending) {
        if let Some(Connection {
            wire: Wire::Http { pending, .. },
            ..
        }) = self.connections.get_mut(&id)
        {
            parked.due = None;
            *pending = Some(parked);
        }
    }

    /// Turns a connection into a WebSocket, which may have sent frames already.
    fn switch(&mut self, id: ConnectionId, head: Vec<u8>, opening: super::handshake::Opening) {
        self.send(id, head);
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let mut frames = Frames::default();
        if let Wire::Http { buffer, .. } = &connection.wire {
            frames.extend(buffer);
        }
        connection.wire = Wire::WebSocket {
            frames,
            session: None,
        };
        let opened = self.open_websocket(id, opening);
        if let Some(Connection {
            wire: Wire::WebSocket { session, .. },
            ..
        }) = self.connections.get_mut(&id)
        {
            *session = opened;
        }
        self.read_frames(id);
    }

    fn read_frames(&mut self, id: ConnectionId) {
        loop {
            let Some(Connection {
                wire: Wire::WebSocket { frames, .. },
                ..
            }) = self.connections.get_mut(&id)
            else {
                return;
            };
            match frames.next() {
                Ok(None) => return,
                Ok(Some(incoming)) => self.take_frame(id, incoming),
                Err(violation) => {
                    self.note_violation(id, violation);
                    let code = if violation == Violation::InvalidUtf8 {
                        1007
                    } else {
                        1002
                    };
                    self.send(id, frames::close_with(code, ""));
                    self.end(id, How::Fin);
                }
            }
        }
    }

    fn take_frame(&mut self, id: ConnectionId, incoming: Incoming) {
        let counts = &mut self.log.frames;
        match incoming {
            Incoming::Text => counts.text += 1,
            Incoming::Pong => counts.pong += 1,
            Incoming::Ping(payload) => {
                counts.ping += 1;
                self.send(id, frames::pong(payload));
            }
            Incoming::Binary => {
                counts.binary += 1;
                self.send(
                    id,
                    frames::close_with(1003, "Binary messages not supported"),
                );
                self.end(id, How::Fin);
            }
            Incoming::Close(payload) => {
                counts.close += 1;
                self.check_silence_after_close(id);
                self.send(id, frames::close(payload));
                self.end(id, How::Fin);
            }
        }
    }

    /// RFC 6455 §5.5.1: an endpoint sends nothing after a close frame.
    fn check_silence_after_close(&mut self, id: ConnectionId) {
        if let Some(Connection {
            wire: Wire::WebSocket { frames, .. },
            ..
        }) = self.connections.get_mut(&id)
            && let Err(violation) = frames.next()
        {
            self.note_violation(id, violation);
        }
    }

    fn note_violation(&mut self, connection: ConnectionId, violation: Violation) {
        self.log.violations.push(ViolationRecord {
            at: self.now(),
            connection,
            violation,
        });
    }

    fn note_answer(&mut self, record: Option<usize>, status: u16) {
        let now = self.now();
        let index = record.and_then(|record| record.checked_sub(self.log_taken));
        if let Some(record) = index.and_then(|index| self.log.requests.get_mut(index)) {
            record.status = Some(status);
            record.answered_at = Some(now);
        }
    }
}

/// Undertow closes an idle connection 60 s after its last answer.
const IDLE_MAX: Duration = Duration::from_secs(60);
