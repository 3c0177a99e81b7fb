//! What is asked of a play before it is known whether there is one.
//!
//! A client that resumes the session of one before it knows what its players play when the node has
//! listed them. What is asked of such a play by then, as its user data, is set aside: its fields
//! wait, as all that is unsent, and its values are what is wanted once the play is known.

use crate::player::{Fields, Player, Update};
use crate::time::Timestamp;

impl Player {
    /// Sets aside what the update asks of a play that the node may turn out to have; returns the
    /// fields.
    pub(crate) fn set_aside(&mut self, update: &mut Update) -> Fields {
        if self.plays() || self.unsent.has(Fields::TRACK) || update.sets_track() {
            return Fields::NONE;
        }
        let asked = update.take_for_the_play();
        let fields = asked.fields();
        if !fields.is_empty() {
            mark!(AskedOfAnUnknownPlay);
            let aside = self.busy().aside.get_or_insert_default();
            aside.ask_since(asked);
        }
        fields
    }

    /// Another play is asked for, or none: what was set aside is of no play any more.
    pub(crate) fn forget_aside(&mut self) {
        let aside = self.busy.as_mut().and_then(|busy| busy.aside.take());
        if let Some(aside) = aside {
            self.unsent = self.unsent.without(aside.fields());
        }
    }

    /// What the node plays is known: what was set aside is asked of that, if it is anything.
    pub(crate) fn ask_what_is_aside(&mut self, now: Timestamp) {
        let Some(busy) = &mut self.busy else { return };
        let Some(aside) = busy.aside.take() else {
            return;
        };
        let fields = aside.fields();
        busy.left = busy.left.without(fields);
        self.begin_from_here();
        self.unsent = self.unsent.without(fields);
        let changed = self.wanted.apply(*aside, now);
        // A server does not say where its play is to end: it is told also that it is not to.
        let end_time = fields.and(Fields::END_TIME);
        let is_playing = self.wanted.track.is_some();
        let unsaid = if is_playing { end_time } else { Fields::NONE };
        self.unsent = self.unsent.with(changed).with(unsaid);
        self.regulate(now);
    }
}
