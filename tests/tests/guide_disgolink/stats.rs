//! What a node tells of itself: its stats, its info, its client; and its own REST client.

use lavapool::protocol::PlayerPatchBuf;
use lavapool::{Event, Kinds, NodeConfig, Strategy, Volume};
use lavapool_tests::guide::{
    add, add_with, builder, config, connect, connected, guild, play_on, secs,
};
use lavapool_tests::node::FrameStats;
use lavapool_tests::sim::SimRuntime;

#[test]
fn a_node_may_also_have_a_uri_a_path_prefix_headers_and_a_region() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        let uri = "http://main:2333/music/eu?region=frankfurt";
        let node = NodeConfig::new("main", uri, "youshallnotpass").unwrap();
        let node = node.header("X-Team", "music").unwrap();
        assert_eq!(node.region_label().map(|label| &**label), Some("frankfurt"));
        assert_eq!(node.endpoint().path_prefix(), "/music/eu");

        let _client = builder().node(node).start_on(sim.clone()).unwrap();
        sim.sleep(secs(1)).await;

        let (target, team) = sim.with("main", |node| {
            let request = &node.log().requests[0];
            let team = request.headers.first("x-team").map(str::to_owned);
            (request.target.clone(), team)
        });
        assert_eq!(
            (&*target, team.as_deref()),
            ("/music/eu/v4/websocket", Some("music"))
        );
    });
}

#[test]
fn a_node_leads_back_to_its_client() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "other"]).await;
        let node = client.node("main").unwrap();

        let same = node.client();

        assert_eq!(
            (same.nodes(), same.user_id()),
            (client.nodes(), client.user_id())
        );
        sim.cut_off("main", true);
        sim.kill("main");
        sim.sleep(secs(1)).await;
        let began_at = sim.elapsed();
        let hasty = node.within(secs(2)).client().node("main").unwrap();
        assert!(hasty.ready().await.is_err());
        assert_eq!(
            sim.elapsed() - began_at,
            secs(2),
            "the deadline comes along"
        );
    });
}

#[test]
fn stats_follow_every_report_and_each_is_an_event() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "other"]).await;
        let main = client.node("main").unwrap();
        assert_eq!(
            client.best_node_by(&Strategy::LeastLoaded),
            Some(main.clone())
        );
        let mut events = client.events_of(Kinds::STATS);
        sim.with("main", |node| node.stats().lavalink_load = 0.5);

        sim.sleep(secs(61)).await;

        let stats = main.stats().unwrap();
        assert!((stats.cpu.lavalink_load - 0.5).abs() < f64::EPSILON);
        assert_eq!(
            client.best_node_by(&Strategy::LeastLoaded),
            client.node("other")
        );
        let told = std::iter::from_fn(|| events.try_next()).find_map(|event| match event {
            Event::NodeStats { node, stats } if *node.name == *"main" => Some(stats),
            _ => None,
        });
        assert_eq!(told, Some(stats));
    });
}

#[test]
fn the_stats_hold_loads_memory_uptime_players_and_frames() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "main", |node| {
            let stats = node.stats();
            (stats.cores, stats.system_load, stats.lavalink_load) = (4, 0.5, 0.25);
            (stats.free, stats.used, stats.allocated, stats.reservable) = (1, 2, 3, 4);
            (stats.players, stats.frames) = (Some((7, 5)), Some(frames()));
        });
        let client = connect(&sim, builder().node(config("main"))).await;
        sim.sleep(secs(61)).await;

        let stats = client.node("main").unwrap().stats().unwrap();

        let cpu = stats.cpu;
        let loads = [cpu.system_load, cpu.lavalink_load].map(|load| load * 100.0);
        assert_eq!((cpu.cores, loads.map(f64::round)), (4, [50.0, 25.0]));
        let memory = stats.memory;
        let bytes = [
            memory.free,
            memory.used,
            memory.allocated,
            memory.reservable,
        ];
        assert_eq!(bytes, [1, 2, 3, 4]);
        assert_eq!((stats.players, stats.playing_players), (7, 5));
        assert_eq!(stats.uptime / 1000, 60);
        let theirs = stats.frame_stats.unwrap();
        let FrameStats {
            sent,
            nulled,
            deficit,
        } = frames();
        assert_eq!(
            (theirs.sent, theirs.nulled, theirs.deficit),
            (sent, nulled, deficit)
        );
    });
}

#[test]
fn the_info_names_version_plugins_sources_and_filters() {
    SimRuntime::run(|sim| async move {
        add_with(&sim, "main", |node| {
            let config = node.config();
            config.sources = vec!["youtube".into(), "http".into()];
            config.filters = vec!["karaoke".into()];
            config.plugins = vec![("lavasrc-plugin".into(), "4.8.1".into())];
        });
        let client = connect(&sim, builder().node(config("main"))).await;

        let info = client.node("main").unwrap().fetch_info().await.unwrap();

        assert_eq!(info.version.semver, "4.2.2");
        assert_eq!(info.source_managers, ["youtube", "http"]);
        assert_eq!(info.filters, ["karaoke"]);
        let plugins = info
            .plugins
            .iter()
            .map(|plugin| (&*plugin.name, &*plugin.version));
        assert_eq!(plugins.collect::<Vec<_>>(), [("lavasrc-plugin", "4.8.1")]);
    });
}

#[test]
fn what_is_asked_past_the_player_is_not_kept_by_it() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main", "other"]).await;
        let main = client.node("main").unwrap();
        play_on(&client, &main, 1..=1).await;
        let quiet = PlayerPatchBuf {
            volume: Some(7),
            ..Default::default()
        };

        let patched = main.update_player(guild(1), true, quiet).await.unwrap();

        assert_eq!(patched.volume, 7);
        assert_eq!(client.player(guild(1)).volume(), Volume::default());
        sim.kill("main");
        sim.sleep(secs(2)).await;
        let theirs = sim.with("other", |node| node.players(node.now())[0].volume);
        assert_eq!(theirs, 100, "it does not survive the loss of its node");
    });
}

fn frames() -> FrameStats {
    FrameStats {
        sent: 2950,
        nulled: 20,
        deficit: 30,
    }
}
