//! [`Busy`]: what only a player that waits for something needs.

use std::collections::VecDeque;

use super::before::STANDING;
use super::behind::Behind;
use crate::id::{CommandId, NodeId};
use crate::player::{Before, Blame, Desired, Fields, Update};
use crate::pool::TimerKey;
use crate::protocol::TrackEndReason;
use crate::time::Timestamp;

/// What only a player that waits for something needs.
#[derive(Debug)]
pub(crate) struct Busy {
    /// What is confirmed, for the fields that a rejection takes back.
    pub(crate) base: Desired,
    /// Whether the application was told that the confirmed play began.
    pub(crate) is_base_told: bool,
    /// What the PATCH on its way says, and when the latest one was sent.
    pub(crate) sent: Option<Desired>,
    pub(crate) sent_at: Timestamp,
    /// Whether the play that it says is over, though it was not answered yet.
    pub(crate) is_sent_over: bool,
    /// The commands that wait for a confirmation, in the order of submission.
    pub(crate) waiting: Vec<Waiting>,
    /// Armed while a play waits for Discord's voice updates.
    pub(crate) voice_timer: Option<TimerKey>,
    /// The end of the track, while it is held back.
    pub(crate) ending: Option<Ending>,
    /// How often in a row the present node refused the same content, or a part of it.
    pub(crate) refusals: u8,
    /// The fields of that content that are sent once more: what was asked for since must not be
    /// refused with them.
    pub(crate) refused: Fields,
    /// Whether the node takes no pause before it has taken a voice connection.
    pub(crate) needs_voice: bool,
    /// Whether the pause waits for that.
    pub(crate) pause_waits: bool,
    /// How often in a row the present node failed to answer.
    pub(crate) failures: u8,
    /// Whether a PATCH was repeated at once, on a fresh socket, since the last that was confirmed.
    pub(crate) was_repeated: bool,
    /// The nodes that failed to take the player over since it was lost.
    pub(crate) tried: Vec<NodeId>,
    /// Why they refused it, while it is lost.
    pub(crate) blame: Blame,
    /// What may have arrived though its answer did not, and has not been set again since: a play
    /// among it is sent again only after a GET has shown that it did not arrive.
    pub(crate) doubtful: Fields,
    /// What has become of the confirmed play.
    pub(crate) before: Before,
    /// The number of the play that was heard to begin last when the next was asked for already.
    pub(crate) begun: Option<u32>,
    /// Whether the node plays no other than that: no play since may have arrived unanswered.
    pub(crate) is_sure: bool,
    /// What is being sent sets back the parts of a refused PATCH that had taken effect: which
    /// attempt at that it is, or 0.
    pub(crate) resets: u8,
    /// What the node that the player moves away from has not been sent, and what of that it may
    /// have been sent all the same.
    pub(crate) left: Fields,
    pub(crate) left_doubtful: Fields,
    /// Whether that node does not have the player any more.
    pub(crate) is_burnt: bool,
    /// What the player has left behind, while it is on its way.
    pub(crate) behind: Option<Behind>,
    /// The commands that wait for an ordered move.
    pub(crate) movers: Vec<CommandId>,
    /// What is asked of a play that may turn out to be there, see [`super::aside`].
    pub(crate) aside: Option<Box<Update>>,
    /// The application's own request about the player that is on its way.
    pub(crate) barrier: Option<u64>,
    /// What waits for such a request, or is one, in the order of submission.
    pub(crate) held: VecDeque<Held>,
}

/// An end that may not be one: a node that shuts down stops its tracks, and one whose session is
/// resumed may yet say why it has none.
#[derive(Debug)]
pub(crate) struct Ending {
    /// When it counts.
    pub(crate) timer: TimerKey,
    /// What it counts as.
    pub(crate) reason: TrackEndReason,
}

/// What waits until a player is settled, and what was asked for behind that.
#[derive(Debug)]
pub(crate) enum Held {
    /// A request of the application that changes the player.
    Request(u64),
    /// An update that was asked for after such a request.
    Update(CommandId, Box<Update>),
}

/// A command that waits for its fields to be confirmed.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) command: CommandId,
    unsent: Fields,
    in_flight: Fields,
    /// Whether a part of it was confirmed already.
    pub(crate) confirmed: bool,
}

impl Busy {
    pub(crate) const fn new(base: Desired) -> Self {
        Self {
            base,
            is_base_told: false,
            sent: None,
            sent_at: Timestamp::ZERO,
            is_sent_over: false,
            waiting: Vec::new(),
            voice_timer: None,
            ending: None,
            refusals: 0,
            refused: Fields::NONE,
            needs_voice: false,
            pause_waits: false,
            failures: 0,
            was_repeated: false,
            tried: Vec::new(),
            blame: Blame::Nothing,
            doubtful: Fields::NONE,
            before: STANDING,
            begun: None,
            is_sure: true,
            resets: 0,
            left: Fields::NONE,
            left_doubtful: Fields::NONE,
            is_burnt: false,
            behind: None,
            movers: Vec::new(),
            aside: None,
            barrier: None,
            held: VecDeque::new(),
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
            && self.movers.is_empty()
            && self.may_pass()
            && self.aside.is_none()
            && self.voice_timer.is_none()
            && self.ending.is_none()
    }

    /// Whether nothing keeps an update from being taken over at once.
    pub(crate) fn may_pass(&self) -> bool {
        self.barrier.is_none() && self.held.is_empty()
    }

    /// The first update behind a request that plays something else, or stops what plays.
    pub(crate) fn next_update(&self) -> Option<&Update> {
        let mut updates = self.held.iter().filter_map(|held| match held {
            Held::Update(_, update) => Some(&**update),
            Held::Request(_) => None,
        });
        updates.find(|update| update.sets_track())
    }

    /// A command waits for these fields, some of which may be on their way already.
    pub(crate) fn wait(&mut self, command: CommandId, unsent: Fields, in_flight: Fields) {
        self.waiting.push(Waiting {
            command,
            unsent,
            in_flight,
            confirmed: false,
        });
    }

    /// These fields are set again: returns the commands of which nothing is left to send.
    pub(crate) fn supersede(&mut self, fields: Fields) -> Vec<Waiting> {
        self.release(|waiting| {
            waiting.unsent = waiting.unsent.without(fields);
            waiting.unsent.is_empty() && waiting.in_flight.is_empty()
        })
    }

    /// These fields go out now.
    pub(crate) fn send(&mut self, fields: Fields, sent: Desired, now: Timestamp) {
        (self.sent, self.sent_at, self.is_sent_over) = (Some(sent), now, false);
        for waiting in &mut self.waiting {
            waiting.in_flight = waiting.in_flight.with(waiting.unsent.and(fields));
            waiting.unsent = waiting.unsent.without(fields);
        }
    }

    /// The node confirmed what was sent; returns the commands that are done.
    pub(crate) fn confirm(&mut self) -> Vec<Waiting> {
        self.sent = None;
        self.release(|waiting| {
            waiting.confirmed |= !waiting.in_flight.is_empty();
            waiting.in_flight = Fields::NONE;
            waiting.unsent.is_empty()
        })
    }

    /// The node refused what was sent; returns the commands that it was for.
    pub(crate) fn reject(&mut self) -> Vec<Waiting> {
        (self.sent, self.is_sent_over) = (None, false);
        self.release(|waiting| !waiting.in_flight.is_empty())
    }

    /// A play is refused: which of these fields that went with it are not to blame, and are sent
    /// again without it. They were asked for by themselves, by commands that wait on; or nobody
    /// waits for them any more, and then a pause is the play's.
    pub(crate) fn spare(&mut self, fields: Fields) -> Fields {
        let (mut blamed, mut waited_for) = (Fields::NONE, Fields::NONE);
        for waiting in &self.waiting {
            let side = match waiting.in_flight.has(Fields::PLAY) {
                true => &mut blamed,
                false => &mut waited_for,
            };
            *side = side.with(waiting.in_flight);
        }
        let kept = Fields::KEPT.without(Fields::PAUSED).with(waited_for);
        let spared = fields.and(kept).without(blamed);
        for waiting in &mut self.waiting {
            if !waiting.in_flight.has(Fields::PLAY) {
                waiting.unsent = waiting.unsent.with(waiting.in_flight.and(spared));
                waiting.in_flight = waiting.in_flight.without(spared);
            }
        }
        spared
    }

    /// Whether a command waits for these fields that asks for no part of a play.
    pub(crate) fn is_asked_alone(&self, fields: Fields) -> bool {
        let mut unsent = self.waiting.iter().map(|waiting| waiting.unsent);
        unsent.any(|unsent| unsent.has(fields) && !unsent.has(Fields::PLAY))
    }

    /// What these commands, which wait no more, were yet to send and nobody else waits for.
    pub(crate) fn left_by(&self, gone: &[Waiting]) -> Fields {
        let unsent = |of: &[Waiting]| {
            of.iter()
                .fold(Fields::NONE, |all, one| all.with(one.unsent))
        };
        unsent(gone).without(unsent(&self.waiting))
    }

    /// These fields are taken back before they were sent; returns the commands that set any.
    pub(crate) fn withdraw(&mut self, fields: Fields) -> Vec<Waiting> {
        self.release(|waiting| waiting.unsent.with(waiting.in_flight).has(fields))
    }

    /// Everything but these fields turned out to be confirmed: returns the commands that are done.
    pub(crate) fn settle_except(&mut self, pending: Fields) -> Vec<Waiting> {
        let pending = pending.with_play();
        self.release(|waiting| {
            waiting.confirmed |= !waiting.unsent.without(pending).is_empty();
            waiting.unsent = waiting.unsent.and(pending);
            waiting.unsent.is_empty() && waiting.in_flight.is_empty()
        })
    }

    /// Whether what was sent arrived is not known.
    pub(crate) fn recall(&mut self) {
        (self.sent, self.is_sent_over) = (None, false);
        for waiting in &mut self.waiting {
            waiting.unsent = waiting.unsent.with(waiting.in_flight);
            waiting.in_flight = Fields::NONE;
        }
    }

    /// What is known of the play before does not matter to the next.
    pub(crate) fn forget_play(&mut self) {
        self.refusals = 0;
        self.refused = Fields::NONE;
        self.blame = Blame::Nothing;
        self.doubtful = Fields::NONE;
        self.left_doubtful = Fields::NONE;
    }

    /// The command waits no more.
    pub(crate) fn forget(&mut self, command: CommandId) {
        self.waiting.retain(|waiting| waiting.command != command);
        self.movers.retain(|mover| *mover != command);
    }

    fn release(&mut self, mut is_done: impl FnMut(&mut Waiting) -> bool) -> Vec<Waiting> {
        self.waiting
            .extract_if(.., |waiting| is_done(waiting))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: CommandId = CommandId(1);
    const SECOND: CommandId = CommandId(2);

    fn answered(released: Vec<Waiting>) -> Vec<(CommandId, bool)> {
        let released = released.into_iter();
        released
            .map(|waiting| (waiting.command, waiting.confirmed))
            .collect()
    }

    fn busy(waits: &[(CommandId, Fields)]) -> Busy {
        let mut busy = Busy::new(Desired::default());
        for (command, fields) in waits {
            busy.wait(*command, *fields, Fields::NONE);
        }
        busy
    }

    #[test]
    fn commands_that_went_out_together_are_confirmed_together() {
        let mut busy = busy(&[(FIRST, Fields::VOLUME), (SECOND, Fields::PAUSED)]);
        busy.send(
            Fields::VOLUME.with(Fields::PAUSED),
            Desired::default(),
            Timestamp::ZERO,
        );
        assert_eq!(answered(busy.confirm()), [(FIRST, true), (SECOND, true)]);
        assert!(busy.is_idle());
    }

    #[test]
    fn a_command_that_is_set_again_before_it_went_out_is_superseded() {
        let mut busy = busy(&[(FIRST, Fields::VOLUME)]);
        assert_eq!(answered(busy.supersede(Fields::VOLUME)), [(FIRST, false)]);
    }

    #[test]
    fn a_command_that_is_on_its_way_is_not_superseded() {
        let mut busy = busy(&[(FIRST, Fields::VOLUME)]);
        busy.send(Fields::VOLUME, Desired::default(), Timestamp::ZERO);
        assert_eq!(answered(busy.supersede(Fields::VOLUME)), []);
        assert_eq!(answered(busy.confirm()), [(FIRST, true)]);
    }

    #[test]
    fn a_refusal_answers_what_was_sent_and_nothing_else() {
        let mut busy = busy(&[(FIRST, Fields::VOLUME)]);
        busy.send(Fields::VOLUME, Desired::default(), Timestamp::ZERO);
        busy.wait(SECOND, Fields::PAUSED, Fields::NONE);
        assert_eq!(answered(busy.reject()), [(FIRST, false)]);
        assert!(!busy.is_idle());
    }

    #[test]
    fn a_recalled_command_waits_to_be_sent_again() {
        let mut busy = busy(&[(FIRST, Fields::VOLUME)]);
        busy.send(Fields::VOLUME, Desired::default(), Timestamp::ZERO);
        busy.recall();
        assert_eq!(answered(busy.confirm()), []);
        busy.send(Fields::VOLUME, Desired::default(), Timestamp::ZERO);
        assert_eq!(answered(busy.confirm()), [(FIRST, true)]);
    }

    #[test]
    fn a_command_that_waits_no_more_keeps_no_player_busy_and_no_other_from_its_answer() {
        let mut busy = busy(&[(FIRST, Fields::VOLUME)]);
        busy.movers.push(FIRST);
        busy.forget(FIRST);
        assert!(busy.is_idle());
        busy.wait(FIRST, Fields::VOLUME, Fields::NONE);
        busy.forget(SECOND);
        busy.send(Fields::VOLUME, Desired::default(), Timestamp::ZERO);
        assert_eq!(answered(busy.confirm()), [(FIRST, true)]);
    }

    #[test]
    fn a_pause_is_asked_for_alone_only_where_no_part_of_a_play_is_asked_with_it() {
        let mut busy = busy(&[(FIRST, Fields::TRACK.with(Fields::PAUSED))]);
        busy.wait(SECOND, Fields::VOLUME, Fields::NONE);
        assert!(!busy.is_asked_alone(Fields::PAUSED));
        busy.wait(SECOND, Fields::PAUSED, Fields::NONE);
        assert!(busy.is_asked_alone(Fields::PAUSED));
    }

    #[test]
    fn what_is_settled_otherwise_is_answered_and_what_is_pending_waits() {
        let mut busy = busy(&[
            (FIRST, Fields::TRACK),
            (SECOND, Fields::TRACK.with(Fields::VOLUME)),
        ]);
        assert_eq!(
            answered(busy.settle_except(Fields::VOLUME)),
            [(FIRST, true)]
        );
        assert!(!busy.is_idle());
    }
}
