//! The well-known plugins: what they are told and when, what they say, and nodes without them.

#![allow(clippy::unwrap_used, reason = "a test that fails there says where")]

mod answers;
mod end_times;
mod handles;
mod lookups;
mod sockets;
mod wishes;

use std::time::Duration;

use lavapool_core::Command;
use lavapool_core::CommandId;
use lavapool_core::player::PluginWish;
use lavapool_core::protocol::GuildId;
use lavapool_core::protocol::plugins::{Category, LyricsFrom};
use lavapool_tests::node;
use lavapool_tests::world::{World, WorldBuilder};

/// Whole seconds.
const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Whole milliseconds.
const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A world whose nodes have every plugin, and know the same of every track.
fn plugged<const COUNT: usize>(names: [&str; COUNT]) -> WorldBuilder {
    let add = |builder: WorldBuilder, name| builder.node(name, |host| install(&mut host.server));
    names.into_iter().fold(World::builder(), add)
}

fn install(server: &mut node::NodeConfig) {
    let bare = std::mem::take(server);
    *server = bare.with_plugins();
    server.knowledge.segments = vec![
        ("intro".to_owned(), 0, 2_000),
        ("sponsor".to_owned(), 10_000, 20_000),
    ];
    server.knowledge.lines = vec![(1_000, "one".to_owned()), (5_000, "two".to_owned())];
}

fn skip(world: &mut World, guild: GuildId, categories: &[Category]) -> CommandId {
    let wish = PluginWish::Categories(Some(categories.into()));
    world.submit(Command::Plugin { guild, wish })
}

fn sing(world: &mut World, guild: GuildId) -> CommandId {
    let wish = PluginWish::Lyrics(Some(LyricsFrom::Any));
    world.submit(Command::Plugin { guild, wish })
}

/// The requests to plugins that a server has heard since a moment.
fn told_since(world: &World, name: &str, since: Duration) -> Vec<String> {
    let mut requests = world.requests_since(name, since);
    requests.retain(|what| what.contains("sponsorblock") || what.contains("lyrics"));
    requests
}

const SET: &str = "PUT players/1/sponsorblock/categories";
const CLEAR: &str = "DELETE players/1/sponsorblock/categories";
const SUBSCRIBE: &str = "POST players/1/lyrics/subscribe";
const UNSUBSCRIBE: &str = "DELETE players/1/lyrics/subscribe";
