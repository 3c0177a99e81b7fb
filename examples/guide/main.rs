//! The five guides to Lavalink clients, promise by promise, on real connections.
//!
//! `cargo run --release --example guide` starts test nodes in this process and does what the guides
//! of DisGoLink, Moonlink, Voltricx and RevvLink promise, in their order. Each line has the guide's
//! name for a thing, as `docs/guides.md` lists it, and what was seen. A promise that is not kept
//! fails the program.
//!
//! Read it to learn the library: a chapter a guide, in a file of its own.

mod disgolink;
mod ledger;
mod loading;
mod moonlink;
mod pool;
mod revvlink;
mod stage;
mod voltricx;

use std::process::ExitCode;

use lavapool_examples::Terminal;
use ledger::Ledger;

/// What a chapter comes to, unless something fails that no promise is about.
type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    let mut ledger = Ledger::new(Terminal::stdout());
    if let Err(error) = walk(&mut ledger).await {
        eprintln!("guide: {error}");
        return ExitCode::FAILURE;
    }
    println!("\nguide: {ledger}");
    if ledger.is_kept() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn walk(ledger: &mut Ledger) -> Outcome {
    disgolink::walk(ledger).await?;
    loading::walk(ledger).await?;
    moonlink::walk(ledger).await?;
    voltricx::walk(ledger).await?;
    revvlink::walk(ledger).await?;
    pool::walk(ledger).await
}
