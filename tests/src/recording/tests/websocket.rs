//! WebSockets that end, and frames of every kind.

use lavapool_core::protocol::{DecodeCause, TrackEndReason};
use lavapool_core::websocket::Violation;

use super::*;

#[test]
fn a_server_that_shuts_down_says_so() {
    let tape = Tape::upgraded().server(b"\x88\x02\x03\xe9").server_ends();
    assert_eq!(tape.frames(), [closed(1001, ""), Line::Ended(SERVER)]);
    assert_eq!(tape.faults(), 0);
}

#[test]
fn a_close_needs_no_code() {
    let tape = Tape::upgraded().server(b"\x88\x00").server_ends();
    assert_eq!(tape.frames(), [closed(0, ""), Line::Ended(SERVER)]);
    assert_eq!(tape.faults(), 0);
}

#[test]
fn a_server_that_is_killed_sends_no_close_frame() {
    let tape = Tape::upgraded().server_ends();
    assert_eq!(tape.frames(), [Line::EndedWithoutClose(SERVER)]);
    assert_eq!(tape.faults(), 0);
}

#[test]
fn a_message_cut_by_a_reset_is_not_understood() {
    let tape = Tape::upgraded()
        .text("{\"op\":\"x\"}")
        .server(b"\x81\x05Hel")
        .server_resets();
    let by = EndedBy::Server { reset: true };
    assert_eq!(
        tape.frames(),
        [
            Line::Message(Box::new(Message::Unknown { op: "x".into() })),
            Line::Misunderstood(Misunderstood::CutMessage { bytes: 5 }),
            Line::EndedWithoutClose(by),
        ]
    );
    assert_eq!(tape.faults(), 1);
}

#[test]
fn a_fragmented_message_that_never_ends_is_not_understood() {
    let tape = Tape::upgraded().server(b"\x01\x02{}\x8a\x00\x00\x02{}");
    let cut = Line::Misunderstood(Misunderstood::CutMessage { bytes: 10 });
    assert_eq!(
        tape.frames()[1..],
        [cut, Line::EndedWithoutClose(EndedBy::Recording)]
    );
}

#[test]
fn bytes_behind_the_close_frame_are_dropped() {
    let tape = Tape::upgraded()
        .server(b"\x88\x02\x03\xe8\x81\x05Hello")
        .server_ends();
    let dropped = Line::Dropped { bytes: 7 };
    assert_eq!(
        tape.frames(),
        [closed(1000, ""), dropped, Line::Ended(SERVER)]
    );
    assert_eq!(tape.faults(), 0);
}

#[test]
fn control_frames_may_stand_inside_a_message() {
    let tape = Tape::upgraded()
        .server(b"\x01\x07{\"op\":\"")
        .server(b"\x89\x01a\x89\x01b\x8a\x01c")
        .server(b"\x80\x04x\"} ")
        .server(b"\x82\x01\x00")
        .client_ends();
    assert_eq!(
        tape.frames(),
        [
            Line::Ping {
                payload: b"a".to_vec()
            },
            Line::Ping {
                payload: b"b".to_vec()
            },
            Line::Pong {
                payload: b"c".to_vec()
            },
            Line::Message(Box::new(Message::Unknown { op: "x".into() })),
            Line::Binary { bytes: 1 },
            Line::EndedWithoutClose(EndedBy::Client { reset: false }),
        ]
    );
    assert_eq!(tape.faults(), 0);
}

#[test]
fn a_broken_frame_is_not_understood_and_nothing_behind_it() {
    let tape = Tape::upgraded()
        .text("{\"op\":\"x\"}")
        .server(b"\x81\x80abcd\x81\x00");
    let lines = tape.frames();
    let masked = Misunderstood::WebSocket(Violation::MaskedServerFrame);
    assert_eq!(
        lines[1..],
        [Line::Misunderstood(masked), Line::Ended(EndedBy::Recording)]
    );
    let outcome = tape.replay();
    let fault = outcome.faults().next().unwrap();
    assert_eq!(
        outcome.show(&fault),
        "byte 141 of the server, 4.5 ms: WebSocket violation: masked frame from a server"
    );
}

#[test]
fn the_accept_of_another_key_is_not_understood() {
    let other = String::from_utf8_lossy(ACCEPTED).replace("s3pP", "S3pP");
    let tape = Tape::new().client(UPGRADE).server(other.as_bytes());
    let wrong = Line::Misunderstood(Misunderstood::WebSocket(Violation::AcceptKey));
    assert_eq!(tape.lines(), [wrong, Line::Ended(EndedBy::Recording)]);
}

#[test]
fn a_refused_upgrade_may_be_asked_for_again() {
    let tape = Tape::new()
        .client(UPGRADE)
        .server(b"HTTP/1.1 503 \r\nContent-Length: 4\r\n\r\nbusy")
        .client(UPGRADE)
        .server(ACCEPTED)
        .server(b"\x88\x02\x03\xe9");
    let lines = tape.lines();
    let Line::Response(refused) = &lines[0] else {
        panic!("{lines:?}");
    };
    let Reply::NotUpgraded(refusal) = &refused.reply else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.excerpt.as_deref(), Some("busy"));
    assert!(matches!(lines[1], Line::Upgraded { .. }));
    assert_eq!(
        lines[2..],
        [closed(1001, ""), Line::Ended(EndedBy::Recording)]
    );
}

#[test]
fn an_upgrade_without_an_answer_is_named() {
    let tape = Tape::new().client(UPGRADE).server_ends();
    assert_eq!(
        tape.replay().to_string(),
        "       0.0 ms  no answer to upgrade of /v4/websocket\n       \
         2.5 ms  closed by the server\n"
    );
    let cut = Tape::new()
        .client(UPGRADE)
        .server(&ACCEPTED[..40])
        .server_ends();
    assert!(matches!(
        cut.lines()[0],
        Line::Misunderstood(Misunderstood::CutResponse(_))
    ));
}

#[test]
fn the_spellings_of_other_servers_are_understood() {
    let tape = Tape::upgraded()
        .text(r#"{"sessionId":"s","resumed":true,"version":9,"op":"ready"}"#)
        .text(r#"{"op":"stats","players":"3","uptime":5.0,"cpu":{"cores":"2"}}"#)
        .text(
            r#"{"op":"event","type":"TrackEndEvent","guildId":7,"reason":"LOAD_FAILED",
            "track":{"encoded":"QAAA","info":{"title":"T"}}}"#,
        );
    let lines = tape.frames();
    assert_eq!(
        lines[0],
        Line::Message(Box::new(Message::Ready {
            resumed: true,
            session_id: "s".into()
        }))
    );
    let Line::Message(stats) = &lines[1] else {
        panic!("{lines:?}");
    };
    let Message::Stats(stats) = **stats else {
        panic!("{lines:?}");
    };
    assert_eq!((stats.players, stats.uptime, stats.cpu.cores), (3, 5, 2));
    let Line::Message(end) = &lines[2] else {
        panic!("{lines:?}");
    };
    let Message::TrackEnd { track, reason, .. } = &**end else {
        panic!("{lines:?}");
    };
    assert_eq!(
        (&*track.info.title, reason),
        ("T", &TrackEndReason::LoadFailed)
    );
}

#[test]
fn an_event_of_lavalink_3_is_not_understood() {
    let event = r#"{"op":"event","type":"TrackStartEvent","guildId":"7","track":"QAAA"}"#;
    let lines = Tape::upgraded().text(event).text("{\"op\":\"x\"}").frames();
    let Line::Misunderstood(Misunderstood::Message { bytes, error }) = &lines[0] else {
        panic!("{lines:?}");
    };
    assert_eq!((*bytes, error.cause), (event.len(), DecodeCause::Shape));
    // The connection goes on.
    assert!(matches!(lines[1], Line::Message(_)));
}
