//! `simulate` runs the real pool against test nodes on a network where everything goes wrong, in
//! virtual time, and fails if anything that must hold does not.
//!
//! ```console
//! $ cargo run --release -p lavapool-tests --bin simulate -- --seeds 1000
//! $ cargo run --release -p lavapool-tests --bin simulate -- --seed 0x2a --log full
//! ```
//!
//! With `--sabotage all` it breaks a copy of the core in every way of `tests/sabotage`, and fails
//! if one of them is not found.
//!
//! It ends with 0 if nothing was broken, with 1 if something was (the first line of each failure is
//! `seed 0x…: INVARIANT: detail`), and with 2 if it was not told what to do.

mod options;
mod runs;
mod sabotage;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("simulate: {problem}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let is_well = match &options.sabotage {
        Some(name) => sabotage::all(name, &options),
        None => runs::all(&options),
    };
    if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
