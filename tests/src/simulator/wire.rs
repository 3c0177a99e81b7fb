//! What went over a socket, read by a parser that shares nothing with the core.

use std::time::Duration;

use serde::Deserialize;

/// What a server sends on a WebSocket, cut into messages.
#[derive(Debug, Default)]
pub(super) struct Heard {
    buffer: Vec<u8>,
    /// The answer to the upgrade is over.
    is_open: bool,
    /// A bit flipped: the rest means nothing.
    is_garbled: bool,
    /// It is no WebSocket.
    is_rest: bool,
    /// The text of a message whose last fragment has not come.
    begun: Option<Vec<u8>>,
}

/// A message, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    pub(super) op: String,
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default, rename = "guildId")]
    pub(super) guild: String,
    #[serde(default, rename = "sessionId")]
    pub(super) session: String,
    #[serde(default)]
    pub(super) resumed: bool,
    #[serde(default)]
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) track: Option<Track>,
    #[serde(default)]
    pub(super) state: State,
}

/// Where the player of a message is in its track, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub(super) struct State {
    #[serde(default)]
    pub(super) position: i64,
}

/// The track of a message.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Track {
    pub(super) info: Info,
}

/// What a track is called.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Info {
    pub(super) identifier: String,
}

/// One frame of a server.
pub(super) enum Said {
    /// Text that decodes.
    Message(Message),
    /// Text that does not, or means nothing.
    Nonsense,
    /// The answer to an upgrade that would be the same another time: it is refused, or by another
    /// version.
    Refused,
    /// A close frame.
    Close,
    /// A ping.
    Control,
    /// A pong.
    Pong,
    /// What no server may send.
    Broken,
}

impl Heard {
    /// Takes bytes in, and returns what they complete.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Said> {
        let mut said = Vec::new();
        if self.is_garbled {
            return said;
        }
        self.buffer.extend_from_slice(bytes);
        if !self.is_open {
            let Some(end) = find(&self.buffer, b"\r\n\r\n") else {
                return said;
            };
            let head = String::from_utf8_lossy(&self.buffer[..end]);
            // What a server of another version says is not read.
            let version = field(&head, "lavalink-api-version");
            let is_upgraded = head.starts_with("HTTP/1.1 101 ");
            self.is_open = is_upgraded && version == Some("4");
            if !self.is_open {
                self.is_rest = !is_upgraded;
                self.is_garbled = true;
                let is_refused = |status: &&str| head.starts_with(&format!("HTTP/1.1 {status} "));
                let is_foreign = is_upgraded && version.is_some();
                if is_foreign || ["200", "400", "401", "403"].iter().any(is_refused) {
                    said.push(Said::Refused);
                }
                return said;
            }
            self.buffer.drain(..end + 4);
        }
        while let Some((opcode, payload, used)) = frame(&self.buffer) {
            let read = match (opcode, self.begun.take()) {
                (0x81, None) => Some(read(payload)),
                (0x01, None) => {
                    self.begun = Some(payload.to_vec());
                    None
                }
                (0x80, Some(begun)) => Some(read(&[&begun, payload].concat())),
                (0x88, _) => Some(Said::Close),
                (0x89 | 0x8a, begun) => {
                    self.begun = begun;
                    Some(if opcode == 0x8a {
                        Said::Pong
                    } else {
                        Said::Control
                    })
                }
                _ => Some(Said::Broken),
            };
            self.buffer.drain(..used);
            self.is_garbled = matches!(read, Some(Said::Broken));
            said.extend(read);
            if self.is_garbled {
                break;
            }
        }
        said
    }

    /// How many of these bytes, which are next, come before the end of the first thing that they
    /// complete, and before the end of the last; all of them if they complete nothing, or belong
    /// to answers, of which there is one at a time.
    pub(super) fn ends(&mut self, bytes: &[u8]) -> (usize, usize) {
        let mut ends = None;
        for (place, byte) in bytes.iter().enumerate() {
            let was_open = self.is_open;
            let completes = !self.take(&[*byte]).is_empty() || was_open != self.is_open;
            if self.is_rest {
                break;
            }
            if completes {
                let (first, _) = ends.unwrap_or((place + 1, place + 1));
                ends = Some((first, place + 1));
            }
            if self.is_garbled {
                // What follows is nobody's message.
                let (first, _) = ends.unwrap_or((place + 1, place + 1));
                return (first, bytes.len());
            }
        }
        ends.unwrap_or((bytes.len(), bytes.len()))
    }
}

/// The text of a whole message.
fn read(payload: &[u8]) -> Said {
    if std::str::from_utf8(payload).is_err() {
        return Said::Broken;
    }
    serde_json::from_slice(payload).map_or(Said::Nonsense, Said::Message)
}

/// Cuts the first frame off: opcode, payload and length.
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (opcode, short) = (*bytes.first()?, *bytes.get(1)?);
    let (length, start) = match short {
        126 => {
            let length = bytes.get(2..4)?.try_into().ok()?;
            (usize::from(u16::from_be_bytes(length)), 4_usize)
        }
        127 => {
            let length = u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?);
            (usize::try_from(length).ok()?, 10)
        }
        // No server may mask.
        128.. => return Some((0, &[], bytes.len())),
        short => (usize::from(short), 2),
    };
    let end = start.checked_add(length)?;
    Some((opcode, bytes.get(start..end)?, end))
}

pub(super) fn find(bytes: &[u8], end: &[u8]) -> Option<usize> {
    bytes.windows(end.len()).position(|window| window == end)
}

/// What the pool says on a socket: the head of one request after the other.
#[derive(Debug)]
pub(super) struct Asked {
    head: Vec<u8>,
    /// What comes next is a new request.
    is_fresh: bool,
    /// When the present request began.
    began: Option<Duration>,
    /// What has come of its body, and how long that is to be.
    body: Vec<u8>,
    body_bytes: usize,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            head: Vec::new(),
            is_fresh: true,
            began: None,
            body: Vec::new(),
            body_bytes: 0,
        }
    }
}

impl Asked {
    /// There is something to say, which the socket may take later.
    pub(super) fn begins(&mut self, at: Duration) {
        if self.is_fresh {
            self.began = self.began.or(Some(at));
        }
    }

    /// Takes bytes in, and returns the head of a request when it is whole.
    pub(super) fn take(&mut self, bytes: &[u8], at: Duration) -> Option<(String, Duration)> {
        if !self.is_fresh {
            self.body.extend_from_slice(bytes);
            return None;
        }
        self.began = self.began.or(Some(at));
        self.head.extend_from_slice(bytes);
        let end = find(&self.head, b"\r\n\r\n")?;
        self.is_fresh = false;
        let head = String::from_utf8_lossy(&self.head[..end]).into_owned();
        self.body = self.head.split_off(end + 4);
        self.head.clear();
        let length = field(&head, "content-length").and_then(|text| text.parse().ok());
        self.body_bytes = length.unwrap_or(0);
        Some((head, self.began.take().unwrap_or(at)))
    }

    /// The body of the present request when all of it was written, once.
    pub(super) fn whole_body(&mut self) -> Option<Vec<u8>> {
        let is_whole = self.body_bytes > 0 && self.body.len() >= self.body_bytes;
        is_whole.then(|| {
            self.body_bytes = 0;
            std::mem::take(&mut self.body)
        })
    }

    /// An answer came: what is sent next is another request.
    pub(super) fn answered(&mut self) {
        if !self.is_fresh {
            self.is_fresh = true;
            self.head.clear();
            self.body.clear();
        }
    }
}

/// A request line without what is secret in it.
pub(super) fn without_session(line: &str) -> String {
    let Some((before, rest)) = line.split_once("/sessions/") else {
        return line.to_owned();
    };
    let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric());
    format!("{before}/sessions/***{rest}")
}

/// A field of a request's head.
pub(super) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (field, value) = line.split_once(':')?;
        field.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
