//! Allocations of the core per message, and its memory per player and node.
//!
//! It counts what is asked of the allocator, and fails if that is more than was promised.

use std::process::ExitCode;

use allocation_counter::{AllocationInfo, measure};
use lavapool_bench_core::messages::{self, guild};
use lavapool_bench_core::world::World;
use lavapool_core::NodeId;
use lavapool_core::player::PackedView;

const PLAYERS: usize = 100_000;
const NODES: usize = 100;
const MESSAGES: usize = 1_000;

// 3 % more than is held. What is promised has room for the handles' part too, which the bench
// beside the peers measures: 600 bytes of an idle player, 2 KiB of a playing one, 32 KiB of a node.
const NODE_BYTES_MAX: f64 = 5_485.0;
const BARE_BYTES_MAX: f64 = 326.0;
const IDLE_BYTES_MAX: f64 = 434.0;
const PLAYING_BYTES_MAX: f64 = 1_650.0;
// What the handles keep of each player is this, and 96 bytes in which to find and share it.
const VIEW_BYTES_MAX: f64 = 64.0;

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
    for (name, say, count_max) in MESSAGE_KINDS {
        judge(name, allocations_of(say), count_max);
    }
    println!(
        "{:<44}{:>10}{:>10}",
        "bytes held, in the core", "", "at most"
    );
    judge("connected idle node", node_bytes(), NODE_BYTES_MAX);
    judge(
        "idle player that nothing was heard of",
        bare_bytes(),
        BARE_BYTES_MAX,
    );
    judge("idle player", idle_bytes(), IDLE_BYTES_MAX);
    judge("playing player", playing_bytes(), PLAYING_BYTES_MAX);
    println!("{:<44}{:>10}{:>10}", "bytes beside it", "", "at most");
    let view_bytes = size_of::<PackedView>() as f64;
    judge("view of an idle player", view_bytes, VIEW_BYTES_MAX);
    if within {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The message of a kind about the guild of a number, whose player plays.
type Say = fn(&mut World, NodeId, usize) -> String;

const MESSAGE_KINDS: [(&str, Say, f64); 5] = [
    (
        "playerUpdate",
        |_, _, number| messages::player_update(guild(number).get(), 5_000, 24),
        0.0,
    ),
    ("stats", |_, _, number| messages::stats(number), 0.0),
    (
        "start of a track",
        |world, node, number| {
            world.play(node, number);
            messages::track_start(guild(number).get(), &world.present(number))
        },
        4.0,
    ),
    (
        "end of a track",
        |world, _, number| {
            messages::track_end(guild(number).get(), &world.present(number), "finished")
        },
        4.0,
    ),
    (
        "end of a track that another replaced",
        |world, node, number| {
            world.play(node, number);
            messages::track_end(guild(number).get(), &world.previous(number), "replaced")
        },
        4.0,
    ),
];

/// How often a message of a kind allocates. Each is about a player of its own, is read alone, and
/// comes before the answer to what it follows from, as servers write it.
fn allocations_of(say: Say) -> f64 {
    let (mut world, node) = begin();
    world.add_playing(node, 0..MESSAGES);
    let socket = world.websocket(node);
    world.pass(5_000);
    let mut allocations = 0;
    for number in 0..MESSAGES {
        world.hold_answers();
        let mut bytes = Vec::new();
        messages::frame(&say(&mut world, node, number), &mut bytes);
        allocations += measure(|| world.receive(socket, &bytes)).count_total;
        world.give_answers();
    }
    allocations as f64 / MESSAGES as f64
}

fn node_bytes() -> f64 {
    let mut kept = None;
    let empty = measure(|| kept = Some(World::new(0)));
    kept = None;
    let info = measure(|| {
        let mut world = World::new(NODES);
        // Longer than an unused REST socket is kept.
        world.idle(51_000);
        kept = Some(world);
    });
    held(&info, &empty, NODES)
}

/// Of players that nothing was heard of: no report, and no voice channel.
fn bare_bytes() -> f64 {
    let (mut world, node) = begin();
    let info = measure(|| world.add_bare(node, 0..PLAYERS));
    held(&info, &AllocationInfo::default(), PLAYERS)
}

fn idle_bytes() -> f64 {
    let (mut world, node) = begin();
    let info = measure(|| {
        world.join(0..PLAYERS);
        world.add_idle(node, 0..PLAYERS);
    });
    held(&info, &AllocationInfo::default(), PLAYERS)
}

fn playing_bytes() -> f64 {
    let (mut world, node) = begin();
    let info = measure(|| {
        world.join(0..PLAYERS);
        world.add_playing(node, 0..PLAYERS);
    });
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
