//! What the pool does about voice connections that fail, and about players that nobody needs.
//!
//! Everything runs in virtual time: the servers lose their voice connections, and Discord answers
//! what the pool has the bot send, or does not.

#![allow(clippy::unwrap_used, reason = "a test that fails there says where")]

mod codes;
mod gateway;
mod inactivity;
mod joins;
mod leaving;
mod servers;
mod storms;
mod watch;

use std::time::Duration;

use lavapool_core::{Event, Kinds};
use lavapool_tests::world::{Discord, World, guild, track_of};

/// Whole seconds.
const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Whole milliseconds.
const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A world in which guild 1 plays on `a` for long, and Discord answers.
fn playing() -> World {
    let mut world = World::builder().nodes(["a"]).connected();
    play(&mut world);
    world
}

/// Guild 1 joins, and plays something that does not end.
fn play(world: &mut World) {
    world.join(guild(1), "us-east");
    world.play(guild(1), &track_of("long", secs(36_000)));
    world.run_for(secs(10));
    world.set_discord(Discord::Answers);
}

/// Of the nodes `a` and `b` the one that guild 1 is on, and the other.
fn here_and_there(world: &World) -> (&'static str, &'static str) {
    match world.only_copy(guild(1)).0 {
        "a" => ("a", "b"),
        _ => ("b", "a"),
    }
}

/// What the pool had the bot do since a moment: joins and leaves, and how long after it.
fn asked_since(world: &World, since: Duration) -> Vec<(&'static str, Duration)> {
    let payloads = world.payloads_since(since).into_iter();
    let asked = payloads.map(|(at, payload)| match payload.channel {
        Some(_) => ("join", at - since),
        None => ("leave", at - since),
    });
    asked.collect()
}

/// What the application heard of voice since a moment, the payloads aside.
fn told_since(world: &World, since: Duration) -> Vec<Event> {
    let events = world.events_since(since);
    let told = events.filter(|event| event.kinds() == Kinds::VOICE);
    told.filter(|event| !matches!(event, Event::VoiceClosed { .. }))
        .cloned()
        .collect()
}

/// Whether the server has a voice connection for guild 1, and the pool knows the same.
fn is_connected(world: &World) -> bool {
    let (_, theirs) = world.only_copy(guild(1));
    let ours = world.player(guild(1));
    assert_eq!(theirs.connected, ours.connected);
    theirs.connected
}
