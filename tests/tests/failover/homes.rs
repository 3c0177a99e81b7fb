//! Whether players go back to the node that they were lost from.

use lavapool_core::Command;
use lavapool_tests::world::{World, guild};

use super::{moves_since, secs, send_to};

#[test]
fn players_return_home_to_a_node_that_is_back_if_they_are_to() {
    for (return_home, expected) in [(true, [4, 0]), (false, [0, 4])] {
        let builder = World::builder().node("a", |_| {});
        let builder = builder.node("b", |node| node.is_known = false);
        let mut world = builder.config(|c| c.return_home = return_home).connected();
        world.fill(1..=4);
        world.add_node("b");
        world.run_for(secs(11));

        world.kill("a");
        world.run_for(secs(3));
        assert_eq!(world.guilds_on("b"), [1, 2, 3, 4]);
        world.restart("a");
        world.run_for(secs(40));

        let counts = ["a", "b"].map(|name| world.guilds_on(name).len());
        assert_eq!(counts, expected, "return_home: {return_home}");
    }
}

#[test]
fn a_player_that_was_lost_twice_returns_to_the_first_of_the_two_nodes() {
    let mut world = homing();
    world.kill("a");
    world.run_for(secs(3));
    let second = world.only_copy(guild(1)).0.to_owned();
    world.kill(&second);
    world.run_for(secs(3));
    let third = world.only_copy(guild(1)).0.to_owned();
    world.restart(&second);
    world.run_for(secs(40));
    assert_eq!(world.only_copy(guild(1)).0, third);
    world.restart("a");
    world.run_for(secs(40));
    assert_eq!(world.only_copy(guild(1)).0, "a");
}

#[test]
fn a_player_that_was_ordered_away_does_not_return_home() {
    let mut world = homing();
    send_to(&mut world, "b");
    world.run_for(secs(1));
    world.kill("a");
    world.run_for(secs(3));
    world.restart("a");
    world.run_for(secs(40));
    assert_eq!(world.only_copy(guild(1)).0, "b");
}

#[test]
fn nobody_returns_home_to_a_node_that_is_being_drained() {
    let mut world = homing();
    let a = world.id("a");
    world.kill("a");
    world.run_for(secs(3));
    world.submit(Command::Drain(a));
    world.restart("a");
    let since = world.now();
    world.run_for(secs(40));
    assert_eq!(moves_since(&world, since), []);
    // Once it may have players again they do.
    world.submit(Command::Undrain(a));
    world.run_for(secs(5));
    assert_eq!(world.only_copy(guild(1)).0, "a");
}

/// Guild 1 plays on `a`, and players return home.
fn homing() -> World {
    let builder = World::builder().node("a", |_| {});
    let builder = ["b", "c"].into_iter().fold(builder, |builder, name| {
        builder.node(name, |node| node.is_known = false)
    });
    let mut world = builder.config(|c| c.return_home = true).connected();
    world.fill(1..=1);
    for name in ["b", "c"] {
        world.add_node(name);
    }
    world.run_for(secs(11));
    world
}
