//! Requests that were never answered, and may take effect at any time.
//!
//! A server that hangs does later what it was asked, though the socket has been closed since: over
//! newer wishes, or after the player was destroyed, when it makes a player anew. No event need tell
//! of it. So what the node has of such a guild is looked at when a late request should have taken
//! effect, and once more long after that: a player that is there is compared with ours, and one
//! that is elsewhere, or nowhere, is destroyed there. What a look does not show is told again. A
//! seek that may have come late is seen in the node's next report; since that may be late itself,
//! the player is looked at for it at once.

use super::answers::{Class, player_in};
use super::tables::Tables;
use super::timers::Timer;
use super::wires::Exchange;
use crate::id::NodeId;
use crate::node::{Doubt, Job, LaneKind, Own};
use crate::player::{Fields, Placement, Played, PlayerId, Stage};
use crate::protocol::{self, GuildId, TrackEndReason};
use crate::time::Timestamp;

/// What is to be done about a guild at a node.
enum Look {
    Compare(PlayerId),
    Destroy,
    Later,
}

impl Tables {
    /// Whether a request took effect at the node is not known.
    pub(super) fn doubt_exchange(&mut self, id: NodeId, exchange: &Exchange, now: Timestamp) {
        if let (Some(guild), _) | (None, Job::Delete(guild)) = (exchange.effect.guild, exchange.job)
        {
            self.doubt(id, guild, Some(exchange), now);
        }
    }

    /// Whether a request about the guild took effect at the node is not known.
    pub(super) fn doubt(
        &mut self,
        id: NodeId,
        guild: GuildId,
        patch: Option<&Exchange>,
        now: Timestamp,
    ) {
        let fields = patch.map(|patch| patch.effect.fields).unwrap_or_default();
        let sought = patch.and_then(|patch| Some((patch.effect.sought_ms?, patch.sent_at)));
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.doubted.insert(guild);
        let doubt = node.doubts.entry(guild).or_default();
        if patch.is_some() {
            doubt.renew(fields, sought);
        }
        doubt.begin(now);
        let due = doubt.due();
        let armed = node.doubt_timer;
        let armed = armed.and_then(|timer| self.timers.due_at(timer));
        // One that waits for another look may be due later.
        if armed.is_none() || armed > due {
            self.watch_doubts(id, now);
        }
    }

    /// Nothing was heeded of what the node said of the guild's player for a while: it is looked at.
    pub(super) fn look_at_once(&mut self, id: NodeId, guild: GuildId, now: Timestamp) {
        self.doubt(id, guild, None, now);
        if let Some(doubt) = self.doubt_mut(id, guild) {
            doubt.look_at_once(now);
            self.watch_doubts(id, now);
        }
    }

    /// Whether a request about the guild may yet take effect at the node.
    pub(super) fn is_doubted(&self, id: NodeId, guild: GuildId) -> bool {
        self.node(id)
            .is_some_and(|node| node.doubted.contains(&guild))
    }

    /// The session goes on: whatever was asked before may arrive from now on.
    pub(super) fn doubts_resumed(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.doubts.values_mut().for_each(|doubt| doubt.begin(now));
        self.watch_doubts(id, now);
    }

    /// Arms the node's timer for its next look.
    fn watch_doubts(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        self.timers.clear(&mut node.doubt_timer);
        node.doubts.retain(|_, doubt| doubt.due().is_some());
        let due = node.doubts.values().filter_map(Doubt::due).min();
        if let Some(due) = due.filter(|_| node.is_ready()) {
            node.doubt_timer = Some(self.timers.arm(due.max(now), Timer::Doubt(id)));
        }
    }

    /// Some of the node's doubted guilds are due to be looked at.
    pub(super) fn look_due(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.doubt_timer = None;
        if !node.is_ready() {
            // A resumed session begins anew, and one that is over leaves nothing to doubt.
            return;
        }
        let is_due = |doubt: &Doubt| doubt.due().is_some_and(|due| due <= now);
        let due = node.doubts.iter().filter(|(_, doubt)| is_due(doubt));
        let due: Vec<GuildId> = due.map(|(guild, _)| *guild).collect();
        for guild in due {
            let look = self.look_at(id, guild);
            if let Some(doubt) = self.doubt_mut(id, guild) {
                match look {
                    Look::Later => doubt.postpone(now),
                    // Whether it was taken is known when it is answered.
                    Look::Compare(_) => doubt.looking(now),
                    Look::Destroy => doubt.looked(now),
                }
            }
            match look {
                Look::Compare(player) => self.look(player, id),
                Look::Destroy => drop(self.bury(id, guild, None)),
                Look::Later => {}
            }
        }
        self.watch_doubts(id, now);
    }

    fn doubt_mut(&mut self, id: NodeId, guild: GuildId) -> Option<&mut Doubt> {
        self.node_mut(id)?.doubts.get_mut(&guild)
    }

    fn look_at(&self, id: NodeId, guild: GuildId) -> Look {
        let Some(node) = self.node(id).filter(|node| !node.reconciling) else {
            return Look::Later;
        };
        if node.tombstones.contains_key(&guild) || node.patching.contains(&guild) {
            return Look::Later;
        }
        let Some(player) = self.player_of(guild).and_then(|player| self.player(player)) else {
            return Look::Destroy;
        };
        // What the application asks for past the pool is not known to it.
        let may_pass = player.busy.as_ref().is_none_or(|busy| busy.may_pass());
        let is_settled = player.stage == Stage::Idle && player.is_told() && may_pass;
        match player.place {
            Placement::On(node) if node == id && is_settled => Look::Compare(player.id),
            _ if player.is_elsewhere(id) => Look::Destroy,
            _ => Look::Later,
        }
    }

    /// Lines up the question what the node has of the player.
    fn look(&mut self, player: PlayerId, id: NodeId) {
        if let Some(player) = self.player_mut(player) {
            player.stage = Stage::ToLookAt;
        }
        if let Some(node) = self.node_mut(id) {
            // Whatever is waited for goes first.
            node.control.push_later(Job::Look(player));
        }
        self.note_lane(id, LaneKind::Control);
    }

    /// The node said what it has of a player of which everything is confirmed.
    pub(super) fn looked_at(
        &mut self,
        id: PlayerId,
        node: NodeId,
        class: Class,
        body: &[u8],
        now: Timestamp,
    ) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.stage = Stage::Idle;
        let (guild, is_elsewhere) = (player.guild, player.place != Placement::On(node));
        if let Class::SessionUnknown = class {
            return self.session_unknown(node, now);
        }
        if is_elsewhere {
            return self.look_failed(id, node, now);
        }
        let is_lost = matches!(
            class,
            Class::Rejected {
                no_player: true,
                ..
            }
        );
        let theirs = player_in(&class, body, guild);
        match &theirs {
            Some(theirs) => {
                self.tell_hidden(id, node);
                self.correct_place(id, node, theirs, now);
                self.compare(id, theirs, now);
            }
            None if is_lost => self.recreate(id, now),
            // Something before the server, perhaps: nothing was said of the player.
            None => return self.look_failed(id, node, now),
        }
        if let Some(doubt) = self.doubt_mut(node, guild) {
            doubt.looked(now);
        }
        self.watch_doubts(node, now);
        self.sync(id);
        self.settle_player(id);
    }

    /// A look was not answered, or not by the server.
    pub(super) fn look_failed(&mut self, id: PlayerId, node: NodeId, now: Timestamp) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.stage = Stage::Idle;
        let guild = player.guild;
        mark!(LookFailed);
        if let Some(doubt) = self.doubt_mut(node, guild) {
            doubt.look_failed(now);
        }
        self.watch_doubts(node, now);
        self.sync(id);
        self.settle_player(id);
    }

    /// What a late request may have set, and nothing shows, is told again.
    fn tell_hidden(&mut self, id: PlayerId, node: NodeId) {
        let Some(guild) = self.player(id).map(|player| player.guild) else {
            return;
        };
        let hidden = self.doubt_mut(node, guild).map(|doubt| doubt.hidden());
        if let Some(player) = self.player_mut(id).filter(|player| player.plays()) {
            player.unsent = player.unsent.with(hidden.unwrap_or_default());
        }
    }

    /// Whether the place that a report tells may be the work of a seek that the node did late: then
    /// the report is not heeded, and the player is looked at.
    pub(super) fn doubts_place(
        &mut self,
        id: PlayerId,
        node: NodeId,
        position_ms: u64,
        now: Timestamp,
    ) -> bool {
        let Some((guild, own)) = self.heeded_place(id, node, now) else {
            return false;
        };
        let doubt = self.doubt_mut(node, guild);
        if !doubt.is_some_and(|doubt| doubt.hasten(position_ms, own, now)) {
            return false;
        }
        self.watch_doubts(node, now);
        true
    }

    /// Goes back to where the player was, if a seek that the node did late took it from there:
    /// nobody has asked for it since.
    fn correct_place(
        &mut self,
        id: PlayerId,
        node: NodeId,
        theirs: &protocol::Player<'_>,
        now: Timestamp,
    ) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.connected = theirs.state.connected;
        let is_ours = player.plays() && player.played(theirs, true) == Played::Ours;
        let place = self.heeded_place(id, node, now);
        let Some((guild, own)) = place.filter(|_| is_ours) else {
            return;
        };
        let position_ms = u64::try_from(theirs.state.position).unwrap_or(0);
        let doubt = self.doubt_mut(node, guild);
        let Some(ago_ms) = doubt.and_then(|doubt| doubt.spend_sought(position_ms, own, now)) else {
            return;
        };
        mark!(SoughtLate);
        if let Some(player) = self.player_mut(id) {
            player.busy();
            player.go_back(ago_ms, now);
        }
        self.player_changed(id);
        self.sync(id);
    }

    /// Where the player should be, with its guild, if what the node says of that counts.
    fn heeded_place(&self, id: PlayerId, node: NodeId, now: Timestamp) -> Option<(GuildId, Own)> {
        let player = self.player(id)?;
        let is_heeded = player.is_audible() && player.heeds_positions();
        let clock = &player.wanted.clock;
        let own = Own {
            known_ms: clock.known_ms(),
            at_ms: clock.position_ms(now),
        };
        (player.place == Placement::On(node) && is_heeded).then_some((player.guild, own))
    }

    /// Takes the end of the present play for the work of a PATCH that came late, if one may have:
    /// nobody has asked for it since. Then the play is sent again. Returns whether it was.
    pub(super) fn end_came_late(
        &mut self,
        id: PlayerId,
        node: NodeId,
        reason: &TrackEndReason,
        now: Timestamp,
    ) -> bool {
        let is_asked_for = matches!(reason, TrackEndReason::Replaced | TrackEndReason::Stopped);
        let Some(player) = self.player(id).filter(|_| is_asked_for) else {
            return false;
        };
        let is_settled =
            player.place == Placement::On(node) && !player.pending().has(Fields::TRACK);
        let guild = player.guild;
        if !is_settled || !self.doubt_mut(node, guild).is_some_and(Doubt::spend) {
            return false;
        }
        if let Some(player) = self.players.get_mut(id.slot, id.generation) {
            player.play_again(now);
            self.timers.clear_ending(&mut player.busy().ending);
        }
        self.player_changed(id);
        self.sync(id);
        true
    }
}
