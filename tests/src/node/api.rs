//! Answers that say what went wrong, as Spring Boot words them (Lavalink: Error Responses).

use serde_json::{Map, Value};

use super::blob::BlobError;
use super::fields::Malformed;
use super::filters::FilterError;
use super::http::{Request, Response, percent_decode, reason};
use super::log::Violation;

/// An error with a status and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    status: u16,
    message: String,
    /// Whether a handler threw it unforeseen; its answer has no `Lavalink-Api-Version`.
    is_thrown: bool,
    /// Whether it is because nobody could read the body.
    is_unreadable: bool,
}

impl ApiError {
    /// Makes an error that a handler foresaw.
    pub(super) fn new(status: u16, message: &str) -> Self {
        Self {
            status,
            message: message.to_owned(),
            is_thrown: false,
            is_unreadable: false,
        }
    }

    /// Makes a 400 with a message.
    pub(super) fn bad(message: &str) -> Self {
        Self::new(400, message)
    }

    /// Makes the error of a session that is unknown or detached.
    pub(super) fn session_not_found() -> Self {
        Self::new(404, "Session not found")
    }

    /// Makes the 500 of an exception that nobody caught.
    pub(super) fn thrown(cause: &str) -> Self {
        let message = format!("Request processing failed: {cause}");
        Self {
            status: 500,
            message,
            is_thrown: true,
            is_unreadable: false,
        }
    }

    /// Makes the 500 of an exception without a message.
    pub(super) fn unexplained() -> Self {
        Self {
            status: 500,
            message: "No message available".to_owned(),
            is_thrown: true,
            is_unreadable: false,
        }
    }

    /// Writes the error as the answer to a request.
    pub(super) fn response(&self, request: &Request, unix_ms: u64) -> Response {
        let mut body = Map::new();
        body.insert("timestamp".to_owned(), Value::from(unix_ms));
        body.insert("status".to_owned(), Value::from(self.status));
        body.insert("error".to_owned(), Value::from(reason(self.status)));
        if request.query("trace").as_deref() == Some("true") {
            body.insert("trace".to_owned(), Value::from(self.trace()));
        }
        body.insert("message".to_owned(), Value::from(self.message.as_str()));
        body.insert(
            "path".to_owned(),
            Value::from(percent_decode(request.path())),
        );
        let mut response = Response::json(self.status, &Value::Object(body));
        response.versioned = !self.is_thrown;
        response.flaw = self.is_unreadable.then_some(Violation::UnreadableBody);
        response
    }

    fn trace(&self) -> String {
        let class = "org.springframework.web.server.ResponseStatusException";
        let frames = "\n\tat java.base/java.lang.Thread.run(Thread.java:840)";
        format!("{class}: {} \"{}\"{frames}", self.status, self.message)
    }
}

impl From<Malformed> for ApiError {
    fn from(_: Malformed) -> Self {
        Self {
            is_unreadable: true,
            ..Self::bad("Bad Request")
        }
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::IllegalCharacter(byte) => Self::thrown(&format!(
                "java.lang.IllegalArgumentException: Illegal base64 character {byte:x}"
            )),
            BlobError::Truncated | BlobError::UnknownVersion(_) => Self::unexplained(),
        }
    }
}

impl From<FilterError> for ApiError {
    fn from(error: FilterError) -> Self {
        match error {
            FilterError::Malformed => Malformed.into(),
            FilterError::Disabled(names) => Self::bad(&format!(
                "Following filters are disabled in the config: {}",
                names.join(", ")
            )),
            FilterError::Band(band) => Self::thrown(&format!(
                "java.lang.ArrayIndexOutOfBoundsException: Index {band} out of bounds for length 15"
            )),
        }
    }
}
