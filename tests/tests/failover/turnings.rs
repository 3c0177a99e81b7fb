//! Players that turn back on their way, to a node where they still play.

use lavapool_core::player::{Place, Update};
use lavapool_core::{Command, Event, NodeFailure, RequestError};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{Answered, Direction, World, guild, track, track_of};
use serde_json::json;

use super::refused::{refuse_bad, refuse_bad_on, told_since};
use super::vanished::vanish;
use super::{away_for, crowded, millis, moves_since, secs, send_to, title, unanswered};

#[test]
fn a_player_that_one_target_refuses_stays_where_it_plays_again() {
    let mut world = crowded(1..=1, ["b", "c"]);
    refused_on_the_way(&mut world, &["b"], 0);
}

#[test]
fn a_player_that_one_target_refuses_does_not_go_to_another_while_it_plays() {
    let mut world = crowded(1..=1, ["b", "c"]);
    refused_on_the_way(&mut world, &["b"], 5);
}

#[test]
fn a_track_that_no_target_begins_goes_on_where_it_plays_again() {
    let mut world = crowded(1..=1, ["b", "c"]);
    refused_on_the_way(&mut world, &["b", "c"], 5);
}

#[test]
fn a_track_that_was_dropped_on_the_way_does_not_play_on_where_the_player_returns_to() {
    let mut world = crowded(1..=1, ["b", "c"]);
    refuse_on(&mut world, "b");
    refuse_on(&mut world, "c");
    world.drop_connections("a");
    world.refuse("a", true);
    world.run_until(is_dropped, secs(2));
    let slow = &mut world.node("c").faults().slow;
    slow.insert(AnswerKind::Voice, secs(10));
    world.refuse("a", false);
    world.run_for(secs(4));
    world.kill("c");
    world.run_for(secs(5));
    assert!(!world.player(guild(1)).playing);
    assert_eq!(title(&world), None);
}

#[test]
fn a_track_that_its_node_has_lost_and_no_node_begins_is_told_to_be_unplayable() {
    let mut world = crowded(1..=1, ["b"]);
    vanish(&mut world);
    for name in ["a", "b"] {
        let refused = "https://tracks.test/new".to_owned();
        world.node(name).faults().rejected_tracks.insert(refused);
    }
    let slow = &mut world.node("b").faults().slow;
    slow.insert(AnswerKind::Voice, secs(3));
    world.submit(Command::Reconnect(world.id("a")));
    away_for(&mut world, "a", millis(200));
    world.run_for(secs(20));
    assert!(is_dropped(&world));
    assert!(!world.player(guild(1)).playing);
}

#[test]
fn a_player_that_its_node_has_lost_goes_back_there_as_it_would_to_another() {
    let mut world = crowded(1..=1, ["b"]);
    vanish(&mut world);
    let refused = "https://tracks.test/new".to_owned();
    world.node("b").faults().rejected_tracks.insert(refused);
    let slow = &mut world.node("b").faults().slow;
    slow.insert(AnswerKind::Voice, secs(3));
    world.submit(Command::Reconnect(world.id("a")));
    let since = world.now();
    away_for(&mut world, "a", millis(200));
    world.run_for(secs(20));
    let back = (guild(1), "a".to_owned(), "a".to_owned());
    assert_eq!(moves_since(&world, since), [back]);
    assert_eq!(title(&world), Some("Track new".into()));
}

#[test]
fn a_play_that_had_begun_unanswered_before_a_move_is_not_forgotten() {
    let mut world = crowded(1..=1, ["b"]);
    refuse_bad(&mut world);
    refuse_bad_on(&mut world, "b");
    world.update(guild(1), Update::stop());
    world.run_for(secs(1));
    let slow = &mut world.node("b").faults().slow;
    slow.insert(AnswerKind::Voice, secs(1));
    world.hold("a", Direction::ToPool, secs(3));
    world.play(guild(1), &track("between"));
    world.run_for(millis(500));
    assert_eq!(title(&world), Some("Track between".into()));
    let bad = world.play(guild(1), &track("bad"));
    send_to(&mut world, "b");
    world.run_until(|world| world.answer(bad).is_some(), secs(30));
    world.run_for(secs(5));
    assert_eq!(title(&world), None);
    assert!(!world.player(guild(1)).playing);
}

#[test]
fn a_play_that_its_node_does_late_is_not_sent_again_when_its_move_comes_to_nothing() {
    let mut world = crowded(1..=1, ["b"]);
    let late = "https://tracks.test/late".to_owned();
    world.node("b").faults().rejected_tracks.insert(late);
    let slow = &mut world.node("a").faults().slow;
    slow.insert(AnswerKind::Player, secs(8));
    let since = world.now();
    world.play(guild(1), &track("late"));
    world.run_for(millis(100));
    world.node("a").faults().slow.clear();
    send_to(&mut world, "b");
    world.run_for(secs(20));
    let heard = world.heard_since("a", since);
    let plays = heard.iter().filter(|heard| heard.body["track"].is_object());
    assert_eq!(plays.count(), 1, "{heard:?}");
    assert_eq!(world.only_copy(guild(1)).0, "a");
    assert_eq!(title(&world), Some("Track late".into()));
}

#[test]
fn a_track_that_ended_where_its_player_returns_to_is_over() {
    let mut world = crowded(1..=1, ["b"]);
    world.update(guild(1), Update::play(track_of("short", secs(6))));
    world.run_for(secs(1));
    let on = world.only_copy(guild(1)).0;
    assert_eq!(on, "a");
    unanswered(&mut world, "b", AnswerKind::Voice);
    let since = world.now();
    away_for(&mut world, "a", secs(2));
    world.run_for(secs(40));
    assert!(!world.player(guild(1)).playing);
    assert_eq!(told_since(&world, since), [(false, "Track short".into())]);
}

#[test]
fn a_track_that_ended_where_its_player_returns_to_is_over_when_the_target_is_lost() {
    let mut world = crowded(1..=1, ["b"]);
    world.update(guild(1), Update::play(track_of("short", secs(6))));
    world.run_for(secs(1));
    unanswered(&mut world, "b", AnswerKind::Voice);
    let since = world.now();
    away_for(&mut world, "a", secs(2));
    world.run_for(secs(5));
    world.kill("b");
    world.run_for(secs(40));
    assert!(!world.player(guild(1)).playing);
    assert_eq!(told_since(&world, since), [(false, "Track short".into())]);
}

#[test]
fn a_track_that_its_node_has_stopped_is_played_again_where_its_move_comes_to_nothing() {
    let mut world = crowded(1..=1, ["b"]);
    unanswered(&mut world, "b", AnswerKind::Voice);
    let stopped = world.track_event(1, "TrackEndEvent", &json!({"reason": "stopped"}));
    world.disturb("a", &stopped);
    world.run_for(secs(1));
    let since = world.now();
    send_to(&mut world, "b");
    world.run_for(secs(40));
    let heard = world.heard_since("a", since);
    assert!(heard.iter().any(|heard| heard.body["track"].is_object()));
    assert_eq!(title(&world), Some("Track 1".into()));
}

#[test]
fn a_play_that_both_nodes_of_a_move_refuse_leaves_alone_what_plays() {
    let mut world = crowded(1..=1, ["b"]);
    // There is a socket to the node on which something was answered.
    play_on(&mut world, "b", 2);
    world.run_for(secs(1));
    refuse_bad(&mut world);
    refuse_bad_on(&mut world, "b");
    let (since, before) = (world.now(), world.position(guild(1)));
    unanswered(&mut world, "b", AnswerKind::Voice);
    send_to(&mut world, "b");
    let bad = world.play(guild(1), &track("bad"));
    world.run_for(millis(10));
    world.end_rest("b");
    world.node("b").faults().unanswered.clear();
    world.run_for(secs(5));
    assert!(matches!(
        world.answer(bad),
        Some(Err(RequestError::Rejected { .. }))
    ));
    assert_eq!(told_since(&world, since), []);
    let passed = world.position(guild(1)) - before;
    assert!(passed > millis(4_900), "{passed:?}");
}

#[test]
fn what_a_target_does_not_have_goes_on_where_the_player_returns_to() {
    let mut world = crowded(1..=1, ["b"]);
    // There is a socket to the node on which something was answered.
    play_on(&mut world, "b", 2);
    world.run_for(secs(1));
    refuse_bad(&mut world);
    refuse_bad_on(&mut world, "b");
    let since = world.now();
    // It makes a player without a track, and does not say so.
    world.node("b").faults().lost.insert(AnswerKind::Voice);
    world.play(guild(1), &track("bad"));
    send_to(&mut world, "b");
    world.run_for(millis(3));
    world.node("b").faults().lost.clear();
    world.run_for(secs(5));
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.audible), ("a", true));
    assert_eq!(title(&world), Some("Track 1".into()));
    let shown = world.player(guild(1)).track;
    assert_eq!(shown.map(|track| track.info.title.clone()), title(&world));
    assert_eq!(told_since(&world, since), []);
}

/// The node of guild 1 is lost, and back while the next one thinks about its track, which these
/// refuse: the player stays, and nothing interrupts it, though its node gets so many others.
fn refused_on_the_way(world: &mut World, by: &[&str], others: u64) {
    for name in by {
        refuse_on(world, name);
    }
    let slow = &mut world.node("b").faults().slow;
    slow.insert(AnswerKind::Voice, secs(3));
    let since = world.now();
    away_for(world, "a", millis(200));
    world.run_for(secs(3));
    assert_eq!(world.requests_since("b", since), ["PATCH players/1"]);
    for number in 2..2 + others {
        play_on(world, "a", number);
    }
    world.run_for(secs(20));
    let heard = world.heard_since("a", since);
    let patch = heard.iter().find(|heard| heard.what == "PATCH players/1");
    assert_eq!(patch, None);
    assert_eq!(world.requests_since("c", since), [""; 0]);
    assert_eq!(moves_since(world, since), []);
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.audible), ("a", true));
}

/// A node does not begin the track of guild 1.
fn refuse_on(world: &mut World, name: &str) {
    let refused = "https://tracks.test/1".to_owned();
    world.node(name).faults().rejected_tracks.insert(refused);
}

fn is_dropped(world: &World) -> bool {
    let is_told = |event: &Event| matches!(event, Event::TrackUnplayable { .. });
    world.events().iter().any(|(_, event)| is_told(event))
}

/// Plays something on a node, in a guild without a voice connection.
fn play_on(world: &mut World, name: &str, number: u64) {
    let node = Some(world.id(name));
    world.submit(Command::Update {
        guild: guild(number),
        node,
        update: Update::play(track(&number.to_string())).without_voice(),
    });
}

#[test]
fn a_move_that_is_waited_for_is_answered_when_the_player_stays_with_its_node() {
    let mut world = crowded(1..=40, ["b"]);
    world.node("b").config().latency.voice = secs(5);
    world.refuse("a", true);
    world.drop_connections("a");
    world.run_for(millis(1_500));
    let node = world.id("b");
    let moves: Vec<_> = (1..=40)
        .map(|number| {
            let guild = guild(number);
            world.submit(Command::Move { guild, node })
        })
        .collect();
    world.refuse("a", false);
    world.run_for(secs(4));

    let stayed =
        |answer: &Option<&Answered>| matches!(answer, Some(Err(RequestError::NodeFailed(_))));
    let answers = moves.iter().map(|id| world.answer(*id));
    let stayed = answers.filter(stayed).count();
    assert!(stayed >= 20, "{stayed}");
    assert!(world.guilds_on("a").len() >= stayed);
}

#[test]
fn a_move_to_a_node_that_is_lost_again_is_not_done_where_the_player_goes_instead() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("a").config().latency.voice = secs(5);
    world.restart("a");
    world.run_for(secs(1));
    let place = world.player(guild(1)).place;
    assert!(matches!(place, Place::Moving { .. }), "{place:?}");
    let moved = send_to(&mut world, "a");
    world.kill("a");
    world.run_for(secs(5));

    let lost = RequestError::NodeFailed(NodeFailure::ConnectionLost);
    assert_eq!(world.answer(moved), Some(&Err(lost)));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

#[test]
fn a_player_with_something_unanswered_that_turns_back_is_where_its_node_says() {
    let mut world = crowded(1..=1, ["b"]);
    unanswered(&mut world, "a", AnswerKind::Player);
    world.update(guild(1), Update::default().volume(50));
    world.run_for(millis(100));
    world.node("a").faults().unanswered.clear();
    world.node("b").config().latency.voice = secs(12);
    // It takes long to list what it has, and tells of the player all the while.
    let lists = AnswerKind::Player;
    world.node("a").faults().slow.insert(lists, secs(12));
    away_for(&mut world, "a", millis(100));
    world.run_for(secs(8));
    world.kill("b");
    world.run_for(millis(10));
    let (shown, copy) = (world.position(guild(1)), world.only_copy(guild(1)).1);
    let truth_ms = u128::try_from(copy.content_ms).unwrap();
    let off_ms = shown.as_millis().abs_diff(truth_ms);
    assert!(off_ms < 100, "{shown:?}, not {truth_ms} ms");
}
