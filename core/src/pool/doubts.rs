//! PATCHes that were never answered, and may take effect at any time.
//!
//! A server that hangs does later what it was asked, though the socket has been closed since: over
//! newer wishes, or after the player was destroyed, when it makes a player anew. No event need tell
//! of it. So what the node has of such a guild is looked at when a late PATCH should have taken
//! effect, and once more long after that: a player that is there is compared with ours, and one
//! that is elsewhere, or nowhere, is destroyed there.

use super::answers::Class;
use super::tables::Tables;
use super::timers::Timer;
use crate::id::NodeId;
use crate::node::{Doubt, Job, LaneKind};
use crate::player::{Fields, Placement, PlayerId, Stage};
use crate::protocol::{self, GuildId, TrackEndReason};
use crate::time::Timestamp;

/// What is to be done about a guild at a node.
enum Look {
    Compare(PlayerId),
    Destroy,
    Later,
}

impl Tables {
    /// Whether a PATCH about the guild took effect at the node is not known.
    pub(super) fn doubt(&mut self, id: NodeId, guild: GuildId, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.doubted.insert(guild, Doubt::since(now));
        // One that is armed is due no later.
        if node.doubt_timer.is_none() {
            self.watch_doubts(id, now);
        }
    }

    /// Whether a PATCH about the guild may yet take effect at the node.
    pub(super) fn is_doubted(&self, id: NodeId, guild: GuildId) -> bool {
        self.node(id)
            .is_some_and(|node| node.doubted.contains_key(&guild))
    }

    /// The session goes on: whatever was asked before may arrive from now on.
    pub(super) fn doubts_resumed(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let open = node.doubted.values_mut();
        for doubt in open.filter(|doubt| doubt.due().is_some()) {
            *doubt = Doubt::since(now);
        }
        self.watch_doubts(id, now);
    }

    /// Arms the node's timer for its next look.
    fn watch_doubts(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        self.timers.clear(&mut node.doubt_timer);
        let due = node.doubted.values().filter_map(Doubt::due).min();
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
        let due = node.doubted.iter().filter(|(_, doubt)| is_due(doubt));
        let due: Vec<GuildId> = due.map(|(guild, _)| *guild).collect();
        for guild in due {
            let look = self.look_at(id, guild);
            if let Some(node) = self.node_mut(id)
                && let Some(doubt) = node.doubted.get_mut(&guild)
            {
                match look {
                    Look::Later => doubt.postpone(now),
                    Look::Compare(_) | Look::Destroy => doubt.looked(now),
                }
            }
            match look {
                Look::Compare(player) => self.check(player, id),
                Look::Destroy => drop(self.bury(id, guild, None)),
                Look::Later => {}
            }
        }
        self.watch_doubts(id, now);
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
        let is_settled = player.stage == Stage::Idle && player.unsent.is_empty() && may_pass;
        match player.place {
            Placement::On(node) if node == id && is_settled => Look::Compare(player.id),
            _ if player.is_elsewhere(id) => Look::Destroy,
            _ => Look::Later,
        }
    }

    /// Lines up the question what the node has of the player.
    fn check(&mut self, player: PlayerId, id: NodeId) {
        if let Some(player) = self.player_mut(player) {
            player.stage = Stage::Queued;
            player.busy();
        }
        if let Some(node) = self.node_mut(id) {
            // Whatever is waited for goes first.
            node.control.push_later(Job::Check(player));
        }
        self.note_lane(id, LaneKind::Control);
    }

    /// The node said what it has of a player of which everything is confirmed.
    pub(super) fn looked_at(&mut self, id: PlayerId, class: &Class, body: &[u8], now: Timestamp) {
        match class {
            Class::Done => {
                let text = std::str::from_utf8(body).ok();
                if let Some(theirs) = text.and_then(|text| protocol::Player::decode(text).ok()) {
                    self.compare(id, &theirs, now);
                }
            }
            Class::Rejected { status: 404, .. } => self.recreate(id, now),
            Class::SessionUnknown | Class::Rejected { .. } | Class::NodeFailed { .. } => {}
        }
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
        let doubt = self
            .node_mut(node)
            .and_then(|node| node.doubted.get_mut(&guild));
        if !is_settled || !doubt.is_some_and(Doubt::spend) {
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
