//! Bodies: every framing, every bound.

use super::*;

#[test]
fn a_body_of_a_known_length_is_borrowed_from_the_input() {
    let mut connection = asking(Method::GET, HttpLimits::default());
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n4.2.2";
    let mut input = &bytes[..];

    let response = connection.next(&mut input).unwrap().unwrap();

    assert_eq!(response.body.as_ptr(), bytes[bytes.len() - 5..].as_ptr());
}

#[test]
fn a_body_of_a_known_length_is_read() {
    let seen = response(b"HTTP/1.1 200 OK\r\nContent-Length: 0000000005\r\n\r\n4.2.2");

    assert_eq!(seen, owned(200, "4.2.2"));
}

#[test]
fn an_empty_body_ends_with_its_head() {
    assert_eq!(
        response(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
        owned(403, "")
    );
}

#[test]
fn some_responses_have_no_body_whatever_they_say() {
    let no_content = b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n";
    let not_modified = b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(response(no_content), owned(204, ""));
    assert_eq!(response(not_modified), owned(304, ""));

    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    let head = feed(&mut asking(Method::HEAD, HttpLimits::default()), &[bytes]);
    assert_eq!(head, [Seen::Response(owned(200, ""))]);
}

#[test]
fn equal_lengths_are_one() {
    let listed = b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok";
    let repeated = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 02\r\n\r\nok";

    assert_eq!(response(listed), owned(200, "ok"));
    assert_eq!(response(repeated), owned(200, "ok"));
}

#[test]
fn other_lengths_are_a_violation() {
    let lines = [
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: 2, 3",
        "Content-Length: 2,",
        "Content-Length: +2",
        "Content-Length: -2",
        "Content-Length: 0x2",
        "Content-Length:",
        "Content-Length: 2 2",
        "Content-Length: 99999999999999999999",
    ];

    for line in lines {
        let bytes = format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n");
        assert_eq!(
            violation(bytes.as_bytes()),
            Violation::ContentLength,
            "{line}"
        );
    }
}

#[test]
fn a_length_and_an_encoding_are_a_violation() {
    let lines = [
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 2",
        "Transfer-Encoding: gzip\r\nContent-Length: 2",
    ];

    for line in lines {
        let bytes = format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n");
        assert_eq!(
            violation(bytes.as_bytes()),
            Violation::LengthAndEncoding,
            "{line}"
        );
    }
}

#[test]
fn an_encoding_other_than_chunked_is_a_violation() {
    let lines = [
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity",
    ];

    for line in lines {
        let bytes = format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n");
        assert_eq!(
            violation(bytes.as_bytes()),
            Violation::TransferEncoding,
            "{line}"
        );
    }
}

#[test]
fn a_length_over_the_bound_is_known_by_the_head() {
    let fits = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        "a".repeat(100)
    );
    let seen = answered_within(fits.as_bytes(), SMALL);
    assert_eq!(seen, [Seen::Response(owned(200, &"a".repeat(100)))]);

    let too_long = b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n";
    let expected = Violation::BodyTooLong { bytes_max: 100 };
    assert_eq!(violation_within(too_long, SMALL), expected);
}

#[test]
fn lavalinks_chunks_are_read() {
    // The size is padded to an even number of digits, as Undertow writes it.
    let bytes = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\
        Content-Type: application/json\r\nLavalink-Api-Version: 4\r\n\r\n\
        0020\r\n{\"loadType\":\"empty\",\"data\":null}\r\n0\r\n\r\n";

    let body = r#"{"loadType":"empty","data":null}"#;
    let expected = Owned {
        is_json: true,
        api_version: Some(4),
        ..owned(200, body)
    };
    assert_eq!(response(bytes), expected);
}

#[test]
fn chunks_are_joined() {
    assert_eq!(
        chunked(b"3\r\nabc\r\nA\r\n0123456789\r\n1\r\n.\r\n0\r\n\r\n"),
        "abc0123456789."
    );
    assert_eq!(chunked(b"0\r\n\r\n"), "");
}

#[test]
fn chunk_extensions_and_trailers_are_skipped() {
    assert_eq!(chunked(b"3;a=b;c=\"d\"\r\nabc\r\n0;last\r\n\r\n"), "abc");
    assert_eq!(chunked(b"3 \t;a\r\nabc\r\n0\t\r\n\r\n"), "abc");
    assert_eq!(
        chunked(b"3\r\nabc\r\n0\r\nExpires: never\r\nX:\r\n\r\n"),
        "abc"
    );
}

#[test]
fn malformed_chunks_are_a_violation() {
    let bodies = [
        &b"\r\n"[..],
        b"x\r\n",
        b";a\r\n",
        b" 3\r\nabc",
        b"-1\r\n",
        b"3\nabc",
        b"3\rabc",
        b"3 4\r\n",
        b"3;a\n",
        b"3\r\nabcd",
        b"3\r\nabc\n",
        b"3\r\nabc\r\r",
        b"0\r\n\n",
        b"0\r\n\r\r",
        b"0\r\nX: y\n",
        b"0x3\r\n",
    ];

    for body in bodies {
        assert_eq!(
            violation(&with_chunks(body)),
            Violation::Chunk,
            "{}",
            body.escape_ascii()
        );
    }
}

#[test]
fn chunks_over_the_bound_are_known_by_their_sizes() {
    let expected = Violation::BodyTooLong { bytes_max: 100 };

    assert_eq!(violation_within(&with_chunks(b"65"), SMALL), expected);
    assert_eq!(
        violation_within(&with_chunks(b"ffffffffffffffffffffffffffffffff"), SMALL),
        expected
    );
    let two = format!("32\r\n{}\r\n33", "a".repeat(0x32));
    assert_eq!(
        violation_within(&with_chunks(two.as_bytes()), SMALL),
        expected
    );
}

#[test]
fn a_chunk_size_that_overflows_is_a_violation() {
    let limits = HttpLimits {
        body_bytes_max: usize::MAX,
        ..HttpLimits::default()
    };

    let seen = violation_within(&with_chunks(b"ffffffffffffffff0\r\n"), limits);

    assert_eq!(
        seen,
        Violation::BodyTooLong {
            bytes_max: usize::MAX
        }
    );
}

#[test]
fn chunked_bodies_may_be_as_long_as_their_bound() {
    let body = format!("64\r\n{}\r\n0\r\n\r\n", "a".repeat(100));

    let seen = answered_within(&with_chunks(body.as_bytes()), SMALL);

    assert_eq!(seen, [Seen::Response(owned(200, &"a".repeat(100)))]);
}

#[test]
fn a_chunk_line_and_trailers_over_their_bound_are_a_violation() {
    let expected = Violation::ChunkLineTooLong { bytes_max: 100 };

    assert_eq!(
        violation_within(&with_chunks(&[b'0'; 101]), SMALL),
        expected
    );
    let extension = format!("1;{}", "a".repeat(100));
    assert_eq!(
        violation_within(&with_chunks(extension.as_bytes()), SMALL),
        expected
    );
    let trailer = format!("0\r\nX: {}", "a".repeat(100));
    assert_eq!(
        violation_within(&with_chunks(trailer.as_bytes()), SMALL),
        expected
    );
}

#[test]
fn a_chunk_line_may_be_as_long_as_its_bound() {
    let line = |bytes: usize| format!("1;{}\r\n", "a".repeat(bytes - 4));

    let body = format!("{}b\r\n0\r\n\r\n", line(100));
    let seen = answered_within(&with_chunks(body.as_bytes()), SMALL);
    assert_eq!(seen, [Seen::Response(owned(200, "b"))]);

    let expected = Violation::ChunkLineTooLong { bytes_max: 100 };
    let seen = violation_within(&with_chunks(line(101).as_bytes()), SMALL);
    assert_eq!(seen, expected);
}

#[test]
fn many_small_chunks_are_no_violation() {
    let body = format!("{}0\r\n\r\n", "1\r\na\r\n".repeat(100));

    let seen = feed(
        &mut asking(Method::GET, SMALL),
        &[&with_chunks(body.as_bytes())],
    );

    assert_eq!(seen, [Seen::Response(owned(200, &"a".repeat(100)))]);
}

#[test]
fn a_body_may_last_until_the_connection_ends() {
    let seen = answered_to_the_end(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"a\":1}");

    let expected = Owned {
        reusable: false,
        ..owned(200, "{\"a\":1}")
    };
    assert_eq!(seen, [Seen::Response(expected)]);
}

#[test]
fn an_empty_body_may_last_until_the_connection_ends() {
    // NodeLink answers so when it refuses.
    let seen = answered_to_the_end(b"HTTP/1.1 400 Bad Request\r\nLavalink-Api-Version: 4\r\n\r\n");

    let expected = Owned {
        reusable: false,
        api_version: Some(4),
        ..owned(400, "")
    };
    assert_eq!(seen, [Seen::Response(expected)]);
}

#[test]
fn a_body_that_lasts_until_the_end_is_bounded() {
    let bytes = format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(101));

    let expected = Violation::BodyTooLong { bytes_max: 100 };
    assert_eq!(violation_within(bytes.as_bytes(), SMALL), expected);
}

#[test]
fn a_body_that_lasts_until_the_end_may_be_as_long_as_its_bound() {
    let mut connection = asking(Method::GET, SMALL);
    let body = "a".repeat(SMALL.body_bytes_max);
    let bytes = format!("HTTP/1.1 200 OK\r\n\r\n{body}");

    assert_eq!(feed(&mut connection, &[bytes.as_bytes()]), []);
    let response = connection.end_of_stream();

    let response = response.map(|response| response.map(|response| response.body.to_vec()));
    assert_eq!(response, Ok(Some(body.into_bytes())));
}

#[test]
fn an_end_inside_a_body_is_told() {
    let ended = [Seen::Ended(Ended::InsideResponse)];

    assert_eq!(
        answered_to_the_end(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n4.2."),
        ended
    );
    assert_eq!(
        answered_to_the_end(&with_chunks(b"5\r\n4.2.2\r\n0\r\n")),
        ended
    );
}

#[test]
fn a_long_body_keeps_no_more_memory_than_a_playlist_takes() {
    let mut connection = asking(Method::GET, HttpLimits::default());
    let body = "a".repeat(0x10_0000);
    let chunks = format!("100000\r\n{body}\r\n0\r\n\r\n");

    let seen = feed(&mut connection, &[&with_chunks(chunks.as_bytes())]);

    assert_eq!(seen, [Seen::Response(owned(200, &body))]);
    assert!(
        connection.body.capacity() <= 128 * 1024,
        "{}",
        connection.body.capacity()
    );
}

#[test]
fn a_body_keeps_its_memory_for_the_next_one_until_that_is_shorter() {
    let mut connection = asking(Method::GET, HttpLimits::default());
    let body = "a".repeat(0x1_1000);
    let chunks = format!("11000\r\n{body}\r\n0\r\n\r\n");
    let seen = feed(&mut connection, &[&with_chunks(chunks.as_bytes())]);
    assert_eq!(seen, [Seen::Response(owned(200, &body))]);
    ask(&mut connection, Method::GET);
    assert!(connection.body.capacity() >= 0x1_1000);

    feed(&mut connection, &[&with_chunks(b"3\r\nabc\r\n0\r\n\r\n")]);

    assert!(connection.body.capacity() <= 16 * 1024);
}

#[test]
fn short_bodies_use_one_buffer_again() {
    let mut connection = asking(Method::GET, HttpLimits::default());
    feed(&mut connection, &[&with_chunks(b"3\r\nabc\r\n0\r\n\r\n")]);
    let memory = connection.body.capacity();
    ask(&mut connection, Method::GET);

    feed(&mut connection, &[&with_chunks(b"3\r\nabc\r\n0\r\n\r\n")]);

    assert!(memory > 0);
    assert_eq!(connection.body.capacity(), memory);
}

/// A response whose body is these chunks.
fn with_chunks(chunks: &[u8]) -> Vec<u8> {
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        chunks,
    ]
    .concat()
}

/// The body that these chunks are, in a response that leaves the connection reusable.
fn chunked(chunks: &[u8]) -> String {
    let response = response(&with_chunks(chunks));
    assert_eq!(response, owned(200, &response.body));
    response.body
}
