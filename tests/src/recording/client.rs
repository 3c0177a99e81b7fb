//! [`Client`]: what the recorded client asked, read from its bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;

use super::asked::{self, Asked, Meaning};
use super::file::{Recording, Stream};
use super::head;

/// The requests of the recorded client, one after another.
#[derive(Debug)]
pub(super) struct Client<'r> {
    sent: &'r Stream,
    server: &'r Stream,
    read: usize,
}

impl<'r> Client<'r> {
    pub(super) fn new(recording: &'r Recording) -> Self {
        Self {
            sent: &recording.client,
            server: &recording.server,
            read: 0,
        }
    }

    /// The next request, if it was begun when the server had sent no more than `server_bytes`.
    pub(super) fn next(&mut self, server_bytes: usize) -> Option<Asked> {
        self.skip_line_ends();
        let is_there = self.read < self.sent.bytes.len()
            && self.sent.before(self.read, self.server) <= server_bytes;
        is_there.then(|| self.take())
    }

    fn take(&mut self) -> Asked {
        let unread = self.sent.bytes.get(self.read..).unwrap_or_default();
        let (asked, bytes) = read(unread);
        self.read += bytes;
        asked
    }

    /// RFC 9112 §2.2: line ends before a request line mean nothing.
    fn skip_line_ends(&mut self) {
        let unread = self.sent.bytes.get(self.read..).unwrap_or_default();
        let meaning = unread.iter().position(|byte| !b"\r\n".contains(byte));
        self.read += meaning.unwrap_or(unread.len());
    }
}

/// Reads a request, and says how many bytes it has. What is no HTTP/1 has all that follow: who
/// sent it does not speak HTTP.
fn read(unread: &[u8]) -> (Asked, usize) {
    let garbage = || (Asked::garbage(unread.len()), unread.len());
    let section = head::section(unread);
    let head = section.unwrap_or(unread);
    let mut lines = head::lines(head);
    let Some((method, target)) = lines.next().and_then(request_line) else {
        return garbage();
    };
    let fields: Vec<_> = lines.filter_map(head::field).collect();
    let value = |name: &str| head::value(&fields, name);

    let body_bytes = section.and_then(|section| {
        let unread = unread.get(section.len()..).unwrap_or_default();
        let chunked = value("transfer-encoding").is_some_and(|value| value.ends_with("chunked"));
        let announced = value("content-length").and_then(|value| value.parse().ok());
        match (chunked, announced) {
            (true, _) => chunked_bytes(unread),
            (false, Some(bytes)) => (unread.len() >= bytes).then_some(bytes),
            (false, None) => Some(0),
        }
    });
    let upgrade = value("upgrade").unwrap_or_default();
    let key = value("sec-websocket-key");
    let meaning = if upgrade.eq_ignore_ascii_case("websocket") || key.is_some() {
        let key = key.and_then(|key| STANDARD.decode(key).ok());
        Meaning::Upgrade {
            key: key.and_then(|key| key.try_into().ok()),
        }
    } else {
        Meaning::Rest(Box::new(asked::rest(&method, &target)))
    };
    let asked = Asked {
        method,
        target: asked::shown(&target),
        meaning,
        is_whole: body_bytes.is_some(),
        codings: value("accept-encoding").unwrap_or_default().into(),
    };
    let bytes = body_bytes.map_or(unread.len(), |body| head.len() + body);
    (asked, bytes)
}

/// The method and the target, which may hold bytes that it should not.
fn request_line(line: &[u8]) -> Option<(Method, String)> {
    let line = String::from_utf8_lossy(line);
    let (method, rest) = line.split_once(' ')?;
    let (target, version) = rest.rsplit_once(' ')?;
    if !version.starts_with("HTTP/1.") {
        return None;
    }
    Some((
        Method::from_bytes(method.as_bytes()).ok()?,
        target.to_owned(),
    ))
}

/// How many bytes a chunked body has, if all of it is there (RFC 9112 §7.1).
fn chunked_bytes(body: &[u8]) -> Option<usize> {
    let mut read = 0;
    loop {
        let line = head::lines(body.get(read..)?).next()?;
        let digits = line.split(|&byte| byte == b';').next()?.trim_ascii();
        let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        read = read.checked_add(line.len())?.checked_add(LINE_END_BYTES)?;
        if size == 0 {
            let trailers = body.get(read..)?;
            let end = head::section(trailers).map_or(LINE_END_BYTES, <[u8]>::len);
            return trailers.get(..end).map(|_| read + end);
        }
        read = read.checked_add(size)?.checked_add(LINE_END_BYTES)?;
    }
}

const LINE_END_BYTES: usize = 2;
