//! Responses that real servers and proxies may give.

use lavapool_core::http::{HeadViolation, Violation};
use lavapool_core::protocol::DecodeCause;
use lavapool_core::rest::Answer;

use super::*;

#[test]
fn bytes_of_tls_are_not_understood() {
    let hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03";
    let tape = Tape::new()
        .client(hello)
        .server(b"\x15\x03\x03\x00\x02\x02\x46")
        .server_ends();
    let violation = Violation::Head(HeadViolation::NotHttp);
    assert_eq!(
        tape.lines(),
        [
            Line::Misunderstood(Misunderstood::Http(violation)),
            Line::Ended(SERVER)
        ]
    );
}

#[test]
fn a_response_of_http_1_0_lasts_to_the_end() {
    let tape = Tape::asked("/version")
        .server(b"HTTP/1.0 200 OK\r\n\r\n3.7.")
        .server(b"13");
    let [Line::Response(response), Line::Ended(_)] = &tape.server_ends().lines()[..] else {
        panic!("no response");
    };
    assert_eq!(
        response.reply,
        Reply::Answer(Answer::Version("3.7.13".into()))
    );
    assert!(!response.reusable);
}

#[test]
fn a_body_that_is_cut_short_is_not_understood() {
    let tape = Tape::asked("/version").server(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n4.");
    let lines = tape.server_resets().lines();
    let Line::Misunderstood(Misunderstood::CutResponse(asked)) = &lines[0] else {
        panic!("{lines:?}");
    };
    assert_eq!(asked.to_string(), "GET /version");
    assert_eq!(lines[1], Line::Ended(EndedBy::Server { reset: true }));
}

#[test]
fn a_response_that_nobody_asked_for_is_not_understood() {
    let late = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";
    let tape = Tape::asked("/version")
        .server(b"HTTP/1.1 204 \r\n\r\n")
        .server(late)
        .server_ends();
    let unasked = Misunderstood::Http(Violation::Unsolicited);
    assert_eq!(
        tape.lines()[1..],
        [Line::Misunderstood(unasked), Line::Ended(SERVER)]
    );
    let closed = Tape::asked("/version")
        .server(b"HTTP/1.1 400 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        .server(b"more");
    let surplus = Misunderstood::Surplus { bytes: 4 };
    assert_eq!(closed.lines()[1], Line::Misunderstood(surplus));
}

#[test]
fn lines_in_the_wrong_order_are_put_right_by_their_times() {
    let request = STANDARD.encode("GET /version HTTP/1.1\r\n\r\n");
    let response = STANDARD.encode("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n4.2.2");
    let file = format!(
        "{{\"t_ms\":2,\"dir\":\"s2c\",\"b64\":\"{response}\"}}\r\n\
         {{\"t_ms\":1,\"dir\":\"c2s\",\"b64\":\"{request}\"}}\r\n"
    );
    let outcome = Recording::read(file.as_bytes()).unwrap().replay([]);
    assert!(
        matches!(outcome.entries[0].line, Line::Response(_)),
        "{outcome}"
    );
}

#[test]
fn an_encoded_body_is_understood_as_such_if_it_was_offered() {
    let encoded =
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\xff";
    let offered = Tape::new()
        .client(b"GET /v4/info HTTP/1.1\r\nAccept-Encoding: deflate, GZIP;q=0.5\r\n\r\n")
        .server(encoded);
    let lines = offered.lines();
    let Line::Response(response) = &lines[0] else {
        panic!("{lines:?}");
    };
    let expected = Reply::Encoded {
        coding: "gzip".into(),
        bytes: 3,
    };
    assert_eq!(response.reply, expected);

    let lines = Tape::asked("/v4/info").server(encoded).lines();
    let Line::Misunderstood(Misunderstood::Body { error, .. }) = &lines[0] else {
        panic!("{lines:?}");
    };
    assert_eq!(error.cause, DecodeCause::NotUtf8);
}

#[test]
fn a_page_of_a_proxy_is_a_refusal() {
    let tape = Tape::asked("/v4/stats").server(
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n<html>\r\n<p>502</p></html>",
    );
    assert_eq!(
        tape.server_ends().replay().to_string(),
        "       2.5 ms  502 to GET /v4/stats: refused, \"<html>\\r\\n<p>502</p></html>\"; \
         the last on this connection\n       3.5 ms  closed by the server\n"
    );
}

#[test]
fn a_success_with_another_body_is_not_understood() {
    let html = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>";
    let tape = Tape::asked("/v4/info").server(html);
    let outcome = tape.replay();
    let fault = outcome.faults().next().unwrap();
    assert_eq!(
        outcome.show(&fault),
        "byte 0 of the server, 2.5 ms: 200 to GET /v4/info: \
         info: not JSON at line 1, column 1"
    );
    let json = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{";
    assert_eq!(Tape::asked("/v4/lyrics").server(json).faults(), 1);
    let text = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n{";
    assert_eq!(Tape::asked("/v4/lyrics").server(text).faults(), 0);
}

#[test]
fn an_interim_response_is_no_answer() {
    let tape = Tape::asked("/v4/info")
        .server(b"HTTP/1.1 103 \r\nLink: x\r\n\r\n")
        .server_ends();
    let lines = tape.lines();
    assert_eq!(lines[0], Line::Interim { status: 103 });
    assert!(matches!(lines[1], Line::NoAnswer(_)), "{lines:?}");
    assert_eq!(tape.faults(), 0);
}

#[test]
fn requests_are_read_however_they_are_sent() {
    let tape = Tape::new()
        .client(
            b"\r\nPOST /lavalink/v4/decodetracks HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .client(b"2;x=y\r\n[]\r\n0\r\nTrailer: 1\r\n\r\nHEAD /v4/in")
        .client(b"fo HTTP/1.1\nHost: h\n\nPATCH /v4/sessions/abcdef0123456789 HTTP/1.1\r\n")
        .client(b"Content-Length: 9\r\n\r\n{\"res")
        .server(b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n[]")
        .server(b"HTTP/1.1 200 \r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n");
    let outcome = tape.replay();
    let asked: Vec<_> = outcome
        .lines()
        .filter_map(|line| match line {
            Line::Response(response) => Some(response.asked.to_string()),
            Line::NoAnswer(asked) => Some(asked.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(
        asked,
        [
            "POST /lavalink/v4/decodetracks",
            "HEAD /v4/info",
            "PATCH /v4/sessions/*** (not sent to its end)"
        ]
    );
    assert_eq!(outcome.faults().count(), 0);
}

#[test]
fn what_a_server_quotes_is_printed_without_secrets() {
    let voice = r#"{"voice":{"token":"v0icet0ken","endpoint":"e","sessionId":"0123abcd"}}"#;
    let head = "PATCH /v4/sessions/l0ngsessi0n/players/5 HTTP/1.1\r\nAuthorization: hunter2";
    let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{voice}", voice.len());
    let message = "VoiceState(v0icet0ken, 0123abcd) of l0ngsessi0n for hunter2, not hunter22";
    let body = format!(r#"{{"status":400,"message":"{message}"}}"#);
    let response = format!(
        "HTTP/1.1 400 \r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let tape = Tape::new()
        .client(request.as_bytes())
        .server(response.as_bytes());
    assert_eq!(
        tape.replay().to_string().lines().next(),
        Some(
            "       2.5 ms  400 to PATCH /v4/sessions/***/players/5: refused, \
             \"VoiceState(***, ***) of *** for ***, not hunter22\""
        )
    );
}
