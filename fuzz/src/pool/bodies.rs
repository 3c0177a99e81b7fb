//! What servers send.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::asks;
use super::operation::{Answered, Play, Said};
use super::peer::Request;

/// What a server knows.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) password: String,
    /// The sessions that it gave out, the last one last.
    pub(super) sessions: Vec<String>,
    /// Whether it may have given out others, of which only the fuzzer knows.
    pub(super) is_tainted: bool,
    /// Its players by guild, as they are shown.
    players: BTreeMap<String, Value>,
}

impl Server {
    /// The answer to a request.
    pub(super) fn answer(&mut self, request: &Request, how: Answered) -> Vec<u8> {
        match how {
            Answered::Well => self.serve(request),
            Answered::Partly { missing } => {
                let mut bytes = self.serve(request);
                bytes.truncate(bytes.len().saturating_sub(usize::from(missing)));
                bytes
            }
            Answered::NoContent => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            Answered::SessionNotFound => refusal("404 Not Found", "Session not found", false),
            Answered::Status { status, to_close } => refusal(status.line(), "No", to_close),
            Answered::Otherwise { choice } => {
                let bodies = [
                    "[]",
                    "{}",
                    "null",
                    r#"{"loadType":"track"}"#,
                    "x",
                    r#"{"track":7}"#,
                ];
                let body = bodies[usize::from(choice) % bodies.len()];
                http("200 OK", body, choice.is_multiple_of(7))
            }
        }
    }

    /// The answer of a server that is well.
    pub(super) fn serve(&mut self, request: &Request) -> Vec<u8> {
        let path = request.target.split('?').next().unwrap_or_default();
        let body = match (&*request.method, request.player()) {
            ("PATCH", Some(guild)) => self.patch(&guild.to_owned(), &request.body),
            ("DELETE", Some(guild)) if path.ends_with(guild) => {
                self.players.remove(guild);
                return b"HTTP/1.1 204 No Content\r\n\r\n".to_vec();
            }
            ("PUT" | "POST" | "DELETE", _) => {
                return b"HTTP/1.1 204 No Content\r\n\r\n".to_vec();
            }
            ("GET", Some(guild)) => self.players.get(guild).cloned().unwrap_or(Value::Null),
            ("PATCH", None) => {
                let timeout = request.body["timeout"].as_u64().unwrap_or(60);
                json!({"resuming": request.body["resuming"] == true, "timeout": timeout})
            }
            _ if path.ends_with("/players") => self.players.values().cloned().collect(),
            _ if path.ends_with("/loadtracks") => {
                json!({"loadType": "search", "data": [track("QAAA", json!({}))]})
            }
            _ => info(),
        };
        http("200 OK", &body.to_string(), false)
    }

    /// Changes a player as a server does, and shows it.
    fn patch(&mut self, guild: &str, patch: &Value) -> Value {
        let player = self.players.entry(guild.to_owned()).or_insert_with(|| {
            json!({
                "guildId": guild, "track": null, "volume": 100, "paused": false, "filters": {},
                "state": {"time": 1, "position": 0, "connected": true, "ping": 5},
                "voice": {"token": "", "endpoint": "", "sessionId": ""},
            })
        });
        for name in ["volume", "paused", "filters", "voice"] {
            if !patch[name].is_null() {
                player[name] = patch[name].clone();
            }
        }
        if patch["position"].is_u64() {
            player["state"]["position"] = patch["position"].clone();
        }
        let asked = &patch["track"];
        let data = asked["userData"].clone();
        match (&asked["encoded"], &asked["identifier"]) {
            (Value::String(blob), _) => player["track"] = track(blob, data),
            (Value::Null, Value::String(_)) => player["track"] = track("QAAB", data),
            (Value::Null, _) if asked.get("encoded").is_some() => player["track"] = Value::Null,
            _ if data.is_object() && player["track"].is_object() => {
                player["track"]["userData"] = data;
            }
            _ => {}
        }
        player.clone()
    }

    /// The text of an event or another message, but for `ready`.
    pub(super) fn text(&self, what: Said) -> Option<String> {
        match what {
            Said::Update {
                guild,
                position_ms,
                connected,
            } => Some(
                json!({
                    "op": "playerUpdate", "guildId": asks::guild(guild).to_string(),
                    "state": {
                        "time": 1, "position": position_ms, "connected": connected, "ping": 1,
                    },
                })
                .to_string(),
            ),
            Said::Stats {
                playing,
                load,
                deficit,
            } => Some(stats(playing, load, deficit)),
            Said::Start { .. }
            | Said::End { .. }
            | Said::Exception { .. }
            | Said::Stuck { .. }
            | Said::VoiceClosed { .. }
            | Said::Segment { .. } => self.event(what),
            Said::Upgrade | Said::Ready { .. } | Said::Ping | Said::Pong | Said::Goodbye { .. } => {
                None
            }
        }
    }

    /// The text of an event.
    fn event(&self, what: Said) -> Option<String> {
        let track = |guild, of| self.playing(guild, of);
        let (kind, guild, mut fields) = match what {
            Said::Start { guild, of } => {
                ("TrackStartEvent", guild, json!({"track": track(guild, of)}))
            }
            Said::End { guild, of, why } => {
                let fields = json!({"track": track(guild, of), "reason": why.name()});
                ("TrackEndEvent", guild, fields)
            }
            Said::Exception { guild, of } => {
                let exception = json!({"message": "no", "severity": "common", "cause": "x"});
                let fields = json!({"track": track(guild, of), "exception": exception});
                ("TrackExceptionEvent", guild, fields)
            }
            Said::Stuck { guild, of } => {
                let fields = json!({"track": track(guild, of), "thresholdMs": 9000});
                ("TrackStuckEvent", guild, fields)
            }
            Said::VoiceClosed {
                guild,
                code,
                by_remote,
            } => {
                let fields = json!({"code": code, "reason": "", "byRemote": by_remote});
                ("WebSocketClosedEvent", guild, fields)
            }
            Said::Segment { guild } => {
                let segment = json!({"category": "sponsor", "start": 0, "end": 5});
                ("SegmentSkipped", guild, json!({"segment": segment}))
            }
            Said::Update { .. }
            | Said::Stats { .. }
            | Said::Upgrade
            | Said::Ready { .. }
            | Said::Ping
            | Said::Pong
            | Said::Goodbye { .. } => return None,
        };
        fields["op"] = "event".into();
        fields["type"] = kind.into();
        fields["guildId"] = asks::guild(guild).to_string().into();
        Some(fields.to_string())
    }

    fn playing(&self, guild: u8, of: Play) -> Value {
        let known = self.players.get(&asks::guild(guild).to_string());
        match (of, known) {
            (Play::Last, Some(player)) if player["track"].is_object() => player["track"].clone(),
            (Play::Last | Play::Unknown, _) => track("QAAC", json!({})),
            (Play::Numbered(play), _) => track("QAAA", json!({"lavapool": {"play": play}})),
        }
    }
}

fn track(encoded: &str, user_data: Value) -> Value {
    json!({
        "encoded": encoded,
        "info": {
            "identifier": "x", "isSeekable": true, "author": "a", "length": 60000,
            "isStream": false, "position": 0, "title": "t", "uri": null, "artworkUrl": null,
            "isrc": null, "sourceName": "youtube",
        },
        "pluginInfo": {},
        "userData": user_data,
    })
}

fn info() -> Value {
    json!({
        "version": {
            "semver": "4.0.8", "major": 4, "minor": 0, "patch": 8,
            "preRelease": null, "build": null,
        },
        "buildTime": 0, "git": {"branch": "a", "commit": "b", "commitTime": 0}, "jvm": "17",
        "lavaplayer": "2", "sourceManagers": ["youtube"], "filters": ["volume"],
        "plugins": [
            {"name": "sponsorblock-plugin", "version": "3.0.0"},
            {"name": "lavalyrics-plugin", "version": "1.0.0"},
        ],
    })
}

fn stats(playing: u8, load: u8, deficit: Option<u16>) -> String {
    let frames = deficit.map(|deficit| json!({"sent": 3000, "nulled": 0, "deficit": deficit}));
    json!({
        "op": "stats", "players": playing, "playingPlayers": playing, "uptime": 1,
        "memory": {"free": 1, "used": 1, "allocated": 1, "reservable": 4},
        "cpu": {"cores": 1, "systemLoad": f64::from(load) / 200.0, "lavalinkLoad": 0.5},
        "frameStats": frames,
    })
    .to_string()
}

pub(super) fn ready(session: &str, resumed: bool) -> Vec<u8> {
    frame(
        0x81,
        json!({"op": "ready", "resumed": resumed, "sessionId": session})
            .to_string()
            .as_bytes(),
    )
}

/// A frame of a server.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match u8::try_from(payload.len()) {
        Ok(count @ ..=125) => bytes.push(count),
        _ => {
            let count = u16::try_from(payload.len()).expect("what is said here is short");
            bytes.push(126);
            bytes.extend(count.to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

fn http(status: &str, body: &str, to_close: bool) -> Vec<u8> {
    let connection = if to_close {
        "Connection: close\r\n"
    } else {
        ""
    };
    let count = body.len();
    format!("HTTP/1.1 {status}\r\n{connection}Content-Length: {count}\r\n\r\n{body}").into_bytes()
}

/// An error of Lavalink's.
fn refusal(status: &str, message: &str, to_close: bool) -> Vec<u8> {
    let code: u16 = status
        .get(..3)
        .and_then(|code| code.parse().ok())
        .unwrap_or_default();
    let body =
        json!({"timestamp": 1, "status": code, "error": "x", "message": message, "path": "/"});
    http(status, &body.to_string(), to_close)
}
