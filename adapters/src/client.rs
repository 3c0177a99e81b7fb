//! [`Client`]: the pool of nodes and its players, as a bot holds it.

use std::sync::Arc;
use std::time::Duration;

use lavapool_core::node::{NodeConfig, NodeView, Report};
use lavapool_core::protocol::{
    DecodeError, GuildId, LoadHandler, LoadResult, Track, UserId, VoiceState,
};
use lavapool_core::region::RegionFit;
use lavapool_core::rest::Request;
use lavapool_core::{
    Command, GatewayEvent, Kinds, Leaving, Shard, Strategy, SubmitError, Target, VoiceServerUpdate,
    VoiceStateUpdate, rest,
};

use crate::answer;
use crate::builder::Builder;
use crate::error::Error;
use crate::events::EventStream;
use crate::inbox::Voice;
use crate::node::Node;
use crate::pending::{Pending, Read};
use crate::player::Player;
use crate::recording::Recording;
use crate::shared::Handle;
use crate::strategy::{guarded, select};
use crate::transport::Transport;

/// A pool of Lavalink nodes and the players on them.
///
/// It is a handle: cloning is cheap, and all clones are the same client. What it shows
/// ([`report`](Self::report), [`nodes`](Self::nodes), [`players`](Self::players)) is read from
/// memory. What it does is queued when the method is called, in the order of the calls, and
/// answered by a [`Pending`].
///
/// When the last handle ([`Client`], [`Node`], [`Player`] or [`Pending`]) is dropped, the client
/// closes its connections and deletes nothing: the music plays on for as long as the nodes keep
/// the sessions. [`close`](Self::close) does the same and waits for it.
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
    within: Option<Duration>,
}

impl Client {
    /// Begins a client for the bot with this id.
    pub fn builder(user_id: impl Into<UserId>) -> Builder {
        Builder::new(user_id.into())
    }

    pub(crate) const fn new(handle: Arc<Handle>) -> Self {
        let within = None;
        Self { handle, within }
    }

    /// The same client, whose commands must be answered within this time. The [`Node`]s and
    /// [`Player`]s that it shows inherit that; a node that a command is answered with, such as
    /// that of [`add_node`](Self::add_node), does not, and neither does
    /// [`add_node_detached`](Self::add_node_detached), which waits for nothing. Default
    /// [`Timing::command_deadline`](lavapool_core::Timing::command_deadline).
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self {
            handle: self.handle.clone(),
            within: Some(deadline),
        }
    }

    /// The bot's own id.
    pub fn user_id(&self) -> UserId {
        self.handle.user_id
    }

    /// How the nodes stand.
    pub fn report(&self) -> Report {
        self.handle.views.report()
    }

    /// How the recording goes, if [`Builder::record`](crate::Builder::record) asked for one.
    pub fn recording(&self) -> Option<Recording> {
        self.handle.recording.clone()
    }

    /// The nodes, in the order of configuration.
    pub fn nodes(&self) -> Vec<Node> {
        let cells = self.handle.views.nodes().into_iter();
        cells
            .map(|cell| Node::new(self.handle.clone(), self.within, cell))
            .collect()
    }

    /// The node of this name.
    pub fn node(&self, name: &str) -> Option<Node> {
        let cell = self.handle.views.node(|node| *node.name == *name)?;
        Some(Node::new(self.handle.clone(), self.within, cell))
    }

    /// The best node at the moment, by the pool's strategy: the one that the next player would go
    /// to, were its region not known. `None` if no node may have players.
    pub fn best_node(&self) -> Option<Node> {
        self.choose(&self.handle.strategy, |_| None)
    }

    /// The best node at the moment, by another strategy. [`Strategy::RoundRobin`] goes by the
    /// turns of a pool that uses it itself; elsewhere it is the first node.
    ///
    /// The function of a [`Strategy::Custom`] runs right here; its panic is caught.
    pub fn best_node_by(&self, strategy: &Strategy) -> Option<Node> {
        self.choose(&guarded(strategy.clone()), |_| None)
    }

    /// The best node in a region, which is named as [`NodeConfig::region`] names it: `eu`, or
    /// `frankfurt`. Without one there, or with none of them connected, the best of all.
    pub fn node_in(&self, region: &str) -> Option<Node> {
        let regions = &self.handle.regions;
        self.choose(&self.handle.strategy, |view| {
            regions.lies_in(view.region.as_deref()?, region)
        })
    }

    /// Dials every node that is not connected at once, also those that were given up; the report
    /// comes when each is ready, or has failed within the deadline (RevvLink: `Pool.reconnect`).
    /// They are dialled whether or not anybody waits for it.
    pub fn reconnect(&self) -> impl Future<Output = Report> + Send + use<> {
        let nodes = self.nodes().into_iter();
        let waits: Vec<_> = nodes
            .filter(|node| !node.is_connected())
            .map(|node| node.connect())
            .collect();
        let client = self.clone();
        async move {
            for wait in waits {
                // Why a node is not connected is in the report.
                let _ = wait.await;
            }
            client.report()
        }
    }

    /// Adds a node, dials it, and waits until it is ready. When that fails, or the deadline
    /// passes first, the node stays; it is dialled on unless it refuses for good.
    ///
    /// One that asks for TLS which cannot work is refused with `Error::Tls`, or with
    /// [`Error::TlsUnavailable`] in a build without TLS.
    pub fn add_node(&self, config: NodeConfig) -> Pending<Node> {
        match self.refusal(&config) {
            Some(error) => self.handle.refuse(error, answer::node),
            None => self.submit(Command::AddNode(config), answer::node),
        }
    }

    /// Adds a node and dials it, without waiting for what comes of it; otherwise as
    /// [`add_node`](Self::add_node).
    pub fn add_node_detached(&self, config: NodeConfig) -> Pending<Node> {
        if let Some(error) = self.refusal(&config) {
            return self.handle.refuse(error, answer::node);
        }
        let command = Command::AddNode(config);
        self.handle.submit_detached(command, answer::node)
    }

    /// Sets by which way the node of this name is reached, from its next dial on, whether or not
    /// there is one; `None` is as for all nodes. A node that is connected stays so: to let it show
    /// a renewed client certificate at once, [`reconnect`](Node::reconnect) it.
    ///
    /// What TLS needs is made ready by this call, which may read the platform's authorities from
    /// disk; so is that of all nodes, if it takes the place of a transport's own.
    ///
    /// # Errors
    /// `Error::Tls` if these settings of TLS cannot work; the transport is what it was.
    pub fn set_transport(
        &self,
        node: impl Into<Arc<str>>,
        transport: impl Into<Option<Transport>>,
    ) -> Result<(), Error> {
        let node = node.into();
        let set = self.handle.transports.set(node.clone(), transport.into());
        set.map_err(|refusal| Error::of_tls(node, refusal))
    }

    /// Removes the node of this name; see [`Node::remove`].
    pub fn remove_node(&self, name: &str, players: Leaving) -> Pending<()> {
        match self.node(name) {
            Some(node) => node.remove(players),
            None => {
                let error = Error::Submit(SubmitError::NoSuchNode);
                self.handle.refuse(error, answer::done)
            }
        }
    }

    /// The guild's player, which need not exist yet: the first update makes it.
    pub fn player(&self, guild: GuildId) -> Player {
        let cell = self.handle.views.player(guild);
        Player::new(self.handle.clone(), self.within, cell)
    }

    /// The players that exist, in the order of their guilds.
    pub fn players(&self) -> Vec<Player> {
        let cells = self.handle.views.players().into_iter();
        cells
            .map(|cell| Player::new(self.handle.clone(), self.within, cell))
            .collect()
    }

    /// Subscribes to everything that happens from here on.
    pub fn events(&self) -> EventStream {
        self.events_of(Kinds::ALL)
    }

    /// Subscribes to events of these kinds. Those that nobody listens for cost nothing.
    pub fn events_of(&self, kinds: Kinds) -> EventStream {
        let handle = &self.handle;
        handle.subscribers.subscribe(kinds, handle.events_max)
    }

    /// Subscribes to the changes of the nodes' statuses alone,
    /// [`Event::NodeStatus`](lavapool_core::Event::NodeStatus); what they are at the moment is in
    /// [`report`](Self::report).
    pub fn statuses(&self) -> EventStream {
        self.events_of(Kinds::STATUSES)
    }

    /// Takes Discord's `VOICE_STATE_UPDATE`. Those of other users are ignored, so every one may
    /// be handed in.
    pub fn voice_state_update(&self, update: VoiceStateUpdate) {
        if update.user == self.handle.user_id {
            self.handle.inbox.voice(Voice::State(update));
        }
    }

    /// Takes Discord's `VOICE_SERVER_UPDATE`.
    pub fn voice_server_update(&self, update: VoiceServerUpdate) {
        self.handle.inbox.voice(Voice::Server(update));
    }

    /// Takes any message of Discord's gateway as raw JSON, and picks out those that matter:
    /// `VOICE_STATE_UPDATE`, `VOICE_SERVER_UPDATE`, and `READY`, which is
    /// [`gateway_ready`](Self::gateway_ready). Returns what it was.
    ///
    /// ```no_run
    /// # fn shard_received(client: &lavapool::Client, text: &str) {
    /// if let Err(error) = client.gateway_event(text) {
    ///     eprintln!("{error}");
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`GatewayEvent::parse`]; the message was of no effect then.
    pub fn gateway_event(&self, raw: &str) -> Result<GatewayEvent, DecodeError> {
        let event = GatewayEvent::parse(raw)?;
        match &event {
            GatewayEvent::VoiceState(update) => self.voice_state_update(update.clone()),
            GatewayEvent::VoiceServer(update) => self.voice_server_update(update.clone()),
            GatewayEvent::Ready(shard) => self.gateway_ready(*shard).detach(),
            // Whatever else there is does not matter to players.
            _ => {}
        }
        Ok(event)
    }

    /// Takes Discord's `VOICE_STATE_UPDATE` as raw JSON: its `d`, or the whole message.
    ///
    /// # Errors
    /// As [`VoiceStateUpdate::parse`]; it was of no effect then.
    pub fn voice_state_json(&self, raw: &str) -> Result<(), DecodeError> {
        self.voice_state_update(VoiceStateUpdate::parse(raw)?);
        Ok(())
    }

    /// Takes Discord's `VOICE_SERVER_UPDATE` as raw JSON: its `d`, or the whole message.
    ///
    /// # Errors
    /// As [`VoiceServerUpdate::parse`]; it was of no effect then.
    pub fn voice_server_json(&self, raw: &str) -> Result<(), DecodeError> {
        self.voice_server_update(VoiceServerUpdate::parse(raw)?);
        Ok(())
    }

    /// Says that a shard received `READY`, and not `RESUMED`: Discord has ended its voice
    /// connections, and every guild of it with a player in a channel is joined again, through
    /// [`Builder::gateway`], one each
    /// [`Timing::gateway_interval`](lavapool_core::Timing::gateway_interval). Harmless at the
    /// first `READY`, when there are no players.
    pub fn gateway_ready(&self, shard: Shard) -> Pending<()> {
        self.submit(Command::GatewayReady(shard), answer::done)
    }

    /// Takes a complete voice state, for a bot that puts the two updates together itself.
    pub fn voice(&self, guild: GuildId, voice: VoiceState) {
        self.handle.inbox.voice(Voice::Whole(guild, voice));
    }

    /// Asks the best node what an identifier, such as a URL or `ytsearch:words`, leads to.
    pub fn load_tracks(&self, identifier: impl Into<String>) -> Pending<LoadResult> {
        let identifier = identifier.into();
        self.ask(Request::LoadTracks { identifier }, answer::loaded)
    }

    /// Asks what a query, such as a URL or `ytsearch:words`, leads to: the cache if that knows it
    /// (see [`Builder::cache_capacity`]), else the best node, and another one if that fails to
    /// answer (RevvLink: fetch_tracks).
    ///
    /// However many ask the same at once, one request is made, and all get its answer, each within
    /// its own deadline; those who drop the wait change nothing for the others. Unlike
    /// [`load_tracks`](Self::load_tracks), which asks each time, the result is shared, and a load
    /// that failed is an error: [`RequestError::FetchFailed`](crate::RequestError::FetchFailed)
    /// with the name of the node and the cause.
    ///
    /// ```no_run
    /// # async fn run(client: lavapool::Client) -> Result<(), lavapool::Error> {
    /// let found = client.fetch_tracks("ytsearch:never gonna give you up").await?;
    /// for track in found.tracks() {
    ///     println!("{}", track.info.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn fetch_tracks(&self, query: impl Into<Arc<str>>) -> Pending<Arc<LoadResult>> {
        let (node, query) = (Target::Best, query.into());
        self.submit(Command::FetchTracks { node, query }, answer::fetched)
    }

    /// Sets how many results of [`fetch_tracks`](Self::fetch_tracks) are kept; `None` and 0 switch
    /// the cache off and forget them. When there are more, the most used ones stay.
    pub fn set_cache_capacity(&self, capacity: impl Into<Option<usize>>) -> Pending<()> {
        self.submit(Command::SetCacheCapacity(capacity.into()), answer::done)
    }

    /// How many results of [`fetch_tracks`](Self::fetch_tracks) are kept at most; none if the
    /// cache is off.
    pub fn cache_capacity(&self) -> Option<usize> {
        self.handle.views.cache_capacity()
    }

    /// Whether results of [`fetch_tracks`](Self::fetch_tracks) are kept.
    pub fn has_cache(&self) -> bool {
        self.cache_capacity().is_some()
    }

    /// Asks the best node what an identifier leads to, and gives that to its callback.
    ///
    /// The request is queued at once; await the answer, which is `None` if the callback of that
    /// kind of result is missing.
    #[must_use = "callbacks are called only when this is awaited"]
    pub fn load_tracks_with<'a, I: Into<String>, T>(
        &self,
        identifier: I,
        handler: LoadHandler<'a, T>,
    ) -> impl Future<Output = Result<Option<T>, Error>> + Send + use<'a, I, T> {
        let result = self.load_tracks(identifier);
        async move { Ok(handler.handle(result.await?)) }
    }

    /// Asks the best node for the track of a blob.
    pub fn decode_track(&self, encoded: impl Into<Arc<str>>) -> Pending<Track> {
        let encoded = encoded.into();
        self.ask(Request::DecodeTrack { encoded }, answer::track)
    }

    /// Asks the best node for the tracks of many blobs; one bad blob fails all.
    pub fn decode_tracks(
        &self,
        encoded: impl IntoIterator<Item = impl Into<Arc<str>>>,
    ) -> Pending<Vec<Track>> {
        let encoded = encoded.into_iter().map(Into::into).collect();
        self.ask(Request::DecodeTracks(encoded), answer::tracks)
    }

    /// Makes a request to the best node, and to another one if that fails to answer and the
    /// request may be repeated.
    pub fn request(&self, request: Request) -> Pending<rest::Answer> {
        self.ask(request, answer::rest)
    }

    /// Closes every connection with a close frame; answered once all are closed. Whatever is
    /// asked of the client later is refused.
    ///
    /// With [`Leaving::Keep`] what was asked for before is done first, for up to
    /// [`Timing::close_deadline`](lavapool_core::Timing::close_deadline): an update whose answer
    /// has not come by then is answered with
    /// [`Unconfirmed::Closing`](lavapool_core::Unconfirmed::Closing). Lookups are not waited for:
    /// [`Error::Closed`].
    pub fn close(&self, players: Leaving) -> Pending<()> {
        self.submit(Command::Close(players), answer::done)
    }

    fn choose(
        &self,
        strategy: &Strategy,
        fit: impl Fn(&NodeView) -> Option<RegionFit>,
    ) -> Option<Node> {
        let cell = select(&self.handle, strategy, fit)?;
        Some(Node::new(self.handle.clone(), self.within, cell))
    }

    pub(crate) fn ask<T>(&self, request: Request, read: Read<T>) -> Pending<T> {
        let node = Target::Best;
        self.submit(Command::Rest { node, request }, read)
    }

    /// Why a node cannot be dialled, if that is known already.
    fn refusal(&self, config: &NodeConfig) -> Option<Error> {
        let refusal = self.handle.transports.refusal(config)?;
        Some(Error::of_tls(config.name().clone(), refusal))
    }

    fn submit<T>(&self, command: Command, read: Read<T>) -> Pending<T> {
        self.handle.submit(command, self.within, read)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("user_id", &self.handle.user_id)
            .finish_non_exhaustive()
    }
}
