//! Many things happen at once, by chance; when the weather is fine again, all is as it should be.

use std::collections::BTreeMap;
use std::time::Duration;

use lavapool_core::player::{Update, Volume};
use lavapool_core::protocol::{GuildId, Track};
use lavapool_core::{Command, Event};
use lavapool_tests::node::{Accepting, AnswerKind, Disturbance, Failure};
use lavapool_tests::world::{World, guild, track_of};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::{millis, secs};

#[test]
fn after_a_storm_each_guild_plays_once_what_it_should() {
    for seed in 0..storms() {
        let mut storm = Storm::new(seed);
        for _ in 0..60 {
            storm.happen();
        }
        storm.clear();
        storm.judge();
    }
}

/// How many storms blow: `LAVAPOOL_SEEDS`, or enough for every day.
fn storms() -> u64 {
    match std::env::var("LAVAPOOL_SEEDS") {
        Ok(seeds) => seeds.parse().expect("LAVAPOOL_SEEDS is a number"),
        Err(_) => 40,
    }
}

const NODES: [&str; 3] = ["a", "b", "c"];
const GUILDS: u64 = 12;

/// A world, and an application that does as chance wills.
struct Storm {
    seed: u64,
    chance: ChaCha8Rng,
    world: World,
    /// What the application has asked for last, by guild.
    wanted: BTreeMap<GuildId, Wanted>,
    heard: usize,
    plays: u32,
}

/// What should be so in the end.
#[derive(Clone, Debug, Default, PartialEq)]
struct Wanted {
    identifier: Option<String>,
    paused: bool,
    volume: i32,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let builder = World::builder().nodes(NODES).seed(seed).cuts(seed);
        let mut storm = Self {
            seed,
            chance: ChaCha8Rng::seed_from_u64(seed),
            world: builder.connected(),
            wanted: BTreeMap::new(),
            heard: 0,
            plays: 0,
        };
        for number in 1..=GUILDS {
            storm.play(guild(number));
        }
        storm.run(secs(1));
        storm
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.chance.next_u32() % bound
    }

    fn node(&mut self) -> &'static str {
        NODES[usize::try_from(self.below(3)).unwrap()]
    }

    /// Lets something happen, and a while pass.
    fn happen(&mut self) {
        if self.below(2) == 0 {
            self.disturb();
        } else {
            self.ask();
        }
        let exponent = self.below(14);
        let pause = self.below(1 << exponent);
        self.run(millis(u64::from(pause)));
    }

    /// Something happens to a server, or to the way there.
    fn disturb(&mut self) {
        let name = self.node();
        let now = self.world.now();
        match self.below(12) {
            0 => self.world.kill(name),
            1 | 2 => self.world.restart(name),
            3 | 4 => self.world.drop_connections(name),
            5 => self.world.half_open(name),
            6 => {
                self.world.cut_off(name, true);
                let pause = self.below(3_000);
                self.run(millis(u64::from(pause)));
                self.world.cut_off(name, false);
            }
            7 => self.world.shut_down_gracefully(name),
            8 => self.world.end_rest(name),
            9 => {
                let latency = millis(1 + u64::from(self.below(80)));
                self.world.set_latency(name, latency);
            }
            10 => self.fault(name),
            _ => {
                self.world.disturb(name, &Disturbance::InvalidUtf8);
                self.world.node(name).end_frozen(now);
            }
        }
    }

    /// A server answers late, wrongly or not at all for a while.
    fn fault(&mut self, name: &str) {
        let kinds = [AnswerKind::Player, AnswerKind::Voice, AnswerKind::Other];
        let kind = kinds[usize::try_from(self.below(3)).unwrap()];
        let choice = self.below(5);
        let times = 1 + self.below(4);
        let faults = self.world.node(name).faults();
        match choice {
            0 => drop(faults.unanswered.insert(kind)),
            1 => drop(faults.lost.insert(kind)),
            2 => drop(faults.slow.insert(kind, millis(u64::from(times) * 700))),
            3 => faults.sessions_unknown = true,
            _ => faults.failures.push(Failure {
                times: Some(times),
                ..Failure::always(503)
            }),
        }
        let pause = self.below(2_000);
        self.run(millis(u64::from(pause)));
        let faults = self.world.node(name).faults();
        let accepting = faults.accepting;
        *faults = Default::default();
        faults.accepting = accepting;
    }

    /// The application wants something.
    fn ask(&mut self) {
        let guild = guild(1 + u64::from(self.below(u32::try_from(GUILDS).unwrap())));
        let amount = self.below(200);
        let node = self.node();
        if !self.wanted.contains_key(&guild) {
            return self.play(guild);
        }
        let wanted = self.wanted.get_mut(&guild).expect("looked up above");
        match self.chance.next_u32() % 12 {
            0..=2 => self.play(guild),
            3 => {
                // As on the server, a stop ends a pause.
                wanted.paused &= wanted.identifier.take().is_none();
                self.world.update(guild, Update::stop());
            }
            4 | 5 => {
                wanted.paused = amount.is_multiple_of(2);
                let update = Update::default().paused(wanted.paused);
                self.world.update(guild, update);
            }
            6 | 7 => {
                wanted.volume = i32::try_from(amount).unwrap();
                let volume = Volume::from(u16::try_from(amount).unwrap());
                self.world.update(guild, Update::default().volume(volume));
            }
            8 => {
                let position = secs(u64::from(amount));
                self.world
                    .update(guild, Update::default().position(position));
            }
            9 => {
                self.wanted.remove(&guild);
                self.world.submit(Command::Destroy(guild));
            }
            10 => {
                let node = self.world.id(node);
                self.world.submit(Command::Move { guild, node });
            }
            _ => {
                let node = self.world.id(node);
                let command = if amount.is_multiple_of(2) {
                    Command::Drain(node)
                } else {
                    Command::Undrain(node)
                };
                self.world.submit(command);
            }
        }
    }

    fn play(&mut self, guild: GuildId) {
        self.plays += 1;
        let track = long(self.plays);
        let wanted = self.wanted.entry(guild).or_insert_with(|| Wanted {
            volume: 100,
            ..Wanted::default()
        });
        wanted.identifier = Some(track.info.identifier.clone());
        wanted.paused = false;
        if self.world.pool().player(guild).is_none() {
            self.world.join(guild, "us-east");
        }
        self.world.play(guild, &track);
    }

    /// Lets time pass; the bot joins again where the voice server did not answer.
    fn run(&mut self, time: Duration) {
        self.world.run_for(time);
        let events = &self.world.events()[self.heard..];
        let failed: Vec<_> = events
            .iter()
            .filter_map(|(_, event)| match event {
                Event::VoiceFailed { guild } => Some(*guild),
                _ => None,
            })
            .collect();
        self.heard = self.world.events().len();
        for guild in failed {
            self.world.join(guild, "us-east");
        }
    }

    /// The weather is fine again.
    fn clear(&mut self) {
        let now = self.world.now();
        for name in NODES {
            self.world.set_latency(name, millis(1));
            let node = self.world.node(name);
            node.end_frozen(now);
            node.faults().accepting = Accepting::Serve;
            let id = self.world.id(name);
            self.world.submit(Command::Undrain(id));
        }
        for _ in 0..12 {
            self.run(secs(10));
        }
    }

    fn judge(&self) {
        let (seed, world) = (self.seed, &self.world);
        assert!(world.is_connected(), "seed {seed}");
        let ours: Vec<_> = self.wanted.keys().copied().collect();
        let mut known: Vec<_> = world.pool().players().map(|player| player.guild).collect();
        known.sort_unstable();
        assert_eq!(known, ours, "seed {seed}");
        for (guild, wanted) in &self.wanted {
            let (name, player) = world.only_copy(*guild);
            let found = Wanted {
                identifier: player.track.as_ref().map(|track| track.identifier.clone()),
                paused: player.paused,
                volume: player.volume,
            };
            assert_eq!(&found, wanted, "{guild} of seed {seed}");
            let view = world.player(*guild);
            let node = view.node().map(|node| node.name.to_string());
            let is_audible = found.identifier.is_some() && !found.paused;
            assert_eq!(
                (node.as_deref(), view.synced, player.audible),
                (Some(name), true, is_audible),
                "{guild} of seed {seed}"
            );
            let shown = world.position(*guild);
            let real = millis(u64::try_from(player.position_ms).unwrap());
            assert!(
                !is_audible || shown.abs_diff(real) <= millis(20),
                "{guild} of seed {seed}: {shown:?} shown, {real:?} in truth"
            );
        }
        let total: usize = NODES.map(|name| world.guilds_on(name).len()).iter().sum();
        assert_eq!(total, ours.len(), "strangers of seed {seed}");
    }
}

/// A track that does not end before the storm does.
fn long(number: u32) -> Track {
    track_of(&format!("long-{number}"), secs(36_000))
}
