//! [`Silences`]: when sound stopped without the pool knowing at once.

use std::time::Duration;

use lavapool_core::protocol::GuildId;

use super::{Fault, FaultKind, Order, OrderKind, Simulation};
use crate::world::guild;

/// When sound stopped, or may have, without a word.
#[derive(Debug, Default)]
pub(super) struct Silences {
    all: Vec<Silence>,
}

#[derive(Debug)]
struct Silence {
    /// The server on which it was, unless on any.
    host: Option<usize>,
    /// The guild in which it was, unless in all.
    guild: Option<GuildId>,
    /// Until when something kept sound away.
    until: Duration,
}

impl Silences {
    /// Whether a guild's player on a server may have been silent when the pool was told last of
    /// where it is, or since.
    pub(super) fn misled(&self, host: usize, guild: GuildId, heard_at: Duration) -> bool {
        self.all.iter().any(|silence| {
            silence.host.is_none_or(|there| there == host)
                && silence.guild.is_none_or(|there| there == guild)
                && silence.until + REPORTED_EVERY >= heard_at
        })
    }
}

impl Simulation {
    /// Takes note of a fault by which sound stops without a word.
    pub(super) fn note_silence(&mut self, fault: &Fault) {
        let now = self.world.now();
        let (host, its_guild) = (fault.host, self.guild_of(*fault));
        let its_guild = u64::try_from(its_guild).ok().map(guild);
        let (host, guild, lasts_for) = match fault.kind {
            FaultKind::VoiceCloses | FaultKind::VoiceDies => {
                (Some(host), its_guild, Duration::ZERO)
            }
            FaultKind::VoiceFails | FaultKind::StandsStill | FaultKind::Restored => {
                (Some(host), None, fault.lasts_for)
            }
            FaultKind::DiscordSilent => (None, None, fault.lasts_for),
            _ => return,
        };
        let until = now + lasts_for;
        self.silences.all.push(Silence { host, guild, until });
    }

    /// Takes note of an order by which sound stops without a word.
    pub(super) fn note_ordered_silence(&mut self, order: &Order) {
        let (guild, lasts_for) = match order.kind {
            OrderKind::LeaveChannel => (Some(guild(order.guild)), AWAY_MAX),
            OrderKind::NewGateway => (None, Duration::from_secs(1)),
            _ => return,
        };
        let until = self.world.now() + lasts_for;
        let host = None;
        self.silences.all.push(Silence { host, guild, until });
    }
}

/// How often a server reports a position, and a moment more.
pub(super) const REPORTED_EVERY: Duration = Duration::from_millis(5_500);

/// How long the bot is out of its channel at most.
const AWAY_MAX: Duration = Duration::from_secs(8);
