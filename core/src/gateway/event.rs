//! [`GatewayEvent`]: what Discord's gateway says that matters to players.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::command::{VoiceServerUpdate, VoiceStateUpdate};
use crate::protocol::{ChannelId, DecodeCause, DecodeError, GuildId, UserId, decode};

/// What an event of Discord's gateway is to a pool of players.
///
/// ```
/// use lavapool_core::GatewayEvent;
///
/// let raw = r#"{"t":"VOICE_SERVER_UPDATE","s":7,"op":0,
///     "d":{"token":"66d29164ee8cd919","guild_id":"41771983423143937","endpoint":null}}"#;
/// let GatewayEvent::VoiceServer(update) = GatewayEvent::parse(raw)? else { panic!("{raw}") };
/// assert_eq!(update.endpoint, None); // Discord looks for another voice server
/// assert_eq!(GatewayEvent::parse(r#"{"op":11}"#)?, GatewayEvent::Other);
/// # Ok::<(), lavapool_core::protocol::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GatewayEvent {
    /// `VOICE_STATE_UPDATE` in a guild, of whatever user.
    VoiceState(VoiceStateUpdate),
    /// `VOICE_SERVER_UPDATE` of a guild.
    VoiceServer(VoiceServerUpdate),
    /// `READY`: the connection is a new one, and voice connections of an earlier one of this
    /// shard are gone. `RESUMED` is [`Other`](Self::Other): they live on.
    Ready(Shard),
    /// Anything else, such as another event, a heartbeat's answer, or a voice state of a call
    /// outside of any guild.
    Other,
}

/// One of the connections that a bot's guilds are spread over (Discord: Gateway, Sharding).
///
/// ```
/// use lavapool_core::Shard;
/// use lavapool_core::protocol::GuildId;
///
/// let guild = GuildId::new(41771983423143937).unwrap();
/// assert!(Shard::ALONE.has(guild));
/// assert_eq!(Shard::new(2, 2), None); // shards are counted from 0
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct Shard {
    number: u32,
    count: u32,
}

impl Shard {
    /// The one shard of a bot that has no other.
    pub const ALONE: Self = Self {
        number: 0,
        count: 1,
    };

    /// Shard `number`, from 0, of `count`.
    pub const fn new(number: u32, count: u32) -> Option<Self> {
        if number < count {
            Some(Self { number, count })
        } else {
            None
        }
    }

    /// Whether events of this guild come on this shard.
    pub fn has(self, guild: GuildId) -> bool {
        // Discord: shard_id = (guild_id >> 22) % num_shards.
        (guild.get() >> 22).checked_rem(u64::from(self.count)) == Some(u64::from(self.number))
    }
}

impl GatewayEvent {
    /// Reads one message of the gateway, whole, and whatever it is: most are
    /// [`Other`](Self::Other).
    ///
    /// # Errors
    /// It is no JSON object, or an event that matters lacks what it is known to have.
    pub fn parse(raw: &str) -> Result<Self, DecodeError> {
        let frame: Frame<'_> = decode(raw, "gateway message")?;
        let data = frame.data.map_or("null", RawValue::get);
        match frame.name.as_deref() {
            Some(VOICE_STATE) => {
                let keys: StateKeys = decode(data, VOICE_STATE)?;
                Ok(keys.update().map_or(Self::Other, Self::VoiceState))
            }
            Some(VOICE_SERVER) => {
                let keys: ServerKeys = decode(data, VOICE_SERVER)?;
                Ok(Self::VoiceServer(keys.update()))
            }
            Some("READY") => {
                let keys: ReadyKeys = decode(data, "READY")?;
                let shard = keys.shard.and_then(|[number, count]| {
                    // A bot that does not shard is told of no shard.
                    Shard::new(number, count)
                });
                Ok(Self::Ready(shard.unwrap_or(Shard::ALONE)))
            }
            Some(_) | None => Ok(Self::Other),
        }
    }
}

impl VoiceStateUpdate {
    /// Reads Discord's `VOICE_STATE_UPDATE`: its `d`, or the whole message.
    ///
    /// ```
    /// use lavapool_core::VoiceStateUpdate;
    ///
    /// let update = VoiceStateUpdate::parse(
    ///     r#"{"guild_id":"1","user_id":"2","channel_id":null,"session_id":"3"}"#,
    /// )?;
    /// assert_eq!(update.channel, None); // it left
    /// # Ok::<(), lavapool_core::protocol::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// It is no JSON object, another event, or lacks one of the four; a call outside of any guild
    /// has no `guild_id`.
    pub fn parse(raw: &str) -> Result<Self, DecodeError> {
        let keys: StateKeys = decode(data_of(raw, VOICE_STATE)?, VOICE_STATE)?;
        keys.update()
            .ok_or_else(|| DecodeError::of(DecodeCause::Shape, VOICE_STATE))
    }
}

impl VoiceServerUpdate {
    /// Reads Discord's `VOICE_SERVER_UPDATE`: its `d`, or the whole message.
    ///
    /// # Errors
    /// It is no JSON object, another event, or lacks its token or guild.
    pub fn parse(raw: &str) -> Result<Self, DecodeError> {
        let keys: ServerKeys = decode(data_of(raw, VOICE_SERVER)?, VOICE_SERVER)?;
        Ok(keys.update())
    }
}

/// The `d` of a message with this name; a text that is no message of the gateway is one itself.
fn data_of<'a>(raw: &'a str, name: &'static str) -> Result<&'a str, DecodeError> {
    let frame: Frame<'a> = decode(raw, name)?;
    match (frame.name.as_deref(), frame.data) {
        (Some(other), _) if other != name => Err(DecodeError::of(DecodeCause::Shape, name)),
        (Some(_), data) => Ok(data.map_or("null", RawValue::get)),
        (None, _) => Ok(raw),
    }
}

/// What every message of the gateway has (Discord: Gateway event payload structure).
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, default, rename = "t")]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "d")]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StateKeys {
    #[serde(default)]
    guild_id: Option<GuildId>,
    user_id: UserId,
    #[serde(deserialize_with = "nullable")]
    channel_id: Option<ChannelId>,
    session_id: String,
}

impl StateKeys {
    fn update(self) -> Option<VoiceStateUpdate> {
        Some(VoiceStateUpdate {
            guild: self.guild_id?,
            user: self.user_id,
            channel: self.channel_id,
            session_id: self.session_id.into(),
        })
    }
}

#[derive(Deserialize)]
struct ServerKeys {
    guild_id: GuildId,
    token: String,
    #[serde(default)]
    endpoint: Option<Box<str>>,
}

impl ServerKeys {
    fn update(self) -> VoiceServerUpdate {
        VoiceServerUpdate {
            guild: self.guild_id,
            token: self.token.into(),
            endpoint: self.endpoint,
        }
    }
}

#[derive(Deserialize)]
struct ReadyKeys {
    #[serde(default)]
    shard: Option<[u32; 2]>,
}

/// As `Option`, but there: what a message forgot must not count as having left the channel.
fn nullable<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ChannelId>, D::Error> {
    Option::deserialize(from)
}

const VOICE_STATE: &str = "VOICE_STATE_UPDATE";
const VOICE_SERVER: &str = "VOICE_SERVER_UPDATE";

#[cfg(test)]
mod tests {
    use super::*;

    /// As Discord documents it, with what it has besides.
    const STATE: &str = r#"{"member":{"user":{"id":"2","username":"bot"},"roles":[]},
        "user_id":"2","suppress":false,"session_id":"90326bd25d71d39b","self_video":false,
        "self_mute":false,"self_deaf":true,"request_to_speak_timestamp":null,"mute":false,
        "guild_id":"41771983423143937","deaf":false,"channel_id":"157733188964188161"}"#;
    const SERVER: &str = r#"{"token":"66d29164ee8cd919","guild_id":"41771983423143937",
        "endpoint":"sweetwater-12345.discord.media:2048"}"#;

    fn frame(name: &str, data: &str) -> String {
        format!(r#"{{"t":"{name}","s":42,"op":0,"d":{data}}}"#)
    }

    fn state() -> VoiceStateUpdate {
        VoiceStateUpdate {
            guild: GuildId::new(41_771_983_423_143_937).expect("not zero"),
            user: UserId::new(2).expect("not zero"),
            channel: ChannelId::new(157_733_188_964_188_161),
            session_id: "90326bd25d71d39b".into(),
        }
    }

    fn server() -> VoiceServerUpdate {
        VoiceServerUpdate {
            guild: GuildId::new(41_771_983_423_143_937).expect("not zero"),
            token: "66d29164ee8cd919".into(),
            endpoint: Some("sweetwater-12345.discord.media:2048".into()),
        }
    }

    #[test]
    fn both_payloads_are_read_alone_and_in_their_frame() {
        let (state_frame, server_frame) = (frame(VOICE_STATE, STATE), frame(VOICE_SERVER, SERVER));
        assert_eq!(VoiceStateUpdate::parse(STATE), Ok(state()));
        assert_eq!(VoiceStateUpdate::parse(&state_frame), Ok(state()));
        assert_eq!(VoiceServerUpdate::parse(SERVER), Ok(server()));
        assert_eq!(VoiceServerUpdate::parse(&server_frame), Ok(server()));
        let events = [state_frame, server_frame].map(|raw| GatewayEvent::parse(&raw));
        let expected = [
            Ok(GatewayEvent::VoiceState(state())),
            Ok(GatewayEvent::VoiceServer(server())),
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn what_is_not_about_voice_is_of_no_interest_whatever_its_data() {
        for raw in [
            r#"{"op":11,"d":null}"#,
            r#"{"op":10,"d":{"heartbeat_interval":41250},"s":null,"t":null}"#,
            r#"{"t":"RESUMED","s":9,"op":0,"d":{}}"#,
            r#"{"t":"MESSAGE_CREATE","s":9,"op":0,"d":[1e400]}"#,
            // A call outside of any guild.
            r#"{"t":"VOICE_STATE_UPDATE","d":{"user_id":"2","channel_id":"3","session_id":"4"}}"#,
        ] {
            assert_eq!(GatewayEvent::parse(raw), Ok(GatewayEvent::Other), "{raw}");
        }
    }

    #[test]
    fn a_new_connection_names_its_shard() {
        let ready = |data| GatewayEvent::parse(&frame("READY", data));
        let second = Shard::new(1, 4).expect("1 is below 4");
        assert_eq!(ready(r#"{"shard":[1,4]}"#), Ok(GatewayEvent::Ready(second)));
        assert_eq!(ready(r#"{"v":10}"#), Ok(GatewayEvent::Ready(Shard::ALONE)));
        let guild = |number: u64| GuildId::new(number << 22).expect("not zero");
        let theirs = [1, 2, 5].map(|number| second.has(guild(number)));
        assert_eq!(theirs, [true, false, true]);
    }

    #[test]
    fn a_payload_that_lacks_something_or_is_another_is_refused_and_never_quoted() {
        let cases = [
            (
                r#"{"guild_id":"1","user_id":"2","session_id":"hunter2"}"#,
                DecodeCause::Shape,
            ),
            (
                r#"{"guild_id":"1","user_id":"2","channel_id":null}"#,
                DecodeCause::Shape,
            ),
            (
                r#"{"user_id":"2","channel_id":null,"session_id":"hunter2"}"#,
                DecodeCause::Shape,
            ),
            (r#"{"t":"VOICE_SERVER_UPDATE","d":{}}"#, DecodeCause::Shape),
            (r#"{"t":"VOICE_STATE_UPDATE"}"#, DecodeCause::Shape),
            (r#"{"guild_id":"#, DecodeCause::Truncated),
            ("hunter2", DecodeCause::Syntax),
        ];
        for (raw, cause) in cases {
            let error = VoiceStateUpdate::parse(raw).expect_err(raw);
            assert_eq!(error.cause, cause, "{raw}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let no_token = VoiceServerUpdate::parse(r#"{"guild_id":"1","endpoint":"e"}"#);
        assert_eq!(no_token.expect_err("no token").cause, DecodeCause::Shape);
    }
}
