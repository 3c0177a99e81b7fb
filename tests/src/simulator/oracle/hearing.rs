//! [`Hearing`]: when a server was heard of a session.

use std::time::Duration;

use lavapool_core::node::Loss;
use lavapool_core::protocol::GuildId;

use super::Oracle;
use crate::simulator::silences::REPORTED_EVERY;

/// When a server was heard of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct Hearing {
    /// When bytes came, of all its connections.
    times: Vec<Duration>,
    /// When the latest of those was ready.
    from: Duration,
}

impl Hearing {
    /// A connection is ready.
    pub(super) const fn begin(&mut self, at: Duration) {
        self.from = at;
    }

    /// Bytes came.
    pub(super) fn go_on(&mut self, at: Duration) {
        if self.times.last() != Some(&at) {
            self.times.push(at);
        }
    }

    /// When the last byte came until now which says that a player went on that was spoken of at
    /// `told_at`: what ends a silence does not say what became of it meanwhile.
    fn heard_at(&self, told_at: Duration, now: Duration) -> Duration {
        let until_now = self.times.partition_point(|at| *at <= now);
        let times = &self.times[..until_now];
        let told_at = told_at.max(self.from);
        let mut pairs = times.windows(2);
        let silence = pairs.find(|pair| told_at < pair[1] && pair[0] + REPORTED_EVERY < pair[1]);
        let last = silence.map_or_else(|| times.last(), |pair| pair.first());
        last.copied().unwrap_or_default()
    }
}

impl Oracle {
    /// The session of a server that is connected, and ready.
    pub(in crate::simulator) fn live_session(&self, host: usize) -> Option<&String> {
        let host = &self.hosts[host];
        host.session.as_ref().filter(|_| !host.is_leaving)
    }

    /// When a server had been heard last of a guild's player in a session, at this moment.
    pub(in crate::simulator) fn heard_at(
        &self,
        host: usize,
        session: &str,
        guild: GuildId,
        now: Duration,
    ) -> Duration {
        let told_at = self.report_by(host, guild, now).map(|(_, at)| at);
        let hearing = self.hosts[host].hearings.get(session);
        hearing.map_or(Duration::ZERO, |hearing| {
            hearing.heard_at(told_at.unwrap_or_default(), now)
        })
    }

    /// Where a server had said last by this moment that a guild's player is, and when.
    fn report_by(&self, host: usize, guild: GuildId, by: Duration) -> Option<(i64, Duration)> {
        let reports = self.hosts[host].reports.get(&guild.to_string())?;
        let mut latest = reports.iter().rev();
        latest.find(|(_, at)| *at <= by).copied()
    }

    /// A server is lost. If it fell silent, or does not know its session, it is known to have
    /// played until its last byte, and not until that was noticed.
    pub(super) fn is_lost(&mut self, host: usize, loss: &Loss, at: Duration) {
        let host = &mut self.hosts[host];
        let is_late = matches!(loss, Loss::Silent | Loss::SessionNotFound);
        host.silent = is_late.then_some((at, host.heard_until));
    }

    /// Until when the pool knows that a server played which was lost last.
    pub(in crate::simulator) fn known_until(&self, host: usize) -> Duration {
        let host = &self.hosts[host];
        let silent = host.silent.filter(|(at, _)| *at == host.lost_at);
        silent.map_or(host.lost_at, |(_, heard_until)| heard_until)
    }

    /// Where a player was at a moment by what its server had said, in milliseconds: what was under
    /// way for long tells of an earlier place, and the pool knows no better.
    pub(in crate::simulator) fn told_place(
        &self,
        host: usize,
        guild: GuildId,
        at: Duration,
    ) -> Option<i64> {
        let (position_ms, since) = self.report_by(host, guild, at)?;
        let later = i64::try_from(at.saturating_sub(since).as_millis()).ok()?;
        Some(position_ms + later)
    }

    /// Whether a server has said between two moments that a player is where it would have come to
    /// this place by the latter.
    pub(in crate::simulator) fn has_told_place(
        &self,
        host: usize,
        guild: GuildId,
        (after, by): (Duration, Duration),
        place_ms: i64,
    ) -> bool {
        let mut reports = self.hosts[host]
            .reports
            .get(&guild.to_string())
            .into_iter()
            .flatten();
        reports.any(|(told_ms, at)| {
            let later = i64::try_from(by.saturating_sub(*at).as_millis());
            after < *at && *at <= by && later.is_ok_and(|later| place_ms <= told_ms + later)
        })
    }
}

/// How many places are remembered of a player, the latest.
pub(super) const REPORTS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn heard_at<const TIMES: usize>(seconds: [u64; TIMES]) -> Hearing {
        let times = seconds.map(secs).to_vec();
        let from = Duration::ZERO;
        Hearing { times, from }
    }

    #[test]
    fn what_came_later_was_not_heard_yet() {
        let hearing = heard_at([2, 6]);
        let heard = [1, 5, 6].map(|now| hearing.heard_at(Duration::ZERO, secs(now)));
        assert_eq!(heard, [Duration::ZERO, secs(2), secs(6)]);
    }

    #[test]
    fn what_ends_a_silence_says_nothing_of_a_player_that_was_not_spoken_of_since() {
        let hearing = heard_at([1, 3, 11, 12]);
        let heard = [2, 11].map(|told| hearing.heard_at(secs(told), secs(12)));
        assert_eq!(heard, [secs(3), secs(12)]);
    }
}
