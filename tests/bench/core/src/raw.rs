//! The yardstick: tungstenite and serde_json with nothing around them.
//!
//! Each message is read by tungstenite from memory, its `op` is looked at first, where servers put
//! it, and then it is decoded into a plain type that borrows from it. Nothing is done with what was
//! decoded, and other places of `op` would be an error.

use std::borrow::Cow;
use std::hint::black_box;
use std::io::{self, Read, Write};

use serde::Deserialize;
use serde_json::value::RawValue;
use tungstenite::protocol::{Role, WebSocket};
use tungstenite::{Error, Message};

/// Reads all the messages; returns how many there were.
pub fn read_all(bytes: &[u8]) -> usize {
    let mut socket = WebSocket::from_raw_socket(Memory(bytes), Role::Client, None);
    let mut messages = 0;
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => {
                decode(text.as_str());
                messages += 1;
            }
            Ok(other) => unreachable!("the mix is text: {other:?}"),
            Err(Error::Io(_)) => return messages,
            Err(error) => unreachable!("the mix is well formed: {error}"),
        }
    }
}

fn decode(text: &str) {
    let rest = text.strip_prefix(r#"{"op":""#).expect("`op` is first");
    let (op, rest) = rest.split_once('"').expect("`op` ends");
    match op {
        "playerUpdate" => {
            black_box(serde_json::from_str::<PlayerUpdate<'_>>(text).expect("an update"));
        }
        "stats" => {
            black_box(serde_json::from_str::<Stats>(text).expect("stats"));
        }
        "event" if rest.starts_with(r#","type":"TrackStartEvent""#) => {
            black_box(serde_json::from_str::<TrackStart<'_>>(text).expect("a start"));
        }
        "event" => {
            black_box(serde_json::from_str::<TrackEnd<'_>>(text).expect("an end"));
        }
        other => unreachable!("the mix has no {other}"),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding it is what is measured")]
struct PlayerUpdate<'a> {
    guild_id: &'a str,
    state: PlayerState,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding it is what is measured")]
struct PlayerState {
    time: i64,
    position: i64,
    connected: bool,
    ping: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding it is what is measured")]
struct Stats {
    frame_stats: Option<FrameStats>,
    players: u32,
    playing_players: u32,
    uptime: u64,
    memory: MemoryStats,
    cpu: Cpu,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding it is what is measured")]
struct FrameStats {
    sent: i32,
    nulled: i32,
    deficit: i32,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding it is what is measured")]
struct MemoryStats {
    free: u64,
    used: u64,
    allocated: u64,
    reservable: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding it is what is measured")]
struct Cpu {
    cores: u32,
    system_load: f64,
    lavalink_load: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding it is what is measured")]
struct TrackStart<'a> {
    guild_id: &'a str,
    #[serde(borrow)]
    track: Track<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding it is what is measured")]
struct TrackEnd<'a> {
    guild_id: &'a str,
    #[serde(borrow)]
    track: Track<'a>,
    reason: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding it is what is measured")]
struct Track<'a> {
    encoded: &'a str,
    #[serde(borrow)]
    info: TrackInfo<'a>,
    #[serde(borrow)]
    plugin_info: &'a RawValue,
    #[serde(borrow)]
    user_data: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding it is what is measured")]
struct TrackInfo<'a> {
    identifier: &'a str,
    is_seekable: bool,
    #[serde(borrow)]
    author: Cow<'a, str>,
    length: i64,
    is_stream: bool,
    position: i64,
    #[serde(borrow)]
    title: Cow<'a, str>,
    uri: Option<&'a str>,
    source_name: &'a str,
    artwork_url: Option<&'a str>,
    isrc: Option<&'a str>,
}

/// A stream that gives what is in memory, and swallows what is written.
struct Memory<'a>(&'a [u8]);

impl Read for Memory<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.0.read(buffer)
    }
}

impl Write for Memory<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
