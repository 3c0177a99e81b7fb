//! What a server does long after it was asked, and nobody waits for it any more.

use lavapool_core::player::Update;
use lavapool_core::protocol::{RawJson, TrackEndReason};
use lavapool_core::{Answer, Command, Event};
use lavapool_tests::node::{AnswerKind, Failure};
use lavapool_tests::world::{World, guild, track};
use serde_json::json;

use super::{away_for, crowded, millis, secs, title};

#[test]
fn a_volume_that_is_set_late_does_not_stay_over_a_newer_one() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::default().volume(50));
    world.update(guild(1), Update::default().volume(80));
    world.run_for(secs(17));
    assert_eq!(world.only_copy(guild(1)).1.volume, 80);
    // The server is done with the first request 20 s after it was asked.
    world.run_until(|world| world.only_copy(guild(1)).1.volume == 50, secs(5));
    world.run_for(secs(15));
    assert_eq!(world.only_copy(guild(1)).1.volume, 80);
}

#[test]
fn a_voice_connection_that_is_made_late_does_not_stay_in_place_of_a_newer_one() {
    let mut world = crowded(1..=1, []);
    let slow = AnswerKind::Voice;
    world.node("a").faults().slow.insert(slow, secs(20));
    world.voice_server(guild(1), Some("us-east"));
    world.run_for(secs(16));
    world.node("a").faults().slow.clear();
    world.voice_server(guild(1), Some("us-east"));
    let token = |world: &World| world.only_copy(guild(1)).1.voice.map(|voice| voice.token);
    let newer = Some("token-3".to_owned());
    world.run_until(|world| token(world) == newer, secs(2));
    world.run_until(|world| token(world) == Some("token-2".to_owned()), secs(5));
    world.run_for(secs(15));
    assert_eq!(token(&world), newer);
}

#[test]
fn a_play_that_begins_late_gives_way_to_the_one_since() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::play(track("old")));
    world.play(guild(1), &track("new"));
    world.run_for(secs(17));
    assert_eq!(title(&world), Some("Track new".into()));
    let began = world.now();
    world.run_for(secs(5));
    // It was seen to be replaced, which nobody had asked for; to the application it goes on.
    assert_eq!(title(&world), Some("Track new".into()));
    assert_eq!(ends_since(&world, began), []);
    assert_eq!(starts(&world, "Track new"), 1);
    world.run_for(secs(10));
    let (shown, copy) = (world.position(guild(1)), world.only_copy(guild(1)).1);
    let truth_ms = u128::try_from(copy.content_ms).unwrap();
    assert!(shown.as_millis().abs_diff(truth_ms) < 100, "{shown:?}");
}

#[test]
fn a_stop_that_is_done_late_does_not_stop_the_play_since() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::stop());
    world.play(guild(1), &track("new"));
    world.run_for(secs(17));
    let began = world.now();
    world.run_for(secs(10));
    assert_eq!(title(&world), Some("Track new".into()));
    assert_eq!(ends_since(&world, began), []);
}

#[test]
fn an_empty_player_that_is_made_late_is_destroyed() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::stop());
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(16));
    assert_eq!(world.guilds_on("a"), [0; 0]);
    world.run_until(|world| world.guilds_on("a") == [1], secs(5));
    world.run_for(secs(15));
    assert_eq!(world.guilds_on("a"), [0; 0]);
}

#[test]
fn a_player_that_is_made_late_and_heard_of_is_destroyed_before_the_node_is_looked_at() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::play(track("old")));
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(16));
    world.run_until(|world| world.guilds_on("a") == [1], secs(5));
    // It says where it is every 5 s.
    world.run_for(secs(6));
    assert_eq!(world.guilds_on("a"), [0; 0]);
}

#[test]
fn a_player_that_is_made_late_where_it_has_left_is_destroyed_there() {
    let mut world = crowded(1..=1, ["b"]);
    late(&mut world, Update::default().volume(50));
    let node = world.id("b");
    let order = Command::Move {
        guild: guild(1),
        node,
    };
    world.submit(order);
    world.run_until(|world| world.copies(guild(1)).len() == 2, secs(25));
    world.run_until(|world| world.guilds_on("a").is_empty(), secs(25));
    world.run_for(secs(30));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

#[test]
fn a_player_that_is_made_late_by_a_request_whose_connection_died_is_destroyed() {
    let mut world = crowded(1..=1, ["b"]);
    late(&mut world, Update::default().volume(50));
    // As with a socket that was idle for too long: the request would be sent once more.
    world.end_rest("a");
    away_for(&mut world, "a", secs(10));
    world.run_until(|world| world.copies(guild(1)).len() == 2, secs(25));
    world.run_for(secs(60));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

#[test]
fn a_play_that_cannot_be_begun_again_after_a_late_one_is_over() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::play(track("old")));
    world.play(guild(1), &track("new"));
    world.run_for(secs(17));
    // The node has begun the newer one, and plays it no second time.
    let rejected = "https://tracks.test/new".to_owned();
    world.node("a").faults().rejected_tracks.insert(rejected);
    let since = world.now();
    world.run_for(secs(10));
    let is_told = |event: &&Event| matches!(event, Event::TrackUnplayable { .. });
    assert_eq!(world.events_since(since).filter(is_told).count(), 1);
    assert!(world.player(guild(1)).track.is_none());
    assert_eq!(title(&world), None);
}

#[test]
fn an_end_time_and_user_data_that_are_set_late_do_not_stay_over_newer_ones() {
    let mut world = crowded(1..=1, []);
    let data = |text: &str| RawJson::parse(text).unwrap();
    let old = Update::default()
        .end_time(secs(90))
        .user_data(data(r#"{"of":"old"}"#));
    late(&mut world, old);
    let new = Update::default()
        .end_time(secs(150))
        .user_data(data(r#"{"of":"new"}"#));
    world.update(guild(1), new);
    world.run_for(secs(17));
    let seen = |world: &World| {
        let copy = world.only_copy(guild(1)).1;
        let of = copy.track.unwrap().user_data["of"].clone();
        (copy.end_time_ms, of.as_str().map(str::to_owned))
    };
    assert_eq!(seen(&world), (Some(150_000), Some("new".into())));
    world.run_until(|world| seen(world).0 == Some(90_000), secs(5));
    world.run_for(secs(60));
    assert_eq!(seen(&world), (Some(150_000), Some("new".into())));
}

#[test]
fn a_look_that_fails_is_taken_again() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::default().volume(50));
    world.update(guild(1), Update::default().volume(80));
    world.run_for(secs(22));
    assert_eq!(world.only_copy(guild(1)).1.volume, 50);
    for status in [503, 404] {
        let times = Some(1);
        let path = Some("players/1".to_owned());
        let method = Some("GET".to_owned());
        world.node("a").faults().failures.push(Failure {
            method,
            path,
            times,
            ..Failure::always(status)
        });
    }
    world.run_for(secs(20));
    assert_eq!(world.only_copy(guild(1)).1.volume, 80);
}

#[test]
fn a_look_that_finds_no_connection_is_taken_again() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::default().volume(50));
    world.update(guild(1), Update::default().volume(80));
    world.run_until(|world| world.only_copy(guild(1)).1.volume == 80, secs(17));
    world.run_until(|world| world.only_copy(guild(1)).1.volume == 50, secs(5));
    let since = world.now();
    world.refuse("a", true);
    world.end_rest("a");
    world.run_for(secs(12));
    assert_eq!(world.requests_since("a", since), [""; 0]);
    world.refuse("a", false);
    world.run_for(secs(6));
    assert_eq!(world.only_copy(guild(1)).1.volume, 80);
}

#[test]
fn a_look_that_is_answered_by_something_else_than_the_server_makes_no_player_again() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::default().volume(50));
    world.run_for(secs(18));
    let since = world.now();
    // A proxy that has lost its way: its 404 says nothing of players.
    world.node("a").faults().failures.push(Failure {
        method: Some("GET".to_owned()),
        path: Some("players/1".to_owned()),
        times: Some(3),
        ..Failure::always(404)
    });
    world.run_for(secs(32));
    let asked = world.requests_since("a", since);
    let of_player = |what: &&String| what.ends_with("players/1");
    let asked: Vec<_> = asked.iter().filter(of_player).collect();
    assert_eq!(asked, ["GET players/1"; 4]);
}

#[test]
fn an_end_time_that_is_set_late_is_told_again_though_a_play_was_in_doubt_before() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::play(track("new")));
    world.run_for(secs(25));
    late(&mut world, Update::default().end_time(secs(90)));
    world.update(guild(1), Update::default().end_time(secs(150)));
    let end = |world: &World| world.only_copy(guild(1)).1.end_time_ms;
    world.run_for(secs(17));
    assert_eq!(end(&world), Some(150_000));
    world.run_until(|world| end(world) == Some(90_000), secs(5));
    world.run_for(secs(45));
    assert_eq!(end(&world), Some(150_000));
}

#[test]
fn what_was_asked_after_another_look_is_looked_at_in_its_own_time() {
    let mut world = crowded(1..=2, []);
    late(&mut world, Update::default().volume(50));
    // It was given up after 15 s, and is looked at after 15 more.
    world.run_for(secs(31));
    let slow = AnswerKind::Player;
    world.node("a").faults().slow.insert(slow, secs(20));
    world.update(guild(2), Update::default().volume(50));
    world.run_for(secs(1));
    world.node("a").faults().slow.clear();
    world.update(guild(2), Update::default().volume(80));
    world.run_until(|world| world.only_copy(guild(2)).1.volume == 50, secs(25));
    world.run_for(secs(12));
    assert_eq!(world.only_copy(guild(2)).1.volume, 80);
}

#[test]
fn a_pause_does_not_wait_for_a_look() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::default().volume(50));
    world.run_for(secs(28));
    hang_next(&mut world, "GET players/1");
    let pause = world.update(guild(1), Update::default().paused(true));
    world.run_for(millis(100));
    assert_eq!(world.answer(pause), Some(&Ok(Answer::Done)));
    assert!(world.only_copy(guild(1)).1.paused);
    world.run_for(secs(60));
    assert!(world.player(guild(1)).synced);
}

#[test]
fn a_play_does_not_wait_for_word_of_the_one_before() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::play(track("old")));
    world.run_for(secs(14));
    hang_next(&mut world, "GET players/1");
    let play = world.play(guild(1), &track("new"));
    world.run_for(millis(100));
    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
    world.run_for(secs(60));
    assert_eq!(title(&world), Some("Track new".into()));
}

#[test]
fn a_delete_that_is_done_late_does_not_end_the_play_since() {
    let mut world = crowded(1..=1, []);
    late_command(&mut world, Command::Destroy(guild(1)));
    world.run_for(secs(16));
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("new"));
    world.run_for(secs(25));
    assert_eq!(title(&world), Some("Track new".into()));
}

#[test]
fn no_delete_of_two_that_are_done_late_ends_the_play_since() {
    let mut world = crowded(1..=1, []);
    world
        .node("a")
        .faults()
        .slow
        .insert(AnswerKind::Player, secs(20));
    world.submit(Command::Destroy(guild(1)));
    for _ in 0..2 {
        world.run_for(secs(1));
        world.end_rest("a");
    }
    world.run_for(millis(100));
    world.node("a").faults().slow.clear();
    world.end_rest("a");
    world.run_for(secs(3));
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("new"));
    let since = world.now();
    world.run_for(secs(30));
    assert_eq!(title(&world), Some("Track new".into()));
    assert_eq!(ends_since(&world, since), []);
}

#[test]
fn a_player_without_a_track_that_is_deleted_late_is_made_again() {
    let mut world = crowded(1..=1, []);
    late_command(&mut world, Command::Destroy(guild(1)));
    world.run_for(secs(16));
    world.update(guild(1), Update::default().volume(70));
    world.run_for(secs(1));
    assert_eq!(world.only_copy(guild(1)).1.volume, 70);
    // No end of a track tells of it.
    world.run_until(|world| world.guilds_on("a").is_empty(), secs(5));
    world.run_for(secs(15));
    assert_eq!(world.only_copy(guild(1)).1.volume, 70);
}

#[test]
fn what_a_node_lost_with_a_play_that_it_refuses_to_begin_again_is_set_there_again() {
    for (status, times) in [(400, 1), (500, 2)] {
        let mut world = crowded(1..=1, []);
        late_command(&mut world, Command::Destroy(guild(1)));
        world.run_for(secs(16));
        world.join(guild(1), "us-east");
        world.update(guild(1), Update::play(track("new")).volume(70));
        world.run_for(secs(1));
        assert_eq!(world.only_copy(guild(1)).1.volume, 70);
        // With the late DELETE the player is gone, and cannot be made again as it was.
        world.node("a").faults().failures.push(Failure {
            method: Some("PATCH".to_owned()),
            times: Some(times),
            ..Failure::always(status)
        });
        world.run_for(secs(10));
        let view = world.player(guild(1));
        assert_eq!((view.playing, view.volume.get()), (false, 70), "{status}");
        world.join(guild(1), "us-east");
        world.play(guild(1), &track("next"));
        world.run_for(secs(2));
        let copy = world.only_copy(guild(1)).1;
        assert_eq!((copy.volume, copy.audible), (70, true), "{status}");
    }
}

#[test]
fn a_node_is_not_looked_at_while_a_play_waits_for_its_voice() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::default().volume(50));
    // It was given up after 15 s, and would be looked at after 15 more.
    world.run_for(secs(24));
    world.voice_state(guild(1), None);
    world.play(guild(1), &track("new"));
    let since = world.now();
    world.run_for(secs(14));
    assert_eq!(world.requests_since("a", since), [""; 0]);
    world.join(guild(1), "us-east");
    world.run_for(secs(10));
    let asked = world.requests_since("a", since);
    assert!(
        asked.iter().any(|what| what == "GET players/1"),
        "{asked:?}"
    );
    assert_eq!(title(&world), Some("Track new".into()));
}

#[test]
fn a_look_that_meets_a_delete_on_its_way_is_taken_when_that_is_done() {
    let mut world = crowded(1..=1, []);
    late(&mut world, Update::default().volume(50));
    world.run_for(secs(24));
    let slow = AnswerKind::Player;
    world.node("a").faults().slow.insert(slow, secs(8));
    world.submit(Command::Destroy(guild(1)));
    world.run_for(secs(1));
    world.node("a").faults().slow.clear();
    // The look is due after 4 s more, and the DELETE is done after 7.
    let since = world.now();
    world.run_for(secs(14));
    assert_eq!(world.requests_since("a", since), ["DELETE players/1"]);
}

/// As [`late_command`], for an update.
pub(super) fn late(world: &mut World, update: Update) {
    let update = Command::Update {
        guild: guild(1),
        node: None,
        update,
    };
    late_command(world, update);
}

/// Asks the only node for something that it does 20 s later, when the pool has given it up.
fn late_command(world: &mut World, command: Command) {
    let slow = AnswerKind::Player;
    world.node("a").faults().slow.insert(slow, secs(20));
    world.submit(command);
    world.run_for(secs(1));
    world.node("a").faults().slow.clear();
}

/// Lets the next question of this kind wait for its answer, and no other.
fn hang_next(world: &mut World, what: &str) {
    let (slow, since) = (AnswerKind::Player, world.now());
    world.node("a").faults().slow.insert(slow, secs(10));
    let is_asked = |world: &World| world.requests_since("a", since) == [what];
    world.run_until(is_asked, secs(5));
    world.node("a").faults().slow.clear();
}

/// How often it was told that a track began.
fn starts(world: &World, name: &str) -> usize {
    let starts = world.events().iter().filter_map(|(_, event)| match event {
        Event::TrackStart { track, .. } => Some(track),
        _ => None,
    });
    starts.filter(|track| track.info.title == name).count()
}

/// The ends that were told of the newer track.
fn ends_since(world: &World, since: std::time::Duration) -> Vec<TrackEndReason> {
    let events = world.events_since(since);
    let ends = events.filter_map(|event| match event {
        Event::TrackEnd { track, reason, .. } if track.info.title == "Track new" => {
            Some(reason.clone())
        }
        _ => None,
    });
    ends.collect()
}

#[test]
fn an_end_before_the_answer_to_its_play_is_not_the_work_of_what_was_asked_before() {
    let mut world = crowded(1..=1, []);
    let asked = AnswerKind::Player;
    world.node("a").faults().unanswered.insert(asked);
    world.update(guild(1), Update::default().volume(50));
    world.run_for(secs(16));
    let faults = world.node("a").faults();
    faults.unanswered.clear();
    world.run_for(secs(1));
    world.node("a").faults().lost.insert(asked);
    world.play(guild(1), &track("next"));
    let next = Some("Track next".to_owned());
    world.run_until(|world| title(world) == next, secs(1));
    let faults = world.node("a").faults();
    faults.lost.clear();
    faults.slow.insert(asked, secs(2));
    world.run_for(millis(100));
    let since = world.now();
    let stopped = world.track_event(1, "TrackEndEvent", &json!({"reason": "stopped"}));
    world.disturb("a", &stopped);
    world.run_for(secs(4));
    let heard = world.heard_since("a", since);
    let again = heard.iter().find(|heard| heard.body["track"].is_object());
    assert_eq!(again, None);
}
