//! [`Asked`]: one request of the recorded client, and what its answer means.

use std::fmt;

use http::Method;
use lavapool_core::protocol::{GuildId, PlayerPatchBuf, SessionUpdate};
use lavapool_core::rest::Request;

/// One request of the recorded client, as far as the answer depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The method; GET of what is no request.
    pub method: Method,
    /// The target with `***` for session ids, and without what a query says that is no
    /// identifier or `noReplace`.
    pub target: Box<str>,
    /// What was asked for.
    pub meaning: Meaning,
    /// Whether all of the request was sent.
    pub is_whole: bool,
    /// Content codings that the client offered, as it wrote them.
    pub(super) codings: Box<str>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Meaning {
    /// A request to the REST API. Bodies are left out of it: no answer depends on them.
    Rest(Box<Request>),
    /// An upgrade to a WebSocket, with its key if that is one (RFC 6455 §4.1: 16 bytes).
    Upgrade {
        /// The decoded `Sec-WebSocket-Key`.
        key: Option<[u8; 16]>,
    },
    /// Bytes that are no HTTP/1 request.
    Garbage {
        /// How many.
        bytes: usize,
    },
}

impl Asked {
    /// Bytes that are no HTTP/1 request.
    pub(super) fn garbage(bytes: usize) -> Self {
        Self {
            method: Method::GET,
            target: "/".into(),
            meaning: Meaning::Garbage { bytes },
            is_whole: true,
            codings: "".into(),
        }
    }

    /// The reading of its answer's body; a raw one where only the upgrade has a meaning.
    pub(super) fn request(&self) -> Request {
        match &self.meaning {
            Meaning::Rest(request) => Request::clone(request),
            Meaning::Upgrade { .. } | Meaning::Garbage { .. } => Request::Raw {
                method: self.method.clone(),
                path: "/".to_owned(),
                body: None,
            },
        }
    }

    /// Whether the client said that it reads this content coding.
    pub(super) fn offers(&self, coding: &str) -> bool {
        self.codings.split(',').any(|offered| {
            let name = offered.split(';').next().unwrap_or_default().trim();
            name.eq_ignore_ascii_case(coding) || name == "*"
        })
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning {
            Meaning::Garbage { bytes } => write!(f, "{bytes} bytes that are no HTTP"),
            Meaning::Upgrade { .. } => write!(f, "upgrade of {}", self.target),
            Meaning::Rest(_) => write!(f, "{} {}", self.method, self.target),
        }?;
        if self.is_whole {
            return Ok(());
        }
        f.write_str(" (not sent to its end)")
    }
}

/// What a request of the REST API asks for, wherever its path begins: a proxy may add to it.
pub(super) fn rest(method: &Method, target: &str) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    known(method, path, query).unwrap_or_else(|| Request::Raw {
        method: method.clone(),
        path: shown(target).into(),
        body: None,
    })
}

fn known(method: &Method, path: &str, query: &str) -> Option<Request> {
    if method == Method::GET && path.ends_with("/version") && !path.contains("/v4/") {
        return Some(Request::Version);
    }
    let (_, path) = path.split_once("/v4/")?;
    let segments: Vec<&str> = path.split('/').collect();
    Some(match (method.as_str(), segments.as_slice()) {
        ("GET", ["info"]) => Request::Info,
        ("GET", ["stats"]) => Request::Stats,
        ("GET", ["loadtracks"]) => Request::LoadTracks {
            identifier: parameter(query, "identifier").unwrap_or_default(),
        },
        ("GET", ["decodetrack"]) => Request::DecodeTrack {
            encoded: parameter(query, "encodedTrack").unwrap_or_default().into(),
        },
        ("POST", ["decodetracks"]) => Request::DecodeTracks(Vec::new()),
        ("GET", ["routeplanner", "status"]) => Request::RoutePlannerStatus,
        ("POST", ["routeplanner", "free", "address"]) => Request::FreeAddress(String::new()),
        ("POST", ["routeplanner", "free", "all"]) => Request::FreeAllAddresses,
        ("PATCH", ["sessions", _]) => Request::UpdateSession(SessionUpdate::default()),
        ("GET", ["sessions", _, "players"]) => Request::Players,
        ("GET", ["sessions", _, "players", guild]) => Request::Player(id(guild)?),
        ("DELETE", ["sessions", _, "players", guild]) => Request::DestroyPlayer(id(guild)?),
        ("PATCH", ["sessions", _, "players", guild]) => Request::UpdatePlayer {
            guild: id(guild)?,
            no_replace: parameter(query, "noReplace").is_some_and(|value| value == "true"),
            patch: PlayerPatchBuf::default(),
        },
        _ => return None,
    })
}

fn id(text: &str) -> Option<GuildId> {
    text.parse().ok()
}

/// The value of a query's parameter, with `+` for a space as Lavalink reads it.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut digits = rest.clone();
                let digit = |digit: Option<u8>| char::from(digit?).to_digit(16);
                match (digit(digits.next()), digit(digits.next())) {
                    (Some(high), Some(low)) => {
                        bytes.extend(u8::try_from(high * 16 + low));
                        rest = digits;
                    }
                    (Some(_) | None, _) => bytes.push(b'%'),
                }
            }
            _ => bytes.push(byte),
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The target as it may be shown.
pub(super) fn shown(target: &str) -> Box<str> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut shown = String::new();
    let mut after_sessions = false;
    for (number, segment) in path.split('/').enumerate() {
        if number > 0 {
            shown.push('/');
        }
        let segment = if after_sessions { "***" } else { segment };
        shown.extend(segment.chars().flat_map(char::escape_debug));
        after_sessions = segment == "sessions";
    }
    for (number, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        shown.push(if number == 0 { '?' } else { '&' });
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = match name {
            "identifier" | "noReplace" | "trace" => value,
            _ => "…",
        };
        shown.extend(name.chars().flat_map(char::escape_debug));
        shown.push('=');
        shown.extend(
            value
                .chars()
                .take(SHOWN_CHARS_MAX)
                .flat_map(char::escape_debug),
        );
    }
    shown.into()
}

/// The most of a query's value that is shown.
const SHOWN_CHARS_MAX: usize = 100;
