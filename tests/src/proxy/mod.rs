//! Proxies before a test node, which let through what was asked of them rightly: in memory as the
//! front of a node, or on a port of their own.

mod server;
mod talk;

use std::sync::{Arc, Mutex};

use crate::node::{Front, Fronts, How, Passed};

pub use self::server::ProxyServer;

use self::talk::{Said, Talk};

/// A proxy that leads to the node behind it, whatever host is asked for.
#[derive(Clone, Debug)]
pub struct Proxy {
    kind: Kind,
    behind: Option<Fronts>,
    log: ProxyLog,
}

/// The hosts that were asked for, in order.
pub type ProxyLog = Arc<Mutex<Vec<String>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Socks,
}

impl Proxy {
    /// A proxy by `CONNECT` that wants the credentials `bot:secret`.
    pub fn http() -> Self {
        Self::of(Kind::Http)
    }

    /// A proxy by SOCKS 5 that wants the credentials `bot:secret`.
    pub fn socks() -> Self {
        Self::of(Kind::Socks)
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            behind: None,
            log: ProxyLog::default(),
        }
    }

    /// What stands behind it, before the node.
    #[must_use]
    pub fn before(mut self, front: Fronts) -> Self {
        self.behind = Some(front);
        self
    }

    /// The hosts that are asked for.
    pub fn log(&self) -> ProxyLog {
        self.log.clone()
    }

    /// The front for a [`NodeConfig`](crate::node::NodeConfig).
    pub fn front(self) -> Fronts {
        Fronts::new(move || {
            Box::new(ProxyFront {
                talk: Some(Talk::new(self.kind)),
                behind: self.behind.as_ref().map(Fronts::make),
                log: self.log.clone(),
            })
        })
    }

    fn note(log: &ProxyLog, authority: String) {
        let mut log = log.lock().expect("nothing panics with a lock held");
        log.push(authority);
    }
}

struct ProxyFront {
    /// None once the client talks with the node.
    talk: Option<Talk>,
    behind: Option<Box<dyn Front>>,
    log: ProxyLog,
}

impl ProxyFront {
    fn pass(&mut self, bytes: &[u8]) -> Passed {
        if let Some(behind) = &mut self.behind {
            return behind.client_sent(bytes);
        }
        Passed {
            to_node: bytes.to_vec(),
            ..Passed::default()
        }
    }
}

impl Front for ProxyFront {
    fn client_sent(&mut self, bytes: &[u8]) -> Passed {
        let Some(talk) = &mut self.talk else {
            return self.pass(bytes);
        };
        let mut bytes = bytes;
        let mut passed = Passed::default();
        loop {
            match talk.hear(std::mem::take(&mut bytes)) {
                Said::Nothing => break,
                Said::Answer(said) => passed.to_client.extend(said),
                Said::Refusal(said) => {
                    passed.to_client.extend(said);
                    passed.ends = Some(How::Fin);
                    break;
                }
                Said::Asked(authority) => {
                    Proxy::note(&self.log, authority);
                    passed.to_client.extend(talk.granted());
                    self.talk = None;
                    break;
                }
            }
        }
        passed
    }

    fn node_sent(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        match &mut self.behind {
            Some(behind) => behind.node_sent(bytes),
            None => bytes,
        }
    }

    fn node_ended(&mut self) -> Vec<u8> {
        let behind = self.behind.as_mut();
        behind.map_or_else(Vec::new, |behind| behind.node_ended())
    }
}
