//! How many players each node has, kept as they change: views and reports never count them.

use super::tables::Tables;
use crate::node::{Node, PlayerCount};
use crate::player::Counted;
use crate::room::{self, ROOM_KEPT};

impl Tables {
    /// Counts the players that changed as they are by now.
    pub(super) fn count_players(&mut self) {
        while let Some(id) = room::pop(&mut self.uncounted, ROOM_KEPT) {
            let Some(player) = self.player_mut(id) else {
                continue;
            };
            player.uncounted = false;
            let new = player.count();
            let old = std::mem::replace(&mut player.counted, new);
            if old != new {
                self.uncount(&old);
                self.count(&new);
            }
        }
    }

    /// The player is gone.
    pub(super) fn uncount(&mut self, counted: &Counted) {
        for node in counted.at.into_iter().flatten() {
            // A node that was removed took its count with it.
            if let Some(found) = self.node_mut(node) {
                found.players.all -= 1;
                found.players.playing -= usize::from(counted.plays);
                self.node_changed(node);
            }
        }
    }

    fn count(&mut self, counted: &Counted) {
        for node in counted.at.into_iter().flatten() {
            if let Some(found) = self.node_mut(node) {
                found.players.all += 1;
                found.players.playing += usize::from(counted.plays);
                self.node_changed(node);
            }
        }
    }

    /// In debug builds, compares the count with what a look at every player finds.
    pub(super) fn judge_count(&self, node: &Node) {
        if cfg!(debug_assertions) {
            let theirs = self.players.iter().filter(|player| player.is_at(node.id()));
            let mut count = PlayerCount::default();
            for player in theirs {
                count.all += 1;
                count.playing += usize::from(player.plays());
            }
            debug_assert_eq!(node.players, count, "players of {:?}", node.node);
        }
    }
}
