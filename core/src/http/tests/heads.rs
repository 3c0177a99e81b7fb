//! Status lines and header sections, good and bad.

use super::head::HEADER_COUNT_MAX;
use super::*;

#[test]
fn lavalink_says_what_the_body_is() {
    let bytes = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n\
        Content-Length: 2\r\nLavalink-Api-Version: 4\r\n\r\n{}";

    let expected = Owned {
        is_json: true,
        api_version: Some(4),
        ..owned(200, "{}")
    };
    assert_eq!(response(bytes), expected);
}

#[test]
fn json_is_known_by_its_media_type() {
    let is_json = |content_type: &str| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Type: ";
        response(format!("{head}{content_type}\r\n\r\n").as_bytes()).is_json
    };

    assert!(is_json("application/json"));
    assert!(is_json("Application/JSON; charset=utf-8"));
    assert!(is_json("application/problem+json"));
    assert!(!is_json("text/plain;charset=ISO-8859-1"));
    assert!(!is_json("text/html; x=application/json"));
    assert!(!is_json("json"));
}

#[test]
fn a_delay_is_read_if_it_is_a_number_of_seconds() {
    let retry_after = |value: &str| {
        let head = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nRetry-After: ";
        response(format!("{head}{value}\r\n\r\n").as_bytes()).retry_after
    };

    assert_eq!(retry_after("120"), Some(Duration::from_secs(120)));
    assert_eq!(retry_after("Fri, 31 Dec 1999 23:59:59 GMT"), None);
    assert_eq!(retry_after("-1"), None);
    assert_eq!(retry_after("18446744073709551616"), None);
}

#[test]
fn names_and_members_are_read_whatever_their_case() {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 2\r\nCONNECTION: foo, CLOSE\r\n\r\nok";

    assert_eq!(
        response(bytes),
        Owned {
            reusable: false,
            ..owned(200, "ok")
        }
    );
}

#[test]
fn bare_line_feeds_and_missing_reasons_are_read() {
    assert_eq!(response(b"HTTP/1.1 204\n\n"), owned(204, ""));
    assert_eq!(
        response(b"HTTP/1.1 204 \r\nX-Empty:\r\n\r\n"),
        owned(204, "")
    );
}

#[test]
fn http_1_0_keeps_alive_only_if_it_says_so() {
    let plain = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let kept = b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok";

    assert_eq!(
        response(plain),
        Owned {
            reusable: false,
            ..owned(200, "ok")
        }
    );
    assert_eq!(response(kept), owned(200, "ok"));
}

#[test]
fn chunks_from_http_1_0_are_not_trusted_further() {
    let bytes = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n\
        2\r\nok\r\n0\r\n\r\n";

    assert_eq!(
        response(bytes),
        Owned {
            reusable: false,
            ..owned(200, "ok")
        }
    );
}

#[test]
fn a_connection_that_says_close_drops_what_follows() {
    let bytes = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";

    assert_eq!(
        response(bytes),
        Owned {
            reusable: false,
            ..owned(204, "")
        }
    );
}

#[test]
fn interim_responses_are_skipped() {
    let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
        HTTP/1.1 204 No Content\r\n\r\n";

    assert_eq!(response(bytes), owned(204, ""));
}

#[test]
fn switching_protocols_is_a_violation() {
    let bytes = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n";

    assert_eq!(violation(bytes), Violation::SwitchedProtocols);
}

#[test]
fn bytes_behind_a_response_are_a_violation() {
    let seen = answered(b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");

    let expected = [
        Seen::Response(owned(204, "")),
        Seen::Violation(Violation::Unsolicited),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn bytes_without_a_request_are_a_violation() {
    let mut connection = Connection::new(HttpLimits::default());
    assert_eq!(connection.next(&mut &b""[..]), Ok(None));

    let seen = feed(&mut connection, &[b"HTTP/1.1 408 Request Timeout\r\n\r\n"]);

    assert_eq!(seen, [Seen::Violation(Violation::Unsolicited)]);
}

#[test]
fn another_protocol_is_found_out_at_its_first_wrong_byte() {
    let not_http = Violation::Head(HeadViolation::NotHttp);

    assert_eq!(violation(b"\x15\x03\x01"), not_http);
    assert_eq!(violation(b"HTTP/3"), not_http);
    assert_eq!(violation(b"<html>"), not_http);
}

#[test]
fn a_malformed_status_line_is_a_violation() {
    let expected = Violation::Head(HeadViolation::StatusLine);

    assert_eq!(violation(b"HTTP/1.1 2x0 OK\r\n\r\n"), expected);
    assert_eq!(violation(b"HTTP/1.1 099 No\r\n\r\n"), expected);
    assert_eq!(violation(b"HTTP/1.2 200 OK\r\n\r\n"), expected);
    assert_eq!(violation(b"HTTP/1.1 2000 OK\r\n\r\n"), expected);
}

#[test]
fn a_malformed_header_is_a_violation() {
    let name = Violation::Head(HeadViolation::HeaderName);
    let value = Violation::Head(HeadViolation::HeaderValue);

    assert_eq!(violation(b"HTTP/1.1 200 OK\r\nA B: c\r\n\r\n"), name);
    assert_eq!(violation(b"HTTP/1.1 200 OK\r\nA : c\r\n\r\n"), name);
    assert_eq!(violation(b"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n"), value);
}

#[test]
fn a_folded_header_is_a_violation() {
    let bytes = b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n";

    assert_eq!(violation(bytes), Violation::Head(HeadViolation::HeaderName));
}

#[test]
fn a_malformed_line_end_is_a_violation() {
    let bytes = b"HTTP/1.1 204 No Content\r\n\r\r\n";

    assert_eq!(violation(bytes), Violation::Head(HeadViolation::LineEnd));
}

#[test]
fn a_header_section_over_its_bound_is_a_violation() {
    let fits = format!("HTTP/1.1 204 No Content\r\nX: {}\r\n\r\n", "a".repeat(68));
    assert_eq!(fits.len(), 100);
    assert_eq!(
        answered_within(fits.as_bytes(), SMALL),
        [Seen::Response(owned(204, ""))]
    );

    let too_long = Violation::Head(HeadViolation::TooLong { bytes_max: 100 });
    let bytes = format!("HTTP/1.1 204 No Content\r\nX: {}\r\n\r\n", "a".repeat(69));
    assert_eq!(violation_within(bytes.as_bytes(), SMALL), too_long);
}

#[test]
fn too_many_headers_are_a_violation() {
    let lines = "X: y\r\n".repeat(HEADER_COUNT_MAX + 1);
    let bytes = format!("HTTP/1.1 204 No Content\r\n{lines}\r\n");

    let expected = HeadViolation::TooManyHeaders {
        count_max: HEADER_COUNT_MAX,
    };
    assert_eq!(violation(bytes.as_bytes()), Violation::Head(expected));
}

#[test]
fn an_end_tells_how_far_the_exchange_was() {
    let mut idle = Connection::new(HttpLimits::default());
    assert_eq!(idle.end_of_stream(), Err(Ended::Idle));

    let mut waiting = asking(Method::GET, HttpLimits::default());
    assert!(!waiting.first_byte_seen());
    assert_eq!(waiting.end_of_stream(), Err(Ended::BeforeResponse));

    let mut begun = asking(Method::GET, HttpLimits::default());
    feed(&mut begun, &[b"H"]);
    assert!(begun.first_byte_seen());
    assert_eq!(begun.end_of_stream(), Err(Ended::InsideResponse));

    let mut interim = asking(Method::GET, HttpLimits::default());
    feed(&mut interim, &[b"HTTP/1.1 100 Continue\r\n\r\n"]);
    assert_eq!(interim.end_of_stream(), Err(Ended::InsideResponse));
}
