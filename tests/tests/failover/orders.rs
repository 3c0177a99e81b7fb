//! Moves that were ordered: the new node plays before the old one stops.

use lavapool_core::player::{Place, Update};
use lavapool_core::{Answer, Command, Event, NodeFailure, RequestError, Unconfirmed};
use lavapool_tests::node::{AnswerKind, Voice};
use lavapool_tests::world::{World, guild};

use super::{away_for, crowded, millis, remove, secs, send_to, unanswered};

#[test]
fn a_move_to_a_node_that_cannot_make_the_voice_connection_leaves_the_player_where_it_is_heard() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().voice = Voice::Fails;

    let moved = send_to(&mut world, "b");
    world.run_for(secs(5));

    assert!(matches!(world.answer(moved), Some(Err(_))));
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.audible), ("a", true));
}

#[test]
fn a_move_makes_before_it_breaks() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = millis(300);
    let since = world.now();
    let moved = send_to(&mut world, "b");

    while world.answer(moved).is_none() {
        // At no moment is there silence.
        let copies = world.copies(guild(1));
        assert!(
            copies.iter().any(|(_, player)| player.audible),
            "{copies:?}"
        );
        world.run_for(millis(1));
    }
    world.run_for(secs(1));

    assert_eq!(world.answer(moved), Some(&Ok(Answer::Done)));
    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.audible), ("b", true));
    let confirmed_at = world.heard_since("b", since)[0].at + millis(300);
    let on_a = world.heard_since("a", since);
    let on_a: Vec<_> = on_a.iter().map(|heard| (&*heard.what, heard.at)).collect();
    // One millisecond for the answer, one for the DELETE.
    assert_eq!(on_a, [("DELETE players/1", confirmed_at + millis(2))]);
}

#[test]
fn a_player_plays_on_while_an_old_copy_of_it_is_deleted_where_it_is_sent() {
    let mut world = crowded(1..=1, ["b"]);
    world
        .node("a")
        .faults()
        .slow
        .insert(AnswerKind::Player, secs(2));
    world
        .node("a")
        .faults()
        .slow
        .insert(AnswerKind::Voice, secs(5));
    away_for(&mut world, "a", secs(10));
    world.run_until(|world| world.is_connected(), secs(5));
    world.run_for(millis(2_500));
    send_to(&mut world, "a");
    world.run_until(|world| world.guilds_on("a").is_empty(), secs(5));
    world.run_for(secs(2));
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.audible), ("b", true));
    let shown_ms = i64::try_from(world.position(guild(1)).as_millis()).unwrap();
    assert!((shown_ms - copy.content_ms).abs() < 100, "{shown_ms}");
    assert!(world.player(guild(1)).connected);
}

#[test]
fn the_application_hears_of_a_move_as_a_move_and_of_no_start_or_end() {
    let mut world = crowded(1..=1, ["b"]);
    world.run_for(millis(12_345));
    let since = world.now();
    let position = world.position(guild(1));
    let node = world.id("b");

    world.submit(Command::Move {
        guild: guild(1),
        node,
    });
    world.run_for(secs(1));

    let told: Vec<_> = world
        .events_since(since)
        .filter(|event| !matches!(event, Event::PlayerUpdate { .. }))
        .cloned()
        .collect();
    let [
        Event::PlayerMoved {
            guild: moved,
            from,
            to,
            position: at,
            ..
        },
    ] = &told[..]
    else {
        panic!("{told:?}")
    };
    let names = (*moved, from.to_string(), to.to_string());
    assert_eq!(names, (guild(1), "a".to_owned(), "b".to_owned()));
    assert!(
        at.abs_diff(position) <= millis(6),
        "{at:?} after {position:?}"
    );
    let goes_on = world.position(guild(1)) - position;
    assert!(goes_on.abs_diff(secs(1)) <= millis(10), "{goes_on:?}");
}

#[test]
fn a_move_to_where_the_player_is_costs_nothing() {
    let mut world = crowded(1..=1, ["b"]);
    let since = world.now();
    let node = world.id("a");

    let moved = world.submit(Command::Move {
        guild: guild(1),
        node,
    });
    world.run_for(millis(1));

    assert_eq!(world.answer(moved), Some(&Ok(Answer::Done)));
    assert_eq!(world.requests_since("a", since), Vec::<String>::new());
}

#[test]
fn a_move_to_where_the_player_is_on_its_way_is_done_when_it_has_come() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = millis(500);
    let first = send_to(&mut world, "b");
    world.run_for(millis(100));
    let second = send_to(&mut world, "b");
    world.run_for(millis(100));
    assert_eq!(world.answer(second), None);
    world.run_for(secs(1));
    for moved in [first, second] {
        assert_eq!(world.answer(moved), Some(&Ok(Answer::Done)));
    }
}

#[test]
fn a_move_to_a_node_that_fails_leaves_the_player_playing_where_it_is() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").faults().fail_matching("/players/", 503);
    let node = world.id("b");

    let moved = world.submit(Command::Move {
        guild: guild(1),
        node,
    });
    world.run_for(secs(3));

    let Some(Err(RequestError::NodeFailed(_))) = world.answer(moved) else {
        panic!("{:?}", world.answer(moved))
    };
    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.audible), ("a", true));
    assert!(world.player(guild(1)).synced);
}

#[test]
fn what_is_set_during_a_move_arrives_on_the_new_node() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = secs(1);
    send_to(&mut world, "b");
    world.run_for(millis(500));

    let volume = world.update(guild(1), Update::default().volume(35));
    world.run_for(secs(2));

    assert_eq!(world.answer(volume), Some(&Ok(Answer::Done)));
    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.volume, player.audible), ("b", 35, true));
}

#[test]
fn a_drain_moves_every_player_without_a_gap_and_then_is_done() {
    let mut world = crowded(1..=30, ["b", "c"]);
    let node = world.id("a");

    let drained = world.submit(Command::Drain(node));
    while world.answer(drained).is_none() {
        for number in 1..=30 {
            let copies = world.copies(guild(number));
            assert!(
                copies.iter().any(|(_, player)| player.audible),
                "{copies:?}"
            );
        }
        world.run_for(millis(1));
    }
    world.run_for(secs(1));

    assert_eq!(world.answer(drained), Some(&Ok(Answer::Done)));
    assert_eq!(world.guilds_on("a"), Vec::<u64>::new());
    let counts = ["b", "c"].map(|name| world.guilds_on(name).len());
    assert_eq!(counts, [15, 15]);
    // It gets none until it is allowed to.
    world.fill(31..=34);
    assert_eq!(world.guilds_on("a"), Vec::<u64>::new());
    world.submit(Command::Undrain(node));
    world.fill(35..=35);
    assert_eq!(world.guilds_on("a"), [35]);
}

#[test]
fn the_source_of_a_move_that_dies_takes_nothing_with_it() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = millis(500);
    let moved = send_to(&mut world, "b");
    world.run_for(millis(100));

    world.kill("a");
    world.run_for(secs(2));

    assert_eq!(world.answer(moved), Some(&Ok(Answer::Done)));
    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.audible), ("b", true));
}

#[test]
fn the_target_of_a_move_that_dies_leaves_the_player_playing_where_it_is() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = millis(500);
    let moved = send_to(&mut world, "b");
    world.run_for(millis(100));

    world.kill("b");
    world.run_for(secs(2));

    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.audible), ("a", true));
    assert!(world.player(guild(1)).synced);
    assert!(matches!(
        world.answer(moved),
        Some(Err(RequestError::NodeFailed(_)))
    ));
}

#[test]
fn a_move_of_a_player_whose_node_is_lost_goes_where_it_was_ordered() {
    let mut world = crowded(1..=1, ["b", "c"]);
    world.kill("a");
    unanswered(&mut world, "b", AnswerKind::Voice);
    let moved = send_to(&mut world, "c");

    world.run_for(secs(2));

    assert_eq!(world.answer(moved), Some(&Ok(Answer::Done)));
    assert_eq!(world.only_copy(guild(1)).0, "c");
}

#[test]
fn a_move_to_a_node_that_is_not_there_is_refused_and_changes_nothing() {
    let mut world = crowded(1..=1, ["b", "c"]);
    world.kill("b");
    world.run_for(secs(2));
    let node = world.id("b");
    let since = world.now();

    let moved = world.submit(Command::Move {
        guild: guild(1),
        node,
    });
    world.run_for(secs(1));

    assert_eq!(world.answer(moved), Some(&Err(RequestError::NoNode)));
    assert_eq!(world.answered_at(moved), Some(since));
    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.audible), ("a", true));
    // Nor does it keep the player from a node that is there.
    world.kill("a");
    world.run_for(secs(2));
    assert_eq!(world.only_copy(guild(1)).0, "c");
}

#[test]
fn the_players_of_a_drained_node_play_on_until_there_is_another_one() {
    let mut world = crowded(1..=5, ["b"]);
    world.kill("b");
    world.run_for(secs(2));
    let node = world.id("a");

    let drained = world.submit(Command::Drain(node));
    world.run_for(secs(5));
    assert_eq!(world.answer(drained), None);
    for number in 1..=5 {
        let (name, player) = world.only_copy(guild(number));
        assert_eq!((name, player.audible), ("a", true));
    }

    world.restart("b");
    world.run_for(secs(10));
    assert_eq!(world.answer(drained), Some(&Ok(Answer::Done)));
    assert_eq!(world.guilds_on("b"), [1, 2, 3, 4, 5]);
}

#[test]
fn a_node_that_is_removed_before_a_player_has_come_leaves_it_where_it_plays() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = millis(500);
    let from = world.id("a");
    let drained = world.submit(Command::Drain(from));
    world.run_for(millis(100));

    let removed = remove(&mut world, "b");
    world.run_for(secs(2));

    assert_eq!(world.answer(removed), Some(&Ok(Answer::Done)));
    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.audible), ("a", true));
    let view = world.player(guild(1));
    assert_eq!(view.place, Place::On(world.reference("a")));
    assert_eq!((view.synced, world.answer(drained)), (true, None));

    world.add_node("b");
    world.run_for(secs(2));
    assert_eq!(world.answer(drained), Some(&Ok(Answer::Done)));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

#[test]
fn a_move_that_was_ordered_to_a_node_that_is_removed_is_answered() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = millis(500);
    let from = world.id("a");
    let moved = send_to(&mut world, "b");
    world.submit(Command::Drain(from));
    world.run_for(millis(100));

    remove(&mut world, "b");
    world.run_for(secs(2));

    assert_eq!(world.answer(moved), Some(&Err(RequestError::NodeRemoved)));
    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.audible), ("a", true));
}

#[test]
fn a_player_on_its_way_off_a_node_that_is_removed_goes_on_to_where_it_was_going() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = millis(500);
    let to = world.id("b");
    let moved = send_to(&mut world, "b");
    world.run_for(millis(100));
    // Nobody may be sent there any more, but who is on the way.
    world.submit(Command::Drain(to));

    let removed = remove(&mut world, "a");
    while world.answer(moved).is_none() {
        let copies = world.copies(guild(1));
        let is_heard = copies.iter().any(|(_, player)| player.audible);
        assert!(is_heard, "{copies:?}");
        world.run_for(millis(1));
    }
    world.run_for(secs(2));

    assert_eq!(world.answer(moved), Some(&Ok(Answer::Done)));
    assert_eq!(world.answer(removed), Some(&Ok(Answer::Done)));
    assert_eq!(world.only_copy(guild(1)).0, "b");
    assert!(world.player(guild(1)).synced);
}

#[test]
fn what_was_asked_for_during_a_move_that_fails_is_so_on_the_node_that_it_stays_on() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = secs(1);
    send_to(&mut world, "b");
    world.run_for(millis(500));
    let stop = world.update(guild(1), Update::stop().volume(35));

    world.kill("b");
    world.run_for(secs(2));

    assert_eq!(world.answer(stop), Some(&Ok(Answer::Done)));
    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.volume, player.track), ("a", 35, None));
}

#[test]
fn a_player_on_its_way_back_to_a_node_that_is_removed_waits_for_another() {
    let mut world = crowded(1..=1, ["b"]);
    world.kill("b");
    world.node("a").config().latency.voice = secs(5);
    world.restart("a");
    world.run_for(secs(1));
    let moved = send_to(&mut world, "a");
    let removed = remove(&mut world, "a");
    world.run_for(secs(10));
    assert_eq!(world.answer(moved), Some(&Err(RequestError::NodeRemoved)));
    assert_eq!(world.answer(removed), Some(&Ok(Answer::Done)));

    world.restart("b");
    world.run_for(secs(20));
    let (name, player) = world.only_copy(guild(1));
    assert_eq!((name, player.audible), ("b", true));
}

#[test]
fn a_player_whose_next_node_is_removed_is_told_to_be_stranded_again() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = secs(5);
    world.kill("a");
    world.kill("b");
    world.run_for(secs(10));
    world.restart("b");
    let is_moving = |world: &World| matches!(world.player(guild(1)).place, Place::Moving { .. });
    world.run_until(is_moving, secs(20));
    let since = world.now();
    remove(&mut world, "b");
    world.run_for(secs(1));
    let told: Vec<_> = world
        .events_since(since)
        .filter_map(|event| match event {
            Event::PlayersStranded { from, players } => Some((from.to_string(), players.to_vec())),
            _ => None,
        })
        .collect();
    assert_eq!(told, [("a".to_owned(), vec![guild(1)])]);
}

#[test]
fn a_move_to_another_node_than_the_player_is_on_its_way_to_is_not_done() {
    let mut world = crowded(1..=1, ["b", "c"]);
    world.node("b").config().latency.voice = millis(500);
    send_to(&mut world, "b");
    world.run_for(millis(100));
    let other = send_to(&mut world, "c");
    world.run_for(secs(1));
    let unconfirmed = RequestError::Unconfirmed(Unconfirmed::Deadline);
    assert_eq!(world.answer(other), Some(&Err(unconfirmed)));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

#[test]
fn a_refused_move_is_blamed_on_the_track_unless_that_was_stopped_or_it_may_be_the_voice_server() {
    let failed = |status| RequestError::NodeFailed(NodeFailure::Unavailable { status });
    for (status, stops, error) in [
        (400, false, RequestError::TrackUnplayable),
        (500, false, failed(500)),
        (400, true, failed(400)),
    ] {
        let mut world = crowded(1..=1, ["b"]);
        world.node("b").faults().fail_matching("players/1", status);
        let moved = send_to(&mut world, "b");
        if stops {
            world.update(guild(1), Update::stop());
        }
        world.run_for(secs(5));
        assert_eq!(world.answer(moved), Some(&Err(error)), "{status}");
        assert_eq!(world.only_copy(guild(1)).0, "a");
    }
}
