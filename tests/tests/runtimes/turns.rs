//! What one poll of the driver does at most, and in which order it becomes visible.

use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use lavapool::{
    ChannelId, Client, Error, Event, Kinds, Leaving, Limits, LoadResult, Pending, Player, Secret,
    Strategy, VoiceStateUpdate,
};
use lavapool_tests::node::{AnswerKind, Disturbance, TestNode};
use lavapool_tests::sim::SimRuntime;

use crate::watch::{Seen, Watch, watched_on};
use crate::{add, builder, config, guild, song};

const PLAYERS: u64 = 6_000;
/// What the documentation of [`lavapool::Driver`] says of one poll.
const HANDED_MAX: usize = 4 * 1024;
const OUTPUTS_MAX: usize = 4 * 256;
const TAKEN_MAX: usize = 4 * 256;
/// Enough for what is taken over several turns.
const PLACED: u64 = 2_000;

#[test]
fn a_lost_node_shows_its_players_over_several_turns_and_then_the_event() {
    SimRuntime::run(|sim| async move {
        let (turns, _) = lose(&sim).await;

        let turns = turns.lock().unwrap();
        let steps = turns.windows(2).map(|pair| pair[1].0 - pair[0].0);
        let steps: Vec<_> = steps.filter(|step| *step > 0).collect();
        assert!(steps.iter().all(|step| *step <= HANDED_MAX), "{steps:?}");
        assert!(steps.len() >= 2, "{steps:?}");
        let told = turns.iter().find(|(_, is_told)| *is_told).unwrap();
        assert_eq!(told.0 as u64, PLAYERS, "{turns:?}");
    });
}

#[test]
fn what_is_asked_while_the_driver_is_behind_is_taken_as_soon_as_it_is_not() {
    SimRuntime::run(|sim| async move {
        let (_, answered_after) = lose(&sim).await;
        assert!(
            answered_after < Duration::from_millis(100),
            "{answered_after:?}"
        );
    });
}

/// Loses a node with its players, and asks something once the first of them are shown. Returns
/// how many were shown after each turn, and how long the answer took.
async fn lose(sim: &SimRuntime) -> (Arc<Mutex<Vec<Seen>>>, Duration) {
    let (client, watch) = watched(sim).await;
    let players: Vec<_> = (1..=PLAYERS).map(|id| client.player(guild(id))).collect();
    let plays: Vec<_> = players.iter().map(|player| player.update(song())).collect();
    for play in plays {
        play.await.unwrap();
    }
    // Until the idle REST sockets are closed: their resets would wake the driver.
    sim.sleep(Duration::from_secs(58)).await;
    let mut events = client.events_of(Kinds::NODES);
    let asked = Arc::new(Mutex::new(None));
    let (slot, of) = (asked.clone(), sim.clone());
    let turns = watch.each_turn(move || {
        let is_off = |player: &&Player| player.node().is_none();
        let off = players.iter().filter(is_off).count();
        let mut slot = slot.lock().unwrap();
        if off > 0 && slot.is_none() {
            *slot = Some((of.elapsed(), client.set_cache_capacity(1)));
        }
        let mut told = std::iter::from_fn(|| events.try_next());
        let is_told = told.any(|event| matches!(event, Event::NodeDisconnected { .. }));
        (off, is_told)
    });

    // Nothing is heard of the next dial, which would wake the driver.
    sim.cut_off("main", true);
    sim.kill("main");
    sim.sleep(Duration::from_millis(100)).await;
    let (asked_at, answer) = asked.lock().unwrap().take().unwrap();
    answer.await.unwrap();
    let took = sim
        .elapsed()
        .saturating_sub(asked_at + Duration::from_millis(100));
    watch.stop();
    (turns, took)
}

#[test]
fn a_stream_that_is_made_amid_a_turn_misses_nothing_that_comes_after_it() {
    SimRuntime::run(|sim| async move {
        let (made, slot) = (
            Arc::new(Mutex::new(None)),
            Arc::new(OnceLock::<Client>::new()),
        );
        let (put, of) = (made.clone(), slot.clone());
        let strategy = Strategy::custom(move |_, _| {
            if let Some(client) = of.get() {
                put.lock().unwrap().get_or_insert_with(|| client.events());
            }
            None
        });
        add(&sim, "other");
        let builder = builder().strategy(strategy).node(config("other"));
        let (client, watch) = watched_on(&sim, sim.clone(), builder).await;
        client.node("other").unwrap().ready().await.unwrap();
        client.player(guild(1)).update(song()).await.unwrap();
        sim.sleep(Duration::from_secs(1)).await;
        assert!(slot.set(client.clone()).is_ok());

        // Both in one turn: the loss, for which a node is chosen, then what the other node says.
        watch.hold(true);
        sim.kill("other");
        let disturb = |node: &mut TestNode| node.disturb(&Disturbance::UnknownOp, node.now());
        sim.with("main", disturb);
        sim.sleep(Duration::from_secs(1)).await;
        watch.hold(false);
        sim.sleep(Duration::from_secs(1)).await;

        let mut events = made.lock().unwrap().take().unwrap();
        let mut told = std::iter::from_fn(|| events.try_next());
        assert!(told.any(|event| matches!(event, Event::Unknown { .. })));
    });
}

#[test]
fn answers_are_given_over_several_turns_and_after_the_views() {
    SimRuntime::run(|sim| async move {
        let (client, watch) = watched(&sim).await;
        let mut waits = lookups(&sim, &client).await;
        let of = client.clone();
        let turns = watch.each_turn(move || {
            let before = waits.len();
            waits.retain_mut(|wait| poll(wait).is_pending());
            (before - waits.len(), of.report().connected() == 0)
        });

        client.close(Leaving::Keep).await.unwrap();
        watch.stop();

        let turns = turns.lock().unwrap();
        let answered: usize = turns.iter().map(|(count, _)| count).sum();
        assert_eq!(answered as u64, PLAYERS, "{turns:?}");
        let is_bounded = |(count, _): &(usize, bool)| *count <= HANDED_MAX;
        assert!(turns.iter().all(is_bounded), "{turns:?}");
        let is_shown = |(count, is_shown): &(usize, bool)| *count == 0 || *is_shown;
        assert!(turns.iter().all(is_shown), "{turns:?}");
        // All of the outputs are done before, so many in each turn.
        let first = turns.iter().position(|(count, _)| *count > 0).unwrap();
        assert!(first >= PLAYERS as usize / OUTPUTS_MAX, "{turns:?}");
    });
}

#[test]
fn what_discord_said_is_handed_over_in_several_turns_though_the_pool_is_full() {
    SimRuntime::run(|sim| async move {
        let limits = Limits {
            commands_max: PLACED as usize,
            ..Limits::default()
        };
        let (client, watch) = watched_on(&sim, sim.clone(), builder().limits(limits)).await;
        let players: Vec<_> = (1..=PLACED).map(|id| client.player(guild(id))).collect();
        let plays: Vec<_> = players.iter().map(|player| player.update(song())).collect();
        for play in plays {
            play.await.unwrap();
        }
        let mute = |node: &mut TestNode| node.faults().unanswered.insert(AnswerKind::Load);
        sim.with("main", mute);
        let within = client.within(Duration::from_secs(10));
        let lookup = |number| within.load_tracks(format!("track {number}"));
        let lookups: Vec<_> = (0..PLACED).map(lookup).collect();
        sim.sleep(Duration::from_secs(1)).await;
        (1..=PLACED).for_each(|id| speak(&client, id));
        let of = players.clone();
        let turns = watch.each_turn(move || {
            let is_told =
                |player: &&Player| player.view().is_some_and(|view| view.channel.is_some());
            (of.iter().filter(is_told).count(), false)
        });
        sim.sleep(Duration::from_secs(1)).await;
        watch.stop();
        drop(lookups);

        let turns = turns.lock().unwrap();
        let mut before = 0;
        let steps = turns
            .iter()
            .map(|(told, _)| told - std::mem::replace(&mut before, *told));
        let steps: Vec<_> = steps.filter(|step| *step > 0).collect();
        assert_eq!(steps.iter().sum::<usize>() as u64, PLACED, "{steps:?}");
        assert!(steps.iter().all(|step| *step <= TAKEN_MAX), "{steps:?}");
    });
}

#[test]
fn events_are_published_over_several_turns() {
    SimRuntime::run(|sim| async move {
        let (client, watch) = watched(&sim).await;
        let mut events = client.events_of(Kinds::UNKNOWN);
        let turns = watch.each_turn(move || {
            let told = std::iter::from_fn(|| events.try_next());
            (told.count(), false)
        });

        watch.hold(true);
        sim.with("main", |node| {
            for _ in 0..PLAYERS {
                node.disturb(&Disturbance::UnknownOp, node.now());
            }
        });
        sim.sleep(Duration::from_secs(1)).await;
        watch.hold(false);
        sim.sleep(Duration::from_secs(1)).await;
        watch.stop();

        let turns = turns.lock().unwrap();
        let told: Vec<_> = turns.iter().map(|(count, _)| *count).collect();
        assert_eq!(told.iter().sum::<usize>() as u64, PLAYERS, "{told:?}");
        assert!(told.iter().all(|count| *count <= HANDED_MAX), "{told:?}");
    });
}

#[test]
fn a_driver_that_is_dropped_with_answers_in_hand_gives_them() {
    SimRuntime::run(|sim| async move {
        let (client, watch) = watched(&sim).await;
        let waits = Arc::new(Mutex::new(lookups(&sim, &client).await));
        let of = waits.clone();
        let turns = watch.each_turn(move || {
            let mut waits = of.lock().unwrap();
            waits.retain_mut(|wait| poll(wait).is_pending());
            (waits.len(), false)
        });

        watch.drop_when(|(left, _)| (left as u64) < PLAYERS);
        drop(client.close(Leaving::Keep));
        sim.sleep(Duration::from_secs(1)).await;

        let left = turns.lock().unwrap().last().unwrap().0 as u64;
        assert!((1..PLAYERS).contains(&left), "{left}");
        let unanswered = {
            let mut waits = waits.lock().unwrap();
            waits.retain_mut(|wait| poll(wait).is_pending());
            waits.len()
        };
        assert_eq!(unanswered, 0);
        let late = client.load_tracks("late").await;
        assert_eq!(late.unwrap_err(), Error::Closed);
    });
}

/// A client with one node, whose driver is watched.
async fn watched(sim: &SimRuntime) -> (Client, Watch) {
    let limits = Limits {
        events_max: 4 * HANDED_MAX,
        commands_max: 4 * HANDED_MAX,
        ..Limits::default()
    };
    watched_on(sim, sim.clone(), builder().limits(limits)).await
}

/// Lets Discord say where the bot is.
fn speak(client: &Client, id: u64) {
    client.voice_state_update(VoiceStateUpdate {
        guild: guild(id),
        user: client.user_id(),
        channel: ChannelId::new(5),
        session_id: Secret::from("voice session"),
    });
}

/// Lookups that the node never answers, all of which the driver has.
async fn lookups(sim: &SimRuntime, client: &Client) -> Vec<Pending<LoadResult>> {
    let mute = |node: &mut TestNode| node.faults().unanswered.insert(AnswerKind::Load);
    sim.with("main", mute);
    let lookup = |number| client.load_tracks(format!("track {number}"));
    let lookups = (0..PLAYERS).map(lookup).collect();
    sim.sleep(Duration::from_secs(1)).await;
    lookups
}

fn poll<T>(wait: &mut Pending<T>) -> Poll<Result<T, Error>> {
    Pin::new(wait).poll(&mut Context::from_waker(Waker::noop()))
}
