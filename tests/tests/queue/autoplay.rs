//! What is played when the queue has run dry.

use std::collections::BTreeSet;

use lavapool_tests::node::catalogue::{self, LoadResult as Loads};
use lavapool_tests::node::faults::Failure;

use super::ends::loads;
use super::*;

#[test]
fn every_source_leads_to_a_track_of_its_own_that_was_not_heard() {
    let table = [
        (
            "youtube",
            false,
            "https://www.youtube.com/watch?v=ID&list=RDID",
        ),
        ("spotify", true, "sprec:seed_tracks=ID"),
        ("spotify", false, "sprec:mix:track:ID"),
        ("deezer", true, "dzrec:ID"),
        ("deezer", false, "dzrec:ID"),
        ("applemusic", true, "amrec:ID"),
        ("applemusic", false, "amsearch:Test artist"),
        ("yandexmusic", false, "ymrec:ID"),
        ("vkmusic", false, "vkrec:ID"),
        ("tidal", false, "tdrec:ID"),
        ("qobuz", false, "qbrec:ID"),
        ("jiosaavn", true, "jsrec:ID"),
        ("soundcloud", false, "scsearch:Test artist"),
    ];
    for (source, is_nodelink, expected) in table {
        SimRuntime::run(|sim| async move {
            let mut config = node::NodeConfig::new("main");
            config.is_nodelink = is_nodelink;
            // One with YouTube would be asked for a mix before a search is.
            let others = if expected.contains("search") {
                &[][..]
            } else {
                &["youtube"]
            };
            let sources = [source].into_iter().chain(others.iter().copied());
            config.sources = sources.map(str::to_owned).collect();
            let mut stage = seeded(&sim, config, source).await;
            stage.pass(10).await;

            let asked = sim.with("main", |node| loads(node));
            assert_eq!(asked, ["seed", expected], "{source}");
            assert_eq!(stage.started.len(), 2, "{source}");
            let playing = stage.player.track().unwrap();
            assert_eq!(playing.info.source_name, source);
            assert_ne!(playing.info.identifier, "ID");
            assert_eq!(stage.answers, [Ok(Some(playing))]);
        });
    }
}

#[test]
fn a_source_that_the_node_lacks_leads_to_a_search_and_the_mix_of_its_first_hit() {
    SimRuntime::run(|sim| async move {
        let mut config = node::NodeConfig::new("main");
        config.sources = vec!["youtube".to_owned(), "http".to_owned()];
        let mut stage = seeded(&sim, config, "http").await;
        stage.pass(10).await;

        let id = "The-seed-Test-artist-0";
        let mix = format!("https://www.youtube.com/watch?v={id}&list=RD{id}");
        let asked = sim.with("main", |node| loads(node));
        assert_eq!(asked, ["seed", "ytsearch:The seed Test artist", &mix]);
        assert_eq!(stage.player.track().unwrap().info.source_name, "youtube");
    });
}

#[test]
fn a_lookup_that_fails_leads_to_the_next() {
    SimRuntime::run(|sim| async move {
        let mut config = node::NodeConfig::new("main");
        config.sources = ["spotify", "youtube"].map(str::to_owned).into();
        let catalogue = &mut config.catalogue;
        catalogue.insert("sprec:mix:track:ID", Loads::Error("quota".to_owned()));
        catalogue.insert("sprec:seed_tracks=ID", Loads::Empty);
        let mut stage = seeded(&sim, config, "spotify").await;
        stage.pass(10).await;
        let asked = sim.with("main", |node| loads(node).len());
        assert_eq!((asked, stage.started.len()), (5, 2));
    });
}

#[test]
fn a_lookup_that_the_node_refuses_leads_to_the_next() {
    SimRuntime::run(|sim| async move {
        let mut config = node::NodeConfig::new("main");
        config.sources = ["deezer", "youtube"].map(str::to_owned).into();
        let mut stage = seeded(&sim, config, "deezer").await;
        sim.with("main", |node| {
            let mut failure = Failure::always(400);
            (failure.path, failure.times) = (Some("/v4/loadtracks".to_owned()), Some(1));
            node.faults().failures.push(failure);
        });
        stage.pass(10).await;
        let asked = sim.with("main", |node| loads(node));
        assert_eq!(asked[1..3], ["dzrec:ID", "ytsearch:The seed Test artist"]);
        assert_eq!(stage.started.len(), 2);
    });
}

#[test]
fn nothing_to_be_found_is_no_error() {
    SimRuntime::run(|sim| async move {
        let mut config = node::NodeConfig::new("main");
        config.sources = vec!["http".to_owned()];
        let mut stage = seeded(&sim, config, "http").await;
        stage.pass(10).await;
        assert_eq!((stage.started.len(), stage.answers.len()), (1, 0));

        let previous = stage.queue.with(|queue| queue.history().next().cloned());
        let played = stage.player.autoplay(&previous.unwrap(), [], 1).await;
        assert_eq!(played, Ok(false));
        let gone = Track::new("x", lavapool::TrackInfo::default());
        assert_eq!(stage.player.autoplay(&gone, [], 1).await, Ok(false));
    });
}

#[test]
fn a_player_without_a_queue_plays_what_resembles_and_not_what_is_avoided() {
    SimRuntime::run(|sim| async move {
        let mut config = node::NodeConfig::new("main");
        config.sources = vec!["deezer".to_owned()];
        let stage = seeded(&sim, config, "deezer").await;
        let seed = stage.queue.with(|queue| queue.current().cloned()).unwrap();
        let result = stage.client.load_tracks("dzrec:ID").await.unwrap();
        let (avoided, left) = result.tracks().split_at(24);
        stage.player.stop().await.unwrap();

        let played = stage.player.autoplay(&seed, avoided, 5).await;
        let playing = stage.player.track().unwrap();
        assert_eq!((played, &*playing), (Ok(true), &left[0]));
    });
}

#[test]
fn hours_of_autoplay_repeat_none_of_the_last_and_the_ten_before_and_follow_from_the_seed() {
    let hours = || {
        SimRuntime::run(|sim| async move {
            let mut stage = seeded(&sim, node::NodeConfig::new("main"), "youtube").await;
            let mut heard = Vec::new();
            while heard.len() < 240 {
                let event = stage.events.next().await.unwrap();
                if let Event::TrackStart { track, .. } = &event {
                    heard.push(track.info.identifier.clone());
                }
                stage.hand(event).await;
            }
            heard
        })
    };
    let heard = hours();
    for window in heard.windows(12) {
        let distinct: BTreeSet<_> = window.iter().collect();
        assert_eq!(distinct.len(), 12, "{window:?}");
    }
    assert_eq!(hours(), heard);
}

#[test]
fn a_search_gives_way_to_whatever_happens_meanwhile() {
    for what in ["play", "stop", "add"] {
        SimRuntime::run(|sim| async move {
            let mut config = node::NodeConfig::new("main");
            config.latency.load = Duration::from_secs(2);
            let mut stage = seeded(&sim, config, "youtube").await;
            let other = stage.load(["other?length=60000"]).await;
            let search = loop {
                let event = stage.events.next().await.unwrap();
                if let Event::TrackEnd { .. } = event {
                    break stage.queue.handle(&event);
                }
            };
            let queue = stage.queue.clone();
            let player = stage.player.clone();
            let meanwhile = async {
                sim.sleep(Duration::from_secs(1)).await;
                match what {
                    "play" => player.play(&other[0]).await.unwrap(),
                    "stop" => player.stop().await.unwrap(),
                    _ => drop(queue.add(other).unwrap().await.unwrap()),
                }
            };
            let (answer, ()) = both(search, meanwhile).await;
            assert_eq!(answer, Ok(None), "{what}");
            stage.pass(10).await;
            let playing = stage.player.track().map(|track| track.info.title.clone());
            let expected = (what != "stop").then(|| "Track other".to_owned());
            assert_eq!(playing, expected, "{what}");
        });
    }
}

#[test]
fn a_search_without_a_queue_gives_way_too() {
    for is_stop in [false, true] {
        SimRuntime::run(|sim| async move {
            let mut config = node::NodeConfig::new("main");
            config.latency.load = Duration::from_secs(2);
            let stage = seeded(&sim, config, "youtube").await;
            let other = stage.load(["other?length=60000"]).await;
            let seed = stage.player.track().unwrap();
            let meanwhile = async {
                sim.sleep(Duration::from_secs(1)).await;
                match is_stop {
                    true => stage.player.stop().await.unwrap(),
                    false => stage.player.play(&other[0]).await.unwrap(),
                }
            };
            let search = stage.player.autoplay(&seed, [], 1);
            let (played, ()) = both(search, meanwhile).await;
            assert_eq!(played, Ok(false));
            let title = stage.player.track().map(|track| track.info.title.clone());
            assert_eq!(title, (!is_stop).then(|| "Track other".to_owned()));
        });
    }
}

#[test]
fn what_the_bot_played_itself_is_resembled_too() {
    SimRuntime::run(|sim| async move {
        let mut stage = seeded(&sim, node::NodeConfig::new("main"), "youtube").await;
        stage.pass(1).await;
        let own = stage.load(["own?length=5000"]).await;
        stage.player.play(&own[0]).await.unwrap();
        stage.pass(8).await;
        assert_eq!(stage.started.len(), 3);
        let asked = sim.with("main", |node| loads(node));
        assert_eq!(asked[2], "ytsearch:Track own Test artist");
    });
}

/// A queue with autoplay that plays a track of five seconds of this source.
async fn seeded(sim: &SimRuntime, mut config: node::NodeConfig, source: &str) -> Stage {
    let mut blob = catalogue::track("ID", "The seed", 5_000);
    blob.source = source.to_owned();
    if source != "http" {
        blob.tail = Vec::new();
    }
    config.catalogue.insert("seed", Loads::Track(blob));
    let stage = Stage::with(sim, [("main", config)], QueueLimits::default()).await;
    stage.queue.set_autoplay(true);
    let seed = stage.client.load_tracks("seed").await.unwrap();
    let seed = seed.tracks().to_vec();
    stage.queue.add(seed).unwrap().await.unwrap();
    stage
}

/// Waits for both.
async fn both<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    let (mut a, mut b) = (None, None);
    std::future::poll_fn(|cx| {
        use std::task::Poll::{Pending, Ready};
        if a.is_none()
            && let Ready(value) = one.as_mut().poll(cx)
        {
            a = Some(value);
        }
        if b.is_none()
            && let Ready(value) = other.as_mut().poll(cx)
        {
            b = Some(value);
        }
        match (a.take(), b.take()) {
            (Some(one), Some(other)) => Ready((one, other)),
            (one, other) => {
                (a, b) = (one, other);
                Pending
            }
        }
    })
    .await
}
