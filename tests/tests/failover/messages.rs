//! What servers say that they should not, and applications that do not listen.

use lavapool_core::node::{Loss, NodeConfig, Status};
use lavapool_core::player::Update;
use lavapool_core::protocol::UserId;
use lavapool_core::{
    Answer, Closed, Command, Event, Input, Kinds, Limits, Output, Pool, PoolConfig, Seed, Timestamp,
};
use lavapool_tests::node::Disturbance;
use lavapool_tests::world::{Weather, World, guild, track};
use serde_json::json;

use super::{crowded, millis, moves_since, secs};

#[test]
fn a_node_that_is_back_after_a_long_time_is_not_taken_for_silent_since_then() {
    // All that it says at first comes in one piece.
    let weather = Weather {
        has_joins: true,
        ..Weather::default()
    };
    let builder = World::builder().nodes(["a"]).weather(weather);
    let mut world = builder.connected();
    world.refuse("a", true);
    world.drop_connections("a");
    world.run_for(secs(600));
    world.refuse("a", false);
    let is_back = |world: &World| world.is_connected();
    world.run_until(is_back, secs(60));
    let since = world.now();
    world.run_for(secs(100));

    let is_loss = |event: &&Event| matches!(event, Event::NodeDisconnected { .. });
    assert_eq!(world.events_since(since).filter(is_loss).count(), 0);
}

#[test]
fn one_bad_message_costs_only_itself() {
    let odd = [
        Disturbance::MalformedJson,
        Disturbance::WithoutOp,
        Disturbance::UnknownOp,
        Disturbance::UnknownEvent(1),
        Disturbance::Text(r#"{"op":"playerUpdate","guildId":"x","state":{}}"#.to_owned()),
        Disturbance::Text(r#"{"op":"ready","resumed":false}"#.to_owned()),
        Disturbance::Text(r#"{"op":"event","type":"TrackEndEvent","guildId":"1"}"#.to_owned()),
        Disturbance::Text(String::new()),
        // A binary frame of one byte.
        Disturbance::Raw(vec![0x82, 0x01, b'x']),
        Disturbance::Oversized(1_000_000),
    ];
    let mut world = crowded(1..=3, []);
    for message in odd {
        let since = world.now();
        let connection = world.server("a").sessions()[0].connection;

        world.disturb("a", &message);
        world.run_for(secs(6));

        assert_eq!(world.view("a").status, Status::Connected, "{message:?}");
        assert_eq!(world.server("a").sessions()[0].connection, connection);
        let told = world
            .events_since(since)
            .filter(|event| matches!(event, Event::Undecodable { .. } | Event::Unknown { .. }));
        assert_eq!(told.count(), 1, "{message:?}");
        // What comes after it is heard.
        let updates = world.events_since(since);
        let updates = updates.filter(|event| matches!(event, Event::PlayerUpdate { .. }));
        assert!(updates.count() >= 3, "{message:?}");
        assert!(world.player(guild(1)).playing);
    }
}

#[test]
fn a_breach_of_the_protocol_closes_that_connection_with_its_cause_and_the_session_resumes() {
    // Reserved bits, a masked frame of a server, and text that is not UTF-8.
    let breaches = [
        Disturbance::Raw(vec![0xc1, 0x00]),
        Disturbance::Raw(vec![0x81, 0x80, 1, 2, 3, 4]),
        Disturbance::InvalidUtf8,
    ];
    for breach in breaches {
        let mut world = crowded(1..=3, ["b"]);
        let since = world.now();

        world.disturb("a", &breach);
        world.run_for(secs(3));

        let losses: Vec<_> = world
            .events_since(since)
            .filter_map(|event| match event {
                Event::NodeDisconnected { loss, .. } => Some(loss),
                _ => None,
            })
            .collect();
        assert!(matches!(losses[..], [Loss::Violation(_)]), "{losses:?}");
        assert_eq!(moves_since(&world, since), []);
        assert_eq!(world.guilds_on("a"), [1, 2, 3]);
        assert!(world.is_connected());
    }
}

#[test]
fn a_full_event_queue_delays_no_heartbeat_and_no_answer() {
    let mut world = World::builder()
        .nodes(["a"])
        .config(|config| {
            config.limits = Limits {
                events_max: 8,
                ..Limits::default()
            };
        })
        .connected();
    world.fill(1..=20);
    world.hold_events(true);
    let pings = world.server("a").log().frames.ping;

    world.run_for(secs(600));
    let paused = world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));

    assert_eq!(world.server("a").log().frames.ping, pings + 20);
    assert_eq!(world.view("a").status, Status::Connected);
    let waited = world.answered_at(paused).map(|at| world.now() - at);
    assert!(waited >= Some(millis(990)), "{waited:?}");
    let since = world.now();
    world.hold_events(false);
    let told: Vec<_> = world.events_since(since).collect();
    assert!(told.len() <= 9, "{} events", told.len());
    let lagged = told
        .iter()
        .filter(|event| matches!(event, Event::Lagged { .. }));
    assert_eq!(lagged.count(), 1);
}

#[test]
fn every_kind_of_event_can_be_listened_for() {
    let mut world = crowded(1..=1, ["b"]);
    world.kill("a");
    world.run_for(secs(5));
    let kinds = world.events().iter().map(|(_, event)| event.kinds());
    let heard = kinds.fold(Kinds::NONE, |heard, kind| heard | kind);
    let expected = Kinds::POSITIONS | Kinds::STATS | Kinds::TRACKS | Kinds::PLAYERS | Kinds::NODES;
    assert!(heard.contains(expected), "{heard:?}");
}

#[test]
fn a_ping_that_no_voice_server_can_have_is_shown_as_none() {
    let mut world = crowded(1..=1, []);
    for (ping, shown) in [
        (25, Some(millis(25))),
        (-1, None),
        (3_000_000_000_i64, None),
    ] {
        let state = json!({"time": 1, "position": 1, "connected": true, "ping": ping});
        let update = json!({"op": "playerUpdate", "state": state, "guildId": "1"});
        world.disturb("a", &Disturbance::Text(update.to_string()));
        world.run_for(millis(10));
        assert_eq!(world.player(guild(1)).ping, shown, "{ping}");
    }
}

#[test]
fn what_nobody_listens_for_is_not_built() {
    for (kinds, expected) in [(Kinds::NODES, true), (Kinds::TRACKS, false)] {
        let user = UserId::new(1).unwrap();
        let mut pool = Pool::new(PoolConfig::new(user), Seed::from(1), Timestamp::ZERO).unwrap();
        pool.listen(kinds);
        let node = NodeConfig::new("a", "a:2333", "secret").unwrap();
        let added = pool.submit(Command::AddNode(node), Timestamp::ZERO);
        added.unwrap();
        while let Some(output) = pool.poll_output() {
            if let Output::Connect(socket, _) = output {
                let refused = Input::Closed(socket, Closed::Refused);
                pool.handle(refused, Timestamp::ZERO);
            }
        }
        assert_eq!(pool.poll_event().is_some(), expected, "{kinds:?}");
    }
}

#[test]
fn what_a_node_says_of_a_track_that_plays_on_another_is_not_told() {
    let mut world = crowded(1..=1, ["b"]);
    let said = [
        ("TrackStartEvent", json!({})),
        ("TrackEndEvent", json!({"reason": "finished"})),
        (
            "TrackExceptionEvent",
            json!({"exception": {"message": "x", "severity": "common", "cause": "x"}}),
        ),
        ("TrackStuckEvent", json!({"thresholdMs": 10_000})),
    ];
    for (kind, more) in said {
        let event = world.track_event(1, kind, &more);
        for (name, told) in [("b", 0), ("a", 1)] {
            let since = world.now();
            world.disturb(name, &event);
            world.run_for(millis(10));
            let events = world.events_since(since);
            let count = events
                .filter(|event| event.kinds() == Kinds::TRACKS)
                .count();
            assert_eq!(count, told, "{kind} of {name}");
        }
        world.play(guild(1), &track("next"));
        world.run_for(secs(1));
    }
}

#[test]
fn a_pong_that_answers_no_ping_measures_nothing() {
    let mut world = World::builder()
        .node("a", |node| node.latency = millis(35))
        .connected();
    let node = world.id("a");
    let ping = world.submit(Command::Ping(node));
    world.disturb("a", &Disturbance::Raw([&[0x8a, 8][..], &[0; 8]].concat()));
    world.run_for(secs(1));
    assert_eq!(world.answer(ping), Some(&Ok(Answer::Latency(millis(70)))));
}
