//! What the well-known plugins are told of players, and what they say of them.
//!
//! A wish is told to the node that has its player, once for each WebSocket: it is due when the
//! node's ledger does not show its number. A plugin forgets what it was told with its WebSocket,
//! and the ledger with it, so a `ready`, a move and a failover need no more than to ask whether
//! anything is due.
//!
//! | the node | a wish |
//! |---|---|
//! | lacks the plugin, as its info says | is not told; its command is answered so; the wish stays |
//! | has it, or its info is not there yet | is told |
//! | answers 404 for the endpoint | as if it lacked the plugin, until its next WebSocket |
//! | does not answer | is told again after a pause |

use super::answers::Class;
use super::commands::Waits;
use super::lanes::{Scratch, Written, kind_of};
use super::tables::Tables;
use crate::command::Answer;
use crate::error::{RequestError, SubmitError};
use crate::event::{Event, Kinds};
use crate::id::{CommandId, NodeId};
use crate::node::{Job, Node, Telling, Tombstone};
use crate::player::{Fields, Player, PlayerId, PluginWish};
use crate::protocol::GuildId;
use crate::protocol::plugins::{KnownPlugin, PluginEvent, PluginMessage};
use crate::rest::{PluginRequest, Request, lacks_endpoint};
use crate::time::Timestamp;

impl Tables {
    /// Takes a wish; the command waits until the player's node has confirmed it.
    pub(super) fn wish(
        &mut self,
        command: CommandId,
        guild: GuildId,
        wish: PluginWish,
        now: Timestamp,
    ) -> Result<(), SubmitError> {
        if wish.is_none() && self.player_of(guild).is_none() {
            self.answer(command, Ok(Answer::Done));
            return Ok(());
        }
        let id = self.player_for(guild, None, now)?;
        self.wishes += 1;
        let number = self.wishes;
        let plugin = wish.plugin();
        let node = self.player(id).and_then(Player::target);
        let node = node.and_then(|node| self.node(node));
        let stage = node.map(|node| node.plugins.get(guild, plugin).stage);
        let Some(player) = self.player_mut(id) else {
            return Ok(());
        };
        let wishes = player.wishes.get_or_insert_default();
        let superseded = match (wishes.of(plugin), stage) {
            // That one is not lost: it is on its way, unless only what was before it is taken back.
            (Some((old, before)), Some(Telling::Sent { wish, clears, .. }))
                if *old == wish && clears == before.is_none() =>
            {
                Vec::new()
            }
            (Some((old, _)), _) => wishes.take_waiting(*old),
            (None, _) => Vec::new(),
        };
        wishes.set(number, wish);
        wishes.wait(number, command);
        self.wait_for(command, Waits::Player(id));
        self.answer_all(superseded, &Err(RequestError::Superseded));
        self.player_changed(id);
        self.register(id);
        Ok(())
    }

    /// Lines up what the plugins of the player's node are yet to be told.
    pub(super) fn register(&mut self, id: PlayerId) {
        for plugin in WISHED {
            self.register_with(id, plugin);
        }
    }

    fn register_with(&mut self, id: PlayerId, plugin: KnownPlugin) {
        let Some(player) = self.players.get(id.slot, id.generation) else {
            return;
        };
        let wish = player.wishes.as_ref().and_then(|wishes| wishes.of(plugin));
        let (Some((number, wish)), Some(node_id)) = (wish, player.target()) else {
            return;
        };
        let Some(node) = self.nodes.get_mut(node_id.slot, node_id.generation) else {
            return;
        };
        let (number, guild) = (*number, player.guild);
        if !node.is_ready() || node.reconciling || node.tombstones.contains_key(&guild) {
            return;
        }
        let entry = node.plugins.get(guild, plugin);
        if entry.stage != Telling::Idle || entry.refused == Some(number) {
            return;
        }
        if entry.confirmed == Some(number) || (wish.is_none() && !entry.told) {
            return self.wish_settled(id, number, &Ok(Answer::Done));
        }
        if lacks(node, plugin) {
            let error = RequestError::PluginMissing { plugin };
            return self.wish_settled(id, number, &Err(error));
        }
        node.plugins.entry(guild, plugin).stage = Telling::Queued;
        let job = Job::Plugin(guild, plugin);
        // Just ahead of the play that it must come before.
        let is_heavy = player.is_moving() || player.unsent.has(Fields::VOICE);
        let kind = kind_of(job);
        let lane = node.lane(kind);
        match (is_heavy, player.wanted.track.is_some()) {
            (true, true) => lane.push_heavy(job),
            (true, false) => lane.push_later(job),
            (false, _) => lane.push(job),
        }
        self.note_lane(node_id, kind);
    }

    /// The node's WebSocket is a new one: its plugins know nothing.
    pub(super) fn forget_told(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id) {
            node.plugins.clear();
            for tombstone in node.tombstones.values_mut() {
                tombstone.is_gone = false;
                tombstone.leftovers.clear();
            }
        }
    }

    /// Writes what is due, if it still is.
    pub(super) fn write_plugin(
        &mut self,
        id: NodeId,
        guild: GuildId,
        plugin: KnownPlugin,
        scratch: &mut Scratch,
    ) -> Option<Written> {
        let serial = self.exchanges;
        let player_id = self.player_of(guild)?;
        let Self { nodes, players, .. } = self;
        let node = nodes.get_mut(id.slot, id.generation)?;
        let player = players.get_mut(player_id.slot, player_id.generation)?;
        let entry = node.plugins.get(guild, plugin);
        if let Telling::Sent { .. } | Telling::Leaving { .. } = entry.stage {
            return None;
        }
        node.plugins.entry(guild, plugin).stage = Telling::Idle;
        let is_here = player.target() == Some(id) && !node.tombstones.contains_key(&guild);
        let (number, wish) = player.wishes.as_ref()?.of(plugin).filter(|_| is_here)?;
        let is_subscribed = plugin == KnownPlugin::LavaLyrics && entry.told;
        if entry.confirmed == Some(*number) || lacks(node, plugin) {
            // That has come to light since it was lined up.
            self.register_with(player_id, plugin);
            return None;
        }
        // A second subscription would leave the first one as it is.
        let clears = wish.is_none() || is_subscribed;
        let request = Request::Plugin(wish.request(guild, clears));
        let wish = *number;
        player.was_sent = true;
        let entry = node.plugins.entry(guild, plugin);
        entry.told = true;
        entry.stage = Telling::Sent {
            serial,
            wish,
            clears,
        };
        self.write_rest(id, &request, scratch)
    }

    /// The node answered what a plugin was told.
    pub(super) fn plugin_answered(
        &mut self,
        id: NodeId,
        guild: GuildId,
        plugin: KnownPlugin,
        class: Class,
        now: Timestamp,
    ) {
        self.note_lane(id, kind_of(Job::Plugin(guild, plugin)));
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let (wish, clears) = match node.plugins.get(guild, plugin).stage {
            Telling::Sent { wish, clears, .. } => (wish, clears),
            Telling::Leaving { .. } => return self.told_in_leaving(id, guild, plugin),
            Telling::Idle | Telling::Queued | Telling::Resting => return,
        };
        let entry = node.plugins.entry(guild, plugin);
        entry.stage = Telling::Idle;
        let answer = match class {
            Class::SessionUnknown => return self.session_unknown(id, now),
            Class::Done => Ok(Answer::Done),
            // What is not there need not be taken back, and a subscription of a guild without a
            // player is kept all the same.
            Class::Rejected {
                status: 404,
                message,
                ..
            } if clears || !lacks_endpoint(404, message.as_deref()) => Ok(Answer::Done),
            Class::Rejected { status: 404, .. } => Err(RequestError::PluginMissing { plugin }),
            Class::Rejected {
                status, message, ..
            } => Err(RequestError::Rejected { status, message }),
            Class::NodeFailed { .. } => return,
        };
        match &answer {
            Ok(_) => {
                entry.told = !clears;
                entry.confirmed = Some(wish);
            }
            Err(_) => entry.refused = Some(wish),
        }
        let Some(player) = self.player_of(guild) else {
            return;
        };
        if clears && answer.is_ok() && self.wants_more(player, plugin, wish) {
            self.reopen(id, guild, plugin);
        } else {
            self.wish_settled(player, wish, &answer);
        }
        self.register(player);
    }

    /// What the plugin was told as the player left the node is on its way no more: a player that
    /// is there again may be told of.
    fn told_in_leaving(&mut self, id: NodeId, guild: GuildId, plugin: KnownPlugin) {
        if let Some(node) = self.node_mut(id) {
            node.plugins.remove(guild, plugin);
        }
        if let Some(player) = self.player_of(guild) {
            self.register_with(player, plugin);
        }
    }

    /// What was told before is taken back; what is wanted is yet to be told.
    fn reopen(&mut self, id: NodeId, guild: GuildId, plugin: KnownPlugin) {
        if let Some(node) = self.node_mut(id) {
            node.plugins.entry(guild, plugin).confirmed = None;
        }
    }

    /// What a plugin was told never arrived: it goes out once more, unless the node is not there or
    /// the player has left it.
    pub(super) fn repeat_plugin(&mut self, id: NodeId, guild: GuildId, plugin: KnownPlugin) {
        let Some(node) = self.node_mut(id).filter(|node| node.is_ready()) else {
            return;
        };
        match node.plugins.get(guild, plugin).stage {
            Telling::Leaving { .. } => self.told_in_leaving(id, guild, plugin),
            Telling::Sent { .. } => {
                node.plugins.entry(guild, plugin).stage = Telling::Queued;
                let job = Job::Plugin(guild, plugin);
                node.lane(kind_of(job)).push_first(job);
            }
            Telling::Idle | Telling::Queued | Telling::Resting => {}
        }
    }

    /// The node did not answer, and the job is postponed.
    pub(super) fn plugin_failed(&mut self, id: NodeId, guild: GuildId, plugin: KnownPlugin) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        match node.plugins.get(guild, plugin).stage {
            Telling::Leaving { .. } => node.plugins.remove(guild, plugin),
            Telling::Queued | Telling::Sent { .. } => {
                node.plugins.entry(guild, plugin).stage = Telling::Resting;
            }
            Telling::Idle | Telling::Resting => {}
        }
    }

    /// The DELETE of a buried player was answered: returns whether the node knows nothing of the
    /// guild any more. What its plugins know goes after the player, so that the music stops first.
    pub(super) fn is_forgotten(&mut self, id: NodeId, guild: GuildId) -> bool {
        let Some(node) = self.node_mut(id) else {
            return true;
        };
        let Some(tombstone) = node.tombstones.get_mut(&guild) else {
            return true;
        };
        if std::mem::replace(&mut tombstone.is_gone, true) {
            tombstone.leftovers.pop();
        }
        if tombstone.leftovers.is_empty() {
            return true;
        }
        let job = Job::Delete(guild);
        node.control.push(job);
        self.note_lane(id, kind_of(job));
        false
    }

    /// A plugin of the node said something of a player; only the node that the sound comes from,
    /// or is to come from, is listened to.
    pub(super) fn plugin_event(&mut self, id: NodeId, message: PluginMessage, now: Timestamp) {
        let PluginMessage {
            guild_id: guild,
            event,
        } = message;
        let Some(player_id) = self.player_of(guild) else {
            return;
        };
        let Some(player) = self.player(player_id) else {
            return;
        };
        if player.speaker().or_else(|| player.target()) != Some(id) {
            return;
        }
        if let PluginEvent::SegmentSkipped(segment) = &event {
            let end_ms = u64::try_from(segment.end.as_millis()).unwrap_or(u64::MAX);
            self.skipped_to(player_id, id, end_ms, now);
        }
        if let Some(node) = self.node_ref(id) {
            self.emit(Kinds::PLUGINS, || Event::Plugin { guild, node, event });
        }
    }

    /// The plugin sought past a segment, which the next report of a position is yet to show.
    fn skipped_to(&mut self, id: PlayerId, node: NodeId, end_ms: u64, now: Timestamp) {
        // What a session kept while it was away is about a moment that is long gone.
        let is_old = self.node(node).is_none_or(|node| node.replaying);
        let Some(player) = self.player_mut(id) else {
            return;
        };
        if !is_old && player.heeds_positions() && player.is_audible() {
            let length_ms = player.wanted.length_ms();
            player.wanted.clock.begin(end_ms, length_ms, now);
            self.player_changed(id);
        }
    }

    /// The wish is confirmed, or will not be.
    fn wish_settled(&mut self, id: PlayerId, number: u64, answer: &Result<Answer, RequestError>) {
        let wishes = self
            .player_mut(id)
            .and_then(|player| player.wishes.as_mut());
        let waiting = wishes.map(|wishes| wishes.take_waiting(number));
        self.answer_all(waiting.unwrap_or_default(), answer);
    }

    /// Whether the wish is still the latest, and for something.
    fn wants_more(&self, id: PlayerId, plugin: KnownPlugin, number: u64) -> bool {
        let wishes = self.player(id).and_then(|player| player.wishes.as_ref());
        let wish = wishes.and_then(|wishes| wishes.of(plugin));
        wish.is_some_and(|(latest, wish)| *latest == number && !wish.is_none())
    }

    /// The nodes that are known not to have the plugin of a request.
    pub(super) fn nodes_without_plugin(&self, request: &Request) -> Vec<NodeId> {
        let Request::Plugin(request) = request else {
            return Vec::new();
        };
        let plugin = request.plugin();
        let without = self.nodes.iter().filter(|node| lacks(node, plugin));
        without.map(Node::id).collect()
    }
}

impl Tombstone {
    /// What the node is to be asked next to forget the guild.
    pub(super) fn request(&self, guild: GuildId) -> Request {
        let leftover = self.leftovers.last().filter(|_| self.is_gone);
        match leftover {
            Some(KnownPlugin::SponsorBlock) => {
                Request::Plugin(PluginRequest::ClearCategories(guild))
            }
            Some(KnownPlugin::LavaLyrics) => {
                Request::Plugin(PluginRequest::UnsubscribeLyrics(guild))
            }
            Some(KnownPlugin::LavaSearch | KnownPlugin::YoutubeSource) | None => {
                Request::DestroyPlayer(guild)
            }
        }
    }
}

/// The plugins that remember something of a player.
const WISHED: [KnownPlugin; 2] = [KnownPlugin::SponsorBlock, KnownPlugin::LavaLyrics];

/// Whether the node is known not to have the plugin.
pub(super) fn lacks(node: &Node, plugin: KnownPlugin) -> bool {
    let info = node.info.as_ref();
    info.is_some_and(|info| !plugin.is_in(info))
}
