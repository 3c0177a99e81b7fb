//! What the server answers: as little of Lavalink's REST API as a bench asks for, and its orders.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use lavapool_bench_core::messages::{Play, frame, number_of, player_update, track_start};
use lavapool_bench_core::server::{answer, playlist as playlist_body};
use serde::Deserialize;
use serde_json::value::RawValue;
use tungstenite::handshake::derive_accept_key;

use super::Server;
use super::connection::{Connection, Request};
use super::node::Player;
use super::pour::{Marks, frames};
use crate::mix::REPORTED_PING_MS;

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
                let found = if query.contains("playlist") {
                    &self.nodes[connection.node].playlist
                } else {
                    &self.nodes[connection.node].track
                };
                Some((None, found.clone()))
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
                Some((None, answer(r#"{"resuming":true,"timeout":60}"#)))
            }
            ("GET", ["v4", "sessions", _, "players"]) => Some((None, answer("[]"))),
            ("GET", ["v4", "info"]) => Some((None, answer(INFO))),
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
        frame(&ready, &mut bytes);
        connection.upgrade();
        connection.send(&bytes);
        self.nodes[connection.node].sessions.push(place);
    }

    fn patch(&mut self, place: usize, guild: u64, body: &[u8]) -> Answer {
        let patch: Patch<'_> = serde_json::from_slice(body).expect("a client writes JSON");
        let node = &mut self.nodes[place];
        node.count_patch(guild);
        let player = node.players.entry(guild).or_insert_with(Player::idle);
        if let Some(track) = &patch.track {
            player.play(track);
        }
        player.volume = patch.volume.unwrap_or(player.volume);
        player.paused = patch.paused.unwrap_or(player.paused);
        if let Some(voice) = patch.voice {
            player.voice = Some(voice.get().into());
        }
        let bytes = answer(&player.json(guild, patch.position.unwrap_or(0)));
        let starts = patch.track.and_then(|_| player.present.clone());
        let delay = node.delay;
        if delay.is_none() {
            node.count_answer();
        }
        if let Some(play) = starts.filter(|_| !self.nodes[place].is_silent) {
            self.say(place, std::iter::once(track_start(guild, &play)));
        }
        Some((delay, bytes))
    }

    /// Says this on the node's session.
    fn say(&mut self, node: usize, texts: impl Iterator<Item = String>) {
        let Some(place) = self.nodes[node].sessions.last().copied() else {
            return;
        };
        if let Some(session) = &mut self.connections[place] {
            let mut bytes = Vec::new();
            texts.for_each(|text| frame(&text, &mut bytes));
            session.send(&bytes);
            session.write();
        }
    }

    /// Says of each player of the node where it is.
    fn report(&mut self, node: usize) {
        let guilds: Vec<_> = self.nodes[node].players.keys().copied().collect();
        self.say(
            node,
            guilds
                .into_iter()
                .map(|guild| player_update(guild, 0, REPORTED_PING_MS)),
        );
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
            "paced" => self.start_paced(number(1)?, number(2)?, Marks::Numbers),
            "timed" => self.start_paced(number(1)?, number(2)?, Marks::Times),
            "report" => self.report(node),
            "silence" => self.nodes[node].is_silent = true,
            "delay" => self.nodes[node].delay = number(1).map(Duration::from_millis),
            "kill" => self.kill(usize::try_from(number(1)?).ok()?),
            "count" => {
                return Some((None, answer(&self.nodes[node].count())));
            }
            _ => return None,
        }
        Some((None, answer("{}")))
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
            volume: 100,
            ..Self::default()
        }
    }

    /// Takes the track of a PATCH.
    fn play(&mut self, track: &PatchTrack<'_>) {
        let Some(encoded) = track.encoded else {
            return;
        };
        self.previous = self.present.take();
        let number = number_of(encoded.get().trim_matches('"'));
        self.present = number.map(Play::untagged);
        if let (Some(play), Some(user_data)) = (&mut self.present, track.user_data) {
            play.user_data = user_data.get().into();
        }
    }

    fn json(&self, guild: u64, position: u64) -> String {
        let track = self.present.as_ref().map(Play::json);
        let track = track.as_deref().unwrap_or("null");
        let (volume, paused) = (self.volume, self.paused);
        let connected = self.voice.is_some();
        let voice = self.voice.as_deref().unwrap_or(NO_VOICE);
        let ping = if connected { PING_MS } else { -1 };
        let mut text = format!(r#"{{"guildId":"{guild}","track":{track},"volume":{volume},"#);
        write!(
            text,
            r#""paused":{paused},"state":{{"time":1795224390499,"position":{position},"#
        )
        .and_then(|()| {
            write!(
                text,
                r#""connected":{connected},"ping":{ping}}},"voice":{voice},"filters":{{}}}}"#
            )
        })
        .expect("a string takes all that is written");
        text
    }
}

/// The answer to a look-up that finds one track.
pub(super) fn track() -> Vec<u8> {
    let track = Play::untagged(1).json();
    answer(&format!(r#"{{"loadType":"track","data":{track}}}"#))
}

/// The answer to a look-up that finds a playlist of 100 tracks.
pub(super) fn playlist() -> Vec<u8> {
    answer(&playlist_body())
}

/// How far a player with a voice connection is from Discord's voice server.
const PING_MS: i64 = 24;

const NO_VOICE: &str = r#"{"token":"","endpoint":"","sessionId":"","channelId":null}"#;

const INFO: &str = concat!(
    r#"{"version":{"semver":"4.2.2","major":4,"minor":2,"patch":2,"preRelease":""},"#,
    r#""buildTime":1795224390499,"git":{"branch":"master","commit":"0000000","commitTime":0},"#,
    r#""jvm":"21","lavaplayer":"2.2.6","sourceManagers":["http","local"],"#,
    r#""filters":["volume","equalizer"],"plugins":[]}"#
);
