//! [`Wish`]: what a player is to be, alike for the process that asks for it and the one that
//! judges it.

use std::time::Duration;

use lavapool::protocol::Filters;
use lavapool::{ChannelId, Client, GuildId, Secret, Source, Update};
use lavapool::{VoiceServerUpdate, VoiceStateUpdate};
use lavapool_tests::node::{PlayerView, VoiceState};

/// How many players there are: those of the guilds from 1 on.
pub(crate) const PLAYERS: u64 = 5_000;

/// What the player of this guild is to be: alike for no two neighbours.
#[derive(Clone, Copy)]
pub(crate) struct Wish(pub(crate) u64);

impl Wish {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (1..=PLAYERS).map(Self)
    }

    pub(crate) fn guild(self) -> GuildId {
        GuildId::new(self.0).unwrap()
    }

    /// Asks for all of it at once.
    pub(crate) fn update(self) -> Update {
        let track = Source::identifier(self.identifier());
        let update = Update::play(track).position(Duration::from_secs(self.0));
        let update = update.paused(self.is_paused()).volume(self.volume());
        match self.gain() {
            Some(gain) => update.filters(Filters::new().with_volume(gain)),
            None => update,
        }
    }

    /// Lets the bot join a channel of the guild.
    pub(crate) fn join(self, client: &Client) {
        let voice = self.voice();
        client.voice_state_update(VoiceStateUpdate {
            guild: self.guild(),
            user: client.user_id(),
            channel: ChannelId::new(self.0),
            session_id: Secret::from(&*voice.session_id),
        });
        client.voice_server_update(VoiceServerUpdate {
            guild: self.guild(),
            token: Secret::from(&*voice.token),
            endpoint: Some(voice.endpoint.into()),
        });
    }

    pub(crate) fn is_paused(self) -> bool {
        self.0.is_multiple_of(5)
    }

    /// Whether this player is all of that; its position is judged elsewhere.
    pub(crate) fn is_met(self, player: &PlayerView) -> bool {
        let identifier = player.track.as_ref().map(|track| &track.identifier);
        let gain = player.filters.get("volume");
        identifier == Some(&self.identifier())
            && player.paused == self.is_paused()
            && player.audible != self.is_paused()
            && player.volume == i32::from(self.volume())
            && gain.map(serde_json::Value::as_f64) == self.gain().map(|gain| Some(gain.into()))
            && player.connected
            && player.voice == Some(self.voice())
    }

    fn identifier(self) -> String {
        format!("https://tracks.test/{}?length=864000000", self.0)
    }

    fn volume(self) -> u16 {
        10 + (self.0 % 90) as u16
    }

    fn gain(self) -> Option<f32> {
        let eighths = (self.0 % 7) as u8;
        (eighths > 0).then(|| f32::from(eighths) / 8.0)
    }

    fn voice(self) -> VoiceState {
        VoiceState {
            token: format!("token of {}", self.0),
            endpoint: "frankfurt1234.discord.media:443".to_owned(),
            session_id: format!("session of {}", self.0),
            channel_id: self.0.to_string(),
        }
    }
}
