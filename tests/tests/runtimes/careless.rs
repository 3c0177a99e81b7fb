//! Programs that are slow, give up, or panic, and what the client makes of that.

use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use lavapool::runtime::{Attempt, Runtime};
use lavapool::{Client, Error, Event, Leaving, Limits, Timestamp, Volume};
use lavapool_tests::node::{Disturbance, TestNode};
use lavapool_tests::sim::{SimRuntime, SimSocket, SimTimer};

use crate::{add, builder, config, guild, song};

#[test]
fn an_application_that_reads_no_event_for_a_day_delays_nothing() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        let limits = Limits {
            events_max: 16,
            ..Limits::default()
        };
        let builder = builder().limits(limits).node(config("main"));
        let client = builder.connect_on(sim.clone()).await.unwrap();
        let mut unread = client.events();
        let player = client.player(guild(1));
        player.update(song()).await.unwrap();
        for _ in 0..24 {
            for _ in 0..100 {
                let disturb = |node: &mut TestNode| {
                    node.disturb(&Disturbance::UnknownOp, node.now());
                };
                sim.with("main", disturb);
            }
            sim.sleep(Duration::from_secs(3_600)).await;
            let asked_at = sim.elapsed();
            client.node("main").unwrap().version().await.unwrap();
            assert!(sim.elapsed() - asked_at < Duration::from_millis(50));
        }

        let pings = sim.with("main", |node| node.log().frames.ping);
        // The last hour ends a moment after the day, with its own ping.
        assert_eq!(pings, 24 * 60 * 2);
        let first = unread.try_next();
        assert!(matches!(first, Some(Event::Lagged { dropped }) if dropped > 2_000));
        let left = std::iter::from_fn(|| unread.try_next()).count();
        assert!((1..=16).contains(&left), "{left}");
        assert_eq!(client.report().connected(), 1);
    });
}

#[test]
fn a_request_whose_wait_is_dropped_at_any_moment_is_sent_whole() {
    for delay_ms in 0..24 {
        SimRuntime::run(|sim| async move {
            let (client, player) = playing(&sim).await;
            // One byte is on its way at a time, so most of these moments are amid a request.
            sim.set_window(1);
            let wait = player.set_volume(30);
            sim.sleep(Duration::from_millis(delay_ms * 10)).await;
            drop(wait);
            player.pause().await.unwrap();

            let (theirs, violations) = sim.with("main", |node| {
                (node.players(node.now()), node.log().violations.clone())
            });
            assert_eq!((theirs[0].volume, theirs[0].paused), (30, true));
            assert_eq!(violations, []);
            assert_eq!(player.volume(), Volume::from(30));
            client.close(Leaving::Keep).await.unwrap();
        });
    }
}

#[test]
fn handles_that_are_dropped_amid_requests_still_leave_politely() {
    for delay_ms in 0..24 {
        SimRuntime::run(|sim| async move {
            let (client, player) = playing(&sim).await;
            sim.set_window(1);
            drop(player.set_volume(30));
            sim.sleep(Duration::from_millis(delay_ms * 10)).await;
            drop((client, player));
            sim.sleep(Duration::from_secs(10)).await;

            let (frames, players, violations) = sim.with("main", |node| {
                let players = node.players(node.now()).len();
                (node.log().frames, players, node.log().violations.clone())
            });
            assert_eq!((frames.close, players, violations), (1, 1, vec![]));
        });
    }
}

#[test]
fn a_task_that_panics_takes_nothing_with_it_but_its_own_handles() {
    SimRuntime::run(|sim| async move {
        let (client, player) = playing(&sim).await;
        let mut events = client.events();
        let (of, owned) = (client.clone(), player.clone());
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            let _stream = of.events();
            let _wait = owned.set_volume(40);
            let _lookup = of.load_tracks("never waited for");
            panic!("the bot has a bug");
        }));
        assert!(panicked.is_err());

        player.pause().await.unwrap();
        assert_eq!(
            (player.volume(), client.report().connected()),
            (Volume::from(40), 1)
        );
        sim.kill("main");
        sim.restart("main");
        while !matches!(events.next().await.unwrap(), Event::NodeReady { .. }) {}
        client.node("main").unwrap().version().await.unwrap();
    });
}

#[test]
fn a_driver_whose_runtime_panics_answers_everybody_and_ends_the_streams() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        let runtime = Panicking(sim.clone());
        let (client, driver) = builder().node(config("main")).build_on(runtime).unwrap();
        let mut events = client.events();
        let wait = client.player(guild(1)).update(song());
        let mut driver = Box::pin(driver);
        let panicked = std::future::poll_fn(|cx| {
            let poll = AssertUnwindSafe(|| driver.as_mut().poll(cx));
            match catch_unwind(poll) {
                Ok(polled) => polled.map(|()| false),
                Err(_) => Poll::Ready(true),
            }
        });
        assert!(panicked.await, "the dial has panicked");

        drop(driver);
        assert_eq!(wait.await, Err(Error::Closed));
        while events.next().await.is_some() {}
        assert!(events.is_ended());
    });
}

async fn playing(sim: &SimRuntime) -> (Client, lavapool::Player) {
    add(sim, "main");
    let connected = builder().node(config("main")).connect_on(sim.clone()).await;
    let client = connected.unwrap();
    let player = client.player(guild(1));
    player.update(song()).await.unwrap();
    (client, player)
}

/// A runtime whose dials panic.
struct Panicking(SimRuntime);

impl Runtime for Panicking {
    type Socket = SimSocket;
    type Timer = SimTimer;

    fn now(&self) -> Timestamp {
        Runtime::now(&self.0)
    }

    fn timer(&self) -> SimTimer {
        self.0.timer()
    }

    fn resolve(&self, host: &str, port: u16) -> impl Attempt<Vec<SocketAddr>> {
        self.0.resolve(host, port)
    }

    fn connect(&self, _: SocketAddr) -> impl Attempt<SimSocket> {
        async { panic!("a runtime with a bug") as io::Result<SimSocket> }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }
}
