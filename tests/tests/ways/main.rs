//! The ways to a node, by the real driver in virtual time: TLS, proxies, and what can go wrong
//! there.

#![allow(clippy::unwrap_used)]

mod certificates;
mod platform;
mod proxies;
mod streams;
mod writes;

use std::time::Duration;

use lavapool::{
    Builder, Client, Closed, ConnectError, GuildId, Leaving, Loss, NodeConfig, Source, Tls,
    TlsFailure, Update, UserId,
};
use lavapool_tests::node::{self, Fronts};
use lavapool_tests::sim::SimRuntime;
use lavapool_tests::tls::Authority;

/// Starts a node called `main` behind something.
fn add(sim: &SimRuntime, front: Fronts) {
    let mut config = node::NodeConfig::new("main");
    config.front = Some(front);
    sim.add_node("main", config);
}

fn builder() -> Builder {
    Client::builder(UserId::new(42).unwrap()).seed(7)
}

/// A client of the node at this URI, which trusts nobody but the authority.
fn client_of(uri: &str, authority: &Authority) -> Builder {
    builder().tls(trusting(authority)).node(config(uri))
}

fn trusting(authority: &Authority) -> Tls {
    Tls::new()
        .without_platform_roots()
        .root_der(authority.der())
        .unwrap()
}

fn config(uri: &str) -> NodeConfig {
    NodeConfig::new("main", uri, "youshallnotpass").unwrap()
}

/// Why the node `main` is not connected a moment after the start.
async fn loss_of(sim: &SimRuntime, builder: Builder) -> Option<Loss> {
    let client = builder.start_on(sim.clone()).unwrap();
    sim.sleep(Duration::from_secs(1)).await;
    let view = client.node("main").unwrap().view();
    client.close(Leaving::Keep).await.unwrap();
    view.loss
}

const fn tls(failure: TlsFailure) -> Option<Loss> {
    Some(Loss::Socket(Closed::Tls(failure)))
}

fn song() -> Update {
    Update::play(Source::identifier("https://tracks.test/song")).without_voice()
}

fn guild() -> GuildId {
    GuildId::new(817).unwrap()
}
