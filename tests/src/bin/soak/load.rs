//! [`Load`]: what the client is put through, and what is found to be wrong.

use std::future::poll_fn;
use std::time::{Duration, Instant};

use lavapool::runtime::{Runtime, Timer};
use lavapool::{Client, Event, EventStream, Kinds, Leaving, NodeConfig};
use lavapool::{Place, Player, Timing, Tls, UserId};

use crate::counted::Counted;
use crate::course::Courses;
use crate::process::{Usage, processor_time};
use crate::servers::Servers;
use crate::wish::Wish;

/// How much of a processor an idle client may use, in percent.
const IDLE_PERCENT_MAX: f64 = 1.0;
const MINUTE: Duration = Duration::from_secs(60);
const IDLE_FOR: Duration = Duration::from_secs(4);
/// How long an idle REST socket is kept here, so that the count of sockets says something.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// How often it is looked at what is held: each second every player's position comes in.
const LOOKS: usize = 20;
/// How long a node or a player may take to be as it should be once all nodes are there.
const HEALED_WITHIN: Duration = Duration::from_secs(60);

pub(crate) struct Load {
    pub(crate) servers: Servers,
    /// How long nodes die and return.
    pub(crate) time: Duration,
}

/// A client, and what was told of its players.
struct Bot {
    client: Client,
    players: Vec<Player>,
    events: EventStream,
    courses: Courses,
}

impl Load {
    /// Returns what went wrong.
    pub(crate) async fn run<R: Runtime + Clone>(mut self, runtime: Counted<R>) -> Vec<String> {
        let mut faults = Vec::new();
        let mut bot = self.start(&runtime).await;
        faults.extend(self.heal(&runtime, &bot).await);
        bot.courses = Courses::begin(self.servers.positions());
        spread(&bot.client);

        let mut usages = Vec::new();
        for (part, time) in self.parts() {
            let moved = self.storm(&runtime, time, &mut bot, &mut faults).await;
            faults.extend(self.heal(&runtime, &bot).await);
            bot.listen(&mut faults);
            let (off, misplaced) = bot.courses.judge(&self.servers.positions());
            faults.extend(misplaced.into_iter().take(5));
            let usage = least(&runtime).await;
            println!("after {part}: {moved} players moved, none is off by more than {off:?}");
            println!("after {part}: {usage}");
            usages.push(usage);
            if moved == 0 {
                faults.push(format!("nobody moved in {part}"));
            }
        }
        if let [before, after] = &usages[..] {
            faults.extend(before.growth(after));
        }
        println!("{}", runtime.writes());
        faults.extend(idle(&runtime, &bot.players).await);
        bot.client.close(Leaving::Destroy).await.unwrap();
        let violations = self.servers.violations();
        if violations > 0 {
            faults.push(format!("it broke the protocol {violations} times"));
        }
        faults
    }

    /// Connects, and lets every player play.
    async fn start<R: Runtime + Clone>(&self, runtime: &R) -> Bot {
        let client = self.connect(runtime.clone()).await;
        let events = client.events_of(Kinds::PLAYERS | Kinds::NODES);
        let players: Vec<_> = Wish::all()
            .map(|wish| client.player(wish.guild()))
            .collect();
        let play = |(wish, player): (Wish, &Player)| {
            wish.join(&client);
            player.update(wish.update())
        };
        let plays: Vec<_> = Wish::all().zip(&players).map(play).collect();
        for play in plays {
            play.await.unwrap();
        }
        let courses = Courses::begin(vec![]);
        Bot {
            client,
            players,
            events,
            courses,
        }
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
        let tls = Tls::new().without_platform_roots();
        let tls = tls.root_der(self.servers.authority.clone()).unwrap();
        let builder = Client::builder(UserId::new(42).unwrap());
        let mut builder = builder.timing(timing).tls(tls);
        for (index, uri) in self.servers.uris.iter().enumerate() {
            let node = NodeConfig::new(format!("node{index}"), uri, "youshallnotpass").unwrap();
            builder = builder.node(node);
        }
        builder.connect_on(runtime).await.unwrap()
    }

    /// Lets a node die each second, and the one before it return. Returns how many players moved.
    /// Each part begins with the same node, so that the same ones have died before each is judged.
    async fn storm<R: Runtime>(
        &mut self,
        runtime: &R,
        time: Duration,
        bot: &mut Bot,
        faults: &mut Vec<String>,
    ) -> usize {
        let end = Instant::now() + time;
        let mut moved = 0;
        let mut victim = 0;
        self.servers.kill(victim);
        while Instant::now() < end {
            sleep(runtime, Duration::from_secs(1)).await;
            self.servers.kill(victim + 1);
            self.servers.restart(victim);
            victim += 1;
            moved += bot.listen(faults);
        }
        self.servers.restart(victim);
        moved
    }

    /// Waits until every node is connected and every player plays, and asks the nodes.
    async fn heal<R: Runtime>(&mut self, runtime: &R, bot: &Bot) -> Option<String> {
        let until = Instant::now() + HEALED_WITHIN;
        let is_well = |player: &Player| {
            let view = player.view();
            view.is_some_and(|view| view.synced && matches!(view.place, Place::On(_)))
        };
        let (nodes, players) = (self.servers.uris.len(), &bot.players);
        while bot.client.report().connected() < nodes || !players.iter().all(is_well) {
            if Instant::now() > until {
                let well = players.iter().filter(|player| is_well(player)).count();
                let report = bot.client.report();
                return Some(format!("not healed: {well} players well, {report}"));
            }
            sleep(runtime, Duration::from_millis(20)).await;
        }
        // Until no REST socket is left.
        sleep(runtime, KEEP_ALIVE * 3).await;
        self.servers.wrong()
    }
}

impl Bot {
    /// Hears what was told so far; returns how many players moved.
    fn listen(&mut self, faults: &mut Vec<String>) -> usize {
        let mut moved = 0;
        while let Some(event) = self.events.try_next() {
            match event {
                Event::PlayerMoved { guild, gap, .. } => {
                    self.courses.note(guild, gap);
                    moved += 1;
                }
                Event::Lagged { dropped } => faults.push(format!("{dropped} events were missed")),
                _ => {}
            }
        }
        moved
    }
}

/// What is held when as little as possible is on its way.
async fn least<R: Runtime>(runtime: &Counted<R>) -> Usage {
    let mut least = Usage::now(runtime.tasks());
    for _ in 0..LOOKS {
        sleep(runtime, Duration::from_millis(50)).await;
        let usage = Usage::now(runtime.tasks());
        if usage.heap_bytes() < least.heap_bytes() {
            least = usage;
        }
    }
    least
}

/// Says how the players are spread, which decides how many move when a node dies.
fn spread(client: &Client) {
    let nodes = client.nodes();
    let players = nodes.iter().map(|node| node.view().players);
    let (least, most) = (players.clone().min(), players.max());
    println!("{least:?} to {most:?} players on each node");
}

/// Stops every player, and sees how much time the client takes to do nothing.
async fn idle<R: Runtime>(runtime: &R, players: &[Player]) -> Option<String> {
    let stops: Vec<_> = players.iter().map(|player| player.stop()).collect();
    for stop in stops {
        stop.await.unwrap();
    }
    sleep(runtime, KEEP_ALIVE * 3).await;
    let before = processor_time()?;
    sleep(runtime, IDLE_FOR).await;
    let used = processor_time()? - before;
    let percent = 100.0 * used.as_secs_f64() / IDLE_FOR.as_secs_f64();
    println!("idle: {used:?} of processor time in {IDLE_FOR:?}, {percent:.2} %");
    (percent > IDLE_PERCENT_MAX).then(|| format!("it uses {percent:.2} % while idle"))
}

async fn sleep<R: Runtime>(runtime: &R, time: Duration) {
    let mut timer = runtime.timer();
    timer.reset(runtime.now() + time);
    poll_fn(|cx| timer.poll(cx)).await;
}
