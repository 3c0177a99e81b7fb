//! [`Talk`]: what a client and a proxy say to each other before the node hears anything.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Kind;

/// The proxy's side of it.
pub(super) struct Talk {
    kind: Kind,
    stage: Stage,
    heard: Vec<u8>,
}

/// What the proxy says to what it has heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// More must come first.
    Nothing,
    /// This, and hears on.
    Answer(Vec<u8>),
    /// This, and ends the connection.
    Refusal(Vec<u8>),
    /// A connection to this host and port is wanted, rightly.
    Asked(String),
}

/// What the proxy waits for.
#[derive(Clone, Copy)]
enum Stage {
    Request,
    Greeting,
    Login,
    Connect,
}

impl Talk {
    pub(super) fn new(kind: Kind) -> Self {
        let stage = match kind {
            Kind::Http => Stage::Request,
            Kind::Socks => Stage::Greeting,
        };
        let heard = Vec::new();
        Self { kind, stage, heard }
    }

    /// Takes more of the client's bytes. To be called without any until nothing is said.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Said {
        self.heard.extend(bytes);
        let said = match self.stage {
            Stage::Request => self.request(),
            Stage::Greeting => self.greeting(),
            Stage::Login => self.login(),
            Stage::Connect => self.connect(),
        };
        said.unwrap_or(Said::Nothing)
    }

    /// What is said when the connection that was wanted is there.
    pub(super) fn granted(&self) -> Vec<u8> {
        match self.kind {
            Kind::Http => b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec(),
            Kind::Socks => socks_reply(0),
        }
    }

    /// What is said when it cannot be made.
    pub(super) fn failed(&self) -> Vec<u8> {
        match self.kind {
            Kind::Http => b"HTTP/1.1 502 Bad Gateway\r\n\r\n".to_vec(),
            Kind::Socks => socks_reply(5),
        }
    }

    /// `CONNECT` of RFC 9110 §9.3.6; `None` if more must come first.
    fn request(&mut self) -> Option<Said> {
        let mut ends = self.heard.windows(4);
        let end = ends.position(|bytes| bytes == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&self.heard[..end]).into_owned();
        self.heard.drain(..end + 4);
        let authority = head.strip_prefix("CONNECT ");
        let Some(authority) = authority.and_then(|rest| rest.split(' ').next()) else {
            let answer = b"HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\n\r\n";
            return Some(Said::Refusal(answer.to_vec()));
        };
        if !head.contains("\r\nProxy-Authorization: Basic Ym90OnNlY3JldA==") {
            let answer = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
            return Some(Said::Refusal(answer.to_vec()));
        }
        Some(Said::Asked(authority.to_owned()))
    }

    /// The methods of RFC 1928 §3, of which only the one with a password will do.
    fn greeting(&mut self) -> Option<Said> {
        let (head, methods) = self.heard.split_first_chunk::<2>()?;
        let count = usize::from(head[1]);
        let is_fine = head[0] == 5 && methods.get(..count)?.contains(&2);
        self.heard.drain(..2 + count);
        if !is_fine {
            return Some(Said::Refusal(vec![5, 0xff]));
        }
        self.stage = Stage::Login;
        Some(Said::Answer(vec![5, 2]))
    }

    /// The name and the password of RFC 1929 §2.
    fn login(&mut self) -> Option<Said> {
        let wanted = b"\x01\x03bot\x06secret";
        let is_right = self.heard.get(..wanted.len())? == wanted;
        self.heard.drain(..wanted.len());
        if !is_right {
            return Some(Said::Refusal(vec![1, 1]));
        }
        self.stage = Stage::Connect;
        Some(Said::Answer(vec![1, 0]))
    }

    /// The request of RFC 1928 §4, by name or by address.
    fn connect(&mut self) -> Option<Said> {
        let (head, rest) = self.heard.split_first_chunk::<4>()?;
        assert_eq!(head[..3], [5, 1, 0], "a connect");
        let (host, length) = match head[3] {
            1 => {
                let address = *rest.first_chunk::<4>()?;
                (Ipv4Addr::from(address).to_string(), 4)
            }
            3 => {
                let (length, name) = rest.split_first()?;
                let length = usize::from(*length);
                let name = String::from_utf8_lossy(name.get(..length)?);
                (name.into_owned(), 1 + length)
            }
            4 => {
                let address = *rest.first_chunk::<16>()?;
                (format!("[{}]", Ipv6Addr::from(address)), 16)
            }
            other => panic!("no type of address: {other}"),
        };
        let port = *rest.get(length..)?.first_chunk::<2>()?;
        self.heard.drain(..4 + length + 2);
        Some(Said::Asked(format!("{host}:{}", u16::from_be_bytes(port))))
    }

    /// What came too early: the node gets it.
    pub(super) fn into_rest(self) -> Vec<u8> {
        self.heard
    }
}

/// What SOCKS replies with; clients have no use for the address in it.
fn socks_reply(code: u8) -> Vec<u8> {
    vec![5, code, 0, 1, 127, 0, 0, 1, 0, 0]
}
