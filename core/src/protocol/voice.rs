//! What a server needs to speak in a voice channel: [`VoiceState`].

use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ChannelId;
use crate::Secret;

/// Both halves of Discord's voice handshake, complete.
///
/// The server connects anew whenever one of the four differs from what it has. All are required
/// since Lavalink 4.2; earlier servers and NodeLink ignore the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoiceState {
    /// The token of Discord's VOICE_SERVER_UPDATE.
    pub token: Secret,
    /// The endpoint of Discord's VOICE_SERVER_UPDATE, as it came: with its port, without a scheme.
    /// A pool keeps it once for all players that have the same.
    pub endpoint: Arc<str>,
    /// The session id of Discord's VOICE_STATE_UPDATE.
    pub session_id: Secret,
    /// The channel of Discord's VOICE_STATE_UPDATE.
    pub channel_id: ChannelId,
}

impl Serialize for VoiceState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut state = serializer.serialize_struct("VoiceState", 4)?;
        state.serialize_field("token", self.token.expose())?;
        state.serialize_field("endpoint", &self.endpoint)?;
        state.serialize_field("sessionId", self.session_id.expose())?;
        state.serialize_field("channelId", &self.channel_id)?;
        state.end()
    }
}

impl<'de> Deserialize<'de> for VoiceState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Keys {
            token: String,
            endpoint: Box<str>,
            session_id: String,
            channel_id: ChannelId,
        }
        let keys = Keys::deserialize(deserializer)?;
        Ok(Self {
            token: keys.token.into(),
            endpoint: keys.endpoint.into(),
            session_id: keys.session_id.into(),
            channel_id: keys.channel_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_sees_what_no_log_does() {
        let state = VoiceState {
            token: Secret::from("hunter2"),
            endpoint: "c-fra05-7bd4a2e1.discord.media:2087".into(),
            session_id: Secret::from("b1ba1f1c"),
            channel_id: ChannelId::new(81_384_788_765_712_384).unwrap(),
        };
        let json = r#"{"token":"hunter2","endpoint":"c-fra05-7bd4a2e1.discord.media:2087","#
            .to_owned()
            + r#""sessionId":"b1ba1f1c","channelId":"81384788765712384"}"#;
        assert_eq!(serde_json::to_string(&state).unwrap(), json);
        assert_eq!(serde_json::from_str::<VoiceState>(&json).unwrap(), state);
        let log = format!("{state:?}");
        assert!(
            !log.contains("hunter2") && !log.contains("b1ba1f1c"),
            "{log}"
        );
    }
}
