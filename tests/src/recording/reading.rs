//! What responses and messages say, read with the core's types down to the last key.

use lavapool_core::http::Response as HttpResponse;
use lavapool_core::protocol::{
    DecodeError, Event, EventKind, Filters, Message as CoreMessage, PlayerSnapshot,
};
use lavapool_core::rest::{Answer, Failure, Refusal};
use lavapool_core::websocket::Incoming;

use super::asked::{Asked, Meaning};
use super::head::Head;
use super::outcome::{Line, Message, Misunderstood, Reply, Response};

/// Reads a response by what was asked.
pub(super) fn response(asked: &Asked, head: &Head, response: &HttpResponse<'_>) -> Line {
    match reply(asked, head, response) {
        Ok(reply) => Line::Response(Box::new(Response {
            asked: asked.clone(),
            status: response.status,
            reusable: response.reusable,
            reply,
        })),
        Err(error) => Line::Misunderstood(Misunderstood::Body {
            asked: asked.clone(),
            status: response.status,
            error,
        }),
    }
}

fn reply(asked: &Asked, head: &Head, response: &HttpResponse<'_>) -> Result<Reply, DecodeError> {
    let (status, body) = (response.status, response.body);
    if let Some(coding) = &head.coding
        && !body.is_empty()
        && coding.split(',').all(|coding| asked.offers(coding.trim()))
    {
        return Ok(Reply::Encoded {
            coding: coding.as_str().into(),
            bytes: body.len(),
        });
    }
    if let Meaning::Upgrade { .. } = asked.meaning {
        return Ok(Reply::NotUpgraded(Refusal::read(status, body)));
    }
    let answer = match asked.request().decode(status, body) {
        Ok(answer) => answer,
        Err(Failure::Refused(refusal)) => return Ok(Reply::Refused(*refusal)),
        Err(Failure::Undecodable(error)) => return Err(error),
        // The enum may grow; what it would say then is at least no answer.
        Err(_) => return Ok(Reply::Refused(Refusal::read(status, body))),
    };
    check(&answer, response)?;
    Ok(Reply::Answer(answer))
}

/// Reads what the core leaves for later: filters, and the JSON of an unknown endpoint.
fn check(answer: &Answer, response: &HttpResponse<'_>) -> Result<(), DecodeError> {
    let filters = |player: &PlayerSnapshot| player.filters.decode::<Filters>().map(drop);
    match answer {
        Answer::Player(player) => filters(player),
        Answer::Players(players) => players.iter().try_for_each(filters),
        // To HEAD there is a type and no body.
        Answer::Raw(raw) if response.is_json && !raw.body.is_empty() => raw.json().map(drop),
        _ => Ok(()),
    }
}

/// Reads what a WebSocket handed out; none of an acceptance, which has a line of its own.
pub(super) fn incoming(incoming: Incoming<'_>) -> Option<Line> {
    Some(match incoming {
        Incoming::Accepted(_) => return None,
        Incoming::Text(text) => match message(text) {
            Ok(message) => Line::Message(Box::new(message)),
            Err(error) => Line::Misunderstood(Misunderstood::Message {
                bytes: text.len(),
                error,
            }),
        },
        Incoming::Binary(bytes) => Line::Binary { bytes: bytes.len() },
        Incoming::Pong(payload) => Line::Pong {
            payload: payload.to_vec(),
        },
        Incoming::Closed(frame) => Line::Close(frame),
    })
}

fn message(text: &str) -> Result<Message, DecodeError> {
    Ok(match CoreMessage::decode(text)? {
        CoreMessage::Ready(ready) => Message::Ready {
            resumed: ready.resumed,
            session_id: ready.session_id.into_owned().into(),
        },
        CoreMessage::Stats(stats) => Message::Stats(stats),
        CoreMessage::PlayerUpdate(update) => Message::PlayerUpdate(update),
        CoreMessage::Event(event) => self::event(event)?,
        CoreMessage::UnknownEvent(event) => Message::UnknownEvent {
            guild: event.guild_id,
            kind: event.kind.into_owned(),
        },
        CoreMessage::Unknown(message) => Message::Unknown {
            op: message.op.into_owned(),
        },
        _ => Message::Unknown { op: String::new() },
    })
}

fn event(event: Event<'_>) -> Result<Message, DecodeError> {
    let guild = event.guild_id;
    Ok(match event.kind {
        EventKind::TrackStart { track } => Message::TrackStart {
            guild,
            track: track.to_track()?,
        },
        EventKind::TrackEnd { track, reason } => Message::TrackEnd {
            guild,
            track: track.to_track()?,
            reason,
        },
        EventKind::TrackException { track, exception } => Message::TrackException {
            guild,
            track: track.to_track()?,
            exception,
        },
        EventKind::TrackStuck {
            track,
            threshold_ms,
        } => Message::TrackStuck {
            guild,
            track: track.to_track()?,
            threshold_ms,
        },
        EventKind::WebSocketClosed {
            code,
            reason,
            by_remote,
        } => Message::WebSocketClosed {
            guild,
            code,
            reason: reason.into_owned(),
            by_remote,
        },
        _ => Message::UnknownEvent {
            guild: Some(guild),
            kind: String::new(),
        },
    })
}
