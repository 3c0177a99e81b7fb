//! Conversations with proxies, byte for byte.

#![allow(clippy::unwrap_used)]

use lavapool_core::ProxyFailure;

use super::Tunnel;
use crate::proxy::Proxy;

/// Sends answers one byte at a time; returns what was said in all.
fn converse(proxy: &str, host: &str, answers: &[&[u8]]) -> Result<(Vec<u8>, bool), ProxyFailure> {
    let proxy: Proxy = proxy.parse().unwrap();
    let mut tunnel = Tunnel::new(&proxy, host, 443);
    let mut said = Vec::new();
    for answer in answers {
        said.extend_from_slice(tunnel.outgoing());
        tunnel.wrote(usize::MAX);
        for byte in *answer {
            assert!(
                !tunnel.is_open(),
                "it is open before the answer was complete"
            );
            tunnel.receive(std::slice::from_ref(byte))?;
        }
    }
    said.extend_from_slice(tunnel.outgoing());
    Ok((said, tunnel.is_open()))
}

#[test]
fn an_http_proxy_is_asked_for_a_tunnel() {
    let answer = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n";

    let said = converse("http://b:p%40@proxy:3128", "::1", &[answer]);

    let request = b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\
        Proxy-Authorization: Basic YjpwQA==\r\n\r\n";
    assert_eq!(said, Ok((request.to_vec(), true)));
}

#[test]
fn an_http_proxy_that_refuses_is_told_from_one_that_is_none() {
    let long = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &[b'x'; 9000]].concat();
    let table: [(&[u8], ProxyFailure); 6] = [
        (b"HTTP/1.0 407 No\r\n\r\n", ProxyFailure::Unauthorized),
        (
            b"HTTP/1.1 502\r\n\r\n",
            ProxyFailure::Status { status: 502 },
        ),
        (
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            ProxyFailure::Violation,
        ),
        (b"HTTP/1.1 2000 OK\r\n\r\n", ProxyFailure::Violation),
        (b"SSH-2.0-server\r\n", ProxyFailure::Violation),
        (&long, ProxyFailure::Violation),
    ];
    for (answer, failure) in table {
        let said = converse("http://proxy:3128", "node", &[answer]);
        assert_eq!(said, Err(failure));
    }
}

#[test]
fn an_http_proxy_may_say_that_it_is_at_work() {
    let answers = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
        HTTP/1.1 200 OK\r\n\r\n";
    let then = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 502 No\r\n\r\n";

    let opened = converse("http://proxy:3128", "node", &[answers]);
    let refused = converse("http://proxy:3128", "node", &[then]);

    let request = b"CONNECT node:443 HTTP/1.1\r\nHost: node:443\r\n\r\n";
    assert_eq!(opened, Ok((request.to_vec(), true)));
    assert_eq!(refused, Err(ProxyFailure::Status { status: 502 }));
}

#[test]
fn an_http_proxy_that_is_at_work_without_end_is_none() {
    let one = b"HTTP/1.1 102 Processing\r\n\r\n";
    let long = [
        b"HTTP/1.1 102 \r\nX: ".as_slice(),
        &[b'x'; 3000],
        b"\r\n\r\n",
    ]
    .concat();
    let ok = b"HTTP/1.1 200 OK\r\n\r\n";

    let by = |answer: &[u8], count| {
        let answers = [answer.repeat(count).as_slice(), ok].concat();
        converse("http://proxy:3128", "node", &[&answers]).map(|(_, is_open)| is_open)
    };

    assert_eq!(by(one, 16), Ok(true));
    assert_eq!(by(one, 17), Err(ProxyFailure::Violation));
    assert_eq!(by(&long, 2), Ok(true));
    assert_eq!(by(&long, 3), Err(ProxyFailure::Violation));
}

#[test]
fn a_socks_proxy_looks_the_name_up() {
    let answers: [&[u8]; 3] = [
        &[5, 2],                                // a password is wanted
        &[1, 0],                                // and is right
        &[5, 0, 0, 3, 2, b'a', b'b', 0x1, 0x2], // connected, from ab:258
    ];

    let said = converse("socks5://me:pw@proxy:1080", "node", &answers);

    let mut bytes = vec![5, 2, 0, 2]; // without, or by password
    bytes.extend([1, 2, b'm', b'e', 2, b'p', b'w']);
    bytes.extend([5, 1, 0, 3, 4, b'n', b'o', b'd', b'e', 0x01, 0xbb]);
    assert_eq!(said, Ok((bytes, true)));
}

#[test]
fn a_socks_proxy_gets_an_address_as_one() {
    let reply: [u8; 22] = [
        5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0,
    ];

    let four = converse("socks5://proxy:1", "10.0.0.1", &[&[5, 0], &reply]);
    let six = converse("socks5://proxy:1", "::2", &[&[5, 0], &reply]);

    let four_said = [5, 1, 0, 5, 1, 0, 1, 10, 0, 0, 1, 0x01, 0xbb];
    assert_eq!(four, Ok((four_said.to_vec(), true)));
    let (six_said, is_open) = six.unwrap();
    assert_eq!(
        (six_said.get(3..9), is_open),
        (Some(&[5, 1, 0, 4, 0, 0][..]), true)
    );
}

#[test]
fn a_socks_proxy_that_refuses_is_told_from_one_that_is_none() {
    let table: [(&str, &[&[u8]], ProxyFailure); 6] = [
        ("socks5://p:1", &[&[5, 0xff]], ProxyFailure::Unauthorized),
        ("socks5://p:1", &[&[5, 2]], ProxyFailure::Violation),
        (
            "socks5://u:x@p:1",
            &[&[5, 2], &[1, 1]],
            ProxyFailure::Unauthorized,
        ),
        ("socks5://p:1", &[b"HTTP"], ProxyFailure::Violation),
        (
            "socks5://p:1",
            &[&[5, 0], &[5, 5]],
            ProxyFailure::Reply { reply: 5 },
        ),
        (
            "socks5://p:1",
            &[&[5, 0], &[5, 0, 0, 9, 9]],
            ProxyFailure::Violation,
        ),
    ];
    for (proxy, answers, failure) in table {
        assert_eq!(
            converse(proxy, "node", answers),
            Err(failure),
            "{answers:?}"
        );
    }
}

#[test]
fn nothing_may_follow_a_proxys_last_answer() {
    let proxy: Proxy = "http://proxy:3128".parse().unwrap();
    let mut tunnel = Tunnel::new(&proxy, "node", 80);

    let received = tunnel.receive(b"HTTP/1.1 200 OK\r\n\r\n!");

    assert_eq!(received, Err(ProxyFailure::Violation));
}
