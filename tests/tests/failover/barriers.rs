//! Plays that replace nothing, and requests past the pool's knowledge of a player.

use std::time::Duration;

use lavapool_core::player::Update;
use lavapool_core::protocol::{PlayerPatchBuf, RawJson, TrackEndReason};
use lavapool_core::rest::{Method, Request};
use lavapool_core::{Answer, Command, CommandId, Event, RequestError, Target};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{World, guild, track, track_of};

use super::refused::{refuse_bad, told_since};
use super::{crowded, millis, secs};

const DONE: Option<&Result<Answer, RequestError>> = Some(&Ok(Answer::Done));

#[test]
fn a_play_that_replaces_nothing_leaves_what_plays_and_all_that_came_with_it() {
    let mut world = crowded(1..=1, []);
    let since = world.now();
    let update = Update::play(track("other")).volume(10).no_replace();
    let play = world.update(guild(1), update);
    world.run_for(secs(1));

    assert_eq!(world.answer(play), Some(&Err(RequestError::NotReplaced)));
    assert_eq!(world.requests_since("a", since), Vec::<String>::new());
    assert_eq!(world.player(guild(1)).volume.get(), 100);
}

#[test]
fn a_play_that_replaces_nothing_plays_where_nothing_does() {
    let mut world = crowded(1..=1, []);
    world.update(guild(1), Update::stop());
    let play = world.update(guild(1), Update::play(track("other")).no_replace());
    world.run_for(secs(1));

    assert_eq!(world.answer(play), DONE);
    let playing = world.only_copy(guild(1)).1.track.unwrap();
    assert_eq!(playing.identifier, "https://tracks.test/other");
}

#[test]
fn a_request_past_the_pool_sees_what_was_asked_before_and_nothing_that_was_asked_after() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = millis(50);
    let since = world.now();
    world.update(guild(1), Update::default().volume(10));
    world.update(guild(1), Update::default().paused(true));
    patch_volume(&mut world, 20);
    let raw = raw_volume(&mut world, 30);
    let last = world.update(guild(1), Update::default().volume(40));
    world.update(guild(1), Update::default().paused(false));
    world.run_for(secs(2));

    let heard = world.heard_since("a", since);
    let bodies: Vec<_> = heard.iter().map(|heard| heard.body.to_string()).collect();
    // The first goes out at once; what is asked while it is away merges; the rest waits its turn.
    assert_eq!(
        bodies,
        [
            r#"{"volume":10}"#,
            r#"{"paused":true}"#,
            r#"{"volume":20}"#,
            r#"{"volume":30}"#,
            r#"{"volume":40,"paused":false}"#
        ]
    );
    assert!(matches!(world.answer(raw), Some(Ok(Answer::Rest(_)))));
    assert_eq!(world.answer(last), DONE);
    assert_eq!(world.only_copy(guild(1)).1.volume, 40);
}

#[test]
fn a_request_past_the_pool_that_is_never_answered_holds_nothing_back_for_ever() {
    let mut world = crowded(1..=1, []);
    let silent = world.node("a").faults();
    silent.unanswered.insert(AnswerKind::Player);
    patch_volume(&mut world, 20);
    let late = world.update(guild(1), Update::default().volume(40));
    world.run_for(secs(5));
    assert_eq!(world.answer(late), None);
    world.node("a").faults().unanswered.clear();
    world.run_for(secs(60));

    assert!(world.answer(late).is_some());
    assert_eq!(world.only_copy(guild(1)).1.volume, 40);
}

#[test]
fn a_request_past_the_pool_waits_for_what_was_asked_before_whatever_discord_says() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = millis(500);
    let since = world.now();
    world.update(guild(1), Update::default().volume(10));
    patch_volume(&mut world, 20);
    world.voice_state(guild(1), world.player(guild(1)).channel);
    world.run_for(millis(400));
    assert_eq!(world.requests_since("a", since).len(), 1);
    world.run_for(secs(2));
    assert_eq!(world.only_copy(guild(1)).1.volume, 20);
}

#[test]
fn a_request_that_changes_something_goes_out_though_nobody_waits_for_it_any_more() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = millis(100);
    world.update(guild(1), Update::default().volume(10));
    let given_up = patch_volume(&mut world, 20);
    world.cancel(given_up);
    world.run_for(secs(1));
    assert_eq!(world.only_copy(guild(1)).1.volume, 20);
    assert_eq!(world.answer(given_up), None);
}

#[test]
fn what_is_held_behind_a_request_survives_the_loss_of_its_node() {
    let mut world = crowded(1..=1, ["b"]);
    let since = world.now();
    let slow = world.node("a").faults();
    slow.slow.insert(AnswerKind::Player, secs(5));
    patch_volume(&mut world, 20);
    let late = world.update(guild(1), Update::default().volume(40));
    world.run_for(secs(1));
    world.kill("a");
    world.run_for(secs(30));

    assert_eq!(world.answer(late), DONE);
    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.volume), ("b", 40));
    // It goes along with all the rest.
    let asked = world.requests_since("b", since).into_iter();
    let asked = asked.filter(|what| what == "PATCH players/1");
    assert_eq!(asked.count(), 1);
}

#[test]
fn a_destroyed_player_answers_what_was_held_for_it() {
    let mut world = crowded(1..=1, []);
    let slow = world.node("a").faults();
    slow.slow.insert(AnswerKind::Player, secs(1));
    let raw = patch_volume(&mut world, 20);
    let held = world.update(guild(1), Update::default().volume(40));
    let after = patch_volume(&mut world, 50);
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(10));

    assert_eq!(world.answer(held), Some(&Err(RequestError::Destroyed)));
    assert!(world.answer(raw).is_some() && world.answer(after).is_some());
}

#[test]
fn the_end_of_a_track_is_not_told_while_the_next_is_held_behind_a_request() {
    for (name, told) in [("next", vec![]), ("bad", vec!["Track short".to_owned()])] {
        let mut world = World::builder().nodes(["a"]).connected();
        refuse_bad(&mut world);
        let since = request_before_an_end(&mut world);
        let next = world.play(guild(1), &track(name));
        world.run_for(secs(12));

        assert!(world.answer(next).is_some());
        let told_ends = told_since(&world, since).into_iter();
        let ends = told_ends
            .filter(|(began, _)| !began)
            .map(|(_, title)| title);
        assert_eq!(ends.collect::<Vec<_>>(), told, "{name}");
    }
}

#[test]
fn a_track_that_ends_while_its_stop_is_held_behind_a_request_is_told_to_be_stopped() {
    let mut world = World::builder().nodes(["a"]).connected();
    let since = request_before_an_end(&mut world);
    let stop = world.update(guild(1), Update::stop());
    world.run_for(secs(12));

    assert_eq!(world.answer(stop), DONE);
    let ends = world.events_since(since).filter_map(|event| match event {
        Event::TrackEnd { reason, .. } => Some(reason),
        _ => None,
    });
    assert_eq!(ends.collect::<Vec<_>>(), [&TrackEndReason::Stopped]);
}

#[test]
fn a_request_that_waits_for_what_a_track_was_asked_goes_when_that_track_ends() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.join(guild(1), "us-east");
    world.play(guild(1), &track_of("short", secs(5)));
    world.run_for(millis(4_700));
    world.node("a").faults().fail_next(503, 1);
    world.update(guild(1), Update::default().end_time(secs(60)));
    world.run_for(millis(100));
    let raw = patch_volume(&mut world, 20);
    let is_over = |world: &World| world.player(guild(1)).track.is_none();
    world.run_until(is_over, secs(1));
    let next = world.play(guild(1), &track("next"));
    world.run_for(secs(2));

    assert!(matches!(world.answer(raw), Some(Ok(Answer::Rest(_)))));
    assert_eq!(world.answer(next), DONE);
    let copy = world.only_copy(guild(1)).1;
    assert_eq!(
        (&*copy.track.unwrap().title, copy.volume),
        ("Track next", 20)
    );
}

/// A track has a second left, and a request about its player is on its way for longer. Returns when
/// that was asked for.
fn request_before_an_end(world: &mut World) -> Duration {
    world.join(guild(1), "us-east");
    world.play(guild(1), &track_of("short", secs(5)));
    world.run_for(secs(4));
    let slow = &mut world.node("a").faults().slow;
    slow.insert(AnswerKind::Player, secs(3));
    let since = world.now();
    patch_volume(world, 20);
    since
}

fn patch_volume(world: &mut World, volume: i32) -> CommandId {
    let patch = PlayerPatchBuf {
        volume: Some(volume.try_into().unwrap()),
        ..PlayerPatchBuf::default()
    };
    let request = Request::UpdatePlayer {
        guild: guild(1),
        no_replace: false,
        patch,
    };
    submit(world, request)
}

pub(super) fn raw_volume(world: &mut World, volume: i32) -> CommandId {
    let body = format!(r#"{{"volume":{volume}}}"#);
    let request = Request::Raw {
        method: Method::PATCH,
        path: "/v4/sessions/{session}/players/1".to_owned(),
        body: Some(RawJson::parse(&body).unwrap()),
    };
    submit(world, request)
}

fn submit(world: &mut World, request: Request) -> CommandId {
    let node = Target::Node(world.id("a"));
    world.submit(Command::Rest { node, request })
}
