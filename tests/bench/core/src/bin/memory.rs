//! Allocations of the core per message, and its memory per player and node.
//!
//! It counts what is asked of the allocator, and fails if that is more than was promised.

use std::process::ExitCode;

use allocation_counter::{AllocationInfo, measure};
use lavapool_bench_core::messages::{self, Kind, guild, track};
use lavapool_bench_core::world::World;
use lavapool_core::NodeId;
use lavapool_core::player::PlayerView;

const PLAYERS: usize = 100_000;
const NODES: usize = 100;
const MESSAGES: usize = 1_000;

fn main() -> ExitCode {
    let mut within = true;
    let mut judge = |what: &str, count: f64, count_max: f64| {
        let verdict = if count > count_max { "  TOO MANY" } else { "" };
        println!("{what:<44}{count:>10.1}{count_max:>10}{verdict}");
        within &= count <= count_max;
    };
    println!(
        "{:<44}{:>10}{:>10}",
        "allocations per message", "", "at most"
    );
    for (kind, name, count_max) in [
        (Kind::PlayerUpdate, "playerUpdate", 0.0),
        (Kind::Stats, "stats", 0.0),
        (Kind::TrackStart, "start of a track", 4.0),
        (Kind::TrackEnd, "end of a track", 4.0),
    ] {
        let info = messages_of(kind);
        judge(name, info.count_total as f64 / MESSAGES as f64, count_max);
    }
    println!("{:<44}{:>10}{:>10}", "bytes held", "", "at most");
    judge("connected idle node", node_bytes(), 32.0 * 1024.0);
    judge("idle player, in the core", idle_bytes(), 600.0);
    judge("playing player, in the core", playing_bytes(), 2048.0);
    println!(
        "of which each handle's view is a copy of {} bytes",
        size_of::<PlayerView>()
    );
    if within {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What so many messages of a kind allocate, each about a player of its own and read alone.
fn messages_of(kind: Kind) -> AllocationInfo {
    let (mut world, node) = begin();
    world.add_playing(node, 0..MESSAGES);
    let socket = world.websocket(node);
    let frames: Vec<Vec<u8>> = (0..MESSAGES)
        .map(|number| {
            let text = match kind {
                Kind::PlayerUpdate => messages::player_update(guild(number), 5_000),
                Kind::Stats => messages::stats(number),
                Kind::TrackStart => messages::track_start(guild(number), &track(number), 1),
                Kind::TrackEnd => messages::track_end(guild(number), &track(number), 1),
            };
            let mut bytes = Vec::new();
            messages::frame(&text, &mut bytes);
            bytes
        })
        .collect();
    world.pass(5_000);
    measure(|| frames.iter().for_each(|frame| world.receive(socket, frame)))
}

fn node_bytes() -> f64 {
    let mut kept = None;
    let empty = measure(|| kept = Some(World::new(0)));
    kept = None;
    let info = measure(|| {
        let mut world = World::new(NODES);
        // Longer than an unused REST socket is kept.
        world.rest(51_000);
        kept = Some(world);
    });
    held(&info, &empty, NODES)
}

fn idle_bytes() -> f64 {
    let (mut world, node) = begin();
    let info = measure(|| world.add_idle(node, 0..PLAYERS));
    held(&info, &AllocationInfo::default(), PLAYERS)
}

fn playing_bytes() -> f64 {
    let (mut world, node) = begin();
    let info = measure(|| world.add_playing(node, 0..PLAYERS));
    held(&info, &AllocationInfo::default(), PLAYERS)
}

fn begin() -> (World, NodeId) {
    let world = World::new(1);
    let node = world.nodes()[0];
    (world, node)
}

fn held(info: &AllocationInfo, without: &AllocationInfo, units: usize) -> f64 {
    (info.bytes_current - without.bytes_current) as f64 / units as f64
}
