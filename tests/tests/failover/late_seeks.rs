//! Seeks that a server does long after it was asked, and what only looks like one.

use std::time::Duration;

use lavapool_core::player::Update;
use lavapool_tests::node::catalogue::Fate;
use lavapool_tests::node::{AnswerKind, Disturbance};
use lavapool_tests::world::{World, guild, track};
use serde_json::json;

use super::late::late;
use super::{away_for, crowded, millis, report, secs, unanswered};

#[test]
fn a_seek_that_is_done_late_is_taken_back_to_where_the_player_was() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::default().position(secs(120)));
    world.update(guild(1), Update::default().position(secs(20)));
    world.run_for(secs(18));
    taken_back_once_done(&mut world);
}

#[test]
fn a_seek_on_its_way_when_the_connection_drops_is_taken_back_if_it_is_done_after_the_resume() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::default().position(secs(120)));
    away_for(&mut world, "a", secs(2));
    world.update(guild(1), Update::default().position(secs(20)));
    world.run_for(secs(15));
    taken_back_once_done(&mut world);
}

/// The seek to 2:00 is done within 5 s, and the player goes back to where it was.
fn taken_back_once_done(world: &mut World) {
    let before_ms = place_ms(world);
    assert!((20_000..40_000).contains(&before_ms), "{before_ms}");
    world.run_until(|world| place_ms(world) >= 120_000, secs(5));
    // The next report shows it.
    world.run_for(millis(5_500));
    let heard_ms = place_ms(world) - before_ms;
    assert!((0..10_000).contains(&heard_ms), "{heard_ms}");
    assert!(off_ms(world) < 100, "{}", off_ms(world));
}

#[test]
fn a_look_for_a_late_seek_that_gives_way_to_an_update_is_taken_soon_after() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::default().position(secs(120)));
    world.update(guild(1), Update::default().position(secs(20)));
    world.run_for(secs(18));
    let before_ms = place_ms(&world);
    world.run_until(|world| place_ms(world) >= 120_000, secs(5));
    world
        .node("a")
        .faults()
        .slow
        .insert(AnswerKind::Player, secs(1));
    let since = world.now();
    let is_asked = |world: &World| !world.requests_since("a", since).is_empty();
    world.run_until(is_asked, secs(6));
    world.node("a").faults().slow.clear();
    world.update(guild(1), Update::default().volume(50));
    world.run_for(secs(10));
    let heard_ms = place_ms(&world) - before_ms;
    assert!((0..20_000).contains(&heard_ms), "{heard_ms}");
}

#[test]
fn a_report_that_comes_late_is_not_taken_for_a_seek_that_is_done_late() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::default().position(secs(120)));
    world.update(guild(1), Update::default().position(secs(20)));
    world.run_for(secs(18));
    let (before_ms, since) = (place_ms(&world), world.now());
    world.disturb("a", &report(121_000));
    world.run_for(secs(1));
    assert_eq!(place_ms(&world) - before_ms, 1_000);
    assert!(off_ms(&world) < 100, "{}", off_ms(&world));
    assert_eq!(world.requests_since("a", since), ["GET players/1"]);
    // The one that is really done late is taken back all the same.
    world.run_for(secs(12));
    let heard_ms = place_ms(&world) - before_ms;
    assert!((0..15_000).contains(&heard_ms), "{heard_ms}");
    assert!(off_ms(&world) < 100, "{}", off_ms(&world));
}

#[test]
fn a_track_that_stalls_where_a_lost_seek_would_have_led_is_not_sought_on() {
    let mut world = crowded(1..=1, []);
    let stalls = Fate::Stalls(secs(62));
    let catalogue = &mut world.node("a").config().catalogue;
    catalogue.doom("https://tracks.test/stalls", stalls);
    world.play(guild(1), &track("stalls"));
    world.run_for(secs(1));
    unanswered(&mut world, "a", AnswerKind::Player);
    world.update(guild(1), Update::default().position(secs(60)));
    world.run_for(secs(14));
    world.node("a").faults().unanswered.clear();
    world.update(guild(1), Update::default().position(secs(50)));
    world.run_until(|world| place_ms(world) == 62_000, secs(20));
    let since = world.now();
    world.run_for(secs(9));
    let heard = world.heard_since("a", since);
    let sought = heard.iter().find(|heard| !heard.body["position"].is_null());
    assert_eq!(sought, None);
}

#[test]
fn a_place_that_is_told_without_a_connection_is_no_seek_that_is_done_late() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder.config(|config| config.rejoin = None).connected();
    world.fill(1..=1);
    unanswered(&mut world, "a", AnswerKind::Player);
    world.update(guild(1), Update::default().position(Duration::ZERO));
    world.run_for(secs(14));
    world.node("a").faults().unanswered.clear();
    world.update(guild(1), Update::default().position(secs(60)));
    world.run_for(secs(5));
    let now = world.now();
    world.node("a").close_voice(1, 4014, "", now);
    world.run_for(millis(10));
    assert!(!world.player(guild(1)).connected);
    let since = world.now();
    let state = json!({"time": 1, "position": 0, "connected": false, "ping": -1});
    let update = json!({"op": "playerUpdate", "state": state, "guildId": "1"});
    world.disturb("a", &Disturbance::Text(update.to_string()));
    world.run_for(secs(4));
    assert_eq!(world.requests_since("a", since), [""; 0]);
}

/// Where the player of the only guild really is.
fn place_ms(world: &World) -> i64 {
    world.only_copy(guild(1)).1.content_ms
}

/// How far from there it is shown.
fn off_ms(world: &World) -> u64 {
    let shown_ms = i64::try_from(world.position(guild(1)).as_millis()).unwrap_or(i64::MAX);
    shown_ms.abs_diff(place_ms(world))
}

#[test]
fn the_place_of_a_play_from_before_is_none_that_was_sought_late() {
    let mut world = crowded(1..=1, []);
    unanswered(&mut world, "a", AnswerKind::Player);
    world.update(guild(1), Update::default().position(secs(120)));
    world.run_for(secs(14));
    world.node("a").faults().unanswered.clear();
    world.update(guild(1), Update::default().position(secs(20)));
    world.run_for(secs(5));
    let Disturbance::Text(event) = world.track_event(1, "TrackStartEvent", &json!({})) else {
        panic!("an event is a text");
    };
    let mut track = serde_json::from_str::<serde_json::Value>(&event).unwrap()["track"].take();
    track["userData"] = json!({"lavapool": {"play": 77}});
    let state = json!({"time": 1, "position": 125_000, "connected": true, "ping": 1});
    world.node("a").faults().told_instead = Some(json!({
        "guildId": "1", "track": track, "volume": 100, "paused": false, "state": state,
        "voice": {"token": "", "endpoint": "", "sessionId": ""}, "filters": {},
    }));
    let since = world.now();
    let is_looked_at = |world: &World| !world.requests_since("a", since).is_empty();
    world.run_until(is_looked_at, secs(20));
    world.node("a").faults().told_instead = None;
    let place_ms = place_ms(&world);
    world.run_for(millis(100));
    let heard = world.heard_since("a", since);
    let mut places = heard
        .iter()
        .filter_map(|heard| heard.body["position"].as_i64());
    let again_ms = places.next().unwrap() - place_ms;
    assert!((-100..200).contains(&again_ms), "{again_ms} in {heard:?}");
}
