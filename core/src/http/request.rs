//! What is sent: [`HeaderBlock`], [`Draft`] and [`Target`].

use std::fmt;
use std::sync::Arc;

use ::http::{HeaderName, HeaderValue, Method, header};

use super::Connection;

/// The headers that every request to one node has, rendered once.
///
/// It holds the password, so it prints as `***`. Cloning shares the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderBlock(Arc<[u8]>);

/// A header that belongs to the connection was given as an extra one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header {name} is set by the connection itself")]
pub struct ReservedHeader {
    /// Its name.
    pub name: HeaderName,
}

/// A request that is being written. Dropping it sends nothing.
///
/// Target and body are written in place, into buffers that the connection reuses.
#[derive(Debug)]
pub struct Draft<'a> {
    connection: &'a mut Connection,
    method: Method,
    headers: &'a HeaderBlock,
}

/// Writes the target of a request: a path, and a query if there is one (RFC 9112 §3.2.1).
///
/// Whatever is written, the target stays one word of printable ASCII on one line. Formatting with
/// `write!` is [`Target::literal`].
#[derive(Debug)]
pub struct Target<'a> {
    bytes: &'a mut Vec<u8>,
}

/// The reused buffers of a draft.
#[derive(Default)]
pub(super) struct Scratch {
    target: Vec<u8>,
    body: Vec<u8>,
}

impl HeaderBlock {
    /// Renders `Host`, `Accept: application/json`, and `headers` in their order.
    ///
    /// # Errors
    ///
    /// Headers that say how the connection or the message is framed are refused, and so is
    /// `Accept-Encoding`, since bodies are read as they are.
    pub fn new(
        host: &HeaderValue,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<Self, ReservedHeader> {
        let accept = HeaderValue::from_static("application/json");
        let mut block = Vec::new();
        write_header(&mut block, "Host", host);
        write_header(&mut block, "Accept", &accept);
        for (name, value) in headers {
            if Self::reserves(name) {
                return Err(ReservedHeader { name: name.clone() });
            }
            write_header(&mut block, name.as_str(), value);
        }
        Ok(Self(block.into()))
    }
}

impl HeaderBlock {
    /// Whether only the connection may set the header.
    pub(crate) fn reserves(name: &HeaderName) -> bool {
        RESERVED.contains(name)
    }
}

impl fmt::Debug for HeaderBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeaderBlock(***)")
    }
}

impl<'a> Draft<'a> {
    /// A draft in a connection that is idle.
    pub(super) fn new(
        connection: &'a mut Connection,
        method: Method,
        headers: &'a HeaderBlock,
    ) -> Self {
        connection.draft.clear();
        Self {
            connection,
            method,
            headers,
        }
    }

    /// Where the target is written; `/` if nothing is.
    pub fn target(&mut self) -> Target<'_> {
        Target {
            bytes: &mut self.connection.draft.target,
        }
    }

    /// Where the JSON body is written; there is none if nothing is.
    pub fn body(&mut self) -> &mut Vec<u8> {
        &mut self.connection.draft.body
    }

    /// Puts the request behind the bytes that wait in [`Connection::pending`].
    pub fn send(self) {
        let Self {
            connection,
            method,
            headers,
        } = self;
        connection
            .draft
            .render(&method, headers, connection.outgoing.writer());
        connection.draft.clear();
        connection.begin(method);
    }
}

impl Target<'_> {
    /// Appends text of which only what cannot stand in a target is percent-encoded: the
    /// separators `/ ? & = %` and their like stay.
    pub fn literal(&mut self, text: &str) -> &mut Self {
        self.push(text, |byte| {
            byte.is_ascii_alphanumeric() || LITERAL.contains(&byte)
        })
    }

    /// Appends text of which all but letters, digits and `- . _ ~` is percent-encoded: a segment
    /// of the path, or a name or value of the query.
    pub fn encoded(&mut self, text: &str) -> &mut Self {
        self.push(text, |byte| {
            byte.is_ascii_alphanumeric() || UNRESERVED.contains(&byte)
        })
    }

    fn push(&mut self, text: &str, stays: impl Fn(u8) -> bool) -> &mut Self {
        for byte in text.bytes() {
            if stays(byte) {
                self.bytes.push(byte);
            } else {
                self.bytes
                    .extend([b'%', hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
            }
        }
        self
    }
}

impl fmt::Write for Target<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.literal(text);
        Ok(())
    }
}

impl Scratch {
    /// What an empty draft may keep of its memory.
    const KEPT_BYTES: usize = 4096;

    /// Writes the whole request.
    fn render(&self, method: &Method, headers: &HeaderBlock, out: &mut Vec<u8>) {
        out.extend_from_slice(method.as_str().as_bytes());
        out.push(b' ');
        if self.target.first() != Some(&b'/') {
            out.push(b'/');
        }
        out.extend_from_slice(&self.target);
        out.extend_from_slice(b" HTTP/1.1\r\n");
        out.extend_from_slice(&headers.0);
        if !self.body.is_empty() {
            out.extend_from_slice(b"Content-Type: application/json\r\n");
        }
        // RFC 9110 §8.6: a method that defines a body says that it has none.
        let takes_body = matches!(*method, Method::POST | Method::PATCH | Method::PUT);
        if takes_body || !self.body.is_empty() {
            out.extend_from_slice(b"Content-Length: ");
            write_decimal(out, self.body.len());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }

    fn clear(&mut self) {
        for buffer in [&mut self.target, &mut self.body] {
            buffer.clear();
            buffer.shrink_to(Self::KEPT_BYTES);
        }
    }
}

impl fmt::Debug for Scratch {
    /// A body can hold a voice token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch(***)")
    }
}

/// Appends one header line.
pub(crate) fn write_header(out: &mut Vec<u8>, name: &str, value: &HeaderValue) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends a number in decimal, without allocating.
fn write_decimal(out: &mut Vec<u8>, number: usize) {
    use std::io::Write;
    // Writing to a `Vec` cannot fail.
    let _ = write!(out, "{number}");
}

fn hex_digit(nibble: u8) -> u8 {
    HEX_DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0')
}

const HEX_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// RFC 3986 §2.3, less letters and digits.
const UNRESERVED: &[u8] = b"-._~";

/// What may stand in a path or query (RFC 3986 §3.3, §3.4), and the percent sign.
const LITERAL: &[u8] = b"-._~/?:@!$&'()*+,;=%";

/// Headers that only the connection may set, for REST and for the WebSocket upgrade.
const RESERVED: &[HeaderName] = &[
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::SEC_WEBSOCKET_ACCEPT,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_VERSION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
