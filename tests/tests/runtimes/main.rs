//! The client on each runtime over real sockets, and what it does in the face of slow, careless
//! and failing programs.

#![allow(clippy::unwrap_used)]

mod careless;
mod scenario;
mod turns;

use lavapool::runtime::{AsyncStd, Smol, Tokio};
use lavapool::{Builder, Client, GuildId, NodeConfig, Source, Update, UserId};
use lavapool_tests::node;
use lavapool_tests::node::Listener;
use lavapool_tests::sim::SimRuntime;

#[test]
fn the_scenario_on_tokio() {
    let servers = Servers::start();
    servers.tokio.block_on(async {
        scenario::run("tokio", Tokio::current(), &servers).await;
    });
}

#[test]
fn the_scenario_on_async_std() {
    let servers = Servers::start();
    async_std::task::block_on(scenario::run("async-std", AsyncStd::global(), &servers));
}

#[test]
fn the_scenario_on_smol() {
    let servers = Servers::start();
    smol::block_on(scenario::run("smol", Smol::global(), &servers));
}

#[test]
fn the_scenario_on_an_executor_of_smol_that_the_program_runs() {
    let servers = Servers::start();
    let executor = std::sync::Arc::new(smol::Executor::new());
    let on = Smol::from(executor.clone());
    smol::block_on(executor.run(scenario::run("smol, own executor", on, &servers)));
}

#[test]
fn a_client_that_is_told_no_runtime_finds_the_one_it_is_started_in() {
    let servers = Servers::start();
    let builder = || builder().node(servers.config("first"));
    let connected = |client: Client| client.report().connected();

    assert_eq!(connected(smol::block_on(builder().connect()).unwrap()), 1);
    let on_async_std = async_std::task::block_on(builder().connect());
    assert_eq!(connected(on_async_std.unwrap()), 1);

    let tokio = tokio::runtime::Runtime::new().unwrap();
    let entered = tokio.enter();
    let inside = builder().start().unwrap();
    assert_eq!(tokio.metrics().num_alive_tasks(), 1);
    drop(entered);
    let outside = builder().start().unwrap();
    assert_eq!(tokio.metrics().num_alive_tasks(), 1);
    drop((inside, outside));
}

/// Test nodes on ports that the system chose, whichever runtime their client is on.
struct Servers {
    tokio: tokio::runtime::Runtime,
    first: Listener,
    second: Listener,
}

impl Servers {
    fn start() -> Self {
        let tokio = tokio::runtime::Runtime::new().unwrap();
        let start = |name| tokio.block_on(Listener::start(node::NodeConfig::new(name)));
        let (first, second) = (start("first").unwrap(), start("second").unwrap());
        Self {
            tokio,
            first,
            second,
        }
    }

    fn config(&self, name: &str) -> NodeConfig {
        let listener = match name {
            "first" => &self.first,
            _ => &self.second,
        };
        NodeConfig::from_uri(name, &listener.uri()).unwrap()
    }
}

fn add(sim: &SimRuntime, name: &str) {
    sim.add_node(name, node::NodeConfig::new(name));
}

fn builder() -> Builder {
    Client::builder(UserId::new(42).unwrap()).seed(7)
}

fn config(name: &str) -> NodeConfig {
    NodeConfig::from_uri(name, &format!("http://{name}:2333")).unwrap()
}

fn guild(number: u64) -> GuildId {
    GuildId::new(number).unwrap()
}

fn song() -> Update {
    Update::play(Source::identifier("https://tracks.test/song")).without_voice()
}
