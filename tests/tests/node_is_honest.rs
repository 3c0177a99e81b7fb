//! Says to the test node what a client once said to a real Lavalink 4.2.2, at the same times, and
//! compares every answer with the real one's: status, header fields and their order, bodies,
//! WebSocket messages, and who closed. `tests/recordings/lavalink-4.2.2/INDEX.md` describes the
//! recordings.
//!
//! Not compared: the time between a request and its answer, where `playerUpdate`s stand among
//! other messages (threads of a real server race for that), and the values of [`VOLATILE`] keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lavapool_tests::node::blob::TrackBlob;
use lavapool_tests::node::catalogue::LoadResult;
use lavapool_tests::node::{
    Action, ConnectionId, NodeConfig, TestNode, Violation, ViolationRecord, Voice,
};
use serde_json::Value;

/// Recordings that the node cannot repeat, with the reason. Each must differ, or it is no
/// exception and fails the test.
const EXCEPTIONS: [(&str, &str); 5] = [
    (
        "03-exceptions.rest",
        "a server with a plugin, and files that vanish while they are played",
    ),
    (
        "03-exceptions.ws",
        "a server with a plugin, and files that vanish while they are played",
    ),
    ("15-plugin-big-playlist", "a playlist of a plugin"),
    ("15-plugin.rest", "tracks, playlists and errors of a plugin"),
    ("15-plugin.ws", "events of a plugin"),
];

/// Single differences that the node has for a reason, as file, place and reason. Each must occur.
const DIFFERENCES: [(&str, &str, &str); 3] = [
    (
        "02-voice.rest",
        "answer 16/state/position: Number(1500) was Number(20000)",
        "the real server read the position before the seek was done, and told it 1 ms later",
    ),
    (
        "02-voice.rest",
        "answer 16/track/info/position: Number(1500) was Number(20000)",
        "the same position, in the track",
    ),
    (
        "02-voice.ws",
        "message 7/reason: String(\"finished\") was String(\"replaced\")",
        "the track ended by itself 2 ms before it was replaced",
    ),
];

#[test]
fn the_node_answers_as_the_real_server_did() {
    let mut differences = BTreeSet::new();
    let mut different_files = BTreeSet::new();
    for scenario in scenarios() {
        let heard = Replay::new(&scenario).run();
        for recording in &scenario.recordings {
            let found = recording.compare(&heard[&recording.name], scenario.slack_ms());
            let known = |file: &&(&str, &str)| file.0 == recording.name;
            if EXCEPTIONS.iter().any(|exception| known(&exception)) {
                different_files.extend((!found.is_empty()).then(|| recording.name.clone()));
            } else {
                differences.extend(
                    found
                        .into_iter()
                        .map(|place| (recording.name.clone(), place)),
                );
            }
        }
    }
    let listed = |&(file, place, _): &(&str, &str, &str)| (file.to_owned(), place.to_owned());
    let expected: BTreeSet<_> = DIFFERENCES.iter().map(listed).collect();
    assert_eq!(differences, expected, "{differences:#?}");
    let exceptions: BTreeSet<_> = EXCEPTIONS
        .iter()
        .map(|(file, _)| (*file).to_owned())
        .collect();
    assert_eq!(different_files, exceptions);
}

#[test]
fn the_node_finds_the_breaches_of_the_recorded_client_and_no_other() {
    let mut violations = BTreeMap::new();
    for scenario in scenarios() {
        let mut replay = Replay::new(&scenario);
        replay.run();
        let kind = |record: &ViolationRecord| record.violation;
        let found: Vec<_> = replay.node.log().violations.iter().map(kind).collect();
        if !found.is_empty() {
            violations.insert(scenario.name.clone(), found);
        }
    }
    let expected = [
        ("13-http-bad-percent", Violation::MalformedTarget),
        ("13-http-garbage", Violation::MalformedHead),
        ("13-http-utf8-raw-path", Violation::MalformedTarget),
    ];
    let expected = expected.map(|(name, violation)| (name.to_owned(), vec![violation]));
    assert_eq!(violations, BTreeMap::from(expected));
}

/// The files that share a server, a clock and sessions.
struct Scenario {
    name: String,
    recordings: Vec<Recording>,
}

/// One connection, as recorded.
struct Recording {
    name: String,
    rows: Vec<Row>,
}

struct Row {
    at: Duration,
    from_client: bool,
    bytes: Vec<u8>,
    end: Option<End>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct End {
    reset: bool,
}

/// What a server said on one connection.
#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    /// Whether the server closed although the client had not.
    closed_first: bool,
}

struct Replay<'a> {
    scenario: &'a Scenario,
    node: TestNode,
    connections: BTreeMap<&'a str, ConnectionId>,
    heard: BTreeMap<String, Heard>,
    /// Session ids of the real server and of the node.
    sessions: BTreeMap<String, String>,
}

impl Scenario {
    /// How far a position may be off, in milliseconds: a real server decodes and sends ahead.
    fn slack_ms(&self) -> i64 {
        if matches!(self.name.as_str(), "02-voice" | "06-resume") {
            500
        } else {
            0
        }
    }
}

impl<'a> Replay<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let mut config = NodeConfig::new("recorded");
        config.sources = vec!["local".to_owned(), "http".to_owned()];
        // The real server decodes 5 s ahead, and plays what it has decoded.
        config.frame_buffer = Duration::from_secs(5);
        config.sent_ahead = Duration::from_millis(350);
        for recording in &scenario.recordings {
            recording.catalogue(&mut config);
        }
        Self {
            scenario,
            node: TestNode::new(config, 7, Duration::ZERO),
            connections: BTreeMap::new(),
            heard: BTreeMap::new(),
            sessions: BTreeMap::new(),
        }
    }

    fn run(&mut self) -> BTreeMap<String, Heard> {
        let recordings = self.scenario.recordings.iter();
        let mut rows: Vec<_> = recordings
            .flat_map(|from| from.rows.iter().map(move |row| (from, row)))
            .collect();
        rows.sort_by_key(|(_, row)| row.at);
        for (recording, row) in rows {
            if row.from_client {
                self.say(recording, row);
            } else {
                self.node.handle_timeout(row.at);
            }
            self.listen();
            self.learn_session(recording);
        }
        let mut heard = std::mem::take(&mut self.heard);
        for heard in heard.values_mut() {
            for (real, ours) in &self.sessions {
                heard.bytes = replaced(&heard.bytes, ours.as_bytes(), real.as_bytes());
            }
        }
        heard
    }

    fn say(&mut self, recording: &'a Recording, row: &Row) {
        let node = &mut self.node;
        let connection = *self
            .connections
            .entry(&recording.name)
            .or_insert_with(|| node.accept(row.at));
        self.heard.entry(recording.name.clone()).or_default();
        if let Some(end) = row.end {
            node.peer_closed(connection, end.reset, row.at);
            self.connections.remove(recording.name.as_str());
            self.drain(&recording.name, connection);
            return;
        }
        node.config().voice = voice_gateway(&self.scenario.name, &row.bytes);
        let renamed = self
            .sessions
            .iter()
            .fold(row.bytes.clone(), |bytes, (real, ours)| {
                replaced(&bytes, real.as_bytes(), ours.as_bytes())
            });
        node.receive(connection, &renamed, row.at);
    }

    fn listen(&mut self) {
        while let Some(action) = self.node.poll_action() {
            let (to, bytes) = match action {
                Action::Send(to, bytes) => (to, Some(bytes)),
                Action::Close(to, _) => (to, None),
            };
            let named = self
                .connections
                .iter()
                .find(|(_, connection)| **connection == to);
            let (name, _) = named.expect("the node speaks on connections that are open");
            let heard = self.heard.entry((*name).to_owned()).or_default();
            match bytes {
                Some(bytes) => heard.bytes.extend(bytes),
                None => heard.closed_first = true,
            }
        }
    }

    /// What the node still says when the client has closed is its FIN.
    fn drain(&mut self, name: &str, connection: ConnectionId) {
        while let Some(action) = self.node.poll_action() {
            let (Action::Send(to, _) | Action::Close(to, _)) = action;
            assert_eq!(to, connection, "{name}");
        }
    }

    fn learn_session(&mut self, recording: &Recording) {
        let real = session_id(&recording.server_bytes());
        let ours = self
            .heard
            .get(&recording.name)
            .and_then(|heard| session_id(&heard.bytes));
        if let (Some(real), Some(ours)) = (real, ours) {
            self.sessions.insert(real, ours);
        }
    }
}

impl Recording {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a recording is readable");
        let row = |line: &str| {
            let row: Value = serde_json::from_str(line).expect("a row is JSON");
            let ms = row["t_ms"].as_f64().expect("a row has a time");
            let encoded = row["b64"].as_str().expect("a row has bytes");
            let reset = row["reset"].as_bool().unwrap_or(false);
            Row {
                at: Duration::from_secs_f64(ms / 1000.0),
                from_client: row["dir"] == "c2s",
                bytes: BASE64_STANDARD.decode(encoded).expect("bytes are base64"),
                end: row["eof"]
                    .as_bool()
                    .unwrap_or(false)
                    .then_some(End { reset }),
            }
        };
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a file has a name");
        Self {
            name: name.to_owned(),
            rows: text.lines().map(row).collect(),
        }
    }

    fn server_bytes(&self) -> Vec<u8> {
        let rows = self.rows.iter().filter(|row| !row.from_client);
        rows.flat_map(|row| row.bytes.iter().copied()).collect()
    }

    fn real(&self) -> Heard {
        let first_end = self.rows.iter().find(|row| row.end.is_some());
        let closed_first = first_end.is_some_and(|row| !row.from_client);
        Heard {
            bytes: self.server_bytes(),
            closed_first,
        }
    }

    /// The request lines of the client; its requests never span lines otherwise.
    fn request_lines(&self) -> Vec<String> {
        let rows = self.rows.iter().filter(|row| row.from_client);
        let bytes: Vec<_> = rows.flat_map(|row| row.bytes.iter().copied()).collect();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines = text
            .split("\r\n")
            .filter(|line| line.ends_with(" HTTP/1.1"));
        lines.map(str::to_owned).collect()
    }

    /// Teaches a node what the real server loaded.
    fn catalogue(&self, config: &mut NodeConfig) {
        let answers = self.real().answers(self);
        let answers = answers.iter().filter(|answer| answer.status != 100);
        for (line, answer) in self.request_lines().iter().zip(answers) {
            let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
                continue;
            };
            let track = |track: &Value| {
                let blob = TrackBlob::decode(track["encoded"].as_str()?).ok()?;
                let result = LoadResult::Track(TrackBlob {
                    position_ms: 0,
                    ..blob.clone()
                });
                Some((blob.identifier, result))
            };
            let asked = line
                .split("identifier=")
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            let failed = body["data"]["message"]
                .as_str()
                .zip(asked)
                .map(|(message, asked)| {
                    let plain = asked.replace("%3A", ":").replace("%2F", "/");
                    (plain, LoadResult::Error(message.to_owned()))
                });
            let loaded = track(&body["data"])
                .or_else(|| track(&body["track"]))
                .or(failed);
            if let Some((identifier, result)) = loaded {
                config.catalogue.insert(identifier, result);
            }
        }
        // It was asked for by a PATCH only.
        let message = "Something went wrong while looking up the track.".to_owned();
        let identifier = "http://127.0.0.1:8333/notaudio.txt";
        config
            .catalogue
            .insert(identifier, LoadResult::Error(message));
    }

    /// Returns the places at which what was heard differs from the recording.
    fn compare(&self, heard: &Heard, slack_ms: i64) -> Vec<String> {
        let mut differing = Differing {
            slack_ms,
            places: Vec::new(),
        };
        let (real, ours) = (self.real(), heard);
        if real.closed_first != ours.closed_first {
            differing.note("close", &real.closed_first, &ours.closed_first);
        }
        let (real_answers, our_answers) = (real.answers(self), ours.answers(self));
        differing.lengths("answers", real_answers.len(), our_answers.len());
        for (index, (real, ours)) in real_answers.iter().zip(&our_answers).enumerate() {
            differing.answer(&format!("answer {index}"), real, ours);
        }
        let ((real, real_updates), (ours, our_updates)) = (real.messages(), ours.messages());
        differing.lengths("messages", real.len(), ours.len());
        for (index, (real, ours)) in real.iter().zip(&ours).enumerate() {
            differing.json(&format!("message {index}"), real, ours);
        }
        let guilds: BTreeSet<_> = real_updates.keys().chain(our_updates.keys()).collect();
        for guild in guilds {
            let none = Vec::new();
            let real = real_updates.get(guild).unwrap_or(&none);
            let ours = our_updates.get(guild).unwrap_or(&none);
            differing.lengths(&format!("updates of {guild}"), real.len(), ours.len());
            for (index, (real, ours)) in real.iter().zip(ours).enumerate() {
                differing.json(&format!("update {index} of {guild}"), real, ours);
            }
        }
        differing.places
    }
}

/// An answer as it was on the wire, but for its chunks.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Heard {
    /// The answers to requests, an upgrade included.
    fn answers(&self, recording: &Recording) -> Vec<Answer> {
        let lines = recording.request_lines();
        let mut requests = lines.iter();
        let mut answers: Vec<Answer> = Vec::new();
        let mut rest = self.bytes.as_slice();
        while !rest.is_empty() && answers.last().is_none_or(|answer| answer.status != 101) {
            let (mut answer, used) = head(rest);
            rest = &rest[used..];
            let request = if answer.status == 100 {
                None
            } else {
                requests.next()
            };
            let is_head = request.is_some_and(|line| line.contains("HEAD /"));
            if !is_head && !matches!(answer.status, 100 | 101 | 204) {
                let (body, used) = answer.cut_body(rest);
                answer.body = body;
                rest = &rest[used..];
            }
            answers.push(answer);
        }
        answers
    }

    /// The messages of a WebSocket: updates by guild, and everything else in order.
    fn messages(&self) -> (Vec<Value>, BTreeMap<String, Vec<Value>>) {
        let (mut others, mut updates) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
        if !self.bytes.starts_with(b"HTTP/1.1 101") {
            return (others, updates);
        }
        let mut rest = &self.bytes[head(&self.bytes).1..];
        while let [first, second, tail @ ..] = rest {
            let long = match second {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            let (length, tail) = tail.split_at(long);
            let number = |number, byte: &u8| number << 8 | usize::from(*byte);
            let short = usize::from(*second);
            let count = if long == 0 {
                short
            } else {
                length.iter().fold(0, number)
            };
            let (payload, tail) = tail.split_at(count);
            rest = tail;
            let text = String::from_utf8_lossy(payload);
            let message = match first {
                0x81 => serde_json::from_slice(payload).expect("a message is JSON"),
                other => Value::from(format!("frame {other:x} {text}")),
            };
            match message["guildId"]
                .as_str()
                .filter(|_| message["op"] == "playerUpdate")
            {
                Some(guild) => updates.entry(guild.to_owned()).or_default().push(message),
                None => others.push(message),
            }
        }
        // Two threads race for these.
        if others.len() > 1 && others[0]["op"] == "stats" && others[1]["op"] == "ready" {
            others.swap(0, 1);
        }
        (others, updates)
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    fn cut_body(&self, rest: &[u8]) -> (Vec<u8>, usize) {
        if let Some(length) = self.header("Content-Length") {
            let length = length.parse().expect("a length is a number");
            return (rest[..length].to_vec(), length);
        }
        if self.header("Transfer-Encoding").is_none() {
            return (rest.to_vec(), rest.len());
        }
        let (mut body, mut used) = (Vec::new(), 0);
        loop {
            let line = rest[used..]
                .windows(2)
                .position(|pair| pair == b"\r\n")
                .expect("a size");
            let digits = std::str::from_utf8(&rest[used..used + line]).expect("digits");
            let size = usize::from_str_radix(digits, 16).expect("a size is hexadecimal");
            let start = used + line + 2;
            body.extend(&rest[start..start + size]);
            used = start + size + 2;
            if size == 0 {
                return (body, used);
            }
            // Part of the framing that must be alike.
            assert_eq!(digits.len() % 2, 0, "{digits}");
        }
    }
}

fn head(bytes: &[u8]) -> (Answer, usize) {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut fields);
    let Ok(httparse::Status::Complete(used)) = head.parse(bytes) else {
        panic!(
            "a server writes whole heads: {:?}",
            String::from_utf8_lossy(bytes)
        );
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = head
        .headers
        .iter()
        .map(|field| (field.name.to_owned(), text(field.value)));
    let status = head.code.expect("a head has a status");
    (
        Answer {
            status,
            headers: headers.collect(),
            body: Vec::new(),
        },
        used,
    )
}

/// Collects places of difference.
struct Differing {
    slack_ms: i64,
    places: Vec<String>,
}

impl Differing {
    fn note(&mut self, place: &str, real: &dyn std::fmt::Debug, ours: &dyn std::fmt::Debug) {
        self.places.push(format!("{place}: {real:?} was {ours:?}"));
    }

    fn lengths(&mut self, place: &str, real: usize, ours: usize) {
        if real != ours {
            self.note(place, &real, &ours);
        }
    }

    fn answer(&mut self, place: &str, real: &Answer, ours: &Answer) {
        if real.status != ours.status {
            self.note(place, &real.status, &ours.status);
        }
        let undated = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            for (name, value) in &mut headers {
                if name == "Date" {
                    assert!(value.ends_with(" GMT"));
                    value.clear();
                }
            }
            headers
        };
        let (real_headers, our_headers) = (undated(real), undated(ours));
        if real_headers != our_headers {
            self.note(place, &real_headers, &our_headers);
        }
        let json = |answer: &Answer| serde_json::from_slice::<Value>(&answer.body);
        match (json(real), json(ours)) {
            (Ok(real), Ok(ours)) => self.json(place, &real, &ours),
            _ if real.body != ours.body => self.note(place, &real.body, &ours.body),
            _ => {}
        }
    }

    fn json(&mut self, place: &str, real: &Value, ours: &Value) {
        match (real, ours) {
            (Value::Object(real), Value::Object(ours)) => {
                let keys: BTreeSet<_> = real.keys().chain(ours.keys()).collect();
                for key in keys {
                    let place = format!("{place}/{key}");
                    match (real.get(key), ours.get(key)) {
                        (Some(real), Some(ours)) => self.member(&place, key, real, ours),
                        (real, ours) => self.note(&place, &real, &ours),
                    }
                }
            }
            (Value::Array(real), Value::Array(ours)) if real.len() == ours.len() => {
                for (index, (real, ours)) in real.iter().zip(ours).enumerate() {
                    self.json(&format!("{place}/{index}"), real, ours);
                }
            }
            _ if real != ours => self.note(place, real, ours),
            _ => {}
        }
    }

    fn member(&mut self, place: &str, key: &str, real: &Value, ours: &Value) {
        let same_kind = std::mem::discriminant(real) == std::mem::discriminant(ours);
        let numbers = real.as_i64().zip(ours.as_i64());
        let is_same = match key {
            _ if VOLATILE.contains(&key) => same_kind,
            "ping" => numbers.is_some_and(|(real, ours)| (real < 0) == (ours < 0)),
            "position" => numbers.is_some_and(|(real, ours)| (real - ours).abs() <= self.slack_ms),
            "encoded" => real
                .as_str()
                .zip(ours.as_str())
                .is_some_and(|(real, ours)| {
                    let still = |encoded| {
                        TrackBlob::decode(encoded).map(|blob| TrackBlob {
                            position_ms: 0,
                            ..blob
                        })
                    };
                    // With no slack the blob is the same to the last byte.
                    real == ours || (self.slack_ms > 0 && still(real) == still(ours))
                }),
            _ => return self.json(place, real, ours),
        };
        if !is_same {
            self.note(place, real, ours);
        }
    }
}

/// Keys whose values are a matter of the time, the machine or what else the real server did.
const VOLATILE: [&str; 14] = [
    "allocated",
    "causeStackTrace",
    "free",
    "lavalinkLoad",
    "players",
    "playingPlayers",
    "reservable",
    "systemLoad",
    "time",
    "timestamp",
    "trace",
    "uptime",
    "used",
    "cores",
];

fn scenarios() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings/lavalink-4.2.2");
    let files = fs::read_dir(folder).expect("the recordings are there");
    let mut paths: Vec<_> = files
        .map(|file| file.expect("a file is listed").path())
        .collect();
    paths.sort();
    let mut scenarios = BTreeMap::<_, Vec<_>>::new();
    for path in paths
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
    {
        let recording = Recording::read(path);
        let name = recording
            .name
            .split('.')
            .next()
            .unwrap_or_default()
            .to_owned();
        scenarios.entry(name).or_default().push(recording);
    }
    let scenario = |(name, recordings)| Scenario { name, recordings };
    scenarios.into_iter().map(scenario).collect()
}

/// What the recorded imitation of Discord's voice gateway did for a token.
fn voice_gateway(scenario: &str, request: &[u8]) -> Voice {
    let text = String::from_utf8_lossy(request);
    let token = text
        .split("\"token\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let parts = token.map(|token| token.split(['=', ':']).collect::<Vec<_>>());
    let closing = |seconds: f64, code: &str, reason| Voice::Closes {
        after: Duration::from_secs_f64(seconds),
        code: code.parse().expect("a close code is a number"),
        reason,
    };
    match parts.as_deref() {
        Some(["close", code, after]) => {
            closing(after.parse().expect("seconds"), code, "Disconnected.")
        }
        Some(["closeident", code]) => closing(0.0, code, "Session is no longer valid."),
        _ if scenario == "09-voice-unreachable" => Voice::Unreachable,
        _ => Voice::Connects,
    }
}

fn session_id(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once("\"op\":\"ready\"")?;
    let (_, id) = rest.split_once("\"sessionId\":\"")?;
    id.get(..16).map(str::to_owned)
}

fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut result = bytes.to_vec();
    for start in 0..result.len().saturating_sub(old.len()) {
        if result[start..].starts_with(old) {
            result[start..start + old.len()].copy_from_slice(new);
        }
    }
    result
}
