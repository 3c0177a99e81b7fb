//! A player as the REST API answers it: [`Player`], and on its own feet [`PlayerSnapshot`].

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::json::{DecodeError, Text, decode};
use super::{
    ChannelId, Filters, GuildId, PlayerState, RawJson, RawJsonRef, Track, WireTrack, lenient,
};

/// A player, borrowed from the body that it was decoded from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Player<'a> {
    /// Its guild.
    pub guild_id: GuildId,
    /// Its track, if any.
    #[serde(borrow, default, deserialize_with = "track_or_none")]
    pub track: Option<WireTrack<'a>>,
    /// Its volume in percent, 0 to 1000.
    #[serde(default = "full", deserialize_with = "lenient::u16_or_zero")]
    pub volume: u16,
    /// Whether it is paused.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub paused: bool,
    /// Where it is.
    pub state: PlayerState,
    /// The voice connection that it was given, if any.
    #[serde(borrow, default, deserialize_with = "voice_or_none")]
    pub voice: Option<PlayerVoice<'a>>,
    /// Its filters, those that are set.
    #[serde(borrow, default = "no_filters", deserialize_with = "raw_or_none")]
    filters: &'a str,
}

impl<'a> Player<'a> {
    /// Reads one player.
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        decode(text, "player")
    }

    /// The filters as they stand in the body.
    pub fn filters_json(&self) -> &'a str {
        self.filters
    }

    /// The filters.
    pub fn filters(&self) -> Result<Filters, DecodeError> {
        decode(self.filters_json(), "filters of a player")
    }

    /// The player with everything read and owned.
    pub fn to_snapshot(&self) -> Result<PlayerSnapshot, DecodeError> {
        Ok(PlayerSnapshot {
            guild_id: self.guild_id,
            track: self.track.as_ref().map(WireTrack::to_track).transpose()?,
            volume: self.volume,
            paused: self.paused,
            state: self.state,
            voice: self.voice.as_ref().map(PlayerVoice::to_static),
            filters: RawJson::parse(self.filters_json())?,
        })
    }
}

/// The answer to a change of a player, as far as only the server knows it; the rest is what it was
/// told, and is passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Confirmed<'a> {
    #[serde(default)]
    guild_id: Option<GuildId>,
    #[serde(borrow, default)]
    track: Option<&'a RawValue>,
    /// Where it is.
    pub(crate) state: PlayerState,
}

impl<'a> Confirmed<'a> {
    pub(crate) fn decode(text: &'a str) -> Result<Self, DecodeError> {
        decode(text, "player")
    }

    /// Whether it is not the answer about another guild.
    pub(crate) fn is_of(&self, guild: GuildId) -> bool {
        self.guild_id.is_none_or(|named| named == guild)
    }

    /// Whether it plays, or would if it were not paused. NodeLink's word for no track is `{}`.
    pub(crate) fn has_track(&self) -> bool {
        self.track
            .is_some_and(|track| track.get().len() > "{}".len())
    }

    /// What the server made of the track that it was told to play.
    pub(crate) fn track(&self) -> Option<WireTrack<'a>> {
        let mut track = serde_json::Deserializer::from_str(self.track?.get());
        track_or_none(&mut track).ok().flatten()
    }
}

/// The voice connection of a player, as far as the server tells it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlayerVoice<'a> {
    /// The token, a secret.
    pub token: Cow<'a, str>,
    /// The endpoint.
    pub endpoint: Cow<'a, str>,
    /// The voice session, a secret.
    pub session_id: Cow<'a, str>,
    /// The channel; servers before 4.2 and NodeLink do not tell it.
    pub channel_id: Option<ChannelId>,
}

impl PlayerVoice<'_> {
    fn to_static(&self) -> PlayerVoice<'static> {
        PlayerVoice {
            token: Cow::Owned(self.token.clone().into_owned()),
            endpoint: Cow::Owned(self.endpoint.clone().into_owned()),
            session_id: Cow::Owned(self.session_id.clone().into_owned()),
            channel_id: self.channel_id,
        }
    }
}

impl fmt::Debug for PlayerVoice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut voice = f.debug_struct("PlayerVoice");
        voice
            .field("token", &"***")
            .field("endpoint", &self.endpoint);
        voice
            .field("session_id", &"***")
            .field("channel_id", &self.channel_id)
            .finish()
    }
}

/// A [`Player`] that borrows nothing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PlayerSnapshot {
    /// Its guild.
    pub guild_id: GuildId,
    /// Its track, if any.
    pub track: Option<Track>,
    /// Its volume in percent, 0 to 1000.
    pub volume: u16,
    /// Whether it is paused.
    pub paused: bool,
    /// Where it is.
    pub state: PlayerState,
    /// The voice connection that it was given, if any.
    pub voice: Option<PlayerVoice<'static>>,
    /// Its filters, those that are set: an object that [`Filters`] reads.
    pub filters: RawJson,
}

fn full() -> u16 {
    100
}

const NO_FILTERS: &str = "{}";

fn no_filters() -> &'static str {
    NO_FILTERS
}

fn raw_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de str, D::Error> {
    let filters: Option<&'de RawValue> = Option::deserialize(deserializer)?;
    Ok(filters.map_or(NO_FILTERS, RawValue::get))
}

/// NodeLink may write `{}` for no track.
fn track_or_none<'de, D>(deserializer: D) -> Result<Option<WireTrack<'de>>, D::Error>
where
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Keys<'a> {
        #[serde(borrow)]
        encoded: Option<Text<'a>>,
        #[serde(borrow)]
        info: Option<RawJsonRef<'a>>,
        #[serde(borrow)]
        plugin_info: Option<RawJsonRef<'a>>,
        #[serde(borrow)]
        user_data: Option<RawJsonRef<'a>>,
    }
    let Some(keys) = Option::<Keys<'de>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let (Some(encoded), Some(info)) = (keys.encoded, keys.info) else {
        return Ok(None);
    };
    let (plugin_info, user_data) = (keys.plugin_info, keys.user_data);
    Ok(Some(WireTrack {
        encoded: encoded.0,
        info,
        plugin_info,
        user_data,
    }))
}

/// Lavalink writes empty texts for no voice connection, NodeLink `null`.
fn voice_or_none<'de, D>(deserializer: D) -> Result<Option<PlayerVoice<'de>>, D::Error>
where
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Keys<'a> {
        #[serde(borrow)]
        token: Option<Text<'a>>,
        #[serde(borrow)]
        endpoint: Option<Text<'a>>,
        #[serde(borrow)]
        session_id: Option<Text<'a>>,
        #[serde(borrow)]
        channel_id: Option<Text<'a>>,
    }
    let Some(keys) = Option::<Keys<'de>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let (Some(token), Some(endpoint), Some(session_id)) =
        (keys.token, keys.endpoint, keys.session_id)
    else {
        return Ok(None);
    };
    if token.0.is_empty() && endpoint.0.is_empty() && session_id.0.is_empty() {
        return Ok(None);
    }
    let channel_id = keys.channel_id.and_then(|id| id.0.parse().ok());
    let (token, endpoint, session_id) = (token.0, endpoint.0, session_id.0);
    Ok(Some(PlayerVoice {
        token,
        endpoint,
        session_id,
        channel_id,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::TrackInfo;

    #[test]
    fn a_player_with_everything_is_read_and_hides_its_voice() {
        let text = r#"{"guildId":"5","track":{"encoded":"QAAA","info":{},"userData":{"n":1}},
            "volume":80,"paused":true,
            "state":{"time":9,"position":8,"connected":true,"ping":7},
            "voice":{"token":"hunter2","endpoint":"e:443","sessionId":"b1ba1f1c","channelId":"6"},
            "filters":{"volume":0.5}}"#;
        let user_data = RawJson::object(r#"{"n":1}"#).unwrap();
        let voice = PlayerVoice {
            token: "hunter2".into(),
            endpoint: "e:443".into(),
            session_id: "b1ba1f1c".into(),
            channel_id: ChannelId::new(6),
        };
        let expected = PlayerSnapshot {
            guild_id: GuildId::new(5).unwrap(),
            track: Some(Track::new("QAAA", TrackInfo::default()).with_user_data(user_data)),
            volume: 80,
            paused: true,
            state: PlayerState {
                time: 9,
                position: 8,
                connected: true,
                ping: 7,
            },
            voice: Some(voice),
            filters: RawJson::object(r#"{"volume":0.5}"#).unwrap(),
        };
        let player = Player::decode(text).unwrap();
        assert_eq!(player.filters(), Ok(Filters::new().with_volume(0.5)));
        assert_eq!(player.to_snapshot(), Ok(expected));
        let log = format!("{player:?} {:?}", player.to_snapshot());
        assert!(
            !log.contains("hunter2") && !log.contains("b1ba1f1c"),
            "{log}"
        );
    }

    #[test]
    fn a_player_with_nothing_is_read_from_both_servers() {
        let lavalink = r#"{"guildId":"5","track":null,"volume":100,"paused":false,
            "state":{"time":1,"position":0,"connected":false,"ping":-1},
            "voice":{"token":"","endpoint":"","sessionId":"","channelId":null},"filters":{}}"#;
        let nodelink = r#"{"guildId":"5","track":{},"volume":100,"paused":false,"filters":{},
            "voice":{"token":null,"endpoint":null,"sessionId":null},
            "state":{"time":1,"position":0,"connected":false,"ping":-1}}"#;
        let bare = r#"{"guildId":5,"state":{"time":1,"position":0}}"#;
        let expected = PlayerSnapshot {
            guild_id: GuildId::new(5).unwrap(),
            track: None,
            volume: 100,
            paused: false,
            state: PlayerState {
                time: 1,
                position: 0,
                connected: false,
                ping: -1,
            },
            voice: None,
            filters: RawJson::object("{}").unwrap(),
        };
        for text in [lavalink, nodelink, bare] {
            assert_eq!(
                Player::decode(text).unwrap().to_snapshot(),
                Ok(expected.clone()),
                "{text}"
            );
        }
    }
}
