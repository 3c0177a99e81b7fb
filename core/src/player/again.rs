//! What a node is to begin again, or go back to, and what the application hears of that: nothing.

use crate::player::{Fields, Player};
use crate::time::Timestamp;

impl Player {
    /// The node is to play it from where it is, whatever it does instead: under a new number, so
    /// that what it still says of the play before is told apart.
    pub(crate) fn play_again(&mut self, now: Timestamp) {
        self.renumber();
        self.begin_anew(now);
    }

    fn begin_anew(&mut self, now: Timestamp) {
        self.wanted.rebase(now);
        self.awaits_start = self.wanted.track.is_some();
        self.begin_again(now);
        self.unsent = self.unsent.with(Fields::TRACK);
    }

    /// These fields are refused, or not sent after all: they are what is confirmed again, but for
    /// what was asked for since. Where the node may play another track than that one it is begun
    /// anew, and told, as its end was; a node that it only goes to has nothing of it anyway. Until
    /// that is confirmed it may go on with the other; that nothing is to play is said once.
    pub(crate) fn take_back(&mut self, fields: Fields, now: Timestamp) {
        let is_play = fields.has(Fields::TRACK);
        let (since, is_moving) = (self.unsent, self.is_moving());
        let busy = self.busy();
        let base = busy.base.clone();
        let (begun, is_base_told) = (busy.begun.take(), busy.is_base_told);
        let plays_another = is_play && !is_moving && !busy.is_sure;
        busy.is_sure |= plays_another && base.track.is_none();
        self.wanted.revert(fields, since, &base, now);
        if plays_another {
            mark!(ConfirmedBegunAgain);
            self.wanted.renumber();
            self.begin_anew(now);
        } else if is_play {
            let play = self.wanted.present_play();
            let is_told = self.is_start_told() || is_base_told;
            let begun = begun.filter(|begun| !is_told && Some(*begun) == play);
            self.busy().begun = begun;
            if is_told || begun.is_some() {
                self.start_told();
            }
        }
    }

    /// The node does not have the player any more, or not as it should be: it is sent whole. If
    /// the play is refused now, there is no other to go back to.
    pub(crate) fn begin_again(&mut self, now: Timestamp) {
        let is_asked_for = self.pending().has(Fields::TRACK);
        let plays = self.plays();
        self.unsent = self.unsent.with(self.substance());
        self.busy().lose_base(is_asked_for, plays, now);
    }

    /// The node that it leaves does not have it any more: the next one is sent all of it. If a play
    /// that is under way comes to nothing, the one before goes on there.
    pub(crate) fn begin_elsewhere(&mut self, now: Timestamp) {
        if self.pending().has(Fields::TRACK) {
            self.unsent = self.unsent.with(self.substance());
        } else {
            self.begin_again(now);
        }
    }

    /// As [`Desired::renumber`](super::Desired::renumber): to the application it is the same play.
    pub(crate) fn renumber(&mut self) {
        let is_told = self.is_start_told();
        self.wanted.renumber();
        if is_told {
            self.start_told();
        }
    }

    /// Whether the application was told that the present play began.
    pub(crate) fn is_start_told(&self) -> bool {
        self.wanted.present_play() == Some(self.told)
    }

    /// The application is told that the present play began.
    pub(crate) fn start_told(&mut self) {
        self.told = self.wanted.present_play().unwrap_or(self.told);
    }

    /// The node went from its place on its own this long ago: it is to go back there.
    pub(crate) fn go_back(&mut self, ago_ms: u64, now: Timestamp) {
        let ago = ago_ms.saturating_mul(1_000_000);
        let then = Timestamp::from_nanos(now.as_nanos().saturating_sub(ago));
        let content_ms = self.wanted.clock.content_ms(then);
        self.wanted.rebase(now);
        let length_ms = self.wanted.length_ms();
        self.wanted.clock.begin(content_ms, length_ms, now);
        self.unsent = self.unsent.with(Fields::POSITION);
        if self.wanted.end_time_ms.is_some() {
            self.unsent = self.unsent.with(Fields::END_TIME);
        }
        self.regulate(now);
    }
}
