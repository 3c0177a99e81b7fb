//! [`differs`]: the same seed gives the same run, and the same bytes cut differently the same
//! events.

use std::time::Duration;

use lavapool_core::{Event, Input, Output, Pool, Seed, SocketId, Timestamp};

use super::{FaultKind, Plan, Simulation};
use crate::invariant::{Broken, Invariant};
use crate::world::chance::Chance;
use crate::world::{Given, Traced};

/// Runs a plan twice and compares all that came out of the pool; then feeds what went in to
/// another pool, with the bytes of servers cut at other places, and compares events, answers,
/// connections, and every byte that is sent.
pub fn differs(plan: &Plan) -> Option<Broken> {
    let mut plan = plan.clone();
    // What comes in one piece is settled once: messages must not be joined to be cut apart.
    plan.options.weather.has_joins = false;
    for (_, fault) in &mut plan.faults {
        // A trace has the time of the world, which is then that of the pool.
        match fault.kind {
            FaultKind::ClockStops => fault.kind = FaultKind::Suspend,
            // One bit makes several messages of one.
            FaultKind::FlippedBit => fault.kind = FaultKind::ResetMidway,
            _ => {}
        }
    }
    let first = Simulation::trace(plan.clone());
    let second = Simulation::trace(plan.clone());
    if let Some(place) = first_difference(&first, &second) {
        let line = first
            .get(place)
            .map(|(at, traced)| format!("{at:?} {traced}"));
        return Some(Broken {
            invariant: Invariant::SameAgain,
            detail: format!("the second run differs at its line {place}: {line:?}"),
        });
    }
    let cut = replay(&first, Chance::new(!plan.seed));
    let told = told(&first);
    let place = first_difference(&told, &cut)?;
    Some(Broken {
        invariant: Invariant::SameWhenCut,
        detail: format!("{:?} became {:?}", told.get(place), cut.get(place)),
    })
}

fn first_difference<T: PartialEq>(one: &[T], another: &[T]) -> Option<usize> {
    let differing = one
        .iter()
        .zip(another)
        .position(|(one, another)| one != another);
    let is_longer = one.len() != another.len();
    differing.or_else(|| is_longer.then(|| one.len().min(another.len())))
}

/// What a pool says, apart from when it asks to be written for.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Output(Output),
    Wrote(SocketId, Vec<u8>),
    Event(Event),
}

/// What the pool of a trace said.
fn told(trace: &[(Duration, Traced)]) -> Vec<Told> {
    let told = trace.iter().filter_map(|(_, traced)| match traced {
        Traced::Output(Output::Write(_)) | Traced::Given(_) => None,
        Traced::Output(output) => Some(Told::Output(output.clone())),
        Traced::Wrote(socket, bytes) => Some(Told::Wrote(*socket, bytes.clone())),
        Traced::Event(event) => Some(Told::Event(event.clone())),
    });
    sorted(told.collect())
}

/// Feeds a trace to other pools, with the bytes cut by chance.
fn replay(trace: &[(Duration, Traced)], mut chance: Chance) -> Vec<Told> {
    let mut told = Vec::new();
    let mut pool: Option<Pool> = None;
    for (at, traced) in trace {
        let now = Timestamp::ZERO + *at;
        if let Traced::Given(Given::Started(config, seed)) = traced {
            let config = (**config).clone();
            let begun = Pool::new(config, Seed::from(*seed), now);
            pool = Some(begun.expect("the configuration worked before"));
        }
        let Some(pool) = &mut pool else {
            continue;
        };
        feed(pool, traced, now, &mut chance, &mut told);
        while let Some(output) = pool.poll_output() {
            if !matches!(output, Output::Write(_)) {
                told.push(Told::Output(output));
            }
        }
        while let Some(event) = pool.poll_event() {
            told.push(Told::Event(event));
        }
    }
    sorted(told)
}

fn feed(
    pool: &mut Pool,
    traced: &Traced,
    now: Timestamp,
    chance: &mut Chance,
    told: &mut Vec<Told>,
) {
    match traced {
        Traced::Given(Given::Timeout) => pool.handle(Input::Timeout, now),
        Traced::Given(Given::Connected(socket)) => pool.handle(Input::Connected(*socket), now),
        Traced::Given(Given::Received(socket, bytes)) => {
            for piece in chance.cut(bytes) {
                pool.handle(Input::Received(*socket, &piece), now);
            }
        }
        Traced::Given(Given::Closed(socket, closed)) => {
            pool.handle(Input::Closed(*socket, *closed), now);
        }
        // Whether it is taken shows in what follows.
        Traced::Given(Given::Submitted(command, _)) => drop(pool.submit(command.clone(), now)),
        Traced::Given(Given::Cancelled(command)) => pool.cancel(*command, now),
        Traced::Wrote(socket, bytes) => {
            let outgoing = pool.outgoing(*socket);
            let taken = &outgoing[..bytes.len().min(outgoing.len())];
            told.push(Told::Wrote(*socket, taken.to_vec()));
            let count = taken.len();
            pool.handle(Input::Wrote(*socket, count), now);
        }
        Traced::Given(Given::Started(..)) | Traced::Output(_) | Traced::Event(_) => {}
    }
}

/// Events apart from bytes and outputs: between two calls, their order is the driver's.
fn sorted(mut told: Vec<Told>) -> Vec<Told> {
    told.sort_by_key(|told| match told {
        Told::Event(_) => 0,
        Told::Output(_) => 1,
        Told::Wrote(..) => 2,
    });
    told
}
