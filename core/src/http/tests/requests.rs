//! Requests, to the byte.

use std::fmt::Write as _;

use ::http::header;

use super::*;

#[test]
fn a_get_is_exact() {
    let authorization = (
        header::AUTHORIZATION,
        HeaderValue::from_static("youshallnotpass"),
    );
    let user_agent = (header::USER_AGENT, HeaderValue::from_static("bot/1"));
    let block = block(&[authorization, user_agent]);
    let mut connection = Connection::new(HttpLimits::default());

    let mut draft = connection.draft(Method::GET, &block).unwrap();
    draft
        .target()
        .literal("/v4/loadtracks?identifier=")
        .encoded("ytsearch:a+b/c d");
    draft.send();

    assert_eq!(
        std::str::from_utf8(connection.pending()).unwrap(),
        "GET /v4/loadtracks?identifier=ytsearch%3Aa%2Bb%2Fc%20d HTTP/1.1\r\n\
         Host: localhost:2333\r\n\
         Accept: application/json\r\n\
         authorization: youshallnotpass\r\n\
         user-agent: bot/1\r\n\r\n",
    );
}

#[test]
fn a_patch_is_exact() {
    let block = block(&[]);
    let mut connection = Connection::new(HttpLimits::default());

    let mut draft = connection.draft(Method::PATCH, &block).unwrap();
    write!(
        draft.target(),
        "/v4/sessions/x/players/{}",
        817_327_181_659_111_454_u64
    )
    .unwrap();
    draft.body().extend_from_slice(br#"{"paused":true}"#);
    draft.send();

    assert_eq!(
        std::str::from_utf8(connection.pending()).unwrap(),
        "PATCH /v4/sessions/x/players/817327181659111454 HTTP/1.1\r\n\
         Host: localhost:2333\r\n\
         Accept: application/json\r\n\
         Content-Type: application/json\r\n\
         Content-Length: 15\r\n\r\n\
         {\"paused\":true}",
    );
}

#[test]
fn a_method_that_takes_a_body_says_that_there_is_none() {
    let last_lines = |method: Method| {
        let block = block(&[]);
        let mut connection = Connection::new(HttpLimits::default());
        connection.draft(method, &block).unwrap().send();
        let sent = std::str::from_utf8(connection.pending())
            .unwrap()
            .to_owned();
        sent.split_once("json\r\n").unwrap().1.to_owned()
    };

    for method in [Method::POST, Method::PATCH, Method::PUT] {
        assert_eq!(last_lines(method), "Content-Length: 0\r\n\r\n");
    }
    for method in [Method::GET, Method::DELETE, Method::HEAD, Method::OPTIONS] {
        assert_eq!(last_lines(method), "\r\n");
    }
}

#[test]
fn a_target_stays_one_word_on_one_line() {
    let literal = |text: &str| target(|target| _ = target.literal(text));
    let encoded = |text: &str| target(|target| _ = target.literal("/").encoded(text));

    assert_eq!(
        literal("/a b\r\nHost: evil#\u{fc}\"<"),
        "/a%20b%0D%0AHost:%20evil%23%C3%BC%22%3C"
    );
    assert_eq!(literal("/v4/x?a=%20&b=1"), "/v4/x?a=%20&b=1");
    assert_eq!(
        encoded("a/b?c=d&e%f+g~h.i-j_k"),
        "/a%2Fb%3Fc%3Dd%26e%25f%2Bg~h.i-j_k"
    );
    assert_eq!(encoded("\u{1f3b5}"), "/%F0%9F%8E%B5");
}

#[test]
fn a_target_begins_with_a_slash() {
    assert_eq!(target(|_| {}), "/");
    assert_eq!(target(|target| _ = target.literal("version")), "/version");
}

#[test]
fn headers_of_the_connection_cannot_be_extra_ones() {
    let host = HeaderValue::from_static("localhost");
    let value = HeaderValue::from_static("x");
    let names = [
        header::HOST,
        header::ACCEPT_ENCODING,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::SEC_WEBSOCKET_EXTENSIONS,
    ];

    for name in names {
        let refused = HeaderBlock::new(&host, &[(name.clone(), value.clone())]);
        assert_eq!(refused, Err(ReservedHeader { name }));
    }
}

#[test]
fn a_dropped_draft_sends_nothing() {
    let block = block(&[]);
    let mut connection = Connection::new(HttpLimits::default());
    let mut draft = connection.draft(Method::POST, &block).unwrap();
    draft.target().literal("/dropped");
    draft.body().extend_from_slice(b"dropped");
    drop(draft);
    assert!(connection.is_idle() && connection.pending().is_empty());

    connection.draft(Method::GET, &block).unwrap().send();

    assert!(connection.pending().starts_with(b"GET / HTTP/1.1\r\n"));
    assert!(connection.pending().ends_with(b"\r\n\r\n"));
}

#[test]
fn one_request_is_under_way_at_a_time() {
    let block = block(&[]);
    let mut connection = asking(Method::GET, HttpLimits::default());

    assert!(connection.draft(Method::GET, &block).is_none());
    feed(&mut connection, &[b"HTTP/1.1 204 No Content\r\n\r\n"]);
    assert!(connection.draft(Method::GET, &block).is_some());
}

#[test]
fn a_connection_is_used_again() {
    let mut connection = asking(Method::DELETE, HttpLimits::default());
    let first = feed(&mut connection, &[b"HTTP/1.1 204 No Content\r\n\r\n"]);
    ask(&mut connection, Method::GET);
    assert!(!connection.first_byte_seen());
    let second = feed(
        &mut connection,
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", b"}"],
    );
    ask(&mut connection, Method::GET);
    let third = feed(
        &mut connection,
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"],
    );

    assert_eq!(first, [Seen::Response(owned(204, ""))]);
    assert_eq!(second, [Seen::Response(owned(200, "{}"))]);
    assert_eq!(third, [Seen::Response(owned(200, "[]"))]);
}

#[test]
fn a_request_may_follow_a_response_without_another_look() {
    let mut connection = asking(Method::GET, HttpLimits::default());
    let mut input =
        &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"[..];
    assert!(connection.next(&mut input).unwrap().is_some());

    ask(&mut connection, Method::GET);

    let seen = feed(
        &mut connection,
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"],
    );
    assert_eq!(seen, [Seen::Response(owned(200, "[]"))]);
}

#[test]
fn a_response_to_half_a_request_ends_the_connection() {
    let block = block(&[]);
    let mut connection = Connection::new(HttpLimits::default());
    let mut draft = connection.draft(Method::POST, &block).unwrap();
    draft.body().extend_from_slice(b"[]");
    draft.send();
    connection.wrote(10);

    let seen = feed(
        &mut connection,
        &[b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"],
    );

    assert_eq!(
        seen,
        [Seen::Response(Owned {
            reusable: false,
            ..owned(400, "")
        })]
    );
    assert!(connection.is_spent());
}

#[test]
fn an_aborted_exchange_reads_and_writes_nothing() {
    let block = block(&[]);
    let mut connection = Connection::new(HttpLimits::default());
    connection.draft(Method::GET, &block).unwrap().send();

    connection.abort();

    assert_eq!(connection.pending(), b"");
    assert_eq!(
        feed(&mut connection, &[b"HTTP/1.1 204 No Content\r\n\r\n"]),
        []
    );
    assert!(connection.draft(Method::GET, &block).is_none());
    assert_eq!(connection.end_of_stream(), Ok(None));
}

#[test]
fn debugging_shows_no_secrets() {
    let authorization = (header::AUTHORIZATION, HeaderValue::from_static("secret"));
    let block = block(&[authorization]);
    let mut connection = Connection::new(HttpLimits::default());
    let mut draft = connection.draft(Method::PATCH, &block).unwrap();
    draft.body().extend_from_slice(b"secret");
    let mut shown = format!("{draft:?}");
    draft.send();
    write!(shown, "{block:?}{connection:?}").unwrap();
    let mut input = &b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"[..];
    write!(shown, "{:?}", connection.next(&mut input)).unwrap();

    assert!(!shown.contains("secret"), "{shown}");
    assert!(!shown.contains("115, 101, 99"), "{shown}");
}

/// The target of a request, as sent.
fn target(write: impl FnOnce(&mut Target<'_>)) -> String {
    let block = block(&[]);
    let mut connection = Connection::new(HttpLimits::default());
    let mut draft = connection.draft(Method::GET, &block).unwrap();
    write(&mut draft.target());
    draft.send();
    let sent = std::str::from_utf8(connection.pending()).unwrap();
    let line = sent.split("\r\n").next().unwrap();
    line.strip_prefix("GET ")
        .unwrap()
        .strip_suffix(" HTTP/1.1")
        .unwrap()
        .to_owned()
}
