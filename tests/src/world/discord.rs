//! Discord, as far as a pool sees it: what it answers to payloads on the gateway.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use lavapool_core::GatewayPayload;
use lavapool_core::protocol::GuildId;

use super::World;

/// What Discord answers to a payload that joins a channel. One that leaves is always answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Discord {
    /// Nothing, not even to a leave: nobody sends the payloads, or the channel is full.
    #[default]
    Silent,
    /// Where the bot is, and the voice server with a new token.
    Answers,
    /// Where the bot is, and no more.
    AnswersHalf,
    /// Nothing, though it answers a leave: the channel is full.
    Full,
}

/// What goes to and comes from the gateway.
#[derive(Debug, Default)]
pub(super) struct Gateway {
    pub(super) discord: Discord,
    pub(super) payloads: Vec<(Duration, GatewayPayload)>,
    /// How many voice sessions of the bot are over, by guild.
    sessions: BTreeMap<GuildId, u64>,
    /// What is answered, and when.
    answers: VecDeque<(Duration, GatewayPayload)>,
}

impl Gateway {
    /// When Discord answers next.
    pub(super) fn next_at(&self) -> Option<Duration> {
        self.answers.front().map(|(at, _)| *at)
    }
}

impl World {
    /// Ends the bot's voice session in a guild: it is in a channel by another one from then on.
    pub fn renew_voice_session(&mut self, guild: GuildId) {
        *self.gateway.sessions.entry(guild).or_default() += 1;
    }

    /// The id of the bot's voice session in a guild.
    pub(super) fn voice_session(&self, guild: GuildId) -> String {
        match self.gateway.sessions.get(&guild) {
            None => format!("voice-session-{guild}"),
            Some(over) => format!("voice-session-{guild}-{over}"),
        }
    }

    /// Sets what Discord answers from now on.
    pub fn set_discord(&mut self, discord: Discord) {
        self.gateway.discord = discord;
    }

    /// The payloads that the pool gave for the gateway since a moment, and when.
    pub fn payloads_since(&self, since: Duration) -> Vec<(Duration, GatewayPayload)> {
        let payloads = self.gateway.payloads.iter();
        payloads.filter(|(at, _)| *at >= since).copied().collect()
    }

    pub(super) fn send_gateway(&mut self, payload: GatewayPayload) {
        self.gateway.payloads.push((self.now, payload));
        let is_answered = match self.gateway.discord {
            Discord::Silent => false,
            Discord::Answers | Discord::AnswersHalf => true,
            Discord::Full => payload.channel.is_none(),
        };
        if is_answered {
            let at = self.now + ROUND_TRIP;
            self.gateway.answers.push_back((at, payload));
        }
    }

    /// Discord answers what is due.
    pub(super) fn answer_gateway(&mut self) {
        let Some((_, payload)) = self.gateway.answers.pop_front() else {
            return;
        };
        self.voice_state(payload.guild, payload.channel);
        if payload.channel.is_some() && self.gateway.discord == Discord::Answers {
            self.voice_server(payload.guild, Some("us-east"));
        }
    }
}

/// How long Discord takes to answer.
const ROUND_TRIP: Duration = Duration::from_millis(50);
