//! What the application asks of a player, taken over into what is wanted of it.

use crate::player::{Fields, Player, Update};
use crate::time::Timestamp;

impl Player {
    /// Takes over what an update asks for; returns the fields that are to be sent for it. Where it
    /// `is_unknown` whether a node has had the player since before this client, all of them are,
    /// also those that a new player has anyway.
    pub(crate) fn ask(&mut self, mut update: Update, is_unknown: bool, now: Timestamp) -> Fields {
        let set = update.fields();
        let aside = match is_unknown {
            true => self.set_aside(&mut update),
            false => Fields::NONE,
        };
        self.begin_from_here();
        self.care.asked = true;
        let awaited = self.awaited();
        let mut changed = self.wanted.apply(update, now);
        if set.has(Fields::PAUSED) && awaited.has(Fields::TRACK) && !changed.has(Fields::TRACK) {
            // A play ends a pause: who asks for that as well does not mean the play alone.
            changed = changed.with(Fields::PAUSED);
        }
        if is_unknown {
            let kept = set.and(Fields::KEPT.with(Fields::TRACK));
            changed = changed.with(kept).with(aside);
        }
        if changed.has(Fields::TRACK) {
            self.forget_aside();
        }
        self.unsent = self.unsent.with(changed);
        if changed.has(Fields::TRACK) {
            self.awaits_start = self.wanted.track.is_some();
            self.replayed = false;
            // What a play brings with it is part of it.
            self.unsent = self.unsent.without(Fields::USER_DATA);
        }
        if changed.has(Fields::PLAY.with(Fields::FILTERS)) {
            self.forget_copy();
        }
        if self.is_moving() {
            let busy = self.busy();
            busy.left = busy.left.with(changed);
        }
        changed
    }
}
