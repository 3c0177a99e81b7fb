//! [`Framing`]: which bytes of a connection carry a message, and which only cut it in pieces.
//!
//! A secret may be split by what cuts a message: the size of a chunk of an HTTP body, or the head
//! of a WebSocket's frame. What is understood wrongly here costs nothing but that: all that is not
//! clearly framing counts as message.

/// Walks along the bytes of one direction of a connection (RFC 9112 §6, RFC 6455 §5.2).
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    is_client: bool,
    /// Whether the latest request was a HEAD, whose answer has no body.
    is_head: bool,
}

#[derive(Debug)]
enum State {
    /// The head so far.
    Head(Head),
    /// How much is left of a body.
    Body(u64),
    /// The line with the size of the next chunk, so far.
    Size(Vec<u8>),
    Chunk(u64),
    /// What is left of the line end after a chunk.
    ChunkEnd(u8),
    /// The line of a trailer, so far.
    Trailer(usize),
    /// The head of a frame, so far, and whether a message is not at its end.
    FrameHead(Vec<u8>, bool),
    Frame(Frame),
    /// No message that anything is known of.
    Unknown,
}

/// A head, to its empty line; as the client does, a line feed alone is taken for a line end.
#[derive(Debug, Default)]
struct Head {
    bytes: Vec<u8>,
    /// Whether the line has nothing in it yet; the first one counts as if it had.
    line_is_empty: bool,
}

/// A frame of a WebSocket.
#[derive(Clone, Copy, Debug)]
struct Frame {
    left: u64,
    is_last: bool,
    is_control: bool,
    /// Whether a message is not at its end, this frame aside.
    is_inside: bool,
}

/// What some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// How many they are.
    pub(super) count: usize,
    /// What they belong to.
    pub(super) kind: Kind,
    /// Whether that ends with them; what only cuts may end a message that was whole before.
    pub(super) ends: bool,
}

/// What bytes belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message.
    Message,
    /// A text that stands between the parts of a message, and has nothing to do with it: a control
    /// frame, or the extension of a chunk.
    Aside,
    /// What cuts a message in parts.
    Cut,
}

impl Framing {
    /// At the start of a connection, of what the client sends or of what it receives.
    pub(super) const fn new(is_client: bool) -> Self {
        Self {
            state: State::head(),
            is_client,
            is_head: false,
        }
    }

    /// Whether the latest request was a HEAD.
    pub(super) const fn is_head(&self) -> bool {
        self.is_head
    }

    /// What is received answers a request that was a HEAD, or was none.
    pub(super) const fn answers(&mut self, is_head: bool) {
        self.is_head = is_head;
    }

    /// What the first of `bytes` are, and how many; at least one if there is one.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Piece {
        match &mut self.state {
            State::Head(head) => {
                let end = head.push(bytes);
                if end.is_some() {
                    if self.is_client {
                        self.is_head = head.bytes.starts_with(b"HEAD ");
                    }
                    self.state = after_head(&head.bytes, self.is_client, self.is_head);
                } else if head.bytes.len() > HEAD_BYTES_MAX {
                    self.state = State::Unknown;
                }
                message(end.unwrap_or(bytes.len()), end.is_some())
            }
            State::Body(left) => {
                let count = part(bytes, left);
                let ends = *left == 0;
                if ends {
                    self.state = State::head();
                }
                message(count, ends)
            }
            State::Chunk(left) => {
                let count = part(bytes, left);
                if *left == 0 {
                    self.state = State::ChunkEnd(2);
                }
                message(count, false)
            }
            State::Frame(frame) => {
                let count = part(bytes, &mut frame.left);
                let (frame, ends) = (*frame, frame.left == 0);
                if ends {
                    self.state = frame.after();
                }
                match (frame.is_control, frame.is_inside) {
                    // It says nothing of the message around it.
                    (true, true) => piece(count, Kind::Aside, ends),
                    (true, false) => message(count, ends),
                    (false, _) => {
                        let ends = ends && frame.is_last;
                        message(count, ends)
                    }
                }
            }
            State::Unknown => message(bytes.len(), false),
            State::Size(_) | State::ChunkEnd(_) | State::Trailer(_) | State::FrameHead(..) => {
                self.cut(bytes)
            }
        }
    }

    /// Takes one byte of what cuts.
    fn cut(&mut self, bytes: &[u8]) -> Piece {
        let Some(&byte) = bytes.first() else {
            return piece(0, Kind::Cut, false);
        };
        let mut result = piece(1, Kind::Cut, false);
        match &mut self.state {
            State::Size(line) => {
                if line.contains(&b';') && byte != b'\r' {
                    result = piece(1, Kind::Aside, byte == b'\n');
                }
                line.push(byte);
                if byte == b'\n' {
                    self.state = match size(line) {
                        Some(0) => State::Trailer(0),
                        Some(size) => State::Chunk(size),
                        None => State::Unknown,
                    };
                } else if line.len() > SIZE_BYTES_MAX {
                    self.state = State::Unknown;
                }
            }
            State::ChunkEnd(left) => {
                *left -= 1;
                if *left == 0 {
                    self.state = State::Size(Vec::new());
                }
            }
            State::Trailer(length) => {
                // A trailer is a header: it may hold anything.
                let is_empty = byte == b'\n' && *length == 0;
                *length = if byte == b'\n' {
                    0
                } else {
                    *length + usize::from(byte != b'\r')
                };
                result = message(1, is_empty);
                if is_empty {
                    self.state = State::head();
                }
            }
            State::FrameHead(head, is_inside) => {
                head.push(byte);
                if let Some(frame) = frame(head, *is_inside) {
                    if frame.left > 0 {
                        self.state = State::Frame(frame);
                    } else {
                        self.state = frame.after();
                        result.ends = frame.is_last && !frame.is_control;
                    }
                }
            }
            State::Head(_)
            | State::Body(_)
            | State::Chunk(_)
            | State::Frame(_)
            | State::Unknown => {}
        }
        result
    }
}

impl State {
    const fn head() -> Self {
        Self::Head(Head {
            bytes: Vec::new(),
            line_is_empty: false,
        })
    }
}

impl Head {
    /// Takes bytes up to the end of the head; returns how many, if it is there.
    fn push(&mut self, bytes: &[u8]) -> Option<usize> {
        let ends = |byte: &u8| match byte {
            b'\n' if self.line_is_empty => true,
            b'\n' => {
                self.line_is_empty = true;
                false
            }
            b'\r' => false,
            _ => {
                self.line_is_empty = false;
                false
            }
        };
        let count = bytes.iter().position(ends).map(|end| end + 1);
        let now = bytes.get(..count.unwrap_or(bytes.len()));
        self.bytes.extend_from_slice(now.unwrap_or_default());
        count
    }
}

impl Frame {
    /// What follows it.
    const fn after(self) -> State {
        let is_inside = if self.is_control {
            self.is_inside
        } else {
            !self.is_last
        };
        State::FrameHead(Vec::new(), is_inside)
    }
}

const fn piece(count: usize, kind: Kind, ends: bool) -> Piece {
    Piece { count, kind, ends }
}

const fn message(count: usize, ends: bool) -> Piece {
    piece(count, Kind::Message, ends)
}

/// Takes what `bytes` have of what is `left`.
fn part(bytes: &[u8], left: &mut u64) -> usize {
    let count = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *left -= count as u64;
    count
}

/// What follows the head of a request or of a response.
fn after_head(head: &[u8], is_client: bool, is_head: bool) -> State {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let value = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.split_once(':').filter(|(key, _)| *key == name))
    };
    let code = text.split(' ').nth(1).unwrap_or_default();
    if is_client && value("upgrade").is_some() {
        // What a client sends from then on is masked, and pings only.
        return State::Unknown;
    }
    if !is_client {
        match code {
            "101" => return State::FrameHead(Vec::new(), false),
            "204" | "304" => return State::head(),
            code if is_head || code.starts_with('1') => return State::head(),
            _ => {}
        }
    }
    if value("transfer-encoding").is_some_and(|(_, coding)| coding.contains("chunked")) {
        return State::Size(Vec::new());
    }
    match value("content-length").map(|(_, length)| length.trim().parse()) {
        Some(Ok(0)) => State::head(),
        Some(Ok(length)) => State::Body(length),
        None if is_client => State::head(),
        Some(Err(_)) | None => State::Unknown,
    }
}

/// The number at the start of a chunk's line.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit());
    let digits: String = digits.copied().map(char::from).collect();
    u64::from_str_radix(&digits, 16).ok()
}

/// The frame that this is the head of, once that is whole.
fn frame(head: &[u8], is_inside: bool) -> Option<Frame> {
    let [first, second, rest @ ..] = head else {
        return None;
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (length, left) = match second & 0x7f {
        126 => (2, u64::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (8, u64::from_be_bytes(*rest.first_chunk()?)),
        length => (0, u64::from(length)),
    };
    (rest.len() == length + mask).then_some(Frame {
        left,
        is_last: first & 0x80 != 0,
        is_control: first & 0x08 != 0,
        is_inside,
    })
}

/// A longer head is none.
const HEAD_BYTES_MAX: usize = 1024 * 1024;
/// A longer line of a chunk is none.
const SIZE_BYTES_MAX: usize = 4096;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_cuts_a_message_is_told_from_the_message() {
        let upgrade = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
        let frames = [
            &upgrade[..],
            &[0x01, 3],
            b"abc",
            &[0x89, 2],
            b"hi",
            &[0x80, 2],
            b"de",
            &[0x81, 0],
        ]
        .concat();
        let long = [&upgrade[..], &[0x81, 126, 0, 200], &[b'x'; 200]].concat();
        let table: [(bool, &[u8], &str); 7] = [
            (
                false,
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                  3;x\r\nabc\r\n2\r\nde\r\n0\r\nt: v\r\n\r\nH",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n|(x\n)abcdet: v\r\n\r\n|H",
            ),
            (
                false,
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}\
                  HTTP/1.1 204 No Content\r\n\r\nH",
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n|{}|\
                 HTTP/1.1 204 No Content\r\n\r\n|H",
            ),
            (
                true,
                b"PATCH / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}GET / HTTP/1.1\r\n\r\nG",
                "PATCH / HTTP/1.1\r\ncontent-length: 2\r\n\r\n|{}|GET / HTTP/1.1\r\n\r\n|G",
            ),
            (
                false,
                b"HTTP/1.1 200 OK\ncontent-length: 9\n\nHTTP/1.1 HTTP/1.1 204 No Content\r\n\n",
                "HTTP/1.1 200 OK\ncontent-length: 9\n\n|HTTP/1.1 |HTTP/1.1 204 No Content\r\n\n|",
            ),
            (
                true,
                b"HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
                "HEAD / HTTP/1.1\r\n\r\n|GET / HTTP/1.1\r\n\r\n|",
            ),
            (
                false,
                &frames,
                "HTTP/1.1 101 Switching Protocols\r\n\r\n|abc(hi)de||",
            ),
            (
                false,
                &long,
                &format!(
                    "HTTP/1.1 101 Switching Protocols\r\n\r\n|{}|",
                    "x".repeat(200)
                ),
            ),
        ];
        for (is_client, bytes, expected) in table {
            for step in [1, 2, 3, 7, bytes.len()] {
                assert_eq!(
                    messages(is_client, bytes, step),
                    expected,
                    "cut each {step}"
                );
            }
        }
    }

    #[test]
    fn an_answer_to_a_head_has_no_body() {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut sent = Framing::new(true);
        let mut received = Framing::new(false);
        for (method, is_head) in [("GET", false), ("HEAD", true)] {
            let request = format!("{method} / HTTP/1.1\r\n\r\n");
            assert!(sent.next(request.as_bytes()).ends);
            received.answers(sent.is_head());
            assert_eq!(received.next(head), message(head.len(), true));
            let is_message = received.next(b"0").kind == Kind::Message;
            assert_eq!(is_message, is_head);
            received = Framing::new(false);
        }
    }

    #[test]
    fn bytes_that_are_no_protocol_are_all_message() {
        for bytes in [
            &b"garbage"[..],
            b"HTTP/1.1 200 OK\r\n\r\nuntil the end \r\n\r\n",
        ] {
            let all = messages(false, bytes, 2).replace('|', "");
            assert_eq!(all.as_bytes(), bytes);
        }
    }

    fn messages(is_client: bool, bytes: &[u8], step: usize) -> String {
        let mut framing = Framing::new(is_client);
        let mut all = String::new();
        let mut aside = String::new();
        for mut chunk in bytes.chunks(step) {
            while !chunk.is_empty() {
                let piece = framing.next(chunk);
                let (now, rest) = chunk.split_at(piece.count);
                let now = std::str::from_utf8(now).unwrap_or_default();
                match piece.kind {
                    Kind::Message => all.push_str(now),
                    Kind::Aside => aside.push_str(now),
                    Kind::Cut => {}
                }
                match (piece.kind, piece.ends) {
                    (Kind::Aside, true) => all += &format!("({})", std::mem::take(&mut aside)),
                    (Kind::Message | Kind::Cut, true) => all.push('|'),
                    (_, false) => {}
                }
                chunk = rest;
            }
        }
        all
    }
}
