//! What a node has begun, and was lost before its answer came.

use std::time::Duration;

use lavapool_core::player::Update;
use lavapool_core::{Answer, CommandId, Event, RequestError};
use lavapool_tests::node::{AnswerKind, Failure};
use lavapool_tests::world::{Bite, Bitten, Heard, World, guild, track};

use super::refused::refuse_bad;
use super::requests::load;
use super::vanished::forget_player;
use super::{crowded, millis, secs, title, unanswered};

#[test]
fn a_play_that_turns_out_to_have_begun_is_not_sought_back() {
    let mut world = crowded(1..=1, []);
    let play = lose_before_the_answer(&mut world, "next", secs(8));
    let since = world.now();
    world.run_until(|world| world.answer(play).is_some(), secs(10));
    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
    world.run_for(secs(3));
    let heard = world.heard_since("a", since);
    let sought = heard.iter().find(|heard| !heard.body["position"].is_null());
    assert_eq!(sought, None);
}

#[test]
fn a_play_that_turns_out_to_have_begun_is_what_a_refused_one_goes_back_to() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    lose_before_the_answer(&mut world, "next", secs(8));
    refuse_a_play_after_the_list(&mut world);
    assert_eq!(title(&world), Some("Track next".into()));
    assert_eq!(shown(&world), Some("Track next".into()));
}

#[test]
fn a_play_that_its_node_turns_out_to_have_begun_again_is_what_a_refused_one_goes_back_to() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    forget_player(&mut world);
    // It is made again, as soon as its node has said that it does not have it.
    let since = world.now();
    let is_listed = |world: &World| {
        let mut heard = world.heard_since("a", since).into_iter();
        heard.any(|heard| heard.what == "GET players" && heard.status == Some(200))
    };
    world.run_until(is_listed, secs(5));
    world.run_for(Duration::ZERO);
    bite_next(&mut world);
    world.run_until(|world| world.guilds_on("a") == [1], secs(1));
    refuse_a_play_after_the_list(&mut world);
    assert_eq!(title(&world), Some("Track new".into()));
    assert_eq!(shown(&world), Some("Track new".into()));
}

#[test]
fn a_refused_play_goes_back_though_another_had_begun_before_a_loss_and_no_list_shows_it() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    lose_before_the_answer(&mut world, "between", millis(100));
    fail_to_list(&mut world);
    let bad = world.play(guild(1), &track("bad"));
    world.run_until(|world| world.answer(bad).is_some(), secs(10));
    world.run_for(secs(1));
    assert_eq!(shown(&world), Some("Track 1".into()));
    assert_eq!(title(&world), Some("Track 1".into()));
}

#[test]
fn what_came_with_a_refused_play_is_set_back_though_its_first_answer_was_lost() {
    let mut world = crowded(1..=1, []);
    refuse_bad(&mut world);
    world.update(guild(1), Update::default().volume(80));
    world.run_for(secs(1));
    bite_next(&mut world);
    let bad = Update::play(track("bad")).volume(50).paused(true);
    let bad = world.update(guild(1), bad);
    // Its report is the first that it says then.
    world.refuse("a", true);
    world.run_until(|world| world.only_copy(guild(1)).1.volume == 50, secs(1));
    world.drop_connections("a");
    world.refuse("a", false);
    world.run_until(|world| world.answer(bad).is_some(), secs(20));
    world.run_for(secs(3));
    let (view, copy) = (world.player(guild(1)), world.only_copy(guild(1)).1);
    assert_eq!((view.volume.get(), copy.volume), (80, 80));
    assert_eq!((view.paused, copy.paused), (false, false));
}

#[test]
fn a_play_without_an_answer_is_looked_for_before_it_is_sent_again_though_no_list_can_be_read() {
    let mut world = crowded(1..=1, []);
    let since = world.now();
    let play = lose_before_the_answer(&mut world, "between", millis(100));
    fail_to_list(&mut world);
    world.run_until(|world| world.answer(play).is_some(), secs(10));
    let heard = world.heard_since("a", since);
    let plays = heard
        .iter()
        .filter(|heard| heard.body["track"]["encoded"].is_string());
    assert_eq!(plays.count(), 1);
}

#[test]
fn a_play_without_an_answer_is_not_sent_again_unasked_when_its_move_comes_to_nothing() {
    let mut world = crowded(1..=1, ["b"]);
    let since = world.now();
    unanswered(&mut world, "b", AnswerKind::Voice);
    let play = lose_before_the_answer(&mut world, "next", secs(1));
    world.run_until(|world| world.answer(play).is_some(), secs(60));
    world.run_for(secs(3));
    assert_eq!(world.only_copy(guild(1)).0, "a");
    assert_eq!(title(&world), Some("Track next".into()));
    let heard = world.heard_since("a", since);
    let plays = |heard: &&Heard| heard.body["track"]["encoded"].is_string();
    assert_eq!(heard.iter().filter(plays).count(), 1, "{heard:?}");
    let seeks = |heard: &&Heard| heard.body["position"].is_u64() && !plays(heard);
    assert_eq!(heard.iter().find(seeks), None);
}

#[test]
fn a_play_that_has_begun_is_not_sought_back_when_its_session_is_not_known_for_a_while() {
    let mut world = crowded(1..=1, []);
    let since = world.now();
    world.node("a").faults().lost.insert(AnswerKind::Player);
    let play = world.play(guild(1), &track("next"));
    world.run_until(|world| title(world) == Some("Track next".into()), secs(1));
    world.node("a").faults().lost.clear();
    world.node("a").faults().sessions_unknown = true;
    let is_lost = |world: &World| {
        let mut events = world.events_since(since);
        events.any(|event| matches!(event, Event::NodeDisconnected { .. }))
    };
    world.run_until(is_lost, secs(10));
    world.node("a").faults().sessions_unknown = false;
    world.run_until(|world| world.answer(play).is_some(), secs(10));
    world.run_for(secs(3));
    let heard = world.heard_since("a", since);
    let places = heard
        .iter()
        .filter(|heard| !heard.body["position"].is_null());
    assert_eq!(places.count(), 1, "{heard:?}");
}

#[test]
fn a_seek_that_was_asked_for_while_a_play_was_under_way_is_not_lost_with_its_answer() {
    let mut world = crowded(1..=1, []);
    world.node("a").faults().lost.insert(AnswerKind::Player);
    world.play(guild(1), &track("next"));
    let seek = world.update(guild(1), Update::default().position(secs(60)));
    world.run_until(|world| title(world) == Some("Track next".into()), secs(1));
    world.node("a").faults().lost.clear();
    world.run_until(|world| world.answer(seek).is_some(), secs(20));
    assert_eq!(world.answer(seek), Some(&Ok(Answer::Done)));
    let (_, copy) = world.only_copy(guild(1));
    assert!(copy.content_ms >= 60_000, "{}", copy.content_ms);
}

/// The list of the players of the only node cannot be read once.
fn fail_to_list(world: &mut World) {
    world.node("a").faults().failures.push(Failure {
        method: Some("GET".to_owned()),
        path: Some("/players".to_owned()),
        times: Some(1),
        ..Failure::always(500)
    });
}

/// Plays a track that the only node begins, and which is lost for a while before it has said so.
fn lose_before_the_answer(world: &mut World, name: &str, time: Duration) -> CommandId {
    bite_next(world);
    let play = world.play(guild(1), &track(name));
    world.refuse("a", true);
    world.run_for(time);
    world.refuse("a", false);
    assert_eq!(title(world), Some(format!("Track {name}")));
    assert_eq!(world.answer(play), None);
    play
}

/// The WebSocket of the only node ends under the next that it says there, which is before it
/// answers what that is about.
fn bite_next(world: &mut World) {
    let bite = Bite {
        place: 0,
        how: Bitten::Reset,
        lives_for: Duration::ZERO,
    };
    world.bite("a", bite);
}

/// The only node is lost; a play is refused that is asked for when it has just listed its players
/// again, and is yet to be sent something else.
fn refuse_a_play_after_the_list(world: &mut World) {
    world.update(guild(1), Update::default().volume(50));
    let slow = &mut world.node("a").faults().slow;
    slow.insert(AnswerKind::Player, millis(500));
    slow.insert(AnswerKind::Voice, millis(500));
    let since = world.now();
    let is_sent = |world: &World| {
        let heard = world.heard_since("a", since);
        heard.iter().any(|heard| !heard.body["volume"].is_null())
    };
    world.run_until(is_sent, secs(10));
    let bad = world.play(guild(1), &track("bad"));
    world.run_for(secs(5));
    assert!(matches!(
        world.answer(bad),
        Some(Err(RequestError::Rejected { .. }))
    ));
}

/// What the application sees that the player plays.
fn shown(world: &World) -> Option<String> {
    let track = world.player(guild(1)).track;
    track.map(|track| track.info.title.clone())
}

#[test]
fn a_node_that_fails_three_times_to_list_its_players_is_asked_once_more() {
    let mut world = crowded(1..=1, []);
    let since = world.now();
    world.node("a").faults().failures.push(Failure {
        path: Some("/players".into()),
        times: Some(3),
        ..Failure::always(503)
    });
    world.drop_connections("a");
    world.run_for(secs(20));
    assert_eq!(world.requests_since("a", since)[..4], ["GET players"; 4]);
}

#[test]
fn a_node_that_lists_no_players_is_told_what_they_are_to_be_though_it_answers_all_else() {
    let mut world = crowded(1..=1, []);
    world.node("a").faults().failures.push(Failure {
        method: Some("GET".into()),
        path: Some("/players".into()),
        ..Failure::always(503)
    });
    world.drop_connections("a");
    world.run_for(secs(1));
    let volume = world.update(guild(1), Update::default().volume(40));
    for _ in 0..20 {
        world.submit(load());
        world.run_for(millis(500));
    }
    assert_eq!(world.answer(volume), Some(&Ok(Answer::Done)));
}
