//! REST requests as they are on the wire, and what becomes of their answers.

use lavapool::Error;
use lavapool_core::player::Update;
use lavapool_core::protocol::LoadResult;
use lavapool_core::rest::{self, Request};
use lavapool_core::{Answer, Command, RequestError, Target};
use lavapool_tests::guide;
use lavapool_tests::sim::SimRuntime;
use lavapool_tests::world::{World, guild};

use super::{millis, playing, secs};

/// A server reads `+` in a query as a space, so a search for C++ finds C, and a blob with a `+`
/// is none.
#[test]
fn every_byte_of_a_query_that_could_mean_something_else_is_escaped() {
    let mut world = playing(1..=1, []);
    let identifier = "ytsearch:C++ & 100% #1? a=b / ü 🎵 \u{7f}";
    loaded(&mut world, identifier);
    let asked = world.server("a").log().requests.last().unwrap().clone();
    assert_eq!(asked.query("identifier").as_deref(), Some(identifier));
    let value = asked.target.split_once("identifier=").unwrap().1;
    assert!(!value.contains(['+', '&', '#', ' ', '=']), "{value}");
    assert!(asked.target.is_ascii());

    let blob = "QAA+/9j+/w==";
    let request = Request::DecodeTrack {
        encoded: blob.into(),
    };
    let node = Target::Best;
    world.submit(Command::Rest { node, request });
    world.run_for(secs(1));
    let asked = world.server("a").log().requests.last().unwrap();
    assert_eq!(asked.query("encodedTrack").as_deref(), Some(blob));
}

/// Passwords, voice tokens and session ids end in logs through whatever is printed, and an
/// `Origin` that is not the server's own is refused with 403.
#[test]
fn nothing_that_is_printed_holds_a_secret_and_no_request_has_an_origin() {
    let mut world = playing(1..=2, ["b"]);
    world.kill("a");
    world.run_for(secs(3));
    let pool = world.pool();
    let nodes: Vec<_> = pool.nodes().collect();
    let players: Vec<_> = pool.players().collect();
    let printed = format!(
        "{nodes:?}{players:?}{:?}{:?}",
        pool.report(),
        world.events()
    );
    let session = world.view("b").session_id.unwrap();
    let secrets = [
        "youshallnotpass",
        "token-1",
        "voice-session-1",
        session.expose(),
    ];
    for secret in secrets {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }

    let log = world.server("b").log();
    assert!(
        log.handshakes
            .iter()
            .all(|shake| shake.header("Origin").is_none())
    );
    assert!(log.requests.len() > 2);
    for request in &log.requests {
        assert_eq!(request.headers.first("Origin"), None);
    }
}

/// A server ends a connection after a minute without a request, and whoever sends on it then sends
/// into nothing. NodeLink fails a GET whose `Accept-Encoding` is `identity`.
#[test]
fn an_idle_connection_is_not_used_when_its_server_may_have_ended_it() {
    let mut world = playing(1..=1, []);
    world.update(guild(1), Update::default().volume(30));
    world.run_for(secs(1));
    assert!(world.server("a").connections().len() > 1);
    world.run_for(secs(54));
    // Only the WebSocket is left, five seconds before the server would end the others.
    assert_eq!(world.server("a").connections().len(), 1);

    // One that dies under a request all the same costs a second try and no error.
    world.update(guild(1), Update::default().volume(35));
    world.run_for(secs(1));
    world.node("a").config().latency.player = millis(100);
    let volume = world.update(guild(1), Update::default().volume(40));
    world.run_for(millis(50));
    world.end_rest("a");
    world.run_for(secs(1));
    assert_eq!(world.answer(volume), Some(&Ok(Answer::Done)));
    for request in &world.server("a").log().requests {
        let accepted = request.headers.first("Accept-Encoding");
        assert!(
            accepted.is_none_or(|value| value.contains("gzip")),
            "{accepted:?}"
        );
    }
}

/// A client swallowed what REST answered and returned `undefined`, which failed somewhere else.
#[test]
fn a_request_that_fails_is_an_error_with_its_status_and_never_an_empty_answer() {
    SimRuntime::run(|sim| async move {
        let client = guide::connected(&sim, ["main"]).await;
        sim.with("main", |node| {
            node.faults().fail_matching("/loadtracks", 500)
        });
        let answer = client.load_tracks("https://tracks.test/song").await;
        let Err(Error::Request(RequestError::Rejected { status: 500, .. })) = answer else {
            panic!("{answer:?}")
        };

        sim.kill("main");
        let answer = client
            .within(secs(5))
            .load_tracks("https://tracks.test/song")
            .await;
        assert!(answer.is_err(), "{answer:?}");
    });
}

/// A lookup on whichever node is best.
pub(super) fn load(identifier: &str) -> Command {
    Command::Rest {
        node: Target::Best,
        request: Request::LoadTracks {
            identifier: identifier.to_owned(),
        },
    }
}

/// What an identifier loads.
#[track_caller]
pub(super) fn loaded(world: &mut World, identifier: &str) -> LoadResult {
    let command = world.submit(load(identifier));
    world.run_for(secs(1));
    let Some(Ok(Answer::Rest(answer))) = world.answer(command) else {
        panic!("{:?}", world.answer(command))
    };
    let rest::Answer::Loaded(loaded) = &**answer else {
        panic!("{answer:?}")
    };
    LoadResult::clone(loaded)
}
