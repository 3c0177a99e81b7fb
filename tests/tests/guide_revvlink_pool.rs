//! What the reference of RevvLink's pool promises, on the client's public API.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use lavapool::region::{RegionMap, region_from_endpoint};
use lavapool::{
    ConfigError, ConnectError, Error, FetchFailure, Leaving, LoadResult, Node, NodeConfig,
    ReconnectPolicy, RequestError, Status, Stopped, SubmitError, UserId,
};
use lavapool_tests::guide::{
    add, add_with, asked, builder, config, connect, connected, guilds_on, handshakes, play_on, secs,
};
use lavapool_tests::sim::SimRuntime;

#[test]
fn an_endpoint_has_a_region_an_unknown_one_is_global_and_an_empty_one_has_none() {
    let coarse = |endpoint| region_from_endpoint(endpoint).map(|region| region.coarse);
    let cases = [
        ("us-east1.discord.gg:443", Some("us")),
        ("c-fra05-7bd4a2e1.discord.media:2087", Some("eu")),
        ("c-sin02-7bd4a2e1.discord.media:443", Some("asia")),
        ("c-gru01-7bd4a2e1.discord.media:443", Some("southamerica")),
        ("nowhere.discord.media", Some("global")),
        ("", None),
    ];
    for (endpoint, region) in cases {
        assert_eq!(coarse(endpoint).as_deref(), region, "{endpoint}");
    }
}

#[test]
fn connecting_gives_every_node_by_its_identifier() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["first", "second"]).await;

        let nodes: BTreeMap<String, Node> = client
            .nodes()
            .into_iter()
            .map(|node| (node.name().to_owned(), node))
            .collect();

        assert!(nodes["first"].is_connected() && nodes["second"].is_connected());
        assert_eq!(nodes.len(), 2);
    });
}

#[test]
fn a_wrong_password_is_a_typed_error_and_so_is_a_server_of_another_version() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        add_with(&sim, "locked", |node| {
            node.config().password = "right".into()
        });
        add_with(&sim, "old", |node| node.faults().api_version = Some(3));
        let refused = |node: &str, cause| {
            let node = node.into();
            Error::Request(RequestError::Refused { node, cause })
        };

        let locked = client.add_node(config("locked")).await;
        assert_eq!(locked, Err(refused("locked", Stopped::Unauthorized)));
        let old = client.add_node(config("old")).await;
        let version = Some(3);
        assert_eq!(old, Err(refused("old", Stopped::Incompatible { version })));

        sim.sleep(secs(3_600)).await;
        let dialled = ["locked", "old"].map(|name| handshakes(&sim, name));
        assert_eq!(dialled, [1, 1], "no password is tried twice");
        let causes = client
            .report()
            .nodes
            .into_iter()
            .filter_map(|node| node.cause);
        assert_eq!(causes.count(), 2);
    });
}

#[test]
fn an_identifier_that_is_taken_is_refused_before_and_after_the_start() {
    SimRuntime::run(|sim| async move {
        let duplicate = || ConfigError::DuplicateName {
            name: "main".into(),
        };
        let twice = builder().nodes([config("main"), config("main")]);
        let refused = twice.start_on(sim.clone()).map(|_| ());
        assert_eq!(refused, Err(ConnectError::Config(duplicate())));

        let client = connected(&sim, ["main"]).await;
        let refused = Error::Submit(SubmitError::Config(duplicate()));
        assert_eq!(client.add_node(config("main")).await, Err(refused.clone()));
        assert_eq!(client.add_node_detached(config("main")).await, Err(refused));
    });
}

#[test]
fn reconnect_dials_every_node_that_is_not_connected_and_leaves_the_others_alone() {
    SimRuntime::run(|sim| async move {
        let names = ["good", "gone", "waiting", "dead"];
        names.iter().for_each(|name| add(&sim, name));
        let policy = ReconnectPolicy {
            retries: Some(1),
            ..ReconnectPolicy::default()
        };
        let nodes = names.map(|name| match name {
            "waiting" => config(name).retries(None),
            name => config(name),
        });
        let client = connect(&sim, builder().reconnect(policy).nodes(nodes)).await;
        names[1..].iter().for_each(|name| sim.kill(name));
        sim.sleep(secs(600)).await;
        let status = |name| client.node(name).unwrap().status();
        let stopped = [
            Status::Connected,
            Status::Disconnected,
            Status::Reconnecting,
        ];
        assert_eq!(["good", "gone", "waiting"].map(status), stopped);
        ["gone", "waiting"]
            .iter()
            .for_each(|name| sim.restart(name));
        let began_at = sim.elapsed();

        let report = client.within(secs(3)).reconnect().await;

        // Until the last has given up again.
        assert_eq!((sim.elapsed() - began_at).as_secs(), 2);
        assert_eq!(report.connected(), 3);
        assert_eq!(report.nodes[3].status, Status::Disconnected);
        assert_eq!(handshakes(&sim, "good"), 1);
        assert_eq!(
            ["gone", "waiting"].map(|name| handshakes(&sim, name)),
            [2, 2]
        );
    });
}

#[test]
fn a_reconnect_that_nobody_waits_for_happens_all_the_same() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        let client = connect(&sim, builder().node(config("main").retries(0))).await;
        sim.kill("main");
        sim.sleep(secs(60)).await;
        sim.restart("main");

        drop(client.reconnect());
        sim.sleep(secs(1)).await;

        assert_eq!(client.report().connected(), 1);
    });
}

#[test]
fn nodes_is_a_copy_that_a_later_change_does_not_reach() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["first", "second"]).await;
        play_on(&client, &client.node("second").unwrap(), 1..=2).await;
        let before = client.nodes();

        before[1].destroy().await.unwrap();

        assert_eq!((before.len(), client.nodes().len()), (2, 1));
        assert!(before[1].is_removed() && before[1].players().is_empty());
        assert!(guilds_on(&sim, "second").is_empty());
    });
}

#[test]
fn a_node_that_is_named_is_given_even_if_it_is_down_and_otherwise_the_best_of_the_region() {
    SimRuntime::run(|sim| async move {
        ["main", "west"].iter().for_each(|name| add(&sim, name));
        let nodes = [
            config("main").region("us-east"),
            config("west").region("eu-west"),
        ];
        let client = connect(&sim, builder().nodes(nodes)).await;

        assert_eq!(client.best_node(), client.node("main"));
        assert_eq!(client.node_in("eu-west"), client.node("west"));
        assert_eq!(client.node_in("eu"), client.node("west"));
        sim.kill("west");
        sim.sleep(secs(1)).await;
        assert_eq!(client.node_in("eu-west"), client.node("main"));
        assert!(client.node("west").is_some_and(|node| !node.is_connected()));
    });
}

#[test]
fn a_client_that_cannot_work_is_refused_before_anything_is_tried() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        let client_of = |name: &str| builder().client_name(name).node(config("main"));

        let refused = client_of("no version").start_on(sim.clone()).map(|_| ());

        let invalid = ConnectError::Config(ConfigError::InvalidClientName);
        assert_eq!(refused, Err(invalid));
        assert_eq!(UserId::new(0), None, "there is no such user");
        let nameless = NodeConfig::new(" ", "http://main:2333", "secret");
        assert_eq!(nameless, Err(ConfigError::EmptyName));
        let line = NodeConfig::new("main", "http://main:2333", "a\nb");
        let name = "main".into();
        assert_eq!(line, Err(ConfigError::InvalidPassword { name }));
        sim.sleep(secs(10)).await;
        assert_eq!(handshakes(&sim, "main"), 0);
    });
}

#[test]
fn a_node_that_cannot_be_reached_is_an_error_with_its_name_and_cause() {
    SimRuntime::run(|sim| async move {
        ["refusing", "locked"]
            .iter()
            .for_each(|name| add(&sim, name));
        sim.kill("refusing");
        sim.with("locked", |node| node.config().password = "right".into());
        let nodes = ["refusing", "locked"].map(config);

        let error = builder()
            .nodes(nodes)
            .connect_on(sim.clone())
            .await
            .unwrap_err();

        let expected = "no node is connected: refusing (http://refusing:2333): \
            the connection was refused; locked (http://locked:2333): the password is wrong (401)";
        assert_eq!(error.to_string(), expected);
        let ConnectError::NoNode { report } = error else {
            panic!("{error}");
        };
        let named = report
            .nodes
            .iter()
            .map(|node| (node.node.to_string(), node.cause.is_some()));
        let both = ["refusing", "locked"].map(|name| (name.to_owned(), true));
        assert_eq!(named.collect::<Vec<_>>(), both);
    });
}

#[test]
fn a_name_that_no_node_has_is_no_node() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;

        assert_eq!(client.node("moon"), None);
        let gone = client.remove_node("moon", Leaving::Keep).await;
        assert_eq!(gone, Err(Error::Submit(SubmitError::NoSuchNode)));
        client.remove_node("main", Leaving::Keep).await.unwrap();
        assert_eq!((client.node("main"), client.best_node()), (None, None));
        assert_eq!(client.node_in("eu"), None);
    });
}

#[test]
fn a_map_of_ones_own_reads_endpoints_in_place_of_the_built_in_one() {
    let map = RegionMap::from_iter([("us", vec!["iad", "atl"]), ("eu", vec!["ams"])]);
    let coarse = |endpoint| map.region(endpoint).map(|region| region.coarse);
    for (endpoint, region) in [
        ("c-iad03-1a2b3c4d.discord.media:443", Some("us")),
        ("c-ams01-1a2b3c4d.discord.media:443", Some("eu")),
        ("c-fra05-1a2b3c4d.discord.media:443", Some("global")),
        ("", None),
    ] {
        assert_eq!(coarse(endpoint).as_deref(), region, "{endpoint}");
    }
}

#[test]
fn closing_closes_every_node_and_leaves_nothing_that_dials() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["first", "second"]).await;
        play_on(&client, &client.node("second").unwrap(), 1..=2).await;

        client.close(Leaving::Destroy).await.unwrap();
        sim.sleep(secs(3_600)).await;

        for name in ["first", "second"] {
            let (open, frames) = sim.with(name, |node| (node.connections(), node.log().frames));
            assert_eq!((open.len(), frames.close), (0, 1), "{name}");
            assert_eq!(
                (handshakes(&sim, name), guilds_on(&sim, name).len()),
                (1, 0)
            );
        }
        assert_eq!(client.load_tracks("ytsearch:a").await, Err(Error::Closed));
    });
}

#[test]
fn tracks_are_fetched_from_the_best_node_or_from_the_one_that_is_named() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["best", "other"]).await;
        let loads = |name| {
            let asked = asked(&sim, name).into_iter();
            asked.filter(|line| line.contains("/loadtracks?")).count()
        };

        let list = client
            .fetch_tracks("https://tracks.test/playlist/mix?tracks=2")
            .await;
        let search = client
            .node("other")
            .unwrap()
            .fetch_tracks("ytsearch:words")
            .await;

        assert!(matches!(&*list.unwrap(), LoadResult::Playlist(list) if list.tracks.len() == 2));
        assert!(matches!(&*search.unwrap(), LoadResult::Search(found) if found.len() == 10));
        assert_eq!(["best", "other"].map(loads), [1, 1]);
    });
}

#[test]
fn a_load_that_fails_names_the_node_and_the_cause() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;

        let error = client
            .fetch_tracks("https://tracks.test/error")
            .await
            .unwrap_err();

        let Error::Request(RequestError::FetchFailed { node, cause }) = &error else {
            panic!("{error}");
        };
        assert_eq!(&*node.name, "main");
        assert!(matches!(cause, FetchFailure::LoadFailed(_)), "{cause:?}");
        let sentence = error.to_string();
        assert!(
            sentence.contains("main") && sentence.contains("looking up"),
            "{sentence}"
        );
    });
}

#[test]
fn the_cache_is_told_of_resized_and_switched_off() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let cache = || (client.has_cache(), client.cache_capacity());
        assert_eq!(cache(), (false, None), "by default there is none");

        client.set_cache_capacity(10).await.unwrap();
        assert_eq!(cache(), (true, Some(10)));
        client.set_cache_capacity(500).await.unwrap();
        assert_eq!(cache(), (true, Some(500)));
        for off in [Some(0), None] {
            client.set_cache_capacity(10).await.unwrap();
            client.set_cache_capacity(off).await.unwrap();
            assert_eq!(cache(), (false, None));
        }
    });
}
