//! [`Ledger`]: what a node's plugins were told of players.

use std::collections::BTreeMap;

use crate::protocol::GuildId;
use crate::protocol::plugins::KnownPlugin;

/// What a node's plugins were told of players, through the present WebSocket: they forget it with
/// that, resumed or not.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<(GuildId, KnownPlugin), Entry>,
}

/// What one plugin was told of one guild.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) stage: Telling,
    /// Whether the plugin may know anything of the guild.
    pub(crate) told: bool,
    /// The number of the wish that the plugin has confirmed.
    pub(crate) confirmed: Option<u64>,
    /// The number of the wish that it has refused.
    pub(crate) refused: Option<u64>,
}

/// What is being done about an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Telling {
    #[default]
    Idle,
    /// A job is in the lane.
    Queued,
    /// The request with this serial number is on its way.
    Sent {
        serial: u64,
        wish: u64,
        /// Whether it takes back what the plugin was told before.
        clears: bool,
    },
    /// The node did not answer; the job is postponed.
    Resting,
    /// The player is gone from the node while the request with this number was on its way.
    Leaving { serial: u64 },
}

impl Telling {
    /// The number of the request that is on its way.
    pub(crate) const fn exchange(&self) -> Option<u64> {
        match self {
            Self::Sent { serial, .. } | Self::Leaving { serial } => Some(*serial),
            Self::Idle | Self::Queued | Self::Resting => None,
        }
    }
}

impl Ledger {
    pub(crate) fn get(&self, guild: GuildId, plugin: KnownPlugin) -> Entry {
        let entry = self.entries.get(&(guild, plugin));
        entry.copied().unwrap_or_default()
    }

    pub(crate) fn entry(&mut self, guild: GuildId, plugin: KnownPlugin) -> &mut Entry {
        self.entries.entry((guild, plugin)).or_default()
    }

    pub(crate) fn remove(&mut self, guild: GuildId, plugin: KnownPlugin) {
        self.entries.remove(&(guild, plugin));
    }

    /// The WebSocket is a new one.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// The player leaves the node: returns the plugins that may know something of its guild.
    pub(crate) fn bury(&mut self, guild: GuildId) -> Vec<KnownPlugin> {
        let mut told = Vec::new();
        for plugin in [KnownPlugin::SponsorBlock, KnownPlugin::LavaLyrics] {
            let Some(entry) = self.entries.remove(&(guild, plugin)) else {
                continue;
            };
            if entry.told {
                told.push(plugin);
            }
            if let Telling::Sent { serial, .. } | Telling::Leaving { serial } = entry.stage {
                self.entry(guild, plugin).stage = Telling::Leaving { serial };
            }
        }
        told
    }

    /// Whether the guild's categories are on their way: they count from the next start of a
    /// track on, so that must come after them.
    pub(crate) fn holds_plays(&self, guild: GuildId) -> bool {
        let entry = self.get(guild, KnownPlugin::SponsorBlock);
        matches!(entry.stage, Telling::Sent { .. })
    }

    /// Whether categories are on their way that must not come after they are taken back.
    pub(crate) fn holds_burial(&self, guild: GuildId) -> bool {
        let entry = self.get(guild, KnownPlugin::SponsorBlock);
        matches!(entry.stage, Telling::Leaving { .. })
    }
}
