//! [`differs`]: the same seed gives the same run, and the same bytes cut differently the same
//! events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lavapool_core::{Event, Input, Output, Pool, Seed, SocketId, Timestamp};

use super::wire::Heard;
use super::{Plan, Simulation, panics};
use crate::invariant::{Broken, Invariant};
use crate::world::chance::Chance;
use crate::world::{Given, Traced};

/// Runs a plan twice and compares all that came out of the pool; then feeds what went in to
/// another pool, with the bytes of servers cut at other places, and compares events, answers,
/// connections, and every byte that is sent.
///
/// What came in one piece is settled once: messages that came together are not cut apart, and what
/// a flipped bit has made of a connection, where nobody knows what belongs together, is not cut.
pub fn differs(plan: &Plan) -> Option<Broken> {
    let first = Simulation::trace(plan.clone());
    let second = Simulation::trace(plan.clone());
    differs_again(&first, &second).or_else(|| differs_when_cut(&first, Chance::new(!plan.seed)))
}

/// Where a run differs from what a pool says to which the bytes come in other pieces, or where that
/// panics.
fn differs_when_cut(trace: &Trace, chance: Chance) -> Option<Broken> {
    let mut cut = Vec::new();
    panics::caught(|| cut = Replay::new(chance).run(trace)).or_else(|| differs_cut(trace, &cut))
}

type Trace = [(Duration, Traced)];

/// Where two runs of a plan differ.
fn differs_again(first: &Trace, second: &Trace) -> Option<Broken> {
    let place = first_difference(first, second)?;
    let line = first
        .get(place)
        .map(|(at, traced)| format!("{at:?} {traced}"));
    Some(Broken {
        invariant: Invariant::SameAgain,
        detail: format!("the second run differs at its line {place}: {line:?}"),
    })
}

/// Where a run differs from what was told with the bytes cut elsewhere.
fn differs_cut(trace: &Trace, cut: &[Told]) -> Option<Broken> {
    let told = told(trace);
    let place = first_difference(&told, cut)?;
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
struct Replay {
    chance: Chance,
    pool: Option<Pool>,
    /// How far the clock of the pool is behind that of the world.
    behind: Duration,
    /// What servers say, to know which bytes complete a message.
    heard: BTreeMap<SocketId, Heard>,
    flipped: BTreeSet<SocketId>,
    told: Vec<Told>,
}

impl Replay {
    const fn new(chance: Chance) -> Self {
        Self {
            chance,
            pool: None,
            behind: Duration::ZERO,
            heard: BTreeMap::new(),
            flipped: BTreeSet::new(),
            told: Vec::new(),
        }
    }

    fn run(mut self, trace: &[(Duration, Traced)]) -> Vec<Told> {
        for (at, traced) in trace {
            self.feed(traced, Timestamp::ZERO + at.saturating_sub(self.behind));
            let Some(pool) = &mut self.pool else {
                continue;
            };
            while let Some(output) = pool.poll_output() {
                if !matches!(output, Output::Write(_)) {
                    self.told.push(Told::Output(output));
                }
            }
            while let Some(event) = pool.poll_event() {
                self.told.push(Told::Event(event));
            }
        }
        sorted(self.told)
    }

    fn feed(&mut self, traced: &Traced, now: Timestamp) {
        match traced {
            Traced::Given(Given::Started(config, seed)) => {
                let begun = Pool::new((**config).clone(), Seed::from(*seed), now);
                self.pool = Some(begun.expect("the configuration worked before"));
                // Another pool names its sockets anew.
                self.heard.clear();
                self.flipped.clear();
            }
            Traced::Given(Given::ClockStands(time)) => self.behind += *time,
            Traced::Given(Given::Flipped(socket)) => drop(self.flipped.insert(*socket)),
            Traced::Given(Given::Received(socket, bytes)) => {
                for piece in self.cut(*socket, bytes) {
                    self.give(Input::Received(*socket, &piece), now);
                }
            }
            Traced::Given(Given::Timeout) => self.give(Input::Timeout, now),
            Traced::Given(Given::Connected(socket)) => self.give(Input::Connected(*socket), now),
            Traced::Given(Given::Closed(socket, closed)) => {
                self.give(Input::Closed(*socket, *closed), now);
            }
            Traced::Given(Given::Submitted(command, _)) => {
                if let Some(pool) = &mut self.pool {
                    // Whether it is taken shows in what follows.
                    drop(pool.submit(command.clone(), now));
                }
            }
            Traced::Given(Given::Cancelled(command)) => {
                if let Some(pool) = &mut self.pool {
                    pool.cancel(*command, now);
                }
            }
            Traced::Wrote(socket, bytes) => self.wrote(*socket, bytes, now),
            Traced::Output(_) | Traced::Event(_) => {}
        }
    }

    fn give(&mut self, input: Input<'_>, now: Timestamp) {
        if let Some(pool) = &mut self.pool {
            pool.handle(input, now);
        }
    }

    fn wrote(&mut self, socket: SocketId, bytes: &[u8], now: Timestamp) {
        let Some(pool) = &mut self.pool else { return };
        let outgoing = pool.outgoing(socket);
        let taken = &outgoing[..bytes.len().min(outgoing.len())];
        self.told.push(Told::Wrote(socket, taken.to_vec()));
        let count = taken.len();
        pool.handle(Input::Wrote(socket, count), now);
    }

    /// Cuts what came in one piece, but for the messages that came together.
    fn cut(&mut self, socket: SocketId, bytes: &[u8]) -> Vec<Vec<u8>> {
        if self.flipped.contains(&socket) {
            return vec![bytes.to_vec()];
        }
        let (first, last) = self.heard.entry(socket).or_default().ends(bytes);
        let mut pieces = self.chance.cut(&bytes[..first]);
        if let Some(piece) = pieces.last_mut() {
            piece.extend_from_slice(&bytes[first..last]);
        }
        pieces.extend(self.chance.cut(&bytes[last..]));
        pieces
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::finds;

    #[test]
    fn a_run_that_goes_another_way_the_second_time_is_found() {
        let first = Simulation::trace(Plan::draw(3));
        assert_eq!(differs_again(&first, &first), None);
        let mut second = first.clone();
        let wrote = second.iter_mut().find_map(|(_, traced)| match traced {
            Traced::Wrote(_, bytes) => bytes.last_mut(),
            Traced::Given(_) | Traced::Output(_) | Traced::Event(_) => None,
        });
        *wrote.expect("something was written") ^= 1;
        finds(
            Invariant::SameAgain,
            differs_again(&first, &second).as_ref(),
        );
        let shorter = &first[..first.len() - 1];
        finds(
            Invariant::SameAgain,
            differs_again(&first, shorter).as_ref(),
        );
    }

    #[test]
    fn a_pool_that_reads_cut_bytes_otherwise_is_found() {
        let trace = Simulation::trace(Plan::draw(3));
        let replayed = |trace: &Trace| Replay::new(Chance::new(1)).run(trace);
        assert_eq!(differs_cut(&trace, &replayed(&trace)), None);
        let mut lossy = trace.clone();
        let last = lossy
            .iter_mut()
            .find_map(|(_, traced)| match traced {
                Traced::Given(Given::Received(_, bytes)) if bytes.len() > 100 => Some(bytes),
                _ => None,
            })
            .expect("something was received");
        last.pop();
        finds(
            Invariant::SameWhenCut,
            differs_cut(&trace, &replayed(&lossy)).as_ref(),
        );
    }
}
