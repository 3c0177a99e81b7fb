//! [`Hearing`]: until when a server was heard of a session.

use std::time::Duration;

use super::Oracle;

/// Until when a server was heard of a session.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hearing {
    /// When the last byte of the connection before arrived.
    before: Duration,
    /// When the latest connection was ready.
    from: Duration,
    /// When its last byte arrived.
    until: Duration,
}

impl Hearing {
    /// A connection is ready.
    pub(super) const fn begin(&mut self, at: Duration) {
        (self.before, self.from) = (self.until, at);
    }

    /// A byte arrived.
    pub(super) const fn go_on(&mut self, at: Duration) {
        self.until = at;
    }
}

impl Oracle {
    /// When a server had been heard last of a session, at this moment.
    pub(in crate::simulator) fn heard_at(
        &self,
        host: usize,
        session: &str,
        now: Duration,
    ) -> Duration {
        let hearing = self.hosts[host].hearings.get(session);
        let hearing = hearing.copied().unwrap_or_default();
        let is_present = hearing.from <= now;
        [hearing.before, hearing.until][usize::from(is_present)].min(now)
    }
}
