//! Nodes: what they are, connections, pings, penalties and sessions.

use std::collections::BTreeSet;
use std::time::Duration;

use lavapool::lavapool_core::NodeFailure;
use lavapool::{
    Error, Event, Kinds, PenaltyWeights, ReconnectPolicy, RequestError, Status, Stopped, Strategy,
};
use lavapool_tests::guide::{
    add, add_with, asked, builder, config, connect, connected, guild, guilds_on, handshakes, play,
    play_on, secs, taken,
};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::sim::SimRuntime;

#[test]
fn a_node_has_an_identifier_a_host_a_port_and_an_address() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let node = client.node("main").unwrap();
        let config = node.config();
        let endpoint = config.endpoint();

        assert_eq!(node.name(), "main");
        assert_eq!((endpoint.host(), endpoint.port()), ("main", 2333));
        assert_eq!(endpoint.address(), "main:2333");
        assert_eq!(&*node.view().uri, "http://main:2333");
    });
}

#[test]
fn the_latency_is_that_of_the_last_ping_and_none_while_there_is_no_connection() {
    SimRuntime::run(|sim| async move {
        sim.set_latency(Duration::from_millis(20));
        let client = connected(&sim, ["main"]).await;
        let node = client.node("main").unwrap();
        assert_eq!(node.latency(), None, "nobody has pinged it yet");

        assert_eq!(node.ping().await, Ok(Duration::from_millis(40)));
        assert_eq!(node.latency(), Some(Duration::from_millis(40)));

        sim.kill("main");
        sim.sleep(secs(1)).await;
        assert_eq!(node.latency(), None);
        let none = Error::Request(RequestError::NoNode);
        assert_eq!(node.ping().await, Err(none));
    });
}

#[test]
fn a_ping_that_is_not_answered_ends_at_its_deadline() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let node = client.node("main").unwrap();
        sim.with("main", |node| node.freeze_connections(node.now()));
        let began_at = sim.elapsed();

        let ping = node.within(secs(2)).ping().await;

        let timed_out = RequestError::NodeFailed(NodeFailure::TimedOut);
        assert_eq!(ping, Err(Error::Request(timed_out)));
        assert_eq!(sim.elapsed() - began_at, secs(2));
        assert!(node.is_connected());
        // Without a word the connection is given up at the pong's own deadline.
        sim.sleep(secs(9)).await;
        assert_eq!(node.ping().await.map(|latency| latency < secs(1)), Ok(true));
        assert_eq!(handshakes(&sim, "main"), 2);
    });
}

#[test]
fn the_capabilities_are_a_set_of_sources_filters_and_plugins() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "main", |node| {
            let config = node.config();
            config.sources = vec!["spotify".into(), "http".into()];
            config.filters = vec!["karaoke".into()];
            config.plugins = vec![("sponsorblock".into(), "1.0".into())];
        });
        let client = connect(&sim, builder().node(config("main"))).await;

        let capabilities = client.node("main").unwrap().capabilities();

        let expected = [
            "source:spotify",
            "source:http",
            "filter:karaoke",
            "plugin:sponsorblock",
        ];
        assert_eq!(capabilities, expected.map(str::to_owned).into());
        add(&sim, "silent");
        sim.cut_off("silent", true);
        let silent = client.add_node_detached(config("silent")).await.unwrap();
        assert_eq!(silent.capabilities(), BTreeSet::new());
    });
}

#[test]
fn connect_brings_back_a_node_that_was_given_up_and_leaves_a_connected_one_alone() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        add(&sim, "other");
        let policy = ReconnectPolicy {
            retries: Some(2),
            ..ReconnectPolicy::default()
        };
        let builder = builder()
            .reconnect(policy)
            .nodes(["main", "other"].map(config));
        let client = connect(&sim, builder).await;
        let node = client.node("main").unwrap();
        let session = node.session_id();
        assert_eq!(node.connect().await, Ok(node.clone()));
        assert_eq!((node.session_id(), handshakes(&sim, "main")), (session, 1));

        sim.kill("main");
        sim.sleep(secs(60)).await;
        assert_eq!(node.status(), Status::Disconnected);
        let stopped = node.view().stopped;
        assert!(
            matches!(stopped, Some(Stopped::GaveUp { attempts: 3, .. })),
            "{stopped:?}"
        );
        sim.restart("main");
        sim.sleep(secs(3_600)).await;
        assert_eq!(handshakes(&sim, "main"), 1, "it is not dialled by itself");

        assert_eq!(node.connect().await, Ok(node.clone()));
        assert!(node.is_connected());
    });
}

#[test]
fn reconnect_forces_a_new_connection_and_loses_no_player() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        play(&client, 1..=1).await;
        let node = client.node("main").unwrap();
        let (session, before) = (node.session_id(), asked(&sim, "main").len());

        node.reconnect().await.unwrap();

        assert_eq!((handshakes(&sim, "main"), node.session_id()), (2, session));
        sim.sleep(secs(1)).await;
        assert!(client.player(guild(1)).is_playing());
        // The session was resumed: the player was looked at, and not played anew.
        assert_eq!(
            asked(&sim, "main")[before..],
            ["GET /v4/sessions/SESSION/players"]
        );
    });
}

#[test]
fn destroying_a_node_moves_nothing() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "other"]).await;
        let main = client.node("main").unwrap();
        let mut events = client.events_of(Kinds::PLAYERS | Kinds::STATUSES);
        play_on(&client, &main, 1..=3).await;
        taken(&mut events);

        main.destroy().await.unwrap();
        sim.sleep(secs(60)).await;

        assert!(client.players().is_empty() && client.node("main").is_none());
        assert_eq!(
            ["main", "other"].map(|name| guilds_on(&sim, name).len()),
            [0, 0]
        );
        let told = taken(&mut events);
        let gone = Event::NodeStatus {
            node: main.node_ref().clone(),
            old: Status::Connected,
            new: Status::Disconnected,
        };
        assert_eq!(told, [gone]);
        assert_eq!(handshakes(&sim, "main"), 1);
    });
}

#[test]
fn ejecting_a_node_spreads_its_players_over_the_others_and_then_removes_it() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "second", "third"]).await;
        let main = client.node("main").unwrap();
        play_on(&client, &main, 1..=10).await;
        sim.sleep(secs(30)).await;

        main.eject().await.unwrap();

        assert!(client.node("main").is_none());
        let left = ["main", "second", "third"].map(|name| guilds_on(&sim, name).len());
        assert_eq!(left, [0, 5, 5]);
        for player in client.players() {
            let position = player.position().unwrap();
            assert!(
                position.abs_diff(secs(30)) < Duration::from_millis(200),
                "{position:?}"
            );
        }
    });
}

#[test]
fn players_of_an_ejected_node_that_no_other_can_take_wait_for_the_next_one() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        play(&client, 1..=2).await;
        sim.sleep(secs(30)).await;

        client.node("main").unwrap().eject().await.unwrap();

        assert!(client.nodes().is_empty() && guilds_on(&sim, "main").is_empty());
        add(&sim, "next");
        client.add_node(config("next")).await.unwrap();
        sim.sleep(secs(1)).await;
        assert_eq!(guilds_on(&sim, "next"), [1, 2]);
        let position = client.player(guild(1)).position().unwrap();
        assert!(
            position.abs_diff(secs(31)) < Duration::from_millis(200),
            "{position:?}"
        );
    });
}

#[test]
fn an_ejected_node_whose_players_cannot_leave_goes_at_the_deadline() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "mute"]).await;
        let main = client.node("main").unwrap();
        play_on(&client, &main, 1..=2).await;
        sim.with("mute", |node| {
            node.faults()
                .unanswered
                .extend([AnswerKind::Voice, AnswerKind::Player]);
        });
        let mut statuses = client.statuses();
        let began_at = sim.elapsed();

        main.within(secs(4)).eject().await.unwrap();

        assert_eq!(sim.elapsed() - began_at, secs(4));
        assert_eq!(client.nodes(), [client.node("mute").unwrap()]);
        let gone = Event::NodeStatus {
            node: main.node_ref().clone(),
            old: Status::Connected,
            new: Status::Disconnected,
        };
        assert_eq!(taken(&mut statuses), [gone]);
    });
}

#[test]
fn penalties_tell_which_node_is_the_most_loaded() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "idle", |node| node.stats().players = Some((0, 0)));
        add_with(&sim, "busy", |node| node.stats().players = Some((9, 4)));
        let weights = PenaltyWeights::classic();
        let builder = builder().strategy(Strategy::Penalty(weights));
        let client = connect(&sim, builder.nodes(["busy", "idle"].map(config))).await;

        let penalty = |name| client.node(name).unwrap().penalty();
        assert!(penalty("idle").abs() < 1e-9 && (penalty("busy") - 6.0).abs() < 1e-9);
        assert_eq!(client.best_node(), client.node("idle"));
    });
}

#[test]
fn every_change_of_state_is_an_event_with_the_node_the_old_and_the_new_one() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        let builder = builder().node(config("main"));
        let mut events = builder.events();
        let client = connect(&sim, builder).await;
        client.node("main").unwrap().reconnect().await.unwrap();
        client.close(lavapool::Leaving::Keep).await.unwrap();

        let mut last = Status::Disconnected;
        let mut told = Vec::new();
        while let Some(event) = events.next().await {
            if let Event::NodeStatus { node, old, new } = event {
                assert_eq!(
                    (&*node.name, old),
                    ("main", last),
                    "each begins where one ended"
                );
                told.push(new);
                last = new;
            }
        }
        let expected = [
            Status::Connecting,
            Status::Connected,
            Status::Reconnecting,
            Status::Connected,
            Status::Disconnected,
        ];
        assert_eq!(told, expected);
    });
}

#[test]
fn a_new_session_is_made_resumable_and_one_that_is_gone_costs_no_wait() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        assert!(
            asked(&sim, "main")
                .contains(&r#"PATCH /v4/sessions/SESSION {"resuming":true,"timeout":60}"#.into())
        );
        play(&client, 1..=1).await;
        sim.sleep(secs(20)).await;

        sim.with("main", |node| node.restart(node.now()));
        let restarted_at = sim.elapsed();
        let mut events = client.events_of(Kinds::PLAYERS);
        while guilds_on(&sim, "main").is_empty() {
            sim.sleep(Duration::from_millis(1)).await;
        }

        assert!(sim.elapsed() - restarted_at < Duration::from_millis(100));
        assert!(matches!(
            events.next().await,
            Some(Event::PlayerMoved { .. })
        ));
        let position = client.player(guild(1)).position().unwrap();
        assert!(
            position.abs_diff(secs(20)) < Duration::from_millis(200),
            "{position:?}"
        );
    });
}
