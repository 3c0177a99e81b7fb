//! A resumed session: the server's players against ours.
//!
//! The server's word counts for what plays, ours for what was asked since. Players that the
//! server lacks are made again; those that nobody here knows are adopted or destroyed, and those
//! that were destroyed or moved while the session was away are destroyed.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::answers::Class;
use super::tables::Tables;
use crate::command::Answer;
use crate::config::Strangers;
use crate::error::SubmitError;
use crate::event::{Event, Kinds};
use crate::id::NodeId;
use crate::node::{Job, LaneKind};
use crate::player::{Fields, Placement, PlayerId};
use crate::protocol::{self, GuildId, TrackEndReason, decode};
use crate::time::Timestamp;

impl Tables {
    /// The server listed the players of a resumed session.
    pub(super) fn players_listed(&mut self, id: NodeId, class: Class, body: &[u8], now: Timestamp) {
        if let Class::SessionUnknown = class {
            return self.session_unknown(id, now);
        }
        let text = std::str::from_utf8(body)
            .ok()
            .filter(|_| matches!(class, Class::Done));
        let listed = text.and_then(|text| decode::<Vec<&RawValue>>(text, "players").ok());
        let Some(listed) = listed else {
            return self.players_unlisted(id);
        };
        // One player that does not decode costs no other.
        let theirs: Vec<_> = listed
            .iter()
            .filter_map(|text| protocol::Player::decode(text.get()).ok())
            .collect();
        let is_whole = theirs.len() == listed.len();
        if let Some(node) = self.node_mut(id) {
            node.reconciling = false;
        }
        let mut present = BTreeSet::new();
        for theirs in &theirs {
            present.insert(theirs.guild_id);
            self.reconcile(id, theirs, now);
        }
        if !is_whole {
            return self.players_unlisted(id);
        }
        self.recreate_absent(id, &present, now);
        self.burn_bridges_to(id, |guild| !present.contains(&guild));
        self.bury_queued(id, &present);
        self.sync_all(id);
        self.note_lane(id, LaneKind::Control);
    }

    /// What the server has is not known: what it must not have is destroyed, and its players are
    /// sent what they have not been sent.
    pub(super) fn players_unlisted(&mut self, id: NodeId) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.reconciling = false;
        for (guild, tombstone) in &mut node.tombstones {
            if !std::mem::replace(&mut tombstone.queued, true) {
                node.control.push(Job::Delete(*guild));
            }
        }
        self.sync_all(id);
        self.note_lane(id, LaneKind::Control);
    }

    fn reconcile(&mut self, id: NodeId, theirs: &protocol::Player<'_>, now: Timestamp) {
        let guild = theirs.guild_id;
        if self.is_buried(id, guild) {
            return;
        }
        let known = self.player_of(guild);
        let ours = known
            .and_then(|player| self.player(player))
            .map(|player| player.place);
        match (known, ours) {
            (Some(player), Some(Placement::On(node))) if node == id => {
                self.compare(player, theirs, now);
            }
            // A player of another node, or on its way there: this copy goes when it has arrived.
            (Some(_), Some(Placement::Moving { from, .. })) if from == id => {}
            (Some(player), Some(Placement::Unplaced)) => {
                self.put(player, id, now);
                self.compare(player, theirs, now);
            }
            (Some(_), Some(_)) => {
                self.bury(id, guild, None);
            }
            (_, _) => self.meet_stranger(id, theirs, now),
        }
    }

    /// A player that nobody here knows.
    fn meet_stranger(&mut self, id: NodeId, theirs: &protocol::Player<'_>, now: Timestamp) {
        let guild = theirs.guild_id;
        let is_ghost = self
            .node(id)
            .is_some_and(|node| node.doubted.contains(&guild));
        if is_ghost || self.config.strangers == Strangers::Destroy {
            self.bury(id, guild, None);
            return;
        }
        let adopted: Result<PlayerId, SubmitError> = self.player_for(guild, Some(id), now);
        let Ok(player_id) = adopted else { return };
        let Some(player) = self.player_mut(player_id) else {
            return;
        };
        player.was_sent = true;
        player.care.asked = true;
        player.adopt(theirs, now);
        self.player_changed(player_id);
        if let Some(node) = self.node_ref(id) {
            self.emit(Kinds::PLAYERS, || Event::PlayerAdopted { guild, node });
        }
    }

    /// A player of ours that the server still has.
    fn compare(&mut self, id: PlayerId, theirs: &protocol::Player<'_>, now: Timestamp) {
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.connected = theirs.state.connected;
        player.ping_ms = i32::try_from(theirs.state.ping).unwrap_or(-1);
        let is_same = player.is_playing(theirs);
        let is_over = theirs.track.is_none() && !is_same && !player.unsent.has(Fields::TRACK);
        if is_same {
            // The play is there, whatever became of the answer to its PATCH.
            player.unsent = player.unsent.without(Fields::TRACK);
            player.awaits_start = false;
            // As with its reports: without sound the server says 0, or the last place of any.
            let is_heard = player.is_audible() && !theirs.paused;
            if is_heard && !player.unsent.has(Fields::POSITION) {
                let position_ms = u64::try_from(theirs.state.position).unwrap_or(0);
                player.wanted.clock.report(position_ms, now);
            }
        } else if !player.unsent.has(Fields::TRACK) && !is_over {
            player.take_track(theirs, now);
        }
        player.busy().doubtful = Fields::NONE;
        if theirs.paused != player.wanted.paused {
            player.unsent = player.unsent.with(Fields::PAUSED);
        }
        if theirs.volume != player.wanted.volume.get() {
            player.unsent = player.unsent.with(Fields::VOLUME);
        }
        let filters = theirs.filters().ok().filter(|filters| !filters.is_empty());
        if filters.as_ref() != player.wanted.filters.as_deref() {
            player.unsent = player.unsent.with(Fields::FILTERS);
        }
        player.regulate(now);
        // What the server turned out to have already is confirmed by that.
        let pending = player.unsent;
        let settled = player.busy().settle_except(pending);
        self.answer_settled(settled);
        if is_over {
            // Nobody could stop it while the session was away, and the news of its end may be lost.
            self.hold_end(id, TrackEndReason::Finished, now);
        }
        self.player_changed(id);
        self.settle_player(id);
    }

    /// Players of ours that the server lost are made again.
    fn recreate_absent(&mut self, id: NodeId, present: &BTreeSet<GuildId>, now: Timestamp) {
        let absent = self.players_where(|player| {
            player.place == Placement::On(id) && !present.contains(&player.guild)
        });
        for player_id in absent {
            if let Some(player) = self.player_mut(player_id) {
                player.wanted.rebase(now);
                player.unsent = player.unsent.with(player.substance());
                player.connected = false;
                player.regulate(now);
            }
            self.player_changed(player_id);
        }
    }

    /// What must not be there is destroyed, if it is; the rest of the tombstones have served.
    fn bury_queued(&mut self, id: NodeId, present: &BTreeSet<GuildId>) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let buried: Vec<_> = node.tombstones.keys().copied().collect();
        for guild in buried {
            if present.contains(&guild) {
                let Some(node) = self.node_mut(id) else {
                    return;
                };
                let Some(tombstone) = node.tombstones.get_mut(&guild) else {
                    continue;
                };
                if !std::mem::replace(&mut tombstone.queued, true) {
                    node.control.push(Job::Delete(guild));
                }
            } else {
                self.buried(id, guild, Ok(Answer::Done));
            }
        }
    }
}
