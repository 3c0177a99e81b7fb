//! Whether a session outlives its WebSocket: [`SessionUpdate`], [`SessionState`].

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::lenient;

/// The body of `PATCH /v4/sessions/{id}`: what is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SessionUpdate {
    /// Whether the session waits for a new WebSocket when it loses its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resuming: Option<bool>,
    /// How long it waits; whole seconds on the wire, rounded up.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "seconds_up")]
    pub timeout: Option<Duration>,
}

/// The answer to a [`SessionUpdate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct SessionState {
    /// Whether the session waits for a new WebSocket when it loses its own.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub resuming: bool,
    /// How long it waits; zero means that it does not.
    #[serde(default, deserialize_with = "seconds")]
    pub timeout: Duration,
}

/// Rounded down, a part of a second would be 0: the session would expire at once.
fn seconds_up<S: Serializer>(timeout: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    let timeout = timeout.unwrap_or_default();
    let seconds = timeout
        .as_secs()
        .saturating_add(u64::from(timeout.subsec_nanos() > 0));
    // The server reads a signed number.
    serializer.serialize_u64(seconds.min(i64::MAX.unsigned_abs()))
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    lenient::u64_or_zero(deserializer).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_is_whole_seconds_rounded_up() {
        let cases = [
            (Duration::from_secs(60), "60"),
            (Duration::from_millis(1), "1"),
            (Duration::from_millis(60_001), "61"),
            (Duration::ZERO, "0"),
            (Duration::MAX, "9223372036854775807"),
        ];
        for (timeout, seconds) in cases {
            let update = SessionUpdate {
                resuming: Some(true),
                timeout: Some(timeout),
            };
            let json = serde_json::to_string(&update).unwrap();
            assert_eq!(json, format!("{{\"resuming\":true,\"timeout\":{seconds}}}"));
        }
        assert_eq!(
            serde_json::to_string(&SessionUpdate::default()).unwrap(),
            "{}"
        );
    }

    #[test]
    fn a_negative_timeout_is_zero() {
        let state = |json| serde_json::from_str::<SessionState>(json).unwrap();
        let minute = SessionState {
            resuming: true,
            timeout: Duration::from_secs(60),
        };
        let expired = SessionState {
            resuming: true,
            timeout: Duration::ZERO,
        };
        assert_eq!(state(r#"{"resuming":true,"timeout":60}"#), minute);
        assert_eq!(state(r#"{"resuming":true,"timeout":-5}"#), expired);
    }
}
