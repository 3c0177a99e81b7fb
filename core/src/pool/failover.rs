//! What becomes of the players of a lost node.
//!
//! | happening | frozen | moving | stranded |
//! |---|---|---|---|
//! | their node resumed | stay, compared with the server's | stay if unsent, else finish | stay |
//! | grace over, session over, or redial failed | moving | | |
//! | another node ready | moving, once the grace is over | to that one, if theirs failed | moving |
//! | 5 s without a healthy node | stranded | | |
//! | their node ready, not resumed | moving, to the same node | as they are | moving, to it |
//!
//! Of a player that moved, the old node's copy is deleted when the new one is confirmed, or as
//! soon as its session is back.

use std::sync::Arc;

use super::tables::Tables;
use super::timers::Timer;
use crate::error::{NodeFailure, RequestError};
use crate::event::{Event, Kinds};
use crate::id::NodeId;
use crate::node::{Last, Node, Outage, State};
use crate::player::{Move, Placement, Player, PlayerId};
use crate::protocol::GuildId;
use crate::time::Timestamp;

impl Tables {
    /// A ready node is lost: its players freeze where they were last heard.
    pub(super) fn begin_outage(&mut self, id: NodeId, last: Last, now: Timestamp) {
        let Some(node) = self.node(id) else { return };
        let grace_at = now + self.config.timing.resume_grace;
        // A redial after the grace would come too late.
        let redial_at = match node.state {
            State::Waiting { redial } => self.timers.due_at(redial),
            State::Stopped(_)
            | State::Due
            | State::Parting { .. }
            | State::Dialling { .. }
            | State::Opening { .. }
            | State::Ready(_)
            | State::Leaving { .. } => None,
        };
        let is_late = redial_at.is_some_and(|at| at >= grace_at);
        mark!(RedialBehindTheGrace if is_late);
        let may_resume = node.session.is_some() && !node.duty.is_over() && !is_late;
        let players = self.players_where(|player| player.is_at(id));
        for player in players {
            self.freeze(player, id, last, now);
        }
        self.lose_left_behind(id, last, now);
        let timing = &self.config.timing;
        let healthy_at = now + timing.healthy_within.max(timing.resume_grace);
        let grace = may_resume.then(|| self.timers.arm(grace_at, Timer::Grace(id)));
        let healthy = Some(self.timers.arm(healthy_at, Timer::Healthy(id)));
        if let Some(node) = self.node_mut(id) {
            node.outage = Some(Outage { grace, healthy });
        }
        self.node_changed(id);
        if !may_resume {
            self.place_waiting_players(now);
        }
    }

    /// What players have left behind on the node plays there no more.
    pub(super) fn lose_left_behind(&mut self, id: NodeId, last: Last, now: Timestamp) {
        for player in self.players_where(|player| player.has_left_behind(id)) {
            if let Some(player) = self.player_mut(player) {
                player.lose_behind(last, now);
            }
        }
    }

    fn freeze(&mut self, id: PlayerId, lost: NodeId, last: Last, now: Timestamp) {
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        let lost_at = last.played_until(player.wanted.clock.known_at(), now);
        if let Placement::Moving {
            from,
            to,
            why: Move::Ordered,
        } = player.place
            && from == lost
        {
            mark!(SourceLostInAMove);
            // The source of an ordered move is lost: the move goes on without it.
            player.stand(lost_at);
            player.leave_behind(lost);
            player.place = Placement::Moving {
                from,
                to,
                why: Move::Lost,
            };
            self.failovers.entry((from, to)).or_default().under_way += 1;
            self.player_changed(id);
            return self.sync(id);
        }
        if player.target() == Some(lost) {
            // A resumed session may have it.
            player.doubt_what_is_sent();
        } else {
            player.recall();
        }
        self.timers.rouse(&mut player.stage);
        if let Some(busy) = &mut player.busy {
            // A node that stops its tracks and goes away was shutting down.
            self.timers.clear_ending(&mut busy.ending);
        }
        match player.place {
            Placement::Moving { from, to, .. } if to == lost && from != lost => {
                mark!(TargetLostInAMove);
                self.turned_away(id, now);
            }
            Placement::Moving {
                why: Move::Ordered, ..
            } => {}
            Placement::Moving {
                from,
                to,
                why: Move::Lost,
                ..
            } => {
                player.place = Placement::Frozen { old: lost };
                self.forget_tried(id);
                self.left_group(from, to, None);
                self.movers_failed(id, NodeFailure::ConnectionLost);
            }
            Placement::Unplaced
            | Placement::On(_)
            | Placement::Frozen { .. }
            | Placement::Stranded { .. } => {
                player.stand(lost_at);
                if let Some(busy) = &mut player.busy {
                    // Each node may have it again.
                    busy.tried = Vec::new();
                }
                player.place = Placement::Frozen { old: lost };
            }
        }
        self.player_changed(id);
    }

    /// The node that the player was on its way to is gone: it stays where it plays, or waits on.
    pub(super) fn turned_away(&mut self, id: PlayerId, now: Timestamp) {
        let place = self.player(id).map(|player| player.place);
        let Some(Placement::Moving { from, to, why, .. }) = place else {
            return;
        };
        // Its session may be resumed with what it has made of the player.
        self.forsake(id);
        if why == Move::Ordered {
            let lost = RequestError::NodeFailed(NodeFailure::ConnectionLost);
            return self.call_off(id, from, lost, now);
        }
        self.left_group(from, to, None);
        self.movers_failed(id, NodeFailure::ConnectionLost);
        let is_waited_for = self.node(from).is_some_and(|node| node.outage.is_some());
        if let Some(player) = self.player_mut(id) {
            player.turn_back(now);
            player.place = if is_waited_for {
                Placement::Frozen { old: from }
            } else {
                Placement::Stranded { from }
            };
            player.regulate(now);
        }
        self.move_player(id, from, Some(to), now);
        self.tell_if_stranded(id);
        self.check_drained(from);
    }

    /// Whether the node that the player was lost from is back, and still has it.
    pub(super) fn still_has(&self, id: PlayerId, from: NodeId) -> bool {
        // One that is being removed has only those that are still to leave it.
        let is_back = |node: &Node| node.has_resumed() && !node.duty.is_over();
        let is_back = self.node(from).is_some_and(is_back);
        let has_it = |player: &Player| {
            let is_burnt = player.busy.as_ref().is_some_and(|busy| busy.is_burnt);
            !is_burnt && !self.is_buried(from, player.guild)
        };
        is_back && self.player(id).is_some_and(has_it)
    }

    /// The session has been waited for long enough.
    pub(super) fn grace_due(&mut self, id: NodeId, now: Timestamp) {
        if let Some(outage) = self.node_mut(id).and_then(|node| node.outage.as_mut()) {
            mark!(GraceEnded);
            outage.grace = None;
            self.place_waiting_players(now);
        }
    }

    /// The first redial failed: the session is not coming back at once.
    pub(super) fn redial_failed(&mut self, id: NodeId, now: Timestamp) {
        let Some(outage) = self
            .nodes
            .get_mut(id.slot, id.generation)
            .and_then(|n| n.outage.as_mut())
        else {
            return;
        };
        mark!(FirstRedialFailed if outage.grace.is_some());
        self.timers.clear(&mut outage.grace);
        self.place_waiting_players(now);
    }

    /// A healthy node has been waited for long enough: who is left is stranded.
    pub(super) fn healthy_due(&mut self, id: NodeId) {
        if let Some(outage) = self
            .nodes
            .get_mut(id.slot, id.generation)
            .and_then(|node| node.outage.as_mut())
        {
            self.timers.clear(&mut outage.grace);
            self.place_waiting_players(self.now);
        }
        let left = self.players_where(|player| player.place == Placement::Frozen { old: id });
        let mut guilds = Vec::with_capacity(left.len());
        for player_id in left {
            if let Some(player) = self.player_mut(player_id) {
                player.place = Placement::Stranded { from: id };
                guilds.push(player.guild);
                self.player_changed(player_id);
            }
        }
        self.end_outage(id);
        if !guilds.is_empty()
            && let Some(from) = self.node_ref(id)
        {
            mark!(Stranded);
            let players = Arc::from(guilds);
            self.emit(Kinds::PLAYERS, || Event::PlayersStranded { from, players });
        }
        self.check_drained(id);
    }

    /// Nothing is waited for any more.
    fn end_outage(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get_mut(id.slot, id.generation) else {
            return;
        };
        if let Some(mut outage) = node.outage.take() {
            self.timers.clear(&mut outage.grace);
            self.timers.clear(&mut outage.healthy);
        }
    }

    /// Every player that waits for a healthy node gets one, if there is one.
    pub(super) fn place_waiting_players(&mut self, now: Timestamp) {
        if !self.scores.has_any() {
            return;
        }
        let nodes = &self.nodes;
        let is_over = |node: NodeId| {
            let node = nodes.get(node.slot, node.generation);
            let outage = node.and_then(|node| node.outage.as_ref());
            outage.is_none_or(|outage| outage.grace.is_none())
        };
        let waiting = self.players.iter().filter(|player| match player.place {
            Placement::Frozen { old } => is_over(old),
            Placement::Stranded { .. } | Placement::Unplaced => true,
            Placement::Moving { .. } => player.is_held_up(),
            Placement::On(_) => false,
        });
        // Those that play come first.
        let mut waiting: Vec<_> = waiting
            .map(|player| (player.wanted.track.is_none(), player.id))
            .collect();
        waiting.sort_by_key(|(is_idle, _)| *is_idle);
        for (_, id) in waiting {
            match self.player(id).map(|player| player.place) {
                Some(Placement::Frozen { old: from } | Placement::Stranded { from }) => {
                    self.move_player(id, from, None, now);
                }
                Some(Placement::Unplaced) => {
                    if !self.awaits_inherited()
                        && let Some(node) = self.choose_for(id, &[])
                    {
                        self.put(id, node, now);
                    }
                }
                Some(Placement::Moving { .. }) => self.move_past(id, now),
                Some(Placement::On(_)) | None => {}
            }
        }
        self.evacuate_drained(now);
    }

    /// A node that was lost is ready: what waits for it, waits no more.
    pub(super) fn settle_outage(&mut self, id: NodeId, resumed: bool, now: Timestamp) {
        self.end_outage(id);
        let theirs = self.players_where(|player| match player.place {
            Placement::Frozen { old } => old == id,
            Placement::Stranded { from } => from == id,
            Placement::Moving {
                from,
                why: Move::Lost,
                ..
            } => from == id && resumed && player.stage.in_flight().is_empty(),
            Placement::Moving { .. } | Placement::Unplaced | Placement::On(_) => false,
        });
        if !resumed {
            self.burn_bridges_to(id, |_| true);
        }
        for player_id in theirs {
            if resumed {
                self.come_home(player_id, id, now);
            } else {
                self.start_move(player_id, id, id, Move::Lost, now);
            }
        }
    }

    /// The node does not have these players any more, which are leaving it.
    pub(super) fn burn_bridges_to(&mut self, id: NodeId, is_gone: impl Fn(GuildId) -> bool) {
        let gone = self.players_where(|player| {
            matches!(player.place, Placement::Moving { from, to, .. } if from == id && to != id)
                && is_gone(player.guild)
        });
        mark!(BridgesBurnt if !gone.is_empty());
        for player in gone {
            if let Some(player) = self.player_mut(player) {
                player.burn_bridges();
            }
        }
    }

    /// The session goes on, and the player with it.
    fn come_home(&mut self, player_id: PlayerId, id: NodeId, now: Timestamp) {
        let Some(player) = self.player(player_id) else {
            return;
        };
        let guild = player.guild;
        if let Placement::Moving { from, to, .. } = player.place {
            mark!(TurnedBackInTime);
            if to != from && player.is_perhaps_there() {
                // The target may have made a player of what it refused, or never answered.
                self.bury(to, guild, None);
            }
            self.unqueue(player_id, to);
            self.release(to, guild);
            self.left_group(from, to, None);
            return self.stay(player_id, id, now);
        }
        let Some(player) = self.player_mut(player_id) else {
            return;
        };
        player.place = Placement::On(id);
        player.rejoin();
        player.regulate(now);
        self.player_changed(player_id);
    }
}
