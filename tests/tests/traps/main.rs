//! What has tripped clients of Lavalink before: one test for each trap, from the trap's side.
//!
//! What a simple client would do is what must not be seen. [`manifest`] lists them all: what
//! Lavalink, its plugins and Discord do that a client easily gets wrong, and mistakes that other
//! clients made.

#![allow(clippy::unwrap_used, reason = "a test that fails there says where")]

mod choices;
mod connections;
mod ends;
mod manifest;
mod messages;
mod moves;
mod positions;
mod requests;
mod sessions;
mod updates;
mod voice;

use std::time::Duration;

use lavapool_core::Event;
use lavapool_core::protocol::{GuildId, TrackEndReason};
use lavapool_tests::node::Disturbance;
use lavapool_tests::world::World;
use serde_json::json;

/// Whole seconds.
const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Whole milliseconds.
const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A world in which these guilds play on `a`, and the other nodes have no players yet.
fn playing<const OTHERS: usize>(
    guilds: std::ops::RangeInclusive<u64>,
    others: [&str; OTHERS],
) -> World {
    let add = |builder: lavapool_tests::world::WorldBuilder, name| {
        builder.node(name, |node| node.is_known = false)
    };
    let builder = World::builder().nodes(["a"]);
    let mut world = others.into_iter().fold(builder, add).connected();
    world.fill(guilds);
    for name in others {
        world.add_node(name);
    }
    world.run_for(secs(11));
    world
}

/// A message of a node, as text.
fn message(message: &serde_json::Value) -> Disturbance {
    Disturbance::Text(message.to_string())
}

/// An event about what the guild plays on its server, as that would send it.
fn event(world: &World, number: u64, kind: &str, more: &serde_json::Value) -> Disturbance {
    world.track_event(number, kind, more)
}

/// A `playerUpdate` of a connected player.
fn update_of(number: u64, position_ms: u64) -> Disturbance {
    message(&json!({
        "op": "playerUpdate",
        "guildId": number.to_string(),
        "state": {"time": 1, "position": position_ms, "connected": true, "ping": 9},
    }))
}

/// The ends that the application heard of since a moment.
fn ends_since(world: &World, since: Duration) -> Vec<(GuildId, TrackEndReason)> {
    let ends = world.events_since(since).filter_map(|event| match event {
        Event::TrackEnd { guild, reason, .. } => Some((*guild, reason.clone())),
        _ => None,
    });
    ends.collect()
}

/// The bodies of the PATCHes of players that a server has heard since a moment.
fn patches_since(world: &World, name: &str, since: Duration) -> Vec<serde_json::Value> {
    let heard = world.heard_since(name, since).into_iter();
    let patches = heard.filter(|heard| heard.what.starts_with("PATCH players/"));
    patches.map(|heard| heard.body).collect()
}
