//! Nodes that are emptied, where another does not take what they have.

use lavapool_core::player::{Place, Update};
use lavapool_core::{Answer, Command, Event, Leaving, RequestError, Unconfirmed};
use lavapool_tests::node::Voice;
use lavapool_tests::world::{Dialled, World, guild, track};

use super::{away_for, crowded, millis, secs};

#[test]
fn a_drain_goes_past_nodes_that_cannot_make_the_voice_connection() {
    let mut world = crowded(1..=1, ["b", "c", "d"]);
    for (name, load) in [("c", 0.3), ("d", 0.6)] {
        world.node(name).stats().system_load = load;
    }
    world.run_for(secs(60));
    for name in ["b", "c"] {
        world.node(name).config().voice = Voice::Fails;
    }
    let node = world.id("a");
    let drained = world.submit(Command::Drain(node));
    while world.answer(drained).is_none() {
        let copies = world.copies(guild(1));
        assert!(copies.iter().any(|(_, player)| player.audible));
        world.run_for(millis(1));
    }
    world.run_for(secs(1));

    assert_eq!(world.answer(drained), Some(&Ok(Answer::Done)));
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.audible), ("d", true));
}

#[test]
fn a_drain_is_not_done_where_no_other_node_makes_the_voice_connection() {
    let mut world = crowded(1..=1, ["b", "c"]);
    for name in ["b", "c"] {
        world.node(name).config().voice = Voice::Fails;
    }
    let since = world.now();
    let node = world.id("a");
    let drained = world.submit(Command::Drain(node));
    world.run_for(secs(60));

    let late = RequestError::Unconfirmed(Unconfirmed::Deadline);
    assert_eq!(world.answer(drained), Some(&Err(late)));
    let (name, copy) = world.only_copy(guild(1));
    assert_eq!((name, copy.audible), ("a", true));
    // Each is asked twice, and not again and again.
    for name in ["b", "c"] {
        let asked = world.requests_since(name, since).into_iter();
        let asked = asked.filter(|what| what == "PATCH players/1").count();
        assert_eq!(asked, 2, "{name}");
    }
    // What is ready later takes it.
    world.node("b").config().voice = Voice::Connects;
    world.drop_connections("b");
    world.run_for(secs(5));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

#[test]
fn a_drain_goes_on_after_its_only_target_failed_once() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").faults().fail_next(503, 1);
    let node = world.id("a");
    let drained = world.submit(Command::Drain(node));
    world.run_for(secs(20));

    assert_eq!(world.answer(drained), Some(&Ok(Answer::Done)));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

#[test]
fn a_node_that_is_destroyed_in_its_grace_takes_its_players_along() {
    // At first they are frozen, and then stranded.
    for lost_for in [millis(50), secs(20)] {
        let builder = World::builder().node("a", |_| {});
        let mut world = builder.node("b", |node| node.is_known = false).connected();
        world.fill(1..=2);
        world.run_for(secs(1));
        world.refuse("a", true);
        world.drop_connections("a");
        world.run_for(lost_for);
        let (node, players) = (world.id("a"), Leaving::Destroy);
        let removed = world.submit(Command::RemoveNode { node, players });
        world.add_node("b");
        world.run_for(secs(10));

        assert_eq!(world.answer(removed), Some(&Ok(Answer::Done)));
        assert_eq!(world.pool().players().count(), 0, "{lost_for:?}");
        assert_eq!(world.guilds_on("b"), [0; 0]);
    }
}

#[test]
fn a_drain_is_not_done_while_players_of_the_node_wait_for_its_session() {
    // The node is lost before it is drained, or after.
    for is_first in [true, false] {
        let mut world = crowded(1..=3, ["b"]);
        world.node("b").config().latency.voice = millis(300);
        let node = world.id("a");
        world.next_dial("a", Dialled::Slow(millis(500)));
        let drained = if is_first {
            world.drop_connections("a");
            world.run_for(millis(50));
            world.submit(Command::Drain(node))
        } else {
            let drained = world.submit(Command::Drain(node));
            world.run_for(millis(50));
            world.drop_connections("a");
            drained
        };
        world.run_until(|world| world.answer(drained).is_some(), secs(20));

        assert_eq!(world.answer(drained), Some(&Ok(Answer::Done)));
        for number in 1..=3 {
            let place = world.player(guild(number)).place;
            let is_there = matches!(&place, Place::On(node) if &*node.name == "b");
            assert!(is_there, "{is_first}: {place:?}");
        }
    }
}

#[test]
fn a_player_that_is_back_on_a_drained_node_leaves_it_for_the_next() {
    let mut world = crowded(1..=1, ["b", "c"]);
    world.node("c").stats().system_load = 0.5;
    world.run_for(secs(60));
    world.node("b").config().latency.voice = secs(8);
    away_for(&mut world, "a", millis(1_500));
    let node = world.id("a");
    let drained = world.submit(Command::Drain(node));
    world.run_for(secs(4));
    let place = world.player(guild(1)).place;
    assert!(matches!(&place, Place::Moving { to, .. } if &*to.name == "b"));
    assert!(world.is_connected());
    // It plays on there, and may be back.
    assert_eq!(world.answer(drained), None);
    world.kill("b");
    world.run_for(secs(3));

    assert_eq!(world.answer(drained), Some(&Ok(Answer::Done)));
    assert_eq!(world.only_copy(guild(1)).0, "c");
}

#[test]
fn what_is_asked_of_a_stranded_player_is_not_forgotten_while_it_waits() {
    let mut world = stranded_beside_a_move();
    let since = world.now();
    let play = world.play(guild(1), &track("next"));
    let b = world.id("b");
    world.submit(Command::Undrain(b));
    world.run_for(secs(2));
    // No node has it yet.
    assert_eq!(world.answer(play), None);
    world.run_for(secs(8));

    assert_eq!(world.answer(play), Some(&Ok(Answer::Done)));
    let (name, copy) = world.only_copy(guild(1));
    let title = copy.track.unwrap().title;
    assert_eq!((name, &*title), ("b", "Track next"));
    let is_end = |event: &&Event| matches!(event, Event::TrackEnd { .. });
    assert_eq!(world.events_since(since).filter(is_end).count(), 0);
}

#[test]
fn a_stranded_player_goes_on_where_the_removed_node_stopped_it() {
    let mut world = stranded_beside_a_move();
    let stood_at = world.position(guild(1));
    let b = world.id("b");
    world.submit(Command::Undrain(b));
    let is_there = |world: &World| !world.copies(guild(1)).is_empty();
    world.run_until(is_there, secs(5));

    let (name, copy) = world.only_copy(guild(1));
    let began_at = millis(copy.content_ms.unsigned_abs());
    assert_eq!((name, began_at), ("b", stood_at));
}

#[test]
fn a_player_leaves_a_node_that_never_was_ready_though_the_first_to_take_it_is_lost() {
    let mut world = World::builder().nodes(["a", "b"]).build();
    world.node("a").faults().never_ready = true;
    let (a, guild) = (world.id("a"), guild(1));
    let (node, update) = (Some(a), Update::play(track("song")).without_voice());
    world.submit(Command::Update {
        guild,
        node,
        update,
    });
    world.run_for(secs(1));
    world.node("b").config().latency.player = secs(1);
    world.submit(Command::Drain(a));
    world.run_for(millis(100));
    world.restart("b");
    world.run_for(secs(10));

    let (name, copy) = world.only_copy(guild);
    assert_eq!((name, &*copy.track.unwrap().title), ("b", "Track song"));
}

/// Player 2 is on its way to `b`, which takes no other yet, and player 1 has nowhere to go from
/// `a`, which is being removed.
fn stranded_beside_a_move() -> World {
    let mut world = crowded(1..=2, ["b"]);
    world.drop_connections("a");
    world.run_for(secs(5));
    world.node("b").config().latency.voice = secs(3);
    let (a, b) = (world.id("a"), world.id("b"));
    let (node, players) = (b, Leaving::Keep);
    let (stranded, guild) = (guild(1), guild(2));
    world.submit(Command::Move { guild, node });
    world.run_for(millis(100));
    world.submit(Command::Drain(b));
    world.submit(Command::RemoveNode { node: a, players });
    world.run_for(millis(500));
    let place = world.player(stranded).place;
    assert!(matches!(place, Place::Stranded(_)), "{place:?}");
    assert_eq!(world.copies(stranded).len(), 0);
    world
}
