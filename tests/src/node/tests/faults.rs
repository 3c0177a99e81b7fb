//! Faults, each switched on.

use super::*;
use crate::node::{Accepting, AnswerKind, Disturbance, Failure};

#[test]
fn a_node_that_refuses_connections_resets_them() {
    let mut client = Client::new();
    client.node.faults().accepting = Accepting::Refuse;
    assert!(!client.node.accepts());
    let refused = client.connect();
    assert_eq!(client.hear(refused), [Heard::Closed(How::Reset)]);
    assert_eq!(client.node.connections(), []);
}

#[test]
fn a_silent_node_accepts_and_never_answers() {
    let mut client = Client::new();
    client.node.faults().accepting = Accepting::Silence;
    let asked = client.ask("GET", "/version", &Value::Null);
    client.wait(secs(10));
    assert_eq!(client.hear(asked), []);
    client.node.peer_closed(asked, true, client.now);
    assert_eq!(client.node.connections(), []);
}

#[test]
fn a_half_open_connection_keeps_its_session_until_the_node_notices() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.patch(&session, &merged(play("a"), voice("t")));
    client.hear(websocket);
    client.node.freeze_connections(client.now);
    client.send(websocket, &masked(9, b"there?"));
    client.node.peer_closed(websocket, true, client.now);
    client.wait(secs(10));
    assert_eq!(client.hear(websocket), []);
    assert!(client.node.players(client.now)[0].audible);
    assert_eq!(client.node.sessions()[0].connection, Some(websocket));
    client.node.end_frozen(client.now);
    assert_eq!(client.node.sessions(), []);
}

#[test]
fn a_slow_answer_takes_effect_when_it_is_ready_and_nobody_waits() {
    let mut client = Client::new();
    let (_, session) = client.open_session();
    client
        .node
        .faults()
        .slow
        .insert(AnswerKind::Player, secs(3));
    let asked = client.patch(&session, &json!({"volume": 5}));
    client.wait(secs(1));
    client.node.peer_closed(asked, true, client.now);
    assert_eq!(client.node.players(client.now), []);
    client.wait(secs(2));
    assert_eq!(client.node.players(client.now)[0].volume, 5);
    let record = client.node.log().requests.last().expect("it was logged");
    assert_eq!(
        (record.at, record.answered_at, record.status),
        (secs(0), Some(secs(3)), Some(200))
    );
}

#[test]
fn an_unanswered_request_takes_no_effect_and_a_lost_answer_does() {
    let mut client = Client::new();
    let (_, session) = client.open_session();
    client.node.faults().unanswered.insert(AnswerKind::Player);
    let unanswered = client.patch(&session, &json!({"volume": 5}));
    client.wait(secs(100));
    assert_eq!(
        (client.hear(unanswered), client.node.players(client.now)),
        (vec![], vec![])
    );
    client.node.faults().unanswered.clear();
    client.node.faults().lost.insert(AnswerKind::Player);
    let lost = client.patch(&session, &json!({"volume": 5}));
    assert_eq!(client.hear(lost), [Heard::Closed(How::Reset)]);
    assert_eq!(client.node.players(client.now)[0].volume, 5);
}

#[test]
fn failures_match_requests_and_have_no_effect() {
    let mut client = Client::new();
    let (_, session) = client.open_session();
    let patch = Failure {
        method: Some("PATCH".to_owned()),
        ..Failure::always(503)
    };
    client.node.faults().failures.push(patch);
    let failed = client.patch(&session, &json!({"volume": 5}));
    assert!(matches!(&client.hear(failed)[..], [Heard::Http(503, _)]));
    let asked = client.ask("GET", "/version", &Value::Null);
    assert!(matches!(&client.hear(asked)[..], [Heard::Http(200, _)]));
    assert_eq!(client.node.players(client.now), []);
}

#[test]
fn a_session_can_be_unknown_while_it_lives() {
    let mut client = Client::new();
    let (_, session) = client.open_session();
    client.node.faults().sessions_unknown = true;
    let asked = client.patch(&session, &json!({}));
    assert!(matches!(&client.hear(asked)[..], [Heard::Http(404, _)]));
    assert_eq!(client.node.sessions().len(), 1);
}

#[test]
fn a_rejected_track_is_an_error_and_another_is_not() {
    let mut client = Client::new();
    let (_, session) = client.open_session();
    client
        .node
        .faults()
        .rejected_tracks
        .insert("https://tracks.test/a".to_owned());
    let rejected = client.patch(&session, &play("a"));
    assert!(matches!(&client.hear(rejected)[..], [Heard::Http(500, _)]));
    let taken = client.patch(&session, &play("b"));
    assert!(matches!(&client.hear(taken)[..], [Heard::Http(200, _)]));
}

#[test]
fn a_websocket_may_never_be_ready() {
    let mut client = Client::new();
    client.node.faults().never_ready = true;
    let websocket = client.open("");
    client.wait(secs(100));
    assert!(matches!(&client.hear(websocket)[..], [Heard::Http(101, _)]));
}

#[test]
fn disturbances_are_heard_by_attached_sessions() {
    let mut client = Client::new();
    let (websocket, _) = client.open_session();
    for (what, name) in [
        (Disturbance::UnknownOp, "fakeOp"),
        (Disturbance::UnknownEvent(1), "FakePluginEvent"),
    ] {
        client.node.disturb(&what, client.now);
        assert_eq!(client.names(websocket), [name]);
    }
    for what in [Disturbance::MalformedJson, Disturbance::InvalidUtf8] {
        client.node.disturb(&what, client.now);
        assert!(
            matches!(&client.hear(websocket)[..], [Heard::Frame(_)]),
            "{what:?}"
        );
    }
    client
        .node
        .disturb(&Disturbance::Oversized(9000), client.now);
    assert!(
        matches!(&client.hear(websocket)[..], [Heard::Message(message)]
        if message["data"].as_str().map(str::len) == Some(9000))
    );
}

#[test]
fn a_restart_forgets_everything_and_a_dropped_network_does_not() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.ask(
        "PATCH",
        &format!("/v4/sessions/{session}"),
        &json!({"resuming": true}),
    );
    client.node.drop_connections(How::Reset, client.now);
    assert_eq!(client.hear(websocket), [Heard::Closed(How::Reset)]);
    assert_eq!(client.node.sessions().len(), 1);
    client.node.restart(client.now);
    assert_eq!(
        (client.node.sessions(), client.node.poll_timeout()),
        (vec![], None)
    );
}

#[test]
fn a_node_that_stood_still_goes_on_with_all_that_it_had_as_if_no_time_had_passed() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.patch(&session, &merged(play("a"), voice("t")));
    client.wait(secs(2));
    let before = client.node.players(client.now);
    client.hear(websocket);

    client.node.stand_still(client.now);
    assert_eq!(client.node.poll_timeout(), None);
    let asked = client.patch(&session, &json!({"volume": 5}));
    client.wait(secs(100));

    let silent = client.node.players(client.now);
    assert!(before[0].audible && !silent[0].audible);
    assert_eq!(silent[0].position_ms, before[0].position_ms);
    assert_eq!(
        (client.hear(websocket), client.hear(asked)),
        (vec![], vec![])
    );

    client.node.go_on(client.now);
    let after = client.node.players(client.now);
    assert!(after[0].audible);
    assert_eq!(
        (after[0].position_ms, after[0].volume),
        (before[0].position_ms, 5)
    );
    assert!(!client.hear(asked).is_empty());
    client.wait(secs(1));
    let later = client.node.players(client.now);
    assert_eq!(later[0].position_ms, before[0].position_ms + 1000);
}

#[test]
fn a_node_that_is_killed_while_it_stands_still_forgets_everything() {
    let mut client = Client::new();
    let (websocket, session) = client.open_session();
    client.node.stand_still(client.now);
    client.patch(&session, &json!({"volume": 5}));
    client.node.restart(client.now);
    assert_eq!(client.node.sessions(), []);
    assert_eq!(client.hear(websocket), [Heard::Closed(How::Reset)]);
    client.open_session();
}

#[test]
fn a_graceful_shutdown_says_so() {
    let mut client = Client::new();
    let (websocket, _) = client.open_session();
    client.node.shut_down(client.now);
    let expected = [Heard::Frame(close_with(1001, "")), Heard::Closed(How::Fin)];
    assert_eq!(client.hear(websocket), expected);
    assert!(!client.node.accepts());
}

#[test]
fn a_websocket_is_closed_with_any_code_and_requests_go_on() {
    let mut client = Client::new();
    let (websocket, _) = client.open_session();
    let asked = client.ask("GET", "/version", &Value::Null);
    client.hear(websocket);
    client
        .node
        .close_websockets(1012, "service restart", client.now);
    let expected = [
        Heard::Frame(close_with(1012, "service restart")),
        Heard::Closed(How::Fin),
    ];
    assert_eq!(client.hear(websocket), expected);
    assert_eq!(
        (client.node.connections(), client.node.sessions()),
        (vec![asked], vec![])
    );
}

#[test]
fn a_log_that_is_taken_away_leaves_later_requests_their_answers() {
    let mut client = Client::new();
    client.ask("GET", "/version", &Value::Null);
    assert_eq!(client.node.take_log().requests.len(), 1);
    client.ask("GET", "/nothing", &Value::Null);
    let statuses: Vec<_> = client
        .node
        .log()
        .requests
        .iter()
        .map(|request| request.status)
        .collect();
    assert_eq!(statuses, [Some(404)]);
}

#[test]
fn the_log_shows_no_password() {
    let mut client = Client::new();
    client.open_session();
    client.ask("GET", "/version", &Value::Null);
    let shown = format!("{:?} {:?}", client.node.log(), client.node);
    assert!(
        shown.contains("***") && !shown.contains("youshallnotpass"),
        "{shown}"
    );
}
