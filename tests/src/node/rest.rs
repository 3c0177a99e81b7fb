//! The REST endpoints of a Lavalink v4 server, with the checks of Spring in their order: path,
//! method, password, media types, parameters, body, and only then Lavalink's own.

use serde_json::{Value, json};

use super::api::ApiError;
use super::fields::{Fields, Malformed};
use super::http::{Body, Request, Response, percent_decode};
use super::log::PlayerFate;
use super::messages;
use super::patch::{PlayerPatch, decode_track};
use super::plugins::{Endpoint, guild_id};
use super::{AnswerKind, TestNode};

/// An endpoint with what its path holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Route {
    Version,
    Info,
    Stats,
    LoadTracks,
    DecodeTrack,
    DecodeTracks,
    Session(String),
    Players(String),
    Player(String, String),
    PlannerStatus,
    FreeAddress,
    FreeAll,
    Plugin(Endpoint),
}

/// What came of a request.
enum Outcome {
    Answer(Response),
    Failed(ApiError),
    /// The server waits for something that never comes.
    Never,
}

impl Request {
    /// Tells what kind of answer the request gets.
    pub(super) fn kind(&self) -> AnswerKind {
        if matches!(self.path(), "/v4/websocket" | "/v3/websocket" | "/") {
            return AnswerKind::Handshake;
        }
        match Route::of(self.path()) {
            Some(Route::LoadTracks | Route::DecodeTrack | Route::DecodeTracks) => AnswerKind::Load,
            Some(Route::Player(..)) if self.carries_voice() => AnswerKind::Voice,
            Some(Route::Player(..) | Route::Players(_)) => AnswerKind::Player,
            Some(
                Route::Version
                | Route::Info
                | Route::Stats
                | Route::Session(_)
                | Route::PlannerStatus
                | Route::FreeAddress
                | Route::FreeAll
                | Route::Plugin(_),
            )
            | None => AnswerKind::Other,
        }
    }

    fn carries_voice(&self) -> bool {
        let body: Option<Value> = serde_json::from_slice(&self.body).ok();
        self.method == "PATCH" && body.is_some_and(|body| body.get("voice").is_some())
    }

    /// Reads the body as JSON, after the media type was checked.
    fn json(&self) -> Result<Value, ApiError> {
        serde_json::from_slice(&self.body).map_err(|_| Malformed.into())
    }
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        let segments: Vec<_> = path
            .strip_prefix('/')?
            .split('/')
            .map(percent_decode)
            .collect();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        Some(match segments.as_slice() {
            ["version"] => Self::Version,
            ["v4", "info"] => Self::Info,
            ["v4", "stats"] => Self::Stats,
            ["v4", "loadtracks"] => Self::LoadTracks,
            ["v4", "decodetrack"] => Self::DecodeTrack,
            ["v4", "decodetracks"] => Self::DecodeTracks,
            ["v4", "sessions", id] if !id.is_empty() => Self::Session((*id).to_owned()),
            ["v4", "sessions", id, "players"] => Self::Players((*id).to_owned()),
            ["v4", "sessions", id, "players", guild] if !guild.is_empty() => {
                Self::Player((*id).to_owned(), (*guild).to_owned())
            }
            ["v4", "routeplanner", "status"] => Self::PlannerStatus,
            ["v4", "routeplanner", "free", "address"] => Self::FreeAddress,
            ["v4", "routeplanner", "free", "all"] => Self::FreeAll,
            other => Self::Plugin(Endpoint::of(other)?),
        })
    }

    /// The methods that it answers, in the order of the `Allow` field.
    fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Player(..) => &["PATCH", "DELETE", "GET"],
            Self::Plugin(endpoint) => endpoint.methods(),
            Self::Session(_) => &["PATCH"],
            Self::DecodeTracks | Self::FreeAddress | Self::FreeAll => &["POST"],
            Self::Version
            | Self::Info
            | Self::Stats
            | Self::LoadTracks
            | Self::DecodeTrack
            | Self::Players(_)
            | Self::PlannerStatus => &["GET"],
        }
    }

    fn takes_body(&self, method: &str) -> bool {
        matches!(self, Self::Plugin(endpoint) if endpoint.takes_body(method))
            || method == "PATCH"
            || matches!(self, Self::DecodeTracks | Self::FreeAddress)
    }
}

impl TestNode {
    /// Answers a request; none is an answer that never comes.
    pub(super) fn rest(&mut self, request: &Request) -> Option<Response> {
        let unix_ms = self.unix_ms();
        match self.route(request) {
            Outcome::Answer(response) => Some(response),
            Outcome::Failed(error) => {
                let mut response = error.response(request, unix_ms);
                // Spring takes what is behind the dot for the extension of a download.
                let file = request.path().rsplit('/').next().unwrap_or_default();
                if file.contains('.') {
                    let inline = "inline;filename=f.txt".to_owned();
                    response.trail.push(("Content-Disposition", inline));
                }
                let retry_after = self.faults.retry_after_s;
                if let Some(seconds) = retry_after.filter(|_| matches!(response.status, 429 | 503))
                {
                    response.trail.push(("Retry-After", seconds.to_string()));
                }
                Some(response)
            }
            Outcome::Never => None,
        }
    }

    fn route(&mut self, request: &Request) -> Outcome {
        let method = request.method.as_str();
        if let Some(status) = self.faults.take_failure(method, request.path()) {
            return if status < 400 {
                Outcome::Answer(Response::page(status))
            } else {
                Outcome::Failed(ApiError::new(status, "No message available"))
            };
        }
        let served = |route: &Route| !matches!(route, Route::Plugin(it) if !self.serves(it));
        let Some(route) = Route::of(request.path()).filter(served) else {
            let path = percent_decode(request.path());
            return Outcome::Failed(ApiError::new(404, &format!("No endpoint {method} {path}.")));
        };
        let methods = route.methods();
        let is_head = method == "HEAD" && methods.contains(&"GET");
        if method != "OPTIONS" && !methods.contains(&method) && !is_head {
            let error = ApiError::new(405, &format!("Method '{method}' is not supported."));
            let mut response = error.response(request, self.unix_ms());
            response.lead.push(("Allow", methods.join(", ")));
            return Outcome::Answer(response);
        }
        match request.header("authorization") {
            None => return Outcome::Answer(Response::empty(401)),
            Some(password) if password != self.config.password => {
                return Outcome::Answer(Response::empty(403));
            }
            Some(_) => {}
        }
        if method == "OPTIONS" {
            return Outcome::Answer(options(methods));
        }
        if route.takes_body(method)
            && let Err(refusal) = self.check_content_type(request)
        {
            return Outcome::Answer(refusal);
        }
        let outcome = self.endpoint(route, request);
        if matches!(&outcome, Outcome::Answer(answer) if !is_acceptable(request, answer)) {
            let mut response = Response::empty(406);
            response.lead.push(("Accept", JSON_TYPES.to_owned()));
            return Outcome::Answer(response);
        }
        outcome
    }

    fn endpoint(&mut self, route: Route, request: &Request) -> Outcome {
        let result = match route {
            Route::Version => Ok(self.version(request)),
            Route::Info => Ok(Response::json(200, &self.info_json())),
            Route::Stats => Ok(Response::json(200, &self.stats_json(false))),
            Route::LoadTracks => self.load_tracks(request),
            Route::DecodeTrack => self.decode_one(request),
            Route::DecodeTracks => self.decode_many(request),
            Route::Session(id) => self.patch_session(&id, request),
            Route::Players(id) => self.list_players(&id),
            Route::Player(id, guild) => return self.player_endpoint(&id, &guild, request),
            Route::PlannerStatus => Ok(match &self.config.route_planner {
                Some(status) => Response::json(200, status),
                None => Response::empty(204),
            }),
            Route::FreeAddress => self.free_address(request),
            Route::Plugin(endpoint) => self.plugin(endpoint, request),
            Route::FreeAll => self.route_planner().map(|()| Response::empty(204)),
        };
        result.map_or_else(Outcome::Failed, Outcome::Answer)
    }

    fn version(&self, request: &Request) -> Response {
        let wants_json = request.header("accept") == Some("application/json");
        let kind = if wants_json {
            "application/json"
        } else {
            "text/plain;charset=ISO-8859-1"
        };
        Response::new(
            200,
            Body::Sized(Some(kind), self.config.version.clone().into_bytes()),
        )
    }

    fn info_json(&self) -> Value {
        let semver = &self.config.version;
        let (release, pre_release) = semver.split_once('-').unwrap_or((semver, ""));
        let numbers: Option<Vec<i32>> = release.split('.').map(|part| part.parse().ok()).collect();
        let (numbers, pre_release) = match numbers.as_deref() {
            Some([major, minor, patch]) => ([*major, *minor, *patch], pre_release),
            _ => ([0, 0, 0], ""),
        };
        let plugin = |(name, version): &(String, String)| json!({"name": name, "version": version});
        let plugins: Vec<_> = self.config.plugins.iter().map(plugin).collect();
        let mut info = json!({
            "version": {
                "semver": semver,
                "major": numbers[0],
                "minor": numbers[1],
                "patch": numbers[2],
                "preRelease": pre_release,
            },
            "buildTime": 1_772_838_077_000_i64,
            "git": {"branch": "HEAD", "commit": "e8503fd", "commitTime": 1_772_839_275_000_i64},
            "jvm": "17.0.15",
            "lavaplayer": "2.2.6",
            "sourceManagers": self.config.sources,
            "filters": self.config.filters,
            "plugins": plugins,
        });
        if self.config.is_nodelink {
            info["isNodeLink"] = Value::Bool(true);
        }
        info
    }

    fn load_tracks(&self, request: &Request) -> Result<Response, ApiError> {
        let Some(identifier) = request.query("identifier") else {
            return Err(ApiError::bad(
                "Required parameter 'identifier' is not present.",
            ));
        };
        let result = self
            .config
            .catalogue
            .load(&identifier, &self.config.sources);
        Ok(Response::json(200, &messages::load_result(&result)))
    }

    fn decode_one(&self, request: &Request) -> Result<Response, ApiError> {
        let given = request
            .query("encodedTrack")
            .or_else(|| request.query("track"));
        let encoded = given.ok_or_else(|| ApiError::bad("No track to decode provided"))?;
        Ok(Response::json(200, &self.decoded(&encoded)?))
    }

    fn decode_many(&self, request: &Request) -> Result<Response, ApiError> {
        let body = request.json()?;
        let texts = body.as_array().ok_or(Malformed)?.iter().map(Value::as_str);
        let texts: Vec<_> = texts.collect::<Option<_>>().ok_or(Malformed)?;
        if texts.is_empty() {
            return Err(ApiError::bad("No tracks to decode provided"));
        }
        let tracks = texts.into_iter().map(|encoded| self.decoded(encoded));
        Ok(Response::json(
            200,
            &Value::Array(tracks.collect::<Result<_, _>>()?),
        ))
    }

    fn decoded(&self, encoded: &str) -> Result<Value, ApiError> {
        let blob = decode_track(encoded, &self.config.sources)?;
        Ok(messages::track(&blob, blob.position_ms, &json!({})))
    }

    fn patch_session(&mut self, id: &str, request: &Request) -> Result<Response, ApiError> {
        let body = request.json()?;
        let fields = Fields::of(&body)?;
        let (resuming, timeout_s) = (fields.boolean("resuming")?, fields.integer("timeout")?);
        self.check_session(id)?;
        let Some(session) = self.sessions.get_mut(id) else {
            return Err(ApiError::session_not_found());
        };
        session.resuming = resuming.unwrap_or(session.resuming);
        session.timeout_s = timeout_s.unwrap_or(session.timeout_s);
        let body = json!({"resuming": session.resuming, "timeout": session.timeout_s});
        Ok(Response::json(200, &body))
    }

    fn list_players(&self, id: &str) -> Result<Response, ApiError> {
        self.check_session(id)?;
        let players = self
            .sessions
            .get(id)
            .into_iter()
            .flat_map(|session| session.players.values());
        let players = players.map(|player| player.json(self.now)).collect();
        Ok(Response::json(200, &Value::Array(players)))
    }

    fn player_endpoint(&mut self, id: &str, guild: &str, request: &Request) -> Outcome {
        let result = match request.method.as_str() {
            "PATCH" => return self.patch_endpoint(id, guild, request),
            "DELETE" => self.delete_player(id, guild),
            _ => self.show_player(id, guild),
        };
        result.map_or_else(Outcome::Failed, Outcome::Answer)
    }

    fn patch_endpoint(&mut self, id: &str, guild: &str, request: &Request) -> Outcome {
        let read = || {
            let guild = guild_id(guild)?;
            let no_replace = no_replace(request)?;
            Ok((guild, no_replace, PlayerPatch::decode(&request.json()?)?))
        };
        let (guild, no_replace, patch) = match read() {
            Ok(read) => read,
            Err(error) => return Outcome::Failed(error),
        };
        if let Err(error) = self.check_session(id) {
            return Outcome::Failed(error);
        }
        match self.patch_player(id, guild, no_replace, patch) {
            Some(Ok(player)) => Outcome::Answer(Response::json(200, &player)),
            Some(Err(error)) => Outcome::Failed(error),
            None => Outcome::Never,
        }
    }

    fn show_player(&self, id: &str, guild: &str) -> Result<Response, ApiError> {
        let guild = guild_id(guild)?;
        self.check_session(id)?;
        let player = self
            .sessions
            .get(id)
            .and_then(|session| session.players.get(&guild));
        let player = player.ok_or_else(|| ApiError::new(404, "Player not found"))?;
        let player = self.faults.told(player.json(self.now));
        Ok(Response::json(200, &player))
    }

    fn delete_player(&mut self, id: &str, guild: &str) -> Result<Response, ApiError> {
        let guild = guild_id(guild)?;
        self.check_session(id)?;
        let now = self.now;
        let session = self.sessions.get_mut(id);
        if let Some(mut player) = session.and_then(|session| session.players.remove(&guild)) {
            self.note_lost(PlayerFate::Deleted, player.view(id, now));
            let mut messages = player.end("stopped", now);
            messages.extend(player.disconnect(now));
            self.deliver(id, messages);
        }
        Ok(Response::empty(204))
    }

    fn free_address(&self, request: &Request) -> Result<Response, ApiError> {
        let body = request.json()?;
        let address = Fields::of(&body)?.text("address")?.ok_or(Malformed)?;
        self.route_planner()?;
        let known: Result<std::net::IpAddr, _> = address.parse();
        known.map_err(|_| ApiError::bad("Invalid address"))?;
        Ok(Response::empty(204))
    }

    fn route_planner(&self) -> Result<(), ApiError> {
        let is_on = self.config.route_planner.is_some();
        is_on
            .then_some(())
            .ok_or_else(|| ApiError::new(500, "Can't access disabled route planner"))
    }

    /// REST knows only sessions that have a WebSocket.
    pub(super) fn check_session(&self, id: &str) -> Result<(), ApiError> {
        let attached = self
            .sessions
            .get(id)
            .is_some_and(super::Session::is_attached);
        let known = attached && !self.faults.sessions_unknown;
        known.then_some(()).ok_or_else(ApiError::session_not_found)
    }

    fn check_content_type(&self, request: &Request) -> Result<(), Response> {
        let given = request.header("content-type");
        if request.body.is_empty() && given.is_none() {
            return Ok(());
        }
        let essence = given
            .and_then(|given| given.split(';').next())
            .map(str::trim);
        let is_json = |essence: &str| {
            essence == "application/json"
                || (essence.starts_with("application/") && essence.ends_with("+json"))
        };
        if essence.is_some_and(is_json) {
            return Ok(());
        }
        let named = match essence {
            Some(text) if text.starts_with("text/") => format!("{text};charset=UTF-8"),
            Some(other) => other.to_owned(),
            None => "application/octet-stream".to_owned(),
        };
        let error = ApiError::new(415, &format!("Content-Type '{named}' is not supported."));
        let mut response = error.response(request, self.unix_ms());
        response.lead.push(("Accept", JSON_TYPES.to_owned()));
        if request.method == "PATCH" {
            response.trail.push(("Accept-Patch", JSON_TYPES.to_owned()));
        }
        Err(response)
    }
}

/// Spring's words for yes and no; an empty value is neither.
fn no_replace(request: &Request) -> Result<bool, ApiError> {
    match request
        .query("noReplace")
        .map(|value| value.to_ascii_lowercase())
        .as_deref()
    {
        None | Some("false" | "no" | "off" | "0") => Ok(false),
        Some("true" | "yes" | "on" | "1") => Ok(true),
        Some(_) => Err(Malformed.into()),
    }
}

fn options(methods: &[&str]) -> Response {
    let mut allowed = methods.to_vec();
    if methods.contains(&"GET") {
        allowed.push("HEAD");
    }
    allowed.push("OPTIONS");
    let mut response = Response::empty(200);
    response.lead.push(("Allow", allowed.join(",")));
    let accepts = if methods.contains(&"PATCH") {
        JSON_TYPES
    } else {
        ""
    };
    response.trail.push(("Accept-Patch", accepts.to_owned()));
    response
}

fn is_acceptable(request: &Request, answer: &Response) -> bool {
    let has_json = matches!(answer.body, Body::Json(_));
    let Some(accept) = request.header("accept").filter(|_| has_json) else {
        return true;
    };
    let ranges = accept
        .split(',')
        .filter_map(|range| range.split(';').next())
        .map(str::trim);
    let json = |range: &str| matches!(range, "*/*" | "application/*" | "application/json");
    ranges.into_iter().any(json)
}

const JSON_TYPES: &str = "application/json, application/*+json";
