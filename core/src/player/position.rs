//! [`Position`]: where in its track a player is, as a pure function of time.

use std::time::Duration;

use crate::time::Timestamp;

/// Where in its track a player is.
///
/// There are two clocks. The *position* is the server's: one millisecond of it is one
/// millisecond of sound that left the server, whatever the speed. The *content position* is the
/// place in the track: with a timescale filter it runs `speed × rate` times as fast
/// (Lavalink: Filters, timescale). They agree at the start and after each seek.
///
/// ```
/// use std::time::Duration;
/// use lavapool_core::player::Position;
/// use lavapool_core::Timestamp;
///
/// let mut position = Position::default();
/// position.begin(10_000, u64::MAX, Timestamp::ZERO);
/// position.run(true, Timestamp::ZERO);
/// position.scale(2.0, Timestamp::ZERO);
/// let later = Timestamp::from_millis(500);
/// assert_eq!(position.at(later), Duration::from_millis(10_500));
/// assert_eq!(position.content_at(later), Duration::from_millis(11_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// The server's clock at `since`.
    reported_ms: u64,
    since: Timestamp,
    /// How long it goes on from there before it stands; [`RUNNING`] while it runs.
    stands_after_ms: u32,
    /// `speed × rate` of the filters.
    rate: f32,
    /// The length of the track; `u64::MAX` for a stream.
    length_ms: u64,
    /// Where on the server's clock the present stretch of constant rate began.
    origin_ms: u64,
    /// The content position there.
    origin_content_ms: u64,
}

impl Default for Position {
    /// The start, standing still.
    fn default() -> Self {
        Self {
            reported_ms: 0,
            since: Timestamp::ZERO,
            stands_after_ms: 0,
            rate: 1.0,
            length_ms: u64::MAX,
            origin_ms: 0,
            origin_content_ms: 0,
        }
    }
}

impl Position {
    /// Starts a track, or seeks in it: both clocks show `at_ms`.
    pub fn begin(&mut self, at_ms: u64, length_ms: u64, now: Timestamp) {
        self.length_ms = length_ms;
        self.put(at_ms.min(length_ms), now);
        self.origin_ms = self.reported_ms;
        self.origin_content_ms = self.reported_ms;
    }

    /// Takes the server's word for the position.
    ///
    /// A report from before the present stretch began (a late one) belongs to what was before it,
    /// at the usual speed. One of 0 is no report, unless the stretch began there and no later place
    /// is known: a server says so until sound has been taken from the player, wherever that is to
    /// begin, and once its track is over.
    pub fn report(&mut self, position_ms: u64, now: Timestamp) {
        if position_ms == 0 && (self.origin_ms > 0 || self.reported_ms > 0) {
            mark!(ReportOfZero);
            return;
        }
        mark!(ReportOfBefore if position_ms < self.origin_ms);
        self.put(position_ms, now);
        self.reach_back(position_ms);
    }

    /// As [`report`](Self::report); returns how long after the word before it came, if the clock
    /// ran in between, and this counts.
    pub(crate) fn report_in_turn(&mut self, position_ms: u64, now: Timestamp) -> Option<Duration> {
        let known_at = self.is_running().then_some(self.since);
        self.report(position_ms, now);
        known_at
            .filter(|_| self.since == now)
            .map(|known_at| now.since(known_at))
    }

    /// Lets the clock run or stand still from then on.
    ///
    /// One that stands, and ran at a moment in the past, can be told that it has stood since that:
    /// it goes back to what it showed, but not past the latest place that was not worked out.
    pub fn run(&mut self, running: bool, from: Timestamp) {
        if !running {
            let passed_ms = u32::try_from(self.passed_ms(from)).unwrap_or(RUNNING);
            self.stands_after_ms = passed_ms.min(RUNNING - 1);
            self.reach_back(self.position_ms(from));
        } else if !self.is_running() {
            self.reported_ms = self.position_ms(from);
            self.since = from;
            self.stands_after_ms = RUNNING;
        }
    }

    /// What passed until then did pass: a clock that stands is not set back beyond that any more.
    pub(crate) fn vouch(&mut self, until: Timestamp) {
        if !self.is_running() {
            let passed_ms = self.passed_ms(until);
            self.reported_ms = self.reported_ms.saturating_add(passed_ms);
            let left_ms = u64::from(self.stands_after_ms).saturating_sub(passed_ms);
            self.stands_after_ms = u32::try_from(left_ms).unwrap_or_default();
            self.since = self.since.max(until);
        }
    }

    /// Changes how fast the content passes from `now` on.
    pub fn scale(&mut self, rate: f64, now: Timestamp) {
        let rate = if rate.is_finite() && rate > 0.0 {
            rate as f32
        } else {
            1.0
        };
        if rate.to_bits() != self.rate.to_bits() {
            self.origin_content_ms = self.content_ms(now);
            self.origin_ms = self.position_ms(now);
            self.rate = rate;
        }
    }

    /// The latest place on the server's clock that was not worked out from the time: of a report, a
    /// seek, or a change.
    pub(crate) fn known_ms(&self) -> u64 {
        if self.is_running() {
            self.reported_ms
        } else {
            self.position_ms(Timestamp::MAX)
        }
    }

    /// When that was.
    pub(crate) const fn known_at(&self) -> Timestamp {
        self.since
    }

    /// How fast the content passes.
    pub(crate) fn rate(&self) -> f64 {
        self.rate.into()
    }

    /// Learns the length of the track that plays already.
    pub(crate) fn bound(&mut self, length_ms: u64) {
        self.length_ms = length_ms;
    }

    /// The position on the server's clock.
    pub fn at(&self, now: Timestamp) -> Duration {
        Duration::from_millis(self.position_ms(now))
    }

    /// The place in the track.
    pub fn content_at(&self, now: Timestamp) -> Duration {
        Duration::from_millis(self.content_ms(now))
    }

    /// Whether the clock runs.
    pub const fn is_running(&self) -> bool {
        self.stands_after_ms == RUNNING
    }

    pub(crate) fn position_ms(&self, now: Timestamp) -> u64 {
        // The track ends when its content does, which a speed brings forward.
        self.reported_ms
            .saturating_add(self.passed_ms(now))
            .min(self.length_ms)
    }

    /// How far the clock has gone since its latest known place.
    fn passed_ms(&self, now: Timestamp) -> u64 {
        let passed = now.since(self.since).as_millis();
        let passed_ms = u64::try_from(passed).unwrap_or(u64::MAX);
        if self.is_running() {
            passed_ms
        } else {
            passed_ms.min(self.stands_after_ms.into())
        }
    }

    /// The clock, which runs or stands as before, is known to be there.
    fn put(&mut self, position_ms: u64, now: Timestamp) {
        (self.reported_ms, self.since) = (position_ms, now);
        if !self.is_running() {
            self.stands_after_ms = 0;
        }
    }

    /// A place from before the present stretch was reached at the usual speed.
    fn reach_back(&mut self, position_ms: u64) {
        let before_ms = self.origin_ms.saturating_sub(position_ms);
        self.origin_ms = self.origin_ms.saturating_sub(before_ms);
        self.origin_content_ms = self.origin_content_ms.saturating_sub(before_ms);
    }

    pub(crate) fn content_ms(&self, now: Timestamp) -> u64 {
        let passed_ms = self.position_ms(now).saturating_sub(self.origin_ms);
        let content_ms = if self.rate.to_bits() == 1.0_f32.to_bits() {
            passed_ms
        } else {
            // Float to integer saturates, and a track's milliseconds fit a double exactly.
            (passed_ms as f64 * f64::from(self.rate)) as u64
        };
        self.origin_content_ms
            .saturating_add(content_ms)
            .min(self.length_ms)
    }
}

/// In place of how long a clock goes on before it stands.
const RUNNING: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn playing(start_ms: u64, length_ms: u64) -> Position {
        let mut position = Position::default();
        position.begin(start_ms, length_ms, at(0));
        position.run(true, at(0));
        position
    }

    #[test]
    fn it_runs_one_millisecond_per_millisecond_and_stops_at_the_length() {
        let position = playing(1_000, 5_000);
        assert_eq!(
            [0, 500, 4_000, 9_000].map(|ms| position.position_ms(at(ms))),
            [1_000, 1_500, 5_000, 5_000]
        );
    }

    #[test]
    fn it_stands_still_while_paused_and_goes_on_from_there() {
        let mut position = playing(0, u64::MAX);
        position.run(false, at(2_000));
        assert_eq!(position.position_ms(at(7_000)), 2_000);
        position.run(true, at(7_000));
        assert_eq!(position.position_ms(at(8_000)), 3_000);
    }

    #[test]
    fn a_clock_that_stands_goes_back_to_what_it_showed_and_not_past_a_known_place() {
        let mut position = playing(60_000, u64::MAX);
        position.report(64_000, at(5_000));
        position.run(false, at(9_000));
        position.run(false, at(7_000));
        assert_eq!(position.position_ms(at(9_000)), 66_000);
        position.run(false, at(8_000));
        assert_eq!(position.position_ms(at(9_000)), 66_000);
        position.run(false, at(2_000));
        assert_eq!(position.position_ms(at(9_000)), 64_000);
    }

    #[test]
    fn a_place_that_is_set_while_the_clock_stands_is_not_gone_back_from() {
        let mut position = playing(0, u64::MAX);
        position.run(false, at(9_000));
        position.begin(60_000, u64::MAX, at(9_500));
        position.run(false, at(5_000));
        assert_eq!(position.position_ms(at(10_000)), 60_000);
    }

    #[test]
    fn a_clock_that_stands_after_longer_than_can_be_counted_does_stand() {
        let mut position = playing(0, u64::MAX);
        position.run(false, at(u64::from(u32::MAX) + 1));
        assert!(!position.is_running());
    }

    #[test]
    fn what_is_vouched_for_is_not_gone_back_from() {
        let mut position = playing(0, u64::MAX);
        position.run(false, at(9_000));
        position.vouch(at(7_000));
        assert_eq!(position.position_ms(at(9_000)), 9_000);
        position.run(false, at(5_000));
        assert_eq!(position.position_ms(at(9_000)), 7_000);
        position.run(true, at(10_000));
        assert_eq!(position.position_ms(at(11_000)), 8_000);
    }

    #[test]
    fn a_clock_that_goes_back_before_its_speed_changed_takes_the_content_with_it() {
        let mut position = playing(0, u64::MAX);
        position.scale(2.0, at(9_000));
        position.run(false, at(10_000));
        position.run(false, at(5_000));
        assert_eq!(position.content_ms(at(10_000)), 5_000);
    }

    #[test]
    fn the_content_sums_stretches_of_different_speed() {
        let mut position = playing(0, u64::MAX);
        position.scale(2.0, at(1_000));
        position.scale(0.5, at(3_000));
        assert_eq!(position.content_ms(at(5_000)), 1_000 + 4_000 + 1_000);
        assert_eq!(position.position_ms(at(5_000)), 5_000);
    }

    #[test]
    fn a_rate_that_no_clock_can_have_counts_as_the_plain_one() {
        for rate in [0.0, -2.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let mut position = playing(0, u64::MAX);
            position.scale(rate, at(0));
            assert_eq!(position.content_ms(at(1_000)), 1_000, "{rate}");
        }
    }

    #[test]
    fn a_seek_brings_both_clocks_together() {
        let mut position = playing(0, u64::MAX);
        position.scale(2.0, at(0));
        position.begin(60_000, u64::MAX, at(1_000));
        assert_eq!(
            (
                position.position_ms(at(1_000)),
                position.content_ms(at(2_000))
            ),
            (60_000, 62_000)
        );
    }

    #[test]
    fn a_report_from_before_the_beginning_does_not_lengthen_what_was_heard() {
        let mut position = playing(60_000, u64::MAX);
        position.report(59_900, at(10));
        position.report(61_000, at(1_000));
        assert_eq!(position.content_ms(at(1_000)), 61_000);
    }

    #[test]
    fn a_report_of_nothing_is_none_unless_nothing_was_to_be_heard_before() {
        let mut position = playing(60_000, u64::MAX);
        position.report(0, at(10));
        assert_eq!(position.position_ms(at(10)), 60_010);
        let mut position = playing(0, u64::MAX);
        position.report(0, at(10));
        assert_eq!(position.position_ms(at(10)), 0);
        position.report(5_000, at(5_000));
        position.report(0, at(9_000));
        assert_eq!(position.position_ms(at(9_000)), 9_000);
    }

    #[test]
    fn a_report_moves_the_position_and_the_content_with_it() {
        let mut position = playing(0, u64::MAX);
        position.scale(2.0, at(0));
        position.report(4_900, at(5_000));
        assert_eq!(
            (
                position.position_ms(at(5_000)),
                position.content_ms(at(5_000))
            ),
            (4_900, 9_800)
        );
    }
}
