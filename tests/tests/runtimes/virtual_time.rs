//! What takes a day, or a certain millisecond: careless programs in virtual time.

use std::time::Duration;

use lavapool::{Client, Event, Leaving, Limits, Volume};
use lavapool_tests::node::{Disturbance, RequestRecord, TestNode};
use lavapool_tests::sim::SimRuntime;

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
fn what_the_last_handle_asked_for_is_done_however_much_it_is() {
    SimRuntime::run(|sim| async move {
        let (client, player) = playing(&sim).await;
        let played: Vec<_> = (2..=600)
            .map(|number| client.player(guild(number)).update(song()))
            .collect();
        let quieter = player.set_volume(30);
        drop((played, quieter, client, player));
        sim.sleep(Duration::from_secs(3)).await;

        let is_play = |request: &&RequestRecord| request.body.starts_with(br#"{"track""#);
        let (plays, closes, volume) = sim.with("main", |node| {
            let plays = node.log().requests.iter().filter(is_play).count();
            let volume = node.players(node.now())[0].volume;
            (plays, node.log().frames.close, volume)
        });
        assert_eq!((plays, closes, volume), (600, 1, 30));
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

async fn playing(sim: &SimRuntime) -> (Client, lavapool::Player) {
    add(sim, "main");
    let connected = builder().node(config("main")).connect_on(sim.clone()).await;
    let client = connected.unwrap();
    let player = client.player(guild(1));
    player.update(song()).await.unwrap();
    (client, player)
}
