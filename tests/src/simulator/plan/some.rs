//! What some worlds have and others have not, each drawn with a chance of its own, so that the rest
//! is what the seed has always meant.

use std::time::Duration;

use lavapool_core::Limits;

use super::{Plan, draw_times, short_or_long};
use crate::simulator::fault::{Fault, FaultKind};
use crate::simulator::order::{Order, OrderKind};
use crate::world::chance::Chance;

impl Plan {
    /// Some worlds have oddities beside what all of them may have. They have a chance of their
    /// own, so that the rest is what the seed has always meant.
    pub(super) fn draw_oddities(&mut self) {
        let mut chance = Chance::new(self.seed ^ ODD);
        if chance.number(4) != 0 {
            return;
        }
        let apart = Duration::from_secs(5);
        let (hosts, within) = (self.options.hosts, self.options.safety_for);
        let kinds = [FaultKind::Pings, FaultKind::Fragments];
        self.faults
            .extend(draw_times(within, apart, &mut chance, |chance| Fault {
                kind: kinds[chance.index(kinds.len())],
                host: chance.index(hosts),
                lasts_for: short_or_long(chance),
                number: chance.number(u64::MAX),
            }));
        self.faults.sort_by_key(|(at, _)| *at);
        self.options.retries = chance.one_of(&[None, Some(1), Some(4)]);
        self.options.destroys_strangers = chance.toss();
    }
    /// In some worlds the bot goes from channel to channel, and its connection to the gateway is
    /// not the same all the while.
    pub(super) fn draw_voices(&mut self) {
        let mut chance = Chance::new(self.seed ^ VOICE);
        if chance.number(3) != 0 {
            return;
        }
        let (guilds, within) = (self.options.guilds, self.options.safety_for);
        let apart = Duration::from_secs(chance.one_of(&[2, 6, 15]));
        let drawn = draw_times(within, apart, &mut chance, |chance| Order {
            kind: chance.one_of(&[
                OrderKind::MoveChannel,
                OrderKind::MoveChannel,
                OrderKind::LeaveChannel,
                OrderKind::NewGateway,
            ]),
            guild: 1 + chance.number(guilds),
            host: 0,
            number: chance.number(u64::MAX),
        });
        self.orders.extend(drawn);
        self.orders.sort_by_key(|(at, _)| *at);
    }

    /// In some worlds there are tracks that cannot be played.
    pub(super) fn draw_failing(&mut self) {
        let mut chance = Chance::new(self.seed ^ FAIL);
        if chance.number(4) != 0 {
            return;
        }
        let (guilds, within) = (self.options.guilds, self.options.safety_for);
        let apart = Duration::from_secs(chance.one_of(&[4, 12]));
        let drawn = draw_times(within, apart, &mut chance, |chance| Order {
            kind: OrderKind::PlayFailing,
            guild: 1 + chance.number(guilds),
            host: 0,
            number: chance.number(u64::MAX),
        });
        self.orders.extend(drawn);
        self.orders.sort_by_key(|(at, _)| *at);
    }

    /// Some worlds end with an order to each player whose connection ends under it: what is lost
    /// there is not made good by whatever happens later.
    pub(super) fn draw_last_words(&mut self) {
        let mut chance = Chance::new(self.seed ^ LAST);
        if chance.number(4) != 0 {
            return;
        }
        let at = self
            .options
            .safety_for
            .saturating_sub(Duration::from_secs(1));
        self.orders.extend((1..=self.options.guilds).map(|guild| {
            let kind = OrderKind::Volume;
            let number = chance.number(u64::MAX);
            let order = Order {
                kind,
                guild,
                host: 0,
                number,
            };
            (at, order)
        }));
        let under_way_at = at + self.options.latency / 2;
        self.faults.extend((0..self.options.hosts).map(|host| {
            let fault = Fault {
                kind: FaultKind::DropRest,
                host,
                lasts_for: Duration::ZERO,
                number: 0,
            };
            (under_way_at, fault)
        }));
        self.orders.sort_by_key(|(at, _)| *at);
        self.faults.sort_by_key(|(at, _)| *at);
    }

    /// In some worlds listeners skip a track just when it ends by itself: the end meets the next
    /// play on the way. It is the last that each player is asked for, so that nothing later makes
    /// good what is lost there.
    pub(super) fn draw_skips(&mut self) {
        let mut chance = Chance::new(self.seed ^ SKIP);
        if chance.number(4) != 0 {
            return;
        }
        let (guilds, latency) = (self.options.guilds, self.options.latency);
        let from = self.options.safety_for.saturating_sub(SKIPPED_FOR);
        self.orders.retain(|(at, _)| *at < from);
        self.orders.extend((1..=guilds).flat_map(|guild| {
            let short = Order {
                kind: OrderKind::PlayShort,
                guild,
                host: 0,
                number: chance.number(4_000),
            };
            let skip = Order {
                kind: OrderKind::Play,
                ..short
            };
            // It begins and ends at the server, and that is heard of as long again later.
            let met = latency + chance.below(latency * 3);
            [(from, short), (from + short.short_length() + met, skip)]
        }));
        self.orders.sort_by_key(|(at, _)| *at);
    }

    /// In some worlds plays are refused, and in some of those it is the last that each player is
    /// asked for.
    pub(super) fn draw_refusals(&mut self) {
        let mut chance = Chance::new(self.seed ^ REFUSE);
        if chance.number(3) != 0 {
            return;
        }
        let (guilds, hosts, within) = (
            self.options.guilds,
            self.options.hosts,
            self.options.safety_for,
        );
        let refused = |guild, chance: &mut Chance| Order {
            kind: chance.one_of(&[
                OrderKind::PlayRefused,
                OrderKind::PlayRefused,
                OrderKind::PlayUnknown,
            ]),
            guild,
            host: chance.index(hosts),
            number: chance.number(u64::MAX),
        };
        let apart = Duration::from_secs(chance.one_of(&[1, 4, 12]));
        let drawn = draw_times(within, apart, &mut chance, |chance| {
            refused(1 + chance.number(guilds), chance)
        });
        self.orders.extend(drawn);
        if chance.toss() {
            let from = within.saturating_sub(SKIPPED_FOR);
            self.orders.retain(|(at, _)| *at < from);
            self.orders.extend((1..=guilds).map(|guild| {
                let at = from + chance.below(SKIPPED_FOR);
                (at, refused(guild, &mut chance))
            }));
        }
        self.orders.sort_by_key(|(at, _)| *at);
    }

    /// Some worlds are small: the application comes to the limits, and few results are cached.
    pub(super) fn draw_limits(&mut self) {
        let mut chance = Chance::new(self.seed ^ LIMIT);
        self.options.cached_max = chance.one_of(&[None, Some(1), Some(3)]);
        if chance.number(4) != 0 {
            return;
        }
        let mut limits = Limits {
            commands_max: chance.one_of(&[4, 12, 40]),
            control_sockets_max: chance.one_of(&[2, 3, 4]),
            voice_sockets_max: 1,
            lookup_sockets_max: chance.one_of(&[1, 2]),
            nodes_max: self.options.hosts,
            ..Limits::default()
        };
        if chance.toss() {
            // Which of the players that it finds another process takes nobody can say.
            self.orders.retain(|(_, order)| !order.kind.ends_client());
            let guilds = usize::try_from(self.options.guilds).unwrap_or(1);
            limits.players_max = guilds.div_ceil(2);
        }
        self.options.limits = Some(limits);
    }

    /// In most worlds the client is restarted twice at most, and not in the last minute: what it
    /// was told is to be seen in the end, and a new process starts with little of that.
    pub(super) fn draw_restarts(&mut self) {
        let mut chance = Chance::new(self.seed ^ RESTART);
        if chance.number(12) == 0 {
            return;
        }
        let restarts = self
            .orders
            .iter()
            .filter(|(_, order)| order.kind.ends_client());
        let mut times: Vec<_> = restarts.map(|(at, _)| *at).collect();
        if chance.number(6) != 0 {
            let until = self.options.safety_for.saturating_sub(CALM_FOR);
            times.retain(|at| *at < until);
        }
        while times.len() > RESTARTS_MAX {
            times.remove(chance.index(times.len()));
        }
        self.orders
            .retain(|(at, order)| !order.kind.ends_client() || times.contains(at));
    }

    /// In some worlds the host of a server is gone without a word, which only its silence tells.
    pub(super) fn draw_power_losses(&mut self) {
        let mut chance = Chance::new(self.seed ^ POWER);
        if chance.number(6) != 0 {
            return;
        }
        let (hosts, within) = (self.options.hosts, self.options.safety_for);
        let apart = Duration::from_secs(60);
        let drawn = draw_times(within, apart, &mut chance, |chance| Fault {
            kind: FaultKind::PowerLoss,
            host: chance.index(hosts),
            lasts_for: Duration::from_secs(30 + chance.number(120)),
            number: 0,
        });
        self.faults.extend(drawn);
        self.faults.sort_by_key(|(at, _)| *at);
    }

    /// Some worlds end with a move of the bot to another channel on the same voice server, which
    /// nothing later makes good.
    pub(super) fn draw_last_channels(&mut self) {
        let mut chance = Chance::new(self.seed ^ CHANNEL);
        if chance.number(4) != 0 {
            return;
        }
        let at = self.options.safety_for - Duration::from_millis(1);
        let moves = (1..=self.options.guilds).map(|guild| {
            let order = Order {
                kind: OrderKind::MoveChannel,
                guild,
                host: 0,
                // Those that are even name another voice server, too.
                number: 1 + 2 * chance.number(3),
            };
            (at, order)
        });
        self.orders.extend(moves);
        self.orders.sort_by_key(|(at, _)| *at);
    }
}

/// Makes the chance of oddities another one than that of the rest.
const ODD: u64 = 0x6f64_6469_7479;

/// The same for voice channels.
const VOICE: u64 = 0x0076_6f69_6365;

/// The same for tracks that fail.
const FAIL: u64 = 0x6661_696c;

/// The same for last words.
const LAST: u64 = 0x6c61_7374;

/// How long before the end of what goes wrong listeners skip.
const SKIPPED_FOR: Duration = Duration::from_secs(6);

/// The same for skips.
const SKIP: u64 = 0x736b_6970;

/// The same for refused plays.
const REFUSE: u64 = 0x7265_6675_7365;

/// The same for the last channels.
const CHANNEL: u64 = 0x6368_616e_6e65_6c73;

/// The same for hosts without power.
const POWER: u64 = 0x0070_6f77_6572;

/// The same for limits.
const LIMIT: u64 = 0x006c_696d_6974;
/// The same for restarts.
const RESTART: u64 = 0x7265_7374_6172;

/// How often a client is restarted in most worlds.
const RESTARTS_MAX: usize = 2;

/// How long before the end of what goes wrong it is restarted for the last time.
const CALM_FOR: Duration = Duration::from_secs(60);
