//! What can be made to go wrong with a test node, at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::config::AnswerKind;

/// The faults that last until they are taken back. Those that happen once are methods of
/// [`TestNode`](super::TestNode).
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// What happens to new connections.
    pub accepting: Accepting,
    /// Whether WebSockets are upgraded but never get `ready`, nor anything else.
    pub never_ready: bool,
    /// Whether every request to a session is answered 404 "Session not found" while it lives.
    pub sessions_unknown: bool,
    /// The extra time that answers of a kind take.
    pub slow: BTreeMap<AnswerKind, Duration>,
    /// The kinds of requests that are never answered and never take effect.
    pub unanswered: BTreeSet<AnswerKind>,
    /// The kinds of requests that take effect, but whose connection is reset in place of the
    /// answer.
    pub lost: BTreeSet<AnswerKind>,
    /// Requests that are answered with an error and take no effect. The first that matches counts.
    pub failures: Vec<Failure>,
    /// The identifiers of tracks that are answered 500 whenever a player is asked to play them.
    pub rejected_tracks: BTreeSet<String>,
    /// What answers about one player tell in place of it.
    pub told_instead: Option<Value>,
    /// What 429 and 503 say in `Retry-After`, in seconds.
    pub retry_after_s: Option<u32>,
    /// The `Lavalink-Api-Version` of an upgrade, in place of 4.
    pub api_version: Option<u32>,
}

impl Faults {
    /// Returns the extra time that an answer of this kind takes.
    pub fn delay(&self, kind: AnswerKind) -> Duration {
        self.slow.get(&kind).copied().unwrap_or_default()
    }

    /// Makes the next `times` requests fail with a status, whatever they ask.
    pub fn fail_next(&mut self, status: u16, times: u32) {
        self.failures.push(Failure {
            times: Some(times),
            ..Failure::always(status)
        });
    }

    /// Makes every request whose path contains `part` fail with a status.
    pub fn fail_matching(&mut self, part: impl Into<String>, status: u16) {
        self.failures.push(Failure {
            path: Some(part.into()),
            ..Failure::always(status)
        });
    }

    /// Returns what an answer tells of a player.
    pub(super) fn told(&self, player: Value) -> Value {
        self.told_instead.clone().unwrap_or(player)
    }

    /// Takes all back but the tracks that are rejected, which are what the node cannot play.
    pub fn end(&mut self) {
        *self = Self {
            rejected_tracks: std::mem::take(&mut self.rejected_tracks),
            ..Self::default()
        };
    }

    /// Takes the first failure that a request matches, and counts it.
    pub(super) fn take_failure(&mut self, method: &str, path: &str) -> Option<u16> {
        let index = self
            .failures
            .iter()
            .position(|failure| failure.matches(method, path))?;
        let failure = &mut self.failures[index];
        let status = failure.status;
        if let Some(times) = &mut failure.times {
            *times -= 1;
            if *times == 0 {
                self.failures.remove(index);
            }
        }
        Some(status)
    }
}

/// What a node does with new connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accepting {
    /// It serves them.
    #[default]
    Serve,
    /// It resets them at once. A network that can refuse a connection before it is made should
    /// look at [`TestNode::accepts`](super::TestNode::accepts) first.
    Refuse,
    /// It accepts them and never answers a byte, for as long as they live.
    Silence,
}

/// A request that fails, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The method that it must have; none is any.
    pub method: Option<String>,
    /// What its path must contain; none is any.
    pub path: Option<String>,
    /// The status of the answer; below 400 with a page, as of a proxy that does not ask the server.
    pub status: u16,
    /// How many requests are still to fail, at least 1; none is all.
    pub times: Option<u32>,
    /// What it comes from, for whoever takes back what comes from that.
    pub cause: u64,
}

impl Failure {
    /// Returns the failure of every request with this status.
    pub fn always(status: u16) -> Self {
        Self {
            method: None,
            path: None,
            status,
            times: None,
            cause: 0,
        }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let named = self.method.as_deref().is_none_or(|wanted| wanted == method);
        let placed = self.path.as_deref().is_none_or(|part| path.contains(part));
        named && placed && self.times != Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_counted_down_and_then_gone() {
        let mut faults = Faults::default();
        faults.fail_next(503, 2);
        faults.fail_matching("/players/", 500);
        let taken: Vec<_> = (0..3)
            .map(|_| faults.take_failure("GET", "/version"))
            .collect();
        assert_eq!(taken, [Some(503), Some(503), None]);
        assert_eq!(
            faults.take_failure("PATCH", "/v4/sessions/s/players/1"),
            Some(500)
        );
    }
}
