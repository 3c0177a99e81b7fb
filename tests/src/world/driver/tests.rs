//! What a driver may expect, broken by hand: each is found.

use std::time::Duration;

use lavapool_core::{Answer, Command, CommandId, Output, SocketId, Timestamp};
use serde_json::json;

use super::TIMEOUTS_MAX;
use crate::invariant::{Invariant, finds};
use crate::world::{World, guild};

#[test]
fn an_answer_that_nobody_waits_for_is_found() {
    let mut world = watched();
    let answered: CommandId = serde_json::from_value(json!(77)).expect("it is a number");
    let answer = Output::Answer(answered, Ok(Answer::Done));
    world.check_output(&answer, |_| false);
    finds(Invariant::AnsweredOnce, world.broken());
}

#[test]
fn an_answer_that_is_late_is_found() {
    let mut world = watched();
    let node = world.id("a");
    let command = world.submit(Command::Ping(node));
    world.driver.open.insert(command, world.now);
    world.judge();
    finds(Invariant::AnsweredInTime, world.broken());
}

#[test]
fn a_timeout_that_is_past_is_found() {
    let mut world = watched();
    world.check_next_timeout(Timestamp::ZERO + Duration::from_secs(1_000_000));
    finds(Invariant::TimeoutLater, world.broken());
}

#[test]
fn a_pool_that_is_due_a_moment_later_each_time_is_found() {
    let mut world = watched();
    world.driver.published.clear();
    for _ in 0..TIMEOUTS_MAX {
        world.now += Duration::from_nanos(1);
        world.count_timeout();
    }
    assert_eq!(world.broken(), None);
    world.count_timeout();
    finds(Invariant::NoSpin, world.broken());
}

#[test]
fn more_outputs_than_what_is_open_explains_are_found() {
    let mut world = watched();
    world.kill("a");
    let node = world.id("a");
    world.run_for(Duration::from_secs(1));
    for _ in 0..200 {
        world.submit(Command::AwaitNode(node));
    }
    assert_eq!(world.broken(), None);
    world.driver.open.clear();
    world.submit(Command::Reconnect(node));
    world.restart("a");
    world.run_for(Duration::from_secs(40));
    finds(Invariant::OutputsBounded, world.broken());
}

#[test]
fn a_socket_whose_name_is_not_new_is_found() {
    let mut world = watched();
    let socket = socket(&world);
    world.check_connect(socket, 0);
    finds(Invariant::SocketIdsNew, world.broken());
}

#[test]
fn more_sockets_than_there_may_be_are_found() {
    let mut world = watched();
    for slot in 0..world.driver.sockets_max() {
        let id = json!({ "slot": 100 + slot, "generation": 1 });
        let id = serde_json::from_value(id).expect("it is an id");
        world.check_connect(id, 0);
    }
    finds(Invariant::SocketsBounded, world.broken());
}

#[test]
fn a_socket_that_is_closed_twice_is_found() {
    let mut world = watched();
    let socket = socket(&world);
    world.driver.sockets.remove(&socket);
    world.check_output(&Output::Close(socket), |_| false);
    finds(Invariant::SocketUsedOpen, world.broken());
}

#[test]
fn a_socket_with_nothing_to_write_is_found() {
    let mut world = watched();
    let socket = socket(&world);
    world.check_output(&Output::Write(socket), |_| false);
    finds(Invariant::WriteOnce, world.broken());
}

#[test]
fn bytes_that_a_closed_socket_keeps_are_found() {
    let mut world = watched();
    let (socket, now) = (socket(&world), world.stamp());
    let ping = Command::Ping(world.id("a"));
    world.pool.submit(ping, now).expect("the node is there");
    world.check_output(&Output::Close(socket), |_| false);
    finds(Invariant::ClosedIsFreed, world.broken());
}

#[test]
fn a_player_whose_view_is_old_is_found() {
    let mut world = watched();
    world.driver.published.clear();
    world.judge();
    finds(Invariant::ViewsPublished, world.broken());
}

#[test]
fn a_node_whose_view_is_old_is_found() {
    let mut world = watched();
    world.driver.nodes.clear();
    world.judge();
    finds(Invariant::NodesPublished, world.broken());
}

#[test]
fn more_players_than_there_may_be_are_found() {
    let mut world = watched();
    world.driver.limits.players_max = 0;
    world.judge();
    finds(Invariant::WithinLimits, world.broken());
}

#[test]
fn a_command_that_a_closed_pool_has_not_answered_is_found() {
    let mut world = watched();
    world.submit(Command::Close(lavapool_core::Leaving::Keep));
    let is_finished = |world: &World| world.pool().is_finished();
    world.run_until(is_finished, Duration::from_secs(10));
    world.judge_finished();
    assert_eq!(world.broken(), None);
    let command = serde_json::from_value(json!(77)).expect("it is a number");
    world.driver.open.insert(command, Duration::MAX);
    world.judge_finished();
    finds(Invariant::ClosedOwesNothing, world.broken());
}

/// A world with a node and a player on it, in which nothing is broken yet.
fn watched() -> World {
    let mut world = World::builder().nodes(["a"]).connected();
    world.fill([1]);
    assert_eq!(world.player(guild(1)).guild, guild(1));
    world.watch();
    world
}

/// The WebSocket, which was the first.
fn socket(world: &World) -> SocketId {
    let first = world.driver.sockets.keys().next();
    *first.expect("there is one")
}
