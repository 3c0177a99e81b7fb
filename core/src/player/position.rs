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
    running: bool,
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
            running: false,
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
        self.reported_ms = at_ms.min(length_ms);
        self.since = now;
        self.origin_ms = self.reported_ms;
        self.origin_content_ms = self.reported_ms;
    }

    /// Takes the server's word for the position.
    ///
    /// A report from before the present stretch began (a late one) belongs to what was before it,
    /// at the usual speed. One of 0 is no report, unless the stretch began there: a server says so
    /// until sound has been taken from the player, wherever that is to begin.
    pub fn report(&mut self, position_ms: u64, now: Timestamp) {
        if position_ms == 0 && self.origin_ms > 0 {
            mark!(ReportOfZero);
            return;
        }
        let before_ms = self.origin_ms.saturating_sub(position_ms);
        mark!(ReportOfBefore if before_ms > 0);
        self.origin_ms = self.origin_ms.saturating_sub(before_ms);
        self.origin_content_ms = self.origin_content_ms.saturating_sub(before_ms);
        self.reported_ms = position_ms;
        self.since = now;
    }

    /// Lets the clock run or stand still from `now` on.
    pub fn run(&mut self, running: bool, now: Timestamp) {
        if running != self.running {
            self.reported_ms = self.position_ms(now);
            self.since = now;
            self.running = running;
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
    pub(crate) const fn known_ms(&self) -> u64 {
        self.reported_ms
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
        self.running
    }

    pub(crate) fn position_ms(&self, now: Timestamp) -> u64 {
        let elapsed = if self.running {
            now.since(self.since)
        } else {
            Duration::ZERO
        };
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        // The track ends when its content does, which a speed brings forward.
        self.reported_ms
            .saturating_add(elapsed_ms)
            .min(self.length_ms)
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
