//! What happens to tracks and voice connections: [`Event`].

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{DecodeError, decode};
use super::open_enum::open_enum;
use super::{Exception, GuildId, WireTrack, lenient};

/// Something that happened in a guild.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The guild.
    pub guild_id: GuildId,
    /// What happened.
    pub kind: EventKind<'a>,
}

/// What happened. The track is as it was then: its blob and `info.position` hold the position.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// A track starts; the server says so before any sound, also when paused.
    TrackStart {
        /// The track.
        track: WireTrack<'a>,
    },
    /// A track is over. After a failure with no voice connection, or while paused, this may never
    /// come.
    TrackEnd {
        /// The track.
        track: WireTrack<'a>,
        /// Why.
        reason: TrackEndReason,
    },
    /// A track fails; its end follows or went before.
    TrackException {
        /// The track.
        track: WireTrack<'a>,
        /// How it failed.
        exception: Exception,
    },
    /// A track gives no sound for too long.
    TrackStuck {
        /// The track.
        track: WireTrack<'a>,
        /// What the server calls too long, in milliseconds.
        threshold_ms: i64,
    },
    /// The voice connection to Discord is closed, and the server will not reopen it.
    WebSocketClosed {
        /// The close code, 1000 to 1015 or one of Discord's 4000s, or whatever the server says.
        code: i32,
        /// Discord's reason, or empty.
        reason: Cow<'a, str>,
        /// Whether Discord closed it.
        by_remote: bool,
    },
}

impl<'a> Event<'a> {
    /// Reads an event of this type; none if the type is not known.
    pub(super) fn decode(text: &'a str, kind: &str) -> Result<Option<Self>, DecodeError> {
        let event = match kind {
            "TrackStartEvent" => {
                let event: TrackStart<'a> = decode(text, "TrackStartEvent")?;
                Self {
                    guild_id: event.guild_id,
                    kind: EventKind::TrackStart { track: event.track },
                }
            }
            "TrackEndEvent" => {
                let TrackEnd {
                    guild_id,
                    track,
                    reason,
                } = decode(text, "TrackEndEvent")?;
                Self {
                    guild_id,
                    kind: EventKind::TrackEnd { track, reason },
                }
            }
            "TrackExceptionEvent" => {
                let event: TrackException<'a> = decode(text, "TrackExceptionEvent")?;
                let TrackException {
                    guild_id,
                    track,
                    exception,
                } = event;
                Self {
                    guild_id,
                    kind: EventKind::TrackException { track, exception },
                }
            }
            "TrackStuckEvent" => {
                let TrackStuck {
                    guild_id,
                    track,
                    threshold_ms,
                } = decode(text, "TrackStuckEvent")?;
                Self {
                    guild_id,
                    kind: EventKind::TrackStuck {
                        track,
                        threshold_ms,
                    },
                }
            }
            "WebSocketClosedEvent" => {
                let event: WebSocketClosed<'a> = decode(text, "WebSocketClosedEvent")?;
                let WebSocketClosed {
                    guild_id,
                    code,
                    reason,
                    by_remote,
                } = event;
                Self {
                    guild_id,
                    kind: EventKind::WebSocketClosed {
                        code,
                        reason,
                        by_remote,
                    },
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(event))
    }
}

open_enum! {
    /// Why a track is over.
    pub enum TrackEndReason {
        /// It came to its end, or to the end time that was asked for.
        Finished = "finished",
        /// It failed before any sound.
        LoadFailed = "loadFailed",
        /// It was stopped, or its player destroyed.
        Stopped = "stopped",
        /// Another track took its place; this comes before that track's start.
        Replaced = "replaced",
        /// Nobody took its sound for a minute, as when there is no voice connection.
        Cleanup = "cleanup",
    }
}

impl TrackEndReason {
    /// Whether the next track of a queue should follow.
    pub fn may_start_next(&self) -> bool {
        match self {
            Self::Finished | Self::LoadFailed => true,
            Self::Stopped | Self::Replaced | Self::Cleanup | Self::Unknown(_) => false,
        }
    }
}

/// An event that the core hands out as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownEvent<'a> {
    /// Its guild, if it names one.
    pub guild_id: Option<GuildId>,
    /// Its `type`.
    pub kind: Cow<'a, str>,
    /// The whole message, valid JSON.
    pub raw: &'a str,
}

impl<'a> UnknownEvent<'a> {
    pub(super) fn decode(text: &'a str, kind: Cow<'a, str>) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Keys<'a> {
            #[serde(borrow, default, rename = "guildId")]
            guild_id: Option<&'a RawValue>,
        }
        let keys: Keys<'a> = decode(text, "event message")?;
        let guild_id = keys
            .guild_id
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        let raw: &RawValue = decode(text, "event message")?;
        Ok(Self {
            guild_id,
            kind,
            raw: raw.get(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TrackStart<'a> {
    guild_id: GuildId,
    #[serde(borrow)]
    track: WireTrack<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TrackEnd<'a> {
    guild_id: GuildId,
    #[serde(borrow)]
    track: WireTrack<'a>,
    reason: TrackEndReason,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TrackException<'a> {
    guild_id: GuildId,
    #[serde(borrow)]
    track: WireTrack<'a>,
    exception: Exception,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TrackStuck<'a> {
    guild_id: GuildId,
    #[serde(borrow)]
    track: WireTrack<'a>,
    #[serde(default, deserialize_with = "lenient::i64_or_zero")]
    threshold_ms: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebSocketClosed<'a> {
    guild_id: GuildId,
    #[serde(default, deserialize_with = "lenient::i32_or_zero")]
    code: i32,
    #[serde(borrow, default, deserialize_with = "text_or_empty")]
    reason: Cow<'a, str>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    by_remote: bool,
}

fn text_or_empty<'de, D>(deserializer: D) -> Result<Cow<'de, str>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let text: Option<super::json::Text<'de>> = Option::deserialize(deserializer)?;
    Ok(text.map_or_else(Cow::default, |text| text.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Message, Severity};

    const TRACK: &str =
        r#"{"encoded":"QAAA","info":{"title":"\u00e9"},"pluginInfo":{"a":1},"userData":{}}"#;

    fn decode_event(tail: &str) -> Event<'static> {
        let text = format!(r#"{{"op":"event","guildId":"2",{tail}}}"#).leak();
        match Message::decode(text) {
            Ok(Message::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    fn track() -> WireTrack<'static> {
        serde_json::from_str(TRACK).unwrap()
    }

    fn event(kind: EventKind<'static>) -> Event<'static> {
        Event {
            guild_id: GuildId::new(2).unwrap(),
            kind,
        }
    }

    #[test]
    fn the_events_of_a_track_are_read() {
        let start = decode_event(&format!(r#""track":{TRACK},"type":"TrackStartEvent""#));
        assert_eq!(start, event(EventKind::TrackStart { track: track() }));

        let tail = format!(r#""type":"TrackEndEvent","track":{TRACK},"reason":"replaced""#);
        let reason = TrackEndReason::Replaced;
        assert_eq!(
            decode_event(&tail),
            event(EventKind::TrackEnd {
                track: track(),
                reason
            })
        );

        let tail = format!(r#""type":"TrackStuckEvent","track":{TRACK},"thresholdMs":10000"#);
        let stuck = EventKind::TrackStuck {
            track: track(),
            threshold_ms: 10_000,
        };
        assert_eq!(decode_event(&tail), event(stuck));
    }

    #[test]
    fn an_exception_may_lack_all_but_its_braces() {
        let tail = format!(
            r#""type":"TrackExceptionEvent","track":{TRACK},"exception":{{"message":"gone",
            "severity":"common","cause":"java.io.IOException","causeStackTrace":"at x"}}"#
        );
        let exception = Exception {
            message: Some("gone".into()),
            severity: Severity::Common,
            cause: Some("java.io.IOException".into()),
            cause_stack_trace: Some("at x".into()),
        };
        let expected = EventKind::TrackException {
            track: track(),
            exception,
        };
        assert_eq!(decode_event(&tail), event(expected));

        let tail = format!(r#""type":"TrackExceptionEvent","track":{TRACK},"exception":{{}}"#);
        let exception = Exception {
            message: None,
            severity: Severity::Unknown("".into()),
            cause: None,
            cause_stack_trace: None,
        };
        let expected = EventKind::TrackException {
            track: track(),
            exception,
        };
        assert_eq!(decode_event(&tail), event(expected));
    }

    #[test]
    fn a_voice_close_takes_any_code() {
        let tail = r#""type":"WebSocketClosedEvent","code":4006,
            "reason":"Session is no longer valid.","byRemote":true"#;
        let reason = "Session is no longer valid.".into();
        let expected = EventKind::WebSocketClosed {
            code: 4006,
            reason,
            by_remote: true,
        };
        assert_eq!(decode_event(tail), event(expected));

        let tail = r#""type":"WebSocketClosedEvent","code":-99999999999,"reason":null"#;
        let reason = Cow::Borrowed("");
        let expected = EventKind::WebSocketClosed {
            code: i32::MIN,
            reason,
            by_remote: false,
        };
        assert_eq!(decode_event(tail), event(expected));
    }

    #[test]
    fn an_event_of_a_plugin_keeps_the_whole_message() {
        let two = GuildId::new(2);
        let cases = [
            (
                r#"{"op":"event","type":"FakePluginEvent","guildId":"2","segments":[]}"#,
                two,
            ),
            (
                r#"{"op":"event","guildId":2,"segments":[],"type":"FakePluginEvent"}"#,
                two,
            ),
            (
                r#"{"op":"event","type":"FakePluginEvent","segments":[]}"#,
                None,
            ),
            (
                r#"{"op":"event","type":"FakePluginEvent","guildId":null}"#,
                None,
            ),
            (
                r#"{"op":"event","type":"FakePluginEvent","guildId":{"a":[]}}"#,
                None,
            ),
        ];
        for (raw, guild_id) in cases {
            let expected = UnknownEvent {
                guild_id,
                kind: "FakePluginEvent".into(),
                raw,
            };
            assert_eq!(Message::decode(raw), Ok(Message::UnknownEvent(expected)));
        }
    }

    #[test]
    fn what_needs_no_unescaping_is_borrowed() {
        let event = decode_event(&format!(r#""type":"TrackStartEvent","track":{TRACK}"#));
        let EventKind::TrackStart { track } = event.kind else {
            panic!("not a start")
        };
        assert!(matches!(track.encoded, Cow::Borrowed("QAAA")));
    }
}
