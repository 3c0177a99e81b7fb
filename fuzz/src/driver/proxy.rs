//! Proxies, with the fuzzer in the place of one.

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use lavapool::{Client, NodeConfig, Proxy, UserId};

use super::wire::{End, Running};

/// A node behind a proxy that answers as it likes.
///
/// Nothing but the words of the proxy's protocol is said before the proxy has let the connection
/// through, so that no password of a node is ever told to anything else; then the upgrade follows.
/// However the answers are cut, the same is said. Nothing is left in the end.
pub fn proxy(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok(setup) = Setup::arbitrary(&mut input) else {
        return;
    };
    let mut operations = Vec::new();
    while operations.len() < OPERATIONS_MAX
        && !input.is_empty()
        && let Ok(operation) = Operation::arbitrary(&mut input)
    {
        operations.push(operation);
    }
    let whole = run(setup, &operations, usize::MAX);
    let cut = run(setup, &operations, usize::from(setup.cut).max(1));
    assert_eq!(cut.len(), whole.len(), "cut in pieces of {}", setup.cut);
    for (cut, whole) in cut.iter().zip(&whole) {
        // What a bad answer follows at once may be left unsaid.
        assert!(
            cut.starts_with(whole) || whole.starts_with(cut),
            "{cut:?} for {whole:?}"
        );
    }
}

/// How much later than at once the driver reads at most.
const READ_WITHIN: Duration = Duration::from_millis(3);

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Setup {
    cut: u8,
    is_socks: bool,
    has_credentials: bool,
}

#[derive(Arbitrary, Debug)]
enum Operation<'a> {
    Bytes { bytes: &'a [u8] },
    Status { status: u16, header: &'a str },
    Method { method: u8 },
    Admission { status: u8 },
    Reply { reply: u8, address: Address<'a> },
    End { is_reset: bool },
    Wait { millis: u16 },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Address<'a> {
    V4,
    V6,
    Name(&'a [u8]),
    Unknown(u8),
}

impl Operation<'_> {
    /// What the proxy says.
    fn bytes(&self) -> Vec<u8> {
        match *self {
            Self::Bytes { bytes } => bytes.to_vec(),
            Self::Status { status, header } => {
                let header = header.replace(['\r', '\n'], " ");
                format!("HTTP/1.1 {} x\r\nA: {header}\r\n\r\n", status % 1000).into_bytes()
            }
            Self::Method { method } => vec![5, method % 4],
            Self::Admission { status } => vec![1, status % 3],
            Self::Reply { reply, address } => {
                let mut bytes = vec![5, reply % 10, 0];
                match address {
                    Address::V4 => bytes.extend([1, 127, 0, 0, 1]),
                    Address::V6 => {
                        bytes.push(4);
                        bytes.extend([0; 16]);
                    }
                    Address::Name(name) => {
                        let count = u8::try_from(name.len()).unwrap_or(u8::MAX);
                        bytes.extend([3, count]);
                        bytes.extend(name.iter().take(count.into()));
                    }
                    Address::Unknown(kind) => bytes.extend([kind, 0]),
                }
                bytes.extend([0, 80]);
                bytes
            }
            Self::End { .. } | Self::Wait { .. } => Vec::new(),
        }
    }
}

/// Runs all, and gives what was said on each connection.
fn run(setup: Setup, operations: &[Operation<'_>], longest: usize) -> Vec<Vec<u8>> {
    let mut running = Running::new(setup.builder());
    // What the proxy has said on each connection.
    let mut told = vec![Vec::new()];
    for operation in operations {
        let wires = running.wires.clone();
        told.resize(wires.count(), Vec::new());
        let Some(number) = wires.count().checked_sub(1) else {
            break;
        };
        let bytes = operation.bytes();
        let is_there = wires.with(number, |wire| wire.end.is_none() && !wire.is_dropped);
        if is_there == Some(true)
            && let Some(told) = told.get_mut(number)
        {
            told.extend(&bytes);
            for piece in bytes.chunks(longest) {
                wires.with(number, |wire| wire.inbound.extend(piece));
                running.run();
            }
            // What comes in many pieces is read by a timer: what follows meets the same.
            running.wait(READ_WITHIN);
        }
        match *operation {
            Operation::End { is_reset } => {
                let end = if is_reset { End::Reset } else { End::OfStream };
                wires.with(number, |wire| wire.end = Some(end));
                running.run();
            }
            Operation::Wait { millis } => running.wait(Duration::from_millis(millis.into())),
            _ => {}
        }
        for (number, told) in told.iter().enumerate() {
            wires.with(number, |wire| setup.judge(&wire.written, told));
        }
        assert!(wires.open() <= 1 + 16 + 8, "{} connections", wires.open());
    }
    let count = running.wires.count();
    let said =
        (0..count).filter_map(|number| running.wires.with(number, |wire| wire.written.clone()));
    let said = said.collect();
    running.end();
    said
}

impl Setup {
    fn builder(self) -> lavapool::Builder {
        let kind = if self.is_socks { "socks5" } else { "http" };
        let credentials = if self.has_credentials { "me:pw@" } else { "" };
        let proxy: Proxy = format!("{kind}://{credentials}proxy:1080")
            .parse()
            .expect("it is valid");
        let node = NodeConfig::new("main", "http://main:2333", PASSWORD).expect("it is valid");
        let user = UserId::new(1).expect("1 is not zero");
        Client::builder(user).seed(7).proxy(proxy).node(node)
    }

    /// Judges what was said on a connection by what was told.
    fn judge(self, said: &[u8], told: &[u8]) {
        let (words, is_open) = if self.is_socks {
            self.socks(told)
        } else {
            self.http(told)
        };
        let (first, rest) = said.split_at(said.len().min(words.len()));
        assert!(
            words.starts_with(first),
            "{} for {}",
            said.escape_ascii(),
            words.escape_ascii()
        );
        assert!(
            rest.is_empty() || is_open,
            "{} is said too early",
            rest.escape_ascii()
        );
        let count = rest.len().min(4);
        assert_eq!(rest.get(..count), b"GET ".get(..count));
    }

    /// What may be said to a proxy of HTTP, and whether it has let the connection through.
    fn http(self, told: &[u8]) -> (Vec<u8>, bool) {
        let credentials = match self.has_credentials {
            true => "Proxy-Authorization: Basic bWU6cHc=\r\n",
            false => "",
        };
        let words = format!("CONNECT main:2333 HTTP/1.1\r\nHost: main:2333\r\n{credentials}\r\n");
        let mut told = told;
        let is_open = loop {
            let Some(end) = told.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
                break false;
            };
            match told {
                // An interim answer (RFC 9110 §15.2): the one that counts follows.
                [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', b'1', ..] => {
                    told = &told[end + 4..];
                }
                _ => {
                    break matches!(
                        told,
                        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', b'2', ..]
                    );
                }
            }
        };
        (words.into_bytes(), is_open)
    }

    /// What may be said to a proxy of SOCKS (RFC 1928, RFC 1929), and whether it has let the
    /// connection through.
    fn socks(self, told: &[u8]) -> (Vec<u8>, bool) {
        let mut words = if self.has_credentials {
            vec![5, 2, 0, 2]
        } else {
            vec![5, 1, 0]
        };
        let request = [&[5, 1, 0, 3, 4][..], b"main", &2333_u16.to_be_bytes()].concat();
        let reply = match told {
            [5, 0, reply @ ..] => reply,
            [5, 2, rest @ ..] if self.has_credentials => {
                words.extend([1, 2, b'm', b'e', 2, b'p', b'w']);
                match rest {
                    [1, 0, reply @ ..] => reply,
                    _ => return (words, false),
                }
            }
            _ => return (words, false),
        };
        words.extend(request);
        let count = match reply {
            [5, 0, _, 1, ..] => 4 + 4 + 2,
            [5, 0, _, 4, ..] => 4 + 16 + 2,
            [5, 0, _, 3, count, ..] => 4 + 1 + usize::from(*count) + 2,
            _ => return (words, false),
        };
        (words, reply.len() >= count)
    }
}

const PASSWORD: &str = "hush-hush-password";
/// More would only be slower.
const OPERATIONS_MAX: usize = 60;
