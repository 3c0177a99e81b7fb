//! What can be asked of a server: [`Request`].

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

use std::sync::Arc;

use http::Method;
use serde::Serialize;

use super::PluginRequest;
use super::target::{SESSION, percent_encode, write_player, write_raw_path, write_session};
use crate::protocol::{self, GuildId, PlayerPatch, PlayerPatchBuf, RawJson, SessionUpdate};

/// One request of Lavalink's REST API.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Request {
    /// What an identifier, such as an URL or `ytsearch:words`, leads to.
    LoadTracks {
        /// The identifier, as people write it.
        identifier: String,
    },
    /// The track of a blob.
    DecodeTrack {
        /// The blob.
        encoded: Arc<str>,
    },
    /// The tracks of many blobs; one bad blob fails all.
    DecodeTracks(Vec<Arc<str>>),
    /// All players of the session.
    Players,
    /// The player of a guild.
    Player(GuildId),
    /// Changes the player of a guild, and makes it if there is none.
    UpdatePlayer {
        /// The guild.
        guild: GuildId,
        /// Whether a track that plays is left alone. It then also swallows stop and pause.
        no_replace: bool,
        /// What changes.
        patch: PlayerPatchBuf,
    },
    /// Destroys the player of a guild.
    DestroyPlayer(GuildId),
    /// Changes how long the session outlives its WebSocket.
    UpdateSession(
        #[cfg_attr(feature = "recording", serde(with = "crate::recording::SessionFields"))]
        SessionUpdate,
    ),
    /// What the server is and can do.
    Info,
    /// The load of the server.
    Stats,
    /// The server's version as text.
    Version,
    /// Which of its addresses the server uses.
    RoutePlannerStatus,
    /// Lets the server use an address again.
    FreeAddress(String),
    /// Lets the server use all addresses again.
    FreeAllAddresses,
    /// What a well-known plugin is asked.
    Plugin(PluginRequest),
    /// Anything else, such as another plugin's endpoint.
    Raw {
        /// The method.
        #[cfg_attr(feature = "recording", serde(with = "crate::recording::method"))]
        method: Method,
        /// The path with its query, from `/`. `{session}` in it stands for the session's id.
        /// Bytes that may not stand in a request line are percent-encoded.
        path: String,
        /// The body.
        #[cfg_attr(feature = "recording", serde(with = "crate::recording::maybe"))]
        body: Option<RawJson>,
    },
}

impl Request {
    /// The HTTP method.
    pub fn method(&self) -> Method {
        match self {
            Self::LoadTracks { .. }
            | Self::DecodeTrack { .. }
            | Self::Players
            | Self::Player(_)
            | Self::Info
            | Self::Stats
            | Self::Version
            | Self::RoutePlannerStatus => Method::GET,
            Self::DecodeTracks(_) | Self::FreeAddress(_) | Self::FreeAllAddresses => Method::POST,
            Self::UpdatePlayer { .. } | Self::UpdateSession(_) => Method::PATCH,
            Self::DestroyPlayer(_) => Method::DELETE,
            Self::Plugin(request) => request.method(),
            Self::Raw { method, .. } => method.clone(),
        }
    }

    /// Whether the target names the session.
    pub fn needs_session(&self) -> bool {
        match self {
            Self::Players
            | Self::Player(_)
            | Self::UpdatePlayer { .. }
            | Self::DestroyPlayer(_)
            | Self::UpdateSession(_) => true,
            Self::Plugin(request) => request.guild().is_some(),
            Self::Raw { path, .. } => path.contains(SESSION),
            Self::LoadTracks { .. }
            | Self::DecodeTrack { .. }
            | Self::DecodeTracks(_)
            | Self::Info
            | Self::Stats
            | Self::Version
            | Self::RoutePlannerStatus
            | Self::FreeAddress(_)
            | Self::FreeAllAddresses => false,
        }
    }

    /// Whether the request only asks and may be slow, so that it must not hold up players.
    pub fn is_lookup(&self) -> bool {
        let loads_lyrics = matches!(self, Self::Plugin(PluginRequest::PlayingLyrics { .. }));
        loads_lyrics || !self.needs_session()
    }

    /// Whether the request only asks, so that one nobody waits for need not be sent.
    pub fn changes_nothing(&self) -> bool {
        match self {
            Self::LoadTracks { .. }
            | Self::DecodeTrack { .. }
            | Self::DecodeTracks(_)
            | Self::Players
            | Self::Player(_)
            | Self::Info
            | Self::Stats
            | Self::Version
            | Self::RoutePlannerStatus => true,
            Self::Plugin(request) => request.changes_nothing(),
            Self::Raw { method, .. } => method.is_safe(),
            Self::UpdatePlayer { .. }
            | Self::DestroyPlayer(_)
            | Self::UpdateSession(_)
            | Self::FreeAddress(_)
            | Self::FreeAllAddresses => false,
        }
    }

    /// Whether asking twice is the same as asking once.
    ///
    /// A patch that starts a track is not: it might start anew a track that already plays.
    pub fn repeat_is_safe(&self) -> bool {
        match self {
            Self::UpdatePlayer { patch, .. } => !patch.as_patch().starts_track(),
            Self::Plugin(request) => request.repeat_is_safe(),
            Self::Raw { method, .. } => method.is_idempotent(),
            Self::LoadTracks { .. }
            | Self::DecodeTrack { .. }
            | Self::DecodeTracks(_)
            | Self::Players
            | Self::Player(_)
            | Self::DestroyPlayer(_)
            | Self::UpdateSession(_)
            | Self::Info
            | Self::Stats
            | Self::Version
            | Self::RoutePlannerStatus
            | Self::FreeAddress(_)
            | Self::FreeAllAddresses => true,
        }
    }

    /// Appends the target of the request line, after the node's path `prefix` (empty, or like
    /// `/lavalink`).
    ///
    /// Returns false, having written nothing, if the target names the session and there is none.
    pub fn write_target(&self, prefix: &str, session: Option<&str>, out: &mut Vec<u8>) -> bool {
        if session.is_none() && self.needs_session() {
            return false;
        }
        let session = session.unwrap_or_default();
        out.extend_from_slice(prefix.as_bytes());
        match self {
            Self::LoadTracks { identifier } => {
                out.extend_from_slice(b"/v4/loadtracks?identifier=");
                percent_encode(identifier, out);
            }
            Self::DecodeTrack { encoded } => {
                out.extend_from_slice(b"/v4/decodetrack?encodedTrack=");
                percent_encode(encoded, out);
            }
            Self::DecodeTracks(_) => out.extend_from_slice(b"/v4/decodetracks"),
            Self::Players => {
                write_session(session, out);
                out.extend_from_slice(b"/players");
            }
            Self::Player(guild) | Self::DestroyPlayer(guild) => write_player(session, *guild, out),
            Self::UpdatePlayer {
                guild, no_replace, ..
            } => {
                write_patch_target(session, *guild, *no_replace, out);
            }
            Self::UpdateSession(_) => write_session(session, out),
            Self::Info => out.extend_from_slice(b"/v4/info"),
            Self::Stats => out.extend_from_slice(b"/v4/stats"),
            Self::Version => out.extend_from_slice(b"/version"),
            Self::RoutePlannerStatus => out.extend_from_slice(b"/v4/routeplanner/status"),
            Self::FreeAddress(_) => out.extend_from_slice(b"/v4/routeplanner/free/address"),
            Self::FreeAllAddresses => out.extend_from_slice(b"/v4/routeplanner/free/all"),
            Self::Plugin(request) => request.write_target(session, out),
            Self::Raw { path, .. } => write_raw_path(path, session, out),
        }
        true
    }

    /// Appends the JSON body; returns whether there is one.
    pub fn write_body(&self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::DecodeTracks(blobs) => protocol::write(blobs, out),
            Self::UpdatePlayer { patch, .. } => protocol::write(&patch.as_patch(), out),
            Self::UpdateSession(update) => protocol::write(update, out),
            Self::FreeAddress(address) => protocol::write(&Address { address }, out),
            Self::Plugin(request) => return request.write_body(out),
            Self::Raw {
                body: Some(body), ..
            } => out.extend_from_slice(body.get().as_bytes()),
            Self::LoadTracks { .. }
            | Self::DecodeTrack { .. }
            | Self::Players
            | Self::Player(_)
            | Self::DestroyPlayer(_)
            | Self::Info
            | Self::Stats
            | Self::Version
            | Self::RoutePlannerStatus
            | Self::FreeAllAddresses
            | Self::Raw { body: None, .. } => return false,
        }
        true
    }
}

/// Appends the target and the body of a player's PATCH, each to its own buffer, without building
/// a [`Request`].
pub fn write_player_patch(
    prefix: &str,
    session: &str,
    guild: GuildId,
    no_replace: bool,
    patch: &PlayerPatch<'_>,
    target: &mut Vec<u8>,
    body: &mut Vec<u8>,
) {
    target.extend_from_slice(prefix.as_bytes());
    write_patch_target(session, guild, no_replace, target);
    protocol::write(patch, body);
}

#[derive(Serialize)]
struct Address<'a> {
    address: &'a str,
}

fn write_patch_target(session: &str, guild: GuildId, no_replace: bool, out: &mut Vec<u8>) {
    write_player(session, guild, out);
    if no_replace {
        out.extend_from_slice(b"?noReplace=true");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::TrackPatchBuf;

    fn guild() -> GuildId {
        GuildId::new(817_327_181_659_111_454).unwrap()
    }

    fn update(no_replace: bool, patch: PlayerPatchBuf) -> Request {
        Request::UpdatePlayer {
            guild: guild(),
            no_replace,
            patch,
        }
    }

    fn raw(method: Method, path: &str, body: Option<&str>) -> Request {
        let body = body.map(|body| RawJson::parse(body).unwrap());
        Request::Raw {
            method,
            path: path.into(),
            body,
        }
    }

    fn every() -> Vec<(Request, &'static str)> {
        let paused = PlayerPatchBuf {
            paused: Some(true),
            ..Default::default()
        };
        let minute = std::time::Duration::from_secs(60);
        let session = SessionUpdate {
            resuming: Some(true),
            timeout: Some(minute),
        };
        vec![
            (
                Request::LoadTracks {
                    identifier: "ytsearch:a+b/c=d é&".into(),
                },
                "GET /v4/loadtracks?identifier=ytsearch%3Aa%2Bb%2Fc%3Dd%20%C3%A9%26",
            ),
            (
                Request::DecodeTrack {
                    encoded: "QA+/A==".into(),
                },
                "GET /v4/decodetrack?encodedTrack=QA%2B%2FA%3D%3D",
            ),
            (
                Request::DecodeTracks(vec!["QAAA".into(), "QAAB".into()]),
                r#"POST /v4/decodetracks ["QAAA","QAAB"]"#,
            ),
            (Request::Players, "GET /v4/sessions/s%0D1/players"),
            (
                Request::Player(guild()),
                "GET /v4/sessions/s%0D1/players/817327181659111454",
            ),
            (
                update(false, paused.clone()),
                r#"PATCH /v4/sessions/s%0D1/players/817327181659111454 {"paused":true}"#,
            ),
            (
                update(true, paused),
                "PATCH /v4/sessions/s%0D1/players/817327181659111454?noReplace=true \
                 {\"paused\":true}",
            ),
            (
                Request::DestroyPlayer(guild()),
                "DELETE /v4/sessions/s%0D1/players/817327181659111454",
            ),
            (
                Request::UpdateSession(session),
                r#"PATCH /v4/sessions/s%0D1 {"resuming":true,"timeout":60}"#,
            ),
            (Request::Info, "GET /v4/info"),
            (Request::Stats, "GET /v4/stats"),
            (Request::Version, "GET /version"),
            (Request::RoutePlannerStatus, "GET /v4/routeplanner/status"),
            (
                Request::FreeAddress("1.2.3.4".into()),
                r#"POST /v4/routeplanner/free/address {"address":"1.2.3.4"}"#,
            ),
            (Request::FreeAllAddresses, "POST /v4/routeplanner/free/all"),
            (
                raw(
                    Method::PUT,
                    "/v4/sessions/{session}/x?a=%2B b\r\n#é",
                    Some("[ 1]"),
                ),
                "PUT /v4/sessions/s%0D1/x?a=%2B%20b%0D%0A%23%C3%A9 [ 1]",
            ),
            (raw(Method::GET, "/youtube", None), "GET /youtube"),
        ]
    }

    #[test]
    fn every_request_is_written_as_the_server_reads_it() {
        for (request, expected) in every() {
            let (mut target, mut body) = (Vec::new(), Vec::new());
            assert!(request.write_target("", Some("s\r1"), &mut target));
            let has_body = request.write_body(&mut body);
            let mut written = format!(
                "{} {}",
                request.method(),
                String::from_utf8(target).unwrap()
            );
            if has_body {
                written = written + " " + std::str::from_utf8(&body).unwrap();
            }
            assert_eq!(written, expected);
            assert_eq!(has_body, !body.is_empty());
        }
    }

    #[test]
    fn the_prefix_of_the_node_stands_before_every_target() {
        for (request, _) in every() {
            let (mut bare, mut prefixed) = (Vec::new(), b"kept ".to_vec());
            request.write_target("", Some("s"), &mut bare);
            request.write_target("/lavalink", Some("s"), &mut prefixed);
            assert_eq!(prefixed, [b"kept /lavalink", bare.as_slice()].concat());
        }
    }

    #[test]
    fn without_a_session_only_what_needs_none_is_written() {
        for (request, line) in every() {
            let mut target = Vec::new();
            let is_written = request.write_target("", None, &mut target);
            assert_eq!(
                request.needs_session(),
                line.contains("/sessions/"),
                "{line}"
            );
            assert_eq!(is_written, !request.needs_session(), "{line}");
            assert_eq!(target.is_empty(), request.needs_session(), "{line}");
            assert_eq!(request.is_lookup(), !request.needs_session(), "{line}");
        }
    }

    #[test]
    fn only_the_start_of_a_track_and_unknown_methods_are_not_repeated() {
        for (request, line) in every() {
            assert!(request.repeat_is_safe(), "{line}");
        }
        let encoded = Some(Some("QAAA".into()));
        let track = Some(TrackPatchBuf {
            encoded,
            ..Default::default()
        });
        assert!(
            !update(
                false,
                PlayerPatchBuf {
                    track,
                    ..Default::default()
                }
            )
            .repeat_is_safe()
        );
        assert!(!raw(Method::POST, "/youtube", Some("{}")).repeat_is_safe());
        assert!(!raw(Method::PATCH, "/v4/lavasrc/config", Some("{}")).repeat_is_safe());
    }

    #[test]
    fn the_short_way_of_a_patch_writes_the_same() {
        let patch = PlayerPatchBuf {
            volume: Some(80),
            ..Default::default()
        };
        let request = update(true, patch.clone());
        let (mut target, mut body) = (Vec::new(), Vec::new());
        request.write_target("/p", Some("s"), &mut target);
        request.write_body(&mut body);
        let mut short = (Vec::new(), Vec::new());
        let (short_target, short_body) = (&mut short.0, &mut short.1);
        let patch = patch.as_patch();
        write_player_patch("/p", "s", guild(), true, &patch, short_target, short_body);
        assert_eq!(short, (target, body));
    }
}
