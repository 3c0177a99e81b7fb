//! A resumed session: the server's players against ours.
//!
//! The server's word counts for what plays, ours for what was asked since. Players that the
//! server lacks are made again; those that nobody here knows are adopted or destroyed, and those
//! that were destroyed or moved while the session was away are destroyed.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::value::RawValue;

use super::answers::Class;
use super::tables::Tables;
use crate::command::Answer;
use crate::config::Strangers;
use crate::error::SubmitError;
use crate::event::{Event, Kinds};
use crate::id::NodeId;
use crate::node::{Job, LaneKind};
use crate::player::{Fields, Placement, Played, PlayerId};
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
            return self.players_unlisted(id, now);
        };
        // One player that does not decode costs no other.
        let theirs: Vec<_> = listed
            .iter()
            .filter_map(|text| protocol::Player::decode(text.get()).ok())
            .collect();
        let is_whole = theirs.len() == listed.len();
        let mut is_late = false;
        if let Some(node) = self.node_mut(id) {
            node.reconciling = false;
            is_late = std::mem::take(&mut node.is_unlisted);
            mark!(PlayersListedLate if is_late);
        }
        let mut present = BTreeSet::new();
        for theirs in &theirs {
            present.insert(theirs.guild_id);
            if is_late {
                self.see_at_last(id, theirs.guild_id);
            }
            self.reconcile(id, theirs, now);
        }
        self.inherited_known(id);
        if !is_whole {
            mark!(PlayerUndecodable);
            return self.players_unlisted(id, now);
        }
        self.recreate_absent(id, &present, now);
        self.burn_bridges_to(id, |guild| !present.contains(&guild));
        self.bury_queued(id, &present);
        self.sync_all(id);
        self.note_lane(id, LaneKind::Control);
        self.place_waiting_players(now);
    }

    /// What the server has is not known: what it must not have is destroyed, and its players are
    /// sent what they have not been sent. Nobody but the server knows what a client before this one
    /// has left there: of that it is asked again.
    pub(super) fn players_unlisted(&mut self, id: NodeId, now: Timestamp) {
        mark!(PlayersUnlisted);
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.reconciling = false;
        node.is_unlisted |= node.is_inherited;
        if node.is_unlisted {
            self.postpone_for(id, Job::Players, LIST_AGAIN_AFTER, now);
        }
        let Some(node) = self.node_mut(id) else {
            return;
        };
        for (guild, tombstone) in &mut node.tombstones {
            if !std::mem::replace(&mut tombstone.queued, true) {
                node.control.push(Job::Delete(*guild));
            }
        }
        self.inherited_known(id);
        self.sync_all(id);
        self.note_lane(id, LaneKind::Control);
        self.place_waiting_players(now);
    }

    /// What the node was sent of the guild's player, before it was known what it has, is confirmed:
    /// all else is as an earlier client left it.
    fn see_at_last(&mut self, id: NodeId, guild: GuildId) {
        let player = self.player_of(guild);
        let player = player.and_then(|player| self.player_mut(player));
        if let Some(player) = player.filter(|player| player.place == Placement::On(id)) {
            player.was_sent = false;
        }
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
                mark!(CopyOfAnotherNode);
                self.bury(id, guild, None);
            }
            (_, _) => self.meet_stranger(id, theirs, now),
        }
    }

    /// A player that nobody here knows.
    fn meet_stranger(&mut self, id: NodeId, theirs: &protocol::Player<'_>, now: Timestamp) {
        let guild = theirs.guild_id;
        if self.is_doubted(id, guild) || self.config.strangers == Strangers::Destroy {
            mark!(StrangerDestroyed);
            self.bury(id, guild, None);
            return;
        }
        let adopted: Result<PlayerId, SubmitError> = self.player_for(guild, Some(id), now);
        let Ok(player_id) = adopted else { return };
        let Self { players, texts, .. } = self;
        let Some(player) = players.get_mut(player_id.slot, player_id.generation) else {
            return;
        };
        player.was_sent = true;
        player.care.asked = true;
        mark!(StrangerAdopted);
        player.adopt(theirs, texts, now);
        self.player_changed(player_id);
        if let Some(node) = self.node_ref(id) {
            self.emit(Kinds::PLAYERS, || Event::PlayerAdopted { guild, node });
        }
    }

    /// A player of ours that the server has, too.
    pub(super) fn compare(&mut self, id: PlayerId, theirs: &protocol::Player<'_>, now: Timestamp) {
        let Some(player) = self.player(id) else {
            return;
        };
        let is_doubted = player
            .target()
            .is_some_and(|node| self.is_doubted(node, player.guild));
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.heed_connection(&theirs.state);
        // What this client left there before is nothing that somebody wants.
        if !std::mem::replace(&mut player.was_sent, true) && !is_doubted {
            player.take_unasked(theirs, now);
        }
        let played = player.played(theirs, is_doubted);
        let is_pending = player.unsent.has(Fields::TRACK);
        let busy = player.busy();
        busy.is_sure = true;
        let doubtful = std::mem::take(&mut busy.doubtful);
        match played {
            Played::Ours => player.heed_ours(theirs, doubtful, now),
            // Ours is on its way.
            Played::Late | Played::Another | Played::Nothing if is_pending => {
                player.note_base(theirs, played, now);
            }
            Played::Late => player.play_again(now),
            Played::Another => {
                mark!(ServerPlaysAnother);
                player.take_track(theirs, now);
            }
            Played::Nothing => {}
        }
        player.note_differences(theirs, doubtful);
        player.regulate(now);
        // What the server turned out to have already is confirmed by that.
        let pending = player.unsent;
        let settled = player.busy().settle_except(pending);
        self.answer_settled(settled);
        if played == Played::Nothing && !is_pending {
            mark!(EndImplied);
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
        mark!(PlayerMadeAgain if !absent.is_empty());
        for player_id in absent {
            self.recreate(player_id, now);
        }
    }

    /// The player's node does not have it: it is sent whole.
    pub(super) fn recreate(&mut self, id: PlayerId, now: Timestamp) {
        if let Some(player) = self.player_mut(id) {
            player.wanted.rebase(now);
            player.begin_again(now);
            player.connected = false;
            player.regulate(now);
        }
        self.player_changed(id);
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

/// How long after it did not list the players of a client before this one a node is asked again.
const LIST_AGAIN_AFTER: Duration = Duration::from_secs(10);
