//! [`Lines`]: the lines of a recording in their order, without secrets.

use std::collections::{BTreeMap, VecDeque};

use lavapool_core::node::NodeConfig;
use lavapool_core::recording::{Header, Line, Trace};
use lavapool_core::rest::Request;
use lavapool_core::{Command, Output, PoolConfig, SocketId};

use super::framing::{Framing, Kind};
use super::mask::Masks;
use super::quoted::scrub_quoted;
use super::scrub::{Rest, Scrubber};
use super::secrets::Secrets;
use super::words::is_secret_name;

/// The lines that are not written yet, because a secret may only have begun.
#[derive(Debug, Default)]
pub(super) struct Lines {
    secrets: Secrets,
    streams: BTreeMap<(SocketId, Direction), Stream>,
    waiting: VecDeque<Waiting>,
    /// The number of the first that waits.
    first: usize,
}

/// One direction of a connection.
#[derive(Debug)]
struct Stream {
    framing: Framing,
    message: Passing,
    /// What stands between the parts of a message.
    aside: Passing,
}

/// Text as it passes.
#[derive(Debug)]
struct Passing {
    scrubber: Scrubber,
    /// What may be the beginning of a secret, and from which lines it is.
    held: Vec<u8>,
    places: VecDeque<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    Sent,
    Received,
}

/// Where bytes of a message stand.
#[derive(Debug)]
struct Place {
    line: usize,
    offset: usize,
    count: usize,
}

#[derive(Debug)]
enum Waiting {
    Text(String),
    /// A line with bytes, of which so many are not decided.
    Bytes(Line, usize),
}

impl Lines {
    pub(super) fn new(masks: Masks) -> Self {
        Self {
            secrets: Secrets::new(masks),
            ..Self::default()
        }
    }

    /// The first line of all.
    pub(super) fn header(&mut self, header: &Header) {
        self.learn_config(&header.config);
        let text = serde_json::to_string(header).unwrap_or_default();
        self.text(&text);
    }

    /// A call of the pool.
    pub(super) fn line(&mut self, mut line: Line) {
        match &mut line {
            Line::Received { socket, bytes, .. } => {
                let (socket, bytes) = (*socket, bytes.0.clone());
                self.bytes(socket, Direction::Received, line, &bytes);
            }
            Line::Wrote { socket, bytes, .. } | Line::Unsent { socket, bytes } => {
                let (socket, bytes) = (*socket, bytes.0.clone());
                self.bytes(socket, Direction::Sent, line, &bytes);
            }
            Line::Closed { socket, .. } => {
                let socket = *socket;
                self.end(socket);
                self.plain(&line);
            }
            Line::Submit { command, .. } => {
                learn_command(&mut self.secrets, command);
                let text = serde_json::to_string(&line).unwrap_or_default();
                self.text(&text);
            }
            _ => self.plain(&line),
        }
    }

    /// What the pool gave out.
    pub(super) fn output(&mut self, output: &Output) {
        if let Output::Close(socket) = output {
            self.end(*socket);
        }
        let trace = self.trace(&format!("{output:?}"));
        self.plain(&Line::Output(trace));
    }

    /// What stands in a line for this text.
    pub(super) fn trace(&mut self, text: &str) -> Trace {
        Trace::of(&scrub_quoted(&mut self.secrets, text))
    }

    /// The next line, if all of it is decided.
    pub(super) fn pop(&mut self) -> Option<String> {
        match self.waiting.front()? {
            Waiting::Text(_) | Waiting::Bytes(_, 0) => {}
            Waiting::Bytes(..) => return None,
        }
        self.first += 1;
        match self.waiting.pop_front()? {
            Waiting::Text(text) => Some(text),
            Waiting::Bytes(line, _) => Some(serde_json::to_string(&line).unwrap_or_default()),
        }
    }

    /// Nothing more comes, from whichever connection.
    pub(super) fn finish(&mut self) {
        let sockets: Vec<_> = self.streams.keys().map(|(socket, _)| *socket).collect();
        for socket in sockets {
            self.end(socket);
        }
    }

    /// How many lines and secrets are kept.
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.waiting.len(), self.secrets.len())
    }

    fn learn_config(&mut self, config: &PoolConfig) {
        self.secrets.learn_header("authorization");
        self.secrets.learn_header("session-id");
        for node in &config.nodes {
            self.secrets.learn_address(&node.endpoint().to_string());
        }
        for node in &config.nodes {
            learn_node(&mut self.secrets, node);
        }
    }

    /// A line without bytes and without secrets.
    pub(super) fn plain(&mut self, line: &Line) {
        let text = serde_json::to_string(line).unwrap_or_default();
        self.waiting.push_back(Waiting::Text(text));
    }

    /// A line that may hold secrets.
    fn text(&mut self, text: &str) {
        let text = scrub_quoted(&mut self.secrets, text);
        self.waiting.push_back(Waiting::Text(text));
    }

    fn bytes(&mut self, socket: SocketId, direction: Direction, line: Line, bytes: &[u8]) {
        let number = self.first + self.waiting.len();
        self.waiting.push_back(Waiting::Bytes(line, 0));
        let is_head = self.streams.get(&(socket, Direction::Sent));
        let is_head = is_head.is_some_and(|sent| sent.framing.is_head());
        let stream = self.streams.entry((socket, direction));
        let stream = stream.or_insert_with(|| Stream::new(direction));
        if direction == Direction::Received {
            stream.framing.answers(is_head);
        }
        let (secrets, waiting) = (&mut self.secrets, &mut self.waiting);
        let mut offset = 0;
        while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
            let piece = stream.framing.next(rest);
            let text = match piece.kind {
                Kind::Message | Kind::Cut => &mut stream.message,
                Kind::Aside => &mut stream.aside,
            };
            if piece.kind != Kind::Cut {
                text.hold(rest.get(..piece.count).unwrap_or_default(), number, offset);
                if let Some(Waiting::Bytes(_, undecided)) = waiting.back_mut() {
                    *undecided += piece.count;
                }
            }
            if piece.ends {
                text.decide(secrets, waiting, self.first, Rest::Whole);
            }
            offset += piece.count;
        }
        for text in [&mut stream.message, &mut stream.aside] {
            text.decide(secrets, waiting, self.first, Rest::Comes);
        }
    }

    fn end(&mut self, socket: SocketId) {
        for direction in [Direction::Sent, Direction::Received] {
            if let Some(mut stream) = self.streams.remove(&(socket, direction)) {
                for text in [&mut stream.message, &mut stream.aside] {
                    text.decide(&mut self.secrets, &mut self.waiting, self.first, Rest::Lost);
                }
            }
        }
    }
}

impl Stream {
    fn new(direction: Direction) -> Self {
        // What servers set is told by their headers only; what we send is known.
        let scrubber = match direction {
            Direction::Sent => Scrubber::default(),
            Direction::Received => Scrubber::with_headers(),
        };
        Self {
            framing: Framing::new(direction == Direction::Sent),
            message: Passing::new(scrubber),
            aside: Passing::new(Scrubber::default()),
        }
    }
}

impl Passing {
    const fn new(scrubber: Scrubber) -> Self {
        Self {
            scrubber,
            held: Vec::new(),
            places: VecDeque::new(),
        }
    }

    fn hold(&mut self, bytes: &[u8], line: usize, offset: usize) {
        let count = bytes.len();
        self.held.extend_from_slice(bytes);
        self.places.push_back(Place {
            line,
            offset,
            count,
        });
    }

    /// Replaces secrets in what is held, and puts back what is decided.
    fn decide(
        &mut self,
        secrets: &mut Secrets,
        waiting: &mut VecDeque<Waiting>,
        first: usize,
        rest: Rest,
    ) {
        let done = self.scrubber.scrub(secrets, &mut self.held, rest);
        let mut decided = self.held.drain(..done);
        while let Some(place) = self.places.front_mut() {
            let now: Vec<u8> = decided.by_ref().take(place.count).collect();
            let line = waiting.get_mut(place.line - first);
            if let Some(Waiting::Bytes(line, undecided)) = line {
                put(line, place.offset, &now);
                *undecided -= now.len();
            }
            place.offset += now.len();
            place.count -= now.len();
            if place.count > 0 {
                break;
            }
            self.places.pop_front();
        }
    }
}

fn put(line: &mut Line, offset: usize, decided: &[u8]) {
    let (Line::Received { bytes, .. } | Line::Wrote { bytes, .. } | Line::Unsent { bytes, .. }) =
        line
    else {
        return;
    };
    let place = bytes.0.get_mut(offset..offset + decided.len());
    if let Some(place) = place {
        place.copy_from_slice(decided);
    }
}

/// Learns what a node is told, before a line speaks of anything else.
fn learn_node(secrets: &mut Secrets, node: &NodeConfig) {
    secrets.learn_address(&node.endpoint().to_string());
    for (name, value) in node.headers() {
        secrets.learn_header(name.as_str());
        let value = String::from_utf8_lossy(value.as_bytes());
        secrets.learn_password(&value);
        if let Some((_, credentials)) = value
            .split_once(' ')
            .filter(|(scheme, _)| is_scheme(scheme))
        {
            secrets.learn_password(credentials);
        }
    }
    secrets.learn_password(node.password().expose());
    if let Some(session) = node.resumed_session() {
        secrets.learn(session.expose());
    }
}

/// Whether credentials follow this word in a header (RFC 7617, RFC 6750).
fn is_scheme(word: &str) -> bool {
    ["basic", "bearer"]
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// Learns the secrets of a command before its line is written. That names others, too: each
/// [`Secret`](lavapool_core::Secret) stands there under a name that tells it.
fn learn_command(secrets: &mut Secrets, command: &Command) {
    match command {
        Command::AddNode(node) => learn_node(secrets, node),
        Command::VoiceState(update) => secrets.learn(update.session_id.expose()),
        Command::VoiceServer(update) => secrets.learn(update.token.expose()),
        Command::Voice { voice, .. } => {
            secrets.learn(voice.token.expose());
            secrets.learn(voice.session_id.expose());
        }
        Command::Rest {
            request: Request::Raw { path, .. },
            ..
        } => {
            let query = path.split_once('?').map_or("", |(_, query)| query);
            for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
                if is_secret_name(name) {
                    secrets.learn(value);
                }
            }
        }
        // They have none, or name them.
        _ => {}
    }
}
