//! Plays that are refused, and what goes on in their place.

use std::time::Duration;

use lavapool_core::player::{Source, Update};
use lavapool_core::protocol::Filters;
use lavapool_core::{Answer, Event, RequestError};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{Direction, Weather, World, guild, track, track_of};
use serde_json::json;

use super::{crowded, millis, secs, send_to, title, unanswered};

#[test]
fn after_a_refused_play_the_one_before_goes_on_though_another_may_have_begun_between() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    let (since, before) = (world.now(), world.position(guild(1)));
    begin_unanswered(&mut world, "between");
    let play = world.play(guild(1), &track("bad"));
    world.run_for(secs(2));
    assert!(matches!(
        world.answer(play),
        Some(Err(RequestError::Rejected { .. }))
    ));
    assert_eq!(title(&world), Some("Track 1".into()));
    // Nobody heard it in the meantime.
    let passed = world.position(guild(1)) - before;
    assert!(passed < secs(2), "{passed:?}");
    let told = told_since(&world, since);
    assert_eq!(told.last(), Some(&(true, "Track 1".into())), "{told:?}");
}

#[test]
fn after_a_refused_play_nothing_plays_if_nothing_did_though_another_may_have_begun_between() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    world.update(guild(1), Update::stop());
    world.run_for(secs(1));
    begin_unanswered(&mut world, "between");
    world.play(guild(1), &track("bad"));
    world.run_for(secs(2));
    assert_eq!(title(&world), None);
    assert!(!world.player(guild(1)).playing);
}

#[test]
fn a_refused_play_whose_first_socket_died_disturbs_nothing() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    let (since, before) = (world.now(), world.position(guild(1)));
    let play = world.play(guild(1), &track("bad"));
    world.end_rest("a");
    world.run_for(secs(2));
    assert!(matches!(
        world.answer(play),
        Some(Err(RequestError::Rejected { .. }))
    ));
    assert_eq!(told_since(&world, since), []);
    // It was looked whether the play had begun, and it was sent twice; nothing else was.
    let asked = world.requests_since("a", since);
    let asked: Vec<_> = asked.iter().map(|what| &what[..3]).collect();
    assert_eq!(asked, ["GET", "PAT", "PAT"]);
    let passed = world.position(guild(1)) - before;
    assert!(passed > millis(1_900), "{passed:?}");
}

#[test]
fn the_end_of_a_track_whose_successor_is_refused_is_told() {
    let mut world = World::builder().nodes(["a"]).connected();
    refuse_bad(&mut world);
    world.join(guild(1), "us-east");
    world.play(guild(1), &track_of("short", secs(20)));
    world.run_for(millis(19_900));
    let since = world.now();
    let slow = &mut world.node("a").faults().slow;
    slow.insert(AnswerKind::Player, secs(1));
    world.play(guild(1), &track("bad"));
    world.run_for(secs(5));
    assert_eq!(told_since(&world, since), [(false, "Track short".into())]);
    assert!(!world.player(guild(1)).playing);
}

#[test]
fn a_refused_play_on_the_next_node_does_not_bring_back_what_was_stopped_on_the_last() {
    let mut world = crowded(1..=1, ["b"]);
    refuse_bad_on(&mut world, "b");
    world.update(guild(1), Update::default().volume(50));
    world.run_for(secs(1));
    unanswered(&mut world, "a", AnswerKind::Player);
    world.update(guild(1), Update::stop());
    world.run_for(millis(100));
    world.node("b").config().latency.voice = millis(500);
    world.kill("a");
    world.run_for(millis(300));
    world.play(guild(1), &track("bad"));
    world.run_for(secs(5));
    assert_eq!(title(&world), None);
    assert!(!world.player(guild(1)).playing);
}

#[test]
fn a_track_that_was_stopped_does_not_come_back_after_a_refused_play() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    let since = world.now();
    stop_unanswered(&mut world);
    world.node("a").faults().lost.clear();
    world.play(guild(1), &track("bad"));
    world.run_for(secs(5));
    assert_eq!(title(&world), None);
    assert!(!world.player(guild(1)).playing);
    assert_eq!(told_since(&world, since), [(false, "Track 1".into())]);
}

#[test]
fn the_end_of_a_stopped_track_is_told_once_though_the_next_play_is_refused() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    let since = world.now();
    stop_unanswered(&mut world);
    play_bad_unanswered(&mut world);
    world.run_for(secs(10));
    assert!(!world.player(guild(1)).playing);
    assert_eq!(told_since(&world, since), [(false, "Track 1".into())]);
}

#[test]
fn the_end_of_a_replaced_track_is_told_once_though_nothing_plays_when_the_next_is_refused() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    let since = world.now();
    // A short one takes its place, of which no answer comes, and is over when that is looked for.
    world.node("a").faults().lost.insert(AnswerKind::Player);
    world.play(guild(1), &track_of("short", secs(1)));
    world.run_for(millis(500));
    play_bad_unanswered(&mut world);
    world.run_for(secs(10));
    assert!(!world.player(guild(1)).playing);
    let told = told_since(&world, since);
    let ends = told
        .iter()
        .filter(|what| **what == (false, "Track 1".into()));
    assert_eq!(ends.count(), 1, "{told:?}");
}

#[test]
fn an_end_of_an_unknown_kind_of_a_track_whose_successor_is_refused_is_an_end() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    let since = world.now();
    let reason = json!({"reason": "vanished"});
    let end = world.track_event(1, "TrackEndEvent", &reason);
    let bad = world.play(guild(1), &track("bad"));
    world.disturb("a", &end);
    world.run_until(|world| world.answer(bad).is_some(), secs(2));
    assert!(!world.player(guild(1)).playing);
    assert_eq!(told_since(&world, since), [(false, "Track 1".into())]);
}

#[test]
fn a_track_that_begins_when_the_next_is_asked_for_is_told_to_have_begun_if_that_is_refused() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    let since = world.now();
    world.play(guild(1), &track("other"));
    let bad = world.play(guild(1), &track("bad"));
    world.run_until(|world| world.answer(bad).is_some(), secs(2));
    world.run_for(secs(1));
    assert_eq!(title(&world), Some("Track other".into()));
    let told = [(false, "Track 1".into()), (true, "Track other".into())];
    assert_eq!(told_since(&world, since), told);
}

#[test]
fn a_track_that_fails_before_its_play_is_answered_is_told_to_be_over_if_the_next_is_refused() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    let since = world.now();
    world.play(guild(1), &track("other?fails"));
    let bad = world.play(guild(1), &track("bad"));
    world.run_until(|world| world.answer(bad).is_some(), secs(2));
    assert!(!world.player(guild(1)).playing);
    let told = [
        (false, "Track 1".into()),
        (false, "Track other?fails".into()),
    ];
    assert_eq!(told_since(&world, since), told);
}

#[test]
fn a_track_that_ends_while_its_volume_is_on_its_way_is_told_to_end_as_it_was_played() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    let short = track_of("short", secs(10));
    world.play(guild(1), &short);
    world.run_for(millis(9_500));
    world.node("a").config().latency.player = secs(1);
    let since = world.now();
    world.update(guild(1), Update::default().volume(40));
    world.run_for(millis(10));
    let bad = world.play(guild(1), &track("bad"));
    world.run_until(|world| world.answer(bad).is_some(), secs(5));
    world.run_for(secs(5));

    let ends = world.events_since(since).filter_map(|event| match event {
        Event::TrackEnd { track, .. } => Some(track.encoded.clone()),
        _ => None,
    });
    let ends: Vec<_> = ends.collect();
    assert_eq!(ends, std::slice::from_ref(&short.encoded));
    let told = world.heard_since("a", since);
    let stops = told
        .iter()
        .filter(|told| told.body["track"]["encoded"].is_null());
    assert_eq!(
        stops.filter(|told| !told.body["track"].is_null()).count(),
        0,
        "{told:?}"
    );
}

#[test]
fn a_track_that_ends_before_its_move_is_answered_is_told_to_be_over_if_the_next_is_refused() {
    // Which of the two comes first is up to the network.
    for seed in 0..16 {
        let weather = Weather {
            seed,
            jitter_max: millis(200),
            ..Weather::default()
        };
        let builder = World::builder().node("a", |_| {}).weather(weather);
        let mut world = builder.node("b", |node| node.is_known = false).connected();
        world.fill(1..=1);
        world.add_node("b");
        world.run_for(secs(11));
        refuse_bad_on(&mut world, "b");
        world.play(guild(1), &track_of("short", secs(20)));
        world.run_for(secs(1));
        let since = world.now();
        world.kill("a");
        world.update(guild(1), Update::default().position(secs(20)));
        let is_moving = |world: &World| !world.heard_since("b", since).is_empty();
        world.run_until(is_moving, secs(5));
        let bad = world.play(guild(1), &track("bad"));
        world.run_until(|world| world.answer(bad).is_some(), secs(5));
        world.run_for(secs(1));
        assert!(!world.player(guild(1)).playing, "{seed}");
        let told = told_since(&world, since);
        assert_eq!(told, [(false, "Track short".into())], "{seed}");
    }
}

#[test]
fn a_track_that_nobody_heard_begin_before_the_next_was_refused_is_told_to_begin_where_it_moves() {
    let mut world = crowded(1..=1, ["b"]);
    refuse_bad(&mut world);
    // Its WebSocket falls silent, and what it is asked is answered all the same.
    world.end_rest("a");
    world.run_for(millis(100));
    world.mute("a", Direction::ToPool);
    let since = world.now();
    for name in ["next", "bad"] {
        let play = world.play(guild(1), &track(name));
        world.run_until(|world| world.answer(play).is_some(), secs(2));
    }
    world.kill("a");
    world.run_for(secs(90));
    assert_eq!(title(&world), Some("Track next".into()));
    assert_eq!(told_since(&world, since), [(true, "Track next".into())]);
}

#[test]
fn a_track_that_goes_on_after_the_next_began_elsewhere_and_was_refused_is_not_told_to_begin_again()
{
    let mut world = crowded(1..=1, ["b"]);
    refuse_bad_on(&mut world, "a");
    let since = world.now();
    world
        .node("a")
        .faults()
        .slow
        .insert(AnswerKind::Player, secs(1));
    world.update(guild(1), Update::default().volume(50));
    let bad = world.play(guild(1), &track("bad"));
    let lost = &mut world.node("b").faults().lost;
    lost.extend([AnswerKind::Voice, AnswerKind::Player]);
    send_to(&mut world, "b");
    world.run_until(|world| world.answer(bad).is_some(), secs(20));
    world.node("b").faults().lost.clear();
    world.run_for(secs(5));
    send_to(&mut world, "b");
    world.run_for(secs(5));
    assert_eq!(world.only_copy(guild(1)).0, "b");
    assert_eq!(title(&world), Some("Track 1".into()));
    assert_eq!(told_since(&world, since), [(true, "Track bad".into())]);
}

/// No node begins the track that is called bad.
pub(super) fn refuse_bad(world: &mut World) {
    refuse_bad_on(world, "a");
}

pub(super) fn refuse_bad_on(world: &mut World, name: &str) {
    let refused = "https://tracks.test/bad".to_owned();
    world.node(name).faults().rejected_tracks.insert(refused);
}

/// What was told of tracks: whether they began, or ended.
pub(super) fn told_since(world: &World, since: Duration) -> Vec<(bool, String)> {
    let told = world.events_since(since).filter_map(|event| match event {
        Event::TrackStart { track, .. } => Some((true, track.info.title.clone())),
        Event::TrackEnd { track, .. } => Some((false, track.info.title.clone())),
        _ => None,
    });
    told.collect()
}

/// Plays a track that the only node begins, but of which it does not say so.
pub(super) fn begin_unanswered(world: &mut World, name: &str) {
    world.node("a").faults().lost.insert(AnswerKind::Player);
    world.play(guild(1), &track(name));
    world.run_for(millis(500));
    world.node("a").faults().lost.clear();
    assert_eq!(title(world), Some(format!("Track {name}")));
}

#[test]
fn what_a_500_may_have_left_half_done_is_set_back_and_what_a_400_says_is_not_done() {
    for (status, expected) in [(500, vec![70, 70, 50]), (400, vec![70])] {
        let mut world = crowded(1..=1, []);
        world.update(guild(1), Update::default().volume(50));
        world.run_for(secs(1));
        let since = world.now();
        world.node("a").faults().fail_next(status, 2);
        world.update(guild(1), Update::default().volume(70));
        world.run_for(millis(500));
        world.node("a").faults().failures.clear();
        world.run_for(secs(2));

        let heard = world.heard_since("a", since);
        let volumes = heard
            .iter()
            .filter_map(|heard| heard.body["volume"].as_i64());
        assert_eq!(volumes.collect::<Vec<_>>(), expected, "{status}");
        assert_eq!(world.player(guild(1)).volume.get(), 50, "{status}");
    }
}

#[test]
fn a_refusal_takes_back_to_what_was_confirmed_while_the_refused_waited() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = millis(200);
    world.update(guild(1), Update::default().volume(50));
    world.run_for(millis(100));
    world.update(guild(1), Update::default().volume(70));
    world.run_until(|world| world.only_copy(guild(1)).1.volume == 50, secs(1));
    world.node("a").faults().fail_next(400, 1);
    world.run_for(secs(2));
    assert_eq!(world.player(guild(1)).volume.get(), 50);
    assert_eq!(world.only_copy(guild(1)).1.volume, 50);
}

#[test]
fn what_went_with_a_refused_play_and_was_asked_for_by_itself_is_set_without_it() {
    let mut world = World::builder().nodes(["a"]).build();
    world.refuse("a", true);
    refuse_bad(&mut world);
    world.join(guild(1), "us-east");
    let volume = world.update(guild(1), Update::default().volume(30));
    let filters = Filters::new().with_volume(0.5);
    let play = world.update(guild(1), Update::play(track("bad")).filters(filters));
    let pause = world.update(guild(1), Update::default().paused(true));
    world.refuse("a", false);
    world.run_for(secs(20));
    assert!(matches!(
        world.answer(play),
        Some(Err(RequestError::Rejected { .. }))
    ));
    let done = Some(&Ok(Answer::Done));
    assert_eq!(
        [volume, pause].map(|command| world.answer(command)),
        [done; 2]
    );
    let there = world.only_copy(guild(1)).1;
    assert_eq!((there.volume, there.paused), (30, true));
    assert_eq!(there.filters, json!({}));
}

#[test]
fn of_a_refused_command_nothing_is_done_that_was_not_sent_with_the_rest_of_it() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    world.node("a").config().latency.player = millis(100);
    world.node("a").faults().fail_next(500, 1);
    world.play(guild(1), &track("first"));
    world.run_for(millis(50));
    // What failed once goes again alone, with the track of now.
    let update = Update::play(track("bad")).volume(30).paused(true);
    let play = world.update(guild(1), update);
    world.run_for(secs(5));
    assert!(matches!(
        world.answer(play),
        Some(Err(RequestError::Rejected { .. }))
    ));
    let there = world.only_copy(guild(1)).1;
    assert_eq!((there.volume, there.paused), (100, false));
    let view = world.player(guild(1));
    assert_eq!((view.volume.get(), view.paused), (100, false));
}

#[test]
fn a_play_that_is_asked_for_while_a_target_refuses_the_one_before_is_played_there() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = millis(500);
    world.node("b").faults().fail_next(400, 1);
    world.kill("a");
    world.run_for(millis(300));
    let play = world.play(guild(1), &track("good"));
    world.run_for(secs(10));
    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
    assert_eq!(title(&world), Some("Track good".into()));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

#[test]
fn what_is_wanted_though_nobody_waits_for_it_outlives_a_refused_play() {
    let mut world = World::builder().nodes(["a"]).build();
    world.refuse("a", true);
    refuse_bad(&mut world);
    world.join(guild(1), "us-east");
    let volume = world.update(guild(1), Update::default().volume(30));
    world.run_for(secs(31));
    assert!(matches!(
        world.answer(volume),
        Some(Err(RequestError::Unconfirmed(_)))
    ));
    world.play(guild(1), &track("bad"));
    world.refuse("a", false);
    world.run_for(secs(29));
    assert_eq!(world.player(guild(1)).volume.get(), 30);
    assert_eq!(world.only_copy(guild(1)).1.volume, 30);
}

#[test]
fn a_play_after_one_that_failed_once_has_a_second_try_of_its_own() {
    let mut world = crowded(1..=1, []);
    world.node("a").faults().fail_next(500, 2);
    world.play(guild(1), &track("first"));
    world.run_for(millis(100));
    let play = world.play(guild(1), &track("second"));
    world.run_for(secs(2));
    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
    assert_eq!(title(&world), Some("Track second".into()));
}

#[test]
fn a_refused_play_goes_back_to_what_an_identifier_led_to() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    let found = Update::play(Source::identifier("https://tracks.test/found"));
    world.update(guild(1), found);
    world.play(guild(1), &track("bad"));
    world.run_for(secs(3));
    assert_eq!(title(&world), Some("Track found".into()));
    let shown = world.player(guild(1)).track;
    assert_eq!(shown.map(|track| track.info.title.clone()), title(&world));
}

/// Stops what the only node plays, which says that it has ended, but does not answer.
fn stop_unanswered(world: &mut World) {
    world.node("a").faults().lost.insert(AnswerKind::Player);
    world.update(guild(1), Update::stop());
    world.run_for(millis(500));
    assert_eq!(title(world), None);
}

/// Plays the bad track, of which no answer comes at first: whether it has begun is looked at.
fn play_bad_unanswered(world: &mut World) {
    let since = world.now();
    world.play(guild(1), &track("bad"));
    let is_asked = |world: &World| {
        let heard = world.heard_since("a", since);
        heard
            .iter()
            .any(|heard| !heard.body["track"]["encoded"].is_null())
    };
    world.run_until(is_asked, secs(5));
    world.node("a").faults().lost.clear();
}
