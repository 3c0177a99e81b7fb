//! The application's own requests: lookups, and what they must never delay.

use lavapool_core::player::Update;
use lavapool_core::rest::{self, Request};
use lavapool_core::{Answer, Command, NodeFailure, RequestError, Target};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{World, guild};

use super::{crowded, millis, secs, unanswered};

#[test]
fn a_lookup_goes_to_the_best_node_and_is_answered() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    let since = world.now();
    let lookup = world.submit(load());

    world.run_for(millis(100));

    assert_loaded(&world, lookup);
    let asked = ["a", "b"].map(|name| world.requests_since(name, since).len());
    assert_eq!(asked, [1, 0]);
}

#[test]
fn a_lookup_is_answered_by_another_node_when_one_fails() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    world
        .node("a")
        .faults()
        .fail_matching("/v4/loadtracks", 503);
    let since = world.now();
    let lookup = world.submit(load());

    world.run_for(secs(2));

    assert_loaded(&world, lookup);
    let asked = ["a", "b"].map(|name| world.requests_since(name, since).len());
    assert_eq!(asked, [1, 1]);
}

#[test]
fn a_lookup_on_its_way_to_a_node_that_dies_is_answered_by_another() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    world.node("a").config().latency.load = secs(5);
    let lookup = world.submit(load());
    world.run_for(millis(100));

    world.kill("a");
    world.run_for(secs(2));

    assert_loaded(&world, lookup);
}

#[test]
fn a_lookup_for_one_node_alone_stays_with_it() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    world
        .node("a")
        .faults()
        .fail_matching("/v4/loadtracks", 503);
    let since = world.now();
    let node = Target::Node(world.id("a"));
    let request = Request::LoadTracks {
        identifier: "https://tracks.test/song".to_owned(),
    };
    let lookup = world.submit(Command::Rest { node, request });

    world.run_for(secs(5));

    let failure = NodeFailure::Unavailable { status: 503 };
    assert_eq!(
        world.answer(lookup),
        Some(&Err(RequestError::NodeFailed(failure)))
    );
    let asked = ["a", "b"].map(|name| world.requests_since(name, since).len());
    assert_eq!(asked, [3, 0]);
}

#[test]
fn lookups_do_not_delay_control() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.load = secs(10);
    for _ in 0..100 {
        world.submit(load());
    }
    world.run_for(millis(100));
    let since = world.now();

    let paused = world.update(guild(1), Update::default().paused(true));
    world.run_for(millis(100));

    // A socket that is open already: one millisecond there, one back.
    assert_eq!(world.answered_at(paused), Some(since + millis(2)));
}

#[test]
fn a_slow_voice_connection_does_not_delay_a_pause() {
    let mut world = crowded(1..=1, []);
    unanswered(&mut world, "a", AnswerKind::Voice);
    for number in 2..=50 {
        world.join(guild(number), "us-east");
    }
    world.run_for(millis(100));
    let since = world.now();

    let paused = world.update(guild(1), Update::default().paused(true));
    world.run_for(secs(1));

    // At most a socket has to be opened.
    let waited = world.answered_at(paused).map(|at| at - since);
    assert!(waited <= Some(millis(4)) && waited.is_some(), "{waited:?}");
}

#[test]
fn a_lookup_without_any_node_waits_for_one() {
    let mut world = World::builder().nodes(["a"]).build();
    world.refuse("a", true);
    let lookup = world.submit(load());
    world.run_for(secs(3));
    assert_eq!(world.answer(lookup), None);

    world.refuse("a", false);
    world.run_for(secs(5));

    assert_loaded(&world, lookup);
}

#[test]
fn a_lookup_that_no_node_ever_takes_ends_at_its_deadline() {
    let mut world = World::builder().nodes(["a"]).build();
    world.refuse("a", true);
    let since = world.now();
    let lookup = world.submit(load());

    world.run_for(secs(31));

    assert_eq!(world.answer(lookup), Some(&Err(RequestError::NoNode)));
    assert_eq!(world.answered_at(lookup), Some(since + secs(30)));
}

#[test]
fn a_cancelled_lookup_is_not_sent() {
    let mut world = World::builder().nodes(["a"]).build();
    let lookup = world.submit(load());

    world.cancel(lookup);
    world.run_for(secs(1));

    assert_eq!(
        world.requests_since("a", secs(0)),
        ["PATCH session", "GET /v4/info"]
    );
    assert_eq!(world.answer(lookup), None);
}

#[test]
fn a_ping_measures_the_round_trip() {
    let mut world = World::builder()
        .node("a", |node| node.latency = millis(35))
        .connected();
    let node = world.id("a");
    let ping = world.submit(Command::Ping(node));

    world.run_for(secs(1));

    assert_eq!(world.answer(ping), Some(&Ok(Answer::Latency(millis(70)))));
    assert_eq!(world.view("a").latency, Some(millis(70)));
}

fn load() -> Command {
    Command::Rest {
        node: Target::Best,
        request: Request::LoadTracks {
            identifier: "https://tracks.test/song".to_owned(),
        },
    }
}

#[track_caller]
fn assert_loaded(world: &World, lookup: lavapool_core::CommandId) {
    let Some(Ok(Answer::Rest(answer))) = world.answer(lookup) else {
        panic!("{:?}", world.answer(lookup))
    };
    let rest::Answer::Loaded(loaded) = &**answer else {
        panic!("{answer:?}")
    };
    assert!(format!("{loaded:?}").contains("Track song"), "{loaded:?}");
}
