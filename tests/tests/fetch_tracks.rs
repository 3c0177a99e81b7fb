//! Tracks of queries: what the cache answers, what it keeps, and one request for all who ask.

#![allow(clippy::unwrap_used, reason = "a test that fails there says where")]

use std::sync::Arc;
use std::time::Duration;

use lavapool::{
    Builder, Client, Error, FetchFailure, LoadResult, NodeConfig, NodeFailure, RequestError,
    SubmitError, UserId,
};
use lavapool_core::{Command, Target};
use lavapool_tests::node::{self, AnswerKind};
use lavapool_tests::sim::SimRuntime;
use lavapool_tests::world::World;

#[test]
fn a_cached_result_is_shared_and_asks_no_node() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"], |builder| builder.cache_capacity(8)).await;

        let first = client.fetch_tracks(SONG).await.unwrap();
        let second = client.fetch_tracks(SONG).await.unwrap();
        let named = client.node("main").unwrap().fetch_tracks(SONG).await;

        assert_eq!(first.tracks()[0].info.title, "Track song");
        assert!(Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&first, &named.unwrap()));
        assert_eq!(loads(&sim, "main"), 1);
    });
}

#[test]
fn there_is_no_cache_unless_it_is_asked_for() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"], |builder| builder).await;

        client.fetch_tracks(SONG).await.unwrap();
        client.fetch_tracks(SONG).await.unwrap();

        assert_eq!((client.has_cache(), client.cache_capacity()), (false, None));
        assert_eq!(loads(&sim, "main"), 2);
    });
}

#[test]
fn the_pool_tells_how_many_results_it_keeps() {
    for (asked, shown) in [
        (None, (None, 0)),
        (Some(0), (None, 0)),
        (Some(8), (Some(8), 1)),
    ] {
        let builder = World::builder().nodes(["a"]);
        let mut world = builder
            .config(|config| config.cache_capacity = asked)
            .connected();
        let (node, query) = (Target::Best, SONG.into());
        world.submit(Command::FetchTracks { node, query });
        world.run_for(secs(1));
        let pool = world.pool();
        assert_eq!((pool.cache_capacity(), pool.cached_results()), shown);
    }
}

#[test]
fn a_result_is_kept_for_its_time() {
    SimRuntime::run(|sim| async move {
        let keep = |builder: Builder| builder.cache_capacity(8).cache_for(secs(60));
        let client = connected(&sim, ["main"], keep).await;

        client.fetch_tracks(SONG).await.unwrap();
        sim.sleep(secs(59)).await;
        client.fetch_tracks(SONG).await.unwrap();
        assert_eq!(loads(&sim, "main"), 1);
        sim.sleep(secs(1)).await;
        client.fetch_tracks(SONG).await.unwrap();

        assert_eq!(loads(&sim, "main"), 2);
    });
}

#[test]
fn what_is_empty_or_a_stream_or_an_error_is_not_kept() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"], |builder| builder.cache_capacity(8)).await;
        let live = node::catalogue::track("https://tracks.test/live", "Live", i64::MAX);
        let song = node::catalogue::track(SONG, "Song", 1_000);
        let mixed = node::catalogue::LoadResult::Playlist {
            name: "mixed".into(),
            selected: 0,
            tracks: vec![song, live],
        };
        sim.with("main", |node| {
            node.config().catalogue.insert("mixed", mixed)
        });
        for (count, query) in [
            "ytsearch:nothing",
            "https://tracks.test/playlist/none?tracks=0",
            "https://tracks.test/radio?length=stream",
            "mixed",
            "https://tracks.test/error",
        ]
        .into_iter()
        .enumerate()
        {
            let first = client.fetch_tracks(query).await;
            let second = client.fetch_tracks(query).await;
            assert_eq!(first, second, "{query}");
            assert_eq!(first.is_err(), query.ends_with("error"), "{query}");
            assert_eq!(loads(&sim, "main"), 2 * (count + 1), "{query}");
        }
    });
}

#[test]
fn a_playlist_and_a_search_are_kept() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"], |builder| builder.cache_capacity(8)).await;
        for query in ["https://tracks.test/playlist/a?tracks=3", "ytsearch:words"] {
            let first = client.fetch_tracks(query).await.unwrap();
            let second = client.fetch_tracks(query).await.unwrap();
            assert!(Arc::ptr_eq(&first, &second), "{query}");
        }
        assert_eq!(loads(&sim, "main"), 2);
    });
}

#[test]
fn however_many_ask_one_request_is_made() {
    SimRuntime::run(|sim| async move {
        // Off, so that it is not the cache that answers.
        let client = connected(&sim, ["main"], |builder| builder).await;
        let waits: Vec<_> = (0..100).map(|_| client.fetch_tracks(SONG)).collect();
        let other = client.fetch_tracks("ytsearch:words");

        let mut found = Vec::new();
        for wait in waits {
            found.push(wait.await.unwrap());
        }
        other.await.unwrap();

        assert!(found.iter().all(|tracks| Arc::ptr_eq(tracks, &found[0])));
        assert_eq!(loads(&sim, "main"), 2);
    });
}

#[test]
fn each_has_its_own_deadline_and_the_others_wait_on() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"], |builder| builder).await;
        slow(&sim, "main", secs(5));
        let patient = client.fetch_tracks(SONG);
        let hasty = client.within(secs(1)).fetch_tracks(SONG);
        let dropped = client.fetch_tracks(SONG);
        let since = sim.elapsed();

        let error = hasty.await.unwrap_err();
        let waited = sim.elapsed() - since;
        drop(dropped);
        let found = patient.await;

        let cause = FetchFailure::NodeFailed(NodeFailure::TimedOut);
        assert_eq!((waited, error), (secs(1), failed(&client, "main", cause)));
        assert_eq!((found.is_ok(), loads(&sim, "main")), (true, 1));
    });
}

#[test]
fn a_request_that_was_sent_is_kept_and_joined_though_all_gave_up() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"], |builder| builder.cache_capacity(8)).await;
        slow(&sim, "main", secs(5));
        let dropped = client.fetch_tracks(SONG);
        sim.sleep(secs(1)).await;
        drop(dropped);
        sim.sleep(secs(1)).await;

        client.fetch_tracks(SONG).await.unwrap();
        let dropped = client.fetch_tracks("ytsearch:words");
        sim.sleep(secs(1)).await;
        drop(dropped);
        sim.sleep(secs(5)).await;
        client.fetch_tracks("ytsearch:words").await.unwrap();

        assert_eq!(loads(&sim, "main"), 2);
    });
}

#[test]
fn a_request_that_was_not_sent_goes_with_the_last_who_waits() {
    SimRuntime::run(|sim| async move {
        add(&sim, "main");
        sim.cut_off("main", true);
        let builder = builder().node(config("main"));
        let client = builder.start_on(sim.clone()).unwrap();
        let waits = [0; 3].map(|_| client.fetch_tracks(SONG));
        let [kept, given_up] = [0; 2].map(|_| client.fetch_tracks("ytsearch:words"));
        sim.sleep(secs(1)).await;

        drop((waits, given_up));
        sim.cut_off("main", false);
        kept.await.unwrap();

        let asked = sim.with("main", |node| {
            let requests = node.log().requests.iter();
            let targets = requests.filter(|request| request.target.contains("loadtracks"));
            targets
                .map(|request| request.target.clone())
                .collect::<Vec<_>>()
        });
        assert_eq!(asked, ["/v4/loadtracks?identifier=ytsearch%3Awords"]);
    });
}

#[test]
fn another_node_is_asked_when_one_fails_unless_it_was_named() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["a", "b"], |builder| builder).await;
        sim.with("a", |node| {
            node.faults().fail_matching("/v4/loadtracks", 503)
        });

        let found = client.fetch_tracks(SONG).await;
        let asked = ["a", "b"].map(|name| loads(&sim, name));
        let error = client.node("a").unwrap().fetch_tracks(SONG).await;

        assert_eq!((found.is_ok(), asked), (true, [1, 1]));
        let cause = FetchFailure::NodeFailed(NodeFailure::Unavailable { status: 503 });
        assert_eq!(error, Err(failed(&client, "a", cause)));
        assert_eq!(["a", "b"].map(|name| loads(&sim, name)), [4, 1]);
    });
}

#[test]
fn an_error_names_the_node_and_the_cause() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"], |builder| builder).await;
        let failed = client.fetch_tracks("https://tracks.test/error").await;
        sim.with("main", |node| {
            node.faults().fail_matching("/v4/loadtracks", 400)
        });
        let rejected = client.fetch_tracks(SONG).await;

        let loading = "main did not load the tracks: loading failed: \
                       Something went wrong while looking up the track.";
        assert_eq!(failed.unwrap_err().to_string(), loading);
        let rejected = rejected.unwrap_err();
        let Error::Request(RequestError::FetchFailed { node, cause }) = &rejected else {
            panic!("{rejected}")
        };
        assert!(
            matches!(cause, FetchFailure::Rejected { status: 400, .. }),
            "{cause}"
        );
        assert_eq!(&*node.name, "main");
    });
}

#[test]
fn nodes_with_the_same_sources_share_results_and_others_do_not() {
    SimRuntime::run(|sim| async move {
        let mut less = node::NodeConfig::new("less");
        less.sources.retain(|source| source != "youtube");
        sim.add_node("less", less);
        let mut turned = node::NodeConfig::new("turned");
        turned.sources.reverse();
        sim.add_node("turned", turned);
        add(&sim, "main");
        let builder = builder().nodes(["main", "turned", "less"].map(config));
        let client = builder
            .cache_capacity(8)
            .connect_on(sim.clone())
            .await
            .unwrap();
        sim.sleep(secs(1)).await;

        let mut tracks = Vec::new();
        for name in ["main", "turned", "less"] {
            let node = client.node(name).unwrap();
            tracks.push(node.fetch_tracks("ytsearch:words").await.unwrap());
        }

        assert!(Arc::ptr_eq(&tracks[0], &tracks[1]));
        assert_eq!(*tracks[2], LoadResult::Empty);
        let asked = ["main", "turned", "less"].map(|name| loads(&sim, name));
        assert_eq!(asked, [1, 0, 1]);
    });
}

#[test]
fn what_is_cached_is_there_while_no_node_is() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"], |builder| builder.cache_capacity(8)).await;
        client.fetch_tracks(SONG).await.unwrap();
        sim.kill("main");
        sim.sleep(secs(1)).await;
        assert_eq!(client.report().connected(), 0);

        let since = sim.elapsed();
        client.fetch_tracks(SONG).await.unwrap();
        assert_eq!(sim.elapsed(), since);
        let unknown = client.within(secs(1)).fetch_tracks("ytsearch:words").await;
        assert_eq!(unknown, Err(Error::Request(RequestError::NoNode)));
    });
}

#[test]
fn the_cache_is_resized_and_switched_off_and_on_while_it_runs() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["main"], |builder| builder.cache_capacity(4)).await;
        let [a, b, c] = ["a", "b", "c"].map(|name| format!("https://tracks.test/{name}"));
        for query in [&a, &b, &c, &b, &b, &c] {
            client.fetch_tracks(&**query).await.unwrap();
        }

        // The most used one stays.
        client.set_cache_capacity(1).await.unwrap();
        assert_eq!(client.cache_capacity(), Some(1));
        client.fetch_tracks(&*b).await.unwrap();
        assert_eq!(loads(&sim, "main"), 3);
        client.fetch_tracks(&*c).await.unwrap();
        assert_eq!(loads(&sim, "main"), 4);

        for off in [None, Some(0)] {
            client.set_cache_capacity(off).await.unwrap();
            assert!(!client.has_cache());
            let before = loads(&sim, "main");
            client.fetch_tracks(&*b).await.unwrap();
            client.fetch_tracks(&*b).await.unwrap();
            assert_eq!(loads(&sim, "main"), before + 2);
            client.set_cache_capacity(2).await.unwrap();
            assert!(client.has_cache());
            client.fetch_tracks(&*b).await.unwrap();
            client.fetch_tracks(&*b).await.unwrap();
            assert_eq!(loads(&sim, "main"), before + 3);
        }
    });
}

#[test]
fn a_node_that_is_gone_is_refused_by_name() {
    SimRuntime::run(|sim| async move {
        let client = connected(&sim, ["a", "b"], |builder| builder).await;
        let node = client.node("a").unwrap();
        slow(&sim, "a", secs(5));
        let waiting = node.fetch_tracks(SONG);
        node.remove(lavapool::Leaving::Keep).await.unwrap();

        assert_eq!(
            waiting.await,
            Err(Error::Request(RequestError::NodeRemoved))
        );
        let refused = node.fetch_tracks(SONG).await;
        assert_eq!(refused, Err(Error::Submit(SubmitError::NoSuchNode)));
    });
}

const SONG: &str = "https://tracks.test/song";

async fn connected<const COUNT: usize>(
    sim: &SimRuntime,
    names: [&str; COUNT],
    configure: impl FnOnce(Builder) -> Builder,
) -> Client {
    names.iter().for_each(|name| add(sim, name));
    let builder = configure(builder().nodes(names.map(config)));
    let client = builder.connect_on(sim.clone()).await.unwrap();
    // Each has said what sources it has.
    sim.sleep(Duration::from_millis(100)).await;
    client
}

fn add(sim: &SimRuntime, name: &str) {
    sim.add_node(name, node::NodeConfig::new(name));
}

fn builder() -> Builder {
    Client::builder(UserId::new(42).unwrap()).seed(7)
}

fn config(name: &str) -> NodeConfig {
    NodeConfig::from_uri(name, &format!("http://{name}:2333")).unwrap()
}

fn slow(sim: &SimRuntime, name: &str, delay: Duration) {
    sim.with(name, |node| {
        node.faults().slow.insert(AnswerKind::Load, delay)
    });
}

/// How often the node was asked to load something.
fn loads(sim: &SimRuntime, name: &str) -> usize {
    sim.with(name, |node| {
        let requests = node.log().requests.iter();
        requests
            .filter(|request| request.target.contains("/v4/loadtracks"))
            .count()
    })
}

fn failed(client: &Client, name: &str, cause: FetchFailure) -> Error {
    let node = client.node(name).unwrap().node_ref().clone();
    Error::Request(RequestError::FetchFailed { node, cause })
}

const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}
