//! [`Socks`]: SOCKS 5 (RFC 1928), with a name and a password if the proxy wants them (RFC 1929).

use std::net::IpAddr;

use lavapool_core::ProxyFailure;

use super::Step;
use crate::proxy::{Credentials, Proxy};

/// The conversation with a SOCKS proxy.
pub(super) struct Socks {
    stage: Stage,
    credentials: Option<Credentials>,
    /// What asks for the connection.
    request: Vec<u8>,
}

/// What is waited for.
enum Stage {
    /// The method of authentication.
    Method,
    /// The word on the credentials.
    Admission,
    /// The word on the connection.
    Reply,
}

impl Socks {
    /// The conversation, and its first bytes.
    pub(super) fn new(proxy: &Proxy, host: &str, port: u16) -> (Self, Vec<u8>) {
        let credentials = proxy.credentials.clone();
        let greeting = match credentials {
            Some(_) => vec![VERSION, 2, NO_AUTHENTICATION, BY_PASSWORD],
            None => vec![VERSION, 1, NO_AUTHENTICATION],
        };
        let socks = Self {
            stage: Stage::Method,
            credentials,
            request: request(host, port),
        };
        (socks, greeting)
    }

    pub(super) fn step(&mut self, incoming: &[u8]) -> Result<Step, ProxyFailure> {
        match (&self.stage, incoming) {
            (Stage::Method, [VERSION, method, ..]) => match (*method, &self.credentials) {
                (NO_AUTHENTICATION, _) => Ok(self.ask()),
                (BY_PASSWORD, Some(credentials)) => {
                    self.stage = Stage::Admission;
                    Ok(Step::Say(2, login(credentials)))
                }
                (NONE_ACCEPTED, _) => Err(ProxyFailure::Unauthorized),
                _ => Err(ProxyFailure::Violation),
            },
            (Stage::Admission, [LOGIN_VERSION, 0, ..]) => Ok(self.ask()),
            (Stage::Admission, [LOGIN_VERSION, _, ..]) => Err(ProxyFailure::Unauthorized),
            (Stage::Reply, [VERSION, 0, _, kind, first, ..]) => {
                let address_bytes = match *kind {
                    IPV4 => 4,
                    IPV6 => 16,
                    NAME => 1 + usize::from(*first),
                    _ => return Err(ProxyFailure::Violation),
                };
                let count = 4 + address_bytes + 2;
                let is_complete = incoming.len() >= count;
                Ok(if is_complete {
                    Step::Open(count)
                } else {
                    Step::Wait
                })
            }
            (Stage::Reply, [VERSION, 0, ..]) => Ok(Step::Wait),
            (Stage::Reply, [VERSION, reply, ..]) => Err(ProxyFailure::Reply { reply: *reply }),
            (Stage::Method | Stage::Reply, [VERSION] | [])
            | (Stage::Admission, [LOGIN_VERSION] | []) => Ok(Step::Wait),
            (Stage::Method | Stage::Admission | Stage::Reply, _) => Err(ProxyFailure::Violation),
        }
    }

    fn ask(&mut self) -> Step {
        self.stage = Stage::Reply;
        Step::Say(2, std::mem::take(&mut self.request))
    }
}

/// A name and a password of 1 to 255 bytes each, as a [`Proxy`] makes sure.
fn login(credentials: &Credentials) -> Vec<u8> {
    let mut login = vec![LOGIN_VERSION];
    for text in [&credentials.user, &credentials.password] {
        push_text(&mut login, text.expose());
    }
    login
}

/// `CONNECT` to an address, or to a name that the proxy looks up.
fn request(host: &str, port: u16) -> Vec<u8> {
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend(address.octets());
        }
        Err(_) => {
            request.push(NAME);
            push_text(&mut request, host);
        }
    }
    request.extend(port.to_be_bytes());
    request
}

/// A length and a text; an endpoint's host has at most 253 bytes.
fn push_text(bytes: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).expect("a text for a socks proxy is short");
    bytes.push(length);
    bytes.extend(text.as_bytes());
}

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const NO_AUTHENTICATION: u8 = 0;
const BY_PASSWORD: u8 = 2;
const NONE_ACCEPTED: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
