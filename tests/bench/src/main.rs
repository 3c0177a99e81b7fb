//! `cargo run --release --manifest-path tests/bench/Cargo.toml -- all`: what lavapool costs beside
//! other clients, and beside the least that can be done.

mod bounds;
mod clients;
mod counting;
mod footprint;
mod idleness;
mod latencies;
mod measure;
mod mix;
mod orders;
mod process;
mod report;
mod results;
mod rounds;
mod server;
mod writes;

use clap::{Parser, Subcommand};

use clients::{Job, Outcome, Who};

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

#[derive(Debug, Parser)]
#[command(about = "What lavapool costs beside other clients and beside the least that can be done")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: rounds::Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Bench(rounds::Bench),
    /// What one write for all the records of a request saves, and what a vectored one would.
    Writes,
    /// Is the server; the bench starts it.
    #[command(hide = true)]
    Serve {
        #[arg(long)]
        nodes: usize,
    },
    /// Is one client; the bench starts it.
    #[command(hide = true)]
    Client {
        who: Who,
        #[arg(long, value_delimiter = ',')]
        ports: Vec<u16>,
        #[arg(long)]
        counted: bool,
        #[command(subcommand)]
        job: Job,
    },
}

fn main() -> Outcome {
    let Arguments { command, options } = Arguments::parse();
    match command {
        Command::Serve { nodes } => Ok(server::serve(nodes)?),
        Command::Client {
            who,
            ports,
            counted,
            job,
        } => clients::run(who, &ports, counted, &job),
        Command::Writes => Ok(writes::run()?),
        Command::Bench(bench) => rounds::run(bench, &options),
    }
}
