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

use std::fmt;

use http::StatusCode;
use serde::Deserialize;

use super::Request;
use crate::protocol::{
    DecodeCause, DecodeError, ErrorBody, Info, LoadResult, Player, PlayerSnapshot, RawJson,
    RoutePlanner, SessionState, Stats, Track, decode, redact,
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
            return Err(Failure::Refused(Box::new(Refusal::read(status, body))));
        }
        self.decode_success(status, body)
            .map_err(Failure::Undecodable)
    }

    fn decode_success(&self, status: StatusCode, body: &[u8]) -> Result<Answer, DecodeError> {
        Ok(match self {
            Self::LoadTracks { .. } => Answer::Loaded(Box::new(LoadResult::decode(utf8(body)?)?)),
            Self::DecodeTrack { .. } => Answer::Track(Box::new(read(body, "decoded track")?)),
            Self::DecodeTracks(_) => Answer::Tracks(read(body, "decoded tracks")?),
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
            Self::Raw { .. } => Answer::Raw(RawAnswer {
                status,
                body: body.into(),
            }),
        })
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8], what: &'static str) -> Result<T, DecodeError> {
    decode(utf8(body)?, what)
}

fn utf8(body: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(body).map_err(|_| DecodeError::of(DecodeCause::NotUtf8, "body"))
}
