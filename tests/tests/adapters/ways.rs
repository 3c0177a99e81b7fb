//! TLS and Unix sockets on a real runtime.

use lavapool::{Closed, ConnectError, Error, Loss, NodeConfig, Tls, TlsError, TlsFailure};
use lavapool_tests::tls::{Authority, TlsServer};

use crate::{builder, guild, listen, song};
use lavapool_tests::node::{Listener, NodeConfig as TestConfig};

fn trusting(authority: &Authority) -> Tls {
    let tls = Tls::new().without_platform_roots();
    tls.root_pem(authority.pem()).unwrap()
}

/// A node behind TLS, for these hosts, and what leads to it.
async fn secure(authority: &Authority, hosts: &[&str]) -> (Listener, NodeConfig) {
    let mut config = TestConfig::new("main");
    config.front = Some(TlsServer::new(authority.issue(hosts)).front());
    let listener = Listener::start(config).await.unwrap();
    let uri = format!("https://{}", listener.address());
    (listener, NodeConfig::from_uri("main", &uri).unwrap())
}

#[tokio::test]
async fn a_node_behind_tls_is_reached_by_its_address() {
    let authority = Authority::new("the tests");
    let (listener, config) = secure(&authority, &["127.0.0.1"]).await;

    let client = builder().tls(trusting(&authority)).node(config);
    let client = client.connect().await.unwrap();
    let player = client.player(guild());
    player.update(song().without_voice()).await.unwrap();

    let players = listener.with(|node| node.players(node.now()).len()).await;
    assert_eq!(players, 1);
}

#[tokio::test]
async fn the_platforms_authorities_do_not_know_those_of_a_test() {
    let authority = Authority::new("the tests");
    let (listener, config) = secure(&authority, &["127.0.0.1"]).await;
    // With one of another, so that this tests the same where the platform has none.
    let others = Tls::new().root_pem(Authority::new("others").pem());
    let client = builder().tls(others.unwrap()).node(config);
    let client = client.start().unwrap();

    let mut events = client.events();
    let loss = loop {
        match events.next().await.unwrap() {
            lavapool::Event::NodeReconnecting { loss, .. } => break loss,
            other => drop(other),
        }
    };

    let failure = TlsFailure::UnknownAuthority;
    assert_eq!(loss, Loss::Socket(Closed::Tls(failure)));
    assert_eq!(listener.with(|node| node.log().handshakes.len()).await, 0);
}

#[tokio::test]
async fn a_node_with_tls_that_cannot_work_is_refused_by_name_before_anything_is_dialled() {
    let plain = listen("plain").await;
    let plain = || crate::config("plain", &plain);
    let secure = || NodeConfig::from_uri("secure", "https://127.0.0.1:1").unwrap();
    let nobody = || Tls::new().without_platform_roots();

    let started = builder().tls(nobody()).nodes([plain(), secure()]).start();

    let (node, error) = (|| "secure".into(), TlsError::NoRoots);
    let refused = started.map(drop).unwrap_err();
    assert_eq!(
        refused,
        ConnectError::Tls {
            node: node(),
            error
        }
    );
    let sentence = "the node \"secure\" asks for TLS, which cannot work: \
        no certificate authority is known";
    assert_eq!(refused.to_string(), sentence);
    let client = builder().tls(nobody()).node(plain()).connect().await;
    let client = client.unwrap();
    let refused = Error::Tls {
        node: node(),
        error,
    };
    assert_eq!(client.add_node(secure()).await, Err(refused.clone()));
    assert_eq!(client.add_node_detached(secure()).await, Err(refused));
    assert_eq!(client.nodes().len(), 1);
}

#[cfg(unix)]
mod unix {
    use std::path::PathBuf;

    use lavapool::Transport;
    use tokio::io::copy_bidirectional;
    use tokio::net::{TcpStream, UnixListener};

    use super::*;

    #[tokio::test]
    async fn a_node_is_reached_by_a_unix_socket_with_and_without_tls() {
        let authority = Authority::new("the tests");
        let (tls, _) = secure(&authority, &["main.test"]).await;
        let plain = listen("plain").await;
        for (listener, uri) in [(&plain, "http://main.test"), (&tls, "https://main.test")] {
            let socket = Door::open(listener);

            let client = builder()
                .tls(trusting(&authority))
                .transport("main", Transport::new().unix(&socket.0))
                .node(NodeConfig::from_uri("main", uri).unwrap());
            let client = client.connect().await.unwrap();

            assert_eq!(client.report().connected(), 1);
            let handshake = listener.with(|node| node.log().handshakes[0].clone()).await;
            let host = handshake.header("host").map(str::to_owned);
            assert_eq!(
                host.as_deref().unwrap().split(':').next(),
                Some("main.test")
            );
        }
    }

    #[tokio::test]
    async fn a_unix_socket_that_is_not_there_refuses() {
        let transport = Transport::new().unix("/nonexistent/lavalink");
        let client = builder().transport("main", transport);
        let client = client.node(NodeConfig::from_uri("main", "http://main").unwrap());
        let client = client.start().unwrap();
        let mut events = client.events();

        loop {
            if let lavapool::Event::NodeReconnecting { loss, .. } = events.next().await.unwrap() {
                assert_eq!(loss, Loss::Socket(Closed::Refused));
                break;
            }
        }
    }

    /// A Unix socket that leads to a node.
    struct Door(PathBuf);

    impl Door {
        fn open(listener: &Listener) -> Self {
            let address = listener.address();
            let path = std::env::temp_dir().join(format!("lavapool-{}", address.port()));
            let door = Self(path);
            let unix = UnixListener::bind(&door.0).unwrap();
            tokio::spawn(async move {
                while let Ok((mut inside, _)) = unix.accept().await {
                    let mut outside = TcpStream::connect(address).await.unwrap();
                    tokio::spawn(async move {
                        // It ends when either end does.
                        let _ = copy_bidirectional(&mut inside, &mut outside).await;
                    });
                }
            });
            door
        }
    }

    impl Drop for Door {
        fn drop(&mut self) {
            // Whoever cleans the folder may have been faster.
            let _ = std::fs::remove_file(&self.0);
        }
    }
}
