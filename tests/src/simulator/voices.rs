//! [`Voices`]: where Discord said that the bot is to be heard, and by which voice server.

use std::collections::BTreeMap;
use std::time::Duration;

use lavapool_core::protocol::{ChannelId, GuildId};
use lavapool_core::{Command, Secret, Shard};

use super::fault::index;
use super::{Order, Simulation};
use crate::node::VoiceState;
use crate::world::{CHANNELS, guild};

/// What Discord has said of voice.
#[derive(Debug, Default)]
pub(super) struct Voices {
    /// What the present client was told last, by guild.
    told: BTreeMap<GuildId, Said>,
    /// All that any client was told.
    given: BTreeMap<GuildId, Vec<Said>>,
    /// The channel that the bot was in last.
    channels: BTreeMap<GuildId, ChannelId>,
}

/// Both halves of a voice connection.
#[derive(Clone, Debug, Default, PartialEq)]
struct Said {
    /// The channel, and the session of the bot there.
    state: Option<(ChannelId, Secret)>,
    /// The token, and the endpoint.
    server: Option<(Secret, Box<str>)>,
    /// Whether that server is gone, and another is to come: till then no node can be told anything.
    is_server_gone: bool,
}

impl Voices {
    /// The client was told something, and has a player that it is about. Returns whether the bot
    /// is in a channel because of that.
    pub(super) fn hear(&mut self, command: &Command) -> Option<GuildId> {
        let (guild, said) = match command {
            Command::VoiceState(update) => {
                let said = self.told.entry(update.guild).or_default();
                let Some(channel) = update.channel else {
                    *said = Said::default();
                    return None;
                };
                self.channels.insert(update.guild, channel);
                said.state = Some((channel, update.session_id.clone()));
                (update.guild, said)
            }
            Command::VoiceServer(update) => {
                let said = self.told.entry(update.guild).or_default();
                said.is_server_gone = update.endpoint.is_none();
                if let Some(endpoint) = &update.endpoint {
                    said.server = Some((update.token.clone(), endpoint.clone()));
                }
                (update.guild, said)
            }
            _ => return None,
        };
        self.given.entry(guild).or_default().push(said.clone());
        Some(guild)
    }

    /// Whether the present client was told all that a node needs.
    pub(super) fn is_told(&self, guild: GuildId) -> bool {
        let told = self.told.get(&guild);
        told.is_some_and(|told| {
            told.state.is_some() && told.server.is_some() && !told.is_server_gone
        })
    }

    /// The guild's player is gone, and what was told of it: the next one is to be told anew.
    pub(super) fn forget(&mut self, guild: GuildId) {
        self.told.remove(&guild);
    }

    /// Another client knows what it is told, and what players have that it finds.
    pub(super) fn new_client(&mut self) {
        self.told.clear();
    }

    /// What of a player's voice connection is not what was said last, if that was said to the
    /// present client, or not what was ever said.
    pub(super) fn differs(&self, guild: GuildId, found: &VoiceState) -> Option<&'static str> {
        let told = self.told.get(&guild).cloned().unwrap_or_default();
        let given = self.given.get(&guild).into_iter().flatten();
        let states = match told.state.filter(|_| !told.is_server_gone) {
            Some(state) => vec![state],
            None => given
                .clone()
                .filter_map(|said| said.state.clone())
                .collect(),
        };
        let servers = match told.server {
            Some(server) => vec![server],
            None => given.filter_map(|said| said.server.clone()).collect(),
        };
        let is_state = |(channel, session): &(ChannelId, Secret)| {
            channel.to_string() == found.channel_id && session.expose() == found.session_id
        };
        let is_server = |(token, endpoint): &(Secret, Box<str>)| {
            token.expose() == found.token && **endpoint == *found.endpoint
        };
        if !servers.iter().any(is_server) {
            return Some("voice server");
        }
        (!states.iter().any(is_state)).then_some("channel or session")
    }
}

impl Simulation {
    /// The client was told something. Whoever joins has a player, if there is room.
    pub(super) fn note_voice(&mut self, command: &Command) {
        let guild = match command {
            Command::VoiceState(update) => update.guild,
            Command::VoiceServer(update) => update.guild,
            _ => return,
        };
        self.gaps.asked(guild, self.world.now());
        if matches!(command, Command::VoiceState(update) if update.channel.is_none()) {
            // Discord ends its voice connections, also if it was the pool that made it leave: a
            // server that is not told of another plays to nobody.
            self.end_voice(guild, LEFT);
        }
        if self.has_room_for(guild) && self.voices.hear(command).is_some() {
            self.wanted(guild);
        }
    }

    /// Joins the channel that the bot was in last on a voice server of some region.
    pub(super) fn join(&mut self, guild: GuildId, number: u64) {
        if self.world.is_suspended() || self.application.is_closing() {
            return;
        }
        let channel = self.voices.channels.get(&guild).copied();
        let channel = channel.or_else(|| ChannelId::new(guild.get() + CHANNELS));
        self.world.voice_state(guild, channel);
        self.world.voice_server(guild, Some(region(number)));
    }

    /// Moves the bot to another channel, with or without another voice server.
    pub(super) fn move_channel(&mut self, order: Order) {
        let guild = guild(order.guild);
        if !self.voices.channels.contains_key(&guild) {
            return;
        }
        let channel = ChannelId::new(guild.get() + CHANNELS * (1 + order.number % 3));
        self.world.voice_state(guild, channel);
        if order.number.is_multiple_of(2) {
            self.world.voice_server(guild, Some(region(order.number)));
        }
    }

    /// Lets the bot leave its channel, and join again a while later.
    pub(super) fn leave_channel(&mut self, order: Order) {
        let guild = guild(order.guild);
        if !self.voices.channels.contains_key(&guild) {
            return;
        }
        self.world.voice_state(guild, None);
        let pause = Duration::from_millis(order.number % 8_000);
        self.rejoins.push((self.world.now() + pause, guild));
    }

    /// The bot's connection to the gateway is another one: its voice sessions are over.
    pub(super) fn begin_gateway(&mut self) {
        let guilds: Vec<_> = self.voices.channels.keys().copied().collect();
        let told_by = self.world.now() + JOINED_WITHIN;
        for guild in &guilds {
            self.end_voice(*guild, SESSION_INVALID);
            self.gaps.asked(*guild, told_by);
        }
        let ready = Command::GatewayReady(Shard::ALONE);
        if self.submit_about(ready, Default::default()).is_none() {
            let at = self.world.now() + Duration::from_secs(1);
            self.rejoins
                .extend(guilds.into_iter().map(|guild| (at, guild)));
        }
    }

    /// Discord ends a voice session, and the voice connections that were made by it.
    pub(super) fn end_voice(&mut self, guild: GuildId, code: u16) {
        self.world.renew_voice_session(guild);
        let (now, number) = (self.world.now(), i64::try_from(guild.get()));
        let number = number.expect("there are few guilds");
        for host in 0..self.names.len() {
            let node = self.world.node(&self.names[host]);
            node.close_voice(number, code, "", now);
        }
    }
}

/// The region of a voice server.
fn region(number: u64) -> &'static str {
    let regions = ["us-east", "frankfurt", "sydney", "brazil"];
    regions[index(number, regions.len())]
}

/// The close code of a bot that is in the channel no more.
const LEFT: u16 = 4014;
/// The close code of one whose voice session is over.
const SESSION_INVALID: u16 = 4006;
/// How long it may take until the bot is told of new voice sessions in all guilds.
const JOINED_WITHIN: Duration = Duration::from_secs(10);
