//! [`Stance`]: whether the host of a node goes on, or stands still with all that it has.

use std::time::Duration;

use super::{ConnectionId, TestNode};

/// What the clock of a host is behind that stood, and whether it stands now. By its own clock a
/// host never stood: what it was about to do, it does.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stance {
    /// For how long it has stood before.
    stood_for: Duration,
    /// Since when it stands, by the world's clock.
    since: Option<Duration>,
}

impl Stance {
    pub(super) fn stands(self) -> bool {
        self.since.is_some()
    }

    /// What the host's own clock shows at a time of the world's.
    pub(super) fn to_own(self, at: Duration) -> Duration {
        let at = self.since.map_or(at, |since| since.min(at));
        at.saturating_sub(self.stood_for)
    }

    /// When something is due in the world that is due by the host's own clock, if it goes on.
    pub(super) fn to_world(self, at: Duration) -> Duration {
        at.saturating_add(self.stood_for)
    }
}

/// What waits for a host that stands still.
#[derive(Debug)]
pub(super) enum Unheard {
    /// Bytes of a client.
    Bytes(ConnectionId, Vec<u8>),
    /// The end of a connection, by a reset or not.
    End(ConnectionId, bool),
}

impl TestNode {
    /// Lets the host stand still from now on, as a virtual machine that is moved, or a process that
    /// is stopped: no track plays, no timer runs, nothing is answered. Connections are made all the
    /// same, and what they carry waits.
    pub fn stand_still(&mut self, now: Duration) {
        self.handle_timeout(now);
        self.stance.since.get_or_insert(now);
    }

    /// Lets a host go on that stood still, with all that it had then. Its wall clock is right.
    pub fn go_on(&mut self, now: Duration) {
        if let Some(since) = self.stance.since.take() {
            self.stance.stood_for += now.saturating_sub(since);
        }
        self.handle_timeout(now);
        for unheard in std::mem::take(&mut self.unheard) {
            match unheard {
                Unheard::Bytes(connection, bytes) => self.receive(connection, &bytes, now),
                Unheard::End(connection, reset) => self.peer_closed(connection, reset, now),
            }
        }
    }

    /// Whether the host stands still.
    pub fn stands_still(&self) -> bool {
        self.stance.stands()
    }
}
