//! The upgrade to a WebSocket, with the checks of Lavalink and of Spring in their order
//! (RFC 6455 §4.2, Lavalink: Opening a WebSocket connection).

use tungstenite::handshake::derive_accept_key;

use super::http::{Body, Request, Response, http_date};
use super::log::HandshakeRecord;
use super::{ConnectionId, How, TestNode, frames};

/// What becomes of a request to upgrade.
#[derive(Debug)]
pub(super) enum Upgrade {
    Refused(Response),
    Done { head: Vec<u8>, opening: Opening },
}

/// What a client said about itself.
#[derive(Debug)]
pub(super) struct Opening {
    user_id: Option<i64>,
    client_name: Option<String>,
    session_id: Option<String>,
    record: usize,
}

impl TestNode {
    /// Judges a request to upgrade, and writes it down.
    pub(super) fn upgrade(&mut self, connection: ConnectionId, request: &Request) -> Upgrade {
        let resumed = self.resumable(request.header("session-id")).is_some();
        let refusal = self.refusal(request, resumed);
        self.log.handshakes.push(HandshakeRecord {
            at: self.now(),
            connection,
            target: request.target.clone(),
            headers: request.headers.clone(),
            status: refusal.as_ref().map_or(101, |response| response.status),
            session: None,
            resumed: false,
        });
        if let Some(response) = refusal {
            return Upgrade::Refused(response);
        }
        let owned = |name| request.header(name).map(str::to_owned);
        Upgrade::Done {
            head: self.switching_protocols(request, resumed),
            opening: Opening {
                user_id: request.header("user-id").and_then(|id| id.parse().ok()),
                client_name: owned("client-name"),
                session_id: owned("session-id"),
                record: self.log.handshakes.len() - 1,
            },
        }
    }

    /// Opens or resumes the session of a WebSocket and returns its id. There is none if
    /// `User-Id` was no number, which a real server notices only now.
    pub(super) fn open_websocket(
        &mut self,
        connection: ConnectionId,
        opening: Opening,
    ) -> Option<String> {
        let Some(user_id) = opening.user_id else {
            self.send(connection, frames::close_with(1011, ""));
            self.end(connection, How::Fin);
            return None;
        };
        if self.faults.never_ready {
            return None;
        }
        let resumable = self.resumable(opening.session_id.as_deref());
        let resumed = resumable.is_some();
        let session = match resumable {
            Some(session) => {
                self.resume(&session, connection);
                session
            }
            None => self.open(user_id, opening.client_name, connection),
        };
        if let Some(record) = self.log.handshakes.get_mut(opening.record) {
            record.session = Some(session.clone());
            record.resumed = resumed;
        }
        Some(session)
    }

    fn refusal(&mut self, request: &Request, resumed: bool) -> Option<Response> {
        if let Some(status) = self.faults.take_failure(&request.method, request.path()) {
            return Some(Response::empty(status));
        }
        if request.header("authorization") != Some(&self.config.password) {
            return Some(Response::empty(401));
        }
        if request.path() != "/v4/websocket" {
            return Some(Response::empty(200));
        }
        if matches!(
            request.header("user-id").map(str::trim),
            None | Some("" | "0")
        ) {
            return Some(Response::empty(400));
        }
        if request
            .header("origin")
            .is_some_and(|origin| !self.is_own_origin(origin))
        {
            return Some(Response::empty(403));
        }
        let upgrade = request
            .header("upgrade")
            .is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
        let complaint = if request.method != "GET" {
            let mut response = Response::empty(405);
            response.lead.push(("Allow", "GET".to_owned()));
            return Some(response);
        } else if !upgrade {
            "Can \"Upgrade\" only to \"WebSocket\"."
        } else if !request.lists("connection", "upgrade") {
            "\"Connection\" must be \"upgrade\"."
        } else if request.header("sec-websocket-version") != Some("13") {
            let mut response = Response::empty(426);
            response
                .lead
                .push(("Sec-WebSocket-Version", "13".to_owned()));
            return Some(response);
        } else if request.header("sec-websocket-key").is_none() {
            return Some(Response::empty(400));
        } else {
            return None;
        };
        let mut response = Response::new(400, Body::Sized(None, complaint.as_bytes().to_vec()));
        response.resumed = Some(resumed);
        Some(response)
    }

    fn is_own_origin(&self, origin: &str) -> bool {
        origin == format!("http://{}", self.config.authority)
    }

    fn switching_protocols(&self, request: &Request, resumed: bool) -> Vec<u8> {
        let host = request.header("host").unwrap_or_default();
        let key = request.header("sec-websocket-key").unwrap_or_default();
        format!(
            "HTTP/1.1 101 Switching Protocols\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Location: ws://{host}{}\r\n\
             Session-Resumed: {resumed}\r\n\
             Upgrade: WebSocket\r\n\
             Lavalink-Api-Version: {}\r\n\
             Sec-WebSocket-Accept: {}\r\n\
             Date: {}\r\n\r\n",
            request.target,
            self.faults.api_version.unwrap_or(4),
            derive_accept_key(key.as_bytes()),
            http_date(self.unix_ms()),
        )
        .into_bytes()
    }
}
