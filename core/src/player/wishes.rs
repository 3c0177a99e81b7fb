//! [`Wishes`]: what the application wants of the well-known plugins for a player.

use std::sync::Arc;

use crate::id::CommandId;
use crate::pool::TimerKey;
use crate::protocol::GuildId;
use crate::protocol::plugins::{Category, KnownPlugin, LyricsFrom};
use crate::rest::PluginRequest;

/// What the application wants of a well-known plugin for a player.
///
/// The pool remembers it for as long as the player exists, and tells each node that has the
/// player: a plugin forgets it with every WebSocket, resumed or not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum PluginWish {
    /// SponsorBlock skips these categories, from the next start of a track on; `None` for what
    /// the plugin does by itself.
    Categories(Option<Arc<[Category]>>),
    /// LavaLyrics says each line of the lyrics as it begins; `None` for no lines.
    Lyrics(Option<LyricsFrom>),
}

impl PluginWish {
    /// The plugin that it is about.
    pub const fn plugin(&self) -> KnownPlugin {
        match self {
            Self::Categories(_) => KnownPlugin::SponsorBlock,
            Self::Lyrics(_) => KnownPlugin::LavaLyrics,
        }
    }

    /// Whether it is for nothing.
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::Categories(None) | Self::Lyrics(None))
    }

    /// The request that tells the plugin, or takes back what it was told, which a subscription
    /// needs before it can be made in another way.
    pub(crate) fn request(&self, guild: GuildId, clears: bool) -> PluginRequest {
        match self {
            Self::Categories(Some(categories)) => PluginRequest::SetCategories {
                guild,
                categories: categories.clone(),
            },
            Self::Lyrics(Some(from)) if !clears => {
                PluginRequest::SubscribeLyrics { guild, from: *from }
            }
            Self::Categories(None) => PluginRequest::ClearCategories(guild),
            Self::Lyrics(_) => PluginRequest::UnsubscribeLyrics(guild),
        }
    }
}

/// All wishes for one player, and who waits for them.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// The latest of each plugin, with its number.
    latest: Vec<(u64, PluginWish)>,
    /// The commands that wait, with the numbers of their wishes.
    waiting: Vec<(u64, CommandId)>,
    /// Armed while a track plays that is to end early.
    pub(crate) end_timer: Option<TimerKey>,
    /// The number of the play that the pool ended at its end time.
    pub(crate) ended: Option<u32>,
}

impl Wishes {
    /// Takes a wish, in place of the plugin's earlier one.
    pub(crate) fn set(&mut self, number: u64, wish: PluginWish) {
        self.latest.retain(|(_, old)| old.plugin() != wish.plugin());
        self.latest.push((number, wish));
    }

    /// The latest wish of the plugin and its number.
    pub(crate) fn of(&self, plugin: KnownPlugin) -> Option<&(u64, PluginWish)> {
        self.latest.iter().find(|(_, wish)| wish.plugin() == plugin)
    }

    /// The categories that are to be skipped.
    pub(crate) fn categories(&self) -> Option<&Arc<[Category]>> {
        match self.of(KnownPlugin::SponsorBlock) {
            Some((_, PluginWish::Categories(categories))) => categories.as_ref(),
            Some((_, PluginWish::Lyrics(_))) | None => None,
        }
    }

    /// Where live lyrics are looked for, if they are wanted.
    pub(crate) fn lyrics(&self) -> Option<LyricsFrom> {
        match self.of(KnownPlugin::LavaLyrics) {
            Some((_, PluginWish::Lyrics(from))) => *from,
            Some((_, PluginWish::Categories(_))) | None => None,
        }
    }

    pub(crate) fn wait(&mut self, number: u64, command: CommandId) {
        self.waiting.push((number, command));
    }

    /// The command is not waited for any more.
    pub(crate) fn forget(&mut self, command: CommandId) {
        self.waiting.retain(|(_, other)| *other != command);
    }

    /// The commands of this wish wait no more.
    pub(crate) fn take_waiting(&mut self, number: u64) -> Vec<CommandId> {
        self.take(|of| of == number)
    }

    /// No command waits any more.
    pub(crate) fn take_all(&mut self) -> Vec<CommandId> {
        self.take(|_| true)
    }

    fn take(&mut self, is_taken: impl Fn(u64) -> bool) -> Vec<CommandId> {
        let (taken, left) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(of, _)| is_taken(*of));
        self.waiting = left;
        let taken: Vec<(u64, CommandId)> = taken;
        taken.into_iter().map(|(_, command)| command).collect()
    }
}
