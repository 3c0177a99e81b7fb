//! Machine tests of the HTTP connection, with exact bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions)]

mod bodies;
mod heads;
mod requests;

use std::time::Duration;

use ::http::{HeaderName, HeaderValue};

use super::cuts::every_cut;
use super::*;

/// A hundred bytes of body, and of chunk lines, at most.
const SMALL: HttpLimits = HttpLimits {
    header_bytes_max: 100,
    body_bytes_max: 100,
};

/// What came out of a connection, owned.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Response(Owned),
    Violation(Violation),
    Ended(Ended),
}

/// A [`Response`], owned.
#[derive(Clone, Debug, PartialEq)]
struct Owned {
    status: u16,
    is_json: bool,
    retry_after: Option<Duration>,
    api_version: Option<u32>,
    body: String,
    reusable: bool,
}

impl From<Response<'_>> for Owned {
    fn from(response: Response<'_>) -> Self {
        Self {
            status: response.status.as_u16(),
            is_json: response.is_json,
            retry_after: response.retry_after,
            api_version: response.api_version,
            body: String::from_utf8(response.body.to_vec()).unwrap(),
            reusable: response.reusable,
        }
    }
}

fn block(headers: &[(HeaderName, HeaderValue)]) -> HeaderBlock {
    HeaderBlock::new(&HeaderValue::from_static("localhost:2333"), headers).unwrap()
}

/// A connection that sent a request with this method, all of which is written.
fn asking(method: Method, limits: HttpLimits) -> Connection {
    let mut connection = Connection::new(limits);
    ask(&mut connection, method);
    connection
}

fn ask(connection: &mut Connection, method: Method) {
    let block = block(&[]);
    let mut draft = connection
        .draft(method, &block)
        .expect("the connection is idle");
    draft.target().literal("/v4/info");
    draft.send();
    connection.wrote(connection.pending().len());
}

/// Gives the pieces, and collects what comes out until the first violation.
fn feed(connection: &mut Connection, pieces: &[&[u8]]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            match connection.next(&mut input) {
                Ok(Some(response)) => seen.push(Seen::Response(response.into())),
                Ok(None) => break assert!(input.is_empty(), "nothing is left when nothing comes"),
                Err(violation) => {
                    seen.push(Seen::Violation(violation));
                    assert!(connection.is_spent());
                    break;
                }
            }
        }
    }
    seen
}

/// What answers a GET with `bytes`, however they are cut.
fn answered(bytes: &[u8]) -> Vec<Seen> {
    answered_within(bytes, HttpLimits::default())
}

fn answered_within(bytes: &[u8], limits: HttpLimits) -> Vec<Seen> {
    every_cut(bytes, |pieces| {
        feed(&mut asking(Method::GET, limits), pieces)
    })
}

/// What answers a GET with `bytes` and the end of the stream, however they are cut.
fn answered_to_the_end(bytes: &[u8]) -> Vec<Seen> {
    every_cut(bytes, |pieces| {
        let mut connection = asking(Method::GET, SMALL);
        let mut seen = feed(&mut connection, pieces);
        match connection.end_of_stream() {
            Ok(response) => seen.extend(response.map(|response| Seen::Response(response.into()))),
            Err(ended) => seen.push(Seen::Ended(ended)),
        }
        assert!(connection.is_spent());
        seen
    })
}

/// The response that answers a GET with `bytes`.
fn response(bytes: &[u8]) -> Owned {
    match answered(bytes).as_slice() {
        [Seen::Response(response)] => response.clone(),
        other => panic!("{other:?}"),
    }
}

fn violation(bytes: &[u8]) -> Violation {
    violation_within(bytes, HttpLimits::default())
}

fn violation_within(bytes: &[u8], limits: HttpLimits) -> Violation {
    match answered_within(bytes, limits).as_slice() {
        [Seen::Violation(violation)] => *violation,
        other => panic!("{other:?}"),
    }
}

/// A reusable response with no header that matters.
fn owned(status: u16, body: &str) -> Owned {
    Owned {
        status,
        is_json: false,
        retry_after: None,
        api_version: None,
        body: body.to_owned(),
        reusable: true,
    }
}
