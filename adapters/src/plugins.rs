//! The well-known plugins of nodes: searches, lyrics, skipped segments, YouTube's login.
//!
//! | plugin | asked by |
//! |---|---|
//! | LavaSearch | [`Client::lava_search`], [`Node::lava_search`] |
//! | LavaLyrics | [`Client::lyrics`], [`Node::lyrics`], [`Player::lyrics`] |
//! | SponsorBlock | [`Player::sponsor_block`] |
//! | youtube-source | [`Node::youtube`] |
//!
//! What they say of players arrives as [`Event::Plugin`](crate::Event::Plugin).
//!
//! What is wanted of a plugin for a player ([`SponsorBlock::set_categories`],
//! [`PlayerLyrics::subscribe`]) stays wanted for as long as the player exists. Plugins forget it
//! with every connection, resumed or not; the client tells them again by itself, and tells each
//! node that the player comes to. A node without the plugin is not asked.
//!
//! A request to a node without the plugin fails with
//! [`RequestError::PluginMissing`]: at once if the node's information says so, otherwise when it
//! has answered 404. A request to the client goes to the nodes that have it.
//!
//! ```no_run
//! use lavapool::plugins::{Category, LyricsFrom, PluginEvent};
//! use lavapool::{Client, Event, GuildId, Kinds};
//!
//! # async fn run(client: Client, guild: GuildId) -> Result<(), Box<dyn std::error::Error>> {
//! let player = client.player(guild);
//! player.sponsor_block().set_categories([Category::Sponsor, Category::SelfPromo]).await?;
//! player.lyrics().subscribe(LyricsFrom::Any).await?;
//!
//! let mut events = client.events_of(Kinds::PLUGINS);
//! while let Some(event) = events.next().await {
//!     if let Event::Plugin { event: PluginEvent::LyricsLine { line, .. }, .. } = event {
//!         println!("{}", line.line);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;

pub use lavapool_core::player::PluginWish;
pub use lavapool_core::protocol::plugins::{
    Category, Chapter, KnownPlugin, Lyrics, LyricsFrom, LyricsLine, PluginEvent, PoToken,
    RefreshToken, SearchKind, SearchResult, SearchText, Segment, YoutubeConfig, YoutubeToken,
    YoutubeUpdate,
};
pub use lavapool_core::rest::PluginRequest;

use lavapool_core::protocol::GuildId;
use lavapool_core::rest::{PluginAnswer, RawAnswer, Request};
use lavapool_core::{Answer, Command, RequestError, Secret, rest};

use crate::answer;
use crate::client::Client;
use crate::error::Error;
use crate::node::Node;
use crate::pending::{Pending, Read};
use crate::player::Player;
use crate::shared::Handle;

impl Client {
    /// Asks LavaSearch of the best node that has it what a query, such as `spsearch:words`,
    /// finds; for everything if no kind is given. `None` if nothing was found, or if no source of
    /// the node knows the prefix.
    pub fn lava_search(
        &self,
        query: impl Into<String>,
        kinds: impl IntoIterator<Item = SearchKind>,
    ) -> Pending<Option<SearchResult>> {
        self.ask(search(query, kinds), found)
    }

    /// Asks LavaLyrics of the best node that has it for the lyrics of a track's blob; `None` if
    /// there are none.
    pub fn lyrics(
        &self,
        encoded: impl Into<Arc<str>>,
        from: LyricsFrom,
    ) -> Pending<Option<Lyrics>> {
        let encoded = encoded.into();
        self.ask(plugin(PluginRequest::Lyrics { encoded, from }), lyrics)
    }
}

impl Node {
    /// As [`Client::lava_search`], of this node alone.
    pub fn lava_search(
        &self,
        query: impl Into<String>,
        kinds: impl IntoIterator<Item = SearchKind>,
    ) -> Pending<Option<SearchResult>> {
        self.ask(search(query, kinds), found)
    }

    /// As [`Client::lyrics`], of this node alone.
    pub fn lyrics(
        &self,
        encoded: impl Into<Arc<str>>,
        from: LyricsFrom,
    ) -> Pending<Option<Lyrics>> {
        let encoded = encoded.into();
        self.ask(plugin(PluginRequest::Lyrics { encoded, from }), lyrics)
    }

    /// Whether it has the plugin; `None` until it has said what it is.
    pub fn has_plugin(&self, plugin: KnownPlugin) -> Option<bool> {
        self.info().map(|info| plugin.is_in(&info))
    }

    /// Its youtube-source.
    pub fn youtube(&self) -> Youtube {
        Youtube { node: self.clone() }
    }
}

impl Player {
    /// What SponsorBlock skips for it.
    pub fn sponsor_block(&self) -> SponsorBlock {
        SponsorBlock {
            player: self.clone(),
        }
    }

    /// The lyrics of what it plays.
    pub fn lyrics(&self) -> PlayerLyrics {
        PlayerLyrics {
            player: self.clone(),
        }
    }

    fn wish(&self, wish: PluginWish) -> Pending<()> {
        let guild = self.guild();
        self.submit(Command::Plugin { guild, wish })
    }

    /// Asks the node that it is on.
    fn ask_node<T>(&self, request: PluginRequest, read: Read<T>) -> Pending<T> {
        match self.node() {
            Some(node) => node.ask(plugin(request), read),
            None => self.refuse(Error::Request(RequestError::NoNode), read),
        }
    }
}

/// What SponsorBlock skips for a player, from [`Player::sponsor_block`].
///
/// While categories are set, the client itself watches the end time of the player
/// ([`Player::set_end_time`]): SponsorBlock takes the one mark that a server can set in a track,
/// and the track would play on. The client stops the track a quarter of a second after its end
/// time, unless the node did, and says that it finished.
#[derive(Clone, Debug)]
pub struct SponsorBlock {
    player: Player,
}

impl SponsorBlock {
    /// Skips segments of these categories, from the next start of a track on, in place of those
    /// set before; YouTube's tracks only. A player is made if there is none.
    ///
    /// It is answered once the player's node has confirmed it. After any error but
    /// [`RequestError::Superseded`] and [`RequestError::Destroyed`] it stays wanted, for the next
    /// node.
    pub fn set_categories(&self, categories: impl IntoIterator<Item = Category>) -> Pending<()> {
        let categories = categories.into_iter().collect();
        self.player.wish(PluginWish::Categories(Some(categories)))
    }

    /// Skips nothing any more, from the next start of a track on.
    pub fn clear(&self) -> Pending<()> {
        self.player.wish(PluginWish::Categories(None))
    }

    /// Asks the player's node which categories it skips; `None` if none were set.
    pub fn categories(&self) -> Pending<Option<Vec<Category>>> {
        let guild = self.guild();
        self.player
            .ask_node(PluginRequest::Categories(guild), categories)
    }

    /// The categories that are wanted, whether or not a node has confirmed them.
    pub fn wanted(&self) -> Option<Arc<[Category]>> {
        self.player.view()?.skipped
    }

    fn guild(&self) -> GuildId {
        self.player.guild()
    }
}

/// The lyrics of what a player plays, from [`Player::lyrics`].
#[derive(Clone, Debug)]
pub struct PlayerLyrics {
    player: Player,
}

impl PlayerLyrics {
    /// Asks LavaLyrics of the player's node for the lyrics of what it plays; `None` if there are
    /// none.
    pub fn current(&self, from: LyricsFrom) -> Pending<Option<Lyrics>> {
        let guild = self.player.guild();
        self.player
            .ask_node(PluginRequest::PlayingLyrics { guild, from }, lyrics)
    }

    /// Says the lyrics of each track that plays, and each line as it begins:
    /// [`PluginEvent::LyricsFound`], [`PluginEvent::LyricsNotFound`] and
    /// [`PluginEvent::LyricsLine`]. They are said anew by a node that the player comes to. A
    /// player is made if there is none.
    ///
    /// Answers are those of [`SponsorBlock::set_categories`].
    pub fn subscribe(&self, from: LyricsFrom) -> Pending<()> {
        self.player.wish(PluginWish::Lyrics(Some(from)))
    }

    /// Says no lyrics any more.
    pub fn unsubscribe(&self) -> Pending<()> {
        self.player.wish(PluginWish::Lyrics(None))
    }

    /// Where live lyrics are looked for, if they are wanted, whether or not a node has confirmed
    /// that.
    pub fn wanted(&self) -> Option<LyricsFrom> {
        self.player.view()?.live_lyrics
    }
}

/// A node's youtube-source, from [`Node::youtube`].
#[derive(Clone, Debug)]
pub struct Youtube {
    node: Node,
}

impl Youtube {
    /// Asks what it is logged in with.
    pub fn config(&self) -> Pending<YoutubeConfig> {
        self.ask(PluginRequest::Youtube, youtube)
    }

    /// Changes what it is logged in with. It is asked once and no more, whatever happens: a login
    /// must not begin twice.
    pub fn update(&self, update: YoutubeUpdate) -> Pending<()> {
        self.ask(PluginRequest::UpdateYoutube(update), answer::done)
    }

    /// Lets it use a login that was made before.
    pub fn set_refresh_token(&self, refresh_token: impl Into<Secret>) -> Pending<()> {
        self.update(YoutubeUpdate {
            refresh_token: RefreshToken::Use(refresh_token.into()),
            ..YoutubeUpdate::default()
        })
    }

    /// Asks Google, through the node, for a fresh access token of a login.
    pub fn access_token(&self, refresh_token: impl Into<Secret>) -> Pending<YoutubeToken> {
        let refresh_token = refresh_token.into();
        self.ask(PluginRequest::YoutubeToken { refresh_token }, token)
    }

    /// Fetches the audio of a video, whole: at most
    /// [`Limits::body_bytes_max`](crate::Limits::body_bytes_max) bytes, within the client's
    /// deadline. `itag` is YouTube's number of the format, `client` the name of the client that
    /// the node poses as; it chooses what is not given.
    pub fn stream(
        &self,
        video: impl Into<String>,
        itag: Option<u32>,
        client: Option<String>,
    ) -> Pending<RawAnswer> {
        let video = video.into();
        let request = PluginRequest::YoutubeStream {
            video,
            itag,
            client,
        };
        self.ask(request, media)
    }

    fn ask<T>(&self, request: PluginRequest, read: Read<T>) -> Pending<T> {
        self.node.ask(plugin(request), read)
    }
}

const fn plugin(request: PluginRequest) -> Request {
    Request::Plugin(request)
}

fn search(query: impl Into<String>, kinds: impl IntoIterator<Item = SearchKind>) -> Request {
    let query = query.into();
    let kinds = kinds.into_iter().collect();
    plugin(PluginRequest::Search { query, kinds })
}

macro_rules! plugin_answers {
    ($($name:ident: $variant:ident -> $type:ty;)*) => {
        $(fn $name(answer: Answer, handle: &Arc<Handle>) -> Result<$type, Error> {
            match answer::rest(answer, handle)? {
                rest::Answer::Plugin(answer) => match *answer {
                    PluginAnswer::$variant(answer) => Ok(answer),
                    _ => answer::foreign(),
                },
                _ => answer::foreign(),
            }
        })*
    };
}

plugin_answers! {
    found: Found -> Option<SearchResult>;
    categories: Categories -> Option<Vec<Category>>;
    lyrics: Lyrics -> Option<Lyrics>;
    youtube: Youtube -> YoutubeConfig;
    token: YoutubeToken -> YoutubeToken;
    media: YoutubeStream -> RawAnswer;
}
