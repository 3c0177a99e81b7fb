//! What a server says about a request that it refuses: [`ErrorBody`].

use serde::Deserialize;

use super::lenient;

/// The body of an error answer, as much of it as there is.
///
/// Empty for 401 and 403; NodeLink often leaves `error` out; a proxy may send HTML. Session ids in
/// its texts are replaced by `***`: servers quote the path that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
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
    /// The path that was asked for.
    pub path: Option<String>,
}

impl ErrorBody {
    /// Reads a body; what is not an object of this shape is an empty one.
    pub fn decode(body: &[u8]) -> Self {
        let text = str::from_utf8(body).unwrap_or_default();
        let mut body: Self = serde_json::from_str(text).unwrap_or_default();
        for text in [&mut body.message, &mut body.path, &mut body.trace]
            .into_iter()
            .flatten()
        {
            *text = redact(text);
        }
        body
    }

    /// Whether the body says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the server does not know the session: it ended, or has no WebSocket at the moment.
    ///
    /// Lavalink says `Session not found`, NodeLink `The provided session Id doesn't exist.`
    pub fn is_session_not_found(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default().as_bytes();
        let mut words = message.split(|byte| !byte.is_ascii_alphabetic());
        self.status == 404 && words.any(|word| word.eq_ignore_ascii_case(b"session"))
    }

    /// Whether the server says that it has no player for the guild, as Lavalink does of a session
    /// that it knows: `Player not found`. Whatever else answers 404 says nothing of players.
    pub fn is_player_not_found(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default();
        self.status == 404 && message.eq_ignore_ascii_case("Player not found")
    }
}

/// The text with `***` for each session id in a path.
pub(crate) fn redact(text: &str) -> String {
    const BEFORE: &str = "/sessions/";
    let mut parts = text.split(BEFORE);
    let mut redacted = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~' | '%');
        redacted.push_str(BEFORE);
        redacted.push_str("***");
        redacted.push_str(part.trim_start_matches(is_id));
    }
    redacted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_lavalink_is_read_without_the_session_id() {
        let body = br#"{"timestamp":1795224391581,"status":404,"error":"Not Found",
            "message":"No endpoint GET /v4/sessions/ws75u9i6ev5mxt90/players/1/.",
            "path":"/v4/sessions/ws75u9i6ev5mxt90/players/1/"}"#;
        let expected = ErrorBody {
            timestamp: 1_795_224_391_581,
            status: 404,
            error: Some("Not Found".into()),
            trace: None,
            message: Some("No endpoint GET /v4/sessions/***/players/1/.".into()),
            path: Some("/v4/sessions/***/players/1/".into()),
        };
        assert_eq!(ErrorBody::decode(body), expected);
        assert!(!expected.is_session_not_found());
    }

    #[test]
    fn anything_else_is_an_empty_body() {
        let page = b"<html><body>502 Bad Gateway</body></html>";
        for body in [
            &b""[..],
            page,
            b"Unauthorized",
            b"[]",
            b"null",
            b"\xff\xfe",
            b"{\"status\":",
        ] {
            assert_eq!(ErrorBody::decode(body), ErrorBody::default(), "{body:?}");
            assert!(ErrorBody::decode(body).is_empty());
        }
    }

    #[test]
    fn lavalink_and_nodelink_say_in_their_own_words_that_a_session_is_not_known() {
        let lavalink = br#"{"status":404,"error":"Not Found","message":"Session not found"}"#;
        let nodelink = br#"{"status":404,"message":"The provided session Id doesn't exist."}"#;
        let player = br#"{"status":404,"error":"Not Found","message":"Player not found"}"#;
        let route = br#"{"status":404,"message":"The requested route was not found."}"#;
        let refused = br#"{"status":400,"message":"Session not found"}"#;
        assert!(ErrorBody::decode(lavalink).is_session_not_found());
        assert!(ErrorBody::decode(nodelink).is_session_not_found());
        assert!(!ErrorBody::decode(player).is_session_not_found());
        assert!(ErrorBody::decode(player).is_player_not_found());
        for other in [&lavalink[..], nodelink, route, refused] {
            assert!(!ErrorBody::decode(other).is_player_not_found());
        }
        assert!(!ErrorBody::decode(route).is_session_not_found());
        assert!(!ErrorBody::decode(refused).is_session_not_found());
    }
}
