//! What stands before a node: reverse proxies, which have a path and want a header, or answer
//! with a redirect; and proxies, which let nobody through.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use lavapool::runtime::Runtime;
use lavapool::{Closed, DialFailure, Leaving, Loss, NodeConfig, ProxyFailure, Timing};
use lavapool_tests::node::{self, Front, Fronts, How, Listener, Passed};
use lavapool_tests::proxy::{Proxy, ProxyServer};
use lavapool_tests::tls::Authority;
use lavapool_tests::tls::faults::{says, silent};

use crate::faults::node_behind;
use crate::servers::loss_of;
use crate::{Servers, builder, guild, hosts, song};

hosts::on_each_runtime! {
    a_redirect_is_told_with_where_it_points_to,
    a_prefix_and_a_header_come_with_every_request,
    a_proxy_that_lets_nobody_through_says_why,
    a_proxy_that_is_not_there_is_told_by_its_name,
    a_proxy_that_says_nothing_is_given_up,
}

async fn a_redirect_is_told_with_where_it_points_to<R: Runtime + Clone>(on: R, servers: &Servers) {
    let table: [(u16, &str, &[u8]); 4] = [
        (
            301,
            "https://new.test/lavalink",
            b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://new.test/lavalink\r\n\r\n",
        ),
        (
            302,
            "/elsewhere/v4/websocket",
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /elsewhere/v4/websocket\r\n\r\n",
        ),
        (
            307,
            "wss://new.test",
            b"HTTP/1.1 307 Temporary Redirect\r\nlocation: wss://new.test\r\n\r\n",
        ),
        (
            308,
            "https://new.test/",
            b"HTTP/1.1 308 Permanent Redirect\r\nLocation: https://new.test/\r\n\r\n",
        ),
    ];
    for (status, location, answer) in table {
        let nobody = Authority::new("nobody");
        let (listener, builder) = node_behind(servers, Some(says(answer)), "http", &nobody).await;

        let loss = loss_of(on.clone(), builder).await;

        let location = Some(location.into());
        assert_eq!(loss, Loss::UpgradeRefused { status, location });
        let handshakes = listener.with(|node| node.log().handshakes.len()).await;
        assert_eq!(handshakes, 0);
    }
}

async fn a_prefix_and_a_header_come_with_every_request<R: Runtime>(on: R, servers: &Servers) {
    let mut config = node::NodeConfig::new("main");
    config.front = Some(Fronts::new(|| Box::new(ReverseProxy::default())));
    let listener = servers.tokio.spawn(Listener::start(config)).await;
    let listener = listener.unwrap().unwrap();
    let uri = format!("http://{}{PREFIX}", listener.address());
    let node = NodeConfig::from_uri("main", &uri).unwrap();
    let node = node.header("X-Team", "music").unwrap();

    let client = builder().node(node).connect_on(on).await.unwrap();
    client.player(guild(1)).update(song()).await.unwrap();
    client.load_tracks("ytsearch:words").await.unwrap();
    client.close(Leaving::Keep).await.unwrap();

    let (teams, violations) = listener
        .with(|node| {
            let log = node.log();
            let handshakes = log.handshakes.iter().map(|handshake| &handshake.headers);
            let requests = log.requests.iter().map(|request| &request.headers);
            let teams = handshakes.chain(requests);
            let teams = teams.map(|headers| headers.first("x-team").map(str::to_owned));
            (teams.collect::<Vec<_>>(), log.violations.clone())
        })
        .await;
    assert!(teams.len() > 2, "a handshake and requests: {teams:?}");
    let music = |team: &Option<String>| team.as_deref() == Some("music");
    assert!(teams.iter().all(music), "{teams:?}");
    assert_eq!(violations, []);
}

async fn a_proxy_that_lets_nobody_through_says_why<R: Runtime + Clone>(on: R, servers: &Servers) {
    let unauthorized = ProxyFailure::Unauthorized;
    let table = [
        (Proxy::http(), "http://", unauthorized),
        (Proxy::http(), "http://bot:wrong@", unauthorized),
        (
            Proxy::http(),
            "http://bot:secret@",
            ProxyFailure::Status { status: 502 },
        ),
        (Proxy::socks(), "socks5://", unauthorized),
        (Proxy::socks(), "socks5://bot:wrongs@", unauthorized),
        (
            Proxy::socks(),
            "socks5://bot:secret@",
            ProxyFailure::Reply { reply: 5 },
        ),
    ];
    for (proxy, until_host, failure) in table {
        let starting = async move { ProxyServer::start(&proxy, []).await };
        let server = servers.tokio.spawn(starting).await.unwrap().unwrap();
        let proxy = format!("{until_host}{}", server.address());

        let loss = loss_by(on.clone(), &proxy, NOBODY, Timing::default()).await;

        assert_eq!(loss, Loss::Socket(Closed::Proxy(failure)), "{proxy}");
    }
}

async fn a_proxy_that_is_not_there_is_told_by_its_name<R: Runtime + Clone>(on: R, _: &Servers) {
    // No label is longer than 63 bytes (RFC 1035 §2.3.4), so nobody has to be asked.
    let unknown = "x".repeat(64);
    for scheme in ["http", "socks5"] {
        for (host, failure) in [
            (NOBODY.to_string(), DialFailure::Refused),
            (format!("{unknown}:1080"), DialFailure::NameNotFound),
        ] {
            let proxy = format!("{scheme}://{host}");

            let loss = loss_by(on.clone(), &proxy, NOBODY, Timing::default()).await;

            let unreachable = ProxyFailure::Unreachable(failure);
            assert_eq!(loss, Loss::Socket(Closed::Proxy(unreachable)), "{proxy}");
        }
    }
}

async fn a_proxy_that_says_nothing_is_given_up<R: Runtime + Clone>(on: R, servers: &Servers) {
    let nobody = Authority::new("nobody");
    let (proxy, _) = node_behind(servers, Some(silent()), "http", &nobody).await;
    for scheme in ["http", "socks5"] {
        let proxy = format!("{scheme}://{}", proxy.address());
        let timing = Timing {
            connect_deadline: Duration::from_millis(300),
            ..Timing::default()
        };

        let loss = loss_by(on.clone(), &proxy, servers.first.address(), timing).await;

        assert_eq!(loss, Loss::ConnectTimedOut, "{proxy}");
    }
}

/// Why this proxy does not lead to a node.
async fn loss_by<R: Runtime>(on: R, proxy: &str, node: SocketAddr, timing: Timing) -> Loss {
    let node = NodeConfig::from_uri("main", &format!("http://{node}")).unwrap();
    let builder = builder().timing(timing).proxy(proxy.parse().unwrap());
    loss_of(on, builder.node(node)).await
}

/// Leads what is asked for under [`PREFIX`] to a node that knows of none, and nothing else.
#[derive(Default)]
struct ReverseProxy {
    is_upgraded: bool,
}

impl Front for ReverseProxy {
    fn client_sent(&mut self, bytes: &[u8]) -> Passed {
        let text = String::from_utf8_lossy(bytes);
        let is_head = ["GET ", "PATCH ", "POST ", "DELETE "]
            .iter()
            .any(|method| text.starts_with(method));
        if self.is_upgraded || !is_head {
            return Passed {
                to_node: bytes.to_vec(),
                ..Passed::default()
            };
        }
        let line_end = text.find("\r\n").unwrap_or(text.len());
        let (line, rest) = text.split_at(line_end);
        if !line.contains(PREFIX) {
            return Passed {
                to_client: b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
                ends: Some(How::Fin),
                ..Passed::default()
            };
        }
        self.is_upgraded = line.contains("/v4/websocket");
        Passed {
            to_node: (line.replacen(PREFIX, "", 1) + rest).into_bytes(),
            ..Passed::default()
        }
    }

    fn node_sent(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }
}

/// Where nobody listens.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
/// The path that stands before Lavalink's own.
const PREFIX: &str = "/music/eu";
