//! The method `CONNECT` of HTTP/1.1 (RFC 9110 §9.3.6): [`request`] and [`Answers`].

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lavapool_core::ProxyFailure;

use super::Step;
use crate::proxy::Proxy;

/// What asks the proxy for a connection.
pub(super) fn request(proxy: &Proxy, host: &str, port: u16) -> Vec<u8> {
    let authority = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some(credentials) = &proxy.credentials {
        let (user, password) = (credentials.user.expose(), credentials.password.expose());
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        request += &format!("Proxy-Authorization: Basic {encoded}\r\n");
    }
    request += "\r\n";
    request.into_bytes()
}

/// What was answered so far.
#[derive(Default)]
pub(super) struct Answers {
    interim: usize,
    interim_bytes: usize,
}

impl Answers {
    /// What the answer to [`request`], as far as it came, leads to. Interim ones come before it
    /// (RFC 9110 §15.2); but there is nothing that a proxy could switch to.
    pub(super) fn step(&mut self, incoming: &[u8]) -> Result<Step, ProxyFailure> {
        if !is_http(incoming) {
            return Err(ProxyFailure::Violation);
        }
        let end = incoming.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let head_bytes = end.map_or(incoming.len(), |end| end + 4);
        if self.interim_bytes + head_bytes > HEAD_BYTES_MAX {
            return Err(ProxyFailure::Violation);
        }
        if end.is_none() {
            return Ok(Step::Wait);
        }
        match status(incoming) {
            Some(100 | 102..=199) if self.interim < INTERIM_MAX => {
                self.interim += 1;
                self.interim_bytes += head_bytes;
                Ok(Step::Say(head_bytes, Vec::new()))
            }
            None | Some(100..=199) => Err(ProxyFailure::Violation),
            Some(200..=299) => Ok(Step::Open(head_bytes)),
            Some(407) => Err(ProxyFailure::Unauthorized),
            Some(status) => Err(ProxyFailure::Status { status }),
        }
    }
}

fn is_http(incoming: &[u8]) -> bool {
    incoming
        .iter()
        .zip(VERSION)
        .all(|(got, wanted)| got == wanted)
}

/// The status of `HTTP/1.x NNN …`.
fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(VERSION)?;
    let [b'0'..=b'9', b' ', digits @ ..] = rest.get(..5)? else {
        return None;
    };
    let is_ended = matches!(rest.get(5), Some(b' ' | b'\r'));
    let is_number = digits.iter().all(u8::is_ascii_digit);
    let status = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (is_ended && is_number && status >= 100).then_some(status)
}

const VERSION: &[u8] = b"HTTP/1.";
/// The longest head that is waited for, with those of the interim answers before it.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// How many interim answers are waited through.
const INTERIM_MAX: usize = 16;
