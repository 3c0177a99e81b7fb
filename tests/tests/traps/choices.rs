//! Which node takes a player.

use lavapool::Leaving;
use lavapool_tests::guide;
use lavapool_tests::node::FrameStats;
use lavapool_tests::sim::SimRuntime;
use lavapool_tests::world::{World, guild, track};

use super::secs;

/// A node has no stats at first, and a client that reads them all the same fails (NodeLink
/// issue 133).
#[test]
fn a_node_without_stats_takes_players() {
    SimRuntime::run(|sim| async move {
        let client = resumed(&sim, &["a"]).await;
        assert_eq!(client.node("a").unwrap().view().stats, None);
        guide::play(&client, 1..=2).await;
        assert_eq!(guide::guilds_on(&sim, "a"), [1, 2]);
    });
}

/// A node without stats had penalty 0 in several clients, and got every player.
#[test]
fn a_node_without_stats_is_not_the_best_of_all() {
    SimRuntime::run(|sim| async move {
        for (name, load) in [("b", 0.3), ("c", 0.01), ("d", 0.3)] {
            guide::add_with(&sim, name, |node| node.stats().system_load = load);
        }
        let client = resumed(&sim, &["a", "b", "c", "d"]).await;
        assert_eq!(client.node("a").unwrap().view().stats, None);
        assert_eq!(client.best_node(), client.node("c"));
        guide::play(&client, 1..=1).await;
        assert_eq!(guide::guilds_on(&sim, "c"), [1]);
    });
}

/// `discord.media` has Chicago's airport code in it: a search for codes anywhere in the host put
/// every other part of the world into the United States.
#[test]
fn a_voice_server_is_not_in_chicago_because_discord_has_ord_in_it() {
    let mut world = World::builder()
        .node("us", |node| node.region = Some("us".to_owned()))
        .node("brazil", |node| node.region = Some("brazil".to_owned()))
        .node("africa", |node| node.region = Some("africa".to_owned()))
        .connected();
    let regions = [
        ("brazil", 1),
        ("c-gru05-", 2),
        ("c-jnb01-", 3),
        ("c-ord07-", 4),
    ];
    for (region, number) in regions {
        world.join(guild(number), region);
        world.play(guild(number), &track("song"));
    }
    world.run_for(secs(1));
    let places = ["us", "brazil", "africa"].map(|name| world.guilds_on(name));
    assert_eq!(places, [vec![4], vec![1, 2], vec![3]]);
}

/// A comparison the wrong way round chose the busiest node (disgolink, before its pull request
/// 68).
#[test]
fn the_node_with_the_least_to_do_is_chosen() {
    let mut world = loaded(|node| node.system_load = 0.6, |node| node.system_load = 0.1);
    assert_chosen(&mut world, "b");
}

/// A minute with more frames than 3000 has a negative deficit, which made a node better than one
/// that did everything right.
#[test]
fn a_negative_deficit_is_no_bonus() {
    let frames = |deficit| {
        Some(FrameStats {
            sent: 3000,
            nulled: 0,
            deficit,
        })
    };
    let mut world = loaded(
        |node| (node.frames, node.system_load) = (frames(-2_000), 0.2),
        |node| node.frames = frames(0),
    );
    assert!(world.view("a").penalty >= 0.0);
    assert_chosen(&mut world, "b");
}

/// A load that is divided by the number of cores is not a number for a server that reports none.
#[test]
fn a_node_that_reports_no_cores_has_a_penalty_like_any_other() {
    let mut world = loaded(|node| (node.cores, node.system_load) = (0, 0.3), |_| {});
    let penalty = world.view("a").penalty;
    assert!(
        penalty.is_finite() && (1.0..100.0).contains(&penalty),
        "{penalty}"
    );
    assert_chosen(&mut world, "b");
    world.kill("b");
    world.run_for(secs(3));
    assert_eq!(world.guilds_on("a"), [1]);
}

/// Two nodes that report these numbers.
fn loaded(
    a: impl FnOnce(&mut lavapool_tests::node::NodeStats),
    b: impl FnOnce(&mut lavapool_tests::node::NodeStats),
) -> World {
    let mut world = World::builder().nodes(["a", "b"]).build();
    a(world.node("a").stats());
    b(world.node("b").stats());
    world.run_for(secs(12));
    assert!(world.is_connected());
    world
}

/// The next player goes to this node.
#[track_caller]
fn assert_chosen(world: &mut World, name: &str) {
    world.join(guild(1), "us-east");
    world.play(guild(1), &track("song"));
    world.run_for(secs(1));
    assert_eq!(world.guilds_on(name), [1]);
}

/// A client whose node `a` goes on with a stored session, so that its first stats are a minute
/// away.
async fn resumed(sim: &SimRuntime, names: &[&str]) -> lavapool::Client {
    let client = guide::connected(sim, ["a"]).await;
    let stored = client.node("a").unwrap().session_id().unwrap();
    client.close(Leaving::Keep).await.unwrap();
    let nodes = names.iter().map(|name| match *name {
        "a" => guide::config("a").session_id(stored.clone()).unwrap(),
        other => guide::config(other),
    });
    let builder = guide::builder().nodes(nodes);
    guide::connect(sim, builder).await
}
