//! Whether players that lost their node go to another one in time.

use lavapool_core::player::Place;

use super::Simulation;
use crate::invariant::Invariant;

impl Simulation {
    /// Judges the players that wait: what they wait for must not be over, and no other node there
    /// to take them. How long they are under way then is the target's affair.
    pub(super) fn judge_waiting(&mut self) {
        let now = self.world.now();
        let pool = self.world.pool();
        if pool.best_node().is_none() || self.oracle.is_late(now) {
            return;
        }
        let waiting: Vec<_> = pool
            .players()
            .filter_map(|view| match view.place {
                Place::Frozen(from) => Some((view.guild, from, self.grace + self.apart)),
                Place::Stranded(from) => Some((view.guild, from, self.apart)),
                Place::On(_) | Place::Moving { .. } | Place::Unplaced | _ => None,
            })
            .collect();
        for (guild, from, within) in waiting {
            let Some(host) = self.names.iter().position(|name| **name == *from.name) else {
                continue;
            };
            self.tally.waits_judged += 1;
            let lost_at = self.oracle.lost_at(host);
            let waits_for = now.saturating_sub(lost_at);
            if waits_for > within {
                let from = self.name(host);
                return self.fail(Invariant::MovedInTime, || {
                    format!("{guild} still waits {waits_for:?} after {from} was lost")
                });
            }
        }
    }
}
