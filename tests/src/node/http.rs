//! HTTP/1.1 as Undertow speaks it: requests are cut from a stream of bytes, answers are written
//! with the header fields, order and framing of a real server (RFC 9112).

use super::log::{Headers, Violation};

/// A whole request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
    pub(super) keep_alive: bool,
}

/// What a buffer begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// Not enough bytes.
    Incomplete,
    /// A head that asks for `100 Continue`, whose body is still to be read.
    Expecting,
    /// A request of this many bytes. A flaw is worth a complaint and nothing more.
    Request(Request, usize, Option<Violation>),
    /// Bytes that a server answers with a bare 400 before it closes.
    Broken(Violation),
}

impl Request {
    /// Cuts one request off a buffer; `continued` tells whether `100 Continue` was sent for it.
    pub(super) fn parse(buffer: &[u8], continued: bool) -> Parsed {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut head = httparse::Request::new(&mut fields);
        let size = match head.parse(buffer) {
            Ok(httparse::Status::Complete(size)) => size,
            Ok(httparse::Status::Partial) if buffer.len() > HEAD_BYTES_MAX => {
                return Parsed::Broken(Violation::OversizedHead);
            }
            Ok(httparse::Status::Partial) => return Parsed::Incomplete,
            Err(_) if has_raw_target(buffer) => return Parsed::Broken(Violation::MalformedTarget),
            Err(_) => return Parsed::Broken(Violation::MalformedHead),
        };
        let (Some(method), Some(target), Some(version)) = (head.method, head.path, head.version)
        else {
            return Parsed::Broken(Violation::MalformedHead);
        };
        if !is_well_formed_target(target) {
            return Parsed::Broken(Violation::MalformedTarget);
        }
        let mut headers = Vec::with_capacity(head.headers.len());
        for field in head.headers.iter() {
            let Ok(value) = std::str::from_utf8(field.value) else {
                return Parsed::Broken(Violation::MalformedHead);
            };
            headers.push((field.name.to_owned(), value.to_owned()));
        }
        let mut request = Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Headers(headers),
            body: Vec::new(),
            keep_alive: false,
        };
        request.keep_alive = version == 1 && !request.lists("connection", "close");
        if request.lists("expect", "100-continue") && !continued {
            return Parsed::Expecting;
        }
        let hosts = request
            .headers
            .0
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("host"));
        let flaw = (version == 1 && hosts.count() != 1).then_some(Violation::MissingHost);
        match request.read_body(&buffer[size..]) {
            Ok(Some((body, used))) => {
                request.body = body;
                Parsed::Request(request, size + used, flaw)
            }
            Ok(None) => Parsed::Incomplete,
            Err(violation) => Parsed::Broken(violation),
        }
    }

    /// Returns the first value of a header field, whatever the case of its name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.first(name)
    }

    /// Tells whether a comma-separated header field lists a token, whatever its case.
    pub(super) fn lists(&self, name: &str, token: &str) -> bool {
        self.headers.list(name, token)
    }

    /// Returns the path, still percent-encoded.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Returns the first value of a query parameter, decoded as a form.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        query(&self.target, name)
    }

    fn read_body(&self, rest: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Violation> {
        let length = self.header("content-length");
        if self.header("transfer-encoding").is_some() {
            if length.is_some() || !self.lists("transfer-encoding", "chunked") {
                return Err(Violation::AmbiguousLength);
            }
            return read_chunks(rest);
        }
        let Some(length) = length else {
            return Ok(Some((Vec::new(), 0)));
        };
        let length: usize = length.parse().map_err(|_| Violation::AmbiguousLength)?;
        if length > BODY_BYTES_MAX {
            return Err(Violation::OversizedBody);
        }
        Ok(rest.get(..length).map(|body| (body.to_vec(), length)))
    }
}

/// An answer before it is framed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    /// Fields that a real server writes before `Connection`.
    pub(super) lead: Vec<(&'static str, String)>,
    /// What the upgrade of a WebSocket says before it is refused.
    pub(super) resumed: Option<bool>,
    /// Fields that it writes after the content's.
    pub(super) trail: Vec<(&'static str, String)>,
    pub(super) body: Body,
    /// Whether `Lavalink-Api-Version` is there; not so after an exception in a handler.
    pub(super) versioned: bool,
    /// What of the request a client must never do, if it is that.
    pub(super) flaw: Option<Violation>,
}

/// The body of an answer, which decides its framing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// No body and no length: 204.
    None,
    /// A `Content-Length`.
    Sized(Option<&'static str>, Vec<u8>),
    /// JSON in chunks, or until the connection ends.
    Json(Vec<u8>),
}

impl Response {
    /// Makes an answer with a JSON body.
    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, Body::Json(body.to_string().into_bytes()))
    }

    /// Makes an answer of no bytes.
    pub(super) fn empty(status: u16) -> Self {
        Self::new(
            status,
            if status == 204 {
                Body::None
            } else {
                Body::Sized(None, Vec::new())
            },
        )
    }

    /// Makes the answer of something before the server that does not ask it.
    pub(super) fn page(status: u16) -> Self {
        let page = b"<html><body>It works!</body></html>".to_vec();
        let mut page = Self::new(status, Body::Sized(Some("text/html"), page));
        page.versioned = false;
        page
    }

    /// Makes an answer without extra header fields.
    pub(super) fn new(status: u16, body: Body) -> Self {
        Self {
            status,
            lead: Vec::new(),
            resumed: None,
            trail: Vec::new(),
            body,
            versioned: true,
            flaw: None,
        }
    }

    /// Writes the answer; a HEAD request gets no body.
    pub(super) fn write(&self, is_head: bool, keep_alive: bool, unix_ms: u64) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        let mut put = |name: &str, value: &str| {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        };
        self.lead.iter().for_each(|(name, value)| put(name, value));
        if !keep_alive {
            put("Connection", "close");
        } else if self.body != Body::None {
            put("Connection", "keep-alive");
        }
        if let Some(resumed) = self.resumed {
            put("Session-Resumed", &resumed.to_string());
        }
        match &self.body {
            Body::None => {}
            Body::Sized(content_type, bytes) => {
                content_type
                    .iter()
                    .for_each(|kind| put("Content-Type", kind));
                put("Content-Length", &bytes.len().to_string());
            }
            Body::Json(_) => {
                if keep_alive {
                    put("Transfer-Encoding", "chunked");
                }
                put("Content-Type", "application/json");
            }
        }
        if self.versioned {
            put("Lavalink-Api-Version", "4");
        }
        self.trail.iter().for_each(|(name, value)| put(name, value));
        put("Date", &http_date(unix_ms));
        let mut bytes = head.into_bytes();
        bytes.extend(b"\r\n");
        match &self.body {
            Body::None => {}
            _ if is_head => {}
            Body::Json(body) if keep_alive => put_chunks(&mut bytes, body),
            Body::Json(body) | Body::Sized(_, body) => bytes.extend(body),
        }
        bytes
    }
}

/// What Undertow answers to bytes that it cannot read, before it closes.
pub(super) const BARE_400: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The interim answer to `Expect: 100-continue`.
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Returns the text of a `Date` field (RFC 9110 §5.6.7).
pub(super) fn http_date(unix_ms: u64) -> String {
    let seconds = unix_ms / 1000;
    let days = seconds / 86_400;
    let (year, month, day) = civil(days);
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(days % 7) as usize];
    let clock = seconds % 86_400;
    format!(
        "{weekday}, {day:02} {} {year} {:02}:{:02}:{:02} GMT",
        MONTHS[month - 1],
        clock / 3600,
        clock / 60 % 60,
        clock % 60
    )
}

/// Days since 1970 to year, month and day, by counting; good for a few centuries.
fn civil(mut days: u64) -> (u64, usize, u64) {
    let mut year = 1970;
    loop {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let lengths = [
            31,
            28 + u64::from(leap),
            31,
            30,
            31,
            30,
            31,
            31,
            30,
            31,
            30,
            31,
        ];
        for (month, length) in lengths.into_iter().enumerate() {
            if days < length {
                return (year, month + 1, days + 1);
            }
            days -= length;
        }
        year += 1;
    }
}

/// Undertow pads chunk sizes to an even number of digits, and fills buffers of 16 KiB.
fn put_chunks(bytes: &mut Vec<u8>, body: &[u8]) {
    for chunk in body.chunks(CHUNK_BYTES_MAX) {
        let digits = format!("{:x}", chunk.len());
        let padding = if digits.len() % 2 == 1 { "0" } else { "" };
        bytes.extend(format!("{padding}{digits}\r\n").bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
}

fn read_chunks(rest: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Violation> {
    let mut body = Vec::new();
    let mut used = 0;
    loop {
        let (line, size) = match httparse::parse_chunk_size(&rest[used..]) {
            Ok(httparse::Status::Complete((line, size))) => (line, size),
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(Violation::MalformedChunk),
        };
        let size = usize::try_from(size).map_err(|_| Violation::OversizedBody)?;
        if size > BODY_BYTES_MAX - body.len() {
            return Err(Violation::OversizedBody);
        }
        let start = used + line;
        let Some(chunk) = rest.get(start..start + size + 2) else {
            return Ok(None);
        };
        if &chunk[size..] != b"\r\n" {
            return Err(Violation::MalformedChunk);
        }
        body.extend(&chunk[..size]);
        used = start + size + 2;
        if size == 0 {
            return Ok(Some((body, used)));
        }
    }
}

fn has_raw_target(buffer: &[u8]) -> bool {
    let line = buffer
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    let text = line.first().is_some_and(u8::is_ascii_uppercase);
    text && line.iter().any(|byte| *byte >= 0x7f)
}

fn is_well_formed_target(target: &str) -> bool {
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = target.as_bytes();
    let escaped = |index: usize| hex(bytes.get(index + 1)) && hex(bytes.get(index + 2));
    bytes.iter().enumerate().all(|(index, byte)| match byte {
        b'%' => escaped(index),
        _ => (0x21..=0x7e).contains(byte),
    })
}

/// Decodes `application/x-www-form-urlencoded`, where a plus is a space.
pub(super) fn form_decode(text: &str) -> String {
    percent_decode(&text.replace('+', " "))
}

/// Returns the first value of a target's query parameter, decoded as a form.
pub(super) fn query(target: &str, name: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (form_decode(key) == name).then(|| form_decode(value))
    })
}

/// Decodes percent escapes, which [`Request::parse`] has found to be whole.
pub(super) fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('%') {
        bytes.extend(plain.bytes());
        let digits = escape.get(..2).unwrap_or_default();
        bytes.extend(u8::from_str_radix(digits, 16));
        rest = escape.get(2..).unwrap_or_default();
    }
    bytes.extend(rest.bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns the reason phrase of a status.
pub(super) fn reason(status: u16) -> &'static str {
    let known = http::StatusCode::from_u16(status).ok();
    known
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown")
}

const FIELDS_MAX: usize = 100;
const HEAD_BYTES_MAX: usize = 64 * 1024;
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
const CHUNK_BYTES_MAX: usize = 0x3fec;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunk_sizes_are_padded_to_an_even_number_of_digits() {
        let mut bytes = Vec::new();
        put_chunks(&mut bytes, &[b'a'; 10]);
        assert_eq!(bytes, b"0a\r\naaaaaaaaaa\r\n0\r\n\r\n");
        let mut bytes = Vec::new();
        put_chunks(&mut bytes, &[b'a'; 0x3fed]);
        assert!(bytes.starts_with(b"3fec\r\n"));
        assert!(bytes.ends_with(b"\r\n01\r\na\r\n0\r\n\r\n"));
    }

    #[test]
    fn a_request_is_complete_only_with_its_last_byte() {
        let whole = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
            2\r\n[]\r\n0\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(
                Request::parse(&whole[..end], false),
                Parsed::Incomplete,
                "{end}"
            );
        }
        let Parsed::Request(request, used, None) = Request::parse(whole, false) else {
            panic!("a whole request is read");
        };
        assert_eq!(
            (request.body.as_slice(), used),
            (b"[]".as_slice(), whole.len())
        );
    }

    #[test]
    fn breaches_are_told_apart() {
        let parse = |bytes: &[u8]| match Request::parse(bytes, false) {
            Parsed::Broken(violation) | Parsed::Request(_, _, Some(violation)) => violation,
            other => panic!("{other:?}"),
        };
        assert_eq!(parse(b"\x16\x03\x01\r\n\r\n"), Violation::MalformedHead);
        assert_eq!(
            parse(b"GET /%zz HTTP/1.1\r\n\r\n"),
            Violation::MalformedTarget
        );
        assert_eq!(
            parse(b"GET /\xc3\xbc HTTP/1.1\r\n\r\n"),
            Violation::MalformedTarget
        );
        assert_eq!(parse(b"GET / HTTP/1.1\r\n\r\n"), Violation::MissingHost);
        let both = b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(parse(both), Violation::AmbiguousLength);
        let chunk = b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n";
        assert_eq!(parse(chunk), Violation::MalformedChunk);
        let large = b"GET / HTTP/1.1\r\nContent-Length: 16777217\r\n\r\n";
        assert_eq!(parse(large), Violation::OversizedBody);
        assert_eq!(parse(&[b'a'; HEAD_BYTES_MAX + 1]), Violation::OversizedHead);
    }

    #[test]
    fn the_date_is_that_of_the_calendar() {
        assert_eq!(
            http_date(1_795_224_312_892),
            "Sat, 21 Nov 2026 01:25:12 GMT"
        );
        assert_eq!(http_date(951_782_400_000), "Tue, 29 Feb 2000 00:00:00 GMT");
    }
}
