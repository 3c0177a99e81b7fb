//! Proxies before a test node, which let through what was asked of them rightly.

use std::sync::{Arc, Mutex};

use crate::node::{Front, Fronts, How, Passed};

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
            let stage = match self.kind {
                Kind::Http => Stage::Request,
                Kind::Socks => Stage::Greeting,
            };
            Box::new(ProxyFront {
                stage,
                heard: Vec::new(),
                behind: self.behind.as_ref().map(Fronts::make),
                log: self.log.clone(),
            })
        })
    }
}

/// What the proxy waits for.
#[derive(Clone, Copy)]
enum Stage {
    Request,
    Greeting,
    Login,
    Connect,
    Open,
}

struct ProxyFront {
    stage: Stage,
    heard: Vec<u8>,
    behind: Option<Box<dyn Front>>,
    log: ProxyLog,
}

/// How much of what was heard was used, what is said, and what comes then; no stage is the end.
type Turn = (usize, Vec<u8>, Option<Stage>);

impl ProxyFront {
    /// `None` if more must come first.
    fn turn(&self) -> Option<Turn> {
        match self.stage {
            Stage::Request => self.request(),
            Stage::Greeting => {
                let (head, methods) = self.heard.split_first_chunk::<2>()?;
                let count = usize::from(head[1]);
                let methods = methods.get(..count)?;
                let is_fine = head[0] == 5 && methods.contains(&2);
                let next = is_fine.then_some(Stage::Login);
                let method = if is_fine { 2 } else { 0xff };
                Some((2 + count, vec![5, method], next))
            }
            Stage::Login => {
                let wanted = b"\x01\x03bot\x06secret";
                let login = self.heard.get(..wanted.len())?;
                let is_right = login == wanted;
                let next = is_right.then_some(Stage::Connect);
                Some((wanted.len(), vec![1, u8::from(!is_right)], next))
            }
            Stage::Connect => {
                let (head, rest) = self.heard.split_first_chunk::<5>()?;
                assert_eq!(head[..4], [5, 1, 0, 3], "a connect to a name");
                let length = usize::from(head[4]);
                let name = rest.get(..length)?;
                let port = rest.get(length..length + 2)?;
                let port = u16::from_be_bytes([port[0], port[1]]);
                self.note(format!("{}:{port}", String::from_utf8_lossy(name)));
                let reply = vec![5, 0, 0, 1, 127, 0, 0, 1, 0, 0];
                Some((5 + length + 2, reply, Some(Stage::Open)))
            }
            Stage::Open => None,
        }
    }

    fn request(&self) -> Option<Turn> {
        let end = self
            .heard
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&self.heard[..end]);
        let authority = head.strip_prefix("CONNECT ")?.split(' ').next()?;
        let (status, next) = if head.contains("\r\nProxy-Authorization: Basic Ym90OnNlY3JldA==") {
            ("200 Connection established", Some(Stage::Open))
        } else {
            ("407 Proxy Authentication Required", None)
        };
        self.note(authority.to_owned());
        Some((end + 4, format!("HTTP/1.1 {status}\r\n\r\n").into(), next))
    }

    fn note(&self, authority: String) {
        let mut log = self.log.lock().expect("nothing panics with a lock held");
        log.push(authority);
    }

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
        if matches!(self.stage, Stage::Open) {
            return self.pass(bytes);
        }
        self.heard.extend(bytes);
        let mut passed = Passed::default();
        while let Some((count, said, next)) = self.turn() {
            self.heard.drain(..count);
            passed.to_client.extend(said);
            let Some(next) = next else {
                passed.ends = Some(How::Fin);
                break;
            };
            self.stage = next;
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
