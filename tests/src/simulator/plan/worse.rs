//! What goes wrong in some worlds only, each with a chance of its own, as in [`some`](super::some).

use std::time::Duration;

use super::{Plan, draw_times, short_or_long};
use crate::simulator::fault::{Fault, FaultKind};
use crate::simulator::order::{Order, OrderKind};
use crate::world::chance::Chance;

impl Plan {
    /// In some worlds sockets take nothing of what is written for seconds.
    pub(super) fn draw_write_stalls(&mut self) {
        self.draw_some(STALL, 5, &[FaultKind::WriteStall], short_or_long);
    }

    /// In some worlds servers blame the client for what it asks, and refuse its password by REST.
    pub(super) fn draw_blames(&mut self) {
        self.draw_some(BLAME, 6, &[FaultKind::Blamed], short_or_long);
    }

    /// In some worlds servers stand still for a while, and go on with all that they had. Of some
    /// the application hears before the pool has noticed, and sends their players elsewhere.
    pub(super) fn draw_stands(&mut self) {
        let mut chance = Chance::new(self.seed ^ STAND);
        if chance.number(4) != 0 {
            return;
        }
        let (hosts, within) = (self.options.hosts, self.options.safety_for);
        let apart = Duration::from_secs(chance.one_of(&[15, 40]));
        let drawn = draw_times(within, apart, &mut chance, |chance| Fault {
            kind: chance.one_of(&[FaultKind::StandsStill, FaultKind::Restored]),
            host: chance.index(hosts),
            lasts_for: match chance.toss() {
                true => short_or_long(chance),
                false => chance.between(NOTICED_AFTER, STANDS_MAX),
            },
            number: chance.number(u64::MAX),
        });
        for (at, fault) in &drawn {
            let noticed_at = *at + NOTICED_AFTER + chance.below(NOTICED_WITHIN);
            if noticed_at < within.min(*at + fault.lasts_for) {
                let order = Order {
                    kind: chance.one_of(&[OrderKind::Drain, OrderKind::Reconnect]),
                    guild: 1 + chance.number(self.options.guilds),
                    host: fault.host,
                    number: chance.number(u64::MAX),
                };
                self.orders.push((noticed_at, order));
            }
        }
        self.orders.sort_by_key(|(at, _)| *at);
        self.faults.extend(drawn);
        self.faults.sort_by_key(|(at, _)| *at);
    }

    /// In some worlds something before the servers answers in their place, for a while each time:
    /// nobody else says in those seconds what became of a request.
    pub(super) fn draw_pages(&mut self) {
        self.draw_some(PAGE, 6, &[FaultKind::Pages], |chance| {
            chance.between(PAGES_MIN, PAGES_MAX)
        });
    }

    /// One world in so many has faults of some kinds that last so long.
    fn draw_some(
        &mut self,
        own: u64,
        one_in: u64,
        kinds: &[FaultKind],
        lasts_for: impl Fn(&mut Chance) -> Duration,
    ) {
        let mut chance = Chance::new(self.seed ^ own);
        if chance.number(one_in) != 0 {
            return;
        }
        let (hosts, within) = (self.options.hosts, self.options.safety_for);
        let apart = Duration::from_secs(chance.one_of(&[4, 12]));
        let drawn = draw_times(within, apart, &mut chance, |chance| Fault {
            kind: chance.one_of(kinds),
            host: chance.index(hosts),
            lasts_for: lasts_for(chance),
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

/// When an application has heard of that: when a report is overdue, and no ping is yet.
const NOTICED_AFTER: Duration = Duration::from_secs(6);
const NOTICED_WITHIN: Duration = Duration::from_secs(14);

/// The longest that a server stands still.
const STANDS_MAX: Duration = Duration::from_secs(60);

/// The same for answers in the place of servers.
const PAGE: u64 = 0x0070_6167_6573;

/// How long something else answers in their place.
const PAGES_MIN: Duration = Duration::from_secs(2);
const PAGES_MAX: Duration = Duration::from_secs(20);
