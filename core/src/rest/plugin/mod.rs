//! What can be asked of the well-known plugins: [`PluginRequest`], and what they answer.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::sync::Arc;

use http::{Method, StatusCode};

use super::answer::{RawAnswer, Refusal, read, utf8};
use super::target::{percent_encode, write_player};
use crate::protocol::plugins::{
    Category, KnownPlugin, Lyrics, LyricsFrom, SearchKind, SearchResult, YoutubeConfig,
    YoutubeToken, YoutubeUpdate,
};
use crate::protocol::{self, DecodeError, GuildId};
use crate::secret::Secret;

/// One request to a well-known plugin's endpoint.
///
/// What is set for a player with one of these is not remembered, and a server forgets it with its
/// WebSocket, resumed or not. [`Command::Plugin`](crate::Command::Plugin) is remembered.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum PluginRequest {
    /// LavaSearch: what a query, such as `spsearch:words`, finds.
    Search {
        /// The query. Most sources want their prefix before it.
        query: String,
        /// What is searched for; everything if this is empty.
        kinds: Vec<SearchKind>,
    },
    /// SponsorBlock: which categories of segments are skipped for a guild.
    Categories(GuildId),
    /// SponsorBlock: skips these categories from the next track on; YouTube's tracks only.
    SetCategories {
        /// The guild, which needs no player.
        guild: GuildId,
        /// The categories.
        categories: Arc<[Category]>,
    },
    /// SponsorBlock: skips nothing from the next track on.
    ClearCategories(GuildId),
    /// LavaLyrics: the lyrics of a track.
    Lyrics {
        /// The track's blob.
        encoded: Arc<str>,
        /// Where they are looked for.
        from: LyricsFrom,
    },
    /// LavaLyrics: the lyrics of what a guild's player plays.
    PlayingLyrics {
        /// The guild.
        guild: GuildId,
        /// Where they are looked for.
        from: LyricsFrom,
    },
    /// LavaLyrics: says each line of what a guild's player plays as it begins.
    SubscribeLyrics {
        /// The guild.
        guild: GuildId,
        /// Where lyrics are looked for.
        from: LyricsFrom,
    },
    /// LavaLyrics: says no lines any more.
    UnsubscribeLyrics(GuildId),
    /// youtube-source: what it is logged in with.
    Youtube,
    /// youtube-source: changes what it is logged in with.
    UpdateYoutube(
        #[cfg_attr(feature = "recording", serde(with = "crate::recording::YoutubeFields"))]
        YoutubeUpdate,
    ),
    /// youtube-source: asks Google for a fresh access token.
    YoutubeToken {
        /// The token of the login.
        refresh_token: Secret,
    },
    /// youtube-source: the audio of a video, as a file of at most
    /// [`Limits::body_bytes_max`](crate::Limits::body_bytes_max) bytes.
    YoutubeStream {
        /// The id of the video.
        video: String,
        /// YouTube's number of the format; the best one if none is given.
        itag: Option<u32>,
        /// The name of the client that the server poses as; its own choice if none is given.
        client: Option<String>,
    },
}

/// The answer to a [`PluginRequest`] that succeeded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PluginAnswer {
    /// To [`PluginRequest::Search`]; none if nothing was found, or no source knows the prefix.
    Found(Option<SearchResult>),
    /// To [`PluginRequest::Categories`]; none if none were ever set.
    Categories(Option<Vec<Category>>),
    /// To [`PluginRequest::Lyrics`] and [`PluginRequest::PlayingLyrics`]; none if there are none.
    Lyrics(Option<Lyrics>),
    /// To [`PluginRequest::Youtube`].
    Youtube(YoutubeConfig),
    /// To [`PluginRequest::YoutubeToken`].
    YoutubeToken(YoutubeToken),
    /// To [`PluginRequest::YoutubeStream`]: the file.
    YoutubeStream(RawAnswer),
    /// To what has nothing to say.
    Done,
}

impl PluginRequest {
    /// The plugin that answers it.
    pub const fn plugin(&self) -> KnownPlugin {
        match self {
            Self::Search { .. } => KnownPlugin::LavaSearch,
            Self::Categories(_) | Self::SetCategories { .. } | Self::ClearCategories(_) => {
                KnownPlugin::SponsorBlock
            }
            Self::Lyrics { .. }
            | Self::PlayingLyrics { .. }
            | Self::SubscribeLyrics { .. }
            | Self::UnsubscribeLyrics(_) => KnownPlugin::LavaLyrics,
            Self::Youtube
            | Self::UpdateYoutube(_)
            | Self::YoutubeToken { .. }
            | Self::YoutubeStream { .. } => KnownPlugin::YoutubeSource,
        }
    }

    /// The HTTP method.
    pub const fn method(&self) -> Method {
        match self {
            Self::Search { .. }
            | Self::Categories(_)
            | Self::Lyrics { .. }
            | Self::PlayingLyrics { .. }
            | Self::Youtube
            | Self::YoutubeToken { .. }
            | Self::YoutubeStream { .. } => Method::GET,
            Self::SetCategories { .. } => Method::PUT,
            Self::SubscribeLyrics { .. } | Self::UpdateYoutube(_) => Method::POST,
            Self::ClearCategories(_) | Self::UnsubscribeLyrics(_) => Method::DELETE,
        }
    }

    /// The guild whose player it is about; the target then names the session.
    pub const fn guild(&self) -> Option<GuildId> {
        match self {
            Self::Categories(guild)
            | Self::SetCategories { guild, .. }
            | Self::ClearCategories(guild)
            | Self::PlayingLyrics { guild, .. }
            | Self::SubscribeLyrics { guild, .. }
            | Self::UnsubscribeLyrics(guild) => Some(*guild),
            Self::Search { .. }
            | Self::Lyrics { .. }
            | Self::Youtube
            | Self::UpdateYoutube(_)
            | Self::YoutubeToken { .. }
            | Self::YoutubeStream { .. } => None,
        }
    }

    /// Whether the request only asks.
    pub fn changes_nothing(&self) -> bool {
        self.method().is_safe()
    }

    /// Whether asking twice is the same as asking once; a login must not begin twice.
    pub const fn repeat_is_safe(&self) -> bool {
        !matches!(self, Self::UpdateYoutube(_))
    }

    /// Appends the target; `session` is not read unless there is a [`guild`](Self::guild).
    pub(super) fn write_target(&self, session: &str, out: &mut Vec<u8>) {
        if let Some(guild) = self.guild() {
            write_player(session, guild, out);
        }
        let from = match self {
            Self::Search { query, kinds } => {
                out.extend_from_slice(b"/v4/loadsearch?query=");
                percent_encode(query, out);
                write_kinds(kinds, out);
                return;
            }
            Self::Categories(_) | Self::SetCategories { .. } | Self::ClearCategories(_) => {
                return out.extend_from_slice(b"/sponsorblock/categories");
            }
            Self::UnsubscribeLyrics(_) => return out.extend_from_slice(b"/lyrics/subscribe"),
            Self::Youtube | Self::UpdateYoutube(_) => return out.extend_from_slice(b"/youtube"),
            Self::YoutubeToken { refresh_token } => {
                out.extend_from_slice(b"/youtube/oauth/");
                return percent_encode(refresh_token.expose(), out);
            }
            Self::YoutubeStream {
                video,
                itag,
                client,
            } => {
                return write_stream(video, *itag, client.as_deref(), out);
            }
            Self::Lyrics { encoded, from } => {
                out.extend_from_slice(b"/v4/lyrics?track=");
                percent_encode(encoded, out);
                from
            }
            Self::PlayingLyrics { from, .. } => {
                out.extend_from_slice(b"/track/lyrics");
                from
            }
            Self::SubscribeLyrics { from, .. } => {
                out.extend_from_slice(b"/lyrics/subscribe");
                from
            }
        };
        if *from == LyricsFrom::OtherSources {
            let has_query = matches!(self, Self::Lyrics { .. });
            out.push(if has_query { b'&' } else { b'?' });
            out.extend_from_slice(b"skipTrackSource=true");
        }
    }

    /// Appends the JSON body; returns whether there is one.
    pub(super) fn write_body(&self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::SetCategories { categories, .. } => protocol::write(&**categories, out),
            Self::UpdateYoutube(update) => protocol::write(update, out),
            Self::Search { .. }
            | Self::Categories(_)
            | Self::ClearCategories(_)
            | Self::Lyrics { .. }
            | Self::PlayingLyrics { .. }
            | Self::SubscribeLyrics { .. }
            | Self::UnsubscribeLyrics(_)
            | Self::Youtube
            | Self::YoutubeToken { .. }
            | Self::YoutubeStream { .. } => return false,
        }
        true
    }

    /// What a refusal means, where it is an answer all the same.
    pub(super) fn decode_refusal(&self, refusal: &Refusal) -> Option<PluginAnswer> {
        let is_unset = matches!(self, Self::Categories(_)) && refusal.says("Guild not found");
        is_unset.then_some(PluginAnswer::Categories(None))
    }

    /// Reads a reply of success.
    pub(super) fn decode_success(
        &self,
        status: StatusCode,
        body: &[u8],
    ) -> Result<PluginAnswer, DecodeError> {
        // LavaSearch and LavaLyrics say with 204 that there is nothing.
        let has_body = !body.is_empty();
        Ok(match self {
            Self::Search { .. } => {
                let found = has_body.then(|| SearchResult::decode(utf8(body)?));
                PluginAnswer::Found(found.transpose()?)
            }
            Self::Categories(_) => PluginAnswer::Categories(Some(read(body, "categories")?)),
            Self::Lyrics { .. } | Self::PlayingLyrics { .. } => {
                let lyrics = has_body.then(|| read(body, "lyrics"));
                PluginAnswer::Lyrics(lyrics.transpose()?)
            }
            Self::Youtube => PluginAnswer::Youtube(read(body, "youtube configuration")?),
            Self::YoutubeToken { .. } => PluginAnswer::YoutubeToken(read(body, "access token")?),
            Self::YoutubeStream { .. } => PluginAnswer::YoutubeStream(RawAnswer {
                status,
                body: body.into(),
            }),
            Self::SetCategories { .. }
            | Self::ClearCategories(_)
            | Self::SubscribeLyrics { .. }
            | Self::UnsubscribeLyrics(_)
            | Self::UpdateYoutube(_) => PluginAnswer::Done,
        })
    }
}

impl Refusal {
    /// Whether it says that a plugin's endpoint is not there.
    pub(crate) fn lacks_endpoint(&self) -> bool {
        lacks_endpoint(self.status.as_u16(), self.body.message.as_deref())
    }

    fn says(&self, words: &str) -> bool {
        let message = self.body.message.as_deref();
        message.is_some_and(|message| message.eq_ignore_ascii_case(words))
    }
}

/// Whether a plugin's endpoint is not there: a 404 that is not about what the request names.
pub(crate) fn lacks_endpoint(status: u16, message: Option<&str>) -> bool {
    const NAMED: [&str; 4] = [
        "Session not found",
        "Player not found",
        "Guild not found",
        "No track playing",
    ];
    let is_named = |words: &&str| message.is_some_and(|said| said.eq_ignore_ascii_case(words));
    status == 404 && !NAMED.iter().any(is_named)
}

fn write_kinds(kinds: &[SearchKind], out: &mut Vec<u8>) {
    for (number, kind) in kinds.iter().enumerate() {
        let separator = if number == 0 { "&types=" } else { "," };
        out.extend_from_slice(separator.as_bytes());
        out.extend_from_slice(kind.as_str().as_bytes());
    }
}

fn write_stream(video: &str, itag: Option<u32>, client: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"/youtube/stream/");
    percent_encode(video, out);
    let mut separator = b'?';
    if let Some(itag) = itag {
        // Writing into memory cannot fail.
        let _ = write!(out, "?itag={itag}");
        separator = b'&';
    }
    if let Some(client) = client {
        out.push(separator);
        out.extend_from_slice(b"withClient=");
        percent_encode(client, out);
    }
}
