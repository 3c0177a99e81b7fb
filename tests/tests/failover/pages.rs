//! Pages of something that answers 200 in a server's place, and does not ask it.

use lavapool_core::player::Update;
use lavapool_core::{Answer, Command, RequestError};
use lavapool_tests::node::Failure;
use lavapool_tests::world::{guild, track};

use super::{crowded, millis, secs};

const DONE: Option<&Result<Answer, RequestError>> = Some(&Ok(Answer::Done));

#[test]
fn a_page_in_place_of_an_answer_is_none() {
    let mut world = crowded(1..=2, ["b"]);
    let page = |part: &str| Failure {
        times: Some(1),
        path: Some(part.into()),
        ..Failure::always(200)
    };
    let failures = [page("players/1"), page("players/2")];
    world.node("a").faults().failures.extend(failures);

    let volume = world.update(guild(1), Update::default().volume(40));
    let destroyed = world.submit(Command::Destroy(guild(2)));
    world.run_for(millis(500));
    assert_eq!(
        (world.answer(volume), world.answer(destroyed)),
        (None, None)
    );
    world.run_for(secs(5));

    assert_eq!(
        (world.answer(volume), world.answer(destroyed)),
        (DONE, DONE)
    );
    let (_, player) = world.only_copy(guild(1));
    assert_eq!((player.volume, world.copies(guild(2))), (40, vec![]));
}

#[test]
fn a_page_says_nothing_of_whether_a_play_had_arrived() {
    let mut world = crowded(1..=1, []);
    world.node("a").config().latency.player = millis(100);
    world.node("a").faults().failures.push(Failure {
        method: Some("GET".to_owned()),
        times: Some(1),
        ..Failure::always(200)
    });
    let since = world.now();
    let play = world.play(guild(1), &track("new"));
    world.run_for(millis(50));
    world.end_rest("a");
    world.run_for(secs(10));

    assert_eq!(world.answer(play), DONE);
    let expected = ["PATCH players/1", "GET players/1", "GET players/1"];
    assert_eq!(world.requests_since("a", since), expected);
}
