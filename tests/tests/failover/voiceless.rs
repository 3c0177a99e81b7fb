//! The node that should take over does not reach the voice server.

use std::time::Duration;

use lavapool_core::player::Update;
use lavapool_core::rest::Request;
use lavapool_core::{Command, Event, Target};
use lavapool_tests::node::{AnswerKind, Voice};
use lavapool_tests::world::{Discord, World, guild};

use super::{away_for, crowded, millis, moves_since, secs, unanswered};

#[test]
fn a_track_is_not_over_because_no_node_reaches_the_voice_server() {
    let mut world = crowded(1..=1, ["b", "c"]);
    for name in ["b", "c"] {
        world.node(name).config().voice = Voice::Fails;
    }
    let lost_at = world.now();
    world.kill("a");
    world.run_for(secs(5));
    for name in ["b", "c"] {
        world.node(name).config().voice = Voice::Connects;
    }
    world.set_discord(Discord::Answers);
    world.run_for(secs(30));

    let is_over = |event: &&Event| matches!(event, Event::TrackUnplayable { .. });
    assert_eq!(world.events_since(lost_at).filter(is_over).count(), 0);
    let (_, copy) = world.only_copy(guild(1));
    assert_eq!(copy.track.unwrap().title, "Track 1");
    assert!(copy.audible);
}

#[test]
fn a_player_without_a_track_arrives_though_no_node_makes_its_voice_connection() {
    let mut world = crowded(1..=1, ["b"]);
    world.update(guild(1), Update::stop().volume(70));
    world.run_for(secs(1));
    world.set_discord(Discord::Answers);
    world.node("b").config().voice = Voice::Fails;
    world.kill("a");
    world.run_for(secs(5));
    assert_eq!(world.only_copy(guild(1)).1.volume, 70);

    world.node("b").config().voice = Voice::Connects;
    world.run_for(secs(40));

    let view = world.player(guild(1));
    assert!(view.connected && view.synced, "{view:?}");
}

#[test]
fn a_lost_player_goes_where_it_can_be_heard() {
    let mut world = crowded(1..=1, ["b", "c"]);
    world.node("c").stats().system_load = 0.9;
    world.run_for(secs(60));
    world.node("b").config().voice = Voice::Fails;

    world.kill("a");
    world.run_for(secs(5));

    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.audible), ("c", true));
}

#[test]
fn a_track_that_a_node_took_without_voice_is_not_dropped_because_a_later_one_refuses_it() {
    let mut world = from_best_to_worst(["b", "c", "d"]);
    for name in ["b", "c", "d"] {
        world.node(name).config().voice = Voice::Fails;
    }
    let rejected = "https://tracks.test/1".to_owned();
    world.node("d").faults().rejected_tracks.insert(rejected);
    let lost_at = world.now();

    world.kill("a");
    world.run_for(secs(10));

    let is_over = |event: &&Event| matches!(event, Event::TrackUnplayable { .. });
    assert_eq!(world.events_since(lost_at).filter(is_over).count(), 0);
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, &*copy.track.unwrap().title), ("c", "Track 1"));
}

/// A player is lost, two nodes took its track without its voice, and the last one, which will
/// refuse the track, has been asked. Returns when it was lost, too.
fn asked_last_of_all() -> (World, Duration) {
    let mut world = from_best_to_worst(["b", "c", "d"]);
    for name in ["b", "c", "d"] {
        world.node(name).config().voice = Voice::Fails;
    }
    let rejected = "https://tracks.test/1".to_owned();
    let faults = world.node("d").faults();
    faults.rejected_tracks.insert(rejected);
    faults.slow.insert(AnswerKind::Voice, secs(2));
    let lost_at = world.now();
    world.kill("a");
    world.run_for(secs(1));
    (world, lost_at)
}

#[test]
fn a_track_goes_back_to_the_node_that_took_it_without_voice_though_that_has_failed_since() {
    let (mut world, lost_at) = asked_last_of_all();

    world.node("c").faults().fail_matching("/loadtracks", 503);
    let node = Target::Node(world.id("c"));
    for number in 1..=3 {
        let identifier = format!("https://tracks.test/other-{number}");
        let request = Request::LoadTracks { identifier };
        world.submit(Command::Rest { node, request });
    }
    world.run_for(secs(4));
    assert!(world.view("c").failing);
    world.run_for(secs(5));

    let is_over = |event: &&Event| matches!(event, Event::TrackUnplayable { .. });
    assert_eq!(world.events_since(lost_at).filter(is_over).count(), 0);
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, &*copy.track.unwrap().title), ("c", "Track 1"));
}

#[test]
fn a_track_that_the_last_node_refuses_does_not_wait_for_one_that_took_it_and_is_lost() {
    let (mut world, lost_at) = asked_last_of_all();
    world.kill("c");
    world.run_for(secs(5));

    let is_over = |event: &&Event| matches!(event, Event::TrackUnplayable { .. });
    assert_eq!(world.events_since(lost_at).filter(is_over).count(), 1);
}

#[test]
fn a_node_that_takes_all_of_a_lost_player_keeps_it_whatever_was_tried_before() {
    let mut world = from_best_to_worst(["b", "c", "d", "e"]);
    for name in ["b", "c"] {
        world.node(name).config().voice = Voice::Fails;
    }
    // What is left without the voice connection gets no answer.
    unanswered(&mut world, "c", AnswerKind::Player);
    let lost_at = world.now();

    world.kill("a");
    world.run_for(secs(30));

    assert_eq!(world.heard_since("e", lost_at).len(), 0);
    assert!(world.player(guild(1)).connected);
    assert_eq!(moves_since(&world, lost_at).last().unwrap().2, "d");
}

#[test]
fn a_lost_player_goes_past_two_nodes_that_do_not_reach_its_voice_server() {
    let mut world = from_best_to_worst(["b", "c", "d", "e"]);
    for name in ["b", "c", "d"] {
        world.node(name).config().voice = Voice::Fails;
    }
    let lost_at = world.now();

    world.kill("a");
    world.run_for(secs(10));

    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.audible), ("e", true));
    // Nobody asks Discord for another voice connection.
    let is_joined = |event: &&Event| matches!(event, Event::VoiceRejoining { .. });
    assert_eq!(world.events_since(lost_at).filter(is_joined).count(), 0);
}

#[test]
fn a_player_whose_node_has_come_back_returns_from_where_it_would_not_be_heard() {
    let mut world = from_best_to_worst(["b", "c", "d"]);
    for name in ["b", "c"] {
        world.node(name).config().voice = Voice::Fails;
    }
    // What is left without the voice connection is answered when the session of `a` is resumed.
    let slow = &mut world.node("c").faults().slow;
    slow.insert(AnswerKind::Player, secs(8));
    let lost_at = world.now();

    away_for(&mut world, "a", millis(100));
    world.run_for(secs(20));

    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.audible), ("a", true));
    // It has played there all the while, and is left alone.
    let asked = world.requests_since("a", lost_at);
    assert_eq!(asked, ["GET players", "GET players/1"]);
    assert!(world.player(guild(1)).synced);
}

/// One player on `a`, and these others, each worse than the one before.
fn from_best_to_worst<const OTHERS: usize>(others: [&'static str; OTHERS]) -> World {
    let mut world = crowded(1..=1, others);
    for (name, load) in others.into_iter().zip([0.0, 0.3, 0.6, 0.9]) {
        world.node(name).stats().system_load = load;
    }
    world.run_for(secs(60));
    world
}

#[test]
fn an_idle_player_whose_node_has_come_back_returns_from_where_it_would_not_be_heard() {
    let mut world = crowded(1..=1, ["b"]);
    world.update(guild(1), Update::stop());
    world.run_for(secs(1));
    world.node("b").config().voice = Voice::Fails;
    let slow = &mut world.node("b").faults().slow;
    slow.insert(AnswerKind::Voice, secs(4));
    let lost_at = world.now();
    away_for(&mut world, "a", millis(100));
    // It would not be chosen.
    let node = world.id("a");
    world.submit(Command::Drain(node));
    world.run_for(secs(20));
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.connected), ("a", true));
    assert_eq!(moves_since(&world, lost_at), []);
}

#[test]
fn a_track_does_not_go_back_to_a_node_that_took_it_without_voice_and_is_lost_or_emptied() {
    for is_lost in [true, false] {
        let (mut world, lost_at) = refused_by_the_last(secs(2));
        if is_lost {
            world.kill("c");
        } else {
            let c = world.id("c");
            world.submit(Command::Drain(c));
        }
        let since = world.now();
        world.run_for(secs(10));
        let patched = world.requests_since("c", since);
        assert!(
            !patched.contains(&"PATCH players/1".to_owned()),
            "{patched:?}"
        );
        assert_eq!(unplayable_since(&world, lost_at), 1, "{is_lost}");
    }
}

#[test]
fn a_node_that_took_a_track_without_voice_and_refuses_it_now_is_not_asked_for_ever() {
    let (mut world, lost_at) = refused_by_the_last(secs(2));
    let rejected = "https://tracks.test/1".to_owned();
    world.node("c").faults().rejected_tracks.insert(rejected);
    world.run_for(secs(10));
    assert_eq!(unplayable_since(&world, lost_at), 1);
}

/// No node reaches the voice server, and the player has just been taken by `c` without voice: `d`
/// refuses its track after this time. Returns when the node before was lost, too.
fn refused_by_the_last(after: Duration) -> (World, Duration) {
    let mut world = from_best_to_worst(["b", "c", "d"]);
    for name in ["b", "c", "d"] {
        world.node(name).config().voice = Voice::Fails;
    }
    let rejected = "https://tracks.test/1".to_owned();
    let faults = world.node("d").faults();
    faults.rejected_tracks.insert(rejected);
    faults.slow.insert(AnswerKind::Voice, after);
    let lost_at = world.now();
    world.kill("a");
    world.run_for(secs(1));
    assert_eq!(world.heard_since("d", lost_at).len(), 1);
    (world, lost_at)
}

fn unplayable_since(world: &World, since: Duration) -> usize {
    let is_over = |event: &&Event| matches!(event, Event::TrackUnplayable { .. });
    world.events_since(since).filter(is_over).count()
}

#[test]
fn a_voice_server_that_is_named_while_a_player_is_taken_over_does_not_send_it_further() {
    let mut world = from_best_to_worst(["b", "c"]);
    world.node("b").config().latency.voice = secs(2);
    let lost_at = world.now();
    world.kill("a");
    world.run_for(secs(1));
    world.voice_server(guild(1), Some("us-east"));
    world.run_for(secs(10));
    assert_eq!(world.requests_since("c", lost_at), [""; 0]);
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.audible), ("b", true));
}
