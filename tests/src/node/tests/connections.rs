//! Connections: HTTP, handshakes and frames.

use super::*;
use crate::node::Violation;
use crate::node::seeded::Seeded;

#[test]
fn an_idle_connection_is_closed_a_minute_after_its_last_answer() {
    let mut client = Client::new();
    let asked = client.ask("GET", "/version", &Value::Null);
    client.wait(secs(30));
    client.send(asked, b"GET /version HTTP/1.1\r\nHost: node\r\n\r\n");
    client.wait(ms(59_999));
    assert_eq!(client.hear(asked).len(), 1);
    client.wait(ms(1));
    assert_eq!(client.hear(asked), [Heard::Closed(How::Fin)]);
}

#[test]
fn requests_are_answered_alike_however_their_bytes_are_cut() {
    let requests = b"GET /version HTTP/1.1\r\nHost: n\r\nAuthorization: youshallnotpass\r\n\r\n\
        POST /v4/decodetracks HTTP/1.1\r\nHost: n\r\nAuthorization: youshallnotpass\r\n\
        Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n\
        GET /v4/websocket HTTP/1.1\r\nHost: n\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Authorization: youshallnotpass\r\nUser-Id: 42\r\n\r\n\x89\x83\x00\x00\x00\x00abc";
    let whole = answers(&[requests]);
    assert!(whole.ends_with(&[0x8a, 3, b'a', b'b', b'c']));
    for cut in 1..requests.len() {
        assert_eq!(
            answers(&[&requests[..cut], &requests[cut..]]),
            whole,
            "cut at {cut}"
        );
    }
    let bytes: Vec<_> = requests.chunks(1).collect();
    assert_eq!(answers(&bytes), whole);
}

#[test]
fn a_frame_without_a_mask_is_a_violation() {
    let mut client = Client::new();
    let (websocket, _) = client.open_session();
    client.send(websocket, &[0x89, 0]);
    let expected = [Heard::Frame(close_with(1002, "")), Heard::Closed(How::Fin)];
    assert_eq!(client.hear(websocket), expected);
    let violations: Vec<_> = client.node.log().violations.iter().collect();
    assert!(
        matches!(&violations[..], [record] if record.violation == Violation::UnmaskedFrame
            && record.connection == websocket)
    );
}

#[test]
fn a_close_is_echoed_and_nothing_may_follow_it() {
    let mut client = Client::new();
    let (websocket, _) = client.open_session();
    let bye = [&1000_u16.to_be_bytes()[..], b"bye"].concat();
    client.send(websocket, &[masked(8, &bye), masked(9, b"")].concat());
    let expected = [
        Heard::Frame(close_with(1000, "bye")),
        Heard::Closed(How::Fin),
    ];
    assert_eq!(client.hear(websocket), expected);
    assert_eq!(
        client.node.log().violations[0].violation,
        Violation::FrameAfterClose
    );
    assert_eq!(
        (
            client.node.log().frames.close,
            client.node.log().frames.ping
        ),
        (1, 0)
    );
}

#[test]
fn a_foreign_origin_is_refused() {
    let mut client = Client::new();
    let foreign = client.open("Origin: https://example.org\r\n");
    assert!(matches!(&client.hear(foreign)[..], [Heard::Http(403, _)]));
    let own = client.open("Origin: http://127.0.0.1:2333\r\n");
    assert!(matches!(&client.hear(own)[..], [Heard::Http(101, _), ..]));
}

#[test]
fn no_bytes_make_the_node_panic() {
    let mut random = Seeded::new(11);
    let seeds: [&[u8]; 3] = [
        b"PATCH /v4/sessions/s/players/1 HTTP/1.1\r\nHost: n\r\nContent-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        &[
            0x81, 0xfe, 0, 126, 1, 2, 3, 4, 0x88, 0x82, 0, 0, 0, 0, 3, 0xe8,
        ],
    ];
    for round in 0..3000 {
        let mut client = Client::new();
        let (websocket, _) = client.open_session();
        let mut bytes = seeds[round % 3].to_vec();
        for _ in 0..=random.below(4) {
            let place = random.below(bytes.len() as u64);
            bytes[place] = u8::try_from(random.below(256)).unwrap_or(0);
        }
        let plain = client.connect();
        for connection in [websocket, plain] {
            client.send(connection, &bytes);
        }
        client.wait(secs(61));
    }
}

fn answers(pieces: &[&[u8]]) -> Vec<u8> {
    let mut client = Client::new();
    let connection = client.connect();
    let mut bytes = Vec::new();
    for piece in pieces {
        client.send(connection, piece);
        while let Some(Action::Send(_, sent)) = client.node.poll_action() {
            bytes.extend(sent);
        }
    }
    bytes
}
