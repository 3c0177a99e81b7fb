//! [`Load`]: what the client is put through, and what is found to be wrong.

use std::future::poll_fn;
use std::time::{Duration, Instant};

use lavapool::runtime::{Runtime, Timer};
use lavapool::{Client, Event, EventStream, GuildId, Kinds, Leaving, NodeConfig};
use lavapool::{Place, Player, Source, Timing, Update, UserId};

use crate::counted::Counted;
use crate::process::Usage;
use crate::servers::{Servers, track_of};

/// How many players there are.
const PLAYERS: u64 = 5_000;
/// How much more memory may be resident at the end: allocators give pages back as they like. 20 s
/// on each runtime gave 0, 0 and 64 KiB.
const GROWTH_KIB_MAX: u64 = 1024;
/// How much of a processor an idle client may use, in percent.
const IDLE_PERCENT_MAX: f64 = 1.0;
const MINUTE: Duration = Duration::from_secs(60);
const IDLE_FOR: Duration = Duration::from_secs(4);
/// How long an idle REST socket is kept here, so that the count of sockets says something.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// How long a node or a player may take to be as it should be once all nodes are there.
const HEALED_WITHIN: Duration = Duration::from_secs(60);

pub(crate) struct Load {
    pub(crate) servers: Servers,
    /// How long nodes die and return.
    pub(crate) time: Duration,
}

impl Load {
    /// Returns what went wrong.
    pub(crate) async fn run<R: Runtime + Clone>(mut self, runtime: Counted<R>) -> Vec<String> {
        let mut faults = Vec::new();
        let client = self.connect(runtime.clone()).await;
        let mut events = client.events_of(Kinds::PLAYERS | Kinds::NODES);
        let players: Vec<_> = (1..=PLAYERS)
            .map(|guild| client.player(GuildId::new(guild).unwrap()))
            .collect();
        play(&players).await;
        spread(&client);

        let mut victim = 0;
        let mut tasks = Vec::new();
        let mut usages = Vec::new();
        for (part, time) in self.parts() {
            let moved = self.storm(&runtime, time, &mut victim, &mut events).await;
            faults.extend(self.heal(&runtime, &client, &players).await);
            let usage = Usage::now();
            let count = runtime.tasks();
            println!("after {part}: {moved} players moved, {count} tasks, {usage:?}");
            tasks.push(count);
            usages.extend(usage);
            if moved == 0 {
                faults.push(format!("nobody moved in {part}"));
            }
        }
        if !tasks.is_sorted_by(|before, after| before >= after) {
            faults.push(format!("more tasks in the end: {tasks:?}"));
        }
        match usages[..] {
            [before, after] => faults.extend(growth(before, after)),
            _ => println!("there is no /proc here: only tasks were counted"),
        }
        println!("{}", runtime.writes());
        faults.extend(idle(&runtime, &players).await);
        client.close(Leaving::Destroy).await.unwrap();
        let violations = self.servers.violations();
        if violations > 0 {
            faults.push(format!("it broke the protocol {violations} times"));
        }
        faults
    }

    /// The first minute and the rest; two halves, if the time is too short for that.
    fn parts(&self) -> [(&'static str, Duration); 2] {
        let time = self.time;
        if time >= MINUTE * 2 {
            let rest = time.saturating_sub(MINUTE);
            return [("the first minute", MINUTE), ("the rest", rest)];
        }
        println!("the first half of {time:?} stands in for the first minute");
        [("the first half", time / 2), ("the second half", time / 2)]
    }

    async fn connect<R: Runtime>(&self, runtime: R) -> Client {
        let timing = Timing {
            keep_alive: KEEP_ALIVE,
            ..Timing::default()
        };
        let mut builder = Client::builder(UserId::new(42).unwrap()).timing(timing);
        for (index, uri) in self.servers.uris.iter().enumerate() {
            let node = NodeConfig::new(format!("node{index}"), uri, "youshallnotpass").unwrap();
            builder = builder.node(node);
        }
        builder.connect_on(runtime).await.unwrap()
    }

    /// Lets a node die each second, and the one before it return. Returns how many players moved.
    async fn storm<R: Runtime>(
        &mut self,
        runtime: &R,
        time: Duration,
        victim: &mut usize,
        events: &mut EventStream,
    ) -> usize {
        let end = Instant::now() + time;
        let mut moved = 0;
        self.servers.kill(*victim);
        while Instant::now() < end {
            sleep(runtime, Duration::from_secs(1)).await;
            self.servers.kill(*victim + 1);
            self.servers.restart(*victim);
            *victim += 1;
            for event in std::iter::from_fn(|| events.try_next()) {
                match event {
                    Event::PlayerMoved { .. } => moved += 1,
                    Event::Lagged { dropped } => println!("{dropped} events were not read"),
                    _ => {}
                }
            }
        }
        self.servers.restart(*victim);
        *victim += 1;
        moved
    }

    /// Waits until every node is connected and every player plays, and asks the nodes.
    async fn heal<R: Runtime>(
        &mut self,
        runtime: &R,
        client: &Client,
        players: &[Player],
    ) -> Option<String> {
        let until = Instant::now() + HEALED_WITHIN;
        let is_well = |player: &Player| {
            let view = player.view();
            view.is_some_and(|view| view.synced && matches!(view.place, Place::On(_)))
        };
        let nodes = self.servers.uris.len();
        while client.report().connected() < nodes || !players.iter().all(is_well) {
            if Instant::now() > until {
                let (report, well) = (client.report(), players.iter().filter(|p| is_well(p)));
                return Some(format!(
                    "not healed: {} players well, {report}",
                    well.count()
                ));
            }
            sleep(runtime, Duration::from_millis(20)).await;
        }
        // Until no REST socket is left.
        sleep(runtime, KEEP_ALIVE * 3).await;
        let playing = self.servers.playing() as u64;
        (playing != PLAYERS).then(|| format!("{playing} of {PLAYERS} players play"))
    }
}

async fn play(players: &[Player]) {
    let update = |player: &Player| {
        let track = Source::identifier(track_of(player.guild().get()));
        player.update(Update::play(track).without_voice())
    };
    let plays: Vec<_> = players.iter().map(update).collect();
    for play in plays {
        play.await.unwrap();
    }
}

/// Says how the players are spread, which decides how many move when a node dies.
fn spread(client: &Client) {
    let nodes = client.nodes();
    let players = nodes.iter().map(|node| node.view().players);
    let (least, most) = (players.clone().min(), players.max());
    println!("{least:?} to {most:?} players on each node");
}

fn growth(before: Usage, after: Usage) -> Vec<String> {
    let mut faults = Vec::new();
    if after.descriptors > before.descriptors || after.sockets > before.sockets {
        faults.push(format!(
            "{before:?} has more descriptors in the end: {after:?}"
        ));
    }
    if after.threads > before.threads {
        faults.push(format!("{before:?} has more threads in the end: {after:?}"));
    }
    println!(
        "descriptors: {} and {}, sockets: {} and {}, memory: {} and {} KiB",
        before.descriptors,
        after.descriptors,
        before.sockets,
        after.sockets,
        before.resident_kib,
        after.resident_kib
    );
    if after.resident_kib > before.resident_kib + GROWTH_KIB_MAX {
        faults.push(format!("{before:?} has more memory in the end: {after:?}"));
    }
    faults
}

/// Stops every player, and sees how much time the client takes to do nothing.
async fn idle<R: Runtime>(runtime: &R, players: &[Player]) -> Option<String> {
    let stops: Vec<_> = players.iter().map(|player| player.stop()).collect();
    for stop in stops {
        stop.await.unwrap();
    }
    sleep(runtime, KEEP_ALIVE * 3).await;
    let before = Usage::now()?;
    sleep(runtime, IDLE_FOR).await;
    let used = Usage::now()?.cpu - before.cpu;
    let percent = 100.0 * used.as_secs_f64() / IDLE_FOR.as_secs_f64();
    println!("idle: {used:?} of processor time in {IDLE_FOR:?}, {percent:.2} %");
    (percent > IDLE_PERCENT_MAX).then(|| format!("it uses {percent:.2} % while idle"))
}

async fn sleep<R: Runtime>(runtime: &R, time: Duration) {
    let mut timer = runtime.timer();
    timer.reset(runtime.now() + time);
    poll_fn(|cx| timer.poll(cx)).await;
}
