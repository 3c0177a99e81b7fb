//! Says to the test node what a client once said to a real Lavalink 4.2.2, at the same times, and
//! compares every answer with the real one's: status, header fields and their order, bodies,
//! WebSocket messages, and who closed. `tests/recordings/lavalink-4.2.2/INDEX.md` describes the
//! recordings.
//!
//! Not compared: the time between a request and its answer, where `playerUpdate`s stand among
//! other messages (threads of a real server race for that), and the values of keys that are
//! a matter of the machine.

mod recorded;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lavapool_tests::node::blob::TrackBlob;
use lavapool_tests::node::catalogue::LoadResult;
use lavapool_tests::node::{
    Action, ConnectionId, NodeConfig, TestNode, Violation, ViolationRecord, Voice,
};
use serde_json::Value;

use recorded::{Heard, Recording, Row, Scenario, scenarios};

const SERVER: &str = "lavalink-4.2.2";

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
    for scenario in scenarios(SERVER) {
        let heard = Replay::new(&scenario).run();
        for recording in &scenario.recordings {
            let found = recording.compare(&heard[&recording.name], slack_ms(&scenario));
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
    for scenario in scenarios(SERVER) {
        let mut replay = Replay::new(&scenario);
        replay.run();
        let kind = |record: &ViolationRecord| record.violation;
        let found: Vec<_> = replay.node.log().violations.iter().map(kind).collect();
        if !found.is_empty() {
            violations.insert(scenario.name.clone(), found);
        }
    }
    let expected = [
        ("02-voice", Violation::UnreadableBody, 3),
        ("05-rest-decode", Violation::UnreadableBody, 2),
        ("05-rest-errors", Violation::UnreadableBody, 2),
        ("05-rest-filters", Violation::UnreadableBody, 1),
        ("05-rest-session", Violation::UnreadableBody, 19),
        ("13-http-bad-percent", Violation::MalformedTarget, 1),
        ("13-http-garbage", Violation::MalformedHead, 1),
        ("13-http-utf8-raw-path", Violation::MalformedTarget, 1),
    ];
    let expected =
        expected.map(|(name, violation, times)| (name.to_owned(), vec![violation; times]));
    assert_eq!(violations, BTreeMap::from(expected));
}

struct Replay<'a> {
    scenario: &'a Scenario,
    node: TestNode,
    connections: BTreeMap<&'a str, ConnectionId>,
    heard: BTreeMap<String, Heard>,
    /// Session ids of the real server and of the node.
    sessions: BTreeMap<String, String>,
}

impl<'a> Replay<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let mut config = NodeConfig::new("recorded");
        config.sources = vec!["local".to_owned(), "http".to_owned()];
        // The real server decodes 5 s ahead, and plays what it has decoded.
        config.frame_buffer = Duration::from_secs(5);
        config.sent_ahead = Duration::from_millis(350);
        for recording in &scenario.recordings {
            teach(&mut config, recording);
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

/// Teaches a node what the real server loaded.
fn teach(config: &mut NodeConfig, recording: &Recording) {
    let answers = recording.real().answers(recording);
    let answers = answers.iter().filter(|answer| answer.status != 100);
    for (line, answer) in recording.request_lines().iter().zip(answers) {
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

/// How far a position may be off, in milliseconds: a real server decodes and sends ahead.
fn slack_ms(scenario: &Scenario) -> i64 {
    if matches!(scenario.name.as_str(), "02-voice" | "06-resume") {
        500
    } else {
        0
    }
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
