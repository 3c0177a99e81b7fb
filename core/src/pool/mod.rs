//! The pool: every node, every player, and every decision about them.
//!
//! [`Pool`] owns parallel tables. The *wires* hold sockets and their bytes; the *tables* hold
//! nodes, players, scores, timers, commands and events. A message is decoded where it lies in a
//! wire's buffer and handled by functions over the tables; what a socket must do because of it
//! is a task, done before the call returns.

mod answers;
mod barriers;
mod burials;
mod changed;
mod commands;
mod counts;
mod cut_off;
mod dial;
mod doubts;
mod end_time;
mod events;
mod explain;
mod failover;
mod fetches;
mod gateway;
mod headers;
mod inactivity;
mod inherited;
mod lanes;
mod leave;
mod loss;
mod messages;
mod moves;
mod pinned;
mod players;
mod plugins;
mod postponed;
mod reconcile;
mod refusals;
mod requests;
mod scores;
mod selection;
mod sockets;
#[cfg(test)]
mod state_table;
mod strategy;
mod tables;
mod targets;
mod timers;
mod views;
mod voice;
mod voice_recovery;
mod wires;

pub use changed::Changed;
pub use explain::{Candidate, Verdict};
pub use strategy::{CustomStrategy, Needs, Score, Selection, Strategy};
pub use timers::Timer;
pub(crate) use timers::TimerKey;

use crate::command::{Answer, Command, Target};
use crate::config::PoolConfig;
use crate::error::{ConfigError, NodeFailure, SubmitError};
use crate::event::{Event, Kinds};
use crate::id::{CommandId, NodeId, SocketId};
use crate::node::{Loss, NodeRef, NodeView, Report};
use crate::output::{Input, Output};
use crate::player::{PlayerView, Update};
use crate::protocol::GuildId;
use crate::room::{self, ROOM_KEPT};
use crate::seed::Seed;
use crate::time::Timestamp;
use commands::Waits;
use lanes::Scratch;
use tables::Tables;
use wires::Wires;

/// A pool of Lavalink nodes and the players on them, as a pure state machine.
///
/// Bytes, commands and the time go in; bytes, connection requests and events come out. All work
/// happens in [`handle`](Pool::handle) and [`submit`](Pool::submit); the `poll_` methods only
/// pop, so no order of calls can corrupt anything. The [crate documentation](crate) shows the
/// loop that drives it.
#[derive(Debug)]
pub struct Pool {
    wires: Wires,
    tables: Tables,
    scratch: Scratch,
    seed: Seed,
    /// How many streams of the seed are in use: one a WebSocket, so that the draws of one never
    /// shift those of another.
    streams: u64,
}

impl Pool {
    /// A pool that dials its nodes at once.
    ///
    /// # Errors
    /// What can be known to be wrong with the configuration; nothing was started then.
    pub fn new(mut config: PoolConfig, seed: Seed, now: Timestamp) -> Result<Self, ConfigError> {
        config.check()?;
        let nodes = std::mem::take(&mut config.nodes);
        let mut pool = Self {
            wires: Wires::default(),
            tables: Tables::new(config, &seed, now),
            scratch: Scratch::default(),
            seed,
            streams: 0,
        };
        for node in nodes {
            pool.tables.add_node(node)?;
        }
        pool.settle(now);
        Ok(pool)
    }

    /// Takes what happened in the world.
    ///
    /// Input that names a socket which the pool has closed is normal, and dropped. So are bytes
    /// from one that is not connected yet.
    pub fn handle(&mut self, input: Input<'_>, now: Timestamp) {
        let now = self.tables.advance(now);
        match input {
            Input::Timeout => self.timeout(now),
            Input::Connected(socket) => self.connected(socket, now),
            Input::Received(socket, bytes) => self.received(socket, bytes, now),
            Input::Wrote(socket, count) => self.wrote(socket, count),
            Input::Closed(socket, closed) => self.closed(socket, closed, now),
        }
        self.settle(now);
    }

    /// Takes what the application wants, to be answered within
    /// [`Timing::command_deadline`](crate::Timing::command_deadline).
    ///
    /// # Errors
    /// What can be known to be wrong with the command; it has no answer then.
    pub fn submit(&mut self, command: Command, now: Timestamp) -> Result<CommandId, SubmitError> {
        let deadline = self.tables.now.max(now) + self.tables.config.timing.command_deadline;
        self.submit_by(command, deadline, now)
    }

    /// Takes what the application wants, to be answered by `deadline`.
    ///
    /// # Errors
    /// As [`submit`](Pool::submit).
    pub fn submit_by(
        &mut self,
        command: Command,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Result<CommandId, SubmitError> {
        let now = self.tables.advance(now);
        if self.tables.closing {
            return Err(SubmitError::Closed);
        }
        let id = self.tables.open(deadline.max(now), command.is_news())?;
        let submitted = self.dispatch(id, command, now);
        if submitted.is_err() {
            self.tables.unopen(id);
        }
        self.settle(now);
        submitted.map(|()| id)
    }

    /// Nobody waits for the command any more: unsent work of it that changes nothing is dropped,
    /// sent work loses only its answer. There is no answer to it from now on.
    pub fn cancel(&mut self, command: CommandId, now: Timestamp) {
        let now = self.tables.advance(now);
        self.tables.cancel_command(command);
        self.settle(now);
    }

    /// Builds events of these kinds only from now on. A new pool builds all.
    pub fn listen(&mut self, kinds: Kinds) {
        self.tables.listening = kinds;
    }

    /// Takes the next thing that the driver must do.
    pub fn poll_output(&mut self) -> Option<Output> {
        room::pop_front(&mut self.tables.outputs, ROOM_KEPT)
    }

    /// Takes the next thing that the application may like to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.tables.events.pop()
    }

    /// When the next [`Input::Timeout`] is due, and what for.
    pub fn poll_timeout(&self) -> Option<(Timestamp, Timer)> {
        self.tables.timers.next()
    }

    /// Takes the next view to publish: each changed one once, however often it changed.
    pub fn poll_changed(&mut self) -> Option<Changed> {
        self.tables.pop_changed()
    }

    /// The bytes to write to the socket; [`Input::Wrote`] says how many were taken.
    pub fn outgoing(&self, socket: SocketId) -> &[u8] {
        self.wires.get(socket).map_or(&[], |wire| wire.pending())
    }

    /// Whether the pool is closed and has nothing left to do.
    pub fn is_finished(&self) -> bool {
        self.tables.closing && self.wires.len() == 0 && self.tables.outputs.is_empty()
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> Option<NodeView> {
        self.tables.node(id).map(|node| self.tables.node_view(node))
    }

    /// The node of this name.
    pub fn node_named(&self, name: &str) -> Option<NodeId> {
        let named = |id: &NodeId| {
            self.tables
                .node(*id)
                .is_some_and(|node| **node.config.name() == *name)
        };
        self.tables.order.iter().copied().find(named)
    }

    /// The nodes, in the order of configuration.
    pub fn nodes(&self) -> impl Iterator<Item = NodeView> {
        let nodes = self
            .tables
            .order
            .iter()
            .filter_map(|id| self.tables.node(*id));
        nodes.map(|node| self.tables.node_view(node))
    }

    /// The node that a socket belongs to, from [`Output::Connect`] until it is closed or the node
    /// is gone: a driver that reaches nodes by different ways asks for it.
    pub fn node_of(&self, socket: SocketId) -> Option<&NodeRef> {
        let wire = self.wires.get(socket)?;
        self.tables.node(wire.node).map(|node| &node.node)
    }

    /// The guild's player.
    pub fn player(&self, guild: GuildId) -> Option<PlayerView> {
        let id = self.tables.player_of(guild)?;
        self.tables
            .player(id)
            .map(|player| self.tables.player_view(player))
    }

    /// Every player.
    pub fn players(&self) -> impl Iterator<Item = PlayerView> {
        self.tables
            .players
            .iter()
            .map(|player| self.tables.player_view(player))
    }

    /// The node that the next player would go to.
    pub fn best_node(&self) -> Option<NodeId> {
        self.tables.peek(None)
    }

    /// The node that this strategy would choose.
    pub fn best_node_by(&self, strategy: &Strategy, needs: &Needs<'_>) -> Selection {
        self.tables.select_by(strategy, needs)
    }

    /// The best node of those in a region, named as a node's label names it; without one there,
    /// the best of all. [`RegionMap::lies_in`](crate::region::RegionMap::lies_in) says what
    /// counts as in it.
    pub fn best_node_in(&self, region: &str) -> Selection {
        let tables = &self.tables;
        let candidates = tables.candidates_by(|node| {
            let label = node.config.region_label()?;
            tables.config.regions.lies_in(label, region)
        });
        let strategy = tables.scores.strategy();
        strategy.select(&candidates, &Needs::default())
    }

    /// Why each node would be chosen, or not: for the guild's player, in its region, or, without
    /// one, for any.
    pub fn explain(&self, guild: Option<GuildId>) -> Vec<Candidate> {
        let player = guild.and_then(|guild| self.tables.player_of(guild));
        self.tables.explain(player)
    }

    /// How the nodes stand.
    pub fn report(&self) -> Report {
        self.tables.report()
    }

    /// How many results of [`Command::FetchTracks`] are kept at most; none if the cache is off.
    pub fn cache_capacity(&self) -> Option<usize> {
        self.tables.fetches.capacity()
    }

    /// How many results of [`Command::FetchTracks`] are kept at the moment, at most
    /// [`cache_capacity`](Pool::cache_capacity). Those whose time is over count until their place
    /// is needed, or somebody asks for them.
    pub fn cached_results(&self) -> usize {
        self.tables.fetches.len()
    }

    fn dispatch(
        &mut self,
        id: CommandId,
        command: Command,
        now: Timestamp,
    ) -> Result<(), SubmitError> {
        let tables = &mut self.tables;
        match command {
            Command::AddNode(config) => {
                let node = tables.add_node(config)?;
                tables.await_node(id, node);
            }
            Command::AwaitNode(node) => tables.await_node(id, tables.known(node)?),
            Command::RemoveNode { node, players } => tables.remove_node(id, node, players, now)?,
            Command::Reconnect(node) => tables.reconnect(id, tables.known(node)?, now),
            Command::Connect(node) => tables.connect(id, tables.known(node)?, now),
            Command::Ping(node) => tables.ping_for(id, tables.known(node)?, now),
            Command::Drain(node) => tables.drain(id, tables.known(node)?, now),
            Command::Undrain(node) => tables.undrain(id, tables.known(node)?, now),
            Command::Update {
                guild,
                node,
                update,
            } => {
                return self.update(id, guild, node, update, now);
            }
            Command::Plugin { guild, wish } => tables.wish(id, guild, wish, now)?,
            Command::Move { guild, node } => {
                let node = tables.known(node)?;
                let player = tables.player_of(guild).ok_or(SubmitError::NoSuchPlayer)?;
                tables.move_to(Some(id), player, node, now);
            }
            Command::Destroy(guild) => {
                match tables.player_of(guild) {
                    Some(player) => tables.destroy(Some(id), player),
                    // One that was there before this client did may yet come to light.
                    None if tables.bury_inherited(guild) => tables.answer(id, Ok(Answer::Done)),
                    None => return Err(SubmitError::NoSuchPlayer),
                }
            }
            Command::VoiceState(_)
            | Command::VoiceServer(_)
            | Command::Voice { .. }
            | Command::Join { .. }
            | Command::GatewayReady(_)
            | Command::Alone { .. }
            | Command::InactiveAfter { .. } => {
                tables.tell(command, now)?;
                tables.answer(id, Ok(Answer::Done));
            }
            Command::Rest { node, request } => {
                if let Target::Node(node) = node {
                    tables.known(node)?;
                }
                tables.submit_request(id, node, request);
            }
            Command::FetchTracks { node, query } => {
                if let Target::Node(node) = node {
                    tables.known(node)?;
                }
                tables.fetch_tracks(id, node, query);
            }
            Command::SetCacheCapacity(capacity) => {
                tables.set_cache_capacity(capacity);
                tables.answer(id, Ok(Answer::Done));
            }
            Command::Close(players) => tables.close(id, players, now),
        }
        Ok(())
    }

    fn update(
        &mut self,
        id: CommandId,
        guild: GuildId,
        node: Option<NodeId>,
        update: Update,
        now: Timestamp,
    ) -> Result<(), SubmitError> {
        update.check()?;
        let node = node.map(|node| self.tables.known(node)).transpose()?;
        let player = self.tables.player_for(guild, node, now)?;
        self.tables.wait_for(id, Waits::Player(player));
        self.tables.update_player(id, player, update, now);
        Ok(())
    }

    fn timeout(&mut self, now: Timestamp) {
        while let Some(timer) = self.tables.timers.pop_due(now) {
            self.due(timer, now);
            self.settle(now);
        }
    }

    fn due(&mut self, timer: Timer, now: Timestamp) {
        let tables = &mut self.tables;
        match timer {
            Timer::Redial(node) => tables.redial_due(node),
            Timer::Connect(node) => tables.node_lost(node, Loss::ConnectTimedOut, now),
            Timer::Ready(node) => tables.node_lost(node, Loss::NeverReady, now),
            Timer::Heartbeat(node) => tables.heartbeat_due(node, now),
            Timer::Pong(node) => tables.pong_due(node, now),
            Timer::Stable(node) => tables.stable(node),
            Timer::Grace(node) => tables.grace_due(node, now),
            Timer::Healthy(node) => tables.healthy_due(node),
            Timer::Probe(node) => tables.probe_due(node, now),
            Timer::Doubt(node) => tables.look_due(node, now),
            Timer::Postponed(node) => tables.postponed_due(node, now),
            Timer::Evacuation(node) => tables.evacuation_due(node, now),
            Timer::Repeat(request) => tables.route_request(request),
            Timer::Resend(player) => tables.resend_due(player),
            Timer::Voice(player) => tables.voice_due(player, now),
            Timer::Stopped(player) => tables.stopped_due(player, now),
            Timer::EndTime(player) => tables.end_time_due(player, now),
            Timer::VoiceStep(player) => tables.voice_step_due(player, now),
            Timer::Silence(player) => tables.silence_due(player, now),
            Timer::Inactive(player) => tables.inactive_due(player, now),
            Timer::Pinned(player) => tables.pinned_due(player, now),
            Timer::Inherited(node) => tables.inherited_due(node, now),
            Timer::Gateway => tables.gateway_due(now),
            Timer::LastWords => tables.last_words_over(),
            Timer::Command(command) => tables.command_due(command),
            Timer::Close(socket) => {
                mark!(CloseUnanswered);
                self.drop_socket(socket);
            }
            Timer::Idle(socket) => self.drop_socket(socket),
            Timer::Dial(socket) => self.dial_due(socket, now),
            Timer::Exchange(socket) => {
                mark!(RequestTimedOut);
                self.exchange_failed(socket, NodeFailure::TimedOut, now);
            }
        }
    }

    /// Does what was decided, until nothing is left to do but what the driver does.
    fn settle(&mut self, now: Timestamp) {
        loop {
            if let Some(task) = room::pop_front(&mut self.tables.tasks, ROOM_KEPT) {
                self.run(task, now);
            } else if let Some((node, kind)) = room::pop_front(&mut self.tables.noted, ROOM_KEPT) {
                if let Some(node) = self.tables.node_mut(node) {
                    node.lane(kind).noted = false;
                }
                self.pump(node, kind, now);
            } else if !self.tables.leave_if_said() {
                break;
            }
        }
        self.tables.count_players();
        while let Some(socket) = self.wires.pop_writable() {
            self.tables.outputs.push_back(Output::Write(socket));
        }
    }
}
