//! Music that ends, or never begins, without the queue being told: it must not stay silent.

use lavapool::{Fate, TrackInfo};

use super::*;

#[test]
fn a_player_that_is_destroyed_by_the_pool_leaves_room_for_what_is_added() {
    for is_inactive in [false, true] {
        SimRuntime::run(|sim| async move {
            let mut stage = fleeting(&sim).await;
            stage.add(["a?length=50000"]).await;
            stage.pass(2).await;
            match is_inactive {
                true => stage.player.set_alone(true).await.unwrap(),
                false => kick(&stage),
            }
            stage.pass(90).await;
            assert!(!stage.player.exists());
            assert!(stage.queue.with(|queue| queue.current().is_none()));

            join(&stage.client, guild());
            stage.pass(1).await;
            stage.add(["b?length=5000"]).await;
            stage.pass(2).await;
            assert_eq!(stage.started, ["Track a", "Track b"]);
        });
    }
}

#[test]
fn an_end_of_the_player_that_is_read_late_takes_nothing_from_what_plays() {
    SimRuntime::run(|sim| async move {
        let mut stage = fleeting(&sim).await;
        stage.add(["a?length=50000"]).await;
        stage.pass(2).await;
        kick(&stage);
        stage.pass_unread(2).await;
        join(&stage.client, guild());
        stage.pass_unread(1).await;
        let tracks = stage.load(["b?length=50000", "c?length=5000"]).await;
        let playing = stage.queue.add(tracks).unwrap();
        // That the player was destroyed waits to be read, and the play to be sent.
        stage.hand_over().await;
        let playing = playing.await.unwrap().unwrap();
        assert_eq!(playing.info.title, "Track b");
        stage.pass(2).await;
        assert!(stage.player.is_playing());
        let current = stage.queue.with(|queue| queue.current().cloned()).unwrap();
        assert_eq!((&*current.info.title, stage.waiting()), ("Track b", 1));
    });
}

#[test]
fn a_player_that_the_bot_destroyed_plays_what_is_added_and_not_the_old_track() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?length=50000"]).await;
        stage.pass(2).await;
        stage.player.destroy().await.unwrap();
        stage.pass(10).await;
        join(&stage.client, guild());
        stage.pass(1).await;
        stage.add(["b?length=5000"]).await;
        stage.pass(3).await;
        assert_eq!(stage.started, ["Track a", "Track b"]);
    });
}

#[test]
fn a_play_that_nobody_awaited_and_that_was_taken_back_is_begun_again() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        let other = GuildId::new(4711).unwrap();
        stage.player = stage.client.player(other);
        stage.queue = QueuedPlayer::new(stage.player.clone(), Queue::new(3));
        let tracks = stage.load(["a?length=5000"]).await;
        drop(stage.queue.add(tracks).unwrap());
        // The bot is in no voice channel there.
        stage.pass(20).await;
        assert!(!stage.player.is_playing());

        join(&stage.client, other);
        stage.pass(1).await;
        stage.add(["b?length=5000"]).await;
        stage.pass(2).await;
        assert_eq!(
            (&*stage.started, stage.waiting()),
            (&["Track a".to_owned()][..], 1)
        );
        stage.pass(5).await;
        assert_eq!(stage.started[1..], ["Track b"]);
    });
}

#[test]
fn a_play_that_nobody_awaited_and_that_was_refused_gives_way_to_what_is_added() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        let bad = Track::new("no blob at all", TrackInfo::default());
        drop(stage.queue.add([bad]).unwrap());
        stage.pass_unread(20).await;
        assert!(!stage.player.is_playing());
        // A refusal has the bot join again.
        join(&stage.client, guild());
        stage.add(["b?length=5000"]).await;
        stage.pass(2).await;
        assert_eq!(
            (&*stage.started, stage.waiting()),
            (&["Track b".to_owned()][..], 0)
        );
    });
}

#[test]
fn a_play_that_is_to_be_awaited_later_and_was_refused_does_not_hold_up_a_start() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        let bad = Track::new("no blob at all", TrackInfo::default());
        let later = stage.queue.add([bad]).unwrap();
        stage.pass(2).await;
        join(&stage.client, guild());
        stage.add(["b?length=5000", "c?length=5000"]).await;
        stage.pass(1).await;
        later.await.unwrap_err();
        stage.pass(1).await;
        assert_eq!(
            (&*stage.started, stage.waiting()),
            (&["Track b".to_owned()][..], 1)
        );
    });
}

#[test]
fn a_refusal_that_nobody_awaited_is_followed_at_the_next_event() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        let mut tracks = stage.load(["b?length=5000"]).await;
        tracks.insert(0, Track::new("no blob at all", TrackInfo::default()));
        drop(stage.queue.add(tracks).unwrap());
        stage.pass_unread(2).await;
        stage.hand(Event::Lagged { dropped: 1 }).await;
        stage.pass(1).await;
        assert_eq!(
            (&*stage.started, stage.waiting()),
            (&["Track b".to_owned()][..], 0)
        );
    });
}

#[test]
fn a_restored_queue_begins_with_its_current_track() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        let tracks = stage.load(["a?length=5000", "b?length=5000"]).await;
        let mut queue = Queue::new(3);
        queue.extend(tracks).unwrap();
        queue.advance();
        let restored = Queue::restore(queue.snapshot(), 3, QueueLimits::default());
        stage.queue = QueuedPlayer::new(stage.player.clone(), restored);

        let playing = stage.queue.start().await.unwrap().unwrap();
        assert_eq!(playing.info.title, "Track a");
        assert_eq!(stage.queue.start().await, Ok(None), "it plays");
        stage.pass(7).await;
        assert_eq!(stage.started, ["Track a", "Track b"]);
    });
}

#[test]
fn a_queue_on_a_player_that_plays_its_current_track_goes_on_from_there() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?length=5000", "b?length=5000"]).await;
        stage.pass(1).await;
        let snapshot = stage.queue.with(|queue| queue.snapshot());
        let restored = Queue::restore(snapshot, 3, QueueLimits::default());
        stage.queue = QueuedPlayer::new(stage.player.clone(), restored);
        assert_eq!(stage.queue.start().await, Ok(None));
        stage.pass(6).await;
        assert_eq!(stage.started, ["Track a", "Track b"]);
    });
}

#[test]
fn a_track_whose_end_was_not_read_is_not_played_again() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["a?length=5000", "b?length=5000"]).await;
        stage.pass_unread(6).await;
        let playing = stage.queue.start().await.unwrap().unwrap();
        assert_eq!(playing.info.title, "Track b");
        stage.pass(3).await;
        assert_eq!(stage.started, ["Track a", "Track b"]);
    });
}

#[test]
fn lost_events_skip_no_track_that_is_about_to_play() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage.add(["z?length=1000"]).await;
        stage.pass(3).await;
        let tracks = stage.load(["a?length=5000", "b?length=5000"]).await;
        let playing = stage.queue.add(tracks).unwrap();
        stage.hand(Event::Lagged { dropped: 1 }).await;
        let playing = playing.await.unwrap().unwrap();
        assert_eq!(playing.info.title, "Track a");
        stage.pass(2).await;
        assert_eq!((stage.waiting(), stage.started.len()), (1, 2));
    });
}

#[test]
fn a_late_end_of_the_same_track_takes_nothing_from_a_skip_on_its_way() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        stage
            .add(["a?length=5000", "a?length=5000", "c?length=5000"])
            .await;
        stage.pass_unread(6).await;
        let skipped = stage.queue.skip();
        while let Some(event) = stage.events.try_next() {
            drop(stage.queue.handle(&event));
        }
        skipped.await.unwrap();
        stage.pass(2).await;
        assert_eq!(stage.player.track().unwrap().info.title, "Track a");
        assert_eq!(stage.waiting(), 1);
        stage.pass(4).await;
        assert_eq!(stage.player.track().unwrap().info.title, "Track c");
    });
}

#[test]
fn autoplay_leaves_what_plays_alone() {
    SimRuntime::run(|sim| async move {
        let mut stage = Stage::new(&sim, ["main"]).await;
        let own = stage
            .load(["own?length=50000", "elsewhere?length=500"])
            .await;
        stage.player.play(&own[0]).await.unwrap();
        stage.pass(1).await;
        assert_eq!(stage.player.autoplay(&own[1], [], 7).await, Ok(false));
        assert_eq!(stage.player.track().unwrap().info.title, "Track own");
    });
}

/// A queue whose player is destroyed when it leaves its channel, or is inactive for a minute.
async fn fleeting(sim: &SimRuntime) -> Stage {
    sim.add_node("main", node::NodeConfig::new("main"));
    let builder = Client::builder(UserId::new(42).unwrap())
        .seed(7)
        .on_leave(Fate::Destroy)
        .inactive_after(Duration::from_secs(60), Fate::Destroy)
        .node(NodeConfig::from_uri("main", "http://main:2333").unwrap());
    let client = builder.connect_on(sim.clone()).await.unwrap();
    join(&client, guild());
    let player = client.player(guild());
    Stage {
        sim: sim.clone(),
        events: client.events(),
        queue: QueuedPlayer::new(player.clone(), Queue::new(3)),
        client,
        player,
        started: Vec::new(),
        answers: Vec::new(),
    }
}

/// Kicked from the channel, as Discord says it.
fn kick(stage: &Stage) {
    stage.client.voice_state_update(VoiceStateUpdate {
        guild: guild(),
        user: stage.client.user_id(),
        channel: None,
        session_id: Secret::from("voice session"),
    });
}
