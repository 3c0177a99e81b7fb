//! What the server answers: as little of Lavalink's REST API as a bench asks for, and its orders.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;
use tungstenite::handshake::derive_accept_key;

use super::Server;
use super::connection::{Connection, Request};
use super::node::Player;
use super::pour::frames;
use crate::mix::{Guild, Kind, write_frame, write_message, write_track};

/// An answer, and how long it takes.
pub(super) type Answer = Option<(Option<Duration>, Vec<u8>)>;

impl Server {
    pub(super) fn answer(
        &mut self,
        connection: &mut Connection,
        place: usize,
        request: &Request,
    ) -> Answer {
        let (path, query) = request
            .path
            .split_once('?')
            .unwrap_or((request.path.as_str(), ""));
        let parts: Vec<_> = path.trim_matches('/').split('/').collect();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["v4", "websocket"]) => {
                self.upgrade(connection, place, request.key.as_deref()?);
                None
            }
            ("GET", ["v4", "loadtracks"]) => {
                let body = if query.contains("playlist") {
                    &self.nodes[connection.node].playlist
                } else {
                    &self.nodes[connection.node].track
                };
                Some((None, ok(body)))
            }
            ("PATCH", ["v4", "sessions", _, "players", guild]) => {
                self.patch(connection.node, guild.parse().ok()?, &request.body)
            }
            ("DELETE", ["v4", "sessions", _, "players", guild]) => {
                let players = &mut self.nodes[connection.node].players;
                players.remove(&guild.parse().ok()?);
                Some((None, b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()))
            }
            ("PATCH", ["v4", "sessions", _]) => {
                Some((None, ok(r#"{"resuming":true,"timeout":60}"#)))
            }
            ("GET", ["v4", "sessions", _, "players"]) => Some((None, ok("[]"))),
            ("GET", ["v4", "info"]) => Some((None, ok(INFO))),
            (_, ["bench", order @ ..]) => self.order(connection.node, order),
            _ => Some((
                None,
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
            )),
        }
    }

    fn upgrade(&mut self, connection: &mut Connection, place: usize, key: &str) {
        let accept = derive_accept_key(key.as_bytes());
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\nLavalink-Api-Version: 4\r\n\
             Session-Resumed: false\r\n\r\n"
        );
        let mut bytes = head.into_bytes();
        let session = format!("bench{place:011}");
        let ready = format!(r#"{{"op":"ready","resumed":false,"sessionId":"{session}"}}"#);
        write_frame(&mut bytes, &ready);
        connection.upgrade();
        connection.send(&bytes);
        self.nodes[connection.node].sessions.push(place);
    }

    fn patch(&mut self, place: usize, guild: u64, body: &[u8]) -> Answer {
        let patch: Patch<'_> = serde_json::from_slice(body).expect("a client writes JSON");
        let node = &mut self.nodes[place];
        node.count_patch(guild);
        let mut starts = false;
        let player = node.players.entry(guild).or_insert_with(Player::idle);
        if let Some(track) = patch.track {
            if let Some(encoded) = track.encoded {
                let encoded = encoded.get();
                starts = encoded != "null";
                player.encoded = (encoded != "null").then(|| encoded.into());
            }
            if let Some(user_data) = track.user_data {
                player.user_data = user_data.get().into();
            }
        }
        player.volume = patch.volume.unwrap_or(player.volume);
        player.paused = patch.paused.unwrap_or(player.paused);
        if let Some(voice) = patch.voice {
            player.voice = Some(voice.get().into());
        }
        let answer = ok(&player.json(guild, patch.position.unwrap_or(0)));
        let started = starts.then(|| player.user_data.clone());
        let delay = node.delay;
        if delay.is_none() {
            node.count_answer();
        }
        if let Some(user_data) = started {
            let id = guild;
            self.say_start(place, &Guild { id, user_data });
        }
        Some((delay, answer))
    }

    /// Says on the node's session that a track has started.
    fn say_start(&mut self, node: usize, guild: &Guild) {
        let Some(place) = self.nodes[node].sessions.last().copied() else {
            return;
        };
        if let Some(session) = &mut self.connections[place] {
            let mut text = String::new();
            write_message(&mut text, Kind::Start, guild, 0);
            let mut bytes = Vec::new();
            write_frame(&mut bytes, &text);
            session.send(&bytes);
            session.write();
        }
    }

    /// What a bench asks for.
    fn order(&mut self, node: usize, order: &[&str]) -> Answer {
        let number = |place: usize| order.get(place).and_then(|text| text.parse().ok());
        match order.first().copied()? {
            "prepare" => {
                let guilds = self.nodes[node].guilds();
                self.nodes[node].prepared = Arc::new(frames(&guilds, number(1)?));
            }
            "burst" => {
                let place = *self.nodes[node].sessions.last()?;
                let bytes = self.nodes[node].prepared.clone();
                if let Some(session) = &mut self.connections[place] {
                    session.pour(bytes);
                    session.write();
                }
            }
            "paced" => self.start_paced(number(1)?, number(2)?),
            "delay" => self.nodes[node].delay = number(1).map(Duration::from_millis),
            "kill" => self.kill(usize::try_from(number(1)?).ok()?),
            "count" => {
                return Some((None, ok(&self.nodes[node].count())));
            }
            "begin" => {
                self.nodes[node].tally.clear();
                self.nodes[node].begin_count(Instant::now());
            }
            _ => return None,
        }
        Some((None, ok("{}")))
    }
}

/// The part of a PATCH that the server remembers.
#[derive(Deserialize)]
struct Patch<'a> {
    #[serde(borrow)]
    track: Option<PatchTrack<'a>>,
    volume: Option<u16>,
    paused: Option<bool>,
    position: Option<u64>,
    #[serde(borrow)]
    voice: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PatchTrack<'a> {
    #[serde(borrow)]
    encoded: Option<&'a RawValue>,
    #[serde(borrow)]
    user_data: Option<&'a RawValue>,
}

impl Player {
    fn idle() -> Self {
        Self {
            user_data: "{}".into(),
            volume: 100,
            ..Self::default()
        }
    }

    fn json(&self, guild: u64, position: u64) -> String {
        let mut text = format!(r#"{{"guildId":"{guild}","track":"#);
        if self.encoded.is_some() {
            // The blobs of a bench name their guild.
            write_track(&mut text, guild, &self.user_data);
        } else {
            text.push_str("null");
        }
        let (volume, paused) = (self.volume, self.paused);
        let connected = self.voice.is_some();
        let voice = self.voice.as_deref().unwrap_or(NO_VOICE);
        write!(
            text,
            r#","volume":{volume},"paused":{paused},"state":{{"time":1795224390499,"#
        )
        .and_then(|()| {
            write!(
                text,
                r#""position":{position},"connected":{connected},"ping":10}},"voice":{voice},"#
            )
        })
        .expect("a string takes all that is written");
        text.push_str(r#""filters":{}}"#);
        text
    }
}

/// The body of an answer to a look-up that finds one track.
pub(super) fn track() -> String {
    let mut text = r#"{"loadType":"track","data":"#.to_owned();
    write_track(&mut text, 1, "{}");
    text.push('}');
    text
}

/// The body of an answer to a look-up that finds a playlist of 100 tracks.
pub(super) fn playlist() -> String {
    let mut text =
        r#"{"loadType":"playlist","data":{"info":{"name":"A List","selectedTrack":-1},"#.to_owned();
    text.push_str(r#""pluginInfo":{},"tracks":["#);
    for number in 0..100 {
        if number > 0 {
            text.push(',');
        }
        write_track(&mut text, number, "{}");
    }
    text.push_str("]}}");
    text
}

fn ok(body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nLavalink-Api-Version: 4\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

const NO_VOICE: &str = r#"{"token":"","endpoint":"","sessionId":"","channelId":null}"#;

const INFO: &str = concat!(
    r#"{"version":{"semver":"4.2.2","major":4,"minor":2,"patch":2,"preRelease":""},"#,
    r#""buildTime":1795224390499,"git":{"branch":"master","commit":"0000000","commitTime":0},"#,
    r#""jvm":"21","lavaplayer":"2.2.6","sourceManagers":["http","local"],"#,
    r#""filters":["volume","equalizer"],"plugins":[]}"#
);
