//! Whether a player that moves is heard until the next node has it.

use lavapool_core::player::Place;
use lavapool_core::protocol::GuildId;

use super::Simulation;
use crate::invariant::Invariant;

/// A server is to delete a guild's player.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) host: usize,
    pub(super) guild: GuildId,
    pub(super) session: String,
}

impl Simulation {
    /// Judges the DELETEs that have gone out since the last time.
    pub(super) fn judge_leavings(&mut self) {
        for leaving in self.oracle.take_leavings() {
            self.judge_leaving(&leaving);
        }
    }

    /// A player that plays is deleted as it goes elsewhere: it has gone on there by then, whatever
    /// became of that.
    fn judge_leaving(&mut self, leaving: &Leaving) {
        let now = self.world.now();
        let (guild, session) = (leaving.guild, &*leaving.session);
        let is_alive = self.oracle.live_session(leaving.host).map(|live| &**live) == Some(session);
        // Whoever fails a player is to delete what it has made of it.
        let is_excused = !is_alive
            || !self.oracle.is_confirmed(guild, session)
            || !self.has_left(leaving)
            || self.oracle.is_in_doubt(guild, now)
            || self.gaps.deceived_until >= now
            || self.application.is_closing();
        let Some(wanted) = self.wanted_anywhere(guild).filter(|_| !is_excused) else {
            return;
        };
        let copies = self.world.copies(guild);
        let heard = copies.iter().filter(|(_, copy)| {
            let track = copy.track.as_ref();
            copy.audible && track.is_some_and(|track| track.identifier == wanted)
        });
        let mut heard: Vec<_> = heard.map(|(_, copy)| &*copy.session).collect();
        let count = heard.len();
        heard.retain(|there| *there != session);
        if heard.len() == count {
            // It is not heard there.
            return;
        }
        self.tally.leavings_judged += 1;
        let is_alone = heard.is_empty() && !self.copies.went_elsewhere(guild, session);
        if is_alone && !self.may_be_elsewhere(guild) {
            let name = self.name(leaving.host);
            self.fail(Invariant::MovedWithoutGap, || {
                format!("{guild} is heard on {name} alone, which is to delete it")
            });
        }
    }

    /// Whether the pool means a player to be elsewhere, or on its way there.
    fn has_left(&self, leaving: &Leaving) -> bool {
        let name = &*self.names[leaving.host];
        let view = self.world.pool().player(leaving.guild);
        view.is_some_and(|view| match view.place {
            Place::Moving { from, to } => *from.name == *name && *to.name != *name,
            Place::On(node) => *node.name != *name,
            _ => false,
        })
    }

    /// Whether a player is settled on a node that has a copy, as it may have come back to it, or
    /// may have what was asked for and not answered.
    fn may_be_elsewhere(&self, guild: GuildId) -> bool {
        let copies = self.world.copies(guild);
        let view = self.world.pool().player(guild);
        view.is_some_and(|view| match view.place {
            Place::On(node) => !view.synced || copies.iter().any(|(on, _)| **on == *node.name),
            _ => false,
        })
    }
}
