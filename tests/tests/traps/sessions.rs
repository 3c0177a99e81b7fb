//! Sessions: resumed, lost, and not made yet.

use lavapool::{Leaving, Volume};
use lavapool_core::player::Update;
use lavapool_core::{Answer, Event};
use lavapool_tests::guide;
use lavapool_tests::node::Disturbance;
use lavapool_tests::sim::SimRuntime;
use lavapool_tests::world::{World, guild, track, track_of};

use super::{ends_since, millis, patches_since, playing, secs};

/// A process that resumes the session of the one before has no players of its own, and clients
/// knew nothing of those on the server (lavalink-client issues 40 and 129).
#[test]
fn a_resumed_session_brings_the_players_of_the_process_before() {
    SimRuntime::run(|sim| async move {
        let client = guide::connected(&sim, ["main"]).await;
        guide::play(&client, 1..=2).await;
        client.player(guild(1)).set_volume(30).await.unwrap();
        let stored = client.node("main").unwrap().session_id().unwrap();
        client.close(Leaving::Keep).await.unwrap();
        drop(client);
        sim.sleep(secs(20)).await;

        let again = guide::config("main").session_id(stored).unwrap();
        let client = guide::connect(&sim, guide::builder().node(again)).await;

        let (first, second) = (client.player(guild(1)), client.player(guild(2)));
        assert_eq!(
            (first.is_playing(), first.volume()),
            (true, Volume::from(30))
        );
        assert!(first.position().unwrap() >= secs(20));
        // They are controlled, and go when they are told to.
        second.destroy().await.unwrap();
        assert_eq!(guide::guilds_on(&sim, "main"), [1]);
    });
}

/// The timeout of a session is in seconds, and everything else in milliseconds (Lavalink: Update
/// session).
#[test]
fn the_time_that_a_session_is_kept_is_told_in_seconds() {
    let mut world = World::builder()
        .nodes(["a"])
        .config(|config| config.resume_for = Some(secs(90)))
        .connected();
    let heard = world.heard_since("a", secs(0));
    let told = heard.iter().find(|heard| heard.what == "PATCH session");
    assert_eq!(told.unwrap().body["timeout"], 90);

    // It is kept for so long, and no longer.
    world.fill(1..=1);
    world.drop_connections("a");
    world.refuse("a", true);
    world.run_for(secs(89));
    assert_eq!(world.server("a").sessions().len(), 1);
    world.run_for(secs(2));
    assert_eq!(world.server("a").sessions().len(), 0);
}

/// A session without its WebSocket is unknown to REST for as long (mafic issue 132). Making the
/// player anew somewhere else leaves two of them.
#[test]
fn an_unknown_session_is_resumed_and_its_players_are_not_made_again() {
    let mut world = playing(1..=2, ["b"]);
    let since = world.now();
    let session = world.view("a").session_id;
    world.node("a").faults().sessions_unknown = true;
    let volume = world.update(guild(1), Update::default().volume(30));
    world.run_for(millis(3));
    world.node("a").faults().sessions_unknown = false;

    world.run_for(secs(5));

    assert_eq!(world.answer(volume), Some(&Ok(Answer::Done)));
    assert_eq!(world.view("a").session_id, session);
    assert_eq!(world.guilds_on("a"), [1, 2]);
    assert_eq!(world.guilds_on("b"), Vec::<u64>::new());
    let patches = patches_since(&world, "a", since);
    assert!(
        patches.iter().all(|patch| patch.get("track").is_none()),
        "{patches:?}"
    );
}

/// The id of the session is in the path of every request to a player, and there is none before
/// `ready`; the first `stats` may come before that.
#[test]
fn what_is_asked_before_ready_waits_for_it_and_stats_before_ready_count() {
    let mut early = 0;
    for seed in 0..40 {
        let mut world = World::builder()
            .node("a", |node| node.server.races = true)
            .seed(seed)
            .build();
        world.join(guild(1), "us-east");
        let play = world.play(guild(1), &track("song"));
        world.run_until(World::is_connected, secs(1));
        assert_eq!(
            patches_since(&world, "a", secs(0)),
            Vec::<serde_json::Value>::new()
        );
        let is_early = matches!(
            world.events().iter().find(|(_, event)| matches!(
                event,
                Event::NodeStats { .. } | Event::NodeReady { .. }
            )),
            Some((_, Event::NodeStats { .. }))
        );
        world.run_for(secs(1));

        assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
        let heard = world.heard_since("a", secs(0));
        assert!(heard.iter().all(|heard| heard.status != Some(404)));
        assert!(world.view("a").stats.is_some());
        early += u32::from(is_early);
    }
    assert!((1..40).contains(&early), "{early} of 40 were early");
}

/// What was said while the WebSocket was away is said again after a resume, long after it was so.
#[test]
fn an_end_that_is_replayed_after_a_resume_is_told_once() {
    let mut world = playing(1..=1, []);
    world.play(guild(1), &track_of("short", secs(8)));
    world.run_for(secs(6));
    let since = world.now();
    world.drop_connections("a");
    world.refuse("a", true);
    world.run_for(secs(3));
    assert_eq!(ends_since(&world, since), []);
    world.refuse("a", false);

    world.run_for(secs(20));

    let finished = lavapool_core::protocol::TrackEndReason::Finished;
    assert_eq!(ends_since(&world, since), [(guild(1), finished)]);
    assert!(!world.player(guild(1)).playing);
    assert_eq!(
        patches_since(&world, "a", since),
        Vec::<serde_json::Value>::new()
    );
}

/// A client that resumes has to say so in each new session, and some never did.
#[test]
fn every_session_is_told_that_it_will_be_resumed() {
    let mut world = World::builder().nodes(["a"]).connected();
    for _ in 0..3 {
        let sessions = world.server("a").sessions();
        let [session] = &sessions[..] else {
            panic!("{sessions:?}")
        };
        assert_eq!((session.resuming, session.timeout_s), (true, 60));
        world.restart("a");
        world.run_for(millis(10));
        world.run_until(World::is_connected, secs(31));
        world.run_for(millis(100));
    }
}

/// Clients dropped what a server said of a guild that had no player, or made one of it.
#[test]
fn news_of_a_destroyed_player_are_dropped_without_a_word() {
    let mut world = playing(1..=1, []);
    let end = super::event(
        &world,
        1,
        "TrackEndEvent",
        &serde_json::json!({"reason": "finished"}),
    );
    let destroyed = world.submit(lavapool_core::Command::Destroy(guild(1)));
    world.run_for(millis(100));
    assert_eq!(world.answer(destroyed), Some(&Ok(Answer::Done)));
    let since = world.now();

    for late in [super::update_of(1, 5_000), end, closed(1)] {
        world.disturb("a", &late);
        world.run_for(secs(1));
    }

    let told: Vec<_> = world.events_since(since).collect();
    assert_eq!(told, Vec::<&Event>::new());
    assert_eq!(world.pool().players().count(), 0);
    assert_eq!(world.requests_since("a", since), Vec::<String>::new());
}

/// The word that Discord ended a voice connection.
fn closed(number: u64) -> Disturbance {
    super::message(&serde_json::json!({
        "op": "event",
        "type": "WebSocketClosedEvent",
        "guildId": number.to_string(),
        "code": 4014,
        "reason": "Disconnected.",
        "byRemote": true,
    }))
}
