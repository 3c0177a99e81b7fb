//! [`Before`]: what a node plays until it has the next play, to which a refusal of that goes back.

use std::sync::Arc;

use crate::player::{Busy, Choice, Desired, Fields};
use crate::protocol::{Track, TrackEndReason, WireTrack};
use crate::time::Timestamp;

/// What has become of the confirmed play while the next one is on its way. It is about the node
/// that the player is on, or leaves.
///
/// | what is heard | `Standing` | `Itself` | `Over` |
/// |---|---|---|---|
/// | the next is confirmed, or shown by the node | `Standing`, that one | the same | the same |
/// | it ended, and that is told if the next is refused | `Over`, untold | | |
/// | the next has begun and ended, unanswered | `Over`, that one untold | the same | the same |
/// | it was stopped, which is told | `Over` | | |
/// | it was replaced, which is told | end told | | |
/// | it stopped for no reason that is known, and another is asked for | `Over`, untold | | |
/// | the node shows nothing | `Over`, untold unless told | | |
/// | the node lost it, and it is to begin again | `Itself` | | |
/// | the node lost it, and another is asked for | `Over`, untold unless told | | |
/// | another is asked for | | `Over`, untold | |
///
/// Where it is refused, the play before goes on if it is `Standing`; nothing plays if it is `Over`,
/// and its end is told; and a play that was to begin again cannot be played.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Before {
    /// It is the one of [`Busy::base`], which may be none.
    Standing {
        /// Whether the application was told that it ended.
        is_end_told: bool,
    },
    /// It is the one that is on its way: the node has lost it.
    Itself,
    /// It is over: what the application has yet to be told if the next is refused.
    Over(Option<(Arc<Track>, TrackEndReason)>),
}

/// It stands, and nothing was told of its end.
pub(super) const STANDING: Before = Before::Standing { is_end_told: false };

impl Busy {
    /// The node has these fields as they were sent.
    pub(crate) fn confirm_base(&mut self, fields: Fields, sent: &Desired, now: Timestamp) {
        self.base.confirm(fields, sent, now);
        if fields.has(Fields::TRACK) {
            self.sent_stands();
        }
    }

    /// A node has the player that had nothing of it before.
    pub(crate) fn replace_base(&mut self, sent: Desired) {
        self.sent_stands();
        self.base = sent;
    }

    /// What was sent is the confirmed play now, unless that is over already.
    fn sent_stands(&mut self) {
        self.is_sure = true;
        if !std::mem::take(&mut self.is_sent_over) {
            self.before = STANDING;
        }
    }

    /// Sets the clock of the confirmed play going or standing.
    pub(crate) fn regulate_base(&mut self, is_heard: bool, now: Timestamp) {
        let runs = self.base.track.is_some() && !self.base.paused && self.is_sure;
        self.base.clock.run(is_heard && runs, now);
    }

    /// The node says where it is. Once the next play `is_sent` what goes back may be of that one.
    pub(crate) fn report_base(&mut self, position_ms: u64, is_sent: bool, now: Timestamp) {
        let is_of_next = is_sent && position_ms < self.base.clock.known_ms();
        if self.is_sure && !self.base.paused && !is_of_next {
            self.base.clock.report(position_ms, now);
        }
    }

    /// Whether it is known what a refusal goes back to.
    pub(crate) fn is_base_known(&self) -> bool {
        self.base.track.is_some() || self.before == Before::Itself
    }

    /// A play is heard to begin when the next has been asked for already.
    pub(crate) fn begins(&mut self, track: &WireTrack<'_>) {
        let mut plays = [Some(&self.base), self.sent.as_ref()].into_iter().flatten();
        let begun = plays.find(|play| play.is_played_as(track));
        self.begun = begun.and_then(Desired::present_play).or(self.begun);
    }

    /// The confirmed play is over, and the next has been asked for already.
    pub(crate) fn end_base(&mut self, reason: TrackEndReason, now: Timestamp) {
        if let Before::Standing { is_end_told } = self.before {
            let track = self.base.known_track().cloned();
            let untold = track.filter(|_| !is_end_told).map(|track| (track, reason));
            self.before = Before::Over(untold);
        }
        self.base.forget_track(now);
    }

    /// The play that is on its way has ended before its answer came, and the next has been asked
    /// for already: none is left to go back to.
    pub(crate) fn end_sent(
        &mut self,
        track: Option<Arc<Track>>,
        reason: TrackEndReason,
        now: Timestamp,
    ) {
        if let Some(sent) = &mut self.sent {
            sent.forget_track(now);
        }
        self.base.forget_track(now);
        self.before = Before::Over(track.map(|track| (track, reason)));
        (self.is_sent_over, self.is_sure) = (true, false);
    }

    /// The application was told that the confirmed play ended; what the node plays in its place, if
    /// it was replaced, is another matter.
    pub(crate) fn base_end_told(&mut self, reason: &TrackEndReason, now: Timestamp) {
        match reason {
            TrackEndReason::Replaced => {
                self.before = Before::Standing { is_end_told: true };
                self.is_sure = false;
                self.base.clock.run(false, now);
            }
            _ => self.forget_base(now),
        }
    }

    /// Nothing is left of the confirmed play, and nothing of it is to be told.
    pub(crate) fn forget_base(&mut self, now: Timestamp) {
        self.before = Before::Over(None);
        self.base.forget_track(now);
    }

    /// The node has lost the play, which is to begin again if no other `is_asked_for`.
    pub(crate) fn lose_base(&mut self, is_asked_for: bool, plays: bool, now: Timestamp) {
        if is_asked_for {
            self.end_base(TrackEndReason::Finished, now);
        } else if plays {
            self.before = Before::Itself;
        }
        self.base.track = None;
        self.base.end_time_ms = None;
    }

    /// Another play is asked for, in place of this one.
    pub(crate) fn supersede_base(&mut self, present: Option<&Choice>) {
        if self.before == Before::Itself {
            let track = present.and_then(Choice::track).cloned();
            let untold = track.map(|track| (track, TrackEndReason::Finished));
            self.before = Before::Over(untold);
        }
    }

    /// What is refused cannot be begun again: whether that is the play that the node lost.
    pub(crate) fn refuse_itself(&mut self) -> bool {
        let is_lost = self.before == Before::Itself;
        if is_lost {
            (self.before, self.is_sure) = (Before::Over(None), true);
        }
        is_lost
    }

    /// The end of the play before that has not been told.
    pub(crate) fn take_end(&mut self) -> Option<(Arc<Track>, TrackEndReason)> {
        match &mut self.before {
            Before::Over(untold) => untold.take(),
            Before::Standing { .. } | Before::Itself => None,
        }
    }
}
