//! What the pool does about nodes that die, blink, fall silent, come back, refuse and leave.
//!
//! Everything runs in virtual time on a simulated network, and what counts is what the servers
//! really have.

#![allow(clippy::unwrap_used, reason = "a test that fails there says where")]

mod barriers;
mod clocks;
mod closes;
mod copies;
mod crossings;
mod determinism;
mod drains;
mod ends;
mod homes;
mod inherited;
mod lanes;
mod late;
mod late_seeks;
mod led_over;
mod losses;
mod messages;
mod nodelink;
mod orders;
mod pages;
mod positions;
mod reconnects;
mod refused;
mod removals;
mod requests;
mod returns;
mod setbacks;
mod sockets;
mod targets;
mod turnings;
mod unheard;
mod updates;
mod vanished;
mod voiceless;

use std::time::Duration;

use lavapool_core::protocol::GuildId;
use lavapool_core::{Command, CommandId, Event, Leaving};
use lavapool_tests::node::{AnswerKind, Disturbance};
use lavapool_tests::world::{World, guild};
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
fn crowded<const OTHERS: usize>(
    guilds: std::ops::RangeInclusive<u64>,
    others: [&str; OTHERS],
) -> World {
    let builder = World::builder().node("a", |_| {});
    let builder = others.into_iter().fold(builder, |builder, name| {
        builder.node(name, |node| node.is_known = false)
    });
    let mut world = builder.connected();
    world.fill(guilds);
    for name in others {
        world.add_node(name);
    }
    world.run_for(secs(11));
    world
}

/// Orders the player of guild 1 to a node.
fn send_to(world: &mut World, to: &str) -> CommandId {
    let node = world.id(to);
    world.submit(Command::Move {
        guild: guild(1),
        node,
    })
}

/// Removes a node, whose players go on elsewhere.
fn remove(world: &mut World, name: &str) -> CommandId {
    let (node, players) = (world.id(name), Leaving::Keep);
    world.submit(Command::RemoveNode { node, players })
}

/// A node answers nothing of this kind any more.
fn unanswered(world: &mut World, name: &str, kind: AnswerKind) {
    world.node(name).faults().unanswered.insert(kind);
}

/// A node loses its connections, and cannot be dialled for this time.
fn away_for(world: &mut World, name: &str, time: Duration) {
    world.refuse(name, true);
    world.drop_connections(name);
    world.run_for(time);
    world.refuse(name, false);
}

/// The guilds that moved since a moment, with the names of the nodes that they left and came to.
fn moves_since(world: &World, since: Duration) -> Vec<(GuildId, String, String)> {
    let moves = world.events_since(since).filter_map(|event| match event {
        Event::PlayerMoved {
            guild, from, to, ..
        } => Some((*guild, from.to_string(), to.to_string())),
        _ => None,
    });
    moves.collect()
}

/// What the player of guild 1 plays, where it is.
fn title(world: &World) -> Option<String> {
    world.only_copy(guild(1)).1.track.map(|track| track.title)
}

/// A `playerUpdate` of guild 1.
fn report(position_ms: u64) -> Disturbance {
    let state = json!({"time": 1, "position": position_ms, "connected": true, "ping": 1});
    let update = json!({"op": "playerUpdate", "state": state, "guildId": "1"});
    Disturbance::Text(update.to_string())
}
