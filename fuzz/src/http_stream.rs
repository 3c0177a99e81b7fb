//! The HTTP connection, whole and cut.

use http::{HeaderValue, Method};
use lavapool_core::http::{Connection, Ended, HeaderBlock, HttpLimits, Response, Violation};

use crate::cuts::Cut;

/// Bytes that answer one request, and the end of the connection: the same comes out however they
/// are cut, and bodies keep their bound. The last bit of the first byte asks for a HEAD.
pub fn http_response(fuzzed: &[u8]) {
    let Some((choice, fuzzed)) = fuzzed.split_first() else {
        return;
    };
    let Some(cut) = Cut::read(fuzzed) else { return };
    let method = if choice.is_multiple_of(2) {
        Method::GET
    } else {
        Method::HEAD
    };
    let seen = cut.check(|pieces| {
        let mut connection = asking(method.clone());
        let mut seen = feed(&mut connection, pieces);
        match connection.end_of_stream() {
            Ok(response) => seen.extend(response.map(|response| Seen::Response(response.into()))),
            Err(ended) => seen.push(Seen::Ended(ended)),
        }
        assert!(connection.is_spent());
        seen
    });
    for seen in seen {
        if let Seen::Response(response) = seen {
            assert!(response.body.len() <= LIMITS.body_bytes_max);
            assert!(response.status >= 200);
        }
    }
}

/// What came out of a connection, owned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Response(Owned),
    Violation(Violation),
    Ended(Ended),
}

/// A [`Response`], owned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Owned {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) reusable: bool,
}

impl From<Response<'_>> for Owned {
    fn from(response: Response<'_>) -> Self {
        let Response {
            status,
            body,
            reusable,
            ..
        } = response;
        Self {
            status: status.as_u16(),
            body: body.to_vec(),
            reusable,
        }
    }
}

/// Small bounds, which a fuzzer can reach.
pub(crate) const LIMITS: HttpLimits = HttpLimits {
    header_bytes_max: 2048,
    body_bytes_max: 4096,
};

/// A connection that sent a request.
pub(crate) fn asking(method: Method) -> Connection {
    let host = HeaderValue::from_static("localhost:2333");
    let headers = HeaderBlock::new(&host, &[]).expect("no header is reserved");
    let mut connection = Connection::new(LIMITS);
    connection
        .draft(method, &headers)
        .expect("a new connection is idle")
        .send();
    connection.wrote(connection.pending().len());
    connection
}

/// Gives the pieces, and collects what comes out.
pub(crate) fn feed(connection: &mut Connection, pieces: &[&[u8]]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            seen.push(match connection.next(&mut input) {
                Ok(Some(response)) => Seen::Response(response.into()),
                Ok(None) => break assert!(input.is_empty()),
                Err(violation) => Seen::Violation(violation),
            });
        }
    }
    seen
}
