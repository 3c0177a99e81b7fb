//! The node that should take over fails as well.

use lavapool_core::node::Status;
use lavapool_core::player::{Source, Update};
use lavapool_core::{Answer, Command, Event, RequestError};
use lavapool_tests::node::{AnswerKind, Failure};
use lavapool_tests::world::{World, guild, track};

use super::{crowded, millis, moves_since, secs, unanswered};

#[test]
fn a_target_that_dies_during_the_failover_is_replaced_by_the_next() {
    let mut world = crowded(1..=40, ["b", "c"]);
    for name in ["b", "c"] {
        world.node(name).config().latency.voice = millis(500);
    }

    world.kill("a");
    world.run_for(millis(700));
    let (on_b, on_c) = (world.guilds_on("b").len(), world.guilds_on("c").len());
    assert!(0 < on_b && on_b < 20 && 0 < on_c, "{on_b} and {on_c}");
    world.kill("b");
    world.run_for(secs(10));

    assert_eq!(world.guilds_on("c"), Vec::from_iter(1..=40));
    assert!(world.pool().players().all(|player| player.synced));
}

#[test]
fn a_target_that_never_answers_is_left_at_the_deadline_and_loses_its_copies() {
    let mut world = crowded(1..=3, ["b", "c"]);
    // The best one takes everything in, and answers only when nobody waits any more.
    world.node("c").stats().system_load = 0.9;
    world.run_for(secs(60));
    world
        .node("b")
        .faults()
        .slow
        .insert(AnswerKind::Voice, secs(20));
    let lost_at = world.now();

    world.kill("a");
    world.run_for(secs(14));
    assert_eq!(moves_since(&world, lost_at), []);
    world.run_for(secs(2));

    assert_eq!(world.guilds_on("c"), [1, 2, 3]);
    assert_eq!(moves_since(&world, lost_at).len(), 3);
    world.run_for(secs(20));
    assert_eq!(world.guilds_on("b"), Vec::<u64>::new());
    // The three are asked to go when they are given up, when they turn up after all, and when
    // nothing can turn up any more.
    let heard = world.requests_since("b", lost_at).into_iter();
    let mut deletes: Vec<_> = heard.filter(|what| what.starts_with("DELETE")).collect();
    deletes[6..].sort_unstable();
    let three = ["DELETE players/1", "DELETE players/2", "DELETE players/3"];
    assert_eq!(deletes, [three, three, three].concat());
}

#[test]
fn a_target_behind_a_bad_gateway_is_left_for_the_next() {
    let mut world = crowded(1..=3, ["b", "c"]);
    world.node("c").stats().system_load = 0.9;
    world.run_for(secs(60));
    world.node("b").faults().fail_matching("/players/", 502);
    let lost_at = world.now();

    world.kill("a");
    world.run_for(secs(2));

    assert_eq!(world.guilds_on("c"), [1, 2, 3]);
    assert_eq!(moves_since(&world, lost_at).len(), 3);
}

#[test]
fn a_player_whose_only_target_fails_goes_to_the_next_node_that_is_ready() {
    let mut world = on_the_better_of_two(1..=1);
    assert_eq!(world.only_copy(guild(1)).0, "a");
    world.node("b").faults().fail_matching("/players/", 503);
    world.kill("a");
    world.run_for(secs(30));

    world.add_node("c");
    world.run_for(millis(500));

    assert_eq!(world.only_copy(guild(1)).0, "c");
}

#[test]
fn a_player_whose_only_target_refuses_its_track_leaves_nothing_there_for_the_next_node() {
    let builder = World::builder().nodes(["a", "b"]);
    let builder = builder.node("c", |node| node.is_known = false);
    let mut world = builder
        .config(|config| config.limits.control_sockets_max = 2)
        .connected();
    world.node("b").stats().system_load = 0.9;
    world.run_for(secs(60));
    world.fill(1..=9);
    world.node("b").config().latency.voice = secs(2);
    unanswered(&mut world, "a", AnswerKind::Player);
    world.update(guild(1), Update::play(Source::identifier("nothing-here")));
    let lost_at = world.now();
    world.kill("a");
    let is_refused = |world: &World| {
        let heard = world.heard_since("b", lost_at).into_iter();
        heard.filter(|heard| heard.status == Some(400)).count() == 1
    };
    world.run_until(is_refused, secs(20));
    assert_eq!(world.only_copy(guild(1)).0, "b");

    // The rest of it waits behind other players.
    world.add_node("c");
    world.run_for(secs(20));

    assert_eq!(world.only_copy(guild(1)).0, "c");
}

#[test]
fn a_player_goes_to_the_first_of_two_failing_nodes_that_works_again() {
    for name in ["b", "c"] {
        let mut world = crowded(1..=1, ["b", "c"]);
        for name in ["b", "c"] {
            world.node(name).faults().fail_matching("/players/", 503);
        }
        world.kill("a");
        world.run_for(secs(30));

        world.node(name).faults().failures.clear();
        world.run_for(secs(25));

        assert_eq!(world.only_copy(guild(1)).0, name);
    }
}

#[test]
fn a_player_that_two_targets_refuse_goes_to_the_third() {
    let mut world = crowded(1..=1, ["b", "c", "d"]);
    world.node("d").stats().system_load = 0.9;
    world.run_for(secs(60));
    for name in ["b", "c"] {
        refuse_the_player(&mut world, name);
    }

    world.kill("a");
    world.run_for(secs(5));

    assert_eq!(world.only_copy(guild(1)).0, "d");
}

#[test]
fn a_player_that_one_target_refuses_and_another_its_track_goes_to_the_third() {
    let mut world = crowded(1..=1, ["b", "c", "d"]);
    world.node("d").stats().system_load = 0.9;
    world.run_for(secs(60));
    refuse_the_player(&mut world, "b");
    let rejected = "https://tracks.test/1".to_owned();
    world.node("c").faults().rejected_tracks.insert(rejected);

    world.kill("a");
    world.run_for(secs(5));

    assert_eq!(world.only_copy(guild(1)).0, "d");
}

#[test]
fn a_node_that_came_back_keeps_the_players_that_go_there_when_another_comes() {
    let mut world = on_the_better_of_two(1..=40);
    world.node("b").config().latency.voice = secs(1);
    world.kill("a");
    world.run_for(millis(100));
    // All of them were on their way there.
    world.kill("b");
    world.run_for(secs(8));
    world.restart("b");
    world.run_until(
        |world| world.view("b").status == Status::Connected,
        secs(40),
    );
    world.add_node("c");
    let since = world.now();
    world.run_for(secs(30));

    assert_eq!(world.guilds_on("b"), Vec::from_iter(1..=40));
    assert_eq!(moves_since(&world, since).len(), 40);
}

#[test]
fn a_drained_target_that_fails_its_last_player_is_empty_when_that_goes_past_it() {
    let mut world = on_the_better_of_two(1..=1);
    world.node("b").faults().fail_matching("/players/", 503);
    world.kill("a");
    world.run_for(secs(5));
    let b = world.id("b");
    let drain = world.submit(Command::Drain(b));
    world.run_for(millis(100));
    assert_eq!(world.answer(drain), None);

    world.add_node("c");
    world.run_for(secs(2));

    assert_eq!(world.only_copy(guild(1)).0, "c");
    assert_eq!(world.answer(drain), Some(&Ok(Answer::Done)));
}

#[test]
fn a_track_that_is_refused_twice_by_the_only_node_that_takes_the_player_is_over() {
    let mut world = crowded(1..=1, ["b", "c"]);
    refuse_the_player(&mut world, "b");
    let rejected = "https://tracks.test/1".to_owned();
    world.node("c").faults().rejected_tracks.insert(rejected);
    let lost_at = world.now();

    world.kill("a");
    world.run_for(secs(30));

    let is_over = |event: &Event| matches!(event, Event::TrackUnplayable { .. });
    assert_eq!(
        world.events_since(lost_at).filter(|e| is_over(e)).count(),
        1
    );
    let asked = world.requests_since("b", lost_at).into_iter();
    let asked = asked.filter(|what| what == "PATCH players/1").count();
    assert!((1..=4).contains(&asked), "{asked}");
}

#[test]
fn a_track_that_one_node_refuses_twice_goes_to_a_node_that_was_not_asked() {
    let mut world = crowded(1..=1, ["b", "c", "d"]);
    refuse_the_player(&mut world, "b");
    let rejected = "https://tracks.test/1".to_owned();
    world.node("c").faults().rejected_tracks.insert(rejected);
    let late = world.id("d");
    world.submit(Command::Drain(late));
    let lost_at = world.now();
    world.kill("a");
    let is_asked_again = |world: &World| {
        let asked = world.requests_since("c", lost_at).into_iter();
        asked.filter(|what| what == "PATCH players/1").count() == 3
    };
    world.run_until(is_asked_again, secs(20));
    world.submit(Command::Undrain(late));
    world.run_for(secs(10));
    let is_over = |event: &&Event| matches!(event, Event::TrackUnplayable { .. });
    assert_eq!(world.events_since(lost_at).filter(is_over).count(), 0);
    assert_eq!(world.only_copy(guild(1)).0, "d");
}

#[test]
fn targets_that_refuse_a_player_are_not_asked_over_and_over() {
    let mut world = crowded(1..=1, ["b", "c"]);
    for name in ["b", "c"] {
        refuse_the_player(&mut world, name);
    }
    let lost_at = world.now();
    world.kill("a");
    world.run_for(secs(30));
    let asked = ["b", "c"].map(|name| {
        let heard = world.requests_since(name, lost_at).into_iter();
        heard.filter(|what| what == "PATCH players/1").count()
    });
    // After 0, 0, 1, 3, 6, 10, 15, 21 and 28 s.
    assert_eq!(asked.iter().sum::<usize>(), 9, "{asked:?}");

    world.node("b").faults().failures.clear();
    world.node("c").faults().failures.clear();
    world.run_for(secs(15));
    assert_eq!(world.copies(guild(1)).len(), 1);
    assert!(world.player(guild(1)).synced);
}

#[test]
fn a_rejected_track_reaches_no_second_outage() {
    let mut world = crowded(1..=2, ["b", "c", "d"]);
    for name in ["b", "c", "d"] {
        let rejected = &mut world.node(name).faults().rejected_tracks;
        rejected.insert("https://tracks.test/1".to_owned());
    }
    let lost_at = world.now();

    world.kill("a");
    world.run_for(secs(5));

    // Two nodes refused it, twice each, the second also without voice, and nobody is asked again.
    let mut refusals = Vec::new();
    for name in ["b", "c", "d"] {
        let heard = world.heard_since(name, lost_at).into_iter();
        let refused = heard.filter(|heard| heard.status == Some(500)).count();
        refusals.push(refused);
    }
    refusals.sort_unstable();
    assert_eq!(refusals, [0, 2, 3]);
    let unplayable: Vec<_> = world
        .events_since(lost_at)
        .filter(|event| matches!(event, Event::TrackUnplayable { .. }))
        .cloned()
        .collect();
    let expected = Event::TrackUnplayable {
        guild: guild(1),
        track: track("1").into(),
    };
    assert_eq!(unplayable, [expected]);
    let view = world.player(guild(1));
    assert_eq!((view.playing, view.synced), (false, true));
    assert!(world.only_copy(guild(2)).1.audible);

    // The next outage moves the player without it.
    let lost_at = world.now();
    let name = world.player(guild(1)).node().unwrap().name.to_string();
    world.kill(&name);
    world.run_for(secs(5));
    let asked = ["b", "c", "d"].map(|name| world.heard_since(name, lost_at));
    let refused = asked
        .iter()
        .flatten()
        .filter(|heard| heard.status == Some(500));
    assert_eq!(refused.count(), 0);
}

#[test]
fn a_rejected_play_is_answered_and_taken_back() {
    let mut world = crowded(1..=1, []);
    let rejected = &mut world.node("a").faults().rejected_tracks;
    rejected.insert("https://tracks.test/bad".to_owned());

    let play = world.play(guild(1), &track("bad"));
    let volume = world.update(guild(1), Update::default().volume(40));
    world.run_for(secs(2));

    let Some(Err(RequestError::Rejected { status: 500, .. })) = world.answer(play) else {
        panic!("{:?}", world.answer(play))
    };
    assert_eq!(world.answer(volume), Some(&Ok(Answer::Done)));
    let (_, player) = world.only_copy(guild(1));
    assert_eq!(player.volume, 40);
    let view = world.player(guild(1));
    assert_eq!(
        view.track.map(|track| track.info.title.clone()),
        Some("Track 1".to_owned())
    );
    assert!(view.synced);
}

#[test]
fn a_failing_node_is_given_no_players_until_a_probe_succeeds() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    world.node("b").stats().system_load = 0.9;
    world.run_for(secs(60));
    world.node("a").faults().fail_matching("/players/", 503);
    for number in 1..=3 {
        world.join(guild(number), "us-east");
        world.play(guild(number), &track("song"));
    }
    world.run_for(millis(100));

    // Three failures in a row: whoever comes now goes to the other one.
    world.join(guild(4), "us-east");
    world.play(guild(4), &track("song"));
    world.run_for(millis(100));
    assert_eq!(world.only_copy(guild(4)).0, "b");

    world.node("a").faults().failures.clear();
    world.run_for(secs(30));
    for number in 1..=3 {
        assert_eq!(world.only_copy(guild(number)).0, "a");
    }
    world.join(guild(5), "us-east");
    world.run_for(millis(100));
    assert_eq!(world.only_copy(guild(5)).0, "a");
}

/// A node answers every PATCH of player 1 with what is no fault of its track.
fn refuse_the_player(world: &mut World, name: &str) {
    world.node(name).faults().failures.push(Failure {
        method: Some("PATCH".to_owned()),
        path: Some("players/1".to_owned()),
        ..Failure::always(418)
    });
}

/// A world in which these guilds play on `a`, the other node is a worse one, `b`, and `c` is not
/// known yet.
fn on_the_better_of_two(guilds: std::ops::RangeInclusive<u64>) -> World {
    let mut world = World::builder()
        .nodes(["a", "b"])
        .node("c", |node| node.is_known = false)
        .connected();
    world.node("b").stats().system_load = 0.9;
    world.run_for(secs(60));
    world.fill(guilds);
    world
}
