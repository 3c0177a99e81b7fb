//! What it takes until a node is ready, counted.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use lavapool::Event;
use lavapool::lavapool_core::Output;
use lavapool_tests::world::{Traced, World};

#[test]
fn a_node_is_ready_after_one_connect_and_one_upgrade_and_nothing_else() {
    let mut world = World::builder()
        .node("main", |host| host.latency = LATENCY)
        .build();
    let is_ready = |event: &Event| matches!(event, Event::NodeReady { .. });
    let told = |world: &World| world.events().iter().any(|(_, event)| is_ready(event));

    world.run_until(told, Duration::from_secs(1));

    let trace = world.trace();
    let place = trace
        .iter()
        .position(|(_, traced)| matches!(traced, Traced::Event(event) if is_ready(event)));
    let (ready_at, _) = trace[place.unwrap()];
    let mut steps = Vec::new();
    // What is asked of a ready node goes out at that moment, and holds up nothing.
    for (_, traced) in trace.iter().filter(|(at, _)| *at < ready_at) {
        match traced {
            Traced::Output(Output::Connect(..)) => steps.push("connect".to_owned()),
            Traced::Wrote(_, bytes) => {
                let text = String::from_utf8_lossy(bytes);
                steps.push(text.lines().next().unwrap_or_default().to_owned());
            }
            Traced::Output(_) | Traced::Event(_) | Traced::Given(_) => {}
        }
    }
    assert_eq!(steps, ["connect", "GET /v4/websocket HTTP/1.1"]);
    // There and back to connect, there and back to upgrade: `ready` comes with the answer.
    assert_eq!(ready_at, 4 * LATENCY);
}

const LATENCY: Duration = Duration::from_millis(10);
