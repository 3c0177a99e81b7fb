//! What RevvLink's guide to nodes and the pool promises, on the client's public API.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use lavapool::{
    ConfigError, Error, Event, Fate, Kinds, Leaving, Loss, NodeConfig, Status, Stopped, SubmitError,
};
use lavapool_tests::guide::{
    add, add_with, asked, builder, config, connect, connected, guild, guilds_on, handshakes,
    join_voice, play, play_on, secs, song, taken,
};
use lavapool_tests::node::FrameStats;
use lavapool_tests::sim::SimRuntime;

#[test]
fn each_node_has_its_own_heartbeat() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        add(&sim, "usual");
        let main = config("main").heartbeat(secs(5)).unwrap();
        let _client = connect(&sim, builder().nodes([main, config("usual")])).await;

        sim.sleep(secs(299)).await;

        let pings = ["main", "usual"].map(|name| sim.with(name, |node| node.log().frames.ping));
        assert_eq!(pings, [59, 9]);
        let min = NodeConfig::HEARTBEAT_MIN;
        let refused = config("main").heartbeat(min - Duration::from_nanos(1));
        assert_eq!(refused, Err(ConfigError::HeartbeatTooShort { min }));
        assert!(config("main").heartbeat(min).is_ok());
    });
}

#[test]
fn each_node_has_its_own_number_of_retries_or_no_end_of_them() {
    SimRuntime::run(|sim| async move {
        ["main", "stubborn", "few"]
            .iter()
            .for_each(|name| add(&sim, name));
        sim.kill("few");
        let nodes = [
            config("main").retries(3),
            config("stubborn").retries(None),
            config("few").retries(0),
        ];
        let builder = builder().nodes(nodes);
        let mut events = builder.events();
        let client = connect(&sim, builder).await;
        sim.sleep(secs(20)).await;
        ["main", "stubborn"].iter().for_each(|name| sim.kill(name));

        sim.sleep(secs(3_600)).await;

        let gave_up: Vec<_> = taken(&mut events)
            .into_iter()
            .filter_map(|event| match event {
                Event::NodeStopped {
                    node,
                    cause: Stopped::GaveUp { attempts, .. },
                } => Some((node.to_string(), attempts)),
                _ => None,
            })
            .collect();
        // One try and the retries.
        assert_eq!(gave_up, [("few".to_owned(), 1), ("main".to_owned(), 4)]);
        let status = |name| client.node(name).unwrap().status();
        assert_eq!(status("main"), Status::Disconnected);
        assert_eq!(status("stubborn"), Status::Reconnecting);
        assert_eq!(status("few"), Status::Disconnected);
    });
}

#[test]
fn each_node_may_keep_its_session_for_a_time_of_its_own() {
    SimRuntime::run(|sim| async move {
        ["main", "short", "never"]
            .iter()
            .for_each(|name| add(&sim, name));
        let nodes = [
            config("main"),
            config("short").resume_for(secs(9)),
            config("never").resume_for(None),
        ];
        let _client = connect(&sim, builder().resume_for(secs(120)).nodes(nodes)).await;

        let kept = ["main", "short", "never"].map(|name| {
            let session = sim.with(name, |node| node.sessions().remove(0));
            session.resuming.then_some(session.timeout_s)
        });
        assert_eq!(kept, [Some(120), Some(9), None]);
    });
}

#[test]
fn memory_latency_and_players_count_when_a_node_is_chosen() {
    SimRuntime::run(|sim| async move {
        ["full", "far", "busy", "best"]
            .iter()
            .for_each(|name| add(&sim, name));
        sim.with("full", |node| {
            let stats = node.stats();
            stats.used = stats.reservable;
        });
        sim.with("busy", |node| node.stats().players = Some((3, 3)));
        let nodes = ["full", "far", "busy", "best"].map(config);
        let client = connect(&sim, builder().nodes(nodes)).await;
        let node = |name| client.node(name).unwrap();
        // The farther one is measured while the network is slow.
        sim.set_latency(Duration::from_millis(40));
        node("far").ping().await.unwrap();
        sim.set_latency(Duration::from_millis(1));
        for name in ["full", "busy", "best"] {
            node(name).ping().await.unwrap();
        }

        let memory = 10_f64.powi(4) - 1.0;
        let near = 2.0 / 10.0;
        let penalties = ["full", "far", "busy", "best"].map(|name| node(name).penalty());
        let expected = [memory + near, 80.0 / 10.0, 3.0 * 1.5 + near, near];
        for (penalty, expected) in penalties.into_iter().zip(expected) {
            assert!((penalty - expected).abs() < 1e-6, "{penalties:?}");
        }
        assert_eq!(client.best_node(), client.node("best"));
        play(&client, 1..=1).await;
        assert_eq!(guilds_on(&sim, "best"), [1]);
    });
}

#[test]
fn a_player_is_moved_by_hand_and_goes_on_where_it_is() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "eu-west"]).await;
        play_on(&client, &client.node("main").unwrap(), 1..=1).await;
        sim.sleep(secs(20)).await;
        let player = client.player(guild(1));

        player
            .move_to(&client.node("eu-west").unwrap())
            .await
            .unwrap();
        sim.sleep(secs(1)).await;

        assert_eq!(
            ["main", "eu-west"].map(|name| guilds_on(&sim, name)),
            [vec![], vec![1]]
        );
        assert_eq!(player.node(), client.node("eu-west"));
        let position = player.position().unwrap();
        assert!(
            position.abs_diff(secs(21)) < Duration::from_millis(200),
            "{position:?}"
        );
    });
}

#[test]
fn the_pool_has_nodes_by_identifier_a_best_one_and_an_end() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "other"]).await;
        let main = client.node("main").unwrap();
        assert_eq!(
            client.nodes(),
            [main.clone(), client.node("other").unwrap()]
        );
        assert_eq!(client.best_node(), Some(main.clone()));

        client.close(Leaving::Keep).await.unwrap();

        assert_eq!(client.report().connected(), 0);
        assert_eq!(client.best_node(), None);
        assert_eq!(main.ping().await, Err(Error::Closed));
        sim.sleep(secs(3_600)).await;
        assert_eq!(["main", "other"].map(|name| handshakes(&sim, name)), [1, 1]);
    });
}

#[test]
fn the_stats_hold_players_load_memory_and_uptime() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "main", |node| {
            let stats = node.stats();
            (stats.system_load, stats.lavalink_load) = (0.25, 0.125);
            (stats.used, stats.players) = (50 << 20, Some((7, 4)));
        });
        let client = connect(&sim, builder().node(config("main"))).await;
        sim.sleep(secs(61)).await;

        let stats = client.node("main").unwrap().stats().unwrap();

        let loads = [stats.cpu.system_load, stats.cpu.lavalink_load];
        assert_eq!(
            loads.map(|load| format!("{:.1}%", load * 100.0)),
            ["25.0%", "12.5%"]
        );
        assert_eq!((stats.players, stats.playing_players), (7, 4));
        assert_eq!(stats.memory.used / 1024 / 1024, 50);
        assert_eq!(stats.uptime / 1000, 60);
    });
}

#[test]
fn ready_says_whether_the_session_resumed_and_disconnected_says_the_code() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        sim.sleep(secs(11)).await;
        let mut events = client.events_of(Kinds::NODES);
        sim.with("main", |node| node.close_websockets(4006, "", node.now()));
        sim.sleep(secs(1)).await;

        let told = taken(&mut events);

        let Some(Event::NodeDisconnected { loss, .. }) = told.first() else {
            panic!("{told:?}");
        };
        let reason = "".into();
        let expected = Loss::Closed {
            code: 4006,
            reason,
            by_remote: true,
        };
        assert_eq!(*loss, expected);
        let last = told.last();
        assert!(
            matches!(last, Some(Event::NodeReady { resumed: true, .. })),
            "{last:?}"
        );
    });
}

#[test]
fn a_lost_node_is_unavailable_its_players_play_elsewhere_and_it_is_dialled_on() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "other"]).await;
        let main = client.node("main").unwrap();
        play_on(&client, &main, 1..=4).await;
        sim.sleep(secs(15)).await;

        sim.kill("main");
        sim.sleep(secs(2)).await;

        assert!(!main.is_connected());
        assert_eq!(client.best_node(), client.node("other"));
        assert_eq!(guilds_on(&sim, "other"), [1, 2, 3, 4]);
        sim.restart("main");
        sim.sleep(secs(5)).await;
        assert!(main.is_connected() && guilds_on(&sim, "main").is_empty());
    });
}

#[test]
fn a_connection_that_drops_for_a_moment_resumes_and_costs_no_player_anything() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "other"]).await;
        let main = client.node("main").unwrap();
        play_on(&client, &main, 1..=4).await;
        sim.sleep(secs(15)).await;
        let (session, before) = (main.session_id(), asked(&sim, "main").len());

        sim.with("main", |node| {
            node.drop_connections(lavapool_tests::node::How::Reset, node.now());
        });
        sim.sleep(secs(2)).await;

        assert_eq!(
            (main.session_id(), guilds_on(&sim, "main")),
            (session, vec![1, 2, 3, 4])
        );
        assert_eq!(
            asked(&sim, "main")[before..],
            ["GET /v4/sessions/SESSION/players"]
        );
        assert!(guilds_on(&sim, "other").is_empty());
    });
}

#[test]
fn a_node_that_is_gone_for_good_leaves_no_way_to_use_it() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "other"]).await;
        let main = client.node("main").unwrap();
        client.remove_node("main", Leaving::Keep).await.unwrap();

        let refused = Err(Error::Submit(SubmitError::NoSuchNode));
        assert_eq!(client.player(guild(1)).move_to(&main).await, refused);
        assert_eq!(client.remove_node("main", Leaving::Keep).await, refused);
        assert_eq!(main.free_all_addresses().await, refused);
    });
}

#[test]
fn load_and_lost_frames_count_when_a_node_is_chosen() {
    SimRuntime::run(|sim| async move {
        ["hot", "lossy", "best"]
            .iter()
            .for_each(|name| add(&sim, name));
        sim.with("hot", |node| node.stats().system_load = 0.9);
        sim.with("lossy", |node| {
            node.stats().frames = Some(FrameStats {
                sent: 2_000,
                nulled: 500,
                deficit: 500,
            });
        });
        let client = connect(&sim, builder().nodes(["hot", "lossy", "best"].map(config))).await;
        sim.sleep(secs(61)).await;

        let penalty = |name| client.node(name).unwrap().penalty();

        assert!(penalty("hot") > penalty("best") + 100.0);
        assert!(penalty("lossy") > penalty("best") + 1_000.0);
        assert_eq!(client.best_node(), client.node("best"));
        play(&client, 1..=2).await;
        assert_eq!(guilds_on(&sim, "best"), [1, 2]);
    });
}

#[test]
fn ready_comes_when_the_node_has_the_session_that_is_meant() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        sim.sleep(secs(11)).await;
        let node = client.node("main").unwrap();
        let first = node.session_id();
        let mut events = client.events_of(Kinds::NODES);
        for is_restart in [false, true] {
            sim.with("main", |node| match is_restart {
                true => node.restart(node.now()),
                false => node.close_websockets(1001, "", node.now()),
            });
            let resumed = loop {
                if let Some(Event::NodeReady { resumed, .. }) = events.next().await {
                    break resumed;
                }
            };

            let theirs = sim.with("main", |node| node.sessions()[0].id.clone());
            assert_eq!(node.session_id().unwrap().expose(), theirs);
            assert_eq!(
                (resumed, node.session_id() == first),
                (!is_restart, !is_restart)
            );
            sim.sleep(secs(11)).await;
        }
    });
}

#[test]
fn a_player_goes_to_the_node_of_its_region_by_the_names_of_the_guide() {
    SimRuntime::run(|sim| async move {
        let regions = [("us", "us-east"), ("eu", "eu-west"), ("ap", "ap-south")];
        regions.iter().for_each(|(name, _)| add(&sim, name));
        let nodes = regions.map(|(name, region)| config(name).region(region));
        let builder = builder().nodes(nodes);
        let mut events = builder.events();
        let client = connect(&sim, builder).await;

        for (id, server) in [
            (1, "c-iad03-1a2b3c4d"),
            (2, "c-fra05-1a2b3c4d"),
            (3, "c-bom01-1a"),
        ] {
            let playing = client.player(guild(id)).update(song());
            join_voice(&client, id, server);
            playing.await.unwrap();
        }

        let guilds = ["us", "eu", "ap"].map(|name| guilds_on(&sim, name));
        assert_eq!(guilds, [[1], [2], [3]]);
        let is_unknown = |event: &Event| matches!(event, Event::UnknownRegion { .. });
        assert!(!taken(&mut events).iter().any(is_unknown));
    });
}

#[test]
fn a_region_that_no_endpoint_lies_in_is_said_once() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        let builder = builder().node(config("main").region("moon"));
        let mut events = builder.events();
        let _client = connect(&sim, builder).await;
        sim.with("main", |node| node.close_websockets(1001, "", node.now()));
        sim.sleep(secs(10)).await;

        let told = taken(&mut events)
            .into_iter()
            .filter_map(|event| match event {
                Event::UnknownRegion { node, label } => Some((node.to_string(), label.to_string())),
                _ => None,
            });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [("main".to_owned(), "moon".to_owned())]
        );
    });
}

#[test]
fn what_was_fetched_is_not_fetched_again_and_without_a_capacity_it_is() {
    SimRuntime::run(|sim| async move {
        for (name, capacity, expected) in [("cached", Some(200), 1), ("plain", None, 3)] {
            add(&sim, name);
            let builder = builder().cache_capacity(capacity).node(config(name));
            let client = connect(&sim, builder).await;

            for _ in 0..3 {
                let found = client.fetch_tracks("ytsearch:never gonna").await.unwrap();
                assert_eq!(found.tracks().len(), 10);
            }

            let asked = asked(&sim, name).into_iter();
            let loads = asked.filter(|line| line.starts_with("GET /v4/loadtracks"));
            assert_eq!(
                (loads.count(), client.cache_capacity()),
                (expected, capacity)
            );
        }
    });
}

#[test]
fn a_player_that_plays_nothing_is_inactive_after_its_time_and_goes_if_that_is_wished() {
    SimRuntime::run(|sim| async move {
        for (name, fate, left) in [("kept", Fate::Keep, 1), ("destroyed", Fate::Destroy, 0)] {
            add(&sim, name);
            let builder = builder().inactive_after(secs(300), fate).node(config(name));
            let client = connect(&sim, builder).await;
            play(&client, 1..=1).await;
            let mut events = client.events_of(Kinds::PLAYERS);
            let stopped_at = sim.elapsed();
            client.player(guild(1)).stop().await.unwrap();

            let Some(event) = events.next().await else {
                panic!("the client is there");
            };

            let expected = Event::PlayerInactive {
                guild: guild(1),
                after: secs(300),
                destroyed: fate == Fate::Destroy,
            };
            assert_eq!(
                (event, (sim.elapsed() - stopped_at).as_secs()),
                (expected, 300)
            );
            sim.sleep(secs(1)).await;
            assert_eq!(guilds_on(&sim, name).len(), left);
            client.close(Leaving::Destroy).await.unwrap();
        }
    });
}
