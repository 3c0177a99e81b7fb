//! [`Doubt`]: what a node may yet do late, and when it is looked at for that.

use std::time::Duration;

use crate::player::Fields;
use crate::time::Timestamp;

/// How long after each failure, or look, the next one is taken.
const LOOK_AFTER: [Duration; 2] = [Duration::from_secs(15), Duration::from_secs(45)];
/// The pause before a look at a player that is being sent something, or after one that failed.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// What a look is given until its answer, or the end of its question, is missed.
const LOOKED_WITHIN: Duration = Duration::from_secs(30);
/// How often a look that failed is taken again.
const REPEATS_MAX: u8 = 5;
/// A place is no other one if it is no farther from ours: sound stutters, and reports are late.
const STUTTER_MS: u64 = 2_000;
/// How early a place may be reported that a node was told to seek.
const EARLY_MS: u64 = 500;

/// A request about a guild's player was never answered, and may take effect at any time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Doubt {
    /// When what became of it is looked at.
    due: Option<Timestamp>,
    /// When it would be, if it were not looked at before that.
    planned: Option<Timestamp>,
    /// How often that was done.
    looks: u8,
    /// How often it could not be done.
    repeats: u8,
    /// How many such requests have yet to be seen to take effect.
    unspent: u8,
    /// What it sets in the present track.
    fields: Fields,
    /// The place in the present track that it seeks, and when it was sent.
    sought: Option<(u64, Timestamp)>,
}

/// Where a player should be by ours, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    /// Where it was when that was last known.
    pub(crate) known_ms: u64,
    /// Where it is, if it has played on.
    pub(crate) at_ms: u64,
}

impl Doubt {
    /// A request that sets these fields has just failed, after others perhaps.
    pub(crate) fn renew(&mut self, fields: Fields, sought: Option<(u64, Timestamp)>) {
        self.unspent = self.unspent.saturating_add(1);
        if !fields.has(Fields::TRACK) {
            // That another play begins is seen, and ours is sent whole.
            self.fields = self.fields.with(fields);
        }
        self.sought = sought.or(self.sought);
    }

    /// What was asked may take effect from now on.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        (self.looks, self.repeats) = (0, 0);
        self.unspent = self.unspent.max(1);
        self.planned = None;
        self.look_after(now);
    }

    fn look_after(&mut self, now: Timestamp) {
        let after = LOOK_AFTER.get(usize::from(self.looks));
        self.due = after.map(|after| now + *after);
    }

    /// A look was taken: after the last one nothing is expected any more. One that came before its
    /// time does not stand for the one that was planned.
    pub(crate) fn looked(&mut self, now: Timestamp) {
        if let Some(planned) = self.planned.take() {
            self.due = Some(planned);
            return;
        }
        self.looks += 1;
        self.look_after(now);
    }

    /// A look failed: it is taken again, unless that has been tried often enough.
    pub(crate) fn look_failed(&mut self, now: Timestamp) {
        self.repeats += 1;
        if self.repeats > REPEATS_MAX {
            self.looked(now);
        } else {
            self.postpone(now);
        }
    }

    /// It is looked at without delay.
    pub(crate) fn look_at_once(&mut self, now: Timestamp) {
        self.planned = self.due.replace(now);
    }

    /// The look is being taken.
    pub(crate) fn looking(&mut self, now: Timestamp) {
        self.due = Some(now + LOOKED_WITHIN);
    }

    /// No look can be taken now.
    pub(crate) fn postpone(&mut self, now: Timestamp) {
        self.due = Some(now + LOOK_AGAIN_AFTER);
    }

    /// Whether what was asked may be what is seen now; each request can take effect once only.
    pub(crate) const fn spend(&mut self) -> bool {
        let is_any = self.unspent > 0;
        self.unspent = self.unspent.saturating_sub(1);
        is_any
    }

    /// Looks at once, if the place that the node reports is one that it was told to seek, and not
    /// ours. Returns whether it is.
    pub(crate) fn hasten(&mut self, place_ms: u64, own: Own, now: Timestamp) -> bool {
        if self.sought_ago_ms(place_ms, own, now).is_none() {
            return false;
        }
        if self.planned.is_none() {
            self.planned = self.due.replace(now);
        } else {
            // A look that is being taken may have given way to something else.
            let again = now + LOOK_AGAIN_AFTER;
            self.due = self.due.map(|due| due.min(again));
        }
        true
    }

    /// If the place that the node has is one that it was told to seek, and not ours: how many
    /// milliseconds ago it went there. That is so once only.
    pub(crate) fn spend_sought(&mut self, place_ms: u64, own: Own, now: Timestamp) -> Option<u64> {
        let ago_ms = self.sought_ago_ms(place_ms, own, now)?;
        self.sought = None;
        Some(ago_ms)
    }

    fn sought_ago_ms(&self, place_ms: u64, own: Own, now: Timestamp) -> Option<u64> {
        let (sought_ms, asked_at) = self.sought?;
        let asked_for_ms = u64::try_from(now.since(asked_at).as_millis()).unwrap_or(u64::MAX);
        let from_ms = sought_ms.saturating_sub(EARLY_MS);
        let to_ms = sought_ms.saturating_add(asked_for_ms);
        let is_ahead = place_ms > own.at_ms.saturating_add(STUTTER_MS);
        // Whoever stalls is late, and no further back than it was.
        let is_behind = place_ms < own.known_ms && place_ms.saturating_add(STUTTER_MS) < own.at_ms;
        let is_other = is_ahead || is_behind;
        if !is_other || !(from_ms..=to_ms).contains(&place_ms) {
            return None;
        }
        Some(place_ms.saturating_sub(sought_ms))
    }

    /// What it sets of the fields that a node does not show, or not in the same words.
    pub(crate) const fn hidden(&self) -> Fields {
        self.fields.and(Fields::END_TIME.with(Fields::USER_DATA))
    }

    /// When the next look is due, if there is to be one.
    pub(crate) const fn due(&self) -> Option<Timestamp> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(100_000);

    fn doubt(sought_ms: u64, asked_at: Timestamp) -> Doubt {
        let mut doubt = Doubt::default();
        doubt.renew(Fields::POSITION, Some((sought_ms, asked_at)));
        doubt.begin(NOW);
        doubt
    }

    #[test]
    fn a_place_is_sought_late_if_it_is_not_ours_and_the_node_may_have_come_there_since() {
        let asked_at = Timestamp::from_millis(80_000);
        for (place_ms, own_ms, expected) in [
            (63_000, 10_000, Some(3_000)),
            (60_000, 10_000, Some(0)),
            (59_600, 10_000, Some(0)),
            (80_000, 10_000, Some(20_000)),
            // Before it was asked to be, or after it can have been.
            (59_499, 10_000, None),
            (80_001, 10_000, None),
            // Where it should be.
            (63_000, 61_000, None),
            (63_000, 65_000, None),
            (63_000, 65_001, Some(3_000)),
        ] {
            let mut doubt = doubt(60_000, asked_at);
            let spent = doubt.spend_sought(place_ms, known(own_ms), NOW);
            assert_eq!(spent, expected, "{place_ms} {own_ms}");
            let again = doubt.spend_sought(63_000, known(10_000), NOW);
            assert_eq!(again, Some(3_000).filter(|_| expected.is_none()));
        }
    }

    #[test]
    fn a_place_since_the_last_report_is_that_of_a_track_that_stalls() {
        for (place_ms, expected) in [(61_999, Some(1_999)), (62_000, None), (66_000, None)] {
            let mut doubt = doubt(60_000, Timestamp::from_millis(80_000));
            let own = Own {
                known_ms: 62_000,
                at_ms: 66_000,
            };
            assert_eq!(
                doubt.spend_sought(place_ms, own, NOW),
                expected,
                "{place_ms}"
            );
        }
    }

    fn known(at_ms: u64) -> Own {
        let known_ms = at_ms;
        Own { known_ms, at_ms }
    }

    #[test]
    fn a_look_that_fails_is_taken_again_but_not_for_ever() {
        let mut doubt = doubt(0, NOW);
        let mut now = NOW;
        let mut pauses = Vec::new();
        while let Some(due) = doubt.due() {
            pauses.push(due.since(now).as_secs());
            now = due;
            doubt.looking(now);
            doubt.look_failed(now);
        }
        assert_eq!(pauses, [15, 5, 5, 5, 5, 5, 45]);
    }

    #[test]
    fn what_is_in_doubt_takes_effect_once_after_each_failure() {
        let mut doubt = doubt(0, NOW);
        for _ in 0..2 {
            assert!(doubt.spend());
            assert!(!doubt.spend());
            doubt.begin(NOW);
        }
    }

    #[test]
    fn a_look_that_gave_way_to_something_else_is_missed_after_a_while_and_sooner_if_it_matters() {
        let mut doubt = doubt(60_000, Timestamp::from_millis(80_000));
        doubt.looking(NOW);
        assert_eq!(doubt.due(), Some(NOW + Duration::from_secs(30)));

        assert!(doubt.hasten(63_000, known(10_000), NOW));
        assert_eq!(doubt.due(), Some(NOW));
        doubt.looking(NOW);
        assert!(doubt.hasten(63_000, known(10_000), NOW));
        assert_eq!(doubt.due(), Some(NOW + Duration::from_secs(5)));
    }
}
