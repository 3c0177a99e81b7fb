//! What the server says of which guild, and what tells one message from another.

use lavapool_bench_core::messages::{
    Kind, Play, guild_id, player_update, stats, track_end, track_start,
};

/// How many guilds a session is told of.
pub(crate) const GUILDS: u64 = 1_000;
/// How many messages a session can be told until all must play again.
pub(crate) const MESSAGES_MAX: u64 = 20 * GUILDS;
/// How many players a node says that it has.
const PLAYERS: usize = 1_000;

/// Which of `count` guilds the message of this number is about. In each twenty one guild is told
/// that its track starts, and the one of the twenty before that its track ends.
pub(crate) const fn guild_of(serial: u64, count: u64) -> u64 {
    match Kind::of(serial) {
        Kind::TrackStart => serial / 20 % count,
        Kind::TrackEnd => (serial / 20 + count - 1) % count,
        // A multiplication by the golden ratio spreads what follows upon each other.
        Kind::PlayerUpdate | Kind::Stats => {
            (serial.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % count
        }
    }
}

/// A guild that the server speaks of.
#[derive(Clone, Debug)]
pub(crate) struct Guild {
    pub(crate) id: u64,
    pub(crate) present: Play,
    /// What it played before that.
    pub(crate) previous: Option<Play>,
}

/// The guilds of a session that has no players.
pub(crate) fn guilds() -> Vec<Guild> {
    let guild = |number| {
        let id = guild_id(number);
        // The number of its track is its own.
        let play = Play::untagged(id);
        Guild {
            id,
            present: play.clone(),
            previous: Some(play),
        }
    };
    (0..GUILDS).map(guild).collect()
}

/// The message of this number, of a session with these guilds. A position has `mark` as its place
/// and its ping.
///
/// Each track starts and ends once, so that a session can be told of as many twenties as it has
/// guilds. Then all play again: the one whose track has not ended plays another in place of it.
pub(crate) fn message(serial: u64, guilds: &[Guild], mark: u64) -> String {
    let guild = &guilds[guild_of(serial, guilds.len() as u64) as usize];
    match (Kind::of(serial), &guild.previous) {
        (Kind::Stats, _) => stats(PLAYERS),
        (Kind::TrackStart, _) => track_start(guild.id, &guild.present),
        (Kind::TrackEnd, _) if serial >= 20 => track_end(guild.id, &guild.present, "finished"),
        (Kind::TrackEnd, Some(previous)) => track_end(guild.id, previous, "replaced"),
        (Kind::PlayerUpdate, _) | (Kind::TrackEnd, None) => player_update(guild.id, mark, mark),
    }
}

/// A number of seven digits that tells a message from those around it: its number, or the time.
pub(crate) const fn mark(number: u64) -> u64 {
    FIRST_MARK + number % MARKS
}

/// How much later than the one the other of two marks is, if they are of times.
pub(crate) const fn marked_later(mark: u64, other: u64) -> u64 {
    (other + MARKS - mark) % MARKS
}

/// How far a player says that it is from Discord, when each is reported once.
pub(crate) const REPORTED_PING_MS: u64 = 25;
pub(crate) const FIRST_MARK: u64 = 1_000_000;
const MARKS: u64 = 8_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_ends_in_the_twenty_after_the_one_that_it_starts_in() {
        for twenty in 1..GUILDS {
            let (end, start) = (20 * twenty + 7, 20 * (twenty - 1) + 8);
            assert_eq!(
                (Kind::of(end), Kind::of(start)),
                (Kind::TrackEnd, Kind::TrackStart)
            );
            assert_eq!(guild_of(end, GUILDS), guild_of(start, GUILDS));
        }
    }

    #[test]
    fn marks_of_times_are_compared_past_their_end() {
        assert_eq!(marked_later(mark(7_999_999), mark(8_000_400)), 401);
    }
}
