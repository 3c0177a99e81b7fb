//! What a server says on its WebSocket: [`Message`].

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::event::{Event, UnknownEvent};
use super::json::{DecodeCause, DecodeError, Text, decode};
use super::plugins::PluginMessage;
use super::stats::Stats;
use super::{GuildId, lenient, plain};

/// One text message of a server (Lavalink: WebSocket API).
///
/// It borrows from the text that it was decoded from.
///
/// ```
/// use lavapool_core::protocol::Message;
///
/// let text = r#"{"op":"ready","resumed":false,"sessionId":"la3kfsdf5eafe848"}"#;
/// let Message::Ready(ready) = Message::decode(text)? else { panic!("not ready") };
/// assert_eq!(ready.session_id, "la3kfsdf5eafe848");
/// # Ok::<(), lavapool_core::protocol::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// The session stands. Stats may come before it.
    Ready(Ready<'a>),
    /// The load of the node, each minute.
    Stats(Stats),
    /// Where a player is, each 5 s while it has a track, and after changes.
    PlayerUpdate(PlayerUpdate),
    /// Something happened to a track or a voice connection.
    Event(Event<'a>),
    /// A well-known plugin says something of a player.
    Plugin(PluginMessage),
    /// An event of a type that the core does not know, such as another plugin's.
    UnknownEvent(UnknownEvent<'a>),
    /// A message with an `op` that the core does not know, such as a plugin's.
    Unknown(UnknownMessage<'a>),
}

impl<'a> Message<'a> {
    /// Reads one message.
    ///
    /// `playerUpdate` and `stats` allocate nothing.
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        match plain::message(text) {
            Some(message) => Ok(message),
            None => Self::by_serde(text),
        }
    }

    /// Reads one message in any spelling.
    pub(super) fn by_serde(text: &'a str) -> Result<Self, DecodeError> {
        let head = Head::read(text)?;
        match &*head.op {
            "ready" => decode(text, "ready message").map(Self::Ready),
            "stats" => decode(text, "stats message").map(Self::Stats),
            "playerUpdate" => decode(text, "playerUpdate message").map(Self::PlayerUpdate),
            "event" => Self::decode_event(text, head.kind),
            _ => {
                let raw: &RawValue = decode(text, "message")?;
                Ok(Self::Unknown(UnknownMessage {
                    op: head.op,
                    raw: raw.get(),
                }))
            }
        }
    }

    fn decode_event(text: &'a str, kind: Option<Cow<'a, str>>) -> Result<Self, DecodeError> {
        let Some(kind) = kind else {
            return Err(DecodeError::of(
                DecodeCause::Shape,
                "type of an event message",
            ));
        };
        if let Some(event) = Event::decode(text, &kind)? {
            return Ok(Self::Event(event));
        }
        match PluginMessage::decode(text, &kind) {
            Some(message) => Ok(Self::Plugin(message)),
            None => UnknownEvent::decode(text, kind).map(Self::UnknownEvent),
        }
    }
}

/// The first message of a session.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Ready<'a> {
    /// Whether this is the session that was asked for, with its players. The header
    /// `Session-Resumed` may say otherwise; this is right.
    #[serde(default)]
    pub resumed: bool,
    /// The session's id, a secret: who knows it and the password commands its players.
    #[serde(borrow)]
    pub session_id: Cow<'a, str>,
}

impl fmt::Debug for Ready<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ready = f.debug_struct("Ready");
        ready
            .field("resumed", &self.resumed)
            .field("session_id", &"***")
            .finish()
    }
}

/// Where a player is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlayerUpdate {
    /// The player's guild; it may be one whose player was just destroyed.
    pub guild_id: GuildId,
    /// The player's state.
    pub state: PlayerState,
}

/// The part of a player that changes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerState {
    /// The server's clock when this was made, in milliseconds since 1970.
    #[serde(default, deserialize_with = "lenient::i64_or_zero")]
    pub time: i64,
    /// The position in the track in milliseconds of output; 0 without a track.
    #[serde(deserialize_with = "lenient::i64_required")]
    pub position: i64,
    /// Whether the voice WebSocket is open.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub connected: bool,
    /// The round trip to the voice gateway in milliseconds; -1 or 0 if not measured, and the last
    /// value stays after a loss.
    #[serde(default = "no_ping", deserialize_with = "lenient::i64_or_minus_one")]
    pub ping: i64,
}

fn no_ping() -> i64 {
    -1
}

/// A message that the core hands out as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownMessage<'a> {
    /// Its `op`.
    pub op: Cow<'a, str>,
    /// The whole message, valid JSON.
    pub raw: &'a str,
}

/// What decides how a message is read.
struct Head<'a> {
    op: Cow<'a, str>,
    kind: Option<Cow<'a, str>>,
}

impl<'a> Head<'a> {
    fn read(text: &'a str) -> Result<Self, DecodeError> {
        match Self::leading(text) {
            Some(head) => Ok(head),
            None => Self::anywhere(text),
        }
    }

    /// The head of a message that Lavalink and NodeLink write: `op` first, then `type` in an
    /// event, neither escaped. None means that a closer look is needed.
    fn leading(text: &'a str) -> Option<Self> {
        let (op, rest) = plain_text(text.strip_prefix(r#"{"op":""#)?)?;
        if op != "event" {
            return Some(Self {
                op: Cow::Borrowed(op),
                kind: None,
            });
        }
        let (kind, _) = plain_text(rest.strip_prefix(r#","type":""#)?)?;
        Some(Self {
            op: Cow::Borrowed(op),
            kind: Some(Cow::Borrowed(kind)),
        })
    }

    fn anywhere(text: &'a str) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Keys<'a> {
            #[serde(borrow)]
            op: Cow<'a, str>,
            #[serde(borrow, default, rename = "type")]
            kind: Option<Text<'a>>,
        }
        let keys: Keys<'a> = decode(text, "op of a message")?;
        Ok(Self {
            op: keys.op,
            kind: keys.kind.map(|kind| kind.0),
        })
    }
}

/// The text up to the closing quote and what follows it, unless there is an escape.
fn plain_text(text: &str) -> Option<(&str, &str)> {
    let (plain, rest) = text.split_once('"')?;
    (!plain.contains('\\')).then_some((plain, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{DecodeCause, RawJson};

    const UPDATE: &str = r#"{"op":"playerUpdate","state":{"time":1795224390499,"position":5000,
        "connected":true,"ping":3},"guildId":"817327181659111454"}"#;

    fn update() -> PlayerUpdate {
        PlayerUpdate {
            guild_id: GuildId::new(817_327_181_659_111_454).unwrap(),
            state: PlayerState {
                time: 1_795_224_390_499,
                position: 5000,
                connected: true,
                ping: 3,
            },
        }
    }

    #[test]
    fn a_player_update_is_read() {
        assert_eq!(Message::decode(UPDATE), Ok(Message::PlayerUpdate(update())));
    }

    #[test]
    fn the_op_may_stand_anywhere_in_any_spelling() {
        let state =
            r#""state":{"time":1795224390499,"position":5000.0,"connected":true,"ping":"3"}"#;
        let guild = r#""guildId":817327181659111454"#;
        let texts = [
            format!(r#"{{{state},{guild},"op":"playerUpdate"}}"#),
            format!(r#"{{{guild},"op" : "playerUpdate",{state}}}"#),
            format!("\t{{ \"op\":\n\"playerUpdate\",{state},{guild}}} "),
            format!(r#"{{"op":"player\u0055pdate",{state},{guild}}}"#),
            format!(r#"{{"\u006fp":"playerUpdate",{state},{guild},"extra":[{{"op":1}}]}}"#),
        ];
        for text in texts {
            assert_eq!(
                Message::decode(&text),
                Ok(Message::PlayerUpdate(update())),
                "{text}"
            );
        }
    }

    #[test]
    fn ready_is_read_and_hides_its_id() {
        let text = r#"{"op":"ready","resumed":true,"sessionId":"la3kfsdf5eafe848"}"#;
        let expected = Ready {
            resumed: true,
            session_id: "la3kfsdf5eafe848".into(),
        };
        let message = Message::decode(text).unwrap();
        assert_eq!(message, Message::Ready(expected));
        assert_eq!(
            format!("{message:?}"),
            r#"Ready(Ready { resumed: true, session_id: "***" })"#
        );
    }

    #[test]
    fn an_unknown_op_keeps_the_whole_message() {
        for text in [
            r#"{"op":"fake\u0041","x":[1]}"#,
            r#"{"x":[1],"op":"fakeA"}"#,
        ] {
            let expected = UnknownMessage {
                op: "fakeA".into(),
                raw: text,
            };
            assert_eq!(Message::decode(text), Ok(Message::Unknown(expected)));
            assert!(RawJson::object(text).is_ok());
        }
    }

    #[test]
    fn what_is_no_message_says_why() {
        let cases = [
            ("", DecodeCause::Truncated, "op of a message"),
            ("hello", DecodeCause::Syntax, "op of a message"),
            ("[]", DecodeCause::Shape, "op of a message"),
            ("{}", DecodeCause::Shape, "op of a message"),
            (r#"{"op":5}"#, DecodeCause::Shape, "op of a message"),
            (r#"{"op":"fake","#, DecodeCause::Truncated, "message"),
            (r#"{"op":"fake"}}"#, DecodeCause::Syntax, "message"),
            (r#"{"op":"stats""#, DecodeCause::Truncated, "stats message"),
            (
                r#"{"op":"ready","resumed":false}"#,
                DecodeCause::Shape,
                "ready message",
            ),
            (
                r#"{"op":"playerUpdate","guildId":"1"}"#,
                DecodeCause::Shape,
                "playerUpdate message",
            ),
            (
                r#"{"op":"event","guildId":"1"}"#,
                DecodeCause::Shape,
                "type of an event message",
            ),
            (
                r#"{"op":"event","type":"TrackEndEvent"}"#,
                DecodeCause::Shape,
                "TrackEndEvent",
            ),
        ];
        for (text, cause, what) in cases {
            let error = Message::decode(text).unwrap_err();
            assert_eq!((error.cause, error.what), (cause, what), "{text}");
        }
    }

    #[test]
    fn a_message_cut_anywhere_is_an_error() {
        for end in 0..UPDATE.len() {
            assert!(Message::decode(&UPDATE[..end]).is_err(), "{end}");
        }
    }
}
