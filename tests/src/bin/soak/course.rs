//! [`Courses`]: where in their tracks the players are to be, by what was told of their moves.

use std::time::{Duration, Instant};

use lavapool::GuildId;

use crate::wish::Wish;

/// How far one that runs may be from where it is to be. A machine that is too busy makes it more:
/// a dead node counts as playing until the client has the time to notice. A place that is lost is
/// off by all that was played, which is 13 s at least. One that is paused is where it was, to the
/// millisecond.
const OFF_MAX: Duration = Duration::from_secs(8);

/// All players, in the order of their guilds.
pub(crate) struct Courses {
    since: Instant,
    all: Vec<Course>,
}

/// One player.
struct Course {
    wish: Wish,
    from_ms: i64,
    /// For how long it was on no node.
    gaps: Duration,
    moves: u32,
}

impl Courses {
    /// Begins with where the players are now.
    pub(crate) fn begin(positions: Vec<Option<i64>>) -> Self {
        let course = |(wish, position): (Wish, Option<i64>)| Course {
            wish,
            from_ms: position.unwrap(),
            gaps: Duration::ZERO,
            moves: 0,
        };
        Self {
            since: Instant::now(),
            all: Wish::all().zip(positions).map(course).collect(),
        }
    }

    /// A player went on after this time.
    pub(crate) fn note(&mut self, guild: GuildId, gap: Duration) {
        let course = &mut self.all[guild.get() as usize - 1];
        course.gaps += gap;
        course.moves += 1;
    }

    /// How far the farthest is from where it is to be, and which ones are too far.
    pub(crate) fn judge(&self, positions: &[Option<i64>]) -> (Duration, Vec<String>) {
        let elapsed = self.since.elapsed();
        let mut farthest = Duration::ZERO;
        let mut faults = Vec::new();
        for (course, position) in self.all.iter().zip(positions) {
            let expected = course.expected(elapsed);
            let off = position.map(|position| position.abs_diff(expected));
            let off = off.map_or(Duration::MAX, Duration::from_millis);
            farthest = farthest.max(off);
            if off > course.off_max() {
                let guild = course.wish.0;
                let Course { gaps, moves, .. } = course;
                faults.push(format!(
                    "guild {guild} is at {position:?}, not {expected}, after {moves} moves \
                     that took {gaps:?}"
                ));
            }
        }
        (farthest, faults)
    }
}

impl Course {
    fn off_max(&self) -> Duration {
        if self.wish.is_paused() {
            Duration::ZERO
        } else {
            OFF_MAX
        }
    }

    fn expected(&self, elapsed: Duration) -> i64 {
        let played = if self.wish.is_paused() {
            Duration::ZERO
        } else {
            elapsed.saturating_sub(self.gaps)
        };
        self.from_ms + i64::try_from(played.as_millis()).unwrap()
    }
}
