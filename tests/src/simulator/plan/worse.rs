//! What goes wrong in some worlds only, each with a chance of its own, as in [`some`](super::some).

use std::time::Duration;

use super::{Plan, draw_times, short_or_long};
use crate::simulator::fault::{Fault, FaultKind};
use crate::world::chance::Chance;

impl Plan {
    /// In some worlds sockets take nothing of what is written for seconds.
    pub(super) fn draw_write_stalls(&mut self) {
        self.draw_some(STALL, 5, &[4, 12], &[FaultKind::WriteStall]);
    }

    /// In some worlds servers blame the client for what it asks, and refuse its password by REST.
    pub(super) fn draw_blames(&mut self) {
        self.draw_some(BLAME, 6, &[4, 12], &[FaultKind::Blamed]);
    }

    /// In some worlds servers stand still for a while, and go on with all that they had.
    pub(super) fn draw_stands(&mut self) {
        let kinds = [FaultKind::StandsStill, FaultKind::Restored];
        self.draw_some(STAND, 5, &[10, 30], &kinds);
    }

    /// In some worlds something before the servers answers in their place.
    pub(super) fn draw_pages(&mut self) {
        self.draw_some(PAGE, 6, &[4, 12], &[FaultKind::Pages]);
    }

    /// One world in so many has faults of some kinds, so many seconds apart on average.
    fn draw_some(&mut self, own: u64, one_in: u64, apart_s: &[u64], kinds: &[FaultKind]) {
        let mut chance = Chance::new(self.seed ^ own);
        if chance.number(one_in) != 0 {
            return;
        }
        let (hosts, within) = (self.options.hosts, self.options.safety_for);
        let apart = Duration::from_secs(chance.one_of(apart_s));
        let drawn = draw_times(within, apart, &mut chance, |chance| Fault {
            kind: chance.one_of(kinds),
            host: chance.index(hosts),
            lasts_for: short_or_long(chance),
            number: chance.number(u64::MAX),
        });
        self.faults.extend(drawn);
        self.faults.sort_by_key(|(at, _)| *at);
    }
}

/// Makes the chance of write stalls another one than that of the rest.
const STALL: u64 = 0x0073_7461_6c6c;

/// The same for servers that blame the client.
const BLAME: u64 = 0x0062_6c61_6d65;

/// The same for servers that stand still.
const STAND: u64 = 0x0073_7461_6e64;

/// The same for answers in the place of servers.
const PAGE: u64 = 0x0070_6167_6573;
