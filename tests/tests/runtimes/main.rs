//! The client on each runtime over real sockets, and what it does in the face of slow, careless
//! and failing programs.

#![allow(clippy::unwrap_used)]

mod bounds;
mod careless;
mod closing;
mod dials;
mod faults;
mod flooding;
mod held;
#[cfg(target_os = "linux")]
mod hole;
mod hosts;
mod late;
#[cfg(unix)]
mod nginx;
mod observed;
mod panicking;
mod rush;
mod scenario;
mod servers;
mod slow;
mod turns;
mod virtual_time;
mod waiting;
mod watch;
mod ways;

use lavapool::runtime::{AsyncStd, Smol, Tokio};
use lavapool::{Builder, Client, Closed, GuildId, Loss, NodeConfig, Source, Update, UserId};
use lavapool_tests::node;
use lavapool_tests::sim::SimRuntime;
use scenario::a_bots_life;
use servers::{Servers, Way};

mod the_scenario {
    use super::scenario::a_bots_life;

    crate::hosts::on_each_runtime! {
        as_it_is: a_bots_life by Plain,
        behind_tls: a_bots_life by Tls,
        #[cfg(unix)]
        behind_tls_and_unix_sockets: a_bots_life by UnixAndTls,
        by_a_proxy_of_http: a_bots_life by Http,
        behind_tls_by_a_proxy_of_http: a_bots_life by HttpAndTls,
        by_a_proxy_of_socks: a_bots_life by Socks,
        behind_tls_by_a_proxy_of_socks: a_bots_life by SocksAndTls,
        #[cfg(unix)]
        behind_nginx: a_bots_life by Nginx,
    }
}

#[test]
fn the_scenario_on_an_executor_of_smol_that_the_program_runs() {
    let servers = Servers::start(Way::Plain);
    let executor = std::sync::Arc::new(smol::Executor::new());
    let on = Smol::from(executor.clone());
    let name = "a_bots_life on an executor of smol by Plain";
    let life = hosts::within(name, on.clone(), a_bots_life(on, &servers));
    smol::block_on(executor.run(life));
}

#[test]
fn a_client_that_is_told_no_runtime_finds_the_one_it_is_started_in() {
    let servers = Servers::start(Way::Plain);
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

#[test]
fn the_driver_on_tokio_may_be_polled_outside_of_it() {
    let servers = Servers::start(Way::Plain);
    let on = Tokio::from(servers.tokio.handle().clone());
    let builder = builder().node(servers.config("first"));
    let (client, driver) = builder.build_on(on).unwrap();
    let life = async move {
        let node = client.node("first").unwrap();
        node.ready().await.unwrap();
        node.version().await.unwrap();
        client.close(lavapool::Leaving::Keep).await.unwrap();
    };
    let (life, ()) = smol::block_on(smol::future::zip(life, driver));
    assert_eq!(life, ());
}

#[cfg(unix)]
#[test]
fn a_unix_socket_that_is_not_there_refuses_on_every_runtime() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let on_tokio = tokio.block_on(async { servers::absent(Tokio::current()).await });
    let on_async_std = async_std::task::block_on(servers::absent(AsyncStd::global()));
    let on_smol = smol::block_on(servers::absent(Smol::global()));

    let refused = Loss::Socket(Closed::Refused);
    for loss in [on_tokio, on_async_std, on_smol] {
        assert_eq!(loss, refused);
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
