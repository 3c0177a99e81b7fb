//! What waits for a connection to a node: in which order it goes, how often, and without whom.

use lavapool_core::player::Update;
use lavapool_core::rest::Request;
use lavapool_core::{Answer, Command, Strategy, Target};
use lavapool_tests::world::{World, guild};

use super::requests::{assert_loaded, load};
use super::{millis, secs};

#[test]
fn a_player_that_has_nothing_to_play_is_changed_before_a_voice_connection_is_made() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder
        .config(|config| config.limits.control_sockets_max = 2)
        .connected();
    world.fill(1..=3);
    world.update(guild(4), Update::default().volume(50));
    world.run_for(secs(1));
    world.node("a").config().latency.player = millis(100);
    world.node("a").config().latency.voice = secs(1);
    let since = world.now();
    for number in 1..=2 {
        world.update(guild(number), Update::default().volume(50));
    }
    world.voice_server(guild(3), Some("us-west"));
    world.update(guild(4), Update::default().volume(70));
    world.run_for(secs(5));
    let told = world.requests_since("a", since);
    assert_eq!(told[2..], ["PATCH players/4", "PATCH players/3"]);
}

#[test]
fn a_pause_finds_a_socket_however_few_there_may_be() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder
        .config(|config| config.limits.control_sockets_max = 2)
        .connected();
    world.fill(1..=3);
    world.run_for(secs(1));
    world.node("a").config().latency.voice = secs(5);
    for number in 1..=2 {
        world.voice_server(guild(number), Some("us-west"));
    }
    world.run_for(millis(10));
    let pause = world.update(guild(3), Update::default().paused(true));
    world.run_for(millis(100));
    assert_eq!(world.answer(pause), Some(&Ok(Answer::Done)));
}

#[test]
fn a_lookup_that_waits_for_a_socket_is_asked_once_though_another_node_is_lost() {
    let builder = World::builder().nodes(["a", "b"]);
    let mut world = builder
        .config(|config| config.limits.lookup_sockets_max = 2)
        .connected();
    world.node("a").config().latency.load = secs(1);
    let since = world.now();
    let lookups = [0; 3].map(|_| world.submit(load()));
    world.run_for(millis(100));
    world.kill("b");
    world.run_for(secs(5));
    lookups
        .iter()
        .for_each(|lookup| assert_loaded(&world, *lookup));
    assert_eq!(world.requests_since("a", since).len(), 3);
}

#[test]
fn a_request_about_a_session_that_waits_for_a_socket_waits_for_the_session_too() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder
        .config(|config| config.limits.control_sockets_max = 2)
        .connected();
    world.node("a").config().latency.player = secs(1);
    let node = Target::Node(world.id("a"));
    let asked = [0; 3].map(|_| {
        let request = Request::Players;
        world.submit(Command::Rest { node, request })
    });
    world.run_for(millis(100));
    world.drop_connections("a");
    world.run_for(secs(10));
    for asked in asked {
        assert!(matches!(world.answer(asked), Some(Ok(_))));
    }
}

#[test]
fn a_lookup_whose_idle_connection_had_died_is_asked_again_before_those_behind_it() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder
        .config(|config| config.limits.lookup_sockets_max = 1)
        .connected();
    let since = world.now();
    world.end_rest("a");
    world.submit(load());
    let (node, request) = (Target::Best, Request::Version);
    world.submit(Command::Rest { node, request });
    world.run_for(secs(1));
    let asked = world.requests_since("a", since);
    assert_eq!(asked, ["GET /v4/loadtracks", "GET /version"]);
}

#[test]
fn a_query_that_nobody_waits_for_is_not_asked_again_when_its_idle_connection_had_died() {
    let mut world = World::builder().nodes(["a"]).connected();
    let since = world.now();
    world.end_rest("a");
    let query = world.submit(Command::FetchTracks {
        node: Target::Best,
        query: "https://tracks.test/song".into(),
    });
    world.cancel(query);
    world.run_for(secs(5));
    assert_eq!(world.requests_since("a", since), [""; 0]);
}

#[test]
fn lookups_take_turns_of_their_own() {
    let builder = World::builder().nodes(["a", "b"]);
    let mut world = builder
        .config(|config| config.strategy = Strategy::RoundRobin)
        .connected();
    world.fill(1..=1);
    assert_eq!(world.guilds_on("a"), [1]);
    let since = world.now();
    let lookup = world.submit(load());
    world.run_for(secs(1));
    assert_loaded(&world, lookup);
    assert_eq!(world.requests_since("b", since), [""; 0]);
}
