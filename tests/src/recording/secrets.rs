//! [`Secrets`]: what of a recording must never be printed.

use std::collections::BTreeSet;

use super::file::Recording;
use super::head;

/// Passwords, tokens and session ids, found in both directions of a recording.
///
/// What a server quotes, such as a voice state in an error message, may hold them anywhere.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secrets(BTreeSet<String>);

impl Secrets {
    pub(super) fn of(recording: &Recording) -> Self {
        let mut found = BTreeSet::new();
        for stream in [&recording.client, &recording.server] {
            for line in head::lines(&stream.bytes) {
                let Some((name, value)) = head::field(line) else {
                    continue;
                };
                if HEADERS
                    .iter()
                    .any(|header| name.eq_ignore_ascii_case(header))
                {
                    found.insert(value);
                }
            }
            let text = String::from_utf8_lossy(&stream.bytes);
            for key in KEYS {
                found.extend(text.split(key).skip(1).filter_map(json_text));
            }
            found.extend(text.split("/sessions/").skip(1).map(path_segment));
        }
        found.retain(|secret| secret.len() >= BYTES_MIN);
        Self(found)
    }

    /// The text with `***` for each of them.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut hidden = text.to_owned();
        for secret in &self.0 {
            hidden = replace_words(&hidden, secret);
        }
        hidden
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(***)")
    }
}

/// The text with `***` wherever `secret` stands alone, so that a short one spares other words.
fn replace_words(text: &str, secret: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(secret) {
        replaced.push_str(before);
        let is_inside = before
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric)
            || after.chars().next().is_some_and(char::is_alphanumeric);
        replaced.push_str(if is_inside { secret } else { "***" });
        rest = after;
    }
    replaced.push_str(rest);
    replaced
}

/// The text value of a JSON key whose name was before `rest`.
fn json_text(rest: &str) -> Option<String> {
    let value = rest
        .trim_start()
        .strip_prefix(':')?
        .trim_start()
        .strip_prefix('"')?;
    value.split_once('"').map(|(text, _)| text.to_owned())
}

fn path_segment(rest: &str) -> String {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_~%".contains(c));
    rest.get(..end.unwrap_or(rest.len()))
        .unwrap_or_default()
        .to_owned()
}

const HEADERS: [&str; 4] = ["authorization", "session-id", "cookie", "set-cookie"];

const KEYS: [&str; 3] = ["\"token\"", "\"sessionId\"", "\"password\""];

/// Shorter ones are no secrets, and too many words would go with them.
const BYTES_MIN: usize = 4;
