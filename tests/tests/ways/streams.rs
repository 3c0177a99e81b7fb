//! How bytes pass through TLS, and how connections begin and end.

use lavapool::{Error, LoadResult, NodeFailure, RequestError};
use lavapool_tests::node::{Disturbance, Front, How, Passed};
use lavapool_tests::tls::faults::{Spoiler, silent};
use lavapool_tests::tls::{TlsLog, TlsRecord, TlsServer};

use super::*;

/// A client that is connected to a node behind this.
async fn connected(sim: &SimRuntime, make: fn(&Authority) -> TlsServer) -> (Client, TlsLog) {
    let ours = Authority::new("ours");
    let server = make(&ours);
    let log = server.log();
    add(sim, server.front());
    let client = client_of("https://main:2333", &ours);
    (client.connect_on(sim.clone()).await.unwrap(), log)
}

fn server(authority: &Authority) -> TlsServer {
    TlsServer::new(authority.issue(&["main"]))
}

#[test]
fn a_node_behind_tls_plays() {
    let old: fn(&Authority) -> TlsServer = |ours| TlsServer::tls12(ours.issue(&["main"]));
    for make in [server, old] {
        SimRuntime::run(|sim| async move {
            let (client, log) = connected(&sim, make).await;

            client.player(guild()).update(song()).await.unwrap();
            client.load_tracks("ytsearch:words").await.unwrap();
            client.close(Leaving::Keep).await.unwrap();
            sim.sleep(Duration::from_secs(1)).await;

            let first = TlsRecord {
                agreed: true,
                resumed: false,
                name: Some("main".into()),
                protocol: Some("http/1.1".into()),
                has_certificate: false,
                said_goodbye: true,
            };
            let records = log.to_vec();
            assert_eq!(records[0], first);
            let resumed = TlsRecord {
                resumed: true,
                ..first
            };
            assert!(records.len() > 2);
            // A ticket is used once, and two come with the first connection.
            assert_eq!(records[1], resumed);
            assert!(
                records.iter().all(|record| record.said_goodbye),
                "{records:?}"
            );
            let log = sim.with("main", |node| format!("{:?}", node.log().violations));
            assert_eq!(log, "[]");
        });
    }
}

#[test]
fn what_is_larger_than_every_buffer_passes_by_bits() {
    for window in [1, 100, 5_000, 1 << 20] {
        SimRuntime::run(|sim| async move {
            sim.set_window(window);
            sim.set_latency(Duration::from_micros(1));
            let (client, _) = connected(&sim, server).await;
            let LoadResult::Search(found) = client.load_tracks("ytsearch:words").await.unwrap()
            else {
                panic!("a search finds something");
            };
            let blobs: Vec<_> = found.iter().map(|track| track.encoded.clone()).collect();
            let many = blobs.iter().cycle().take(if window > 1 { 600 } else { 30 });

            let decoded = client.decode_tracks(many.clone().cloned()).await.unwrap();

            assert_eq!(decoded.len(), many.count());
            let sent = sim.with("main", |node| {
                let requests = &node.log().requests;
                requests.iter().map(|request| request.body.len()).max()
            });
            assert!(window == 1 || sent.unwrap() > 64 * 1024, "{sent:?}");
        });
    }
}

#[test]
fn a_day_behind_tls_is_slept_through() {
    SimRuntime::run(|sim| async move {
        let (client, _) = connected(&sim, server).await;
        let polls = sim.polls();

        sim.sleep(Duration::from_secs(86_400)).await;

        assert_eq!(client.report().connected(), 1);
        let pings = sim.with("main", |node| node.log().frames.ping);
        let per_ping = (sim.polls() - polls) / pings;
        assert!(per_ping <= 4, "{per_ping} polls for each ping");
    });
}

#[test]
fn an_end_that_was_not_announced_is_told_from_one_that_was() {
    let cut = TlsFailure::Truncated;
    let announced: fn(&Authority) -> TlsServer = server;
    let table = [
        (announced, Closed::EndOfStream),
        (|ours| server(ours).without_goodbye(), Closed::Tls(cut)),
    ];
    for (make, closed) in table {
        SimRuntime::run(|sim| async move {
            let (client, log) = connected(&sim, make).await;
            let mut events = client.events();

            sim.with("main", |node| node.drop_connections(How::Fin, node.now()));

            let lost = loop {
                let event = events.next().await.unwrap();
                if let lavapool::Event::NodeDisconnected { loss, .. } = event {
                    break loss;
                }
            };
            assert_eq!(lost, Loss::Socket(closed));
            client.node("main").unwrap().ready().await.unwrap();
            assert!(log.to_vec().len() > 2);
        });
    }
}

#[test]
fn a_record_that_is_garbage_or_cut_ends_the_connection_by_its_name() {
    let garbage: &[u8] = &[23, 3, 3, 0, 5, 1, 2, 3, 4, 5];
    // Of its 80 bytes two come, and then the end.
    let cut: &[u8] = &[23, 3, 3, 0, 80, 1, 2];
    for (record, failure) in [
        (garbage, TlsFailure::Violation),
        (cut, TlsFailure::Truncated),
    ] {
        SimRuntime::run(|sim| async move {
            let ours = Authority::new("ours");
            let spoiler = Spoiler::default();
            add(&sim, spoiler.before(server(&ours).front()));
            let client = client_of("https://main:2333", &ours);
            let client = client.connect_on(sim.clone()).await.unwrap();
            let mut events = client.events();

            spoiler.say(Some(record));
            sim.with("main", |node| {
                node.disturb(&Disturbance::UnknownOp, node.now());
                node.drop_connections(How::Fin, node.now());
            });

            let lost = loop {
                let event = events.next().await.unwrap();
                if let lavapool::Event::NodeDisconnected { loss, .. } = event {
                    break loss;
                }
            };
            assert_eq!(lost, Loss::Socket(Closed::Tls(failure)));
            spoiler.say(None);
            client.node("main").unwrap().ready().await.unwrap();
        });
    }
}

#[test]
fn a_handshake_counts_into_the_connect_deadline() {
    SimRuntime::run(|sim| async move {
        add(&sim, silent());
        let client = client_of("https://main:2333", &Authority::new("ours"));
        let client = client.start_on(sim.clone()).unwrap();
        let mut events = client.events();

        let loss = loop {
            let event = events.next().await.unwrap();
            if let lavapool::Event::NodeReconnecting { loss, .. } = event {
                break loss;
            }
        };

        let deadline = lavapool::Timing::default().connect_deadline;
        assert_eq!((loss, sim.elapsed()), (Loss::ConnectTimedOut, deadline));
        assert!(sim.polls() < 50, "{} polls", sim.polls());
    });
}

#[test]
fn closing_waits_for_a_peer_that_takes_nothing_no_longer_than_two_seconds() {
    SimRuntime::run(|sim| async move {
        let (client, _) = connected(&sim, server).await;
        sim.set_window(1);
        // One byte is on its way for a day: nothing more is taken.
        sim.set_latency(Duration::from_secs(86_400));
        let before = sim.elapsed();

        let _ = client.close(Leaving::Keep).await;

        let deadline = lavapool::Timing::default().close_deadline;
        let taken = sim.elapsed() - before;
        assert!(taken <= deadline + Duration::from_secs(2), "{taken:?}");
    });
}

#[test]
fn a_body_that_lasts_until_the_end_is_whole_only_if_the_end_was_meant() {
    let lost = Error::Request(RequestError::NodeFailed(NodeFailure::ConnectionLost));
    for (how, expected) in [(How::Fin, Ok("4.2".to_owned())), (How::Reset, Err(lost))] {
        SimRuntime::run(|sim| async move {
            add(&sim, Fronts::new(move || Box::new(Ending(how))));
            let client = builder().node(config("http://main:2333"));
            let client = client.connect_on(sim).await.unwrap();

            let version = client.node("main").unwrap().version().await;

            assert_eq!(version, expected);
        });
    }
}

/// Answers `GET /version` itself, with a body that lasts until this end.
struct Ending(How);

impl Front for Ending {
    fn client_sent(&mut self, bytes: &[u8]) -> Passed {
        if bytes.starts_with(b"GET /version ") {
            return Passed {
                to_node: Vec::new(),
                to_client: b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n4.2".to_vec(),
                ends: Some(self.0),
            };
        }
        Passed {
            to_node: bytes.to_vec(),
            ..Passed::default()
        }
    }

    fn node_sent(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }
}
