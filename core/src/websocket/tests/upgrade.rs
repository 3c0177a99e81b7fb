//! The upgrade: what is asked, and what is taken for an answer.

use std::time::Duration;

use ::http::StatusCode;

use super::*;
use crate::http::HeadViolation;
use crate::http::head::HEADER_COUNT_MAX;

#[test]
fn the_request_is_exact() {
    let websocket = asking(WebSocketLimits::default());

    assert_eq!(
        std::str::from_utf8(websocket.pending()).unwrap(),
        "GET /v4/websocket HTTP/1.1\r\n\
         Host: localhost:2333\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: 5NDLWT+8HjnmQ4Haizf11A==\r\n\
         authorization: secret\r\n\r\n",
    );
    assert!(websocket.is_handshaking());
}

#[test]
fn another_generator_draws_another_key() {
    let request = UpgradeRequest {
        target: &PathAndQuery::from_static("/v4/websocket"),
        host: &HeaderValue::from_static("localhost:2333"),
        headers: &[],
    };
    let pending = |seed| {
        let rng = ChaCha8Rng::from_seed([seed; 32]);
        WebSocket::new(&request, WebSocketLimits::default(), rng)
            .pending()
            .to_vec()
    };

    assert_eq!(pending(1), pending(1));
    assert_ne!(pending(1), pending(2));
}

#[test]
fn a_known_key_is_sent_and_its_answer_accepted() {
    let request = UpgradeRequest {
        target: &PathAndQuery::from_static("/v4/websocket"),
        host: &HeaderValue::from_static("localhost:2333"),
        headers: &[],
    };
    let rng = ChaCha8Rng::from_seed([0; 32]);
    // RFC 6455 §1.3.
    let key = *b"the sample nonce";
    let mut websocket = WebSocket::with_key(&request, key, WebSocketLimits::default(), rng);
    let asked = String::from_utf8(websocket.pending().to_vec()).unwrap();
    assert!(asked.contains("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));

    let mut input = &b"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"[..];
    assert!(matches!(
        websocket.next(&mut input),
        Ok(Some(Incoming::Accepted(_)))
    ));
}

#[test]
fn lavalink_accepts() {
    let lines = "Session-Resumed: true\r\nLavalink-Api-Version: 4\r\n";

    let upgraded = accepted(lines);

    assert_eq!(upgraded.session_resumed, Some(true));
    assert_eq!(upgraded.api_version, Some(4));
    assert!(!upgraded.is_nodelink);
    assert_eq!(upgraded.headers["lavalink-api-version"], "4");
}

#[test]
fn nodelink_accepts() {
    let lines = "Sec-WebSocket-Version: 13\r\nisNodeLink: true\r\nLavalink-Api-Version: 4\r\n";

    let upgraded = accepted(lines);

    assert_eq!(upgraded.session_resumed, None);
    assert_eq!(upgraded.api_version, Some(4));
    assert!(upgraded.is_nodelink);
}

#[test]
fn a_version_that_is_no_number_is_zero() {
    assert_eq!(
        accepted("Lavalink-Api-Version: four\r\n").api_version,
        Some(0)
    );
    assert_eq!(accepted("").api_version, None);
}

#[test]
fn frames_may_follow_the_answer_at_once() {
    let mut bytes = accepting(&asking(WebSocketLimits::default()), "");
    bytes.extend_from_slice(b"\x81\x05Hello");

    let seen = answered(&bytes);

    assert!(matches!(&seen[..], [Seen::Accepted(_), Seen::Text(text)] if text == "Hello"));
}

#[test]
fn interim_answers_are_skipped() {
    let mut bytes = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".to_vec();
    bytes.extend_from_slice(&accepting(&asking(WebSocketLimits::default()), ""));

    assert!(matches!(answered(&bytes)[..], [Seen::Accepted(_)]));
}

#[test]
fn a_refusal_tells_status_version_and_place() {
    let refused = |bytes: &[u8]| match &answered(bytes)[..] {
        [Seen::Violation(Violation::Refused(refusal))] => (**refusal).clone(),
        other => panic!("{other:?}"),
    };

    assert_eq!(
        refused(
            b"HTTP/1.1 401 Unauthorized\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\
              Lavalink-Api-Version: 4\r\n\r\n"
        ),
        refusal(StatusCode::UNAUTHORIZED, Some(4)),
    );
    assert_eq!(
        refused(b"HTTP/1.1 400 Bad Request\r\nLavalink-Api-Version: 4\r\n\r\n"),
        refusal(StatusCode::BAD_REQUEST, Some(4)),
    );
    assert_eq!(
        refused(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n4.2.2"),
        refusal(StatusCode::OK, None),
    );
    assert_eq!(
        refused(b"HTTP/1.1 308 Permanent Redirect\r\nLocation: wss://b/v4/websocket\r\n\r\n"),
        Refusal {
            location: Some("wss://b/v4/websocket".to_owned()),
            ..refusal(StatusCode::PERMANENT_REDIRECT, None)
        },
    );
    assert_eq!(
        refused(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n\r\n"),
        Refusal {
            retry_after: Some(Duration::from_secs(7)),
            ..refusal(StatusCode::SERVICE_UNAVAILABLE, None)
        },
    );
}

#[test]
fn a_refusal_keeps_no_more_than_2048_bytes_of_a_location() {
    let location = "a".repeat(3000);
    let bytes = format!("HTTP/1.1 301 Moved Permanently\r\nLocation: {location}\r\n\r\n");

    let mut websocket = asking(WebSocketLimits::default());
    let seen = feed(&mut websocket, &[bytes.as_bytes()]);

    let [Seen::Violation(Violation::Refused(refusal))] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(refusal.location.as_deref(), location.get(..2048));
}

#[test]
fn an_answer_to_another_key_is_refused() {
    let bytes =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    assert_eq!(answered(bytes), [Seen::Violation(Violation::AcceptKey)]);
}

#[test]
fn an_answer_without_a_key_is_refused() {
    let bytes =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

    assert_eq!(answered(bytes), [Seen::Violation(Violation::AcceptKey)]);
}

#[test]
fn an_upgrade_to_something_else_is_refused() {
    let missing = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n";
    let other = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

    assert_eq!(answered(missing), [Seen::Violation(Violation::Upgrade)]);
    assert_eq!(answered(other), [Seen::Violation(Violation::Upgrade)]);
}

#[test]
fn an_upgrade_without_its_connection_header_is_refused() {
    let missing = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    let other =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n";

    assert_eq!(answered(missing), [Seen::Violation(Violation::Connection)]);
    assert_eq!(answered(other), [Seen::Violation(Violation::Connection)]);
}

#[test]
fn connection_may_list_more_than_upgrade() {
    let bytes = accepting(&asking(WebSocketLimits::default()), "");
    let text = String::from_utf8(bytes).unwrap();
    let bytes = text.replace("Connection: Upgrade", "connection: keep-alive, UPGRADE");

    assert!(matches!(
        answered(bytes.as_bytes())[..],
        [Seen::Accepted(_)]
    ));
}

#[test]
fn an_extension_that_was_not_offered_is_refused() {
    let lines = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let bytes = accepting(&asking(WebSocketLimits::default()), lines);

    assert_eq!(answered(&bytes), [Seen::Violation(Violation::Extension)]);
}

#[test]
fn a_subprotocol_that_was_not_offered_is_refused() {
    let bytes = accepting(
        &asking(WebSocketLimits::default()),
        "Sec-WebSocket-Protocol: v4\r\n",
    );

    assert_eq!(answered(&bytes), [Seen::Violation(Violation::Subprotocol)]);
}

#[test]
fn an_answer_that_is_not_http_is_found_out_at_its_first_wrong_byte() {
    let not_http = [Seen::Violation(Violation::Head(HeadViolation::NotHttp))];

    assert_eq!(answered(b"\x15\x03\x01\x00\x02\x02\x46"), not_http);
    assert_eq!(answered(b"HTTP/2"), not_http);
    assert_eq!(
        answered(b"\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n"),
        not_http
    );
}

#[test]
fn a_header_section_over_its_bound_is_refused() {
    let limits = WebSocketLimits {
        header_bytes_max: 64,
        ..WebSocketLimits::default()
    };
    let bytes = format!(
        "HTTP/1.1 101 Switching Protocols\r\nX-Padding: {}\r\n",
        "a".repeat(64)
    );

    let seen = every_cut(bytes.as_bytes(), |pieces| feed(&mut asking(limits), pieces));

    let too_long = HeadViolation::TooLong { bytes_max: 64 };
    assert_eq!(seen, [Seen::Violation(Violation::Head(too_long))]);
}

#[test]
fn too_many_headers_are_refused() {
    let lines = "X: y\r\n".repeat(HEADER_COUNT_MAX + 1);
    let bytes = format!("HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n");

    let too_many = HeadViolation::TooManyHeaders {
        count_max: HEADER_COUNT_MAX,
    };
    assert_eq!(
        answered(bytes.as_bytes()),
        [Seen::Violation(Violation::Head(too_many))]
    );
}

#[test]
fn an_end_before_the_answer_is_told() {
    let mut websocket = asking(WebSocketLimits::default());
    assert_eq!(feed(&mut websocket, &[b"HTTP/1.1 101 Sw"]), []);

    assert_eq!(websocket.end_of_stream(), Err(Violation::EndedInHandshake));
    assert!(websocket.is_closed());
}

#[test]
fn closing_before_the_answer_ends_it() {
    let mut websocket = asking(WebSocketLimits::default());

    websocket.close(CloseCode::NORMAL, "");

    assert!(websocket.is_closed());
    let late = accepting(&websocket, "");
    assert_eq!(feed(&mut websocket, &[&late]), []);
}

#[test]
fn debugging_shows_no_secrets() {
    let headers = [(
        HeaderName::from_static("authorization"),
        HeaderValue::from_static("secret"),
    )];
    let request = UpgradeRequest {
        target: &PathAndQuery::from_static("/v4/websocket"),
        host: &HeaderValue::from_static("localhost:2333"),
        headers: &headers,
    };
    let websocket = asking(WebSocketLimits::default());

    let shown = format!("{request:?} {websocket:?} {:?}", Incoming::Text("secret"));

    assert!(!shown.contains("secret"), "{shown}");
    assert!(shown.contains("authorization"), "{shown}");
}

/// What comes out when the answer to the upgrade is `bytes`, however they are cut.
fn answered(bytes: &[u8]) -> Vec<Seen> {
    every_cut(bytes, |pieces| {
        feed(&mut asking(WebSocketLimits::default()), pieces)
    })
}

fn accepted(lines: &str) -> Upgraded {
    let bytes = accepting(&asking(WebSocketLimits::default()), lines);
    match answered(&bytes).as_slice() {
        [Seen::Accepted(upgraded)] => upgraded.clone(),
        other => panic!("{other:?}"),
    }
}

fn refusal(status: StatusCode, api_version: Option<u32>) -> Refusal {
    Refusal {
        status,
        location: None,
        retry_after: None,
        api_version,
    }
}
