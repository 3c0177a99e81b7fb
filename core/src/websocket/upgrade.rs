//! The opening handshake (RFC 6455 §4): [`UpgradeRequest`], and the check of its answer.

use std::fmt;

use ::http::uri::PathAndQuery;
use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use super::{Refusal, Violation};
use crate::http::head::{self, HeadReader};
use crate::http::write_header;

/// What is asked of a server.
#[derive(Clone, Copy)]
pub struct UpgradeRequest<'a> {
    /// The path of the WebSocket, any prefix included: `/v4/websocket`.
    pub target: &'a PathAndQuery,
    /// The value of `Host`.
    pub host: &'a HeaderValue,
    /// Further headers, written as they are and in this order. Those that
    /// [`HeaderBlock::new`](crate::http::HeaderBlock::new) refuses break the handshake.
    pub headers: &'a [(HeaderName, HeaderValue)],
}

/// What a server answered that upgraded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// `Session-Resumed`, which NodeLink leaves out. The `ready` message is the one to trust.
    pub session_resumed: Option<bool>,
    /// `Lavalink-Api-Version`; 0 if it is not a number.
    pub api_version: Option<u32>,
    /// Whether the server says that it is a NodeLink.
    pub is_nodelink: bool,
    /// All headers, those above included.
    pub headers: HeaderMap,
}

impl fmt::Debug for UpgradeRequest<'_> {
    /// The values of the further headers stay hidden: the password is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("UpgradeRequest")
            .field("target", self.target)
            .field("host", self.host)
            .field("headers", &names)
            .finish()
    }
}

/// An upgrade that was asked for and not answered yet.
#[derive(Debug)]
pub(super) struct Handshake {
    /// The `Sec-WebSocket-Accept` that answers the key which was sent.
    accept: String,
    head: HeadReader,
}

impl Handshake {
    /// Writes the request.
    pub(super) fn begin(request: &UpgradeRequest<'_>, key: [u8; 16], out: &mut Vec<u8>) -> Self {
        let key = STANDARD.encode(key);
        out.extend_from_slice(b"GET ");
        out.extend_from_slice(request.target.as_str().as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        write_header(out, "Host", request.host);
        out.extend_from_slice(b"Upgrade: websocket\r\nConnection: Upgrade\r\n");
        out.extend_from_slice(b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\r\n");
        for (name, value) in request.headers {
            write_header(out, name.as_str(), value);
        }
        out.extend_from_slice(b"\r\n");
        Self {
            accept: accept_of(&key),
            head: HeadReader::default(),
        }
    }

    /// Takes the bytes of the answer from `input`; what follows it stays there.
    pub(super) fn next(
        &mut self,
        input: &mut &[u8],
        header_bytes_max: usize,
    ) -> Result<Option<Upgraded>, Violation> {
        loop {
            let Some(section) = self.head.next(input, header_bytes_max)? else {
                return Ok(None);
            };
            let answer = Answer::read(section)?;
            self.head.clear();
            // RFC 9110 §15.2: any number of interim responses may come first.
            if answer.status != StatusCode::SWITCHING_PROTOCOLS && answer.status.is_informational()
            {
                continue;
            }
            return answer.check(&self.accept).map(Some);
        }
    }
}

/// The `Sec-WebSocket-Accept` that answers a key (RFC 6455 §4.2.2).
fn accept_of(key: &str) -> String {
    let keyed = Sha1::new_with_prefix(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(keyed.finalize())
}

/// A response to the upgrade.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
}

impl Answer {
    fn read(section: &[u8]) -> Result<Self, Violation> {
        let mut headers = HeaderMap::new();
        let line = head::read_head(section, |name, value| {
            let name = HeaderName::from_bytes(name.as_bytes());
            // What httparse passes and `http` does not is of no use to anyone.
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
                // The number of headers is bounded far below what a map can hold.
                let _ = headers.try_append(name, value);
            }
        })?;
        Ok(Self {
            status: line.status,
            headers,
        })
    }

    /// RFC 6455 §4.1, "if the response lacks ...".
    fn check(self, accept: &str) -> Result<Upgraded, Violation> {
        if self.status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(Violation::Refused(Box::new(self.refusal())));
        }
        if !self.has_member(header::UPGRADE, "websocket") {
            return Err(Violation::Upgrade);
        }
        if !self.has_member(header::CONNECTION, "upgrade") {
            return Err(Violation::Connection);
        }
        let accepted = self.headers.get(header::SEC_WEBSOCKET_ACCEPT);
        if accepted.is_none_or(|value| value.as_bytes() != accept.as_bytes()) {
            return Err(Violation::AcceptKey);
        }
        if self.headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
            return Err(Violation::Extension);
        }
        if self.headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
            return Err(Violation::Subprotocol);
        }
        let is_true = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"true");
        Ok(Upgraded {
            session_resumed: self.headers.get("session-resumed").map(is_true),
            api_version: self.api_version(),
            is_nodelink: self.headers.get("isnodelink").is_some_and(is_true),
            headers: self.headers,
        })
    }

    fn refusal(&self) -> Refusal {
        let location = self.headers.get(header::LOCATION).map(|value| {
            let bytes = value.as_bytes();
            let end = bytes.len().min(LOCATION_BYTES_MAX);
            String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
        });
        let retry_after = self.headers.get(header::RETRY_AFTER);
        Refusal {
            status: self.status,
            location,
            retry_after: retry_after.and_then(|value| head::retry_after(value.as_bytes())),
            api_version: self.api_version(),
        }
    }

    fn api_version(&self) -> Option<u32> {
        self.headers
            .get("lavalink-api-version")
            .map(|value| head::api_version(value.as_bytes()))
    }

    fn has_member(&self, name: HeaderName, member: &str) -> bool {
        self.headers
            .get_all(name)
            .iter()
            .any(|value| head::has_member(value.as_bytes(), member))
    }
}

const LOCATION_BYTES_MAX: usize = 2048;
