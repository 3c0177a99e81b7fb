//! [`Node`]: one node of the pool, as a bot holds it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lavapool_core::node::{NodeConfig, NodeRef, NodeView, Status};
use lavapool_core::protocol::{
    GuildId, Info, LoadHandler, LoadResult, PlayerPatchBuf, PlayerSnapshot, RoutePlanner,
    SessionState, SessionUpdate, Stats, Track,
};
use lavapool_core::rest::Request;
use lavapool_core::{Command, Leaving, NodeId, Secret, Target, rest};

use crate::answer;
use crate::client::Client;
use crate::error::Error;
use crate::pending::{Pending, Read};
use crate::player::Player;
use crate::shared::Handle;
use crate::views::NodeCell;

/// One node of the pool.
///
/// It is a handle, cheap to clone. Once the node is removed, it shows the last that was known,
/// and commands are refused with
/// [`SubmitError::NoSuchNode`](lavapool_core::SubmitError::NoSuchNode), even if another node has
/// its name.
#[derive(Clone)]
pub struct Node {
    handle: Arc<Handle>,
    within: Option<Duration>,
    cell: Arc<NodeCell>,
}

impl Node {
    pub(crate) const fn new(
        handle: Arc<Handle>,
        within: Option<Duration>,
        cell: Arc<NodeCell>,
    ) -> Self {
        Self {
            handle,
            within,
            cell,
        }
    }

    /// The same node, whose commands must be answered within this time.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self {
            within: Some(deadline),
            ..self.clone()
        }
    }

    /// The name that it was configured with.
    pub fn name(&self) -> &str {
        &self.cell.node.name
    }

    /// The id, which is never reused.
    pub fn id(&self) -> NodeId {
        self.cell.node.id
    }

    /// The id and the name, as events carry them.
    pub fn node_ref(&self) -> &NodeRef {
        &self.cell.node
    }

    /// The client that it is a node of, with the deadline of this handle (DisGoLink: `Lavalink()`,
    /// Moonlink: `manager`).
    pub fn client(&self) -> Client {
        let client = Client::new(self.handle.clone());
        match self.within {
            Some(deadline) => client.within(deadline),
            None => client,
        }
    }

    /// Everything that is known of it.
    pub fn view(&self) -> NodeView {
        self.cell.view()
    }

    /// What it is doing.
    pub fn status(&self) -> Status {
        self.cell.read(|view| view.status)
    }

    /// Whether it is ready for players.
    pub fn is_connected(&self) -> bool {
        self.status() == Status::Connected
    }

    /// Whether it was removed from the pool.
    pub fn is_removed(&self) -> bool {
        self.cell.is_removed()
    }

    /// The latest stats that it sent; [`fetch_stats`](Self::fetch_stats) asks for newer ones.
    pub fn stats(&self) -> Option<Stats> {
        self.cell.read(|view| view.stats)
    }

    /// What it said about itself when it became ready.
    pub fn info(&self) -> Option<Arc<Info>> {
        self.cell.read(|view| view.info.clone())
    }

    /// What it can do, as `source:NAME`, `filter:NAME` and `plugin:NAME` (Moonlink: capabilities).
    /// Empty until it has said so, soon after it became ready for the first time.
    pub fn capabilities(&self) -> BTreeSet<String> {
        let info = self.info();
        info.iter().flat_map(|info| info.capabilities()).collect()
    }

    /// What it was configured with. The password in it prints as `***`.
    pub fn config(&self) -> Arc<NodeConfig> {
        self.cell.read(|view| view.config.clone())
    }

    /// The players that it has or is to have, in the order of their guilds.
    pub fn players(&self) -> Vec<Player> {
        let cells = self.handle.views.players_of(self.id()).into_iter();
        cells
            .map(|cell| Player::new(self.handle.clone(), self.within, cell))
            .collect()
    }

    /// The latest round trip of a WebSocket ping, `None` unless it is connected and has answered
    /// one; [`ping`](Self::ping) measures a new one.
    pub fn latency(&self) -> Option<Duration> {
        self.cell.read(|view| view.latency)
    }

    /// The session, for a store: with
    /// [`NodeConfig::session_id`](lavapool_core::node::NodeConfig::session_id) the next process
    /// goes on with its players.
    pub fn session_id(&self) -> Option<Secret> {
        self.cell.read(|view| view.session_id.clone())
    }

    /// The penalty; the lowest is chosen. 9e30 unless connected.
    pub fn penalty(&self) -> f64 {
        self.cell.read(|view| view.penalty)
    }

    /// Waits until it is ready for players. Fails at once when it refuses for good.
    pub fn ready(&self) -> Pending<Self> {
        self.submit(Command::AwaitNode(self.id()), answer::node)
    }

    /// Dials it at once, unless it is connected; one that was given up starts over. Answered once
    /// it is ready.
    pub fn connect(&self) -> Pending<Self> {
        self.submit(Command::Connect(self.id()), answer::node)
    }

    /// Measures the round trip of a WebSocket ping.
    pub fn ping(&self) -> Pending<Duration> {
        self.submit(Command::Ping(self.id()), answer::latency)
    }

    /// Dials it at once, whatever its state: a connected one is closed first, one that was given
    /// up starts over. Answered once it is ready.
    pub fn reconnect(&self) -> Pending<Self> {
        self.submit(Command::Reconnect(self.id()), answer::node)
    }

    /// Gives it no more players and moves those that it has to other nodes, each playing there
    /// before it stops here. Answered when none is left.
    pub fn drain(&self) -> Pending<()> {
        self.submit(Command::Drain(self.id()), answer::done)
    }

    /// Lets a drained node have players again.
    pub fn undrain(&self) -> Pending<()> {
        self.submit(Command::Undrain(self.id()), answer::done)
    }

    /// Removes it: it is never dialled again. Its players move to other nodes first, or are
    /// destroyed. Answered once its connection is closed.
    pub fn remove(&self, players: Leaving) -> Pending<()> {
        let node = self.id();
        self.submit(Command::RemoveNode { node, players }, answer::done)
    }

    /// Removes it and destroys its players: none is moved (Moonlink: `destroy`).
    pub fn destroy(&self) -> Pending<()> {
        self.remove(Leaving::Destroy)
    }

    /// Moves its players to the other nodes, each to the best one at its turn, and then removes it
    /// (Moonlink: `eject`). Players that no other node can take stop, and go on at the same place
    /// on the next one that becomes ready.
    pub fn eject(&self) -> Pending<()> {
        self.remove(Leaving::Keep)
    }

    /// Asks what an identifier, such as a URL or `ytsearch:words`, leads to.
    pub fn load_tracks(&self, identifier: impl Into<String>) -> Pending<LoadResult> {
        let identifier = identifier.into();
        self.ask(Request::LoadTracks { identifier }, answer::loaded)
    }

    /// Asks this node, and no other, what a query leads to, unless the cache knows what it, or a
    /// node with the same sources, answers; otherwise as
    /// [`Client::fetch_tracks`](crate::Client::fetch_tracks).
    pub fn fetch_tracks(&self, query: impl Into<Arc<str>>) -> Pending<Arc<LoadResult>> {
        let (node, query) = (Target::Node(self.id()), query.into());
        self.submit(Command::FetchTracks { node, query }, answer::fetched)
    }

    /// Asks what an identifier leads to, and gives that to its callback.
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

    /// Asks for the track of a blob.
    pub fn decode_track(&self, encoded: impl Into<Arc<str>>) -> Pending<Track> {
        let encoded = encoded.into();
        self.ask(Request::DecodeTrack { encoded }, answer::track)
    }

    /// Asks for the tracks of many blobs; one bad blob fails all.
    pub fn decode_tracks(
        &self,
        encoded: impl IntoIterator<Item = impl Into<Arc<str>>>,
    ) -> Pending<Vec<Track>> {
        let encoded = encoded.into_iter().map(Into::into).collect();
        self.ask(Request::DecodeTracks(encoded), answer::tracks)
    }

    /// Asks for the version as text.
    pub fn version(&self) -> Pending<String> {
        self.ask(Request::Version, answer::version)
    }

    /// Asks what it is and can do.
    pub fn fetch_info(&self) -> Pending<Info> {
        self.ask(Request::Info, answer::info)
    }

    /// Asks for its load.
    pub fn fetch_stats(&self) -> Pending<Stats> {
        self.ask(Request::Stats, answer::stats)
    }

    /// Asks for the players of the session as the server has them, past the players' state here.
    pub fn fetch_players(&self) -> Pending<Vec<PlayerSnapshot>> {
        self.ask(Request::Players, answer::players)
    }

    /// Asks for the player of a guild as the server has it.
    pub fn fetch_player(&self, guild: GuildId) -> Pending<PlayerSnapshot> {
        self.ask(Request::Player(guild), answer::player)
    }

    /// Changes a player on the server past the state that is kept here, which does not survive
    /// the node: [`Player::update`] is what a bot wants. With `no_replace` a track that plays is
    /// left alone.
    pub fn update_player(
        &self,
        guild: GuildId,
        no_replace: bool,
        patch: PlayerPatchBuf,
    ) -> Pending<PlayerSnapshot> {
        let request = Request::UpdatePlayer {
            guild,
            no_replace,
            patch,
        };
        self.ask(request, answer::player)
    }

    /// Destroys a player on the server past the state that is kept here: [`Player::destroy`] is
    /// what a bot wants.
    pub fn destroy_player(&self, guild: GuildId) -> Pending<()> {
        self.ask(Request::DestroyPlayer(guild), answer::done)
    }

    /// Changes whether and how long the session outlives its connection (Lavalink: Session
    /// resuming). Once the node has agreed, the sessions that follow this one on it are kept in
    /// the same way; what is `None` stays as it is.
    pub fn update_session(&self, update: SessionUpdate) -> Pending<SessionState> {
        self.ask(Request::UpdateSession(update), answer::session)
    }

    /// Asks which of its addresses it uses; `None` if it has no route planner.
    pub fn route_planner(&self) -> Pending<Option<RoutePlanner>> {
        self.ask(Request::RoutePlannerStatus, answer::route_planner)
    }

    /// Lets it use an address again.
    pub fn free_address(&self, address: impl Into<String>) -> Pending<()> {
        self.ask(Request::FreeAddress(address.into()), answer::done)
    }

    /// Lets it use all its addresses again.
    pub fn free_all_addresses(&self) -> Pending<()> {
        self.ask(Request::FreeAllAddresses, answer::done)
    }

    /// Makes a request of any kind, such as [`Request::Raw`] to a plugin's endpoint.
    pub fn request(&self, request: Request) -> Pending<rest::Answer> {
        self.ask(request, answer::rest)
    }

    /// Whether it is a node of the client with this handle; ids say nothing of that.
    pub(crate) fn is_of(&self, handle: &Arc<Handle>) -> bool {
        Arc::ptr_eq(&self.handle, handle)
    }

    pub(crate) fn ask<T>(&self, request: Request, read: Read<T>) -> Pending<T> {
        let node = Target::Node(self.id());
        self.submit(Command::Rest { node, request }, read)
    }

    fn submit<T>(&self, command: Command, read: Read<T>) -> Pending<T> {
        self.handle.submit(command, self.within, read)
    }
}

impl PartialEq for Node {
    /// Whether both are the same node of the same client.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.cell, &other.cell)
    }
}

impl Eq for Node {}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Node").field(&self.name()).finish()
    }
}
