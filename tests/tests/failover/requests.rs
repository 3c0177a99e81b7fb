//! The application's own requests: lookups, and what they must never delay.

use lavapool_core::node::Loss;
use lavapool_core::player::Update;
use lavapool_core::protocol::RawJson;
use lavapool_core::rest::{self, Method, Request};
use lavapool_core::{
    Answer, Command, Event, Leaving, NodeFailure, PoolConfig, RequestError, Target,
};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{World, guild, track};
use serde_json::json;

use super::{crowded, millis, remove, secs, title, unanswered};

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
fn a_query_on_its_way_to_a_node_that_is_removed_is_answered_by_another_and_may_be_asked_again() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    world.node("a").config().latency.load = secs(10);
    let query = || {
        let (node, query) = (Target::Best, "https://tracks.test/song".into());
        Command::FetchTracks { node, query }
    };
    let [first, lookup] = [query(), load()].map(|asked| world.submit(asked));
    world.run_for(secs(1));
    remove(&mut world, "a");
    world.run_for(secs(1));
    let again = world.submit(query());
    world.run_for(secs(1));

    for asked in [first, lookup, again] {
        assert!(matches!(world.answer(asked), Some(Ok(_))));
    }
}

#[test]
fn a_lookup_that_waits_for_a_socket_of_a_node_that_is_lost_goes_to_another_at_once() {
    let builder = World::builder().nodes(["a", "b"]);
    let mut world = builder
        .config(|c| c.limits.lookup_sockets_max = 1)
        .connected();
    world.node("a").config().latency.load = secs(5);
    let lookups = [0; 3].map(|_| world.submit(load()));
    let own = Command::Rest {
        node: Target::Node(world.id("a")),
        request: Request::Version,
    };
    let own = world.submit(own);
    world.run_for(millis(100));
    world.refuse("a", true);
    world.drop_connections("a");
    world.run_for(millis(100));

    let answered = lookups.map(|lookup| world.answer(lookup).is_some());
    assert_eq!(answered, [true; 3]);
    // What is for the node alone waits for it.
    assert_eq!(world.answer(own), None);
    world.refuse("a", false);
    world.run_for(secs(20));
    assert!(matches!(world.answer(own), Some(Ok(_))));
}

#[test]
fn a_request_for_a_node_that_is_removed_is_answered_and_no_other() {
    let mut world = World::builder().nodes(["a", "b"]).connected();
    unanswered(&mut world, "a", AnswerKind::Other);
    world.node("b").config().latency.other = secs(10);
    let asked = ["a", "b"].map(|name| {
        let node = Target::Node(world.id(name));
        let request = Request::Version;
        world.submit(Command::Rest { node, request })
    });
    remove(&mut world, "a");
    world.run_for(secs(9));
    let removed = Some(&Err(RequestError::NodeRemoved));
    assert_eq!(asked.map(|asked| world.answer(asked)), [removed, None]);
    world.run_for(secs(2));
    assert!(matches!(world.answer(asked[1]), Some(Ok(_))));
}

#[test]
fn a_request_that_waits_for_a_node_is_answered_when_that_is_removed() {
    let mut world = World::builder().nodes(["a"]).build();
    world.refuse("a", true);
    let node = world.id("a");
    let request = Request::Version;
    let asked = world.submit(Command::Rest {
        node: Target::Node(node),
        request,
    });
    world.run_for(secs(1));
    let players = Leaving::Keep;
    world.submit(Command::RemoveNode { node, players });
    world.run_for(millis(1));
    assert_eq!(world.answer(asked), Some(&Err(RequestError::NodeRemoved)));
}

#[test]
fn a_request_that_may_not_be_repeated_is_not_when_its_connection_dies() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.load = secs(1);
    world.update(guild(1), Update::default().volume(50));
    world.run_for(millis(10));
    let since = world.now();
    let request = Request::Raw {
        method: Method::POST,
        path: "/v4/decodetracks".to_owned(),
        body: Some(RawJson::parse("[]").unwrap()),
    };
    let node = Target::Best;
    let asked = world.submit(Command::Rest { node, request });
    world.run_for(millis(500));
    world.end_rest("a");
    world.run_for(secs(5));
    let lost = RequestError::NodeFailed(NodeFailure::ConnectionLost);
    assert_eq!(world.answer(asked), Some(&Err(lost)));
    assert_eq!(world.requests_since("a", since).len(), 1);
}

#[test]
fn an_answer_that_is_longer_than_it_may_be_is_none() {
    let builder = World::builder().nodes(["a"]);
    let limits = |config: &mut PoolConfig| config.limits.body_bytes_max = 1024;
    let mut world = builder.config(limits).connected();
    world.node("a").config().plugins = vec![("p".repeat(2_000), "1.0.0".to_owned())];
    let node = Target::Node(world.id("a"));
    let request = Request::Info;
    let asked = world.submit(Command::Rest { node, request });
    world.run_for(secs(10));
    let violation = RequestError::NodeFailed(NodeFailure::ProtocolViolation);
    assert_eq!(world.answer(asked), Some(&Err(violation)));
}

#[test]
fn one_who_gives_up_keeps_nobody_else_waiting() {
    let mut world = World::builder().nodes(["a"]).build();
    let node = world.id("a");
    for command in [Command::AwaitNode(node), Command::Ping(node)] {
        let [given_up, other] = [0; 2].map(|_| world.submit(command.clone()));
        world.cancel(given_up);
        world.run_for(secs(1));
        assert_eq!(world.answer(given_up), None);
        assert!(matches!(world.answer(other), Some(Ok(_))), "{command:?}");
    }
}

#[test]
fn a_socket_is_dialled_for_each_request_that_waits_and_no_more() {
    let mut world = World::builder().nodes(["a"]).connected();
    world.run_for(secs(60));
    let before = world.dials("a").len();
    for _ in 0..4 {
        world.submit(load());
    }
    world.run_for(secs(1));
    assert_eq!(world.dials("a").len() - before, 4);
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
fn no_more_connections_for_voice_are_made_at_once_than_may_be() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder
        .config(|c| c.limits.voice_sockets_max = 2)
        .connected();
    unanswered(&mut world, "a", AnswerKind::Voice);
    let since = world.now();
    for number in 1..=5 {
        world.join(guild(number), "us-east");
    }
    world.run_for(secs(5));
    assert_eq!(world.requests_since("a", since).len(), 2);
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

#[test]
fn a_request_that_finds_the_session_unknown_has_the_node_dialled_again() {
    let mut world = crowded(1..=1, []);
    let since = world.now();
    world.node("a").faults().sessions_unknown = true;
    let node = Target::Node(world.id("a"));
    let request = Request::Players;
    world.submit(Command::Rest { node, request });
    world.run_for(millis(3));
    world.node("a").faults().sessions_unknown = false;
    world.run_for(secs(1));
    let losses = world.events_since(since).filter_map(|event| match event {
        Event::NodeDisconnected { loss, .. } => Some(loss.clone()),
        _ => None,
    });
    assert_eq!(losses.collect::<Vec<_>>(), [Loss::SessionNotFound]);
    assert!(world.is_connected());
}

#[test]
fn an_answer_that_tells_of_another_guild_says_nothing_of_the_player_that_was_asked_about() {
    let mut world = crowded(1..=1, []);
    let state = json!({"time": 1, "position": 0, "connected": false, "ping": -1});
    world.node("a").faults().told_instead = Some(json!({
        "guildId": "2", "track": null, "volume": 100, "paused": false, "state": state,
        "voice": {"token": "", "endpoint": "", "sessionId": ""}, "filters": {},
    }));

    let update = world.update(guild(1), Update::default().volume(40));
    world.run_for(millis(100));

    assert_eq!(world.answer(update), Some(&Ok(Answer::Done)));
    assert!(world.player(guild(1)).connected);
    // A play whose answer was lost is looked for.
    world.node("a").faults().lost.insert(AnswerKind::Player);
    world.play(guild(1), &track("next"));
    world.run_for(millis(100));
    world.node("a").faults().lost.clear();
    world.run_for(secs(60));
    assert!(world.player(guild(1)).connected);
    assert_eq!(title(&world).as_deref(), Some("Track next"));
}

#[test]
fn a_lookup_on_its_way_is_not_asked_again_because_another_node_is_ready() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder.node("b", |node| node.is_known = false).connected();
    world.node("a").config().latency.load = secs(5);
    let since = world.now();
    let lookup = world.submit(load());
    world.run_for(secs(1));
    world.add_node("b");
    world.run_for(secs(10));
    assert_loaded(&world, lookup);
    let loads = |name| {
        let asked = world.requests_since(name, since).into_iter();
        asked.filter(|what| what.contains("loadtracks")).count()
    };
    assert_eq!(["a", "b"].map(loads), [1, 0]);
}

#[test]
fn a_lookup_that_is_repeated_waits_for_its_pause_though_a_node_is_ready_before() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder.node("b", |node| node.is_known = false).connected();
    let faults = world.node("a").faults();
    faults.fail_matching("/v4/loadtracks", 503);
    let since = world.now();
    world.submit(load());
    world.run_for(millis(100));
    world.add_node("b");
    world.run_until(World::is_connected, millis(300));
    world.run_for(millis(50));
    let loads = |world: &World| {
        let asked = world.requests_since("b", since).into_iter();
        asked.filter(|what| what.contains("loadtracks")).count()
    };
    assert_eq!(loads(&world), 0);
    world.run_for(secs(1));
    assert_eq!(loads(&world), 1);
}

#[test]
fn a_lookup_that_is_given_up_leaves_its_lane_and_no_other_does() {
    let builder = World::builder().nodes(["a"]);
    let mut world = builder
        .config(|config| config.limits.lookup_sockets_max = 1)
        .connected();
    world.node("a").config().latency.load = millis(100);
    let since = world.now();
    let lookups = [0; 3].map(|_| world.submit(load()));
    world.run_for(millis(50));
    world.cancel(lookups[1]);
    world.run_for(secs(5));
    assert_loaded(&world, lookups[0]);
    assert_loaded(&world, lookups[2]);
    assert_eq!(world.requests_since("a", since).len(), 2);
}

pub(super) fn load() -> Command {
    Command::Rest {
        node: Target::Best,
        request: Request::LoadTracks {
            identifier: "https://tracks.test/song".to_owned(),
        },
    }
}

#[track_caller]
pub(super) fn assert_loaded(world: &World, lookup: lavapool_core::CommandId) {
    let Some(Ok(Answer::Rest(answer))) = world.answer(lookup) else {
        panic!("{:?}", world.answer(lookup))
    };
    let rest::Answer::Loaded(loaded) = &**answer else {
        panic!("{answer:?}")
    };
    assert!(format!("{loaded:?}").contains("Track song"), "{loaded:?}");
}
