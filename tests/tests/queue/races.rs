//! The queue, the application and late events at once.

use lavapool::{Queues, RequestError, TrackEndReason};

use super::*;

#[test]
fn what_the_bot_plays_itself_is_not_overtaken_and_then_followed() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?length=5000", "b?length=5000"]).await;
        stage.pass(2).await;
        let own = stage.load(["own?length=9000"]).await;
        stage.player.play(&own[0]).await.unwrap();
        stage.pass(8).await;
        assert_eq!(stage.started, ["Track a", "Track own"]);
        stage.pass(3).await;
        assert_eq!(stage.started[2..], ["Track b"]);
    });
}

#[test]
fn an_end_that_is_read_after_the_bot_played_something_advances_nothing() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?length=5000", "b?length=5000"]).await;
        let own = stage.load(["own?length=9000"]).await;
        stage.pass_unread(6).await;
        // The end of the first track waits to be read, and the play to be sent.
        let played = stage.player.play(&own[0]);
        stage.hand_over().await;
        played.await.unwrap();
        stage.pass(5).await;
        assert_eq!(stage.started, ["Track a", "Track own"]);
        stage.pass(5).await;
        assert_eq!(stage.started[2..], ["Track b"]);
    });
}

#[test]
fn an_end_that_is_read_after_a_stop_advances_nothing() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.queue.set_autoplay(true);
        stage.add(["a?length=5000", "b?length=5000"]).await;
        stage.pass_unread(6).await;
        let stopped = stage.player.stop();
        stage.hand_over().await;
        stopped.await.unwrap();
        stage.pass(30).await;
        assert_eq!((stage.started.len(), stage.waiting()), (1, 1));
    });
}

#[test]
fn an_end_that_is_read_after_a_skip_skips_no_second_track() {
    for names in [["a", "b", "c"], ["a", "a", "c"]] {
        SimRuntime::run(|sim| async move {
            let mut stage = Stage::new(&sim, ["main"]).await;
            stage.add(names.map(|_| "x?length=5000")).await;
            stage.queue.stop().await.unwrap();
            stage.hand_over().await;
            stage.started.clear();
            stage.queue.with(|queue| queue.clear());
            let tracks = names.map(|name| format!("{name}?length=5000"));
            stage.add(tracks.each_ref().map(String::as_str)).await;
            stage.pass_unread(6).await;
            stage.queue.skip().await.unwrap();
            stage.hand_over().await;
            stage.pass(1).await;
            assert_eq!(stage.waiting(), 1);
            let titles = names.map(|name| format!("Track {name}"));
            assert_eq!(stage.started, titles[..2]);
            stage.pass(5).await;
            assert_eq!(stage.started, titles);
        });
    }
}

#[test]
fn a_skip_at_any_moment_around_the_end_plays_each_track_once() {
    for millis in (4_900..5_100).step_by(5) {
        SimRuntime::run(|sim| async move {
            let mut stage = Stage::new(&sim, ["main"]).await;
            let [first, rest @ ..] = ["a", "b", "c"].map(|name| format!("{name}?length=5000"));
            stage.add([&*first]).await;
            stage.sim.sleep(Duration::from_millis(millis)).await;
            for name in &rest {
                let track = stage.load([&**name]).await;
                stage.queue.with(|queue| queue.extend(track)).unwrap();
            }
            drop(stage.queue.skip());
            stage.pass(1).await;
            assert_eq!(stage.waiting(), 1, "{millis}");
            assert_eq!(
                stage.player.track().unwrap().info.title,
                "Track b",
                "{millis}"
            );
        });
    }
}

#[test]
fn what_follows_is_on_its_way_even_if_nobody_awaits_it() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?length=5000", "b?length=5000"]).await;
        stage.pass_unread(6).await;
        while let Some(event) = stage.events.try_next() {
            drop(stage.queue.handle(&event));
        }
        stage.pass(1).await;
        assert_eq!(stage.started, ["Track b"]);
    });
}

#[test]
fn lost_events_do_not_silence_the_queue_nor_skip() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage
            .add(["a?length=5000", "b?length=5000", "c?length=5000"])
            .await;
        stage.pass(1).await;
        stage.hand(Event::Lagged { dropped: 1 }).await;
        assert_eq!(stage.waiting(), 2, "the first track plays on");
        stage.pass_unread(6).await;
        while stage.events.try_next().is_some() {}
        stage.hand(Event::Lagged { dropped: 2 }).await;
        stage.pass(1).await;
        assert_eq!(stage.started, ["Track a", "Track b"]);
    });
}

#[test]
fn events_of_other_guilds_are_none_of_its_business() {
    SimRuntime::run(|sim| async move {
        let (mut stage, track) = unheard(&sim).await;
        let (guild, reason) = (GuildId::new(1).unwrap(), TrackEndReason::Finished);
        stage
            .hand(Event::TrackEnd {
                guild,
                track,
                reason,
            })
            .await;
        assert_eq!((stage.waiting(), stage.player.is_playing()), (1, false));
    });
}

#[test]
fn a_track_that_the_node_stopped_is_over_and_followed_on_request_only() {
    for reason in [TrackEndReason::Stopped, TrackEndReason::Cleanup] {
        SimRuntime::run(|sim| async move {
            let (mut stage, track) = unheard(&sim).await;
            let guild = guild();
            stage
                .hand(Event::TrackEnd {
                    guild,
                    track,
                    reason,
                })
                .await;
            assert_eq!((stage.waiting(), stage.player.is_playing()), (1, false));
            let playing = stage.queue.start().await.unwrap().unwrap();
            assert_eq!(playing.info.title, "Track b");
        });
    }
}

#[test]
fn an_end_of_what_the_bot_played_is_followed_by_nothing_if_it_played_on() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?length=5000", "b?length=5000"]).await;
        let own = stage.load(["1?length=5000", "2?length=5000"]).await;
        stage.player.play(&own[0]).await.unwrap();
        stage.pass(1).await;
        stage.pass_unread(5).await;
        // The end of its first waits to be read, and its second to be sent.
        let second = stage.player.play(&own[1]);
        stage.hand_over().await;
        second.await.unwrap();
        stage.pass(3).await;
        assert_eq!(stage.player.track().unwrap().info.title, "Track 2");
        stage.pass(3).await;
        assert_eq!(stage.player.track().unwrap().info.title, "Track b");
    });
}

#[test]
fn a_play_that_gives_way_takes_nothing_from_the_queue() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?length=5000", "b?length=5000"]).await;
        let own = stage.load(["own?length=5000"]).await;
        let refused = stage.player.play_if_idle(&own[0]).await;
        assert_eq!(refused, Err(Error::Request(RequestError::NotReplaced)));
        stage.pass(6).await;
        assert_eq!(stage.started, ["Track a", "Track b"]);
    });
}

#[test]
fn a_play_that_finds_the_player_idle_is_followed_by_the_queue() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?length=5000", "b?length=5000"]).await;
        let own = stage.load(["own?length=5000"]).await;
        // Between the end of the first, and the queue that reads of it.
        stage.pass_unread(6).await;
        stage.player.play_if_idle(&own[0]).await.unwrap();
        stage.pass(3).await;
        assert_eq!(stage.started, ["Track a", "Track own"]);
        stage.pass(4).await;
        assert_eq!(stage.started[2..], ["Track b"]);
    });
}

#[test]
fn adding_interrupts_nothing_that_the_bot_plays() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        let own = stage.load(["own?length=5000"]).await;
        stage.player.play(&own[0]).await.unwrap();
        stage.add(["b?length=5000"]).await;
        stage.pass(3).await;
        assert_eq!(stage.started, ["Track own"]);
        stage.pass(4).await;
        assert_eq!(stage.started, ["Track own", "Track b"]);
    });
}

#[test]
fn a_play_that_was_taken_back_is_begun_again() {
    SimRuntime::run(|sim| async move {
        let nodes = [("main", node::NodeConfig::new("main"))];
        let mut stage = Stage::with(&sim, nodes, QueueLimits::default()).await;
        let player = stage.client.player(GuildId::new(5).unwrap());
        let queue = QueuedPlayer::new(player.clone(), Queue::new(1));
        let tracks = stage.load(["a?length=5000", "b?length=5000"]).await;
        // The bot is in no voice channel there.
        let refused = queue.add(tracks).unwrap().await;
        assert_eq!(refused, Err(Error::Request(RequestError::VoiceTimeout)));
        assert!(!player.is_playing());

        join(&stage.client, player.guild());
        let playing = queue.start().await.unwrap().unwrap();
        assert_eq!(playing.info.title, "Track a");
        stage.pass(1).await;
        assert_eq!(queue.start().await, Ok(None), "it plays");
        assert_eq!(queue.with(|queue| queue.len()), 1);
    });
}

#[test]
fn the_queues_of_a_client_take_the_events_of_their_guilds() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        let queues = Queues::new(&stage.client, QueueLimits::default());
        let other = queues.of(GuildId::new(1).unwrap());
        assert!(queues.find(guild()).is_none());
        let tracks = stage
            .load(["a?length=5000", "b?length=5000", "c?length=5000"])
            .await;
        queues.of(guild()).add(tracks).unwrap().await.unwrap();

        let mut started = Vec::new();
        for _ in 0..80 {
            sim.sleep(Duration::from_millis(100)).await;
            while let Some(event) = stage.events.try_next() {
                started.extend(queues.handle(&event).await.unwrap());
            }
        }
        assert_eq!(started.len(), 1, "the first was begun by hand");
        // The end of the second is lost.
        stage.pass_unread(3).await;
        while stage.events.try_next().is_some() {}
        queues.handle(&Event::Lagged { dropped: 1 }).await.unwrap();
        assert_eq!(stage.player.track().unwrap().info.title, "Track c");

        assert_eq!(other.with(|queue| queue.len()), 0);
        assert!(queues.remove(guild()).is_some() && queues.remove(guild()).is_none());
        assert!(queues.insert(other).is_some());
    });
}

/// A queue of two tracks, the first of which has ended without anybody having heard of it.
async fn unheard(sim: &SimRuntime) -> (Stage, Arc<Track>) {
    let mut stage = Stage::new(sim, ["main"]).await;
    stage.add(["a?length=5000", "b?length=5000"]).await;
    let track = stage.player.track().unwrap();
    stage.pass_unread(6).await;
    while stage.events.try_next().is_some() {}
    (stage, track)
}
