//! The endpoints and events of LavaSearch, SponsorBlock, LavaLyrics and youtube-source, for a
//! node whose configuration lists them. What they remember of a session goes with its WebSocket,
//! resumed or not.
//!
//! They know of any track what [`Knowledge`] says. SponsorBlock skips in tracks of every source
//! here, not of YouTube alone.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::TestNode;
use super::api::ApiError;
use super::clock::Clock;
use super::http::{Body, Request, Response};
use super::session::Message;

/// The names of the plugins in `GET /v4/info`.
pub const PLUGINS: [&str; 4] = [
    "lavasearch-plugin",
    "sponsorblock-plugin",
    "lavalyrics-plugin",
    "youtube-plugin",
];

/// What the plugins of a node know of every track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knowledge {
    /// Category, start and end of each segment, in the order of the starts, in milliseconds.
    pub segments: Vec<(String, i64, i64)>,
    /// Start in milliseconds and words of each line of the lyrics, in order.
    pub lines: Vec<(i64, String)>,
    /// The token of youtube-source's login, and the body of the latest `POST /youtube`.
    pub youtube: (Option<String>, Value),
}

/// What plugins remember of a session.
#[derive(Debug, Default)]
pub(super) struct Told {
    categories: BTreeMap<i64, Vec<String>>,
    /// The guilds with live lyrics, and whether the source of the track is passed over.
    lyrics: BTreeMap<i64, bool>,
}

/// A plugin's endpoint with what its path holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Search,
    Categories(String, String),
    Lyrics,
    PlayingLyrics(String, String),
    Subscription(String, String),
    Youtube,
    YoutubeToken(String),
    YoutubeStream(String),
}

impl Endpoint {
    pub(super) fn of(segments: &[&str]) -> Option<Self> {
        let owned = |text: &str| text.to_owned();
        Some(match segments {
            ["v4", "loadsearch"] => Self::Search,
            ["v4", "lyrics"] => Self::Lyrics,
            ["youtube"] => Self::Youtube,
            ["youtube", "oauth", token] => Self::YoutubeToken(owned(token)),
            ["youtube", "stream", video] => Self::YoutubeStream(owned(video)),
            ["v4", "sessions", id, "players", guild, tail @ ..] => {
                let (id, guild) = (owned(id), owned(guild));
                match tail {
                    ["sponsorblock", "categories"] => Self::Categories(id, guild),
                    ["track", "lyrics"] => Self::PlayingLyrics(id, guild),
                    ["lyrics", "subscribe"] => Self::Subscription(id, guild),
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    pub(super) const fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Categories(..) => &["GET", "PUT", "DELETE"],
            Self::Subscription(..) => &["POST", "DELETE"],
            Self::Youtube => &["GET", "POST"],
            Self::Search
            | Self::Lyrics
            | Self::PlayingLyrics(..)
            | Self::YoutubeToken(_)
            | Self::YoutubeStream(_) => &["GET"],
        }
    }

    pub(super) fn takes_body(&self, method: &str) -> bool {
        method == "PUT" || (*self == Self::Youtube && method == "POST")
    }

    const fn plugin(&self) -> &'static str {
        match self {
            Self::Search => PLUGINS[0],
            Self::Categories(..) => PLUGINS[1],
            Self::Lyrics | Self::PlayingLyrics(..) | Self::Subscription(..) => PLUGINS[2],
            Self::Youtube | Self::YoutubeToken(_) | Self::YoutubeStream(_) => PLUGINS[3],
        }
    }
}

impl TestNode {
    /// The guilds with live lyrics and those with categories, of all sessions that are attached.
    pub fn plugin_state(&self) -> (Vec<i64>, Vec<(i64, Vec<String>)>) {
        let attached = || {
            self.sessions
                .values()
                .filter(|session| session.is_attached())
        };
        let lyrics = attached().flat_map(|session| session.told.lyrics.keys().copied());
        let categories = attached().flat_map(|session| session.told.categories.clone());
        (lyrics.collect(), categories.collect())
    }

    pub(super) fn serves(&self, endpoint: &Endpoint) -> bool {
        let mut plugins = self.config.plugins.iter();
        plugins.any(|(name, _)| name == endpoint.plugin())
    }

    pub(super) fn plugin(
        &mut self,
        endpoint: Endpoint,
        request: &Request,
    ) -> Result<Response, ApiError> {
        match endpoint {
            Endpoint::Search => self.search(request),
            Endpoint::Categories(id, guild) => self.categories(&id, &guild, request),
            Endpoint::Lyrics => {
                let track = request.query("track");
                track.ok_or_else(|| ApiError::bad("Required parameter 'track' is not present."))?;
                Ok(self.lyrics_or_none())
            }
            Endpoint::PlayingLyrics(id, guild) => self.playing_lyrics(&id, &guild),
            Endpoint::Subscription(id, guild) => self.subscription(&id, &guild, request),
            Endpoint::Youtube => self.youtube(request),
            Endpoint::YoutubeToken(token) => {
                // It is text to the server, whatever it says.
                let body = json!({
                    "access_token": format!("access-{token}"), "expires_in": 3599,
                    "scope": "https://www.googleapis.com/auth/youtube", "token_type": "Bearer",
                });
                let kind = Some("text/plain;charset=UTF-8");
                let body = body.to_string().into_bytes();
                Ok(Response::new(200, Body::Sized(kind, body)))
            }
            Endpoint::YoutubeStream(video) => {
                let itag = request.query("itag").unwrap_or_default();
                let body = format!("media of {video} {itag}").into_bytes();
                Ok(Response::new(200, Body::Sized(Some("audio/webm"), body)))
            }
        }
    }

    fn search(&self, request: &Request) -> Result<Response, ApiError> {
        let missing = || ApiError::bad("Required parameter 'query' is not present.");
        let query = request.query("query").ok_or_else(missing)?;
        let Some((_, words)) = query
            .split_once(':')
            .filter(|(_, words)| *words != "nothing")
        else {
            return Ok(Response::empty(204));
        };
        let types = request.query("types").unwrap_or_default();
        let list = |kind: &str| {
            let is_asked = types.is_empty() || types.split(',').any(|other| other == kind);
            let info = json!({"name": format!("{kind} {words}"), "selectedTrack": -1});
            let found = json!({"info": info, "pluginInfo": {"type": kind}, "tracks": []});
            Value::Array(vec![found; usize::from(is_asked)])
        };
        Ok(Response::json(
            200,
            &json!({
                "tracks": [], "albums": list("album"), "artists": list("artist"),
                "playlists": list("playlist"),
                "texts": [{"text": words, "plugin": {}}], "plugin": {},
            }),
        ))
    }

    fn categories(
        &mut self,
        id: &str,
        guild: &str,
        request: &Request,
    ) -> Result<Response, ApiError> {
        let guild = guild_id(guild)?;
        self.check_session(id)?;
        let told = self.told(id)?;
        match request.method.as_str() {
            "PUT" => {
                let body: Vec<String> = serde_json::from_slice(&request.body)
                    .map_err(|_| ApiError::bad("Bad Request"))?;
                told.categories.insert(guild, body);
                Ok(Response::empty(200))
            }
            "DELETE" => {
                told.categories.remove(&guild);
                Ok(Response::empty(200))
            }
            _ => {
                let unset = || ApiError::new(404, "Guild not found");
                let categories = told.categories.get(&guild).ok_or_else(unset)?;
                Ok(Response::json(200, &json!(categories)))
            }
        }
    }

    fn playing_lyrics(&self, id: &str, guild: &str) -> Result<Response, ApiError> {
        let guild = guild_id(guild)?;
        self.check_session(id)?;
        let player = self.sessions.get(id).and_then(|s| s.players.get(&guild));
        let player = player.ok_or_else(|| ApiError::new(404, "Player not found"))?;
        if !player.has_track() {
            return Err(ApiError::new(404, "No track playing"));
        }
        Ok(self.lyrics_or_none())
    }

    fn lyrics_or_none(&self) -> Response {
        match lyrics(&self.config.knowledge.lines) {
            Some(lyrics) => Response::json(200, &lyrics),
            None => Response::empty(204),
        }
    }

    fn subscription(
        &mut self,
        id: &str,
        guild: &str,
        request: &Request,
    ) -> Result<Response, ApiError> {
        let guild = guild_id(guild)?;
        let (now, lines) = (self.now, self.config.knowledge.lines.clone());
        let Some(session) = self.sessions.get_mut(id) else {
            return Ok(Response::empty(204));
        };
        if request.method == "DELETE" {
            session.told.lyrics.remove(&guild);
            return Ok(Response::empty(204));
        }
        let skips = request.query("skipTrackSource").as_deref() == Some("true");
        if session.told.lyrics.contains_key(&guild) {
            return Ok(Response::empty(204));
        }
        // It is remembered before anything is found out about the player.
        session.told.lyrics.insert(guild, skips);
        let Some(player) = session.players.get_mut(&guild) else {
            return Err(ApiError::new(404, "Player not found"));
        };
        if player.has_track() {
            let messages = player.sing(lines, now);
            self.deliver(id, messages);
            self.arm_player(id, guild);
        }
        Ok(Response::empty(204))
    }

    fn youtube(&mut self, request: &Request) -> Result<Response, ApiError> {
        let (token, latest) = &mut self.config.knowledge.youtube;
        if request.method == "GET" {
            return Ok(Response::json(200, &json!({"refreshToken": token})));
        }
        let body: Value =
            serde_json::from_slice(&request.body).map_err(|_| ApiError::bad("Bad Request"))?;
        if let Some(given) = body.get("refreshToken") {
            *token = given
                .as_str()
                .filter(|given| !given.is_empty())
                .map(Into::into);
        }
        *latest = body;
        Ok(Response::empty(204))
    }

    fn told(&mut self, id: &str) -> Result<&mut Told, ApiError> {
        let session = self.sessions.get_mut(id);
        let told = session.map(|session| &mut session.told);
        told.ok_or_else(ApiError::session_not_found)
    }
}

impl Told {
    /// What the plugins do about a track of this guild.
    pub(super) fn extras(&self, guild: i64, knowledge: &Knowledge) -> Extras {
        let categories = self.categories.get(&guild);
        let is_skipped = |(category, ..): &&(String, i64, i64)| {
            categories.is_some_and(|categories| categories.contains(category))
        };
        let segments = knowledge.segments.iter().filter(is_skipped).cloned();
        Extras {
            segments: segments.collect(),
            lines: self
                .lyrics
                .contains_key(&guild)
                .then(|| knowledge.lines.clone()),
            sung: 0,
        }
    }
}

/// What plugins are yet to do about a track.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras {
    segments: Vec<(String, i64, i64)>,
    /// None without a subscription.
    lines: Option<Vec<(i64, String)>>,
    /// How many of the lines were said.
    sung: usize,
}

impl Extras {
    /// Whether the track's one marker is taken from its end time.
    pub(super) fn takes_marker(&self) -> bool {
        !self.segments.is_empty()
    }

    /// What is said when the track starts.
    pub(super) fn opening(&self, guild: i64) -> Vec<Message> {
        let mut messages = Vec::new();
        if self.takes_marker() {
            let segments: Vec<_> = self.segments.iter().map(segment).collect();
            messages.push(event(
                guild,
                "SegmentsLoaded",
                &[("segments", json!(segments))],
            ));
        }
        if let Some(lines) = &self.lines {
            messages.push(match lyrics(lines) {
                Some(lyrics) => event(guild, "LyricsFoundEvent", &[("lyrics", lyrics)]),
                None => event(guild, "LyricsNotFoundEvent", &[]),
            });
        }
        messages
    }

    /// A subscription begins in the middle of a track.
    pub(super) fn sing(&mut self, lines: Vec<(i64, String)>, position_ms: i64) {
        self.sung = lines.iter().filter(|(at, _)| *at <= position_ms).count();
        self.lines = Some(lines);
    }

    /// When the next segment or line is reached.
    pub(super) fn due(&self, clock: &Clock) -> Option<Duration> {
        let segment = self.segments.first().map(|(_, start_ms, _)| *start_ms);
        let line = self.next_line().map(|(at_ms, _)| at_ms);
        let next_ms = [segment, line].into_iter().flatten().min()?;
        clock.reaches(next_ms)
    }

    /// Does what is due: a skip first.
    pub(super) fn step(&mut self, guild: i64, clock: &mut Clock, now: Duration) -> Vec<Message> {
        let position_ms = clock.position(now);
        let is_reached = self
            .segments
            .first()
            .is_some_and(|(_, at, _)| *at <= position_ms);
        if is_reached {
            let skipped = self.segments.remove(0);
            if skipped.2 > position_ms {
                clock.seek(skipped.2, now);
            }
            return vec![event(
                guild,
                "SegmentSkipped",
                &[("segment", segment(&skipped))],
            )];
        }
        let Some((at_ms, words)) = self.next_line() else {
            return Vec::new();
        };
        let fields = [
            ("lineIndex", json!(self.sung)),
            ("line", line(at_ms, &words)),
            ("skipped", json!(false)),
        ];
        self.sung += 1;
        vec![event(guild, "LyricsLineEvent", &fields)]
    }

    fn next_line(&self) -> Option<(i64, String)> {
        self.lines.as_ref()?.get(self.sung).cloned()
    }
}

fn segment((category, start, end): &(String, i64, i64)) -> Value {
    json!({"category": category, "start": start, "end": end})
}

fn lyrics(lines: &[(i64, String)]) -> Option<Value> {
    let lines: Vec<_> = lines.iter().map(|(at, words)| line(*at, words)).collect();
    (!lines.is_empty()).then(|| {
        json!({
            "sourceName": "test", "provider": "Test", "text": null, "lines": lines, "plugin": {},
        })
    })
}

fn line(at_ms: i64, words: &str) -> Value {
    json!({"timestamp": at_ms, "duration": null, "line": words, "plugin": {}})
}

fn event(guild: i64, kind: &str, fields: &[(&str, Value)]) -> Message {
    let mut event = json!({"op": "event", "type": kind, "guildId": guild.to_string()});
    for (name, value) in fields {
        event[*name] = value.clone();
    }
    Message::Other(event)
}

/// A guild is a signed number to the server.
pub(super) fn guild_id(text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::bad("Bad Request"))
}
