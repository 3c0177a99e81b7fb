//! What the well-known plugins of a server say and are told, as plain types.
//!
//! | plugin | what it adds |
//! |---|---|
//! | [LavaSearch] | [`SearchResult`] |
//! | [SponsorBlock] | [`Category`], [`Segment`], [`Chapter`] |
//! | [LavaLyrics] | [`Lyrics`], [`LyricsLine`] |
//! | [youtube-source] | [`YoutubeConfig`], [`YoutubeUpdate`], [`YoutubeToken`] |
//!
//! [LavaSearch]: https://github.com/topi314/LavaSearch
//! [SponsorBlock]: https://github.com/topi314/Sponsorblock-Plugin
//! [LavaLyrics]: https://github.com/topi314/LavaLyrics
//! [youtube-source]: https://github.com/lavalink-devs/youtube-source
//!
//! Their events are [`PluginEvent`]s. Other plugins are reached with
//! [`Request::Raw`](crate::rest::Request::Raw), and their events are handed out with their JSON.

mod event;
mod lyrics;
mod search;
mod sponsor_block;
mod youtube;

pub use event::{PluginEvent, PluginMessage};
pub use lyrics::{Lyrics, LyricsFrom, LyricsLine};
pub use search::{SearchKind, SearchResult, SearchText};
pub use sponsor_block::{Category, Chapter, Segment};
pub use youtube::{PoToken, RefreshToken, YoutubeConfig, YoutubeToken, YoutubeUpdate};

use std::time::Duration;

use serde::Deserializer;

use super::lenient;

/// A plugin whose endpoints and events have types here.
///
/// ```
/// use lavapool_core::protocol::Info;
/// use lavapool_core::protocol::plugins::KnownPlugin;
///
/// let json = r#"{"plugins":[{"name":"lavalyrics-plugin","version":"1.0.0"}]}"#;
/// let info: Info = serde_json::from_str(json)?;
/// assert!(KnownPlugin::LavaLyrics.is_in(&info) && !KnownPlugin::SponsorBlock.is_in(&info));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KnownPlugin {
    /// Searches that find albums, artists and playlists too.
    LavaSearch,
    /// Skips segments of YouTube videos.
    SponsorBlock,
    /// Lyrics, live ones too.
    LavaLyrics,
    /// The YouTube source as a plugin.
    YoutubeSource,
}

impl KnownPlugin {
    /// The name in `GET /v4/info`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LavaSearch => "lavasearch-plugin",
            Self::SponsorBlock => "sponsorblock-plugin",
            Self::LavaLyrics => "lavalyrics-plugin",
            Self::YoutubeSource => "youtube-plugin",
        }
    }

    /// Whether a server with this information has it.
    pub fn is_in(self, info: &super::Info) -> bool {
        let is_it = |name: &str| {
            let is_early_youtube = self == Self::YoutubeSource && name == "youtube";
            name.eq_ignore_ascii_case(self.name()) || is_early_youtube
        };
        info.plugins.iter().any(|plugin| is_it(&plugin.name))
    }
}

impl std::fmt::Display for KnownPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Milliseconds; what is negative or no number is 0.
fn millis<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    lenient::u64_or_zero(from).map(Duration::from_millis)
}
