//! The pool: connecting, selection, penalties, failover, route planner and the end.

use std::collections::BTreeSet;
use std::time::Duration;

use lavapool::protocol::RoutePlanner;
use lavapool::region::RegionMap;
use lavapool::{
    ConfigError, ConnectError, Event, Kinds, Leaving, NodeConfig, PenaltyWeights, Status, Strategy,
};
use lavapool_tests::guide::{
    add, add_with, asked, builder, config, connect, connected, guild, guilds_on, join_voice, play,
    play_on, secs, song, taken,
};
use lavapool_tests::node::{AnswerKind, FrameStats};
use lavapool_tests::sim::SimRuntime;
use serde_json::json;

#[test]
fn connecting_returns_when_all_nodes_are_ready_and_reports_as_the_guide_does() {
    SimRuntime::run(|sim| async move {
        ["us", "eu", "asia"].iter().for_each(|name| add(&sim, name));
        sim.with("asia", |node| {
            node.faults().slow.insert(AnswerKind::Handshake, secs(3));
        });
        let nodes = [("US", "us"), ("EU", "eu"), ("Asia", "asia")];
        let nodes = nodes.map(|(name, region)| regional(name, region));

        let client = builder()
            .nodes(nodes)
            .connect_on(sim.clone())
            .await
            .unwrap();

        assert_eq!(sim.elapsed().as_secs(), 3, "it waits for the slowest");
        let report = "[Lavalink] Node connection report (3/3 connected)\n\
            [CONNECTED] US http://us:2333 region=us\n\
            [CONNECTED] EU http://eu:2333 region=eu\n\
            [CONNECTED] Asia http://asia:2333 region=asia";
        assert_eq!(client.report().to_string(), report);
    });
}

#[test]
fn one_dead_node_hangs_nothing_and_the_report_says_which_failed_and_why() {
    SimRuntime::run(|sim| async move {
        let names = ["good", "silent", "refusing", "locked", "old"];
        names.iter().for_each(|name| add(&sim, name));
        sim.cut_off("silent", true);
        sim.kill("refusing");
        sim.with("locked", |node| node.config().password = "right".into());
        sim.with("old", |node| node.faults().api_version = Some(3));

        let connecting = builder().nodes(names.map(config)).connect_on(sim.clone());
        let client = connecting.await.unwrap();

        assert_eq!(sim.elapsed(), secs(5));
        let report = client.report();
        let lines: Vec<_> = report.nodes.iter().map(ToString::to_string).collect();
        let expected = [
            "[CONNECTED] good http://good:2333",
            "[FAILED] silent http://silent:2333",
            "[FAILED] refusing http://refusing:2333 (the connection was refused)",
            "[FAILED] locked http://locked:2333 (the password is wrong (401))",
            "[FAILED] old http://old:2333 (the server does not speak version 4 of Lavalink's api \
             but version 3)",
        ];
        assert_eq!(lines, expected);
        let statuses: Vec<_> = report.nodes.iter().map(|node| node.status).collect();
        let expected = [
            Status::Connected,
            Status::Connecting,
            Status::Connecting,
            Status::Disconnected,
            Status::Disconnected,
        ];
        assert_eq!((report.connected(), statuses), (1, expected.to_vec()));
        // Those that did not refuse are dialled on.
        sim.cut_off("silent", false);
        sim.restart("refusing");
        sim.sleep(secs(60)).await;
        assert_eq!(client.report().connected(), 3);
    });
}

#[test]
fn without_a_single_node_connecting_fails_and_with_two_of_one_name_it_does_not_start() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        sim.kill("main");
        let builder_of = |names: &[&str]| builder().nodes(names.iter().map(|name| config(name)));

        let error = builder_of(&["main"])
            .connect_on(sim.clone())
            .await
            .unwrap_err();
        let ConnectError::NoNode { report } = error else {
            panic!("{error}");
        };
        assert_eq!(report.nodes.len(), 1);

        let before = sim.elapsed();
        let twice = builder_of(&["main", "main"]).connect_on(sim.clone()).await;
        let name = "main".into();
        let duplicate = ConnectError::Config(ConfigError::DuplicateName { name });
        assert_eq!(twice.unwrap_err(), duplicate);
        assert_eq!(sim.elapsed(), before);
    });
}

#[test]
fn nodes_are_got_by_penalty_by_name_and_by_region() {
    SimRuntime::run(|sim| async move {
        for (name, playing) in [("us", 0), ("eu", 5), ("frankfurt", 2), ("asia", 9)] {
            add_with(&sim, name, |node| {
                node.stats().players = Some((playing, playing))
            });
        }
        let names = [
            ("us", "us"),
            ("eu", "eu"),
            ("frankfurt", "frankfurt"),
            ("asia", "asia"),
        ];
        let nodes = names.map(|(name, region)| regional(name, region));
        let client = connect(&sim, builder().nodes(nodes)).await;
        let node = |name| client.node(name);

        assert_eq!(client.best_node(), node("us"));
        assert_eq!(client.node("moon"), None);
        // Frankfurt is in Europe, and carries less than the other.
        assert_eq!(client.node_in("eu"), node("frankfurt"));
        assert_eq!(client.node_in("EU"), node("frankfurt"));
        assert_eq!(client.node_in("asia"), node("asia"));
        assert_eq!(client.node_in("frankfurt"), node("frankfurt"));
        assert_eq!(
            client.node_in("africa"),
            node("us"),
            "none is there: the best"
        );
        sim.kill("frankfurt");
        sim.sleep(secs(1)).await;
        assert_eq!(client.node_in("eu"), node("eu"));
        assert_eq!(client.node_in("frankfurt"), node("eu"));
        sim.kill("eu");
        sim.sleep(secs(1)).await;
        assert_eq!(client.node_in("eu"), node("us"));
        // By name it is there all the same.
        assert_eq!(client.node("eu").unwrap().status(), Status::Reconnecting);
    });
}

#[test]
fn without_a_connected_node_there_is_no_best_one() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        assert_eq!(client.best_node(), client.node("main"));
        sim.kill("main");
        sim.sleep(secs(1)).await;
        assert_eq!((client.best_node(), client.node_in("eu")), (None, None));
    });
}

#[test]
fn the_penalty_is_the_guides_formula_and_9e30_without_a_connection() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "main", |node| {
            let stats = node.stats();
            stats.system_load = 0.5;
            stats.players = Some((12, 10));
            stats.frames = Some(FrameStats {
                sent: 2900,
                nulled: 40,
                deficit: 60,
            });
        });
        let builder = builder().strategy(Strategy::Penalty(PenaltyWeights::classic()));
        let client = connect(&sim, builder.node(config("main"))).await;
        let node = client.node("main").unwrap();

        let cpu = 1.05_f64.powf(50.0) * 10.0 - 10.0;
        let deficit = 1.03_f64.powf(500.0 * 60.0 / 3000.0) * 300.0 - 300.0;
        let nulled = (1.03_f64.powf(500.0 * 40.0 / 3000.0) * 300.0 - 300.0) * 2.0;
        let expected = cpu + deficit + nulled + 10.0 * 1.5;
        assert!(
            (node.penalty() - expected).abs() < 1e-9,
            "{}",
            node.penalty()
        );

        sim.kill("main");
        sim.sleep(secs(1)).await;
        assert_eq!(node.penalty().to_bits(), 9e30_f64.to_bits());
    });
}

#[test]
fn nodes_that_come_and_go_are_events() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        let builder = builder().node(config("main"));
        let mut events = builder.events();
        let _client = connect(&sim, builder).await;
        sim.with("main", |node| {
            node.close_websockets(1001, "bye", node.now())
        });
        sim.sleep(secs(3)).await;

        let told: Vec<_> = taken(&mut events)
            .into_iter()
            .filter_map(|event| match event {
                Event::NodeReady { node, resumed } => Some(format!("{node} {resumed}")),
                Event::NodeDisconnected { node, loss } => Some(format!("{node} {loss}")),
                _ => None,
            })
            .collect();
        let lost = "main closed with code 1001: bye";
        assert_eq!(told, ["main false", lost, "main true"]);
    });
}

#[test]
fn players_of_a_lost_node_go_to_their_region_at_the_same_place_and_one_event_names_them() {
    SimRuntime::run(|sim| async move {
        ["main", "eu", "us"].iter().for_each(|name| add(&sim, name));
        let nodes = ["main", "eu", "us"].map(|name| regional(name, name));
        let client = connect(&sim, builder().nodes(nodes)).await;
        let main = client.node("main").unwrap();
        play_on(&client, &main, 1..=2).await;
        for id in 3..=4 {
            let playing = client.player(guild(id)).update_on(&main, song());
            join_voice(&client, id, "us-east12");
            playing.await.unwrap();
        }
        sim.sleep(secs(30)).await;
        let mut events = client.events_of(Kinds::PLAYERS);

        sim.kill("main");
        sim.sleep(secs(3)).await;

        let guilds = ["eu", "us"].map(|name| guilds_on(&sim, name));
        assert_eq!(guilds, [[1, 2], [3, 4]]);
        let failovers: BTreeSet<_> = taken(&mut events)
            .into_iter()
            .filter_map(|event| match event {
                Event::Failover { old, new, players } => {
                    Some((old.to_string(), new.to_string(), players.len()))
                }
                _ => None,
            })
            .collect();
        let to = |name: &str| ("main".to_owned(), name.to_owned(), 2);
        assert_eq!(failovers, [to("eu"), to("us")].into());
        for player in client.players() {
            // It stood still while it was moved, and skipped nothing.
            let position = player.position().unwrap();
            assert!(
                position.abs_diff(secs(33)) < Duration::from_millis(200),
                "{position:?}"
            );
        }
    });
}

#[test]
fn a_healthy_node_is_waited_for_and_players_without_one_go_on_when_it_comes() {
    SimRuntime::run(|sim| async move {
        for comes_after in [secs(3), secs(600)] {
            let name = format!("spare{}", comes_after.as_secs());
            add(&sim, &name);
            sim.kill(&name);
            let main = format!("main{}", comes_after.as_secs());
            add(&sim, &main);
            let client = connect(&sim, builder().node(config(&main))).await;
            play(&client, 1..=1).await;
            client.add_node_detached(config(&name)).await.unwrap();
            let mut events = client.events_of(Kinds::PLAYERS);
            sim.kill(&main);

            sim.sleep(comes_after).await;
            let stranded = taken(&mut events);
            let is_stranded = |event: &Event| matches!(event, Event::PlayersStranded { .. });
            assert_eq!(stranded.iter().any(is_stranded), comes_after > secs(5));
            sim.restart(&name);
            client.node(&name).unwrap().ready().await.unwrap();
            sim.sleep(secs(1)).await;

            assert_eq!(guilds_on(&sim, &name), [1]);
            client.close(Leaving::Destroy).await.unwrap();
        }
    });
}

#[test]
fn info_stats_and_version_are_fetched() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        play(&client, 1..=2).await;
        let node = client.node("main").unwrap();

        let info = node.fetch_info().await.unwrap();
        assert_eq!(info.version.semver, "4.2.2");
        assert!(info.source_managers.iter().any(|name| name == "youtube"));
        let stats = node.fetch_stats().await.unwrap();
        assert_eq!((stats.players, stats.playing_players), (2, 2));
        assert_eq!(node.version().await.unwrap(), "4.2.2");
    });
}

#[test]
fn the_route_planner_is_shown_whatever_its_kind_and_none_if_it_is_off() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let node = client.node("main").unwrap();
        assert_eq!(node.route_planner().await, Ok(None));
        assert!(node.free_all_addresses().await.is_err());

        for class in [
            "RotatingIpRoutePlanner",
            "NanoIpRoutePlanner",
            "RotatingNanoIpRoutePlanner",
            "BalancingIpRoutePlanner",
        ] {
            let details = json!({
                "ipBlock": { "type": "Inet4Address", "size": "256" },
                "failingAddresses": [{ "failingAddress": "/1.2.3.4",
                    "failingTimestamp": 1_573_520_707_545_i64, "failingTime": "Mon" }],
                "rotateIndex": "1", "ipIndex": "2", "currentAddress": "/1.2.3.5",
                "currentAddressIndex": "3", "blockIndex": "4",
            });
            let status = json!({ "class": class, "details": details });
            sim.with("main", |node| node.config().route_planner = Some(status));
            let planner: RoutePlanner = node.route_planner().await.unwrap().unwrap();
            assert_eq!(planner.class(), class);
            assert_eq!(planner.failing_addresses[0].failing_address, "/1.2.3.4");
        }

        node.free_address("1.2.3.4").await.unwrap();
        node.free_all_addresses().await.unwrap();
        assert!(node.free_address("nonsense").await.is_err());
        let asked = asked(&sim, "main");
        let line = r#"POST /v4/routeplanner/free/address {"address":"1.2.3.4"}"#;
        assert_eq!(asked[asked.len() - 3], line);
        assert_eq!(asked[asked.len() - 2], "POST /v4/routeplanner/free/all");
    });
}

#[test]
fn all_nodes_are_listed_with_their_status_and_their_players() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["first", "second"]).await;
        play_on(&client, &client.node("second").unwrap(), 1..=3).await;

        let listed: Vec<_> = client
            .nodes()
            .iter()
            .map(|node| {
                format!(
                    "{}: {} ({} players)",
                    node.name(),
                    node.status(),
                    node.players().len()
                )
            })
            .collect();

        assert_eq!(
            listed,
            [
                "first: connected (0 players)",
                "second: connected (3 players)"
            ]
        );
        let guilds = client.nodes()[1]
            .players()
            .into_iter()
            .map(|player| player.guild());
        assert_eq!(guilds.collect::<Vec<_>>(), [1, 2, 3].map(guild));
        // It is a copy: nothing that is done to it is done to the client.
        client.nodes().clear();
        assert_eq!(client.nodes().len(), 2);
    });
}

#[test]
fn closing_destroys_the_players_or_keeps_them_for_the_next_process() {
    SimRuntime::run(|sim| async move {
        for (leaving, name, left) in [
            (Leaving::Destroy, "first", vec![]),
            (Leaving::Keep, "second", vec![1, 2]),
        ] {
            let client = connected(&sim, [name]).await;
            play(&client, 1..=2).await;

            client.close(leaving).await.unwrap();
            sim.sleep(Duration::from_millis(5)).await;

            assert_eq!(guilds_on(&sim, name), left);
            let (frames, open) = sim.with(name, |node| (node.log().frames, node.connections()));
            assert_eq!(
                (frames.close, open.len()),
                (1, 0),
                "closed with a close frame"
            );
        }
    });
}

#[test]
fn the_map_of_regions_can_be_replaced() {
    SimRuntime::run(|sim| async move {
        ["a", "b"].iter().for_each(|name| add(&sim, name));
        let regions = RegionMap::from_iter([("north", vec!["iad", "atl"]), ("south", vec!["gru"])]);
        let nodes = [regional("a", "north"), regional("b", "south")];
        let client = connect(&sim, builder().regions(regions).nodes(nodes)).await;

        let playing = client.player(guild(1)).update(song());
        join_voice(&client, 1, "c-gru01-1a2b3c4d");
        playing.await.unwrap();

        assert_eq!(guilds_on(&sim, "b"), [1]);
        assert_eq!(client.node_in("south"), client.node("b"));
        assert_eq!(client.node_in("eu"), client.node("a"));
    });
}

fn regional(name: &str, region: &str) -> NodeConfig {
    let host = name.to_lowercase();
    let uri = format!("http://{host}:2333");
    let config = NodeConfig::new(name, &uri, "youshallnotpass").unwrap();
    config.region(region)
}
