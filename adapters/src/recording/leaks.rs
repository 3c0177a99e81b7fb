//! Ways by which a secret once came through.

#![allow(clippy::unwrap_used)]

use lavapool_core::Timestamp;
use lavapool_core::node::NodeConfig;
use lavapool_core::recording::{Bytes, Header, Line};

use super::lines::Lines;
use super::tests::{all, header, id, received, voice};

#[test]
fn a_password_that_is_a_word_of_the_format_hides_the_other_secrets() {
    for password in ["secret", "password", "received", "submit", "session_id"] {
        let mut lines = of_passwords(&[password]);
        lines.line(voice("a1b2c3d4e5f6"));
        lines.line(received(0, b"HTTP/1.1 500 a1b2c3d4e5f6\r\n\r\n"));
        lines.finish();
        let text = all(&mut lines);
        assert!(!text.concat().contains("a1b2c3d4e5f6"), "{text:?}");
        let first: Header = serde_json::from_str(&text[0]).unwrap();
        assert_eq!(first.config.nodes.len(), 1);
        for line in &text[1..] {
            serde_json::from_str::<Line>(line).unwrap();
        }
    }
}

#[test]
fn a_node_that_calls_a_name_a_secret_hides_no_name() {
    for name in [
        "secret",
        "access_token",
        "visitorData",
        r#"\",\"token\":\""#,
    ] {
        let mut lines = of_passwords(&[]);
        let text = format!(r#"{{"token":"{name}"}} {{"a":"","{name}":"a1b2c3d4e5f6"}}"#);
        lines.line(received(0, &answer(&text)));
        let text = r#"{"a":"","token":"b1b2c3d4e5f6"}"#;
        lines.line(received(0, &answer(text)));
        lines.line(voice("c1b2c3d4e5f6"));
        lines.finish();
        let text = all(&mut lines).concat();
        let is_open = |secret| text.contains(secret);
        assert!(
            !is_open("b1b2c3d4e5f6") && !is_open("c1b2c3d4e5f6"),
            "{text}"
        );
        assert!(!is_open("a1b2c3d4e5f6"), "{text}");
    }
}

#[test]
fn the_beginning_of_a_longer_secret_is_hidden_as_the_secret_that_it_is() {
    let short = "wrong password youshallnotpass";
    let ping = [&[0x89, 30][..], short.as_bytes()].concat();
    let upgraded = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
    for bytes in [answer(short), [&upgraded[..], &ping].concat()] {
        for is_lost in [false, true] {
            let mut lines = of_passwords(&["youshallnotpass", "youshallnotpass2"]);
            lines.line(received(0, &bytes));
            if is_lost {
                lines.line(received(1, b"HTTP/1.1 500 youshallnotpass"));
                lines.finish();
            }
            let text = all(&mut lines);
            assert_eq!(text.len(), 2 + usize::from(is_lost), "{text:?}");
            assert!(!text[1..].concat().contains("youshall"), "{text:?}");
        }
    }
}

#[test]
fn what_cuts_a_body_is_known_behind_a_head_of_bare_line_feeds() {
    let mut lines = of_passwords(&["abcdefgh1234"]);
    let text = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n\
                10\r\n/v4/sessions/abc\r\n9\r\ndefgh1234\r\n\
                a\r\n{\"token\":\"\r\n3\r\nxyz\r\n1\r\n\"\r\n0\r\n\r\n";
    lines.line(received(0, text.as_bytes()));
    lines.finish();
    let bytes = said(&all(&mut lines)[1]);
    assert!(
        !bytes.contains("abc") && !bytes.contains("defgh"),
        "{bytes}"
    );
    assert!(
        bytes.contains("\r\n3\r\n") && bytes.contains("\r\n1\r\n\""),
        "{bytes}"
    );
    assert!(!bytes.contains("xyz"), "{bytes}");
}

#[test]
fn what_follows_the_answer_to_a_head_is_framed() {
    for length in ["Transfer-Encoding: chunked", "Content-Length: 5"] {
        let mut lines = of_passwords(&["abcdefgh1234"]);
        lines.line(wrote(b"HEAD /v4/x HTTP/1.1\r\nhost: a\r\n\r\n"));
        let text = format!("HTTP/1.1 200 OK\r\n{length}\r\n\r\n");
        lines.line(received(0, text.as_bytes()));
        lines.line(wrote(b"GET /v4/x HTTP/1.1\r\nhost: a\r\n\r\n"));
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                    4\r\nabcd\r\n8\r\nefgh1234\r\n0\r\n\r\n";
        lines.line(received(0, text.as_bytes()));
        lines.finish();
        let text = all(&mut lines)[1..].concat();
        assert!(!text.contains("abcd") && !text.contains("efgh"), "{text}");
    }
}

#[test]
fn a_secret_is_hidden_however_it_is_spelled() {
    let password = "pa=ss/w<o>r&d'";
    for spelled in [
        r"pa\u003dss/w\u003co\u003er\u0026d\u0027",
        r"pa=ss\/w<o>r&d'",
        r"pa\u003Dss\u002Fw\u003Co\u003Er&d\u0027",
        "pa%3dss%2fw%3co%3er%26d%27",
        "pa%3Dss%2Fw%3Co%3Er%26d%27",
        "pa=ss%2Fw%3Co%3Er&d'",
        "cGE9c3MvdzxvPnImZCc=",
        "cGE9c3MvdzxvPnImZCc",
        "dXNlcjpwYT1zcy93PG8-ciZkJw==",
        "dXNlcjpwYT1zcy93PG8+ciZkJw==",
        "bWU6cGE9c3MvdzxvPnImZCc=",
        "bTpwYT1zcy93PG8-ciZkJw",
    ] {
        for step in [1, 2, 3, 100] {
            let mut lines = of_passwords(&[password]);
            let bytes = answer(&format!(r#"{{"a":"{spelled}"}}"#));
            for piece in bytes.chunks(step) {
                lines.line(received(0, piece));
            }
            lines.finish();
            let text: String = all(&mut lines)[1..].iter().map(|line| said(line)).collect();
            assert_eq!(text.len(), bytes.len());
            let (_, value) = text.split_once(r#""a":""#).unwrap();
            // The first letters of what is in base64 may be of the user.
            assert!(!value.contains(&spelled[8..14]), "{spelled} {value}");
            if spelled.contains("ss") {
                // What stands in its place may hold a brace, too.
                let value = value.strip_suffix('}').unwrap();
                let decoded = serde_json::from_str::<String>(&format!("\"{value}"));
                assert!(decoded.is_ok(), "{spelled} {value}");
            }
        }
    }
}

/// What is recorded of a pool whose nodes have these passwords, its first line still to come.
fn of_passwords(passwords: &[&str]) -> Lines {
    let mut header = header();
    for (number, password) in passwords.iter().enumerate() {
        let node = NodeConfig::new(format!("n{number}"), "localhost", *password).unwrap();
        header.config.nodes.push(node);
    }
    let mut lines = Lines::default();
    lines.header(&header);
    lines
}

fn answer(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn wrote(bytes: &[u8]) -> Line {
    Line::Wrote {
        at: Timestamp::ZERO,
        socket: id(0),
        bytes: Bytes(bytes.to_vec()),
    }
}

fn said(line: &str) -> String {
    match serde_json::from_str(line).unwrap() {
        Line::Received { bytes, .. } | Line::Wrote { bytes, .. } => {
            String::from_utf8(bytes.0).unwrap()
        }
        other => panic!("{other:?}"),
    }
}
