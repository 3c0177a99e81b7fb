//! What is known of a node at each moment, what it tells of tracks, and how it is dialled again.

use std::time::Duration;

use lavapool::{Event, EventStream, Kinds, Player, ReconnectPolicy, Source, TrackEndReason};
use lavapool_tests::guide::{
    add, builder, config, connect, connected, guild, join_voice, secs, taken,
};
use lavapool_tests::sim::SimRuntime;

#[test]
fn what_is_known_of_a_node_follows_its_connection() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        add(&sim, "late");
        sim.cut_off("late", true);
        let late = client.add_node_detached(config("late")).await.unwrap();
        let known = || {
            (
                late.is_connected(),
                late.stats().is_some(),
                late.session_id().is_some(),
            )
        };
        assert_eq!(known(), (false, false, false));

        sim.cut_off("late", false);
        late.ready().await.unwrap();
        sim.sleep(secs(61)).await;
        assert_eq!(known(), (true, true, true));
        let theirs = sim.with("late", |node| node.sessions()[0].id.clone());
        assert_eq!(late.session_id().unwrap().expose(), theirs);
        assert_eq!(late.stats().unwrap().uptime / 1000, 60);

        sim.kill("late");
        sim.sleep(secs(1)).await;
        assert!(!late.is_connected());
        sim.restart("late");
        late.ready().await.unwrap();
        let next = sim.with("late", |node| node.sessions()[0].id.clone());
        assert_eq!(late.session_id().unwrap().expose(), next);
        assert_ne!(next, theirs);
    });
}

#[test]
fn the_back_off_is_configured_and_a_forced_reconnect_begins_it_anew() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        let policy = ReconnectPolicy {
            step: secs(3),
            delay_max: secs(20),
            exponential: true,
            ..ReconnectPolicy::default()
        };
        let client = connect(&sim, builder().reconnect(policy).node(config("main"))).await;
        let node = client.node("main").unwrap();
        sim.sleep(secs(20)).await;
        let mut events = client.events_of(Kinds::NODES);
        sim.kill("main");

        sim.sleep(secs(55)).await;
        assert_eq!(delays(&mut events), [0, 3, 6, 12, 20, 20]);
        drop(node.reconnect());
        sim.sleep(secs(10)).await;

        assert_eq!(delays(&mut events), [3, 6, 12]);
    });
}

#[test]
fn tracks_that_start_end_fail_and_get_stuck_are_events() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        join_voice(&client, 1, "frankfurt");
        let player = client.player(guild(1));
        let mut events = client.events_of(Kinds::TRACKS);

        assert_eq!(
            heard(&sim, &player, &mut events, "whole?length=2000").await,
            ["start", "end finished"]
        );
        assert_eq!(
            heard(&sim, &player, &mut events, "broken?fails").await,
            ["start", "exception", "end loadFailed"]
        );
        assert_eq!(
            heard(&sim, &player, &mut events, "stalled?stalls=1000").await,
            ["start", "stuck for 10 s"]
        );
        player.stop().await.unwrap();
        sim.sleep(secs(1)).await;
        let [Event::TrackEnd { reason, .. }] = &taken(&mut events)[..] else {
            panic!("one end");
        };
        assert_eq!(
            (reason, reason.may_start_next()),
            (&TrackEndReason::Stopped, false)
        );
    });
}

/// Plays a track, and says what was told of it in twenty seconds.
async fn heard(
    sim: &SimRuntime,
    player: &Player,
    events: &mut EventStream,
    name: &str,
) -> Vec<String> {
    let source = Source::identifier(format!("https://tracks.test/{name}"));
    player.play(source).await.unwrap();
    sim.sleep(secs(20)).await;
    let told = taken(events).into_iter().map(|event| match event {
        Event::TrackStart { .. } => "start".to_owned(),
        Event::TrackEnd { reason, .. } => format!("end {}", reason.as_str()),
        Event::TrackException { .. } => "exception".to_owned(),
        Event::TrackStuck { threshold, .. } => format!("stuck for {} s", threshold.as_secs()),
        other => format!("{other:?}"),
    });
    told.collect()
}

/// After how many seconds each try was to follow.
fn delays(events: &mut EventStream) -> Vec<u64> {
    let told = taken(events).into_iter();
    told.filter_map(|event| match event {
        Event::NodeReconnecting { delay, .. } => Some(delay),
        _ => None,
    })
    .map(|delay: Duration| delay.as_secs())
    .collect()
}
