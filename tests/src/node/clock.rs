//! The position of a track, which runs at the speed of the output, and the content under it,
//! which runs at the speed of the timescale.

use std::time::Duration;

use super::millis;

/// Where a track is.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// The position at `since`.
    base_ms: i64,
    since: Duration,
    running: bool,
    /// The position of the last frame that went out.
    sent_ms: i64,
    /// When the track was started or sought. A server reports the place that it was asked for
    /// until decoding has got there, and then the last frame that went out: 0 if none did.
    asked_at: Duration,
    /// Where the audio stops coming; the position stays there.
    limit_ms: i64,
    segments: Vec<Segment>,
}

/// From a position on, content runs at this rate.
#[derive(Clone, Copy, Debug)]
struct Segment {
    from_ms: i64,
    content_ms: f64,
    rate: f64,
}

impl Clock {
    /// Makes a clock that stands at a position, and will not run past the limit.
    pub(super) fn new(position_ms: i64, limit_ms: i64, rate: f64, now: Duration) -> Self {
        Self {
            base_ms: position_ms,
            since: now,
            running: false,
            sent_ms: 0,
            asked_at: now,
            limit_ms,
            segments: vec![Segment::at(position_ms, rate)],
        }
    }

    /// Jumps to a position.
    pub(super) fn seek(&mut self, position_ms: i64, now: Duration) {
        let rate = self.segments.last().map_or(1.0, |segment| segment.rate);
        self.base_ms = position_ms;
        self.since = now;
        self.asked_at = now;
        self.segments = vec![Segment::at(position_ms, rate)];
    }

    /// Lets the clock run or stand; it jumps ahead by what is sent at once.
    pub(super) fn run(&mut self, running: bool, ahead: Duration, now: Duration) {
        if self.running && !running {
            self.sent_ms = self.position(now);
        }
        self.base_ms = self.position(now).saturating_add(millis(ahead));
        self.since = now;
        self.running = running;
    }

    /// Changes the rate of the content behind what was already decoded.
    pub(super) fn set_rate(&mut self, rate: f64, decoded: Duration, now: Duration) {
        let from_ms = self.position(now).saturating_add(millis(decoded));
        let content_ms = self.content(from_ms);
        self.segments.retain(|segment| segment.from_ms < from_ms);
        self.segments.push(Segment {
            from_ms,
            content_ms,
            rate,
        });
    }

    /// Returns the true position.
    pub(super) fn position(&self, now: Duration) -> i64 {
        let elapsed = if self.running {
            millis(now.saturating_sub(self.since))
        } else {
            0
        };
        self.base_ms
            .saturating_add(elapsed)
            .min(self.limit_ms.max(self.base_ms))
    }

    /// Returns the position that a server reports.
    pub(super) fn reported(&self, now: Duration) -> i64 {
        if self.running || now < self.asked_at + SETTLED_AFTER {
            self.position(now)
        } else {
            self.sent_ms
        }
    }

    /// Returns the place in the track at a position.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a track of 285 000 years is not played"
    )]
    pub(super) fn content(&self, position_ms: i64) -> f64 {
        let begun = self
            .segments
            .iter()
            .rev()
            .find(|segment| segment.from_ms <= position_ms);
        let Some(segment) = begun.or_else(|| self.segments.first()) else {
            return 0.0;
        };
        segment.content_ms + (position_ms.saturating_sub(segment.from_ms)) as f64 * segment.rate
    }

    /// Returns when a position is reached, if the clock runs; the past if it is behind.
    pub(super) fn reaches(&self, position_ms: i64) -> Option<Duration> {
        if !self.running {
            return None;
        }
        let ahead = position_ms.saturating_sub(self.base_ms).max(0);
        self.since
            .checked_add(Duration::from_millis(u64::try_from(ahead).ok()?))
    }

    /// Returns the position at which content of this length is over.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a track of 285 000 years is not played"
    )]
    #[allow(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
    pub(super) fn end_of(&self, length_ms: i64) -> i64 {
        if length_ms == i64::MAX {
            return i64::MAX;
        }
        let mut end_ms = i64::MAX;
        for (index, segment) in self.segments.iter().enumerate() {
            let left = (length_ms as f64 - segment.content_ms).max(0.0);
            end_ms = segment
                .from_ms
                .saturating_add((left / segment.rate).ceil() as i64);
            if self
                .segments
                .get(index + 1)
                .is_none_or(|next| end_ms <= next.from_ms)
            {
                break;
            }
        }
        end_ms
    }
}

impl Segment {
    #[allow(
        clippy::cast_precision_loss,
        reason = "a track of 285 000 years is not played"
    )]
    fn at(position_ms: i64, rate: f64) -> Self {
        Self {
            from_ms: position_ms,
            content_ms: position_ms as f64,
            rate,
        }
    }
}

/// How long a seek takes; between 4 and 19 ms on the recorded server.
const SETTLED_AFTER: Duration = Duration::from_millis(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_moves_only_while_the_clock_runs() {
        let mut clock = Clock::new(0, i64::MAX, 1.0, ms(0));
        assert_eq!(clock.position(ms(500)), 0);
        clock.run(true, Duration::ZERO, ms(500));
        assert_eq!(clock.position(ms(800)), 300);
        clock.run(false, Duration::ZERO, ms(1000));
        assert_eq!(
            (clock.position(ms(9000)), clock.reported(ms(9000))),
            (500, 500)
        );
    }

    #[test]
    fn a_seek_without_audio_is_reported_for_a_moment() {
        let mut clock = Clock::new(0, i64::MAX, 1.0, ms(0));
        clock.seek(5000, ms(100));
        assert_eq!(
            (clock.reported(ms(100)), clock.reported(ms(200))),
            (5000, 0)
        );
        clock.run(true, Duration::ZERO, ms(200));
        assert_eq!(clock.reported(ms(300)), 5100);
    }

    #[test]
    fn a_timescale_shortens_what_is_not_decoded_yet() {
        // As recorded in 02-voice: 21180 + 5000 buffered + 3886 / 2 is 28123.
        let mut clock = Clock::new(21_180, i64::MAX, 1.0, ms(0));
        clock.run(true, Duration::ZERO, ms(0));
        clock.set_rate(2.0, ms(5000), ms(0));
        assert_eq!(clock.end_of(30_066), 28_123);
        assert_eq!(clock.reaches(28_123), Some(ms(6943)));
        assert!((clock.content(27_180) - 28_180.0).abs() < 1e-9);
    }

    #[test]
    fn a_seek_forgets_the_segments_but_keeps_the_rate() {
        let mut clock = Clock::new(0, i64::MAX, 2.0, ms(0));
        clock.run(true, Duration::ZERO, ms(0));
        clock.seek(10_000, ms(3000));
        assert_eq!(
            (clock.end_of(20_000), clock.end_of(5_000)),
            (15_000, 10_000)
        );
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }
}
