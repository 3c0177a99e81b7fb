//! Ends of tracks: those that mean something, and those that do not.

use lavapool_core::player::{Source, Update};
use lavapool_core::protocol::{GuildId, RawJson, TrackEndReason};
use lavapool_core::{Command, Event};
use lavapool_tests::node::{AnswerKind, Disturbance, Failure};
use lavapool_tests::world::{Bite, Bitten, Direction, Weather, World, guild, track, track_of};
use serde_json::json;

use super::{crowded, millis, secs};

#[test]
fn a_node_that_shuts_down_does_not_end_the_music() {
    let mut world = crowded(1..=10, ["b"]);
    let lost_at = world.now();
    // Lavalink stops its players before it closes its WebSockets with 1001.
    for number in 1..=10 {
        let stopped = end_of(&world, number, "stopped");
        world.disturb("a", &stopped);
    }
    world.run_for(millis(20));

    world.shut_down_gracefully("a");
    world.run_for(secs(10));

    assert_eq!(world.guilds_on("b"), Vec::from_iter(1..=10));
    for number in 1..=10 {
        assert!(world.only_copy(guild(number)).1.audible);
    }
    assert_eq!(ends_since(&world, lost_at), []);
    let loss = world.events_since(lost_at).find_map(|event| match event {
        Event::NodeDisconnected { loss, .. } => Some(loss.to_string()),
        _ => None,
    });
    assert_eq!(loss.as_deref(), Some("closed with code 1001"));
}

#[test]
fn a_track_that_a_node_stopped_by_itself_is_over_if_the_node_is_still_there_after_5_s() {
    let mut world = crowded(1..=1, ["b"]);
    let stopped_at = world.now();
    let stopped = end_of(&world, 1, "stopped");

    world.disturb("a", &stopped);
    world.run_for(secs(4));
    assert_eq!(ends_since(&world, stopped_at), []);
    world.run_for(secs(2));

    assert_eq!(
        ends_since(&world, stopped_at),
        [(guild(1), TrackEndReason::Stopped)]
    );
    assert!(!world.player(guild(1)).playing);
}

#[test]
fn an_end_that_was_lost_with_the_connection_is_told_when_the_session_is_resumed() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.join(guild(1), "us-east");
    world.play(guild(1), &track_of("short", secs(20)));
    world.run_for(secs(18));
    world.half_open("a");
    world.run_for(secs(3));
    let now = world.now();
    world.node("a").end_frozen(now);
    // The pool notices by the missing pong, and waits 5 s for the server to say why.
    world.run_for(secs(20));
    assert_eq!(
        ends_since(&world, now),
        [(guild(1), TrackEndReason::Finished)]
    );
    assert!(!world.player(guild(1)).playing);
}

#[test]
fn a_track_that_ended_for_a_reason_that_nobody_knows_is_over() {
    let mut world = crowded(1..=1, []);
    let ended_at = world.now();
    let ended = end_of(&world, 1, "rapture");
    world.disturb("a", &ended);
    world.run_for(secs(1));
    assert_eq!(
        ends_since(&world, ended_at),
        [(guild(1), TrackEndReason::Unknown("rapture".into()))]
    );
    assert!(!world.player(guild(1)).playing);
}

#[test]
fn a_stop_that_was_asked_for_ends_the_music_at_once() {
    let mut world = crowded(1..=1, []);
    let stopped_at = world.now();

    world.update(guild(1), Update::stop());
    world.run_for(millis(10));

    assert_eq!(
        ends_since(&world, stopped_at),
        [(guild(1), TrackEndReason::Stopped)]
    );
    assert_eq!(world.only_copy(guild(1)).1.track, None);
}

#[test]
fn the_end_of_an_earlier_play_is_ignored_even_if_the_track_is_the_same() {
    let mut world = crowded(1..=1, []);
    let late = end_of(&world, 1, "finished");
    world.play(guild(1), &track("1"));
    world.run_for(secs(1));
    let since = world.now();

    world.disturb("a", &late);
    world.run_for(secs(10));

    assert_eq!(ends_since(&world, since), []);
    let view = world.player(guild(1));
    assert_eq!((view.playing, view.synced), (true, true));
    assert!(world.only_copy(guild(1)).1.audible);
}

#[test]
fn an_event_shows_the_track_as_it_was_given_and_its_user_data() {
    let mut world = crowded(1..=1, []);
    let since = world.now();
    let mut given = track("song");
    given.info.title = "As the bot calls it".into();
    let data = RawJson::parse(r#"{"by":7}"#).unwrap();
    let play = Update::play(given.clone()).user_data(data.clone());
    world.update(guild(1), play);
    world.run_for(secs(1));
    given.user_data = Some(data);
    let told = world.events_since(since).find_map(|event| match event {
        Event::TrackStart { track, .. } => Some(track),
        _ => None,
    });
    assert_eq!(told.map(|track| &**track), Some(&given));
    assert_eq!(world.player(guild(1)).track.as_deref(), Some(&given));
}

#[test]
fn a_replaced_track_never_clears_the_one_that_replaced_it() {
    let mut world = crowded(1..=1, []);
    let since = world.now();

    world.play(guild(1), &track("other"));
    world.run_for(secs(10));

    assert_eq!(
        ends_since(&world, since),
        [(guild(1), TrackEndReason::Replaced)]
    );
    let view = world.player(guild(1));
    assert_eq!(view.track.as_deref(), Some(&track("other")));

    // Not even if it says the number of the present play.
    let replaced = end_of(&world, 1, "replaced");
    world.disturb("a", &replaced);
    world.run_for(secs(10));
    assert!(world.player(guild(1)).playing);
}

#[test]
fn a_finished_track_is_over_and_moves_nowhere() {
    let mut world = crowded(1..=1, ["b"]);
    let since = world.now();
    world.play(guild(1), &track_of("short", secs(3)));
    world.run_for(secs(4));
    let ends = [
        (guild(1), TrackEndReason::Replaced),
        (guild(1), TrackEndReason::Finished),
    ];
    assert_eq!(ends_since(&world, since), ends);
    assert!(!world.player(guild(1)).playing);

    world.kill("a");
    world.run_for(secs(3));

    // The player is there, with its voice and nothing to play.
    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.track, player.connected), ("b", None, true));
}

/// Such as of a player that another client has made.
#[test]
fn an_end_without_the_number_of_a_play_is_of_the_present_one_if_the_track_is() {
    let mut world = crowded(1..=1, []);
    let since = world.now();
    for (other, ends) in [
        (true, vec![]),
        (false, vec![(guild(1), TrackEndReason::Finished)]),
    ] {
        let Disturbance::Text(text) = end_of(&world, 1, "finished") else {
            panic!("an event is text")
        };
        let mut event: serde_json::Value = serde_json::from_str(&text).unwrap();
        event["track"]["userData"] = json!({});
        if other {
            event["track"]["encoded"] = track("other").encoded.to_string().into();
        }
        world.disturb("a", &Disturbance::Text(event.to_string()));
        world.run_for(secs(1));
        assert_eq!(ends_since(&world, since), ends);
        assert_eq!(world.player(guild(1)).playing, other);
    }
}

#[test]
fn a_track_that_fails_to_load_is_over() {
    let mut world = crowded(1..=1, []);
    let since = world.now();

    world.play(guild(1), &track("broken?fails"));
    world.run_for(secs(4));

    let ends = [
        (guild(1), TrackEndReason::Replaced),
        (guild(1), TrackEndReason::LoadFailed),
    ];
    assert_eq!(ends_since(&world, since), ends);
    let exceptions = world
        .events_since(since)
        .filter(|event| matches!(event, Event::TrackException { .. }));
    assert_eq!(exceptions.count(), 1);
    assert!(!world.player(guild(1)).playing);
}

#[test]
fn a_play_without_voice_that_is_cleaned_up_is_played_once_more() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.update(guild(1), Update::play(track("song")).without_voice());
    let since = world.now();
    world.run_for(secs(90));
    let is_start = |event: &&Event| matches!(event, Event::TrackStart { .. });
    assert_eq!(world.events_since(since).filter(is_start).count(), 1);
    // Lavaplayer cleans up what nobody asked for in a minute.
    assert_eq!(ends_since(&world, since), []);
    let plays = world.requests_since("a", since).len();
    assert_eq!((plays, world.player(guild(1)).playing), (2, true));

    world.run_for(secs(60));
    assert_eq!(
        ends_since(&world, since),
        [(guild(1), TrackEndReason::Cleanup)]
    );
    assert!(!world.player(guild(1)).playing);
}

#[test]
fn a_play_that_is_cleaned_up_while_nothing_is_answered_is_published_as_it_stands() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.update(guild(1), Update::play(track("song")).without_voice());
    world.run_for(secs(55));
    let faults = world.node("a").faults();
    faults.unanswered.insert(AnswerKind::Player);
    world.update(guild(1), Update::default().volume(50));
    // Each view is compared with what was published of it.
    world.run_for(secs(10));
    assert!(!world.player(guild(1)).synced);
}

#[test]
fn a_player_that_is_sent_past_its_end_when_its_node_is_lost_ends_on_the_next_one() {
    let mut world = crowded(1..=1, ["b"]);
    let since = world.now();
    world.update(guild(1), Update::default().end_time(secs(30)));
    world.run_for(secs(1));
    world.hold("a", Direction::ToPool, secs(5));
    world.update(guild(1), Update::default().position(secs(60)));
    world.run_for(secs(1));
    world.kill("a");
    world.run_for(secs(10));
    let finished = [(guild(1), TrackEndReason::Finished)];
    assert_eq!(ends_since(&world, since), finished);
    assert!(!world.player(guild(1)).playing);
}

#[test]
fn a_player_whose_track_stops_with_its_node_goes_on_from_where_it_stopped() {
    let mut world = crowded(1..=1, ["b"]);
    let heard_until_ms = world.only_copy(guild(1)).1.content_ms;
    world.disturb("a", &end_of(&world, 1, "stopped"));
    world.run_for(secs(1));
    world.update(guild(1), Update::default().volume(50));
    world.run_for(secs(2));
    let since = world.now();
    world.kill("a");
    world.run_for(secs(2));
    let heard = world.heard_since("b", since);
    let from_ms = heard[0].body["position"].as_i64().unwrap();
    let skipped_ms = from_ms - heard_until_ms;
    assert!((0..=5).contains(&skipped_ms), "{skipped_ms} ms");
}

#[test]
fn the_end_of_a_track_that_its_node_has_stopped_is_told_when_it_is_stopped_too() {
    let mut world = crowded(1..=1, []);
    // The server has nothing to say of a player without a track.
    world.play(guild(1), &track_of("short", secs(5)));
    world.run_for(secs(1));
    world.mute("a", Direction::ToPool);
    world.run_for(secs(5));
    world.drop_connections("a");
    world.submit(Command::Reconnect(world.id("a")));
    world.run_for(secs(3));
    let since = world.now();
    world.update(guild(1), Update::stop());
    world.run_for(secs(10));
    assert_eq!(
        ends_since(&world, since),
        [(guild(1), TrackEndReason::Stopped)]
    );
}

#[test]
fn a_track_whose_end_was_lost_is_not_begun_again_where_its_player_goes_next() {
    let mut world = crowded(1..=1, ["b"]);
    world.play(guild(1), &track_of("short", secs(7)));
    world.run_for(secs(6));
    let bite = Bite {
        place: 50,
        how: Bitten::Ended,
        lives_for: std::time::Duration::ZERO,
    };
    world.bite("a", bite);
    world.run_for(secs(4));
    let since = world.now();
    world.kill("a");
    world.run_for(secs(2));
    let heard = world.heard_since("b", since);
    for (t, e) in world.events() {
        eprintln!("{t:?} {e:?}");
    }
    let places = heard.iter().map(|heard| &heard.body["position"]);
    assert_eq!(places.collect::<Vec<_>>(), [&json!(7_000)]);
}

/// A `TrackEndEvent` of what the guild plays on its server, as that would send it.
fn end_of(world: &World, number: u64, reason: &str) -> Disturbance {
    world.track_event(number, "TrackEndEvent", &json!({"reason": reason}))
}

/// The ends that the application heard of since a moment.
fn ends_since(world: &World, since: std::time::Duration) -> Vec<(GuildId, TrackEndReason)> {
    let ends = world.events_since(since).filter_map(|event| match event {
        Event::TrackEnd { guild, reason, .. } => Some((*guild, reason.clone())),
        _ => None,
    });
    ends.collect()
}

#[test]
fn a_track_that_ended_before_its_play_was_answered_does_not_come_back() {
    // Which of the two comes first is up to the network.
    let met = (0..16).filter(|seed| {
        let weather = Weather {
            seed: *seed,
            jitter_max: millis(200),
            ..Weather::default()
        };
        let mut world = World::builder().nodes(["a"]).weather(weather).connected();
        world.join(guild(1), "us-east");
        world.run_for(secs(1));
        let since = world.now();
        let at_its_end = Update::play(track_of("short", secs(20))).position(secs(20));
        let play = world.update(guild(1), at_its_end);
        world.run_until(|world| !ends_since(world, since).is_empty(), secs(2));
        let is_met = world.answer(play).is_none();
        // What would stop it there, as the pool thinks, is refused.
        world.node("a").faults().failures.push(Failure {
            method: Some("PATCH".to_owned()),
            ..Failure::always(418)
        });
        world.run_for(secs(5));
        assert_eq!(world.player(guild(1)).track, None, "{seed}");
        is_met
    });
    assert!((1..16).contains(&met.count()));
}

#[test]
fn a_refused_play_after_a_track_that_was_replaced_and_ended_is_followed_by_nothing() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = secs(1);
    let since = world.now();
    world.update(guild(1), Update::default().volume(50));
    world.run_for(millis(100));
    for reason in ["replaced", "finished"] {
        let ended = world.track_event(1, "TrackEndEvent", &json!({"reason": reason}));
        world.disturb("a", &ended);
        world.run_for(millis(10));
    }
    world.update(guild(1), Update::play(Source::identifier("nothing-here")));
    world.run_for(secs(5));
    let asked = world.requests_since("a", since);
    assert_eq!(asked, ["PATCH players/1"; 2]);
}
