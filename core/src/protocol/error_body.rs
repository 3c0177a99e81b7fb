//! What a server says about a request that it refuses: [`ErrorBody`].

use std::fmt;

use serde::Deserialize;

use super::lenient;

/// The body of an error answer, as much of it as there is.
///
/// Empty for 401 and 403; NodeLink often leaves `error` out; a proxy may send HTML.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ErrorBody {
    /// The server's clock, in milliseconds since 1970; 0 if it does not say.
    #[serde(deserialize_with = "lenient::i64_or_zero")]
    pub timestamp: i64,
    /// The status that the body repeats; 0 if it does not.
    #[serde(deserialize_with = "lenient::u16_or_zero")]
    pub status: u16,
    /// The status in words, such as `Not Found`.
    pub error: Option<String>,
    /// The server's stack trace; NodeLink always sends one.
    pub trace: Option<String>,
    /// What is wrong, such as `Session not found`.
    pub message: Option<String>,
    /// The path that was asked for. It may hold a session id, so it never shows in a log.
    pub path: Option<String>,
}

impl ErrorBody {
    /// Reads a body; what is not an object of this shape is an empty one.
    pub fn decode(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// Whether the body says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the server does not know the session: it ended, or has no WebSocket at the moment.
    pub fn is_session_not_found(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default();
        message.eq_ignore_ascii_case("session not found")
    }
}

impl fmt::Debug for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = f.debug_struct("ErrorBody");
        body.field("timestamp", &self.timestamp)
            .field("status", &self.status);
        body.field("error", &self.error)
            .field("message", &self.message);
        body.field("trace", &self.trace.as_ref().map(String::len));
        body.field("path", &self.path.as_ref().map(|_| "***"));
        body.finish()
    }
}
