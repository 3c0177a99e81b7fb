//! What goes wrong with TLS, and what is said of it.

use std::time::Duration;

use lavapool::runtime::Runtime;
use lavapool::{Builder, Closed, Event, Loss, NodeConfig, Timing, Tls, TlsFailure};
use lavapool_tests::node::{self, Disturbance, Fronts, How, Listener};
use lavapool_tests::tls::faults::{Spoiler, TlsFault, silent};
use lavapool_tests::tls::{Authority, TlsServer};

use crate::servers::loss_of;
use crate::{Servers, builder, hosts};

hosts::on_each_runtime! {
    a_fault_of_a_server_is_told_by_its_name,
    an_end_amid_a_connection_is_told_by_its_name,
    a_handshake_that_is_never_answered_is_given_up,
}

/// A node behind this on a port of its own, and a client of it that trusts one authority.
pub(crate) async fn node_behind(
    servers: &Servers,
    front: Option<Fronts>,
    scheme: &str,
    ours: &Authority,
) -> (Listener, Builder) {
    let mut config = node::NodeConfig::new("main");
    config.front = front;
    let listener = servers.tokio.spawn(Listener::start(config)).await;
    let listener = listener.unwrap().unwrap();
    let tls = Tls::new().without_platform_roots();
    let uri = format!("{scheme}://{}", listener.address());
    let builder = builder()
        .tls(tls.root_pem(ours.pem()).unwrap())
        .node(NodeConfig::from_uri("main", &uri).unwrap());
    (listener, builder)
}

async fn a_fault_of_a_server_is_told_by_its_name<R: Runtime + Clone>(on: R, servers: &Servers) {
    let ours = Authority::new("ours");
    for fault in TlsFault::all(&ours, "127.0.0.1") {
        let (listener, builder) = node_behind(servers, fault.front, fault.scheme, &ours).await;

        let loss = loss_of(on.clone(), builder).await;

        let expected = Loss::Socket(Closed::Tls(fault.failure));
        assert_eq!(loss, expected, "{}", fault.what);
        let handshakes = listener.with(|node| node.log().handshakes.len()).await;
        assert_eq!(handshakes, 0, "nothing is said to whom is not trusted");
    }
}

async fn an_end_amid_a_connection_is_told_by_its_name<R: Runtime + Clone>(
    on: R,
    servers: &Servers,
) {
    let garbage: &[u8] = &[23, 3, 3, 0, 5, 1, 2, 3, 4, 5];
    // Of its 80 bytes two come, and then the end.
    let cut: &[u8] = &[23, 3, 3, 0, 80, 1, 2];
    let table = [
        (None, Closed::EndOfStream),
        (Some(garbage), Closed::Tls(TlsFailure::Violation)),
        (Some(cut), Closed::Tls(TlsFailure::Truncated)),
        // Not a byte of TLS before the end.
        (Some(&[][..]), Closed::Tls(TlsFailure::Truncated)),
    ];
    for (said, closed) in table {
        let (ours, spoiler) = (Authority::new("ours"), Spoiler::default());
        let front = spoiler.before(TlsServer::new(ours.issue(&["127.0.0.1"])).front());
        let (listener, builder) = node_behind(servers, Some(front), "https", &ours).await;
        let client = builder.connect_on(on.clone()).await.unwrap();
        let mut events = client.events();

        spoiler.say(said);
        let end = |node: &mut node::TestNode| {
            node.disturb(&Disturbance::UnknownOp, node.now());
            node.drop_connections(How::Fin, node.now());
        };
        listener.with(end).await;

        let lost = loop {
            let event = events.next().await.unwrap();
            if let Event::NodeDisconnected { loss, .. } = event {
                break loss;
            }
        };
        assert_eq!(lost, Loss::Socket(closed), "{said:?}");
        spoiler.say(None);
        client.node("main").unwrap().ready().await.unwrap();
    }
}

async fn a_handshake_that_is_never_answered_is_given_up<R: Runtime>(on: R, servers: &Servers) {
    let ours = Authority::new("ours");
    let (_listener, builder) = node_behind(servers, Some(silent()), "https", &ours).await;
    let timing = Timing {
        connect_deadline: Duration::from_millis(300),
        ..Timing::default()
    };

    let loss = loss_of(on, builder.timing(timing)).await;

    assert_eq!(loss, Loss::ConnectTimedOut);
}
