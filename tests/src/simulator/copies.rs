//! [`Copies`]: the copies of players that are no more, and where in their tracks they were.

use std::collections::BTreeMap;
use std::time::Duration;

use lavapool_core::protocol::GuildId;

use crate::node::{LostPlayer, PlayerFate, PlayerView};

/// The copies of players that are no more, and where in their tracks they were.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// Those of each guild that were lost last with their sessions: more than one if a server that
    /// ended had copies in older sessions, too.
    lost: BTreeMap<GuildId, Vec<PastCopy>>,
    /// Those that were deleted last, or whose tracks ended.
    gone: BTreeMap<GuildId, Vec<PastCopy>>,
    /// When each player went on last in each session.
    went_on: BTreeMap<(GuildId, String), Duration>,
}

/// A copy that is no more.
#[derive(Debug)]
pub(super) struct PastCopy {
    pub(super) host: usize,
    pub(super) lost: LostPlayer,
    /// When it went on there from where another copy had been.
    began_at: Option<Duration>,
}

impl Copies {
    /// A player goes on in a session.
    pub(super) fn goes_on(&mut self, guild: GuildId, session: &str, at: Duration) {
        self.went_on.insert((guild, session.to_owned()), at);
    }

    /// Whether a player went on in a session after that.
    pub(super) fn went_on_since(&self, guild: GuildId, session: &str, at: Duration) -> bool {
        let went_on = self.went_on.get(&(guild, session.to_owned()));
        went_on.is_some_and(|went_on| *went_on > at)
    }

    /// Whether a player has gone on in another session since it did in this one.
    pub(super) fn went_elsewhere(&self, guild: GuildId, session: &str) -> bool {
        let here = self.went_on.get(&(guild, session.to_owned()));
        let mut others = self.went_on.iter();
        others.any(|((player, there), at)| *player == guild && there != session && Some(at) > here)
    }

    /// Whether the last copy that a session had of a player was deleted.
    pub(super) fn was_deleted(&self, guild: GuildId, session: &str) -> bool {
        let mut gone = self.gone.get(&guild).into_iter().flatten().rev();
        let last = gone.find(|copy| copy.lost.player.session == session);
        last.is_some_and(|copy| copy.lost.fate == PlayerFate::Deleted)
    }

    /// A server has a copy no more.
    pub(super) fn lose(&mut self, host: usize, lost: &LostPlayer) {
        let guild = u64::try_from(lost.player.guild).ok();
        let Some(guild) = guild.and_then(GuildId::new) else {
            return;
        };
        let copies = match lost.fate {
            PlayerFate::SessionOver => &mut self.lost,
            PlayerFate::Deleted | PlayerFate::TrackOver => &mut self.gone,
        };
        let copies = copies.entry(guild).or_default();
        copies.retain(|other| other.lost.at + KEPT_FOR > lost.at);
        let began_at = self.went_on.get(&(guild, lost.player.session.clone()));
        copies.push(PastCopy {
            host,
            lost: lost.clone(),
            began_at: began_at.copied().filter(|at| *at <= lost.at),
        });
    }

    /// Whether a copy that played this was deleted so lately that its end may be told yet.
    pub(super) fn was_just_deleted(&self, guild: GuildId, track: &str, now: Duration) -> bool {
        let mut gone = self.gone.get(&guild).into_iter().flatten();
        gone.any(|copy| {
            let played = copy.lost.player.track.as_ref();
            copy.lost.fate == PlayerFate::Deleted
                && copy.lost.at + TOLD_WITHIN > now
                && played.is_some_and(|played| played.identifier == track)
        })
    }

    /// Those of a guild that were lost with their sessions, of which something is true.
    pub(super) fn lost(
        &self,
        guild: GuildId,
        is_it: impl Fn(&PlayerView) -> bool,
    ) -> impl Iterator<Item = &PastCopy> {
        let lost = self.lost.get(&guild).into_iter().flatten();
        lost.filter(move |copy| is_it(&copy.lost.player))
    }

    /// Those that went otherwise, after they had gone on from where the last one was lost.
    pub(super) fn gone(
        &self,
        guild: GuildId,
        is_it: impl Fn(&PlayerView) -> bool,
    ) -> impl Iterator<Item = &PastCopy> {
        let lost_at = self.lost(guild, &is_it).map(|copy| copy.lost.at).max();
        let gone = self.gone.get(&guild).into_iter().flatten();
        gone.filter(move |copy| is_it(&copy.lost.player) && copy.began_at >= lost_at)
    }
}

/// For how long a copy in a session that nobody resumes may be there beside the latest one, which
/// was lost.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(60);

/// What a server says of a copy that it has deleted may be so late.
const TOLD_WITHIN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn guild() -> GuildId {
        GuildId::new(1).expect("no zero")
    }

    fn lost(session: &str, at: u64, fate: PlayerFate) -> LostPlayer {
        LostPlayer {
            at: Duration::from_secs(at),
            fate,
            player: PlayerView {
                session: session.to_owned(),
                guild: 1,
                track: None,
                position_ms: 0,
                content_ms: 0,
                paused: false,
                volume: 100,
                end_time_ms: None,
                filters: Value::Null,
                voice: None,
                connected: true,
                audible: true,
            },
        }
    }

    #[test]
    fn what_was_deleted_counts_if_it_went_on_after_the_last_loss() {
        for (began_at, counted) in [(11, 1), (9, 0)] {
            let mut copies = Copies::default();
            copies.lose(0, &lost("old", 10, PlayerFate::SessionOver));
            copies.goes_on(guild(), "next", Duration::from_secs(began_at));
            copies.lose(1, &lost("next", 20, PlayerFate::Deleted));
            assert_eq!(copies.lost(guild(), |_| true).count(), 1);
            let gone = copies.gone(guild(), |_| true).count();
            assert_eq!(gone, counted, "went on at {began_at} s");
        }
    }
}
