//! [`Gateway`]: what the pool wants Discord's gateway to be sent, no faster than that takes it.

use std::collections::VecDeque;

use super::tables::Tables;
use super::timers::{Timer, TimerKey};
use crate::command::Command;
use crate::error::SubmitError;
use crate::event::{Event, Kinds};
use crate::gateway::{GatewayPayload, Shard};
use crate::output::Output;
use crate::player::{Fields, PlayerId, Rejoining, Step};
use crate::protocol::GuildId;
use crate::time::Timestamp;
use crate::voice_code::VoiceTrouble;

/// The payloads that wait for their turn: at most two for each player, and one for each guild
/// that has just lost its.
#[derive(Debug, Default)]
pub(super) struct Gateway {
    queue: VecDeque<GatewayPayload>,
    /// Armed while something waits.
    timer: Option<TimerKey>,
    /// Until then nothing may go out.
    next_at: Timestamp,
}

impl Tables {
    /// Takes what the application says of the bot and of who hears it.
    pub(super) fn tell(&mut self, command: Command, now: Timestamp) -> Result<(), SubmitError> {
        match command {
            Command::Join {
                guild,
                channel,
                self_mute,
                self_deaf,
            } => self.join_begun(guild, channel, (self_mute, self_deaf), now),
            Command::VoiceState(update) => {
                self.voice_state(update, now);
                Ok(())
            }
            Command::VoiceServer(update) => {
                self.voice_server(update, now);
                Ok(())
            }
            Command::Voice { guild, voice } => {
                self.voice_set(guild, voice, now);
                Ok(())
            }
            Command::GatewayReady(shard) => {
                self.rejoin_shard(shard, now);
                Ok(())
            }
            Command::Alone { guild, alone } => self.change_activity(guild, |care| {
                care.alone = alone;
            }),
            Command::InactiveAfter { guild, after } => self.change_activity(guild, |care| {
                care.inactive_after = Some(Box::new(after));
            }),
            Command::AddNode(_)
            | Command::AwaitNode(_)
            | Command::RemoveNode { .. }
            | Command::Reconnect(_)
            | Command::Connect(_)
            | Command::Plugin { .. }
            | Command::FetchTracks { .. }
            | Command::SetCacheCapacity(_)
            | Command::Ping(_)
            | Command::Drain(_)
            | Command::Undrain(_)
            | Command::Update { .. }
            | Command::Move { .. }
            | Command::Destroy(_)
            | Command::Rest { .. }
            | Command::Close(_) => Ok(()),
        }
    }

    /// Sends these on the gateway, in place of what waits for the same guild.
    pub(super) fn send_gateway(&mut self, payloads: &[GatewayPayload], now: Timestamp) {
        for payload in payloads {
            self.recall_gateway(payload.guild);
        }
        self.gateway.queue.extend(payloads);
        self.pump_gateway(now);
    }

    /// Nothing of this guild is to be sent any more.
    pub(super) fn recall_gateway(&mut self, guild: GuildId) {
        self.gateway.queue.retain(|payload| payload.guild != guild);
    }

    /// The guild's player is gone: its channel is not joined again. A leave that no join follows
    /// is that of an earlier player, and stays.
    pub(super) fn recall_join(&mut self, guild: GuildId) {
        let mut queue = self.gateway.queue.iter();
        if queue.any(|payload| payload.guild == guild && payload.channel.is_some()) {
            self.recall_gateway(guild);
        }
    }

    /// The next payload may go.
    pub(super) fn gateway_due(&mut self, now: Timestamp) {
        self.gateway.timer = None;
        self.pump_gateway(now);
    }

    /// A new connection of the gateway has no voice connections: the bot joins again where there
    /// are players.
    fn rejoin_shard(&mut self, shard: Shard, now: Timestamp) {
        let theirs = self.players_where(|player| shard.has(player.guild));
        self.gateway
            .queue
            .retain(|payload| !shard.has(payload.guild));
        for id in theirs {
            if let Some(payload) = self.begin_rejoin(id) {
                self.gateway.queue.push_back(payload);
            }
        }
        self.pump_gateway(now);
    }

    /// The player's channel is to be joined again, whatever was being done for it.
    fn begin_rejoin(&mut self, id: PlayerId) -> Option<GatewayPayload> {
        let player = self.player(id)?;
        let guild = player.guild;
        let channel = player.voice.as_ref().and_then(|voice| voice.channel());
        let earlier = player.plight().rejoining.as_ref();
        let channel = channel.or_else(|| earlier.map(|earlier| earlier.channel))?;
        let tries_max = self.config.rejoin.map_or(0, |rejoin| rejoin.tries);
        let rejoining = Rejoining {
            step: Step::Asking,
            channel,
            trouble: Some(VoiceTrouble::NewGateway),
            tries: 1,
            tries_max,
            renews: false,
            // Discord may say that the bot left with the old connection.
            leaves: true,
        };
        self.set_rejoining(id, Some(rejoining));
        let player = self.player_mut(id)?;
        // The session of the old connection is gone, and the voice session with it.
        if let Some(voice) = &mut player.voice {
            voice.renew();
        }
        player.unsent = player.unsent.without(Fields::VOICE);
        self.player_changed(id);
        self.sync(id);
        self.settle_player(id);
        Some(self.join_payload(guild, channel))
    }

    fn pump_gateway(&mut self, now: Timestamp) {
        if now >= self.gateway.next_at
            && let Some(payload) = self.gateway.queue.pop_front()
        {
            self.gateway.next_at = now + self.config.timing.gateway_interval;
            self.outputs.push_back(Output::Gateway(payload));
            self.emit(Kinds::GATEWAY, || Event::Gateway(payload));
            self.gateway_sent(payload, now);
        }
        if self.gateway.queue.is_empty() {
            self.timers.clear(&mut self.gateway.timer);
        } else if self.gateway.timer.is_none() {
            let next_at = self.gateway.next_at;
            self.gateway.timer = Some(self.timers.arm(next_at, Timer::Gateway));
        }
    }
}
