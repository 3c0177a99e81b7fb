//! What becomes of the music when a node dies.
//!
//! `cargo run --release --example failover` starts three nodes in this process, plays in thirty
//! guilds, kills the node with the most players, and shows where each of them went.
//! `--node NAME=URI` does the same with real nodes; `--help` says more.

mod embedded;
mod music;
mod options;
mod real;
mod table;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use lavapool_examples::Terminal;

use options::Options;

/// What the last line says.
struct Outcome {
    moved: usize,
    lost: usize,
    longest_gap: std::time::Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options).await {
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

async fn run(options: &Options) -> Result<Outcome, Box<dyn std::error::Error>> {
    let terminal = Terminal::stdout();
    if options.nodes.is_empty() {
        return embedded::run(terminal).await;
    }
    real::run(terminal, options).await
}
