//! [`Music`]: what plays in which guild.

use std::time::Duration;

use lavapool_core::player::{Source, Update};
use lavapool_core::protocol::{ChannelId, Filters, GuildId, RawJson, Timescale, UserId};
use lavapool_core::{Command, VoiceServerUpdate, VoiceStateUpdate};

/// The bot of the examples.
///
/// # Panics
/// Never.
pub fn bot() -> UserId {
    UserId::new(170_939_974_227_541_168).expect("not zero")
}

/// The regions, with a voice server of Discord's in each.
pub const REGIONS: [(&str, &str); 3] = [
    ("us", "c-iad03-1a2b3c4d.discord.media:2087"),
    ("eu", "c-ams01-5e6f7a8b.discord.media:2053"),
    ("asia", "c-nrt05-9c0d1e2f.discord.media:8443"),
];

/// One guild's music.
#[derive(Clone, Debug)]
pub struct Music {
    /// The guild.
    pub guild: GuildId,
    /// Its number, from 0.
    pub number: u32,
    /// The volume in percent, 40 to 150.
    pub volume: u16,
    /// Whether it is paused.
    pub paused: bool,
    /// Where the track is to be ended.
    pub end_time: Option<Duration>,
    /// The filters, if any are set.
    pub filters: Option<Filters>,
}

impl Music {
    /// The music of the numbered guild: no two neighbours have the same settings.
    ///
    /// # Panics
    /// Never.
    pub fn of(number: u32) -> Self {
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

    /// Where test nodes find the guild's track: three minutes of sound.
    pub fn identifier(&self) -> String {
        format!("https://tracks.test/{}?length=180000", self.number)
    }

    /// The region that the guild's voice server is in, and that server.
    pub fn region(&self) -> (&'static str, &'static str) {
        REGIONS[self.number as usize % REGIONS.len()]
    }

    /// What Discord says when the bot joins the guild's voice channel.
    pub fn voice(&self) -> (VoiceStateUpdate, VoiceServerUpdate) {
        let state = VoiceStateUpdate {
            guild: self.guild,
            user: bot(),
            channel: ChannelId::new(self.guild.get() + 1),
            session_id: format!("session{}", self.number).into(),
        };
        let server = VoiceServerUpdate {
            guild: self.guild,
            token: format!("token{}", self.number).into(),
            endpoint: Some(self.region().1.into()),
        };
        (state, server)
    }

    /// What the guild's player is asked to be.
    pub fn update(&self, track: Source) -> Update {
        let user_data = RawJson::object(&format!(r#"{{"requester":"{}"}}"#, self.requester()));
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

    /// The commands that make a pool play it: both halves of the voice connection, and what its
    /// player is to be.
    pub fn commands(&self) -> [Command; 3] {
        let (state, server) = self.voice();
        let play = Command::Update {
            guild: self.guild,
            node: None,
            update: self.update(Source::identifier(self.identifier())),
        };
        [
            Command::VoiceState(state),
            Command::VoiceServer(server),
            play,
        ]
    }

    /// Who asked for the track, which goes with it as user data.
    pub fn requester(&self) -> String {
        format!("guild {}", self.number)
    }
}
