//! The whole pool under any calls, in any order, with any bytes.

mod asks;
mod bodies;
mod judge;
mod operation;
mod peer;
mod setup;
mod world;

use arbitrary::{Arbitrary, Unstructured};

use operation::Operation;
use setup::Setup;
use world::World;

/// The calls are typed, and every promise of the contract is checked after each of them:
///
/// - Each command is answered once, by its deadline at the latest, and never after a cancellation.
/// - After a timeout the next one is later, and many in a row take time to pass.
/// - One call has few outputs. No socket is closed or opened twice. What waits to be written was
///   told of, once; a socket that is closed has nothing to write.
/// - A node has one WebSocket, and no more other sockets than the limits say. Commands, events,
///   players, cached results and bytes that wait keep their limits too.
/// - What is sent is read by a parser of its own: requests are well-formed, one at a time, with
///   the node's password and the session that the node told last; frames are masked, each with a
///   new mask, and none follows a close frame.
/// - No password, voice token or session id is in anything that prints.
/// - The same bytes cut differently give the same outputs, events and bytes.
/// - Whatever happened, the pool can be closed, and then nothing of it is left.
pub fn pool(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok(setup) = Setup::arbitrary(&mut input) else {
        return;
    };
    let mut operations = Vec::new();
    while operations.len() < OPERATIONS_MAX
        && !input.is_empty()
        && let Ok(operation) = Operation::arbitrary(&mut input)
    {
        operations.push(operation);
    }
    // A text that the fuzzer itself made of a secret's letters may be shown.
    let hides = !bytes
        .windows(setup::SECRET.len())
        .any(|window| window == setup::SECRET.as_bytes());
    let run = |cut: usize| {
        let mut world = World::new(&setup, hides, cut);
        for operation in &operations {
            world.apply(operation);
            world.check();
        }
        world.end()
    };
    let whole = run(usize::MAX);
    if setup.cut > 0 {
        let cut = run(usize::from(setup.cut));
        assert_eq!(cut, whole, "cut in pieces of {}", setup.cut);
    }
}

/// More would only be slower.
const OPERATIONS_MAX: usize = 400;
