//! The penalty as the guides write it, and as this pool does, on cases that were worked out apart
//! from the code, with sixty digits.

#![allow(clippy::unwrap_used, reason = "a test that fails there says where")]

use std::time::Duration;

use lavapool_core::Strategy;
use lavapool_core::node::{PenaltyWeights, Status, UNAVAILABLE};
use lavapool_core::protocol::{FrameStats as Frames, Stats};
use lavapool_tests::node::{FrameStats, NodeStats};
use lavapool_tests::world::World;

#[test]
fn the_formula_gives_what_was_worked_out_by_hand() {
    for (name, load, frames, playing, memory, micros, classic, ours) in CASES {
        // The number of cores is in no formula: those without any count as the others do.
        for cores in [0, 1, 64] {
            let mut stats = Stats::default();
            stats.cpu.cores = cores;
            stats.cpu.system_load = load;
            stats.cpu.lavalink_load = 0.9;
            stats.playing_players = playing;
            stats.players = playing + 5;
            (stats.memory.used, stats.memory.reservable) = memory;
            stats.frame_stats = frames.map(|(deficit, nulled)| Frames {
                sent: 3_000,
                nulled,
                deficit,
            });
            let latency = Some(Duration::from_micros(micros));
            assert_close(PenaltyWeights::classic().of(&stats, latency), classic, name);
            assert_close(PenaltyWeights::default().of(&stats, latency), ours, name);
        }
    }
}

#[test]
fn a_node_that_is_not_connected_has_the_guides_penalty_and_is_not_chosen() {
    for weights in [PenaltyWeights::classic(), PenaltyWeights::default()] {
        let mut world = world(["a", "b"], weights);
        world.refuse("a", true);
        world.drop_connections("a");
        world.run_for(Duration::from_millis(100));

        assert_eq!(world.view("a").penalty.to_bits(), 9e30_f64.to_bits());
        assert_eq!(UNAVAILABLE.to_bits(), 9e30_f64.to_bits());
        assert_eq!(world.pool().best_node(), Some(world.id("b")));
    }
}

#[test]
fn a_node_without_stats_counts_as_the_middle_one_of_the_others() {
    // Cut at random places, so that there is a moment between `ready` and the first stats.
    let mut world = World::builder()
        .config(|config| config.strategy = Strategy::Penalty(PenaltyWeights::classic()))
        .nodes(["a", "b", "c"])
        .node("new", |node| node.is_known = false)
        .cuts(3)
        .connected();
    for (name, load) in [("a", 0.1), ("b", 0.5), ("c", 1.0)] {
        report(&mut world, name, load, None);
    }
    world.run_for(Duration::from_secs(61));
    world.add_node("new");
    let is_ready = |world: &World| world.view("new").status == Status::Connected;
    world.run_until(is_ready, Duration::from_secs(2));

    assert_eq!(world.view("new").stats, None);
    assert_close(world.view("new").penalty, 104.673_997_857_536_76, "new");
}

#[test]
fn negative_penalties_order_as_the_numbers_do() {
    // Penalties: a 0, b about -77, c -300, d about -42.
    let mut world = world(["a", "b", "c", "d"], PenaltyWeights::classic());
    for (name, deficit) in [("a", 0), ("b", -60), ("c", -3_000), ("d", -30)] {
        report(&mut world, name, 0.0, Some(deficit));
    }
    world.run_for(Duration::from_secs(61));
    assert_close(world.view("b").penalty, -76.771_825_530_982_47, "b");

    for name in ["c", "b", "d", "a"] {
        assert_eq!(world.pool().best_node(), Some(world.id(name)), "{name}");
        world.refuse(name, true);
        world.drop_connections(name);
        world.run_for(Duration::from_millis(100));
    }
    assert_eq!(world.pool().best_node(), None);
}

#[test]
fn a_negative_deficit_is_no_advantage_by_default() {
    let mut world = world(["a", "b"], PenaltyWeights::default());
    report(&mut world, "b", 0.0, Some(-60));
    world.run_for(Duration::from_secs(61));

    assert_eq!(world.pool().best_node(), Some(world.id("a")));
}

type Case = (
    &'static str,
    f64,
    Option<(i32, i32)>,
    u32,
    (u64, u64),
    u64,
    f64,
    f64,
);

/// Name, system load, deficit and nulled frames, playing players, used and reservable memory,
/// latency in microseconds; the classic penalty and ours.
#[rustfmt::skip]
const CASES: [Case; 25] = [
    ("idle", 0.0, None, 0, (0, 0), 0, 0.0, 0.0),
    ("players alone", 0.0, None, 10, (0, 0), 0, 15.0, 15.0),
    ("light load", 0.1, None, 0, (0, 0), 0, 6.288_946_267_774_414, 6.288_946_267_774_414),
    ("half load and players", 0.5, None, 7, (0, 0), 0,
        115.173_997_857_536_76, 115.173_997_857_536_76),
    ("full load", 1.0, None, 0, (0, 0), 0, 1_305.012_578_463_034_5, 1_305.012_578_463_034_5),
    ("load above one", 1.5, None, 0, (0, 0), 0, 15_069.774_960_530_39, 1_305.012_578_463_034_5),
    ("load below zero", -0.25, None, 3, (0, 0), 0, -2.546_972_283_022_378, 4.5),
    ("deficit", 0.0, Some((60, 0)), 0, (0, 0), 0, 103.174_913_803_236_58, 103.174_913_803_236_58),
    ("nulled", 0.0, Some((0, 60)), 0, (0, 0), 0, 206.349_827_606_473_16, 206.349_827_606_473_16),
    ("negative deficit", 0.0, Some((-60, 0)), 0, (0, 0), 0, -76.771_825_530_982_47, 0.0),
    ("negative deficit under load", 0.2, Some((-30, 0)), 4, (0, 0), 0,
        -18.684_387_633_306_603, 22.532_977_051_444_202),
    ("very negative deficit", 0.0, Some((-3000, 0)), 0, (0, 0), 0, -299.999_885_578_166_64, 0.0),
    ("negative nulled", 0.0, Some((0, -6)), 0, (0, 0), 0, -17.475_728_155_339_805, 0.0),
    ("deficit and nulled", 0.35, Some((120, 18)), 25, (0, 0), 0,
        380.129_724_076_746_64, 380.129_724_076_746_64),
    ("all frames missing", 0.0, Some((600, 0)), 0, (0, 0), 0,
        5_465.589_594_256_874, 5_465.589_594_256_874),
    ("memory below the mark", 0.0, None, 0, (950, 1000), 0, 0.0, 0.0),
    ("memory at the mark", 0.0, None, 0, (960, 1000), 0, 0.0, 0.0),
    ("memory above the mark", 0.0, None, 0, (980, 1000), 0, 0.0, 99.0),
    ("memory used up", 0.05, None, 2, (1000, 1000), 0, 5.762_815_625, 10_004.762_815_625),
    ("memory past its end", 0.0, None, 0, (1005, 1000), 0, 0.0, 31_621.776_601_683_792),
    ("nothing reservable", 0.3, None, 1, (500, 0), 0, 34.719_423_751_506_62, 34.719_423_751_506_62),
    ("latency alone", 0.0, None, 0, (0, 0), 42000, 0.0, 4.2),
    ("latency below a millisecond", 0.0, None, 0, (0, 0), 250, 0.0, 0.025),
    ("everything", 0.42, Some((33, 9)), 12, (975, 1000), 87500,
        165.777_780_502_674_2, 205.150_557_104_358),
    ("one frame", 0.0, Some((1, 1)), 1, (0, 0), 0, 5.944_759_828_077_281, 5.944_759_828_077_281),
];

fn world<const COUNT: usize>(names: [&str; COUNT], weights: PenaltyWeights) -> World {
    World::builder()
        .config(|config| config.strategy = Strategy::Penalty(weights))
        .nodes(names)
        .connected()
}

/// What the node says of itself from its next message on.
fn report(world: &mut World, name: &str, system_load: f64, deficit: Option<i32>) {
    let frames = deficit.map(|deficit| FrameStats {
        sent: 3_000 - deficit,
        nulled: 0,
        deficit,
    });
    *world.node(name).stats() = NodeStats {
        system_load,
        frames,
        ..NodeStats::default()
    };
}

#[track_caller]
fn assert_close(found: f64, expected: f64, name: &str) {
    let is_close = (found - expected).abs() < 1e-9;
    assert!(is_close, "{name}: {found:?} is not {expected:?}");
}
