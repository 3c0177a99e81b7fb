//! A client under load for as long as you like: nodes die and return, and nothing may be lost, grow
//! or spin.
//!
//! ```console
//! $ cargo run --release -p lavapool-tests --bin soak -- --runtime smol --seconds 3600
//! ```
//!
//! 50 nodes, half of them behind TLS (`--tls none|half|all`), run in a process of their own, so
//! that only the client is measured. Each second one dies with its players and the one before it
//! returns. Whenever they have healed, each of 5 000 players must be on one node and no other, with
//! its track, position, pause, volume, filters and voice.
//!
//! What the process holds after the first minute (after half of the time, if that is less than two
//! minutes) it may not exceed at the end: tasks, sockets, descriptors, threads, bytes of the heap,
//! resident memory. Then all players are stopped, since a node tells the place of one that plays
//! each second, and an idle client may use no more than 1 % of a processor. Where there is no
//! `/proc` only tasks and the heap are counted, and the output says so.

#![allow(clippy::unwrap_used)]

mod counted;
mod course;
mod load;
mod process;
mod servers;
mod wish;

use std::process::ExitCode;
use std::time::Duration;

use lavapool::runtime::{AsyncStd, Smol, Tokio};

use counted::Counted;
use load::Load;
use servers::{Secured, Servers};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [verb, secured] = &arguments[..]
        && verb == "serve"
    {
        servers::serve(secured.parse().unwrap_or(Secured::None));
        return ExitCode::SUCCESS;
    }
    let value = |name: &str, default: &str| {
        let place = arguments.iter().position(|argument| argument == name);
        let value = place.and_then(|place| arguments.get(place + 1));
        value.map_or(default, String::as_str).to_owned()
    };
    let runtime = value("--runtime", "tokio");
    let Ok(seconds) = value("--seconds", "20").parse() else {
        eprintln!("soak: --seconds takes a number");
        return ExitCode::FAILURE;
    };
    let secured = value("--tls", "half");
    if secured.parse::<Secured>().is_err() {
        eprintln!("soak: --tls takes none, half or all");
        return ExitCode::FAILURE;
    }
    let load = Load {
        servers: Servers::start(&secured),
        time: Duration::from_secs(seconds),
    };
    let faults = match &*runtime {
        "tokio" => {
            let tokio = tokio::runtime::Runtime::new().unwrap();
            let on = tokio.handle().clone();
            let counted = Counted::new(Tokio::from(on.clone()));
            let counted = counted.with_alive(move || on.metrics().num_alive_tasks());
            tokio.block_on(load.run(counted))
        }
        "async-std" => async_std::task::block_on(load.run(Counted::new(AsyncStd::global()))),
        "smol" => smol::block_on(load.run(Counted::new(Smol::global()))),
        _ => vec![format!("there is no runtime {runtime:?}")],
    };
    for fault in &faults {
        eprintln!("soak: {fault}");
    }
    println!("soak on {runtime}: {} faults", faults.len());
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
