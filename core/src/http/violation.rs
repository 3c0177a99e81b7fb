//! What a peer can do wrong in HTTP.

/// How a peer broke HTTP in the header section of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadViolation {
    /// The first bytes are not `HTTP/1.`: another protocol, or TLS on a plain port.
    #[error("the answer is not HTTP/1.1")]
    NotHttp,
    /// The status line is not one (RFC 9112 §4).
    #[error("malformed status line")]
    StatusLine,
    /// A header's name holds what it may not, or a line is folded (RFC 9112 §5.2).
    #[error("malformed header name")]
    HeaderName,
    /// A header's value holds a control character.
    #[error("malformed header value")]
    HeaderValue,
    /// A carriage return without a line feed.
    #[error("malformed line end in the header section")]
    LineEnd,
    /// The section is longer than `header_bytes_max`.
    #[error("header section exceeds {bytes_max} bytes")]
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// There are more headers than a response of a node can need.
    #[error("header section exceeds {count_max} headers")]
    TooManyHeaders {
        /// The limit.
        count_max: usize,
    },
}

/// How a peer broke HTTP. The connection is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The header section is broken.
    #[error(transparent)]
    Head(#[from] HeadViolation),
    /// Bytes came while no request was under way.
    #[error("bytes came without a request")]
    Unsolicited,
    /// Status 101, which no request asked for.
    #[error("the server switched protocols unasked")]
    SwitchedProtocols,
    /// `Content-Length` is not one number (RFC 9112 §6.3).
    #[error("invalid or conflicting content length")]
    ContentLength,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.3).
    #[error("both a content length and a transfer encoding")]
    LengthAndEncoding,
    /// A `Transfer-Encoding` other than `chunked`.
    #[error("transfer encoding other than chunked")]
    TransferEncoding,
    /// The body is longer than `body_bytes_max`, as announced or as it came.
    #[error("body exceeds {bytes_max} bytes")]
    BodyTooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// A chunk does not follow RFC 9112 §7.1.
    #[error("malformed chunk")]
    Chunk,
    /// Chunk lines or trailers are longer than `header_bytes_max` together.
    #[error("chunk lines and trailers exceed {bytes_max} bytes")]
    ChunkLineTooLong {
        /// The limit.
        bytes_max: usize,
    },
}

/// How far an exchange was when the peer closed the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// No request was under way: servers close idle connections, Lavalink after 60 s.
    #[error("closed while idle")]
    Idle,
    /// A request was under way, and not one byte of a response had come.
    #[error("closed before the response")]
    BeforeResponse,
    /// The response had begun.
    #[error("closed inside the response")]
    InsideResponse,
}
