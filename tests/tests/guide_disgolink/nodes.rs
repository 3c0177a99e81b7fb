//! Nodes: configuration, statuses, connections, sessions, load balancing and REST.

use lavapool::protocol::PlayerPatchBuf;
use lavapool::rest::{self, Request};
use lavapool::{
    ConfigError, Error, Event, Kinds, Leaving, LoadResult, Loss, NodeConfig, RawJson, RequestError,
    SessionUpdate, Status, Strategy, SubmitError, Volume,
};
use lavapool_tests::guide::{
    add, add_with, asked, builder, config, connect, connected, guild, guilds_on, handshakes, play,
    play_on, secs, taken,
};
use lavapool_tests::sim::SimRuntime;

#[test]
fn a_node_is_configured_by_name_address_password_and_whether_it_is_secure() {
    let main = NodeConfig::new("primary-node", "lavalink.example.com:443", "secret").unwrap();
    assert!(!main.endpoint().is_secure());
    let main = main.secure(true);
    let (host, port) = (main.endpoint().host(), main.endpoint().port());
    assert_eq!((host, port), ("lavalink.example.com", 443));
    assert!(main.endpoint().is_secure());
    assert_eq!(&**main.name(), "primary-node");
    assert!(!format!("{main:?}").contains("secret"));
}

#[test]
fn the_four_statuses_are_told_as_they_change_and_read_at_any_time() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "other"]).await;
        let mut statuses = client.statuses();
        add(&sim, "late");
        let late = client.add_node_detached(config("late")).await.unwrap();
        assert_eq!(late.status(), Status::Connecting);
        late.ready().await.unwrap();

        sim.kill("late");
        sim.sleep(secs(5)).await;
        assert_eq!(
            late.status(),
            Status::Reconnecting,
            "also between two tries"
        );
        sim.restart("late");
        late.ready().await.unwrap();
        late.remove(Leaving::Keep).await.unwrap();
        assert_eq!(late.status(), Status::Disconnected);

        let told = taken(&mut statuses).into_iter().map(|event| match event {
            Event::NodeStatus { node, old, new } => (node.to_string(), old, new),
            other => panic!("{other:?}"),
        });
        let expected = [
            (Status::Disconnected, Status::Connecting),
            (Status::Connecting, Status::Connected),
            (Status::Connected, Status::Reconnecting),
            (Status::Reconnecting, Status::Connected),
            (Status::Connected, Status::Disconnected),
        ]
        .map(|(old, new)| ("late".to_owned(), old, new));
        assert_eq!(told.collect::<Vec<_>>(), expected);
    });
}

#[test]
fn adding_a_node_returns_once_it_is_connected_however_often_that_is_tried() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        add(&sim, "late");
        sim.kill("late");
        let adding = client.add_node(config("late"));
        sim.sleep(secs(7)).await;
        sim.restart("late");
        let began_at = sim.elapsed();

        let node = adding.await.unwrap();

        assert_eq!(node.status(), Status::Connected);
        // Tries after 0, 2, 4 and 6 seconds more: the fourth is 12 s after the first.
        assert_eq!((sim.elapsed() - began_at).as_secs(), 5);
    });
}

#[test]
fn a_deadline_ends_the_wait_for_a_new_node_and_not_the_node() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        add(&sim, "late");
        sim.kill("late");
        let began_at = sim.elapsed();

        let hasty = client.within(secs(3)).add_node(config("late")).await;

        assert_eq!(sim.elapsed() - began_at, secs(3));
        let error = hasty.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Request(RequestError::NotConnected {
                    last: Some(Loss::Socket(_)),
                    ..
                })
            ),
            "{error}"
        );
        sim.restart("late");
        client.node("late").unwrap().ready().await.unwrap();
    });
}

#[test]
fn a_second_node_of_the_same_name_is_refused_and_the_first_one_stays() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let first = client.node("main").unwrap();

        let refused = client.add_node(config("main")).await.unwrap_err();

        let name = "main".into();
        let duplicate = SubmitError::Config(ConfigError::DuplicateName { name });
        assert_eq!(refused, Error::Submit(duplicate));
        assert_eq!(client.nodes(), std::slice::from_ref(&first));
        assert!(first.is_connected());
    });
}

#[test]
fn a_lost_node_is_dialled_at_once_and_then_2_s_later_each_time_up_to_30_s() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        sim.sleep(secs(20)).await;
        let mut events = client.events_of(Kinds::NODES);
        sim.kill("main");

        sim.sleep(secs(3_600)).await;

        let delays = taken(&mut events)
            .into_iter()
            .filter_map(|event| match event {
                Event::NodeReconnecting { delay, .. } => Some(delay.as_secs()),
                _ => None,
            });
        let delays: Vec<_> = delays.collect();
        let rising: Vec<_> = (0..=15).map(|attempt| attempt * 2).collect();
        assert_eq!(delays[..16], rising);
        assert!(delays.len() > 100 && delays[16..].iter().all(|delay| *delay == 30));
        sim.restart("main");
        client.node("main").unwrap().ready().await.unwrap();
    });
}

#[test]
fn a_removed_node_is_never_dialled_again_and_its_handle_says_so() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "other"]).await;
        let (main, other) = (client.node("main").unwrap(), client.node("other").unwrap());
        play(&client, 1..=3).await;
        sim.kill("other");
        sim.sleep(secs(60)).await;

        client.remove_node("main", Leaving::Destroy).await.unwrap();
        client.remove_node("other", Leaving::Keep).await.unwrap();
        sim.restart("other");
        let dialled = ["main", "other"].map(|name| handshakes(&sim, name));
        sim.sleep(secs(3_600)).await;

        assert_eq!(
            ["main", "other"].map(|name| handshakes(&sim, name)),
            dialled
        );
        assert!(guilds_on(&sim, "main").is_empty() && client.nodes().is_empty());
        for node in [main, other] {
            let refused = Error::Submit(SubmitError::NoSuchNode);
            assert_eq!(node.ping().await, Err(refused.clone()));
            assert_eq!(node.reconnect().await, Err(refused));
            assert_eq!(
                (node.status(), node.latency()),
                (Status::Disconnected, None)
            );
        }
    });
}

#[test]
fn what_a_session_was_changed_to_is_set_again_on_those_that_follow() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        let node = client.node("main").unwrap();
        assert_eq!(kept(&sim), [(true, 60)]);
        let update = |resuming, timeout| SessionUpdate { resuming, timeout };

        let state = node.update_session(update(None, Some(secs(90)))).await;
        let state = state.unwrap();
        assert_eq!((state.resuming, state.timeout), (true, secs(90)));
        begin_anew(&sim, &node).await;
        assert_eq!(kept(&sim), [(true, 90)]);

        node.update_session(update(Some(false), None))
            .await
            .unwrap();
        assert!(!node.view().resumable);
        begin_anew(&sim, &node).await;
        assert_eq!(
            (kept(&sim), node.view().resumable),
            (vec![(false, 90)], false)
        );

        // The next session is told both again.
        node.update_session(update(Some(true), None)).await.unwrap();
        begin_anew(&sim, &node).await;
        assert_eq!(
            (kept(&sim), node.view().resumable),
            (vec![(true, 90)], true)
        );
    });
}

#[test]
fn a_stored_session_resumes_the_players_in_the_next_process() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        play(&client, 1..=2).await;
        client.player(guild(1)).set_volume(30).await.unwrap();
        let stored = client.node("main").unwrap().session_id().unwrap();
        assert!(!format!("{stored:?}{stored}").contains(stored.expose()));
        sim.sleep(secs(10)).await;
        client.close(Leaving::Keep).await.unwrap();
        drop(client);
        sim.sleep(secs(20)).await;

        let again = config("main").session_id(stored.clone()).unwrap();
        let client = builder().node(again).start_on(sim.clone()).unwrap();
        let mut events = client.events_of(Kinds::NODES);
        // What is asked for before anybody knows what the server has counts all the same.
        let paused = client.player(guild(2)).pause();
        paused.await.unwrap();

        let ready = events.next().await;
        assert!(matches!(
            ready,
            Some(Event::NodeReady { resumed: true, .. })
        ));
        assert_eq!(client.node("main").unwrap().session_id(), Some(stored));
        let (first, second) = (client.player(guild(1)), client.player(guild(2)));
        assert_eq!(
            (first.is_playing(), first.volume()),
            (true, Volume::from(30))
        );
        // It played on while there was no client.
        let position = first.position().unwrap();
        assert!(position > secs(30) && position < secs(31), "{position:?}");
        assert!(second.is_playing() && second.is_paused());
        let theirs = sim.with("main", |node| node.players(node.now()));
        let paused: Vec<_> = theirs.iter().map(|player| player.paused).collect();
        assert_eq!(paused, [false, true]);
    });
}

#[test]
fn the_best_node_has_the_lowest_load_then_memory_then_system_load_then_is_the_first() {
    SimRuntime::run(|sim| async move {
        let loads = [
            ("busy", 0.5, 1_000_000, 0.0),
            ("big", 0.1, 9_000_000, 0.0),
            ("hot", 0.1, 1_000_000, 0.9),
            ("best", 0.1, 1_000_000, 0.2),
            ("same", 0.1, 1_000_000, 0.2),
        ];
        for (name, lavalink_load, used, system_load) in loads {
            add_with(&sim, name, |node| {
                let stats = node.stats();
                stats.lavalink_load = lavalink_load;
                stats.system_load = system_load;
                (stats.used, stats.reservable) = (used, 10_000_000);
            });
        }
        let builder = builder().strategy(Strategy::LeastLoaded);
        let client = connect(&sim, builder.nodes(loads.map(|load| config(load.0)))).await;

        let mut order = Vec::new();
        while let Some(best) = client.best_node() {
            assert_eq!(
                client.best_node_by(&Strategy::LeastLoaded),
                Some(best.clone())
            );
            play(&client, 1..=1).await;
            assert_eq!(client.player(guild(1)).node(), Some(best.clone()));
            client.player(guild(1)).destroy().await.unwrap();
            order.push(best.name().to_owned());
            best.remove(Leaving::Destroy).await.unwrap();
        }
        assert_eq!(order, ["best", "same", "hot", "big", "busy"]);
    });
}

#[test]
fn a_player_can_be_made_on_a_node_of_choice() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["first", "second"]).await;
        let second = client.node("second").unwrap();

        play_on(&client, &second, 1..=1).await;

        assert_eq!(guilds_on(&sim, "second"), [1]);
        assert_eq!(second.players().len(), 1);
    });
}

#[test]
fn a_node_tells_its_stats_session_config_version_and_info() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "main", |node| {
            node.stats().system_load = 0.25;
            node.config().plugins = vec![("lavasrc-plugin".into(), "4.8.1".into())];
        });
        let client = connect(&sim, builder().node(config("main"))).await;
        let node = client.node("main").unwrap();

        let stats = node.stats().unwrap();
        assert!((stats.cpu.system_load - 0.25).abs() < f64::EPSILON);
        assert_eq!(node.fetch_stats().await.unwrap().cpu, stats.cpu);
        let theirs = sim.with("main", |node| node.sessions()[0].id.clone());
        assert_eq!(node.session_id().unwrap().expose(), theirs);
        assert_eq!(*node.config(), config("main"));
        assert_eq!(node.version().await.unwrap(), "4.2.2");
        let info = node.fetch_info().await.unwrap();
        assert_eq!(info.plugins[0].name, "lavasrc-plugin");
        assert!(info.has_source("youtube"));
        assert_eq!(node.info().as_deref(), Some(&info));
    });
}

#[test]
fn every_endpoint_is_a_method_of_the_node() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"]).await;
        play(&client, 1..=1).await;
        let node = client.node("main").unwrap();
        let before = asked(&sim, "main").len();

        let LoadResult::Search(found) = node.load_tracks("ytsearch:a b").await.unwrap() else {
            panic!("a search finds something");
        };
        let blob = found[0].encoded.clone();
        assert_eq!(
            node.decode_track(blob.clone()).await.unwrap().info,
            found[0].info
        );
        assert_eq!(node.decode_tracks([blob]).await.unwrap().len(), 1);
        assert_eq!(node.fetch_players().await.unwrap().len(), 1);
        assert!(node.fetch_player(guild(1)).await.unwrap().track.is_some());
        let quiet = PlayerPatchBuf {
            volume: Some(7),
            ..Default::default()
        };
        let patched = node.update_player(guild(1), true, quiet).await.unwrap();
        assert_eq!(patched.volume, 7);
        node.destroy_player(guild(1)).await.unwrap();
        assert!(guilds_on(&sim, "main").is_empty());
        let raw = Request::Raw {
            method: "PATCH".parse().unwrap(),
            path: "/v4/sessions/{session}".into(),
            body: Some(RawJson::parse(r#"{"timeout":5}"#).unwrap()),
        };
        let rest::Answer::Raw(answer) = node.request(raw).await.unwrap() else {
            panic!("a raw request has a raw answer");
        };
        assert_eq!(
            answer.json().unwrap().get(),
            r#"{"resuming":true,"timeout":5}"#
        );

        let asked: Vec<_> = asked(&sim, "main").split_off(before);
        assert_eq!(asked[0], "GET /v4/loadtracks?identifier=ytsearch%3Aa%20b");
        assert!(asked[1].starts_with("GET /v4/decodetrack?encodedTrack="));
        assert!(asked[2].starts_with("POST /v4/decodetracks ["));
        assert_eq!(
            asked[3..],
            [
                "GET /v4/sessions/SESSION/players",
                "GET /v4/sessions/SESSION/players/1",
                "PATCH /v4/sessions/SESSION/players/1?noReplace=true {\"volume\":7}",
                "DELETE /v4/sessions/SESSION/players/1",
                "PATCH /v4/sessions/SESSION {\"timeout\":5}",
            ]
        );
    });
}

/// Whether and for how long the server keeps each session.
fn kept(sim: &SimRuntime) -> Vec<(bool, i64)> {
    sim.with("main", |node| {
        let sessions = node.sessions().into_iter();
        let kept = sessions.map(|session| (session.resuming, session.timeout_s));
        kept.collect()
    })
}

/// Restarts the node without memory and waits until its new session is set up.
async fn begin_anew(sim: &SimRuntime, node: &lavapool::Node) {
    sim.sleep(secs(11)).await;
    sim.kill("main");
    sim.sleep(secs(1)).await;
    sim.restart("main");
    node.ready().await.unwrap();
    sim.sleep(secs(1)).await;
}
