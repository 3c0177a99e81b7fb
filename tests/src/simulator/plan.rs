//! [`Plan`]: everything that will happen to a world, drawn from its seed before it begins.
//!
//! What is planned does not depend on what the pool does, so that a part of a plan can be left out
//! and the rest stays as it is: that is how a failing run is made short. Two things follow from the
//! run itself: the number in the name of a track counts the orders before it, and some plays are
//! refused by whichever node has the player then.

mod some;
mod worse;

use std::time::Duration;

use lavapool_core::{Limits, PoolConfig, Strangers, Strategy};

use super::fault::{Fault, FaultKind};
use super::order::{Order, OrderKind};
use crate::world::Weather;
use crate::world::chance::Chance;

/// Everything that will happen.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed that it was drawn from.
    pub seed: u64,
    /// What the world is like.
    pub options: Options,
    /// What goes wrong, in the order of time.
    pub faults: Vec<(Duration, Fault)>,
    /// What the application does, in the order of time.
    pub orders: Vec<(Duration, Order)>,
}

/// What a world is like for as long as it lasts. Many things are as they should be in some runs,
/// so that runs differ in kind and not in luck alone.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many servers there are.
    pub hosts: usize,
    /// How many guilds the bot is in.
    pub guilds: u64,
    /// How long things go wrong.
    pub safety_for: Duration,
    /// The way to each server, and back.
    pub latency: Duration,
    /// Whether servers have regions.
    pub has_regions: bool,
    /// For how long sessions outlive their connections.
    pub resume_for: Option<Duration>,
    /// Whether servers let messages of different threads overtake each other.
    pub has_races: bool,
    /// Whether bytes for the pool are cut at random places, by what seed.
    pub cuts: Option<u64>,
    /// Whether players move back to the node that they were lost from.
    pub returns_home: bool,
    /// How the pool chooses nodes.
    pub strategy: usize,
    /// What the network is like.
    pub weather: Weather,
    /// Which servers are well in the end.
    pub healed: Vec<bool>,
    /// Whether the hosts of the others refuse to be dialled in the end; else they never answer.
    pub refuses_dials: bool,
    /// How many tries to dial in a row may fail, if there is a bound.
    pub retries: Option<u32>,
    /// Whether players are destroyed that a resumed session has and nobody wants.
    pub destroys_strangers: bool,
    /// Bounds that the application comes to, if they are not those of every day.
    pub limits: Option<Limits>,
    /// How many results are cached, if any are.
    pub cached_max: Option<usize>,
}

impl Plan {
    /// Draws a plan.
    pub fn draw(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let options = Options::draw(seed, &mut chance);
        let faults = draw_faults(&options, &mut chance);
        let orders = draw_orders(&options, &mut chance);
        let mut plan = Self {
            seed,
            options,
            faults,
            orders,
        };
        plan.draw_oddities();
        plan.draw_voices();
        plan.draw_failing();
        plan.draw_last_words();
        plan.draw_skips();
        plan.draw_refusals();
        plan.draw_limits();
        plan.draw_restarts();
        plan.draw_last_channels();
        plan.draw_power_losses();
        plan.draw_write_stalls();
        plan.draw_blames();
        plan.draw_stands();
        plan.draw_pages();
        plan
    }

    /// Whether some servers blame the client for what they are asked to change.
    pub(super) fn blames_changes(&self) -> bool {
        let blames = [FaultKind::Status4xx, FaultKind::Blamed];
        let mut faults = self.faults.iter();
        faults.any(|(_, fault)| blames.contains(&fault.kind))
    }

    /// How far the pool's idea of a position may be from the truth: the longest way there and back
    /// that there will be, and late timers.
    pub(super) fn clocks_apart(&self) -> Duration {
        let ways = self.faults.iter().filter_map(|(_, fault)| fault.latency());
        self.turn(ways.max().unwrap_or_default())
    }

    /// How long a server may take to do something, well as it is.
    pub(super) fn turn_max(&self) -> Duration {
        self.turn(Fault::LATENCY_MAX)
    }

    /// The way there and back, and late timers, if a fault makes the way this long.
    fn turn(&self, latency: Duration) -> Duration {
        let weather = &self.options.weather;
        let way = (self.options.latency.max(latency) + weather.jitter_max) * 2;
        way + weather.timer_lag_max + Duration::from_millis(100)
    }
}

impl Options {
    fn draw(seed: u64, chance: &mut Chance) -> Self {
        let hosts = chance.one_of(&[1, 2, 2, 3, 3, 3, 4, 5]);
        let millis = Duration::from_millis;
        let weather = Weather {
            seed,
            jitter_max: millis(chance.one_of(&[0, 0, 5, 40])),
            has_joins: chance.toss(),
            has_partial_writes: chance.number(3) == 0,
            timer_lag_max: millis(chance.one_of(&[0, 0, 20, 300])),
        };
        let mut healed: Vec<_> = (0..hosts).map(|_| chance.number(4) != 0).collect();
        let last = chance.index(hosts);
        healed[last] = true;
        Self {
            hosts,
            guilds: chance.one_of(&[1, 2, 4, 8, 12]),
            safety_for: chance.between(Duration::from_secs(40), Duration::from_secs(240)),
            latency: millis(chance.one_of(&[1, 1, 5, 30, 90])),
            has_regions: chance.toss(),
            resume_for: chance.one_of(&[
                Some(Duration::from_secs(60)),
                Some(Duration::from_secs(60)),
                Some(Duration::from_secs(60)),
                Some(Duration::from_secs(10)),
                None,
            ]),
            has_races: chance.toss(),
            cuts: chance.toss().then_some(seed),
            returns_home: chance.number(4) == 0,
            strategy: chance.one_of(&[0, 0, 0, 1, 2, 3, 4]),
            weather,
            healed,
            refuses_dials: Chance::new(seed ^ DEAD).toss(),
            retries: None,
            destroys_strangers: false,
            limits: None,
            cached_max: None,
        }
    }

    /// What the pool is told of all that, its nodes aside.
    pub(super) fn configure(&self, config: &mut PoolConfig) {
        config.resume_for = self.resume_for;
        config.return_home = self.returns_home;
        config.strategy = strategy(self.strategy);
        config.reconnect.retries = self.retries;
        if self.destroys_strangers {
            config.strangers = Strangers::Destroy;
        }
        if let Some(limits) = &self.limits {
            config.limits = limits.clone();
        }
        config.cache_capacity = self.cached_max;
    }
}

/// How the pool chooses nodes, by the number of an option.
fn strategy(number: usize) -> Strategy {
    let strategies = [
        Strategy::Penalty(Default::default()),
        Strategy::LeastLoaded,
        Strategy::LeastPlayers,
        Strategy::Latency,
        Strategy::RoundRobin,
    ];
    strategies[number].clone()
}

/// Which kinds of faults there are, how often, and when.
fn draw_faults(options: &Options, chance: &mut Chance) -> Vec<(Duration, Fault)> {
    let weights = draw_weights(FaultKind::ALL, FaultKind::weight, 400, chance);
    let apart = chance.one_of(&[700, 1_000, 1_600, 2_500]);
    let apart = Duration::from_millis(apart);
    draw_times(options.safety_for, apart, chance, |chance| Fault {
        kind: pick(&weights, chance),
        host: chance.index(options.hosts),
        lasts_for: short_or_long(chance),
        number: chance.number(u64::MAX),
    })
}

/// Which kinds of orders there are, how often, and when.
fn draw_orders(options: &Options, chance: &mut Chance) -> Vec<(Duration, Order)> {
    let weights = draw_weights(OrderKind::ALL, OrderKind::weight, 750, chance);
    let apart = Duration::from_millis(chance.one_of(&[120, 250, 450]));
    draw_times(options.safety_for, apart, chance, |chance| Order {
        kind: pick(&weights, chance),
        guild: 1 + chance.number(options.guilds),
        host: chance.index(options.hosts),
        number: chance.number(u64::MAX),
    })
}

/// How often each kind happens compared with the others; some never do, and oddities are drawn
/// apart.
fn draw_weights<T: Copy>(
    all: &[T],
    weight: impl Fn(T) -> u64,
    thousandths: u64,
    chance: &mut Chance,
) -> Vec<(T, u64)> {
    loop {
        let all = all.iter().filter(|kind| weight(**kind) > 0);
        let drawn = all.filter_map(|kind| {
            let factor = 1 + chance.number(8);
            chance
                .happens(thousandths)
                .then(|| (*kind, weight(*kind) * factor))
        });
        let drawn: Vec<_> = drawn.collect();
        if drawn.len() >= 2 {
            return drawn;
        }
    }
}

fn pick<T: Copy>(weights: &[(T, u64)], chance: &mut Chance) -> T {
    let sum = weights.iter().map(|(_, weight)| weight).sum();
    let mut place = chance.number(sum);
    for (kind, weight) in weights {
        if place < *weight {
            return *kind;
        }
        place -= weight;
    }
    unreachable!("the place is below the sum")
}

/// Things at times that are this far apart on average, some of them at once.
fn draw_times<T>(
    within: Duration,
    apart: Duration,
    chance: &mut Chance,
    mut draw: impl FnMut(&mut Chance) -> T,
) -> Vec<(Duration, T)> {
    let mut drawn = Vec::new();
    let mut at = Duration::ZERO;
    loop {
        at += match chance.number(4) {
            0 => chance.below(Duration::from_millis(5)),
            _ => chance.below(apart * 8 / 3),
        };
        if at >= within {
            return drawn;
        }
        drawn.push((at, draw(chance)));
    }
}

/// Mostly short, at times longer than any deadline.
fn short_or_long(chance: &mut Chance) -> Duration {
    let bits = 4 + chance.number(13);
    Duration::from_millis(1 + chance.number(1 << bits))
}

/// Makes the chance of what the dead do another one than that of the rest.
const DEAD: u64 = 0x6465_6164;
