//! [`Server`]: a Lavalink in memory that answers at once and always the same.

use std::io::Write as _;

use tungstenite::handshake::derive_accept_key;

use crate::messages::{self, Play};

/// What a server answers, prepared before anything is measured.
pub struct Server {
    player_tail: String,
    found: Vec<u8>,
    playlist: Vec<u8>,
}

impl Server {
    /// A server that knows a track and a playlist of 100 tracks.
    pub fn new() -> Self {
        let track = Play::of(0, 1).json();
        let player_tail = format!(
            r#"","track":{track},"volume":100,"paused":false,"state":{{"time":1795224390499,"#
        ) + r#""position":0,"connected":true,"ping":24},"voice":{"token":"t","endpoint":"#
            + r#""us-east1.discord.media:443","sessionId":"s","channelId":"5"},"filters":{}}"#;
        let found = format!(r#"{{"loadType":"track","data":{track}}}"#);
        Self {
            player_tail,
            found: answer(&found),
            playlist: answer(&playlist()),
        }
    }

    /// Answers one request, or nothing to a frame of a WebSocket.
    pub fn answer(&self, request: &[u8], out: &mut Vec<u8>) {
        out.clear();
        match request.first() {
            Some(b'P') => self.player(request, out),
            Some(b'G') => self.look_up(request, out),
            Some(b'D') => out.extend_from_slice(b"HTTP/1.1 204 No Content\r\n\r\n"),
            _ => {}
        }
    }

    /// A PATCH: of a player, or of the session.
    fn player(&self, request: &[u8], out: &mut Vec<u8>) {
        let target = target(request);
        let Some((_, guild)) = target.split_once("/players/") else {
            write_answer(&[r#"{"resuming":true,"timeout":60}"#], out);
            return;
        };
        let guild = guild.split('?').next().unwrap_or_default();
        write_answer(&[r#"{"guildId":""#, guild, &self.player_tail], out);
    }

    fn look_up(&self, request: &[u8], out: &mut Vec<u8>) {
        let target = target(request);
        if target.ends_with("/websocket") {
            upgrade(request, out);
        } else if target.ends_with("list") {
            out.extend_from_slice(&self.playlist);
        } else if target.contains("loadtracks") {
            out.extend_from_slice(&self.found);
        } else {
            write_answer(&[INFO], out);
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

/// A playlist of 100 tracks, as the answer to a lookup says it.
pub fn playlist() -> String {
    let tracks: Vec<_> = (0..100)
        .map(|number| Play::untagged(number).json())
        .collect();
    let head = r#"{"loadType":"playlist","data":{"info":{"name":"All of it","selectedTrack":-1},"#;
    format!(
        r#"{head}"pluginInfo":{{}},"tracks":[{}]}}}}"#,
        tracks.join(",")
    )
}

fn upgrade(request: &[u8], out: &mut Vec<u8>) {
    let request = std::str::from_utf8(request).expect("a head is text");
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .expect("an upgrade has a key");
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    out.extend_from_slice(answer.as_bytes());
    // As on a new session of Lavalink.
    messages::frame(&messages::stats(0), out);
    let ready = r#"{"op":"ready","resumed":false,"sessionId":"la3kfsdf5eafe848"}"#;
    messages::frame(ready, out);
}

fn target(request: &[u8]) -> &str {
    let mut words = request.split(|byte| *byte == b' ');
    let target = words.nth(1).unwrap_or_default();
    std::str::from_utf8(target).expect("a target is percent-encoded")
}

/// An answer of this body, as Lavalink writes it.
pub fn answer(body: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write_answer(&[body], &mut out);
    out
}

/// Writes an answer whose body is these texts behind each other.
fn write_answer(body: &[&str], out: &mut Vec<u8>) {
    out.extend_from_slice(HEAD.as_bytes());
    let mut length = body.iter().map(|text| text.len()).sum();
    let mut texts = body.iter().map(|text| text.as_bytes());
    let mut text = texts.next().unwrap_or_default();
    while length > 0 {
        let mut room = CHUNK_BYTES.min(length);
        length -= room;
        // In pairs of digits: `0211`, not `211`.
        let digits = if room < 0x100 { 2 } else { 4 };
        write!(out, "{room:0digits$x}\r\n").expect("a vector takes all");
        while room > 0 {
            let (now, later) = text.split_at(room.min(text.len()));
            out.extend_from_slice(now);
            room -= now.len();
            text = later;
            if text.is_empty() {
                text = texts.next().unwrap_or_default();
            }
        }
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
}

/// Of an answer with a body, which comes in chunks (`tests/recordings`).
const HEAD: &str = concat!(
    "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n",
    "Content-Type: application/json\r\nLavalink-Api-Version: 4\r\n",
    "Date: Sat, 21 Nov 2026 01:25:12 GMT\r\n\r\n"
);

/// The longest chunk that Lavalink 4.2 was seen to write.
const CHUNK_BYTES: usize = 16_364;

const INFO: &str = r#"{"version":{"semver":"4.2.2","major":4,"minor":2,"patch":2,"preRelease":null,
"build":null},"buildTime":1730000000000,"git":{"branch":"master","commit":"abc","commitTime":1},
"jvm":"21","lavaplayer":"2.2","sourceManagers":["youtube","soundcloud","http"],"filters":["volume",
"equalizer","timescale"],"plugins":[]}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_chunked_as_lavalink_does_it() {
        let mut out = Vec::new();
        write_answer(&["abc", "", "d"], &mut out);
        assert_eq!(out, format!("{HEAD}04\r\nabcd\r\n0\r\n\r\n").as_bytes());

        let long = answer(&"x".repeat(16_364 + 529));
        let body = &long[HEAD.len()..];
        assert!(body.starts_with(b"3fec\r\nx"));
        let second = &body[6 + 16_364..];
        assert!(second.starts_with(b"\r\n0211\r\nx"));
        assert!(second.ends_with(b"x\r\n0\r\n\r\n"));
    }
}
