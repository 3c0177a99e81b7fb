//! Ends of tracks, and what follows them.

use std::time::Duration;

use lavapool::{Client, EventStream, LoadResult, Player, Queue, QueuedPlayer, Repeat, Track};
use lavapool_core::player::Update;
use lavapool_core::protocol::TrackEndReason::{Cleanup, Replaced, Stopped};
use lavapool_core::queue::Ended;
use lavapool_tests::guide;
use lavapool_tests::sim::SimRuntime;
use lavapool_tests::world::{World, guild, track};
use serde_json::json;

use super::{ends_since, event, patches_since, playing, secs};

/// A track that is replaced or stopped ends too: a queue that goes on at every end plays something
/// that nobody asked for (SharpLink issue 20, eris-lavalink issue 27).
#[test]
fn a_replaced_or_stopped_track_is_followed_by_nothing() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim).await;
        stage.add(&["a", "b", "c"]).await;
        stage.pass(2).await;
        let [other] = &stage.load(&["other"]).await[..] else {
            panic!("one was asked for")
        };
        stage.player.play(other).await.unwrap();
        stage.pass(5).await;
        assert_eq!(stage.started, ["Track a", "Track other"]);

        stage.player.stop().await.unwrap();
        stage.pass(60).await;
        assert_eq!(stage.started, ["Track a", "Track other"]);
        assert_eq!(stage.queue.with(|queue| queue.len()), 2);
    });

    // Nor by a queue that is on its own.
    let mut queue = Queue::new(3);
    queue.push(track("a")).unwrap();
    queue.push(track("b")).unwrap();
    let current = queue.advance().unwrap();
    for reason in [Stopped, Replaced, Cleanup] {
        assert_eq!(queue.track_ended(&current, &reason), Ended::Ignored);
    }
}

/// A track that fails is told twice, as an exception and as an end, and a queue that skips at both
/// loses a track; one that repeats what fails never rests.
#[test]
fn a_failing_track_skips_one_and_a_circle_of_them_comes_to_rest() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim).await;
        stage.add(&["1?fails", "2?length=3000", "3"]).await;
        stage.pass(10).await;
        assert_eq!(stage.started, ["Track 1", "Track 2", "Track 3"]);
    });
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim).await;
        stage.queue.with(|queue| queue.set_repeat(Repeat::Queue));
        let names: Vec<_> = (0..20).map(|number| format!("{number}?fails")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        stage.add(&names).await;
        stage.pass(600).await;
        // Five in a row are enough (`QueueLimits::failures_max`).
        assert_eq!(stage.started.len(), 5, "{:?}", stage.started);
        assert!(!stage.player.is_playing());
    });
}

/// A track without voice sends nothing and never ends, until the server cleans it up after a
/// minute (Lavaplayer's `cleanup`).
#[test]
fn a_play_waits_for_voice_and_a_cleaned_up_track_is_played_once_more_from_its_place() {
    let mut world = World::builder().nodes(["a"]).connected();
    let since = world.now();
    world.play(guild(1), &track("early"));
    world.run_for(secs(10));
    assert_eq!(
        patches_since(&world, "a", since),
        Vec::<serde_json::Value>::new()
    );

    let there = Update::play(track("song"))
        .position(secs(30))
        .without_voice();
    world.update(guild(2), there);
    world.run_for(secs(200));

    let patches = patches_since(&world, "a", since);
    let places: Vec<_> = patches.iter().map(|patch| &patch["position"]).collect();
    assert_eq!(places, [30_000, 30_000]);
    let ends = ends_since(&world, since);
    assert_eq!(ends, [(guild(2), Cleanup)]);
}

/// The end of one play may arrive after the next was sent, even of the same track again.
#[test]
fn the_end_of_the_play_before_does_not_end_the_next_one() {
    let mut world = playing(1..=1, []);
    let late = event(&world, 1, "TrackEndEvent", &json!({"reason": "finished"}));
    world.play(guild(1), &track("1"));
    world.run_for(secs(1));
    let since = world.now();

    world.disturb("a", &late);
    world.run_for(secs(10));

    assert_eq!(ends_since(&world, since), []);
    assert!(world.player(guild(1)).playing && world.only_copy(guild(1)).1.audible);
}

/// A queue on a client of one node.
struct Stage {
    sim: SimRuntime,
    client: Client,
    events: EventStream,
    queue: QueuedPlayer,
    player: Player,
    /// The titles of the tracks that started.
    started: Vec<String>,
}

impl Stage {
    async fn new(sim: &SimRuntime) -> Self {
        let client = guide::connected(sim, ["main"]).await;
        guide::join_voice(&client, 1, "frankfurt");
        let player = client.player(guild(1));
        Self {
            sim: sim.clone(),
            events: client.events(),
            queue: QueuedPlayer::new(player.clone(), Queue::new(3)),
            client,
            player,
            started: Vec::new(),
        }
    }

    async fn load(&self, names: &[&str]) -> Vec<Track> {
        let mut tracks = Vec::new();
        for name in names {
            let identifier = format!("https://tracks.test/{name}");
            let result = self.client.load_tracks(identifier).await.unwrap();
            let LoadResult::Track(track) = result else {
                panic!("{result:?}");
            };
            tracks.push(track);
        }
        tracks
    }

    async fn add(&self, names: &[&str]) {
        let tracks = self.load(names).await;
        self.queue.add(tracks).unwrap().await.unwrap();
    }

    /// Lets time pass, and hands the queue every event meanwhile.
    async fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 10 {
            self.sim.sleep(Duration::from_millis(100)).await;
            while let Some(event) = self.events.try_next() {
                if let lavapool::Event::TrackStart { track, .. } = &event {
                    self.started.push(track.info.title.clone());
                    assert!(self.started.len() < 50, "{:?}", self.started);
                }
                let _ = self.queue.handle(&event).await;
            }
        }
    }
}
