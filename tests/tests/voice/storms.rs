//! Discord and the nodes have a bad day; afterwards each guild is heard, or the bot knows why not.

use lavapool_core::player::Update;
use lavapool_core::protocol::ChannelId;
use lavapool_core::{Command, Event, Shard};
use lavapool_tests::node::{Accepting, Voice};
use lavapool_tests::world::{Discord, World, guild, track_of};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::{millis, secs};

#[test]
fn after_a_storm_no_guild_is_silent_without_a_word() {
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
        Err(_) => 20,
    }
}

const NODES: [&str; 2] = ["a", "b"];
const GUILDS: u64 = 6;

struct Storm {
    seed: u64,
    chance: ChaCha8Rng,
    world: World,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let builder = World::builder().nodes(NODES).seed(seed).cuts(seed);
        let mut world = builder.connected();
        for number in 1..=GUILDS {
            world.join(guild(number), "us-east");
            world.play(guild(number), &track_of("long", secs(36_000)));
        }
        world.set_discord(Discord::Answers);
        world.run_for(secs(1));
        let chance = ChaCha8Rng::seed_from_u64(seed);
        Self {
            seed,
            chance,
            world,
        }
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.chance.next_u32() % bound
    }

    fn happen(&mut self) {
        let number = 1 + u64::from(self.below(u32::try_from(GUILDS).unwrap()));
        let name = NODES[usize::try_from(self.below(2)).unwrap()];
        let now = self.world.now();
        match self.below(16) {
            0..=3 => {
                let codes = [
                    1000, 1006, 4001, 4004, 4006, 4014, 4015, 4017, 4021, 4022, 4999,
                ];
                let code = codes[usize::try_from(self.below(11)).unwrap()];
                let guild = i64::try_from(number).unwrap();
                self.world.node(name).close_voice(guild, code, "", now);
            }
            4 | 5 => {
                let guild = i64::try_from(number).unwrap();
                self.world.node(name).lose_voice(guild, now);
            }
            6 | 7 => {
                let moods = [
                    Discord::Answers,
                    Discord::AnswersHalf,
                    Discord::Full,
                    Discord::Silent,
                ];
                let mood = moods[usize::try_from(self.below(4)).unwrap()];
                self.world.set_discord(mood);
            }
            8 => self.world.voice_state(guild(number), None),
            9 => {
                let channel = ChannelId::new(1 + u64::from(self.below(3)));
                self.world.voice_state(guild(number), channel);
                self.world.voice_server(guild(number), Some("us-east"));
            }
            10 => {
                self.world.restart(name);
            }
            11 => self.world.drop_connections(name),
            12 => {
                let ways = [
                    Voice::Connects,
                    Voice::Fails,
                    Voice::Closes {
                        after: millis(300),
                        code: 4006,
                        reason: "",
                    },
                ];
                let way = ways[usize::try_from(self.below(3)).unwrap()];
                self.world.node(name).config().voice = way;
            }
            13 => drop(self.world.submit(Command::GatewayReady(Shard::ALONE))),
            14 => {
                let paused = self.below(2) == 0;
                let update = Update::default().paused(paused);
                self.world.update(guild(number), update);
            }
            _ => self.join(number),
        }
        let exponent = self.below(15);
        let pause = self.below(1 << exponent);
        self.world.run_for(millis(u64::from(pause)));
    }

    fn join(&mut self, number: u64) {
        self.world.submit(Command::Join {
            guild: guild(number),
            channel: ChannelId::new(9).unwrap(),
            self_mute: false,
            self_deaf: false,
        });
    }

    /// The weather is fine again, and whoever was told that the pool does nothing joins again.
    fn clear(&mut self) {
        self.world.set_discord(Discord::Answers);
        for name in NODES {
            let node = self.world.node(name);
            node.config().voice = Voice::Connects;
            node.faults().accepting = Accepting::Serve;
        }
        self.world.run_for(secs(30));
        for number in 1..=GUILDS {
            // What was refused in the storm is asked for again.
            let update = Update::play(track_of("last", secs(36_000)));
            self.world.update(guild(number), update.without_voice());
        }
        self.world.run_for(secs(200));
        for number in 1..=GUILDS {
            if !self.is_well(number) {
                let last = self.last_word(number);
                let is_told = matches!(
                    last,
                    Some(
                        Event::VoiceLost { .. }
                            | Event::VoiceLeft { .. }
                            | Event::VoiceJoinTimedOut { .. }
                    )
                );
                assert!(is_told, "guild {number} of seed {}: {last:?}", self.seed);
                self.world.join(guild(number), "us-east");
                // The node gives up a track that it has nowhere to send to.
                self.world
                    .play(guild(number), &track_of("again", secs(36_000)));
            }
        }
        self.world.run_for(secs(30));
    }

    /// The last that was said of the guild's voice connection.
    fn last_word(&self, number: u64) -> Option<&Event> {
        let told = self.world.events().iter().map(|(_, event)| event);
        let mut told = told.filter(|event| {
            let is_voice = event.kinds() == lavapool_core::Kinds::VOICE;
            is_voice
                && event.guild() == Some(guild(number))
                && !matches!(event, Event::VoiceClosed { .. })
        });
        told.next_back()
    }

    fn is_well(&self, number: u64) -> bool {
        let copies = self.world.copies(guild(number));
        matches!(&copies[..], [(_, copy)] if copy.audible && copy.connected)
    }

    fn judge(&self) {
        for number in 1..=GUILDS {
            let copies = self.world.copies(guild(number));
            assert!(
                self.is_well(number),
                "guild {number} of seed {}: {copies:?}; {:?}",
                self.seed,
                self.last_word(number)
            );
            let view = self.world.player(guild(number));
            assert!(
                view.synced && view.connected,
                "seed {}: {view:?}",
                self.seed
            );
        }
    }
}
