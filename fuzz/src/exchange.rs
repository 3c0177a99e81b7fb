//! The HTTP connection under any order of calls.

use arbitrary::{Arbitrary, Unstructured};
use http::{HeaderValue, Method};
use lavapool_core::http::{Connection, HeaderBlock};

use crate::http_stream::LIMITS;

/// Any calls in any order: a request is one well-formed line and goes out only while the
/// connection is idle, each has at most one response, and what is spent stays so.
pub fn http_exchange(fuzzed: &[u8]) {
    let Ok(steps) = Vec::<Step>::arbitrary_take_rest(Unstructured::new(fuzzed)) else {
        return;
    };
    let host = HeaderValue::from_static("localhost:2333");
    let headers = HeaderBlock::new(&host, &[]).expect("no header is reserved");
    let mut connection = Connection::new(LIMITS);
    let mut unanswered: u32 = 0;
    for step in steps {
        let (was_spent, pending_before) = (connection.is_spent(), connection.pending().len());
        match step {
            Step::Send(request) => unanswered += send(&mut connection, &headers, request),
            Step::Wrote(count) => {
                connection.wrote(count.into());
                let left = pending_before.saturating_sub(count.into());
                assert_eq!(connection.pending().len(), left);
            }
            Step::Received(bytes) => unanswered -= receive(&mut connection, &bytes),
            Step::Answered(answer) => unanswered -= receive(&mut connection, answer.bytes()),
            Step::Ended => {
                unanswered -= u32::from(matches!(connection.end_of_stream(), Ok(Some(_))));
                assert!(connection.is_spent());
            }
            Step::Aborted => {
                connection.abort();
                assert!(connection.is_spent() && connection.pending().is_empty());
            }
        }
        assert!(
            !was_spent || connection.is_spent() && connection.pending().len() <= pending_before
        );
        assert!(!connection.is_idle() || unanswered == 0);
        assert!(!connection.first_byte_seen() || unanswered == 1);
    }
}

#[derive(Arbitrary, Debug)]
enum Step {
    Send(Request),
    Wrote(u16),
    Received(Vec<u8>),
    Answered(Answer),
    Ended,
    Aborted,
}

#[derive(Arbitrary, Debug)]
struct Request {
    verb: Verb,
    path: String,
    query: String,
    body: Vec<u8>,
    is_dropped: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Verb {
    Get,
    Head,
    Patch,
    Delete,
}

/// Answers that a fuzzer would take long to find.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Answer {
    NoContent,
    Json,
    Chunked,
    ToClose,
    Interim,
}

impl Answer {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::NoContent => b"HTTP/1.1 204 No Content\r\n\r\n",
            Self::Json => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            Self::Chunked => {
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n02\r\n{}\r\n0\r\n\r\n"
            }
            Self::ToClose => b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
            Self::Interim => b"HTTP/1.1 100 Continue\r\n\r\n",
        }
    }
}

/// Drafts a request, and sends it unless it is to be dropped; how many were sent.
fn send(connection: &mut Connection, headers: &HeaderBlock, request: Request) -> u32 {
    let method = match request.verb {
        Verb::Get => Method::GET,
        Verb::Head => Method::HEAD,
        Verb::Patch => Method::PATCH,
        Verb::Delete => Method::DELETE,
    };
    let (was_idle, before) = (connection.is_idle(), connection.pending().to_vec());
    let Some(mut draft) = connection.draft(method, headers) else {
        assert!(!was_idle);
        return 0;
    };
    assert!(was_idle);
    draft
        .target()
        .literal(&request.path)
        .encoded(&request.query);
    draft.body().extend_from_slice(&request.body);
    if request.is_dropped {
        drop(draft);
        assert!(connection.is_idle());
        assert_eq!(connection.pending(), before);
        return 0;
    }
    draft.send();
    assert!(!connection.is_idle());
    let sent = connection
        .pending()
        .strip_prefix(&before[..])
        .expect("it goes behind the rest");
    assert!(sent.ends_with(&request.body));
    let line = sent.split(|&byte| byte == b'\n').next().unwrap_or_default();
    assert!(line.ends_with(b" HTTP/1.1\r"), "{}", line.escape_ascii());
    assert!(
        line.iter()
            .rev()
            .skip(1)
            .all(|byte| matches!(byte, b' '..=b'~'))
    );
    assert_eq!(line.iter().filter(|&&byte| byte == b' ').count(), 2);
    1
}

/// Gives bytes; how many responses came.
fn receive(connection: &mut Connection, mut bytes: &[u8]) -> u32 {
    let mut count = 0;
    while let Ok(Some(response)) = connection.next(&mut bytes) {
        count += 1;
        let reusable = response.reusable;
        assert_eq!(
            (connection.is_idle(), connection.is_spent()),
            (reusable, !reusable)
        );
    }
    assert!(count <= 1, "one response a request");
    count
}
