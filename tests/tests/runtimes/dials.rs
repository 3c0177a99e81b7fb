//! How hosts are looked up and reached.

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;
#[cfg(target_os = "linux")]
use std::time::Instant;

use lavapool::runtime::Runtime;
use lavapool::{Closed, Event, Loss, Timing};
use lavapool_tests::node::{self, Listener, Log};
use lavapool_tests::tell;

use crate::careless::{beside, now};
#[cfg(target_os = "linux")]
use crate::hole::Hole;
use crate::observed::{NoDelay, Observed};
use crate::servers::loss_of;
use crate::{Servers, builder, config, guild, hosts, song};

hosts::on_each_runtime! {
    the_system_looks_localhost_up: the_system_looks_localhost_up by Plain,
    a_name_that_is_none_is_said_to_be_unknown: a_name_that_is_none_is_said_to_be_unknown by Plain,
    a_lookup_that_never_ends_is_given_up: a_lookup_that_never_ends_is_given_up by Plain,
    a_node_plays_by_ipv6: a_node_plays_by_ipv6 by Plain,
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

async fn a_lookup_that_never_ends_is_given_up<R: Runtime<Socket: NoDelay>>(on: R, _: &Servers) {
    let lookups = Arc::new(());
    let on = Observed::new(on).without_answers(&lookups);
    let runtimes = Arc::strong_count(&lookups);
    let timing = Timing {
        connect_deadline: Duration::from_millis(300),
        ..Timing::default()
    };
    let (client, driver) = builder()
        .timing(timing)
        .node(config("slow"))
        .build_on(on)
        .unwrap();
    let mut events = client.events();
    let mut driver = Box::pin(driver);
    assert_eq!(now(&mut driver), None);
    assert_eq!(Arc::strong_count(&lookups), runtimes + 1);

    let loss = loop {
        let event = beside(&mut driver, events.next()).await.unwrap();
        if let Event::NodeReconnecting { loss, .. } = event {
            break loss;
        }
    };
    assert_eq!(loss, Loss::ConnectTimedOut);
    assert_eq!(Arc::strong_count(&lookups), runtimes, "it is given up");
}

async fn a_node_plays_by_ipv6<R: Runtime>(on: R, servers: &Servers) {
    let started = servers.tokio.spawn(async {
        let config = node::NodeConfig::new("six");
        Listener::start_at(Ipv6Addr::LOCALHOST.into(), config, 0).await
    });
    let listener = match started.await.unwrap() {
        Ok(listener) => listener,
        Err(error) => {
            tell(&format!("skipped: IPv6: there is no address ::1: {error}"));
            return;
        }
    };
    let uri = format!("http://[::1]:{}", listener.address().port());
    let six = lavapool::NodeConfig::from_uri("six", &uri).unwrap();

    let client = builder().node(six).connect_on(on).await.unwrap();
    client.player(guild(1)).update(song()).await.unwrap();

    let authority = listener.address().to_string();
    let (players, hosts, violations) = listener
        .with(|node| {
            (
                node.players(node.now()).len(),
                hosts_named(node.log()),
                node.log().violations.clone(),
            )
        })
        .await;
    assert_eq!((players, violations), (1, vec![]));
    assert!(hosts.len() >= 2, "a WebSocket and a REST socket");
    assert!(hosts.iter().all(|host| *host == authority), "{hosts:?}");
}

/// What clients called the node.
fn hosts_named(log: &Log) -> Vec<String> {
    let handshakes = log.handshakes.iter().map(|handshake| &handshake.headers);
    let requests = log.requests.iter().map(|request| &request.headers);
    let hosts = handshakes
        .chain(requests)
        .filter_map(|headers| headers.first("host"));
    hosts.map(str::to_owned).collect()
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
