//! A client under load for as long as you like: nodes die and return, and nothing may be lost, grow
//! or spin.
//!
//! ```console
//! $ cargo run --release -p lavapool-tests --bin soak -- --runtime smol --seconds 3600
//! ```
//!
//! 50 nodes run in a process of their own, so that only the client is measured. Each second one
//! dies with its players and the one before it returns. What the process holds after the first
//! minute (after half of the time, if that is less than two minutes) it may not exceed at the end:
//! tasks, sockets, descriptors, threads, memory. An idle client may use no more than 1 % of a
//! processor. Where there is no `/proc` only tasks are counted, and the output says so.

#![allow(clippy::unwrap_used)]

mod counted;
mod load;
mod process;
mod servers;

use std::process::ExitCode;
use std::time::Duration;

use lavapool::runtime::{AsyncStd, Smol, Tokio};

use counted::Counted;
use load::Load;
use servers::Servers;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments == ["serve"] {
        servers::serve();
        return ExitCode::SUCCESS;
    }
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    let runtime = value("--runtime").unwrap_or_else(|| "tokio".to_owned());
    let seconds = value("--seconds").map_or(Ok(20), |text| text.parse());
    let Ok(seconds) = seconds else {
        eprintln!("soak: --seconds takes a number");
        return ExitCode::FAILURE;
    };
    let load = Load {
        servers: Servers::start(),
        time: Duration::from_secs(seconds),
    };
    let faults = match &*runtime {
        "tokio" => {
            let tokio = tokio::runtime::Runtime::new().unwrap();
            tokio.block_on(async { load.run(Counted::new(Tokio::current())).await })
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
