//! The least that can be done: loops on one thread that know nothing of nodes and players.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use serde::Deserialize;
use serde_json::value::RawValue;
use tungstenite::Message;
use tungstenite::client::IntoClientRequest;

use lavapool_bench_core::plain::LoadResult;

use super::{Outcome, Running, identifier, tracks};
use crate::measure::{Arrivals, Sample, Stopwatch};
use crate::orders::read_body;

/// Takes frames off a socket and gives their text to `read`, which is a function so that each
/// loop is compiled for its own.
pub(super) fn start(
    port: u16,
    arrivals: Arc<Arrivals>,
    read: fn(&str) -> bool,
) -> Outcome<Running> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /v4/websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\nAuthorization: youshallnotpass\r\nUser-Id: 1\r\n\
         Client-Name: by-hand/1\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let (ready, is_ready) = std::sync::mpsc::channel();
    thread::spawn(move || read_frames(&mut stream, &arrivals, read, &ready));
    is_ready.recv_timeout(super::WITHIN)?;
    Ok(Running::idly(()))
}

fn read_frames(
    stream: &mut TcpStream,
    arrivals: &Arrivals,
    read: fn(&str) -> bool,
    ready: &std::sync::mpsc::Sender<()>,
) -> Option<()> {
    let mut buffer = vec![0; 64 * 1024];
    let (mut start, mut end) = (0, 0);
    let mut is_open = false;
    loop {
        buffer.copy_within(start..end, 0);
        (start, end) = (0, end - start);
        end += stream
            .read(&mut buffer[end..])
            .ok()
            .filter(|count| *count > 0)?;
        if !is_open {
            let mut windows = buffer[..end].windows(4);
            let Some(head) = windows.position(|bytes| bytes == b"\r\n\r\n") else {
                continue;
            };
            start = head + 4;
            is_open = true;
        }
        while let Some((head, payload)) = frame(&buffer[start..end]) {
            let text = &buffer[start + head..start + head + payload];
            start += head + payload;
            if read(std::str::from_utf8(text).ok()?) {
                arrivals.count();
            } else {
                ready.send(()).ok()?;
            }
        }
    }
}

/// The lengths of the head and the payload of the frame that these bytes begin with, if it is
/// whole.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let [_, short, rest @ ..] = bytes else {
        return None;
    };
    let (head, payload) = match short & 0x7f {
        126 => (4, u16::from_be_bytes(*rest.first_chunk()?).into()),
        127 => (
            10,
            usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?,
        ),
        short => (2, short.into()),
    };
    (bytes.len() >= head + payload).then_some((head, payload))
}

/// Looks at no text; `ready` is told by its start.
pub(super) fn skip(text: &str) -> bool {
    !text.starts_with(r#"{"op":"ready""#)
}

/// Reads a message into borrowed types, its track left raw; false for `ready`.
pub(super) fn read_text(text: &str) -> bool {
    let rest = text
        .strip_prefix(r#"{"op":""#)
        .expect("the server writes `op` first");
    let op = rest.split('"').next().unwrap_or_default();
    match op {
        "playerUpdate" => keep(serde_json::from_str::<PlayerUpdate<'_>>(text)),
        "stats" => keep(serde_json::from_str::<Stats>(text)),
        "event" => keep(serde_json::from_str::<Event<'_>>(text)),
        _ => return false,
    }
    true
}

/// As if somebody used it.
fn keep<T>(read: serde_json::Result<T>) {
    let read = read.expect("the server writes what the types say");
    std::hint::black_box(&read);
}

/// tungstenite and serde_json and nothing else, as their first examples have it.
pub(super) fn start_tungstenite(port: u16, arrivals: Arc<Arrivals>) -> Outcome<Running> {
    let mut request = format!("ws://127.0.0.1:{port}/v4/websocket").into_client_request()?;
    let headers = request.headers_mut();
    headers.insert("Authorization", "youshallnotpass".parse()?);
    headers.insert("User-Id", "1".parse()?);
    headers.insert("Client-Name", "tungstenite/1".parse()?);
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = tungstenite::client(request, stream)?;
    let (ready, is_ready) = std::sync::mpsc::channel();
    thread::spawn(move || {
        while let Ok(message) = socket.read() {
            let Message::Text(text) = message else {
                continue;
            };
            match serde_json::from_str::<Owned>(&text) {
                Ok(Owned::Ready {}) => drop(ready.send(())),
                message => {
                    keep(message);
                    arrivals.count();
                }
            }
        }
    });
    is_ready.recv_timeout(super::WITHIN)?;
    Ok(Running::idly(()))
}

/// Look-ups on sockets by hand, decoded as serde derives it: one request on each at a time.
///
/// They run on a thread beside the main one, as everybody's: in a process that never had a second
/// thread the allocator of glibc takes no locks, which makes it faster than in any bot.
pub(super) fn rest(port: u16, count: u64, at_once: u64, playlist: bool) -> Outcome<Sample> {
    let beside = thread::spawn(move || {
        let sample = look_ups(port, count, at_once, playlist);
        sample.map_err(|error| error.to_string())
    });
    Ok(beside.join().map_err(|_| "the thread panicked")??)
}

fn look_ups(port: u16, count: u64, at_once: u64, playlist: bool) -> Outcome<Sample> {
    let mut sockets = Vec::new();
    for _ in 0..at_once {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        sockets.push(stream);
    }
    let mut buffer = vec![0; 256 * 1024];
    look_up(&mut sockets, &mut buffer, count.div_ceil(10), playlist)?;
    let stopwatch = Stopwatch::start();
    look_up(&mut sockets, &mut buffer, count, playlist)?;
    Ok(stopwatch.stop(count))
}

fn look_up(
    sockets: &mut [TcpStream],
    buffer: &mut Vec<u8>,
    count: u64,
    playlist: bool,
) -> io::Result<()> {
    let mut number = 0;
    while number < count {
        let round = sockets
            .len()
            .min(usize::try_from(count - number).unwrap_or(usize::MAX));
        for stream in &mut sockets[..round] {
            let identifier = identifier(number, playlist)
                .replace(':', "%3A")
                .replace('/', "%2F");
            let request = format!(
                "GET /v4/loadtracks?identifier={identifier} HTTP/1.1\r\nHost: 127.0.0.1\r\n\
                 Authorization: youshallnotpass\r\n\r\n"
            );
            stream.write_all(request.as_bytes())?;
            number += 1;
        }
        for stream in &mut sockets[..round] {
            let result = LoadResult::decode(&read_body(stream, buffer)?)?;
            assert_eq!(result.tracks().len(), tracks(playlist));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read as if somebody used it")]
struct PlayerUpdate<'a> {
    guild_id: &'a str,
    state: State,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read as if somebody used it")]
struct State {
    time: i64,
    position: i64,
    connected: bool,
    ping: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read as if somebody used it")]
struct Event<'a> {
    r#type: &'a str,
    guild_id: &'a str,
    #[serde(borrow)]
    track: &'a RawValue,
    reason: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read as if somebody used it")]
struct Stats {
    players: u32,
    playing_players: u32,
    uptime: u64,
    memory: Memory,
    cpu: Cpu,
    frame_stats: Option<FrameStats>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read as if somebody used it")]
struct Memory {
    free: u64,
    used: u64,
    allocated: u64,
    reservable: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read as if somebody used it")]
struct Cpu {
    cores: u32,
    system_load: f64,
    lavalink_load: f64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read as if somebody used it")]
struct FrameStats {
    sent: i32,
    nulled: i32,
    deficit: i32,
}

/// A message as one would first write it down.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(dead_code, reason = "read as if somebody used it")]
enum Owned {
    Ready {},
    PlayerUpdate {
        guild_id: String,
        state: State,
    },
    Stats(Stats),
    Event {
        r#type: String,
        guild_id: String,
        track: Track,
        reason: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read as if somebody used it")]
struct Track {
    encoded: String,
    info: TrackInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read as if somebody used it")]
struct TrackInfo {
    identifier: String,
    is_seekable: bool,
    author: String,
    length: u64,
    is_stream: bool,
    position: u64,
    title: String,
    uri: Option<String>,
    source_name: String,
    artwork_url: Option<String>,
    isrc: Option<String>,
}
