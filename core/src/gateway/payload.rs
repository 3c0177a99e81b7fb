//! [`GatewayPayload`]: what a bot sends on its gateway to join or leave a voice channel.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::protocol::{ChannelId, GuildId, write};

/// What a bot sends on its gateway to join, change or leave a guild's voice channel: opcode 4
/// (Discord: Gateway events, Update Voice State).
///
/// It serialises to the whole payload. It counts toward the 120 payloads that Discord takes from
/// one connection in 60 s, and the gateway needs the intent `GUILD_VOICE_STATES` for the answers
/// to come.
///
/// ```
/// use lavapool_core::GatewayPayload;
/// use lavapool_core::protocol::{ChannelId, GuildId};
///
/// let guild = GuildId::new(41771983423143937).unwrap();
/// let channel = ChannelId::new(127121515262115840).unwrap();
/// assert_eq!(
///     GatewayPayload::join(guild, channel, false, true).to_json(),
///     concat!(
///         r#"{"op":4,"d":{"guild_id":"41771983423143937","channel_id":"127121515262115840","#,
///         r#""self_mute":false,"self_deaf":true}}"#,
///     ),
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatewayPayload {
    /// The guild, and with it the shard that must send this.
    pub guild: GuildId,
    /// The channel to be in; `None` to leave.
    pub channel: Option<ChannelId>,
    /// Whether the bot shows itself as muted. A muted bot cannot be heard.
    pub self_mute: bool,
    /// Whether the bot shows itself as deaf, which spares it what others say.
    pub self_deaf: bool,
}

impl GatewayPayload {
    /// Joins a channel, or moves to it.
    pub const fn join(
        guild: GuildId,
        channel: ChannelId,
        self_mute: bool,
        self_deaf: bool,
    ) -> Self {
        Self {
            guild,
            channel: Some(channel),
            self_mute,
            self_deaf,
        }
    }

    /// Leaves whatever channel the bot is in.
    pub const fn leave(guild: GuildId) -> Self {
        Self {
            guild,
            channel: None,
            self_mute: false,
            self_deaf: false,
        }
    }

    /// The payload as the text of one gateway message.
    pub fn to_json(&self) -> String {
        let mut json = Vec::new();
        write(self, &mut json);
        String::from_utf8_lossy(&json).into_owned()
    }
}

impl Serialize for GatewayPayload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut payload = serializer.serialize_struct("GatewayPayload", 2)?;
        payload.serialize_field("op", &4)?;
        payload.serialize_field("d", &Data(self))?;
        payload.end()
    }
}

struct Data<'a>(&'a GatewayPayload);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(payload) = self;
        let mut data = serializer.serialize_struct("VoiceStateUpdate", 4)?;
        data.serialize_field("guild_id", &payload.guild)?;
        data.serialize_field("channel_id", &payload.channel)?;
        data.serialize_field("self_mute", &payload.self_mute)?;
        data.serialize_field("self_deaf", &payload.self_deaf)?;
        data.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_leave_is_a_channel_that_is_null() {
        let guild = GuildId::new(5).expect("not zero");
        assert_eq!(
            GatewayPayload::leave(guild).to_json(),
            r#"{"op":4,"d":{"guild_id":"5","channel_id":null,"self_mute":false,"#.to_owned()
                + r#""self_deaf":false}}"#
        );
    }
}
