//! [`Player`]: one guild's player, as a bot holds it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use lavapool_core::node::Status;
use lavapool_core::player::{PlayerView, Source, Update, Volume};
use lavapool_core::protocol::{ChannelId, Filters, GuildId, RawJson, Track, VoiceState};
use lavapool_core::{Command, GatewayPayload, SubmitError};

use crate::answer;
use crate::error::Error;
use crate::inbox::Voice;
use crate::lock::lock;
use crate::node::Node;
use crate::pending::{Pending, Read};
use crate::shared::Handle;
use crate::views::PlayerCell;

/// One guild's player.
///
/// It is a handle, cheap to clone, and need not have a player behind it: the first update makes
/// one. What is wanted survives the node that plays it. Changes are answered once a node has
/// confirmed them; those made before an earlier one was sent are sent with it.
#[derive(Clone)]
pub struct Player {
    within: Option<Duration>,
    lease: Arc<Lease>,
}

/// What all clones of a handle share.
struct Lease {
    handle: Arc<Handle>,
    cell: Arc<PlayerCell>,
}

impl Player {
    pub(crate) fn new(
        handle: Arc<Handle>,
        within: Option<Duration>,
        cell: Arc<PlayerCell>,
    ) -> Self {
        let lease = Arc::new(Lease { handle, cell });
        Self { within, lease }
    }

    /// The same player, whose commands must be answered within this time.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self {
            within: Some(deadline),
            lease: self.lease.clone(),
        }
    }

    /// Plays a track from its start, in place of what plays.
    ///
    /// It waits for Discord's voice updates if they have not come yet.
    pub fn play(&self, track: impl Into<Source>) -> Pending<()> {
        self.update(Update::play(track))
    }

    /// Plays a track if nothing plays, and nothing is to play.
    ///
    /// Otherwise it fails with [`RequestError::NotReplaced`](crate::RequestError::NotReplaced);
    /// see [`Update::no_replace`].
    pub fn play_if_idle(&self, track: impl Into<Source>) -> Pending<()> {
        self.update(Update::play(track).no_replace())
    }

    /// Changes several things at once.
    pub fn update(&self, update: Update) -> Pending<()> {
        self.submit_update(None, update)
    }

    /// As [`update`](Self::update), and a player that does not exist yet is made on this node.
    ///
    /// A node of another client is refused with [`SubmitError::NoSuchNode`].
    pub fn update_on(&self, node: &Node, update: Update) -> Pending<()> {
        if !node.is_of(&self.lease.handle) {
            return self.refuse_node();
        }
        self.submit_update(Some(node), update)
    }

    /// Pauses.
    pub fn pause(&self) -> Pending<()> {
        self.update(Update::default().paused(true))
    }

    /// Goes on after a pause.
    pub fn resume(&self) -> Pending<()> {
        self.update(Update::default().paused(false))
    }

    /// Goes to this place in the track.
    pub fn seek(&self, position: Duration) -> Pending<()> {
        self.update(Update::default().position(position))
    }

    /// Stops what plays and keeps the player.
    pub fn stop(&self) -> Pending<()> {
        self.update(Update::stop())
    }

    /// Sets the volume in percent, 0 to 1000.
    pub fn set_volume(&self, volume: impl Into<Volume>) -> Pending<()> {
        self.update(Update::default().volume(volume))
    }

    /// Replaces all filters; [`Filters::default`] clears them.
    pub fn set_filters(&self, filters: impl Into<Arc<Filters>>) -> Pending<()> {
        self.update(Update::default().filters(filters))
    }

    /// Ends the track at this place, or, with `None`, at its own end.
    pub fn set_end_time(&self, end_time: impl Into<Option<Duration>>) -> Pending<()> {
        self.update(Update::default().end_time(end_time))
    }

    /// Attaches a JSON object to the track, which its events carry.
    pub fn set_user_data(&self, user_data: RawJson) -> Pending<()> {
        self.update(Update::default().user_data(user_data))
    }

    /// Moves to another node, playing there before it stops here.
    ///
    /// A node of another client is refused with [`SubmitError::NoSuchNode`].
    pub fn move_to(&self, node: &Node) -> Pending<()> {
        if !node.is_of(&self.lease.handle) {
            return self.refuse_node();
        }
        let (guild, node) = (self.guild(), node.id());
        self.submit(Command::Move { guild, node })
    }

    /// Begins to join a voice channel: returns the payload, which is yours to send on the guild's
    /// shard. If Discord does not answer it in
    /// [`Timing::join_deadline`](lavapool_core::Timing::join_deadline), as with a full channel,
    /// [`Event::VoiceJoinTimedOut`](lavapool_core::Event::VoiceJoinTimedOut) says so.
    ///
    /// ```no_run
    /// # fn join(player: &lavapool::Player, channel: lavapool::ChannelId, send: fn(String)) {
    /// send(player.join(channel, false, true).to_json());
    /// # }
    /// ```
    #[must_use = "the bot joins when this is sent on its gateway"]
    pub fn join(&self, channel: ChannelId, self_mute: bool, self_deaf: bool) -> GatewayPayload {
        let guild = self.guild();
        let join = Command::Join {
            guild,
            channel,
            self_mute,
            self_deaf,
        };
        self.submit(join).detach();
        GatewayPayload::join(guild, channel, self_mute, self_deaf)
    }

    /// The payload that leaves the voice channel, which is yours to send on the guild's shard.
    /// What becomes of the player is [`Builder::on_leave`](crate::Builder::on_leave)'s.
    #[must_use = "the bot leaves when this is sent on its gateway"]
    pub fn leave(&self) -> GatewayPayload {
        GatewayPayload::leave(self.guild())
    }

    /// Says whether nobody is there to hear the player: then it counts as inactive after a while
    /// though it plays. Refused with [`SubmitError::NoSuchPlayer`] if there is none.
    pub fn set_alone(&self, alone: bool) -> Pending<()> {
        let guild = self.guild();
        self.submit(Command::Alone { guild, alone })
    }

    /// Sets after what time this player counts as inactive, in place of
    /// [`Builder::inactive_after`](crate::Builder::inactive_after); `None` for never. Refused
    /// with [`SubmitError::NoSuchPlayer`] if there is none.
    pub fn set_inactive_after(&self, after: impl Into<Option<Duration>>) -> Pending<()> {
        let (guild, after) = (self.guild(), after.into());
        self.submit(Command::InactiveAfter { guild, after })
    }

    /// Destroys the player. The handle stays good for a new one.
    pub fn destroy(&self) -> Pending<()> {
        let mut turn = self.turn();
        *turn += 1;
        self.submit(Command::Destroy(self.guild()))
    }

    /// Takes a complete voice state, for a bot that puts Discord's updates together itself.
    pub fn voice(&self, voice: VoiceState) {
        let news = Voice::Whole(self.guild(), voice);
        self.lease.handle.inbox.voice(news);
    }

    /// The guild.
    pub fn guild(&self) -> GuildId {
        self.lease.cell.guild
    }

    /// Everything that is known of the player; `None` if there is none.
    pub fn view(&self) -> Option<PlayerView> {
        self.lease.cell.view()
    }

    /// Whether there is a player.
    pub fn exists(&self) -> bool {
        self.read(|_| ()).is_some()
    }

    /// The position at this moment, on the server's clock: a millisecond of it is a millisecond
    /// of sound, whatever the speed.
    pub fn position(&self) -> Option<Duration> {
        let now = self.lease.handle.clock.now();
        self.read(|view| view.position.at(now))
    }

    /// The place in the track at this moment, which runs faster or slower with a timescale
    /// filter.
    pub fn content_position(&self) -> Option<Duration> {
        let now = self.lease.handle.clock.now();
        self.read(|view| view.position.content_at(now))
    }

    /// What plays, if its details are known.
    pub fn track(&self) -> Option<Arc<Track>> {
        self.read(|view| view.track.clone()).flatten()
    }

    /// Whether anything plays, or should; also while it is paused.
    pub fn is_playing(&self) -> bool {
        self.read(|view| view.playing) == Some(true)
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.read(|view| view.paused) == Some(true)
    }

    /// The volume.
    pub fn volume(&self) -> Volume {
        self.read(|view| view.volume).unwrap_or_default()
    }

    /// The node that it is on, or on its way to.
    pub fn node(&self) -> Option<Node> {
        let node = self.read(|view| view.node().cloned()).flatten()?;
        let handle = &self.lease.handle;
        let cell = handle.views.node(|other| other.id == node.id)?;
        Some(Node::new(handle.clone(), self.within, cell))
    }

    /// The number of the latest track, stop or end that a handle of this player asked for.
    pub(crate) fn turn(&self) -> MutexGuard<'_, u32> {
        lock(&self.lease.cell.turn)
    }

    /// How often a handle asked for a track that gives way to what plays.
    pub(crate) fn tries(&self) -> u32 {
        self.lease.cell.tries.load(Ordering::Relaxed)
    }

    /// Plays or stops as the next turn.
    pub(crate) fn update_in(&self, turn: &mut u32, update: Update) -> Pending<()> {
        *turn += 1;
        self.submit_counted(None, update)
    }

    /// Where to look for what it could play: its own node, or else the first that is connected.
    pub(crate) fn lookup_node(&self) -> Option<Node> {
        let handle = &self.lease.handle;
        let own = self.node().filter(Node::is_connected);
        own.or_else(|| {
            let mut cells = handle.views.nodes().into_iter();
            let cell = cells.find(|cell| cell.read(|view| view.status) == Status::Connected)?;
            Some(Node::new(handle.clone(), self.within, cell))
        })
    }

    fn read<T>(&self, read: impl FnOnce(&PlayerView) -> T) -> Option<T> {
        self.lease.cell.view().as_ref().map(read)
    }

    fn submit_update(&self, node: Option<&Node>, update: Update) -> Pending<()> {
        if !update.sets_track() {
            return self.submit_counted(node, update);
        }
        if update.gives_way() {
            self.lease.cell.tries.fetch_add(1, Ordering::Relaxed);
            return self.submit_counted(node, update);
        }
        let mut turn = self.turn();
        *turn += 1;
        self.submit_counted(node, update)
    }

    fn submit_counted(&self, node: Option<&Node>, update: Update) -> Pending<()> {
        self.submit(Command::Update {
            guild: self.guild(),
            node: node.map(Node::id),
            update,
        })
    }

    fn refuse_node(&self) -> Pending<()> {
        self.refuse(Error::Submit(SubmitError::NoSuchNode), answer::done)
    }

    pub(crate) fn refuse<T>(&self, error: Error, read: Read<T>) -> Pending<T> {
        self.lease.handle.refuse(error, read)
    }

    pub(crate) fn submit(&self, command: Command) -> Pending<()> {
        let handle = &self.lease.handle;
        handle.submit(command, self.within, answer::done)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.handle.views.release(self.cell.guild);
    }
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player")
            .field("guild", &self.guild())
            .finish_non_exhaustive()
    }
}
