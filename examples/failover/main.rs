//! What becomes of the music when a node dies.
//!
//! `cargo run --release --example failover` starts three nodes in this process, plays in thirty
//! guilds, kills the node with the most players, and shows where each of them went.
//! `--node NAME=URI` does the same with real nodes, `--runtime smol` on another runtime; `--help`
//! says more.

mod embedded;
#[path = "../nodes/judge.rs"]
mod judge;
mod options;
mod real;
mod table;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use lavapool::runtime::{AsyncStd, Smol, Tokio};
use lavapool::{Builder, Client, ConnectError};
use lavapool_examples::Terminal;

use options::{Kind, Options};

/// What the last line says.
struct Outcome {
    moved: usize,
    lost: usize,
    longest_gap: std::time::Duration,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run_on(&options) {
        Ok(outcome) => {
            let Outcome {
                moved,
                lost,
                longest_gap,
            } = outcome;
            let gap_ms = longest_gap.as_millis();
            println!("\nfailover: {moved} players moved, {lost} lost, longest gap {gap_ms} ms");
            if lost == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("failover: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the program on the runtime that was asked for. The nodes of this process, and the pauses
/// of this program, always need tokio's.
fn run_on(options: &Options) -> Result<Outcome, Box<dyn std::error::Error>> {
    let tokio = tokio::runtime::Runtime::new()?;
    let _entered = tokio.enter();
    match options.runtime {
        Kind::Tokio => tokio.block_on(run(options)),
        Kind::AsyncStd => async_std::task::block_on(run(options)),
        Kind::Smol => smol::block_on(run(options)),
    }
}

/// Connects on the runtime that was asked for.
async fn connect(builder: Builder, kind: Kind) -> Result<Client, ConnectError> {
    match kind {
        Kind::Tokio => builder.connect_on(Tokio::current()).await,
        Kind::AsyncStd => builder.connect_on(AsyncStd::global()).await,
        Kind::Smol => builder.connect_on(Smol::global()).await,
    }
}

async fn run(options: &Options) -> Result<Outcome, Box<dyn std::error::Error>> {
    let terminal = Terminal::stdout();
    if options.nodes.is_empty() {
        return embedded::run(terminal, options.runtime).await;
    }
    real::run(terminal, options).await
}
