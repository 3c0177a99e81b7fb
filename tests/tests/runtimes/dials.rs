//! How hosts are looked up and reached.

#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use lavapool::Timing;
use lavapool::runtime::Runtime;
use lavapool::{Closed, Loss};

#[cfg(target_os = "linux")]
use crate::hole::Hole;
use crate::observed::{NoDelay, Observed};
use crate::servers::loss_of;
use crate::{Servers, builder, config, hosts};

hosts::on_each_runtime! {
    the_system_looks_localhost_up: the_system_looks_localhost_up by Plain,
    a_name_that_is_none_is_said_to_be_unknown: a_name_that_is_none_is_said_to_be_unknown by Plain,
    no_socket_waits_for_nagle: no_socket_waits_for_nagle by Plain,
    // Elsewhere a port whose queue is full answers, by a reset.
    #[cfg(target_os = "linux")]
    addresses_are_raced: addresses_are_raced by Plain,
    #[cfg(target_os = "linux")]
    a_host_that_never_answers_is_given_up: a_host_that_never_answers_is_given_up by Plain,
}

async fn the_system_looks_localhost_up<R: Runtime>(runtime: R, servers: &Servers) {
    // It may be ::1 first, where nobody listens.
    let uri = format!("http://localhost:{}", servers.first.address().port());
    let by_name = lavapool::NodeConfig::from_uri("first", &uri).unwrap();

    let client = builder().node(by_name).connect_on(runtime).await.unwrap();

    assert_eq!(client.report().connected(), 1);
}

async fn a_name_that_is_none_is_said_to_be_unknown<R: Runtime>(runtime: R, _: &Servers) {
    // No label is longer than 63 bytes (RFC 1035 §2.3.4), so nobody has to be asked.
    let name = "x".repeat(64);
    let loss = loss_of(runtime, builder().node(config(&name))).await;

    assert_eq!(loss, Loss::Socket(Closed::NameNotFound));
}

async fn no_socket_waits_for_nagle<R: Runtime<Socket: NoDelay>>(runtime: R, servers: &Servers) {
    let runtime = Observed::new(runtime);
    let seen = runtime.seen.clone();
    let builder = builder().node(servers.config("first"));

    let client = builder.connect_on(runtime).await.unwrap();
    client.node("first").unwrap().version().await.unwrap();

    let nodelay = seen.nodelay.lock().unwrap().clone();
    assert!(nodelay.len() >= 2, "a WebSocket and a REST socket");
    assert!(nodelay.iter().all(|is_set| *is_set), "{nodelay:?}");
}

/// RFC 8305 §4 and §5: the families take turns, an address that never answers has a head start and
/// no more, and one that refuses gives way at once.
#[cfg(target_os = "linux")]
async fn addresses_are_raced<R: Runtime<Socket: NoDelay>>(runtime: R, servers: &Servers) {
    let hole = servers.tokio.spawn(async { Hole::open() }).await.unwrap();
    let (silent, node) = (hole.address(), servers.first.address());
    // Where there is no IPv6, that address fails as fast as a port where nobody listens.
    let refusing = "[::1]:1".parse().unwrap();
    let addresses = [silent, silent, node, refusing];
    let runtime = Observed::new(runtime).with_name("node.test", &addresses);
    let seen = runtime.seen.clone();
    let begun = Instant::now();

    let client = builder().node(config("node.test"));
    let client = client.connect_on(runtime).await.unwrap();

    assert_eq!(client.report().connected(), 1);
    let took = begun.elapsed();
    let head_start = Duration::from_millis(250);
    assert!(took >= 2 * head_start, "{took:?}");
    let dialled = seen.dialled.lock().unwrap()[..4].to_vec();
    assert_eq!(dialled, [silent, refusing, silent, node]);
    let handshakes = servers.first.with(|node| node.log().handshakes.len()).await;
    assert_eq!(handshakes, 1, "the first of its attempts succeeds");
}

#[cfg(target_os = "linux")]
async fn a_host_that_never_answers_is_given_up<R: Runtime>(runtime: R, servers: &Servers) {
    let hole = servers.tokio.spawn(async { Hole::open() }).await.unwrap();
    let connect_deadline = Duration::from_millis(300);
    let timing = Timing {
        connect_deadline,
        ..Timing::default()
    };
    let uri = format!("http://{}", hole.address());
    let node = lavapool::NodeConfig::from_uri("hole", &uri).unwrap();
    let begun = Instant::now();

    let loss = loss_of(runtime, builder().timing(timing).node(node)).await;

    assert_eq!(loss, Loss::ConnectTimedOut);
    assert!(begun.elapsed() >= connect_deadline);
}
