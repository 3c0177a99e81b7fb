//! [`Tunnel`]: what is said to a proxy before the connection is the node's, without any IO.

mod connect;
mod socks;

use lavapool_core::ProxyFailure;

use crate::proxy::{Kind, Proxy};
use connect::Answers;
use socks::Socks;

/// The conversation with a proxy.
///
/// Whatever [`outgoing`](Self::outgoing) shows is to be sent, whatever comes is to be handed to
/// [`receive`](Self::receive), until it [is open](Self::is_open).
pub(super) struct Tunnel {
    protocol: Protocol,
    outgoing: Vec<u8>,
    /// What came and is not complete.
    incoming: Vec<u8>,
    is_open: bool,
}

enum Protocol {
    Connect(Answers),
    Socks(Socks),
}

/// What a proxy's answer, or a part of it, leads to.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// It is not complete.
    Wait,
    /// So many bytes were it, and this is said next, if anything.
    Say(usize, Vec<u8>),
    /// So many bytes were it, and the connection is the node's.
    Open(usize),
}

impl Tunnel {
    pub(super) fn new(proxy: &Proxy, host: &str, port: u16) -> Self {
        let (protocol, outgoing) = match proxy.kind {
            Kind::Http => {
                let request = connect::request(proxy, host, port);
                (Protocol::Connect(Answers::default()), request)
            }
            Kind::Socks5 => {
                let (socks, greeting) = Socks::new(proxy, host, port);
                (Protocol::Socks(socks), greeting)
            }
        };
        Self {
            protocol,
            outgoing,
            incoming: Vec::new(),
            is_open: false,
        }
    }

    /// What is to be sent.
    pub(super) fn outgoing(&self) -> &[u8] {
        &self.outgoing
    }

    /// So many bytes were sent.
    pub(super) fn wrote(&mut self, count: usize) {
        self.outgoing.drain(..count.min(self.outgoing.len()));
    }

    /// Whether the connection is the node's.
    pub(super) const fn is_open(&self) -> bool {
        self.is_open
    }

    /// Takes what came. A node says nothing before it is spoken to, so nothing may follow the
    /// proxy's last answer.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<(), ProxyFailure> {
        self.incoming.extend_from_slice(bytes);
        while !self.is_open {
            let step = match &mut self.protocol {
                Protocol::Connect(answers) => answers.step(&self.incoming)?,
                Protocol::Socks(socks) => socks.step(&self.incoming)?,
            };
            match step {
                Step::Wait => return Ok(()),
                Step::Say(count, next) => {
                    self.incoming.drain(..count.min(self.incoming.len()));
                    self.outgoing.extend(next);
                }
                Step::Open(count) => {
                    self.incoming.drain(..count.min(self.incoming.len()));
                    self.is_open = true;
                }
            }
        }
        if self.incoming.is_empty() {
            Ok(())
        } else {
            Err(ProxyFailure::Violation)
        }
    }
}

#[cfg(test)]
mod tests;
