//! What becomes of a pool that closes, and of what was asked of it before.

use lavapool_core::player::{Place, Update};
use lavapool_core::{Answer, Command, Leaving, RequestError, SubmitError, Unconfirmed};
use lavapool_tests::node::AnswerKind;
use lavapool_tests::world::{World, guild};

use super::{crowded, millis, secs, send_to, unanswered};

#[test]
fn a_close_that_meets_its_deadline_is_answered_though_a_node_has_gone_before() {
    let builder = World::builder().nodes(["a", "b"]);
    let builder = builder.config(|config| config.timing.command_deadline = secs(1));
    let mut world = builder.connected();
    world.half_open("b");
    let closed = world.submit(Command::Close(Leaving::Destroy));
    world.kill("a");

    world.run_for(secs(2));

    assert_eq!(world.answer(closed), Some(&Ok(Answer::Done)));
    assert!(world.pool().is_finished());
}

#[test]
fn a_close_ends_every_connection_and_leaves_the_players_to_be_resumed() {
    let mut world = crowded(1..=5, ["b"]);
    let closed = world.submit(Command::Close(Leaving::Keep));

    world.run_for(secs(1));

    assert_eq!(world.answer(closed), Some(&Ok(Answer::Done)));
    assert!(world.pool().is_finished());
    assert_eq!(world.server("a").connections(), []);
    assert_eq!(world.guilds_on("a"), [1, 2, 3, 4, 5]);
}

#[test]
fn what_was_asked_for_before_a_close_is_done_before_it() {
    let mut world = crowded(1..=5, []);
    world
        .node("a")
        .faults()
        .slow
        .insert(AnswerKind::Player, millis(300));
    let quieter: Vec<_> = (1..=5)
        .map(|number| world.update(guild(number), Update::default().volume(30)))
        .collect();
    let closed = world.submit(Command::Close(Leaving::Keep));
    assert_eq!(
        world.try_submit(Command::Destroy(guild(1))),
        Err(SubmitError::Closed)
    );

    world.run_for(secs(1));

    for command in quieter {
        assert_eq!(world.answer(command), Some(&Ok(Answer::Done)));
    }
    assert_eq!(world.answer(closed), Some(&Ok(Answer::Done)));
    assert!(world.pool().is_finished());
    let volumes: Vec<_> = (1..=5)
        .map(|number| world.only_copy(guild(number)).1.volume)
        .collect();
    assert_eq!(volumes, [30; 5]);
}

#[test]
fn a_close_waits_for_a_node_that_does_not_answer_no_longer_than_its_deadline() {
    let mut world = crowded(1..=1, []);
    unanswered(&mut world, "a", AnswerKind::Player);
    let quieter = world.update(guild(1), Update::default().volume(30));
    let closed = world.submit(Command::Close(Leaving::Keep));

    world.run_for(millis(1_900));
    assert_eq!(world.answer(closed), None);
    world.run_for(millis(200));

    assert_eq!(world.answer(closed), Some(&Ok(Answer::Done)));
    let closing = RequestError::Unconfirmed(Unconfirmed::Closing);
    assert_eq!(world.answer(quieter), Some(&Err(closing)));
    assert!(world.pool().is_finished());
}

#[test]
fn a_player_that_moves_as_the_pool_closes_is_on_one_node_after_it() {
    let mut world = crowded(1..=1, ["b"]);
    world.node("b").config().latency.voice = secs(1);
    let moved = send_to(&mut world, "b");
    world.submit(Command::Close(Leaving::Keep));

    world.run_for(secs(2));

    assert_eq!(world.answer(moved), Some(&Ok(Answer::Done)));
    assert_eq!(world.only_copy(guild(1)).0, "b");
    assert!(world.pool().is_finished());
}

#[test]
fn a_node_that_is_lost_as_the_pool_closes_has_its_players_left_to_it() {
    let mut world = crowded(1..=1, ["b"]);
    unanswered(&mut world, "a", AnswerKind::Player);
    world.update(guild(1), Update::default().volume(30));
    let closed = world.submit(Command::Close(Leaving::Keep));
    let since = world.now();
    world.run_for(millis(100));

    world.drop_connections("a");
    world.run_for(secs(3));

    assert_eq!(world.answer(closed), Some(&Ok(Answer::Done)));
    assert_eq!(world.requests_since("b", since), Vec::<String>::new());
    assert_eq!(world.only_copy(guild(1)).0, "a");
}

#[test]
fn a_close_that_meets_its_deadline_leaves_players_where_they_are() {
    let builder = World::builder().nodes(["a"]);
    let builder = builder.config(|config| config.timing.command_deadline = secs(1));
    let mut world = builder.connected();
    world.fill(1..=1);
    unanswered(&mut world, "a", AnswerKind::Player);
    world.update(guild(1), Update::default().volume(30));
    let closed = world.submit(Command::Close(Leaving::Keep));

    world.run_for(secs(3));

    assert_eq!(world.answer(closed), Some(&Ok(Answer::Done)));
    let here = Place::On(world.reference("a"));
    assert_eq!(world.player(guild(1)).place, here);
}
