//! The replay: the server's bytes through the machines of the core.

use http::HeaderValue;
use http::uri::PathAndQuery;
use lavapool_core::http::{Connection, Ended, HeaderBlock, HttpLimits};
use lavapool_core::websocket::{Incoming, UpgradeRequest, Violation, WebSocket, WebSocketLimits};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng as _;

use super::asked::{Asked, Meaning};
use super::client::Client;
use super::file::Recording;
use super::frames::{self, Frames};
use super::head::Head;
use super::outcome::{EndedBy, Entry, Line, Misunderstood, Outcome};
use super::reading;
use super::secrets::Secrets;

impl Recording {
    /// Gives the server's bytes to the core, cut at these places, and says what came of it.
    ///
    /// The outcome is the same wherever the bytes are cut. Places may come in any order; those
    /// outside of the bytes cut nothing.
    pub fn replay(&self, cuts: impl IntoIterator<Item = usize>) -> Outcome {
        let end = self.server.bytes.len();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|&cut| cut < end).collect();
        cuts.push(end);
        cuts.sort_unstable();
        let mut replay = Replay {
            server: &self.server.bytes,
            client: Client::new(self),
            offset: 0,
            begin: 0,
            entries: Vec::new(),
            recording: self,
        };
        let mut state = State::Idle(Connection::new(HttpLimits::default()));
        for cut in cuts {
            while replay.offset < cut {
                state = replay.step(state, cut);
            }
        }
        replay.finish(state);
        Outcome {
            entries: replay.entries,
            bad_lines: self.bad_lines.clone(),
            secrets: Secrets::of(self),
        }
    }
}

struct Replay<'r> {
    server: &'r [u8],
    client: Client<'r>,
    /// How many of the server's bytes were taken.
    offset: usize,
    /// Where the response or message begins that is awaited or under way.
    begin: usize,
    entries: Vec<Entry>,
    recording: &'r Recording,
}

/// What the connection is used for.
enum State {
    /// Nothing is asked.
    Idle(Connection),
    /// A response is awaited or under way.
    Exchange(Connection, Asked),
    /// An upgrade is asked for. Its answer may be a response like any other, so a connection
    /// reads it too.
    Upgrade(Box<WebSocket>, Connection, Asked),
    /// Frames come; `begin` is where the first of them is in the server's bytes.
    Open {
        websocket: Box<WebSocket>,
        frames: Frames,
        begin: usize,
    },
    /// The server's close frame came.
    Closed,
    /// The last response came.
    Spent,
    /// The core gave the connection up on a violation.
    Broken,
}

impl Replay<'_> {
    /// Has the core take bytes up to `end`, or up to the end of a response or message.
    fn step(&mut self, state: State, end: usize) -> State {
        match state {
            State::Idle(connection) => self.idle(connection, end),
            State::Exchange(connection, asked) => self.exchange(connection, asked, end),
            State::Upgrade(websocket, connection, asked) => {
                self.upgrade(websocket, connection, asked, end)
            }
            State::Open {
                websocket,
                frames,
                begin,
            } => self.open(websocket, frames, begin, end),
            State::Closed | State::Spent | State::Broken => {
                self.offset = end;
                state
            }
        }
    }

    /// Has the core ask what the client had asked before these bytes came.
    fn idle(&mut self, mut connection: Connection, end: usize) -> State {
        if let Some(asked) = self.client.next(self.offset) {
            return ask(connection, asked);
        }
        match connection.next(&mut self.input(end)) {
            Err(violation) => self.broken(Misunderstood::Http(violation)),
            Ok(_) => State::Idle(connection),
        }
    }

    fn exchange(&mut self, mut connection: Connection, asked: Asked, end: usize) -> State {
        let mut input = self.input(end);
        let (line, reusable) = match connection.next(&mut input) {
            Ok(None) => {
                self.offset = end;
                return State::Exchange(connection, asked);
            }
            Ok(Some(response)) => {
                let line = reading::response(&asked, &self.head(), &response);
                (line, response.reusable)
            }
            Err(violation) => return self.broken(Misunderstood::Http(violation)),
        };
        self.offset = end - input.len();
        self.note_interim();
        self.note(line);
        if reusable {
            State::Idle(connection)
        } else {
            State::Spent
        }
    }

    fn upgrade(
        &mut self,
        mut websocket: Box<WebSocket>,
        mut connection: Connection,
        asked: Asked,
        end: usize,
    ) -> State {
        let mut input = self.input(end);
        match websocket.next(&mut input) {
            Ok(Some(Incoming::Accepted(upgraded))) => {
                self.offset = end - input.len();
                self.note_interim();
                self.note(Line::Upgraded {
                    session_resumed: upgraded.session_resumed,
                    api_version: upgraded.api_version,
                    is_nodelink: upgraded.is_nodelink,
                });
                let begin = self.offset;
                State::Open {
                    websocket,
                    frames: Frames::walk(self.input(self.server.len())),
                    begin,
                }
            }
            // No message precedes the acceptance: the answer is not whole.
            Ok(Some(_) | None) => {
                // What there is to say of a violation in it, the WebSocket says.
                let _ = connection.next(&mut self.input(end));
                self.offset = end;
                State::Upgrade(websocket, connection, asked)
            }
            Err(Violation::Refused(_)) => State::Exchange(connection, asked),
            Err(violation) => self.broken(Misunderstood::WebSocket(violation)),
        }
    }

    /// Takes one frame or message, or less. The bytes are cut behind each ping, so that the
    /// answer to it is told from those to others.
    fn open(
        &mut self,
        mut websocket: Box<WebSocket>,
        frames: Frames,
        begin: usize,
        end: usize,
    ) -> State {
        let mut pings = frames.pings.iter().map(|ping| begin + ping);
        let ping = pings.find(|&ping| ping > self.offset);
        let end = ping.map_or(end, |ping| ping.min(end));
        let mut input = self.input(end);
        let line = match websocket.next(&mut input) {
            Ok(incoming) => incoming.and_then(reading::incoming),
            Err(violation) => return self.broken(Misunderstood::WebSocket(violation)),
        };
        self.offset = end - input.len();
        let answer = frames::pong(websocket.pending());
        websocket.wrote(websocket.pending().len());
        if let Some(line) = line {
            self.note(line);
        } else if let Some(payload) = answer {
            self.note(Line::Ping { payload });
        }
        if websocket.is_closed() {
            return State::Closed;
        }
        State::Open {
            websocket,
            frames,
            begin,
        }
    }

    fn finish(&mut self, state: State) {
        let t_ms_last = self.recording.server.t_ms(self.server.len());
        let nobody = (EndedBy::Recording, t_ms_last);
        let (ended_by, t_ms) = self.recording.ended.unwrap_or(nobody);
        let mut line = Line::Ended(ended_by);
        match state {
            State::Idle(_) => self.note_unanswered(),
            State::Broken => {}
            State::Exchange(connection, asked) | State::Upgrade(_, connection, asked) => {
                self.end_exchange(connection, asked);
                self.note_unanswered();
            }
            State::Open {
                mut websocket,
                frames,
                begin,
            } => {
                if let Some(unfinished) = frames.unfinished {
                    self.begin = begin + unfinished;
                    let bytes = self.server.len() - self.begin;
                    self.note(Line::Misunderstood(Misunderstood::CutMessage { bytes }));
                }
                if websocket.end_of_stream() == Err(Violation::EndedWithoutClose) {
                    line = Line::EndedWithoutClose(ended_by);
                }
            }
            State::Closed if self.begin < self.server.len() => {
                let bytes = self.server.len() - self.begin;
                self.note(Line::Dropped { bytes });
            }
            State::Closed => {}
            State::Spent => {
                if self.begin < self.server.len() {
                    let bytes = self.server.len() - self.begin;
                    self.note(Line::Misunderstood(Misunderstood::Surplus { bytes }));
                }
                self.note_unanswered();
            }
        }
        let offset = self.server.len();
        self.entries.push(Entry { offset, t_ms, line });
    }

    fn end_exchange(&mut self, mut connection: Connection, asked: Asked) {
        let line = match connection.end_of_stream() {
            Ok(Some(response)) => reading::response(&asked, &self.head(), &response),
            Ok(None) | Err(Ended::Idle | Ended::BeforeResponse) => Line::NoAnswer(asked),
            Err(Ended::InsideResponse) if !self.head().has_begun => Line::NoAnswer(asked),
            Err(Ended::InsideResponse) => Line::Misunderstood(Misunderstood::CutResponse(asked)),
        };
        self.note_interim();
        self.note(line);
    }

    /// What the client asked after the last answer.
    fn note_unanswered(&mut self) {
        while let Some(asked) = self.client.next(usize::MAX) {
            self.note(Line::NoAnswer(asked));
        }
    }

    fn broken(&mut self, what: Misunderstood) -> State {
        self.note(Line::Misunderstood(what));
        State::Broken
    }

    /// The interim responses at the beginning of the response.
    fn note_interim(&mut self) {
        for status in self.head().interim {
            let line = Line::Interim { status };
            self.entries.push(self.entry(line));
        }
    }

    /// Notes what lies between the last place that was noted and this one.
    fn note(&mut self, line: Line) {
        self.entries.push(self.entry(line));
        self.begin = self.offset;
    }

    fn entry(&self, line: Line) -> Entry {
        Entry {
            offset: self.begin,
            t_ms: self.recording.server.t_ms(self.begin),
            line,
        }
    }

    fn head(&self) -> Head {
        Head::read(self.server.get(self.begin..).unwrap_or_default())
    }

    /// The bytes up to `end` that were not taken.
    fn input(&self, end: usize) -> &[u8] {
        self.server.get(self.offset..end).unwrap_or_default()
    }
}

/// Has the core ask; what it writes is taken at once.
fn ask(mut connection: Connection, asked: Asked) -> State {
    let host = HeaderValue::from_static("recorded");
    if let Ok(headers) = HeaderBlock::new(&host, &[])
        && let Some(mut draft) = connection.draft(asked.method.clone(), &headers)
    {
        draft.target().literal(&asked.target);
        draft.send();
        connection.wrote(connection.pending().len());
    }
    let Meaning::Upgrade { key } = asked.meaning else {
        return State::Exchange(connection, asked);
    };
    let request = UpgradeRequest {
        target: &PathAndQuery::from_static("/v4/websocket"),
        host: &host,
        headers: &[],
    };
    let limits = WebSocketLimits::default();
    // The masks show nowhere, so one seed is as good as another.
    let rng = ChaCha8Rng::from_seed([0; 32]);
    let mut websocket = match key {
        Some(key) => WebSocket::with_key(&request, key, limits, rng),
        None => WebSocket::new(&request, limits, rng),
    };
    websocket.wrote(websocket.pending().len());
    State::Upgrade(Box::new(websocket), connection, asked)
}
