//! Nodes that are emptied, where another does not take what they have.

use lavapool_core::{Answer, Command, RequestError, Unconfirmed};
use lavapool_tests::node::Voice;
use lavapool_tests::world::guild;

use super::{crowded, millis, secs};

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
