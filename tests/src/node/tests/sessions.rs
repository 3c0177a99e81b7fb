//! Sessions: lost, resumed, taken over, expired.

use super::*;
use crate::node::{FrameStats, NodeStats};

#[test]
fn a_session_dies_with_its_websocket_unless_it_is_resumable() {
    let mut client = Client::new();
    let (websocket, _) = client.open_session();
    client.node.peer_closed(websocket, true, client.now);
    assert_eq!(client.node.sessions(), []);
}

#[test]
fn a_resume_replays_the_queue_between_ready_and_one_update_per_player() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.ask(
        "PATCH",
        &format!("/v4/sessions/{session}"),
        &json!({"resuming": true}),
    );
    client.patch(&session, &merged(play("a?length=7000"), voice("t")));
    client.hear(websocket);
    client.node.peer_closed(websocket, true, client.now);
    client.wait(secs(59));
    let resumed = client.open(&format!("Session-Id: {session}\r\n"));
    let head = client
        .node
        .log()
        .handshakes
        .last()
        .expect("it was logged")
        .clone();
    assert_eq!(
        (head.status, head.session, head.resumed),
        (101, Some(session), true)
    );
    assert_eq!(
        client.names(resumed),
        ["ready", "TrackEndEvent finished", "playerUpdate"]
    );
}

#[test]
fn a_handshake_without_a_user_is_refused() {
    let mut client = Client::new();
    for user in ["", "User-Id: \r\n", "User-Id: 0\r\n"] {
        let connection = client.connect();
        let request = format!(
            "GET /v4/websocket HTTP/1.1\r\nHost: node\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nAuthorization: youshallnotpass\r\n{user}\r\n"
        );
        client.send(connection, request.as_bytes());
        let heard = client.hear(connection);
        assert!(
            matches!(&heard[..], [Heard::Http(400, _)]),
            "{user:?} {heard:?}"
        );
    }
}

#[test]
fn stats_are_replayed_even_though_they_are_stale() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    let config = json!({"resuming": true, "timeout": 200});
    client.ask("PATCH", &format!("/v4/sessions/{session}"), &config);
    client.node.peer_closed(websocket, false, client.now);
    client.wait(secs(130));
    let resumed = client.open(&format!("Session-Id: {session}\r\n"));
    assert_eq!(client.names(resumed), ["ready", "stats", "stats"]);
    client.wait(secs(50));
    assert_eq!(client.names(resumed), ["stats"]);
}

#[test]
fn frame_statistics_are_in_messages_only() {
    let mut client = Client::new();
    let frames = FrameStats {
        sent: 2990,
        nulled: 4,
        deficit: 6,
    };
    *client.node.stats() = NodeStats {
        frames: Some(frames),
        ..NodeStats::default()
    };
    let websocket = client.open("");
    let heard = client.hear(websocket);
    let Some(Heard::Message(stats)) = heard.last() else {
        panic!("{heard:?}")
    };
    let expected = json!({"sent": 2990, "nulled": 4, "deficit": 6});
    assert_eq!(
        (&stats["op"], &stats["frameStats"]),
        (&json!("stats"), &expected)
    );
    let asked = client.ask("GET", "/v4/stats", &Value::Null);
    let heard = client.hear(asked);
    let [Heard::Http(200, text)] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert!(
        text.contains("{\"frameStats\":null,\"players\":0,"),
        "{text}"
    );
}

#[test]
fn a_detached_session_is_unknown_to_rest_and_dies_at_its_timeout() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.ask(
        "PATCH",
        &format!("/v4/sessions/{session}"),
        &json!({"resuming": true}),
    );
    client.node.peer_closed(websocket, true, client.now);
    let path = format!("/v4/sessions/{session}/players");
    let asked = client.ask("GET", &path, &Value::Null);
    let heard = client.hear(asked);
    assert!(
        matches!(&heard[..], [Heard::Http(404, text)] if text.contains("Session not found")),
        "{heard:?}"
    );
    client.wait(ms(59_999));
    assert_eq!(
        client
            .node
            .session(&session)
            .map(|session| session.expires_at),
        Some(Some(secs(60)))
    );
    client.wait(ms(1));
    assert_eq!(client.node.session(&session), None);
}

#[test]
fn a_session_that_is_attached_cannot_be_taken_over() {
    let mut client = Client::new();
    let (_, session) = client.open_session();
    client.ask(
        "PATCH",
        &format!("/v4/sessions/{session}"),
        &json!({"resuming": true}),
    );
    let second = client.open(&format!("Session-Id: {session}\r\n"));
    assert_eq!(client.names(second), ["ready", "stats"]);
    assert_eq!(client.node.sessions().len(), 2);
}

#[test]
fn a_user_id_that_is_no_number_is_upgraded_and_then_closed() {
    let mut client = Client::new();
    let connection = client.connect();
    let request = "GET /v4/websocket HTTP/1.1\r\nHost: node\r\nUpgrade: websocket\r\n\
        Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: youshallnotpass\r\n\
        User-Id: me\r\n\r\n";
    client.send(connection, request.as_bytes());
    let heard = client.hear(connection);
    let [
        Heard::Http(101, _),
        Heard::Frame(frame),
        Heard::Closed(How::Fin),
    ] = &heard[..]
    else {
        panic!("{heard:?}");
    };
    assert_eq!(*frame, close_with(1011, ""));
}

#[test]
fn races_are_drawn_from_the_seed_and_nowhere_else() {
    let orders = |seed| {
        let config = NodeConfig {
            races: true,
            ..NodeConfig::new("racing")
        };
        let mut client = Client {
            node: TestNode::new(config, seed, secs(0)),
            now: secs(0),
        };
        let mut orders = Vec::new();
        for _ in 0..100 {
            let websocket = client.open("");
            orders.push(client.names(websocket));
        }
        orders
    };
    assert_eq!(orders(5), orders(5));
    assert_ne!(orders(5), orders(6));
    let stats_first = orders(5).iter().filter(|order| order[0] == "stats").count();
    assert!((1..30).contains(&stats_first), "{stats_first} of 100");
}
