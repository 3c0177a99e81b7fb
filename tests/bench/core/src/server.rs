//! [`Server`]: a Lavalink in memory that answers at once and always the same.

use std::io::Write as _;

use tungstenite::handshake::derive_accept_key;

use crate::messages::{self, track_json};

/// What a server answers, prepared before anything is measured.
pub struct Server {
    player_tail: String,
    found: Vec<u8>,
    playlist: Vec<u8>,
    info: String,
}

impl Server {
    /// A server that knows a track and a playlist of 100 tracks.
    pub fn new() -> Self {
        let track = messages::track(0);
        let track = track_json(&track, 1);
        let player_tail = format!(
            r#"","track":{track},"volume":100,"paused":false,"state":{{"time":1795224390499,"#
        ) + r#""position":0,"connected":true,"ping":24},"voice":{"token":"t","endpoint":"#
            + r#""us-east1.discord.media:443","sessionId":"s","channelId":"5"},"filters":{}}"#;
        let found = format!(r#"{{"loadType":"track","data":{track}}}"#);
        Self {
            player_tail,
            found: whole(found.as_bytes()),
            playlist: chunked(playlist().as_bytes()),
            info: INFO.to_owned(),
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
            out.extend_from_slice(&whole(br#"{"resuming":true,"timeout":60}"#));
            return;
        };
        let guild = guild.split('?').next().unwrap_or_default();
        let length = r#"{"guildId":""#.len() + guild.len() + self.player_tail.len();
        head(length, out);
        out.extend_from_slice(br#"{"guildId":""#);
        out.extend_from_slice(guild.as_bytes());
        out.extend_from_slice(self.player_tail.as_bytes());
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
            out.extend_from_slice(&whole(self.info.as_bytes()));
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
        .map(|number| track_json(&messages::track(number), 1))
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

fn head(length: usize, out: &mut Vec<u8>) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLavalink-Api-Version: 4\r\n";
    write!(out, "{head}Content-Length: {length}\r\n\r\n").expect("a vector takes all");
}

/// An answer whose length is known.
fn whole(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    head(body.len(), &mut out);
    out.extend_from_slice(body);
    out
}

/// An answer in pieces of 8 KiB, as Lavalink's are.
fn chunked(body: &[u8]) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let mut out = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for piece in body.chunks(8 * 1024) {
        write!(out, "{:x}\r\n", piece.len()).expect("a vector takes all");
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

const INFO: &str = r#"{"version":{"semver":"4.2.2","major":4,"minor":2,"patch":2,"preRelease":null,
"build":null},"buildTime":1730000000000,"git":{"branch":"master","commit":"abc","commitTime":1},
"jvm":"21","lavaplayer":"2.2","sourceManagers":["youtube","soundcloud","http"],"filters":["volume",
"equalizer","timescale"],"plugins":[]}"#;
