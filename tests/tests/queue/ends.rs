//! What follows the end of a track, and what does not.

use lavapool::{Repeat, TrackInfo};

use super::*;

#[test]
fn tracks_follow_each_other_to_the_end_of_the_queue() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?length=5000", "b?length=5000"]).await;
        stage.add(["c?length=5000"]).await;
        assert_eq!(stage.waiting(), 2);

        stage.pass(12).await;
        assert_eq!(stage.player.track().unwrap().info.title, "Track c");
        stage.pass(60).await;

        assert_eq!(stage.started, ["Track a", "Track b", "Track c"]);
        assert!(!stage.player.is_playing());
        stage.add(["d?length=5000"]).await;
        stage.pass(1).await;
        assert_eq!(stage.started[3..], ["Track d"]);
    });
}

#[test]
fn a_stop_is_followed_by_nothing_whoever_stops() {
    for is_past_the_queue in [false, true] {
        SimRuntime::run(|sim| async move {
            let mut stage = Stage::new(&sim, ["main"]).await;
            stage.queue.set_autoplay(true);
            stage.add(["a?length=5000", "b?length=5000"]).await;
            stage.pass(2).await;

            match is_past_the_queue {
                true => stage.player.stop().await.unwrap(),
                false => stage.queue.stop().await.unwrap(),
            }
            stage.pass(60).await;
            assert_eq!(stage.started, ["Track a"]);

            stage.queue.start().await.unwrap();
            stage.pass(1).await;
            assert_eq!(stage.started, ["Track a", "Track b"]);
        });
    }
}

#[test]
fn a_destroyed_player_is_followed_by_nothing() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?length=5000", "b?length=5000"]).await;
        stage.pass(2).await;
        stage.player.destroy().await.unwrap();
        stage.pass(60).await;
        assert_eq!((stage.started.len(), stage.waiting()), (1, 1));
    });
}

#[test]
fn a_failover_advances_nothing() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["a", "b"]).await;
        stage.add(["one?length=60000", "two?length=60000"]).await;
        stage.pass(20).await;
        sim.kill("a");
        stage.pass(30).await;
        assert_eq!(stage.player.node(), stage.client.node("b"));
        assert_eq!(
            (&*stage.started, stage.waiting()),
            (&["Track one".to_owned()][..], 1)
        );
        stage.pass(15).await;
        assert_eq!(stage.started, ["Track one", "Track two"]);
    });
}

#[test]
fn failing_tracks_end_the_music_after_so_many_and_are_not_resembled() {
    SimRuntime::run(|sim| async move {
        let limits = QueueLimits {
            failures_max: 3,
            ..QueueLimits::default()
        };
        let nodes = [("main", node::NodeConfig::new("main"))];
        let mut stage = Stage::with(&sim, nodes, limits).await;
        stage.queue.set_autoplay(true);
        stage
            .add(["1?fails", "2?fails", "3?fails", "4?fails"])
            .await;
        stage.pass(30).await;
        assert_eq!(stage.started, ["Track 1", "Track 2", "Track 3"]);
        assert!(!stage.player.is_playing());

        // The last track of all fails: nothing resembles it.
        stage.queue.start().await.unwrap();
        stage.pass(30).await;
        assert_eq!(stage.started[3..], ["Track 4"]);
        let loads = sim.with("main", |node| loads(node).len());
        assert_eq!(loads, 4, "only those of the test");
    });
}

#[test]
fn a_track_is_repeated_until_it_fails() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.queue.with(|queue| queue.set_repeat(Repeat::Track));
        stage
            .add(["a?length=5000", "b?fails", "c?length=5000"])
            .await;
        stage.pass(12).await;
        assert_eq!(stage.started, ["Track a"; 3]);
        stage.queue.skip().await.unwrap();
        stage.pass(8).await;
        assert_eq!(stage.started[3..], ["Track b", "Track c", "Track c"]);
    });
}

#[test]
fn a_circle_comes_around_and_goes_back() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.queue.with(|queue| queue.set_repeat(Repeat::Queue));
        stage
            .add(["a?length=5000", "b?length=5000", "c?length=5000"])
            .await;
        stage.pass(17).await;
        stage.queue.back().unwrap().await.unwrap();
        stage.pass(1).await;
        stage.queue.skip_to(1).await.unwrap();
        stage.pass(1).await;
        let names = ["a", "b", "c", "a", "c", "b"].map(|name| format!("Track {name}"));
        assert_eq!(stage.started, names);
        assert_eq!(stage.waiting(), 2);
    });
}

#[test]
fn a_stuck_track_gives_way_to_the_next_and_to_nothing() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?stalls=1000", "b?stalls=1000"]).await;
        stage.pass(60).await;
        assert_eq!(stage.started, ["Track a", "Track b"]);
        let last = stage.queue.with(|queue| queue.current().cloned());
        assert_eq!(last.unwrap().info.title, "Track b");
        assert!(stage.player.is_playing(), "it may recover");
    });
}

#[test]
fn a_skip_past_the_last_track_stops() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.queue.set_autoplay(true);
        stage.add(["a?length=5000"]).await;
        stage.pass(1).await;
        assert_eq!(stage.queue.skip_to(0).await, Ok(None));
        assert!(stage.player.is_playing(), "there is no such track");
        assert_eq!(stage.queue.skip().await, Ok(None));
        stage.pass(60).await;
        assert!(!stage.player.is_playing());
        assert_eq!(stage.started, ["Track a"]);
    });
}

#[test]
fn a_track_that_the_node_refuses_gives_way_to_the_next() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        let mut tracks = stage.load(["a?length=5000"]).await;
        tracks.push(Track::new("no blob", TrackInfo::default()));
        tracks.extend(stage.load(["b?length=5000"]).await);
        stage.queue.add(tracks).unwrap().await.unwrap();
        stage.pass(12).await;
        assert_eq!(stage.started, ["Track a", "Track b"]);
        let answered = stage
            .answers
            .iter()
            .map(|answer| answer.as_ref().unwrap().clone());
        let titles: Vec<_> = answered
            .map(|track| track.unwrap().info.title.clone())
            .collect();
        assert_eq!(titles, ["Track b"]);

        let garbage = [Track::new("no blob", TrackInfo::default())];
        let refused = stage.queue.add(garbage).unwrap().await;
        assert!(refused.is_err(), "{refused:?}");
        stage.add(["c?length=5000"]).await;
        stage.pass(1).await;
        assert_eq!(stage.started[2..], ["Track c"]);
    });
}

#[test]
fn a_restored_queue_goes_on_after_the_track_that_plays() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?length=5000", "b?length=5000"]).await;
        stage.pass(1).await;
        let snapshot = stage.queue.with(|queue| queue.snapshot());
        let restored = Queue::restore(snapshot, 9, QueueLimits::default());
        stage.queue = QueuedPlayer::new(stage.player.clone(), restored);
        stage.pass(10).await;
        assert_eq!(stage.started, ["Track a", "Track b"]);
    });
}

/// The identifiers that the node was asked for.
pub(crate) fn loads(node: &node::TestNode) -> Vec<String> {
    let requests = node.log().requests.iter();
    requests
        .filter_map(|request| request.query("identifier"))
        .collect()
}
