//! What a server answers: [`Answer`], or why it does not: [`Failure`].

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

use std::fmt;

use http::StatusCode;
use serde::Deserialize;

use super::{PluginAnswer, Request};
use crate::protocol::{
    DecodeCause, DecodeError, ErrorBody, Info, LoadResult, Player, PlayerSnapshot, RawJson,
    RoutePlanner, SessionState, Stats, Track, TrackInText, decode, redact,
};

/// The answer to a [`Request`] that succeeded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// To [`Request::LoadTracks`].
    Loaded(Box<LoadResult>),
    /// To [`Request::DecodeTrack`].
    Track(Box<Track>),
    /// To [`Request::DecodeTracks`].
    Tracks(Vec<Track>),
    /// To [`Request::Players`].
    Players(Vec<PlayerSnapshot>),
    /// To [`Request::Player`] and [`Request::UpdatePlayer`].
    Player(Box<PlayerSnapshot>),
    /// To [`Request::UpdateSession`].
    Session(SessionState),
    /// To [`Request::Info`].
    Info(Box<Info>),
    /// To [`Request::Stats`].
    Stats(Box<Stats>),
    /// To [`Request::Version`].
    Version(String),
    /// To [`Request::RoutePlannerStatus`]; none if the server has no route planner.
    RoutePlanner(Option<Box<RoutePlanner>>),
    /// To what has nothing to say: [`Request::DestroyPlayer`], [`Request::FreeAddress`] and
    /// [`Request::FreeAllAddresses`].
    Done,
    /// To [`Request::Plugin`].
    Plugin(Box<PluginAnswer>),
    /// To [`Request::Raw`].
    Raw(RawAnswer),
}

/// The answer to a [`Request::Raw`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawAnswer {
    /// The status, 200 to 299.
    pub status: StatusCode,
    /// The body as it came; empty with 204.
    pub body: Box<[u8]>,
}

impl RawAnswer {
    /// The body as JSON.
    pub fn json(&self) -> Result<RawJson, DecodeError> {
        RawJson::parse(utf8(&self.body)?)
    }
}

impl fmt::Debug for RawAnswer {
    /// The body stays hidden: a plugin may answer with a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut answer = f.debug_struct("RawAnswer");
        answer
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// Why a request has no [`Answer`] though the server replied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The server says no, or something between does.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The server says yes with a body that cannot be read.
    #[error(transparent)]
    Undecodable(DecodeError),
}

/// An answer with a status other than success.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// What the body says; empty if it is not Lavalink's JSON.
    pub body: ErrorBody,
    /// The first [`Refusal::EXCERPT_BYTES_MAX`] bytes of a body that is not Lavalink's JSON, such
    /// as a proxy's HTML, with `***` for session ids; none otherwise.
    pub excerpt: Option<Box<str>>,
}

impl Refusal {
    /// The most bytes of a body that are kept as [`Refusal::excerpt`].
    pub const EXCERPT_BYTES_MAX: usize = 512;

    /// Reads a body of any kind.
    pub fn read(status: StatusCode, body: &[u8]) -> Self {
        let parsed = ErrorBody::decode(body);
        let is_foreign = parsed.is_empty() && !body.is_empty();
        let excerpt = is_foreign.then(|| {
            mark!(BodyForeign);
            let start = body.get(..Self::EXCERPT_BYTES_MAX).unwrap_or(body);
            redact(&String::from_utf8_lossy(start)).into()
        });
        Self {
            status,
            body: parsed,
            excerpt,
        }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {}", self.status.as_u16())?;
        match self.body.message.as_deref().or(self.body.error.as_deref()) {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

impl Request {
    /// Reads the reply to this request.
    pub fn decode(&self, status: StatusCode, body: &[u8]) -> Result<Answer, Failure> {
        if !status.is_success() {
            let refusal = Refusal::read(status, body);
            if let Self::Plugin(request) = self
                && let Some(answer) = request.decode_refusal(&refusal)
            {
                return Ok(Answer::Plugin(Box::new(answer)));
            }
            mark!(AnswerRefused);
            return Err(Failure::Refused(Box::new(refusal)));
        }
        let answer = self.decode_success(status, body);
        mark!(AnswerUndecodable if answer.is_err());
        answer.map_err(Failure::Undecodable)
    }

    fn decode_success(&self, status: StatusCode, body: &[u8]) -> Result<Answer, DecodeError> {
        Ok(match self {
            Self::LoadTracks { .. } => Answer::Loaded(Box::new(LoadResult::decode(utf8(body)?)?)),
            Self::DecodeTrack { .. } => {
                let track: TrackInText = read(body, "decoded track")?;
                Answer::Track(Box::new(track.into_track()))
            }
            Self::DecodeTracks(_) => {
                Answer::Tracks(TrackInText::into_tracks(read(body, "decoded tracks")?))
            }
            Self::Players => {
                let players: Vec<Player<'_>> = read(body, "players")?;
                let players = players
                    .iter()
                    .map(Player::to_snapshot)
                    .collect::<Result<_, _>>();
                Answer::Players(players?)
            }
            Self::Player(_) | Self::UpdatePlayer { .. } => {
                Answer::Player(Box::new(Player::decode(utf8(body)?)?.to_snapshot()?))
            }
            Self::UpdateSession(_) => Answer::Session(read(body, "session")?),
            Self::Info => Answer::Info(Box::new(read(body, "info")?)),
            Self::Stats => Answer::Stats(Box::new(read(body, "stats")?)),
            Self::Version => Answer::Version(utf8(body)?.trim().to_owned()),
            Self::RoutePlannerStatus if body.is_empty() => Answer::RoutePlanner(None),
            Self::RoutePlannerStatus => {
                Answer::RoutePlanner(RoutePlanner::decode(utf8(body)?)?.map(Box::new))
            }
            Self::DestroyPlayer(_) | Self::FreeAddress(_) | Self::FreeAllAddresses => Answer::Done,
            Self::Plugin(request) => {
                Answer::Plugin(Box::new(request.decode_success(status, body)?))
            }
            Self::Raw { .. } => Answer::Raw(RawAnswer {
                status,
                body: body.into(),
            }),
        })
    }
}

pub(super) fn read<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    what: &'static str,
) -> Result<T, DecodeError> {
    decode(utf8(body)?, what)
}

pub(super) fn utf8(body: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(body).map_err(|_| DecodeError::of(DecodeCause::NotUtf8, "body"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{GuildId, PlayerPatchBuf, PlayerState, SessionUpdate, TrackInfo};

    const TRACK: &str = r#"{"encoded":"QAAA","info":{}}"#;
    const PLAYER: &str = r#"{"guildId":"5","track":null,"volume":50,
        "state":{"time":1,"position":0,"connected":true,"ping":2}}"#;

    fn ok(request: &Request, body: &str) -> Answer {
        request.decode(StatusCode::OK, body.as_bytes()).unwrap()
    }

    fn guild() -> GuildId {
        GuildId::new(5).unwrap()
    }

    fn update() -> Request {
        let patch = PlayerPatchBuf::default();
        Request::UpdatePlayer {
            guild: guild(),
            no_replace: false,
            patch,
        }
    }

    fn player() -> PlayerSnapshot {
        PlayerSnapshot {
            guild_id: guild(),
            track: None,
            volume: 50,
            paused: false,
            state: PlayerState {
                time: 1,
                position: 0,
                connected: true,
                ping: 2,
            },
            voice: None,
            filters: RawJson::parse("{}").unwrap(),
        }
    }

    #[test]
    fn each_request_has_its_own_answer() {
        let track = || Track::new("QAAA", TrackInfo::default());
        let found = ok(
            &Request::LoadTracks {
                identifier: "x".into(),
            },
            r#"{"loadType":"empty"}"#,
        );
        assert_eq!(found, Answer::Loaded(Box::new(LoadResult::Empty)));
        let decoded = ok(
            &Request::DecodeTrack {
                encoded: "QAAA".into(),
            },
            TRACK,
        );
        assert_eq!(decoded, Answer::Track(Box::new(track())));
        let decoded = ok(&Request::DecodeTracks(vec![]), &format!("[{TRACK}]"));
        assert_eq!(decoded, Answer::Tracks(vec![track()]));
        assert_eq!(
            ok(&Request::Players, &format!("[{PLAYER}]")),
            Answer::Players(vec![player()])
        );
        assert_eq!(
            ok(&Request::Player(guild()), PLAYER),
            Answer::Player(Box::new(player()))
        );
        assert_eq!(ok(&update(), PLAYER), Answer::Player(Box::new(player())));
        let timeout = std::time::Duration::from_secs(9);
        let session = ok(
            &Request::UpdateSession(SessionUpdate::default()),
            r#"{"resuming":true,"timeout":9}"#,
        );
        assert_eq!(
            session,
            Answer::Session(SessionState {
                resuming: true,
                timeout
            })
        );
        assert_eq!(ok(&Request::Info, "{}"), Answer::Info(Box::default()));
        assert_eq!(ok(&Request::Stats, "{}"), Answer::Stats(Box::default()));
        assert_eq!(
            ok(&Request::Version, "4.2.2\n"),
            Answer::Version("4.2.2".into())
        );
    }

    #[test]
    fn an_answer_without_a_body_is_not_read() {
        let none = StatusCode::NO_CONTENT;
        let destroy = Request::DestroyPlayer(guild());
        let free = Request::FreeAddress("1.2.3.4".into());
        assert_eq!(destroy.decode(none, b""), Ok(Answer::Done));
        assert_eq!(free.decode(none, b""), Ok(Answer::Done));
        assert_eq!(
            Request::FreeAllAddresses.decode(none, b""),
            Ok(Answer::Done)
        );
        let status = &Request::RoutePlannerStatus;
        assert_eq!(status.decode(none, b""), Ok(Answer::RoutePlanner(None)));
        let balancing = r#"{"class":"BalancingIpRoutePlanner","details":{}}"#;
        assert!(matches!(
            ok(status, balancing),
            Answer::RoutePlanner(Some(_))
        ));
    }

    #[test]
    fn a_raw_answer_keeps_its_bytes_and_shows_none() {
        let request = Request::Raw {
            method: http::Method::GET,
            path: "/youtube".into(),
            body: None,
        };
        let Answer::Raw(answer) = ok(&request, r#"{"refreshToken":"hunter2"}"#) else {
            panic!("not raw");
        };
        assert_eq!(&*answer.body, br#"{"refreshToken":"hunter2"}"#);
        assert_eq!(
            answer.json().unwrap().get(),
            r#"{"refreshToken":"hunter2"}"#
        );
        assert_eq!(
            format!("{answer:?}"),
            "RawAnswer { status: 200, body_bytes: 26 }"
        );
        let Ok(Answer::Raw(bytes)) = request.decode(StatusCode::OK, b"\xff") else {
            panic!("not raw");
        };
        let refused = DecodeError::of(DecodeCause::NotUtf8, "body");
        assert_eq!(bytes.json(), Err(refused));
    }

    #[test]
    fn a_refusal_says_what_the_server_says() {
        let body = br#"{"timestamp":1,"status":404,"error":"Not Found",
            "message":"Session not found","path":"/v4/sessions/secret/players"}"#;
        let status = StatusCode::NOT_FOUND;
        let Err(Failure::Refused(refusal)) = update().decode(status, body) else {
            panic!("not refused");
        };
        let expected = Refusal {
            status,
            body: ErrorBody::decode(body),
            excerpt: None,
        };
        assert_eq!(*refusal, expected);
        assert!(refusal.body.is_session_not_found());
        assert_eq!(
            refusal.to_string(),
            "the server answered 404: Session not found"
        );
        assert!(!format!("{refusal:?}").contains("secret"));
    }

    #[test]
    fn a_foreign_body_is_kept_in_part_without_session_ids() {
        let page = format!("<p>/v4/sessions/secret/players{}", "\u{e9}".repeat(4000));
        let refusal = Refusal::read(StatusCode::BAD_GATEWAY, page.as_bytes());
        assert_eq!(refusal.body, ErrorBody::default());
        let excerpt = refusal.excerpt.unwrap();
        assert!(
            excerpt.starts_with("<p>/v4/sessions/***/players\u{e9}"),
            "{excerpt}"
        );
        assert!(
            excerpt.len() <= Refusal::EXCERPT_BYTES_MAX,
            "{}",
            excerpt.len()
        );

        let empty = Refusal::read(StatusCode::UNAUTHORIZED, b"");
        let expected = Refusal {
            status: StatusCode::UNAUTHORIZED,
            body: ErrorBody::default(),
            excerpt: None,
        };
        assert_eq!(empty, expected);
        assert_eq!(empty.to_string(), "the server answered 401");
    }

    #[test]
    fn a_success_that_cannot_be_read_says_why() {
        let failure = |body: &[u8]| match Request::Stats.decode(StatusCode::OK, body) {
            Err(Failure::Undecodable(error)) => error.cause,
            other => panic!("{other:?}"),
        };
        assert_eq!(failure(b"\x1f\x8b\xff"), DecodeCause::NotUtf8);
        assert_eq!(failure(b"<html>"), DecodeCause::Syntax);
        assert_eq!(failure(b""), DecodeCause::Truncated);
        assert_eq!(failure(b"5"), DecodeCause::Shape);
    }
}
