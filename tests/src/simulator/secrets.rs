//! [`Secrets`]: whether what a log may show holds a password, a token or a session id.

use std::fmt::{Debug, Write as _};
use std::time::Duration;

use super::Simulation;

/// What must never be shown.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    sessions: Vec<String>,
    text: String,
}

impl Secrets {
    /// A session id.
    pub(super) fn learn(&mut self, session: &str) {
        if !session.is_empty() && self.sessions.last().is_none_or(|last| last != session) {
            self.sessions.retain(|known| known != session);
            self.sessions.push(session.to_owned());
            let old = self.sessions.len().saturating_sub(SESSIONS_MAX);
            self.sessions.drain(..old);
        }
    }

    /// What kind of secret something shows.
    pub(super) fn find(&mut self, what: &dyn Debug) -> Option<&'static str> {
        self.text.clear();
        write!(self.text, "{what:?}").expect("a string takes all text");
        for (mark, kind) in MARKS {
            if self.text.contains(mark) {
                return Some(kind);
            }
        }
        let shows = |session: &String| self.text.contains(&**session);
        self.sessions.iter().any(shows).then_some("a session id")
    }
}

impl Simulation {
    /// Looks for secrets in what a program may print of the pool: views, and at times all of it.
    pub(super) fn judge_secrets(&mut self) {
        let pool = self.world.pool();
        for view in pool.nodes() {
            self.oracle.shown(&view);
        }
        for view in pool.players() {
            self.oracle.shown(&view);
        }
        if self.world.now() >= self.searches_at {
            self.searches_at = self.world.now() + SEARCHED_EVERY;
            self.oracle.shown(pool);
        }
    }
}

/// How the secrets of a simulation begin, and what they are.
const MARKS: [(&str, &str); 3] = [
    ("password-of-", "a password"),
    ("token-", "a voice token"),
    ("voice-session-", "a voice session id"),
];

/// How many session ids are looked for: the latest.
const SESSIONS_MAX: usize = 6;

/// All that the pool is takes a while to read.
const SEARCHED_EVERY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::Secrets;

    #[test]
    fn a_secret_is_found_wherever_it_is_shown() {
        let mut secrets = Secrets::default();
        secrets.learn("abcdefgh01234567");
        let found = |secrets: &mut Secrets, what: &str| secrets.find(&Some(what));
        assert_eq!(found(&mut secrets, "password-of-3"), Some("a password"));
        assert_eq!(
            found(&mut secrets, "/abcdefgh01234567/"),
            Some("a session id")
        );
        assert_eq!(found(&mut secrets, "nothing"), None);
    }
}
