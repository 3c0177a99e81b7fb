//! What plays in which guild.

use std::time::Duration;

use lavapool::VoiceStateUpdate;
use lavapool::protocol::{Filters, RawJson, Timescale};
use lavapool::{ChannelId, Client, GuildId, Source, Update, UserId, VoiceServerUpdate};

/// The bot of this example.
pub(crate) fn bot() -> UserId {
    UserId::new(170_939_974_227_541_168).expect("not zero")
}

/// The regions, with a voice server of Discord's in each.
pub(crate) const REGIONS: [(&str, &str); 3] = [
    ("us", "c-iad03-1a2b3c4d.discord.media:2087"),
    ("eu", "c-ams01-5e6f7a8b.discord.media:2053"),
    ("asia", "c-nrt05-9c0d1e2f.discord.media:8443"),
];

/// One guild's music.
#[derive(Clone, Debug)]
pub(crate) struct Music {
    pub guild: GuildId,
    pub number: u32,
    pub volume: u16,
    pub paused: bool,
    pub end_time: Option<Duration>,
    pub filters: Option<Filters>,
}

impl Music {
    /// The music of the numbered guild: no two neighbours have the same settings.
    pub(crate) fn of(number: u32) -> Self {
        let id = 81_384_788_765_712_384 + u64::from(number) * 4_194_304;
        let filters = match number % 4 {
            1 => Some(Filters::new().with_volume(0.8)),
            2 => Some(Filters::new().with_timescale(Timescale {
                speed: 1.25,
                pitch: 1.0,
                rate: 1.0,
            })),
            _ => None,
        };
        Self {
            guild: GuildId::new(id).expect("not zero"),
            number,
            volume: 40 + u16::try_from(number % 12).unwrap_or(0) * 10,
            paused: number % 5 == 4,
            end_time: number.is_multiple_of(3).then(|| Duration::from_secs(150)),
            filters,
        }
    }

    /// The region that the guild's voice server is in.
    pub(crate) fn region(&self) -> (&'static str, &'static str) {
        REGIONS[self.number as usize % REGIONS.len()]
    }

    /// Hands in what Discord says when the bot joins the guild's voice channel.
    pub(crate) fn join(&self, client: &Client) {
        client.voice_state_update(VoiceStateUpdate {
            guild: self.guild,
            user: bot(),
            channel: ChannelId::new(self.guild.get() + 1),
            session_id: format!("session{}", self.number).into(),
        });
        client.voice_server_update(VoiceServerUpdate {
            guild: self.guild,
            token: format!("token{}", self.number).into(),
            endpoint: Some(self.region().1.into()),
        });
    }

    /// What the guild's player is asked to be.
    pub(crate) fn update(&self, track: Source) -> Update {
        let user_data = RawJson::object(&format!(r#"{{"requester":"guild {}"}}"#, self.number));
        let mut update = Update::play(track).volume(self.volume).paused(self.paused);
        if let Some(end_time) = self.end_time {
            update = update.end_time(end_time);
        }
        if let Some(filters) = &self.filters {
            update = update.filters(filters.clone());
        }
        match user_data {
            Ok(user_data) => update.user_data(user_data),
            Err(_) => update,
        }
    }
}
