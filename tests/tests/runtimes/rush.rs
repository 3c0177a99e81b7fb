//! A node that speaks so fast that its socket is read by the clock: see `Socket::set_quiet`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lavapool::runtime::Runtime;
use lavapool::{Client, Event, EventStream, Kinds, Leaving, Loss, Timing};
use lavapool_tests::node::{Disturbance, TestNode};
use lavapool_tests::sim::SimRuntime;

use crate::observed::{NoDelay, Observed};
use crate::watch::{Watch, watched_on};
use crate::{Servers, builder};

#[test]
fn what_comes_fast_is_told_within_a_millisecond_and_wakes_the_driver_once_in_one() {
    SimRuntime::run(|sim| async move {
        let (client, watch) = watched_on(&sim, sim.clone(), builder()).await;
        sim.sleep(ANSWER_WITHIN).await;
        let mut events = client.events_of(Kinds::UNKNOWN);
        let turns = watch.each_turn(move || (told(&mut events), false));

        speak(&sim, 4_000).await;
        sim.sleep(LATENCY + PERIOD).await;
        watch.stop();

        let turns = turns.lock().unwrap();
        let told = turns.iter().map(|(told, _)| told);
        assert_eq!(told.clone().sum::<usize>(), 4_000);
        // As many as come in a millisecond, and in the first one each by itself.
        assert!(told.clone().max() <= Some(&21), "{turns:?}");
        assert!((200..240).contains(&turns.len()), "{turns:?}");
    });
}

#[test]
fn after_the_rush_nobody_is_woken_until_a_message_comes_which_is_told_at_once() {
    SimRuntime::run(|sim| async move {
        let (client, watch) = watched_on(&sim, sim.clone(), builder()).await;
        let mut events = client.events_of(Kinds::UNKNOWN);
        sim.sleep(ANSWER_WITHIN).await;
        speak(&sim, 400).await;
        sim.sleep(LATENCY + 3 * PERIOD).await;
        assert_eq!(told(&mut events), 400);

        let turns = watch.each_turn(|| (0, false));
        sim.sleep(Duration::from_secs(1)).await;
        assert_eq!(turns.lock().unwrap().len(), 0);

        speak(&sim, 1).await;
        sim.sleep(LATENCY).await;
        assert_eq!(told(&mut events), 1);
    });
}

#[test]
fn whoever_asks_something_amid_a_rush_has_the_answer_at_once() {
    SimRuntime::run(|sim| async move {
        let client = rushed(&sim, Timing::default()).await;
        let node = client.node("main").unwrap();
        for _ in 0..3 {
            sim.sleep(ANSWER_WITHIN + 10 * PERIOD).await;
            let asked = sim.elapsed();
            node.ping().await.unwrap();
            assert_eq!(sim.elapsed() - asked, 2 * LATENCY);
        }
    });
}

#[test]
fn answers_of_rest_are_never_waited_for_however_fast_they_come() {
    SimRuntime::run(|sim| async move {
        let (client, _watch) = watched_on(&sim, sim.clone(), builder()).await;
        sim.set_latency(Duration::from_micros(20));
        sim.sleep(LATENCY).await;
        client.load_tracks("the connection").await.unwrap();
        for number in 0..10_000 {
            let asked = sim.elapsed();
            client.load_tracks(format!("track {number}")).await.unwrap();
            assert_eq!(sim.elapsed() - asked, Duration::from_micros(40));
        }
    });
}

#[test]
fn the_end_of_a_connection_is_found_within_a_millisecond_amid_a_rush() {
    SimRuntime::run(|sim| async move {
        let client = rushed(&sim, Timing::default()).await;
        let mut events = client.events_of(Kinds::NODES);
        let ended = sim.elapsed();
        sim.kill("main");

        let event = events.next().await.unwrap();
        assert!(matches!(event, Event::NodeDisconnected { .. }), "{event:?}");
        let took = sim.elapsed() - ended;
        assert!(took > LATENCY, "the socket was not quiet: {took:?}");
        assert!(took <= LATENCY + PERIOD, "{took:?}");
    });
}

#[test]
fn what_a_quiet_socket_has_counts_before_a_deadline_that_passed() {
    // The pong is there half a millisecond before its deadline, with or without a round between.
    for tenths in 0..10 {
        SimRuntime::run(|sim| async move {
            let timing = Timing {
                pong_deadline: Duration::from_micros(298_500),
                ..Timing::default()
            };
            let client = rushed(&sim, timing).await;
            sim.set_latency(Duration::from_millis(149));
            sim.sleep(tenths * PERIOD / 10).await;
            let node = client.node("main").unwrap();
            node.ping().await.unwrap();
            assert_eq!(node.view().loss, None);
        });
    }
}

/// A client of a node that goes on speaking, whose socket is quiet.
async fn rushed(sim: &SimRuntime, timing: Timing) -> Client {
    let (client, _): (_, Watch) = watched_on(sim, sim.clone(), builder().timing(timing)).await;
    let of = sim.clone();
    sim.spawn(async move { speak(&of, 20_000).await });
    sim.sleep(ANSWER_WITHIN + 10 * PERIOD + PERIOD / 3).await;
    client
}

/// Lets the node say something each 50 µs.
async fn speak(sim: &SimRuntime, times: usize) {
    for _ in 0..times {
        sim.with("main", disturb);
        sim.sleep(Duration::from_micros(50)).await;
    }
}

fn disturb(node: &mut TestNode) {
    node.disturb(&Disturbance::UnknownOp, node.now());
}

/// How many messages there are, of which none was dropped.
fn told(events: &mut EventStream) -> usize {
    let told = std::iter::from_fn(|| events.try_next());
    told.inspect(|event| assert!(matches!(event, Event::Unknown { .. }), "{event:?}"))
        .count()
}

/// How long everything is on its way in virtual time.
const LATENCY: Duration = Duration::from_millis(1);
/// For how long something may be answered that was written; so long a socket does not become quiet.
const ANSWER_WITHIN: Duration = Duration::from_millis(200);
/// How often a quiet socket is read.
const PERIOD: Duration = Duration::from_millis(1);

mod on_real_sockets {
    use super::{
        a_connection_that_cannot_become_quiet_is_dialled_again, nothing_is_lost_in_a_rush,
    };

    crate::hosts::on_each_runtime! {
        nothing_is_lost: nothing_is_lost_in_a_rush by Plain,
        nothing_is_lost_behind_tls: nothing_is_lost_in_a_rush by Tls,
        #[cfg(unix)]
        nothing_is_lost_behind_unix_sockets: nothing_is_lost_in_a_rush by UnixAndTls,
        one_that_cannot: a_connection_that_cannot_become_quiet_is_dialled_again by Plain,
    }
}

async fn nothing_is_lost_in_a_rush<R: Runtime<Socket: NoDelay>>(on: R, servers: &Servers) {
    let on = Observed::new(on);
    let seen = on.seen.clone();
    let nodes = ["first", "second"].map(|name| servers.config(name));
    let client = servers.lead(builder()).nodes(nodes).connect_on(on).await;
    let client = client.unwrap();
    for node in client.nodes() {
        node.version().await.unwrap();
    }
    let mut events = client.events_of(Kinds::UNKNOWN);
    let (mut sent, mut heard) = (0, 0);
    for round in 1..=3 {
        // On a machine that has much else to do this takes more than a stream keeps.
        while seen.hushed.load(Ordering::SeqCst) < round {
            servers.first.with(disturb).await;
            sent += 1;
            heard += told(&mut events);
        }
        // A ping ends it the second time, and silence the others.
        if round == 2 {
            client.node("first").unwrap().ping().await.unwrap();
        }
        seen.watched.notified().await;
    }
    while heard < sent {
        let event = events.next().await.unwrap();
        assert!(matches!(event, Event::Unknown { .. }), "{event:?}");
        heard += 1;
    }
    // One more after the last silence, and no more than were sent.
    servers.first.with(disturb).await;
    assert!(matches!(events.next().await, Some(Event::Unknown { .. })));
    assert!(events.try_next().is_none());
    client.close(Leaving::Keep).await.unwrap();
}

async fn a_connection_that_cannot_become_quiet_is_dialled_again<R: Runtime<Socket: NoDelay>>(
    on: R,
    servers: &Servers,
) {
    let on = Observed::new(on);
    let seen = on.seen.clone();
    let builder = servers.lead(builder()).node(servers.config("first"));
    let client = builder.connect_on(on).await.unwrap();
    let mut events = client.events_of(Kinds::NODES);
    seen.fails.store(true, Ordering::SeqCst);
    let loss = loop {
        servers.first.with(disturb).await;
        match events.try_next() {
            Some(Event::NodeDisconnected { loss, .. }) => break loss,
            Some(event) => panic!("{event:?}"),
            None => {}
        }
    };
    assert_eq!(loss, Loss::Socket(lavapool::Closed::Reset));
    seen.fails.store(false, Ordering::SeqCst);
    client.node("first").unwrap().ready().await.unwrap();
}
