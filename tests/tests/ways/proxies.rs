//! Nodes behind proxies, and ways that are not there.

use std::sync::Arc;

use lavapool::{DialFailure, ProxyFailure, Stopped, Transport};
use lavapool_tests::node::{Front, Passed};
use lavapool_tests::proxy::Proxy;
use lavapool_tests::tls::TlsServer;
use lavapool_tests::tls::faults::{says, silent};

use super::*;

/// A client whose way to a node far away is this proxy, which is the host `main`.
fn by(proxy: &str, uri: &str, authority: &Authority) -> Builder {
    client_of(uri, authority).proxy(proxy.parse().unwrap())
}

#[test]
fn a_node_is_reached_by_a_proxy_that_looks_its_name_up() {
    for (proxy, uri) in [
        (Proxy::http(), "http://bot:secret@main:2333"),
        (Proxy::socks(), "socks5://bot:secret@main:2333"),
    ] {
        SimRuntime::run(|sim| async move {
            let log = proxy.log();
            add(&sim, proxy.front());

            let client = by(uri, "http://far.test:80", &Authority::new("ours"));
            let client = client.connect_on(sim).await.unwrap();
            client.player(guild()).update(song()).await.unwrap();

            let asked = log.lock().unwrap();
            assert!(asked.len() > 1);
            assert!(asked.iter().all(|host| host == "far.test:80"), "{asked:?}");
        });
    }
}

#[test]
fn tls_is_spoken_through_a_proxy_with_the_node() {
    for (proxy, uri) in [
        (Proxy::http(), "http://bot:secret@main:2333"),
        (Proxy::socks(), "socks5h://bot:secret@main:2333"),
    ] {
        SimRuntime::run(|sim| async move {
            sim.set_window(1);
            let ours = Authority::new("ours");
            let server = TlsServer::new(ours.issue(&["far.test"]));
            let log = server.log();
            add(&sim, proxy.before(server.front()).front());

            let client = by(uri, "https://far.test", &ours);
            client.connect_on(sim).await.unwrap();

            assert_eq!(log.to_vec()[0].name.as_deref(), Some("far.test"));
        });
    }
}

#[test]
fn a_proxy_that_lets_nobody_through_says_why() {
    let table = [
        (
            Proxy::http(),
            "http://main:2333",
            ProxyFailure::Unauthorized,
        ),
        (
            Proxy::http(),
            "http://bot:wrong@main:2333",
            ProxyFailure::Unauthorized,
        ),
        (
            Proxy::socks(),
            "socks5://main:2333",
            ProxyFailure::Unauthorized,
        ),
        (
            Proxy::socks(),
            "socks5://bot:wrongs@main:2333",
            ProxyFailure::Unauthorized,
        ),
        (
            Proxy::http(),
            "socks5://main:2334",
            ProxyFailure::Unreachable(DialFailure::Unreachable),
        ),
        (
            Proxy::http(),
            "http://nowhere:2333",
            ProxyFailure::Unreachable(DialFailure::NameNotFound),
        ),
    ];
    for (proxy, uri, failure) in table {
        SimRuntime::run(|sim| async move {
            add(&sim, proxy.front());
            let client = by(uri, "https://far.test", &Authority::new("ours"));
            let expected = Some(Loss::Socket(Closed::Proxy(failure)));
            assert_eq!(loss_of(&sim, client).await, expected, "{uri}");
        });
    }
}

#[test]
fn what_is_no_proxy_is_said_to_be_none() {
    SimRuntime::run(|sim| async move {
        sim.add_node("main", node::NodeConfig::new("main"));
        let ours = Authority::new("ours");

        let http = loss_of(&sim, by("http://main:2333", "http://far.test", &ours)).await;
        let socks = loss_of(&sim, by("socks5://main:2333", "http://far.test", &ours)).await;

        let failed = |failure| Some(Loss::Socket(Closed::Proxy(failure)));
        assert!(
            matches!(
                http,
                Some(Loss::Socket(Closed::Proxy(ProxyFailure::Status { .. })))
            ),
            "{http:?}"
        );
        assert_eq!(socks, failed(ProxyFailure::Violation));
    });
}

#[test]
fn a_proxy_that_ends_the_connection_is_told_from_one_that_refuses() {
    let table: [(_, &[u8]); 5] = [
        ("http://main:2333", b""),
        ("http://main:2333", b"HTTP/1.1 200 Connection esta"),
        ("socks5://main:2333", b""),
        ("socks5://main:2333", &[5]),
        ("socks5://main:2333", &[5, 0]),
    ];
    for (proxy, said) in table {
        SimRuntime::run(|sim| async move {
            add(&sim, says(said));
            let client = by(proxy, "http://far.test", &Authority::new("ours"));
            let expected = Some(Loss::Socket(Closed::Proxy(ProxyFailure::Ended)));
            assert_eq!(loss_of(&sim, client).await, expected, "{proxy}: {said:?}");
        });
    }
}

#[test]
fn a_proxy_that_says_nothing_is_given_up_at_the_connect_deadline() {
    for proxy in ["http://main:2333", "socks5://main:2333"] {
        SimRuntime::run(|sim| async move {
            add(&sim, silent());
            let client = by(proxy, "https://far.test", &Authority::new("ours"));
            let client = client.start_on(sim.clone()).unwrap();
            let deadline = lavapool::Timing::default().connect_deadline;

            sim.sleep(deadline - Duration::from_millis(1)).await;
            let view = || client.node("main").unwrap().view();
            assert_eq!(view().loss, None);
            sim.sleep(Duration::from_millis(2)).await;

            assert_eq!(view().loss, Some(Loss::ConnectTimedOut), "{proxy}");
        });
    }
}

#[test]
fn one_node_goes_another_way_than_all() {
    SimRuntime::run(|sim| async move {
        sim.add_node("main", node::NodeConfig::new("main"));
        let client = by(
            "http://nowhere:1",
            "http://main:2333",
            &Authority::new("ours"),
        );
        let client = client.transport("main", Transport::new().direct());
        client.connect_on(sim).await.unwrap();
    });
}

#[test]
fn a_runtime_without_unix_sockets_says_so() {
    SimRuntime::run(|sim| async move {
        let client = builder()
            .node(config("http://main"))
            .transport("main", Transport::new().unix("/run/lavalink"));
        let loss = loss_of(&sim, client).await;
        assert_eq!(loss, Some(Loss::Socket(Closed::UnixUnavailable)));
    });
}

#[test]
fn a_redirect_is_told_with_where_it_points_to() {
    SimRuntime::run(|sim| async move {
        let answer = b"HTTP/1.1 308 Permanent Redirect\r\n\
            Location: https://new.test/lavalink\r\nContent-Length: 0\r\n\r\n";
        add(&sim, says(answer));

        let loss = loss_of(&sim, builder().node(config("http://main:2333"))).await;

        let location: Option<Arc<str>> = Some("https://new.test/lavalink".into());
        let status = 308;
        assert_eq!(loss, Some(Loss::UpgradeRefused { status, location }));
    });
}

#[test]
fn a_reverse_proxy_that_does_not_pass_the_upgrade_on_makes_a_bad_request_of_it() {
    SimRuntime::run(|sim| async move {
        add(&sim, Fronts::new(|| Box::new(WithoutUpgrade)));
        let client = builder().node(config("http://main:2333"));
        let client = client.start_on(sim.clone()).unwrap();

        sim.sleep(Duration::from_secs(1)).await;

        let view = client.node("main").unwrap().view();
        assert_eq!(view.stopped, Some(Stopped::BadRequest));
    });
}

/// A reverse proxy that was told nothing of WebSockets.
struct WithoutUpgrade;

impl Front for WithoutUpgrade {
    fn client_sent(&mut self, bytes: &[u8]) -> Passed {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let lines = text.split_inclusive("\r\n");
        let passes = |line: &&str| !line.to_ascii_lowercase().starts_with("upgrade:");
        Passed {
            to_node: lines.filter(passes).collect::<String>().into_bytes(),
            ..Passed::default()
        }
    }

    fn node_sent(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }
}
