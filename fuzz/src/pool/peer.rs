//! [`Peer`]: the other end of a socket, which reads and judges every byte that is sent.

use lavapool_core::NodeId;
use serde_json::Value;
use tungstenite::handshake::derive_accept_key;

/// The other end of a socket. Nothing here is shared with what wrote the bytes.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) node: NodeId,
    pub(super) connected: bool,
    /// How many of the bytes that wait were read.
    pub(super) shown: usize,
    /// Whether the pool has said that bytes wait.
    pub(super) asked_to_write: bool,
    /// Whether its upgrade asked for an earlier session.
    pub(super) resumes: bool,
    pub(super) speaks: Speaks,
}

/// What is spoken on a socket, known from the first bytes.
#[derive(Debug)]
pub(super) enum Speaks {
    Nothing,
    Rest {
        /// The request that waits for its answer.
        unanswered: Option<Request>,
    },
    WebSocket(WebSocket),
}

/// A WebSocket as its server sees it.
#[derive(Debug, Default)]
pub(super) struct WebSocket {
    pub(super) accept: String,
    pub(super) is_open: bool,
    /// Whether a close frame has come.
    pub(super) is_over: bool,
    pub(super) is_ready: bool,
    /// The payload of the last ping.
    pub(super) ping: Vec<u8>,
    mask: Option<[u8; 4]>,
}

/// A request, whole.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) session_id: Option<String>,
    pub(super) body: Value,
}

impl Peer {
    pub(super) const fn new(node: NodeId) -> Self {
        Self {
            node,
            connected: false,
            shown: 0,
            asked_to_write: false,
            resumes: false,
            speaks: Speaks::Nothing,
        }
    }

    /// Reads what is new, which is whole requests or whole frames, and gives the request.
    pub(super) fn read(&mut self, bytes: &[u8], password: &str) -> Option<Request> {
        if let Speaks::WebSocket(websocket) = &mut self.speaks {
            websocket.read(bytes);
            return None;
        }
        let (request, upgrade_key) = Request::read(bytes, password);
        if let Some(key) = upgrade_key {
            assert!(
                matches!(self.speaks, Speaks::Nothing),
                "an upgrade after other requests"
            );
            self.resumes = request.session_id.is_some();
            let accept = derive_accept_key(key.as_bytes());
            self.speaks = Speaks::WebSocket(WebSocket {
                accept,
                ..WebSocket::default()
            });
        } else {
            let is_waiting = matches!(
                self.speaks,
                Speaks::Rest {
                    unanswered: Some(_)
                }
            );
            assert!(
                !is_waiting,
                "a request before the last one was answered: {request:?}"
            );
            self.speaks = Speaks::Rest {
                unanswered: Some(request.clone()),
            };
        }
        Some(request)
    }

    pub(super) const fn websocket(&mut self) -> Option<&mut WebSocket> {
        match &mut self.speaks {
            Speaks::WebSocket(websocket) => Some(websocket),
            Speaks::Nothing | Speaks::Rest { .. } => None,
        }
    }
}

impl Request {
    /// Reads one request, and the key of an upgrade (RFC 9112, RFC 6455 §4.2.1).
    fn read(bytes: &[u8], password: &str) -> (Self, Option<String>) {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Request::new(&mut headers);
        let Ok(httparse::Status::Complete(count)) = head.parse(bytes) else {
            panic!("it is no request: {}", bytes.escape_ascii());
        };
        let header = |name: &str| {
            let mut values = head
                .headers
                .iter()
                .filter(|header| header.name.eq_ignore_ascii_case(name));
            let value = values.next().map(|header| header.value);
            assert!(values.next().is_none(), "{name} stands twice");
            value.map(|value| String::from_utf8(value.to_vec()).expect("it is text"))
        };
        assert_eq!(head.version, Some(1));
        assert!(header("host").is_some_and(|host| host.ends_with(":2333")));
        assert_eq!(header("authorization").as_deref(), Some(password));
        let method = head.method.expect("it is complete").to_owned();
        let target = head.path.expect("it is complete").to_owned();
        assert!(
            target.starts_with("/v4/") || target == "/version",
            "{target}"
        );
        assert_eq!(header("transfer-encoding"), None);
        let body_bytes = header("content-length").map_or(0, |text| text.parse().expect("digits"));
        let body = bytes.get(count..).unwrap_or_default();
        assert_eq!(body.len(), body_bytes, "{method} {target}");
        let body = match body {
            [] => Value::Null,
            body => {
                assert!(header("content-type").is_some_and(|kind| kind == "application/json"));
                serde_json::from_slice(body).expect("a body is json")
            }
        };
        let key = header("upgrade").map(|upgrade| {
            assert_eq!((&*upgrade, &*method), ("websocket", "GET"));
            assert_eq!(header("sec-websocket-version").as_deref(), Some("13"));
            assert_eq!(header("user-id").as_deref(), Some("1"));
            assert!(header("client-name").is_some());
            header("sec-websocket-key").expect("an upgrade has a key")
        });
        let session_id = header("session-id");
        assert!(
            session_id.is_none() || key.is_some(),
            "only upgrades name a session"
        );
        let request = Self {
            method,
            target,
            session_id,
            body,
        };
        request.check_patch();
        (request, key)
    }

    /// The session that it is about.
    pub(super) fn session(&self) -> Option<&str> {
        self.target
            .strip_prefix("/v4/sessions/")?
            .split(['/', '?'])
            .next()
    }

    /// The player that it is about.
    pub(super) fn player(&self) -> Option<&str> {
        let rest = self.target.split_once("/players/")?.1;
        rest.split(['/', '?']).next()
    }

    /// What a server takes (Lavalink: Update Player).
    fn check_patch(&self) {
        if self.method != "PATCH" || self.player().is_none() {
            return;
        }
        let fields = self.body.as_object().expect("a patch is an object");
        assert!(!fields.is_empty(), "a patch of nothing");
        for (name, value) in fields {
            let is_right = match &**name {
                "track" => value.is_object(),
                "position" => value.is_u64(),
                "endTime" => value.is_null() || value.as_u64().is_some_and(|end| end > 0),
                "volume" => value.as_u64().is_some_and(|volume| volume <= 1000),
                "paused" => value.is_boolean(),
                "filters" => value.is_object(),
                "voice" => ["token", "endpoint", "sessionId", "channelId"]
                    .iter()
                    .all(|key| value[key].as_str().is_some_and(|text| !text.is_empty())),
                _ => false,
            };
            assert!(is_right, "{name}: {value}");
        }
    }
}

impl WebSocket {
    /// Reads whole frames of a client (RFC 6455 §5.2), of which a Lavalink client has only
    /// control frames.
    fn read(&mut self, mut bytes: &[u8]) {
        assert!(self.is_open, "a frame before the upgrade was accepted");
        while !bytes.is_empty() {
            assert!(!self.is_over, "a frame behind a close frame");
            let [first, second, m0, m1, m2, m3, rest @ ..] = bytes else {
                panic!("a part of a frame: {}", bytes.escape_ascii());
            };
            assert_eq!(
                first & 0xf0,
                0x80,
                "a control frame is final, without extensions"
            );
            assert_eq!(second & 0x80, 0x80, "a client masks");
            let mask = [*m0, *m1, *m2, *m3];
            assert_ne!(self.mask.replace(mask), Some(mask), "a mask is used once");
            let count = usize::from(second & 0x7f);
            assert!(count <= 125, "a control frame is short");
            let (payload, after) = rest.split_at_checked(count).expect("a frame is whole");
            let payload: Vec<u8> = payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask)
                .collect();
            match first & 0x0f {
                0x8 => {
                    self.is_over = true;
                    check_close(&payload);
                }
                0x9 => self.ping = payload,
                0xa => {}
                other => panic!("a frame of kind {other}"),
            }
            bytes = after;
        }
    }
}

/// What a close frame may hold (RFC 6455 §5.5.1, §7.4).
fn check_close(payload: &[u8]) {
    let [high, low, reason @ ..] = payload else {
        return assert!(payload.is_empty(), "half a code");
    };
    let code = u16::from_be_bytes([*high, *low]);
    let may_be_sent = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    assert!(may_be_sent, "a close frame with {code}");
    assert!(std::str::from_utf8(reason).is_ok());
}
