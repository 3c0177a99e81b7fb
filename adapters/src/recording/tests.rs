//! What a recording hides, and what becomes of it when the disk does not want it.

#![allow(clippy::unwrap_used)]

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Wake, Waker};

use lavapool_core::protocol::{GuildId, UserId};
use lavapool_core::recording::{Bytes, Header, Line};
use lavapool_core::region::RegionMap;
use lavapool_core::{Command, PoolConfig, Secret, Seed, SocketId, Timestamp, VoiceServerUpdate};

use super::framing::{Framing, Kind};
use super::lines::Lines;
use super::mask::Masks;
use super::writer::{Message, Recorder, create};
use super::{RecordingFailure, RecordingState};

#[test]
fn no_cut_lets_a_secret_through_or_changes_what_frames_it() {
    let draws = Draws::default();
    for number in 0..150 {
        let secrets = Secrets::draw(&draws, number);
        for (is_client, bytes) in [
            (false, http(&secrets)),
            (false, socket(&secrets)),
            (true, sent(&secrets)),
        ] {
            let key = &draws.0;
            let whole = record(key, &secrets, is_client, &[&bytes]);
            let cuts = draws.cuts(number, &bytes);
            let cut = record(key, &secrets, is_client, &cuts);

            let text = whole[0].escape_ascii().to_string();
            for secret in secrets.all() {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
            assert_eq!(cut.concat(), whole[0], "cut at random ({number})");
            let lengths =
                |pieces: &[&[u8]]| pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>();
            let scrubbed: Vec<&[u8]> = cut.iter().map(Vec::as_slice).collect();
            assert_eq!(lengths(&scrubbed), lengths(&cuts));
            assert_eq!(framing(is_client, &whole[0]), framing(is_client, &bytes));
        }
    }
}

#[test]
fn a_secret_that_no_json_names_is_hidden_in_what_comes_after_it_was_told() {
    let mut lines = Lines::default();
    lines.line(voice("a1b2c3d4e5f6"));
    lines.line(received(0, b"HTTP/1.1 500 a1b2c3"));
    lines.line(received(1, b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(all(&mut lines).len(), 1, "the command; the rest may go on");
    lines.line(received(0, b"d4e5f6\r\n\r\n"));
    let [first, other, rest] = &all(&mut lines)[..] else {
        panic!("three lines");
    };
    assert!(
        !first.contains("a1b2c3") && !rest.contains("d4e5f6"),
        "{first} {rest}"
    );
    assert!(other.contains("HTTP/1.1 200 OK"));
}

#[test]
fn what_is_cut_off_in_a_secret_is_hidden_too() {
    let mut lines = Lines::default();
    lines.line(voice("a1b2c3d4e5f6"));
    lines.line(received(0, b"HTTP/1.1 500 a1b2c3"));
    lines.finish();
    let text = all(&mut lines).concat();
    assert!(
        text.contains("HTTP/1.1 500 ") && !text.contains("a1b2c3"),
        "{text}"
    );
}

#[test]
#[cfg(unix)]
fn nobody_else_may_read_the_file_whatever_was_there_before() {
    use std::os::unix::fs::PermissionsExt;

    let folder = std::env::temp_dir().join(format!("lavapool-recording-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("recording.jsonl");
    std::fs::write(&path, "old").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();

    let file = create(&path).unwrap();
    let metadata = file.metadata().unwrap();
    assert_eq!(
        (metadata.permissions().mode() & 0o777, metadata.len()),
        (0o600, 0)
    );

    let target = folder.join("elsewhere");
    std::fs::write(&target, "kept").unwrap();
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    drop(create(&path).unwrap());
    assert_eq!(
        std::fs::read(&target).unwrap(),
        b"kept",
        "a link is not followed"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_slow_disk_ends_the_recording_and_delays_nobody() {
    let (allow, disk) = Slow::new();
    let recorder = Recorder::start_within(1024 * 1024, disk).unwrap();
    let recording = recorder.handle();
    let big = vec![b'x'; 300 * 1024];
    for _ in 0..200 {
        // The disk takes nothing meanwhile: these would wait for ever.
        recorder.send(|| Message::Line(received(0, &big)));
    }
    assert_eq!(recording.state(), RecordingState::Running);
    drop(allow);

    let state = finished(&recording);

    assert_eq!(state, RecordingState::Stopped(RecordingFailure::TooSlow));
}

#[test]
fn a_full_disk_ends_the_recording() {
    let recorder = Recorder::start(Full).unwrap();
    let recording = recorder.handle();
    recorder.header(header());
    let failure = RecordingFailure::Disk(io::ErrorKind::StorageFull);
    assert_eq!(finished(&recording), RecordingState::Stopped(failure));
    recorder.header(header());
}

#[test]
fn a_recording_is_complete_when_nobody_sends_any_more() {
    let (recorder, read) = kept();
    let recording = recorder.handle();
    recorder.header(header());
    recorder.send(|| {
        Message::Line(Line::Timeout {
            at: Timestamp::ZERO,
        })
    });
    assert_eq!(recording.state(), RecordingState::Running);
    drop(recorder);
    assert_eq!(finished(&recording), RecordingState::Complete);
    let text = read();
    let lines: Vec<_> = text.lines().skip(1).collect();
    assert_eq!(lines, [r#"{"timeout":{"at":0}}"#, r#"{"end":"closed"}"#]);
}

/// One that writes into memory, and how to read that when it is over.
pub(super) fn kept() -> (Recorder, impl FnOnce() -> String) {
    let (sender, receiver) = channel();
    let recorder = Recorder::start(Kept(sender)).unwrap();
    let read = move || String::from_utf8(receiver.iter().flatten().collect()).unwrap();
    (recorder, read)
}

pub(super) fn finished(recording: &super::Recording) -> RecordingState {
    let mut finished = std::pin::pin!(recording.finished());
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(state) = finished.as_mut().poll(&mut cx) {
            return state;
        }
        std::thread::park();
    }
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub(super) fn header() -> Header {
    let mut config = PoolConfig::new(UserId::new(1).unwrap());
    config.regions = RegionMap::empty();
    Header::new(config, Seed::from(1), Timestamp::ZERO)
}

pub(super) fn voice(token: &str) -> Line {
    let update = VoiceServerUpdate {
        guild: GuildId::new(1).unwrap(),
        token: Secret::from(token),
        endpoint: None,
    };
    Line::Submit {
        at: Timestamp::ZERO,
        by: None,
        command: Box::new(Command::VoiceServer(update)),
    }
}

pub(super) fn received(socket: u32, bytes: &[u8]) -> Line {
    Line::Received {
        at: Timestamp::ZERO,
        socket: id(socket),
        bytes: Bytes(bytes.to_vec()),
    }
}

pub(super) fn id(slot: u32) -> SocketId {
    serde_json::from_str(&format!(r#"{{"slot":{slot},"generation":1}}"#)).unwrap()
}

pub(super) fn all(lines: &mut Lines) -> Vec<String> {
    std::iter::from_fn(|| lines.pop()).collect()
}

/// The same bytes as they stand in a recording, cut as they came.
fn record(key: &RandomState, secrets: &Secrets, is_client: bool, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut lines = Lines::new(Masks::with_key(key.clone()));
    let mut header = header();
    let node = lavapool_core::node::NodeConfig::new("main", "localhost", secrets.password.as_str())
        .and_then(|node| node.header("x-key", &secrets.header))
        .unwrap();
    header.config.nodes.push(node);
    lines.header(&header);
    lines.line(voice(&secrets.token));
    let told = all(&mut lines).concat();
    for secret in [&secrets.password, &secrets.header, &secrets.token] {
        let json = serde_json::to_string(secret).unwrap();
        assert!(!told.contains(&json), "{secret} in {told}");
    }
    if is_client {
        // What is sent names the session that came before.
        let ready = format!("{}{}", UPGRADED, frame(true, 1, &secrets.ready()));
        let bytes = ready
            .chars()
            .map(|character| u8::try_from(character).unwrap());
        lines.line(received(7, &bytes.collect::<Vec<_>>()));
    }
    for piece in pieces {
        let bytes = Bytes(piece.to_vec());
        let (at, socket) = (Timestamp::ZERO, id(0));
        lines.line(if is_client {
            Line::Wrote { at, socket, bytes }
        } else {
            Line::Received { at, socket, bytes }
        });
    }
    lines.finish();
    let lines = all(&mut lines).into_iter().skip(usize::from(is_client));
    lines
        .map(|line| match serde_json::from_str(&line).unwrap() {
            Line::Received { bytes, .. } | Line::Wrote { bytes, .. } => bytes.0,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Which bytes are message, and where messages end.
fn framing(is_client: bool, bytes: &[u8]) -> Vec<(Kind, bool)> {
    let mut framing = Framing::new(is_client);
    let piece = |byte| {
        let piece = framing.next(std::slice::from_ref(byte));
        (piece.kind, piece.ends)
    };
    bytes.iter().map(piece).collect()
}

struct Secrets {
    password: String,
    header: String,
    token: String,
    session: String,
    access: String,
}

impl Secrets {
    fn draw(draws: &Draws, number: u64) -> Self {
        let word = |kind: u64| draws.word(number * 8 + kind);
        Self {
            password: word(0),
            header: word(1),
            token: word(2),
            session: word(3),
            access: word(4),
        }
    }

    fn all(&self) -> [&str; 5] {
        [
            &self.password,
            &self.header,
            &self.token,
            &self.session,
            &self.access,
        ]
    }

    fn ready(&self) -> String {
        format!(
            r#"{{"op":"ready","resumed":false,"sessionId":"{}"}}"#,
            self.session
        )
    }
}

/// Answers of a server: with a length, in chunks, and none at all.
fn http(secrets: &Secrets) -> Vec<u8> {
    let Secrets {
        token,
        session,
        access,
        password,
        ..
    } = secrets;
    let player = format!(
        r#"{{"guildId":"1","voice":{{"token":"{token}","endpoint":"e","sessionId": "{session}"}}}}"#
    );
    let error = format!(r#"{{"message":"no {password}","path":"/v4/sessions/{session}/players"}}"#);
    let oauth = format!(r#"{{"access_token":"{access}","scope":"s"}} {access}"#);
    let length = |body: &str| format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let chunks: String = player
        .as_bytes()
        .chunks(5)
        .map(|chunk| {
            format!(
                "{:x};by={password}\r\n{}\r\n",
                chunk.len(),
                std::str::from_utf8(chunk).unwrap()
            )
        })
        .collect();
    let mut all = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
    all += &format!("HTTP/1.1 404 Not Found\r\n{}", length(&error));
    all += "HTTP/1.1 204 No Content\r\n\r\n";
    all += &format!("HTTP/1.1 200 OK\r\n{}", length(&oauth));
    all.into_bytes()
}

/// A WebSocket: whole messages, fragments, a ping between them.
fn socket(secrets: &Secrets) -> Vec<u8> {
    let update = format!(
        r#"{{"op":"playerUpdate","userData":{{"session":"{}"}},"t":"{}"}}"#,
        secrets.session, secrets.token
    );
    let (begin, end) = update.split_at(update.len() / 2);
    let (middle, end) = end.split_at(7);
    let mut all = UPGRADED.to_owned() + &frame(true, 1, &secrets.ready());
    all += &frame(false, 1, begin);
    all += &frame(true, 9, &format!("ping {}", secrets.password));
    all += &frame(false, 0, middle);
    all += &frame(true, 0, end);
    all += &frame(true, 8, &format!("\u{3}\u{e8}{}", secrets.session));
    // One byte for each character.
    all.chars()
        .map(|character| u8::try_from(character).unwrap())
        .collect()
}

/// What a client sends.
fn sent(secrets: &Secrets) -> Vec<u8> {
    let Secrets {
        token,
        session,
        password,
        header,
        ..
    } = secrets;
    let body = format!(r#"{{"voice":{{"token":"{token}","sessionId":"{session}"}}}}"#);
    let mut all = format!("PATCH /v4/sessions/{session}/players/1 HTTP/1.1\r\nhost: localhost\r\n");
    all += &format!("authorization: {password}\r\nx-key: {header}\r\n");
    all += &format!("content-length: {}\r\n\r\n{body}", body.len());
    all += &format!("GET /v4/websocket HTTP/1.1\r\nauthorization: {password}\r\n");
    all += &format!("session-id: {session}\r\nupgrade: websocket\r\n\r\n");
    all.into_bytes()
}

fn frame(is_last: bool, opcode: u8, text: &str) -> String {
    let first = char::from(if is_last { 0x80 | opcode } else { opcode });
    assert!(text.len() < 65_536 && text.bytes().all(|byte| byte < 0xf0));
    match u8::try_from(text.chars().count())
        .ok()
        .filter(|length| *length < 126)
    {
        Some(length) => format!("{first}{}{text}", char::from(length)),
        None => {
            let length = text.chars().count();
            let [high, low] = [length / 256, length % 256].map(|byte| u8::try_from(byte).unwrap());
            format!("{first}\u{7e}{}{}{text}", char::from(high), char::from(low))
        }
    }
}

const UPGRADED: &str = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";

/// Chance, different in each run: what fails says what it was.
#[derive(Default)]
struct Draws(RandomState);

impl Draws {
    fn below(&self, of: impl std::hash::Hash, bound: usize) -> usize {
        usize::try_from(self.0.hash_one(of) % bound as u64).unwrap()
    }

    /// A secret of 8 to 40 letters, digits and signs.
    fn word(&self, number: u64) -> String {
        let length = 8 + self.below((number, "length"), 32);
        let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP0123456789-._~";
        let letter = |at| char::from(letters[self.below((number, at), letters.len())]);
        (0..length).map(letter).collect()
    }

    fn cuts<'a>(&self, number: u64, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let longest = [1, 3, 20, 200][self.below((number, "longest"), 4)];
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = 1 + self.below((number, rest.len(), "cut"), longest);
            let (piece, after) = rest.split_at(count.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}

/// A disk that takes nothing until the other end is dropped.
struct Slow(Receiver<()>);

impl Slow {
    fn new() -> (Sender<()>, Self) {
        let (allow, wait) = channel();
        (allow, Self(wait))
    }
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk without room.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Kept(Sender<Vec<u8>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
