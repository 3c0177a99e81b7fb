//! Files that are broken, and files with anything in them.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::super::{LineError, ReadError};
use super::*;

#[test]
fn a_bad_line_is_named_and_the_others_are_read() {
    let request = STANDARD.encode("GET /version HTTP/1.1\r\n\r\n");
    let file = format!(
        "\u{feff}{{\"t_ms\":1,\"dir\":\"c2s\",\"b64\":\"{request}\",\"extra\":[1]}}\r\n\
         \n\
         not JSON\n\
         {{\"dir\":\"x2y\",\"b64\":\"\"}}\n\
         {{\"dir\":\"s2c\"}}\n\
         {{\"dir\":\"s2c\",\"b64\":\"!\"}}\n\
         {{\"dir\":\"s2c\",\"eof\":true}}\n\
         {{\"dir\":\"s2c\",\"b64\":\"QQ\"}}"
    );
    let outcome = Recording::read(file.as_bytes()).unwrap().replay([]);
    assert_eq!(
        outcome.bad_lines,
        [
            (3, LineError::Shape { column: 2 }),
            (4, LineError::Direction),
            (5, LineError::Nothing),
            (6, LineError::Base64),
            (8, LineError::AfterEnd),
        ]
    );
    assert!(matches!(outcome.entries[0].line, Line::NoAnswer(_)));
    assert_eq!(outcome.entries[1].line, Line::Ended(SERVER));
    assert_eq!(outcome.faults().count(), 5);
    assert_eq!(
        outcome.show(&outcome.faults().next().unwrap()),
        "line 3: not a line of a recording (column 2)"
    );
}

#[test]
fn a_file_without_lines_is_no_recording() {
    assert!(matches!(Recording::read(b" \r\n\n"), Err(ReadError::Empty)));
    assert!(matches!(
        Recording::open("no such file"),
        Err(ReadError::Io(_))
    ));
}

#[test]
fn padding_and_time_may_be_left_out() {
    let file = r#"{"dir":"c2s","b64":"R0VUIC8gSFRUUC8xLjENCg0K"}{"dir":"s2c"}"#;
    assert!(
        !Recording::read(file.as_bytes())
            .unwrap()
            .replay([])
            .bad_lines
            .is_empty()
    );
    let file = r#"{"dir":"c2s","b64":"R0VUIC8gSFRUUC8xLjENCgo"}"#;
    let outcome = Recording::read(file.as_bytes()).unwrap().replay([]);
    assert_eq!(outcome.bad_lines, []);
    let printed = outcome.to_string();
    assert!(
        printed.starts_with("       0.0 ms  no answer to GET /\n"),
        "{printed}"
    );
}

#[test]
fn no_file_makes_a_replay_panic_or_depend_on_the_cuts() {
    let files = [
        Tape::upgraded()
            .text(r#"{"op":"ready","resumed":false,"sessionId":"s"}"#)
            .server(b"\x89\x01a\x01\x01{\x80\x01}\x88\x02\x03\xe8"),
        Tape::asked("/v4/info")
            .server(b"HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .server(b"2\r\n{}\r\n0\r\n\r\n")
            .client(b"GET /version HTTP/1.1\r\n\r\n")
            .server(b"HTTP/1.1 200 OK\r\n\r\n4.2.2")
            .server_ends(),
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(0x0dd);
    let mut below = |bound: usize| usize::try_from(rng.next_u64()).unwrap() % bound;
    for tape in files {
        let lines: Vec<_> = tape.file.lines().collect();
        for _ in 0..2000 {
            let mut streams: Vec<(bool, Vec<u8>)> = Vec::new();
            for line in &lines {
                let is_client = line.contains("c2s");
                let (_, b64) = line.split_once("\"b64\":\"").unwrap();
                let bytes = STANDARD.decode(b64.split('"').next().unwrap()).unwrap();
                streams.push((is_client, bytes));
            }
            let place = below(streams.len());
            let (_, bytes) = &mut streams[place];
            match below(4) {
                0 => drop(streams.remove(place)),
                1 => bytes.truncate(below(bytes.len() + 1)),
                2 => bytes.insert(below(bytes.len() + 1), u8::try_from(below(256)).unwrap()),
                _ if bytes.is_empty() => {}
                _ => {
                    let at = below(bytes.len());
                    bytes[at] = u8::try_from(below(256)).unwrap();
                }
            }
            let mut odd = Tape::new();
            for (is_client, bytes) in &streams {
                odd = if *is_client {
                    odd.client(bytes)
                } else {
                    odd.server(bytes)
                };
            }
            let outcome = odd.replay();
            assert!(!outcome.to_string().is_empty());
        }
    }
}
