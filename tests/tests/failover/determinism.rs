//! The same seed and the same calls give the same bytes.

use std::time::Duration;

use lavapool_core::player::Update;
use lavapool_core::{Command, Event};
use lavapool_tests::world::{Traced, World, guild, track};

use super::{millis, secs};

#[test]
fn the_same_seed_and_calls_give_the_same_bytes_and_outputs() {
    let first = eventful(World::builder().seed(11));
    let second = eventful(World::builder().seed(11));

    assert!(first.trace().len() > 1_000);
    assert_eq!(first.trace(), second.trace());
}

#[test]
fn another_seed_gives_other_masks_and_keys_and_the_same_story() {
    let first = eventful(World::builder().seed(11));
    let second = eventful(World::builder().seed(12));

    assert_ne!(written(&first), written(&second));
    assert_eq!(story(&first), story(&second));
}

#[test]
fn the_same_bytes_cut_differently_give_the_same_events_and_the_same_bytes_back() {
    let whole = eventful(World::builder().seed(11));
    for cuts in 1..=5 {
        let cut = eventful(World::builder().seed(11).cuts(cuts));

        assert_eq!(cut.events(), whole.events(), "cuts of seed {cuts}");
        assert_eq!(written(&cut), written(&whole), "cuts of seed {cuts}");
    }
}

/// A run in which much happens.
fn eventful(builder: lavapool_tests::world::WorldBuilder) -> World {
    let mut world = builder.nodes(["a", "b", "c"]).connected();
    world.fill(1..=30);
    world.update(guild(1), Update::default().volume(50));
    world.update(guild(2), Update::default().position(secs(60)));
    world.update(guild(3), Update::play(track("other")).paused(true));
    world.run_for(millis(12_345));
    world.kill("a");
    world.run_for(millis(40));
    world.update(guild(4), Update::stop());
    world.drop_connections("b");
    world.run_for(secs(20));
    world.restart("a");
    world.run_for(secs(40));
    let node = world.id("c");
    world.submit(Command::Drain(node));
    world.run_for(secs(10));
    world.half_open("b");
    world.run_for(secs(60));
    world
}

/// Everything that went to the servers.
fn written(world: &World) -> Vec<(Duration, &[u8])> {
    let written = world
        .trace()
        .iter()
        .filter_map(|(at, traced)| match traced {
            Traced::Wrote(_, bytes) => Some((*at, &**bytes)),
            Traced::Output(_) | Traced::Event(_) | Traced::Given(_) => None,
        });
    written.collect()
}

/// What the application heard, the loads of the servers aside.
fn story(world: &World) -> Vec<(Duration, Event)> {
    let told = world.events().iter();
    let told = told.filter(|(_, event)| !matches!(event, Event::NodeStats { .. }));
    told.cloned().collect()
}
