//! A node is lost.

use std::time::Duration;

use lavapool_tests::world::World;

#[test]
fn a_node_dies_with_100_players() {
    let mut world = World::builder().nodes(["a", "b", "c"]).connected();
    world.fill(1..=100);
    world.run_for(Duration::from_secs(10));

    world.kill("a");
    world.run_for(Duration::from_secs(10));
}
