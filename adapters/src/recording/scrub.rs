//! [`Scrubber`]: replaces secrets in text as it passes.

use super::secrets::{Found, Secrets, is_secret_name};

/// Where reading stands in one message.
///
/// It knows as much of JSON as it takes to find texts with a secret's name; that works in what is
/// no JSON too, and there finds nothing.
#[derive(Debug, Default)]
pub(super) struct Scrubber {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Outside,
    /// Inside of a JSON string.
    Text { name: Name, is_escaped: bool },
    /// After a string that names a secret.
    Named,
    /// After that and its colon.
    Valued,
    /// In a secret that is too long to be kept until its end.
    Endless { is_escaped: bool },
}

/// The text of a string, as far as it may be the name of a secret.
#[derive(Debug, Default)]
struct Name {
    text: String,
}

/// Whether more of the message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Comes,
    /// The message is whole.
    Whole,
    /// It breaks off here: what may be the beginning of a secret counts as one.
    Lost,
}

impl Scrubber {
    /// Replaces secrets in `bytes` and returns how many of them are done; the others may be the
    /// beginning of a secret, and come first when there is more. All are done unless more comes.
    pub(super) fn scrub(&mut self, secrets: &mut Secrets, bytes: &mut [u8], rest: Rest) -> usize {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            let Some(left) = bytes.get_mut(at..) else {
                break;
            };
            let count = match (&self.state, byte) {
                (State::Valued, b'"') => self.value(secrets, left, rest),
                (State::Endless { .. }, _) => self.endless(secrets, left),
                _ => self.plain(secrets, left, rest),
            };
            let Some(count) = count else {
                return at;
            };
            at += count;
        }
        if rest != Rest::Comes {
            self.state = State::Outside;
        }
        at
    }

    /// Text in which only known secrets are looked for; none if it may be one of them.
    fn plain(&mut self, secrets: &Secrets, left: &mut [u8], rest: Rest) -> Option<usize> {
        let count = match secrets.find(left) {
            Found::Secret(pattern) => {
                let pseudonym = pattern.pseudonym();
                let place = left.get_mut(..pseudonym.len())?;
                place.copy_from_slice(pseudonym);
                pseudonym.len()
            }
            Found::Beginning if rest == Rest::Comes => return None,
            Found::Beginning if rest == Rest::Lost && left.len() >= LOST_BYTES_MIN => {
                let text = String::from_utf8_lossy(left).into_owned();
                secrets.masks().mask_json(&text, left);
                left.len()
            }
            Found::Beginning | Found::Nothing => 1,
        };
        for byte in left.iter().take(count) {
            self.step(*byte);
        }
        Some(count)
    }

    /// The text of a secret, from its quote on; none if its end is not there yet.
    fn value(&mut self, secrets: &mut Secrets, left: &mut [u8], rest: Rest) -> Option<usize> {
        let (_, text) = left.split_first_mut()?;
        let end = end_of_string(text);
        let count = end.unwrap_or(text.len());
        if end.is_none() && rest == Rest::Comes && count < VALUE_BYTES_MAX {
            return None;
        }
        let escaped = text.get_mut(..count)?;
        let secret = unescaped(escaped);
        if end.is_some() {
            secrets.learn(&secret);
        }
        secrets.masks().mask_json(&secret, escaped);
        if end.is_some() {
            self.state = State::Outside;
            return Some(count + 2);
        }
        let slashes = text.iter().rev().take_while(|byte| **byte == b'\\').count();
        let is_escaped = slashes % 2 == 1;
        self.state = State::Endless { is_escaped };
        Some(count + 1)
    }

    /// One byte of a secret whose end was not waited for.
    fn endless(&mut self, secrets: &Secrets, left: &mut [u8]) -> Option<usize> {
        let State::Endless { is_escaped } = &mut self.state else {
            return Some(1);
        };
        let byte = left.first_mut()?;
        match (*byte, *is_escaped) {
            (b'"', false) => self.state = State::Outside,
            (b'\\', false) => *is_escaped = true,
            (_, true) => *is_escaped = false,
            (_, false) => secrets.masks().mask_json("", std::slice::from_mut(byte)),
        }
        Some(1)
    }

    fn step(&mut self, byte: u8) {
        match &mut self.state {
            State::Text { is_escaped, name } if *is_escaped => {
                *is_escaped = false;
                name.push(0);
            }
            State::Text { is_escaped, name } => match byte {
                b'\\' => *is_escaped = true,
                b'"' if name.is_secret() => self.state = State::Named,
                b'"' => self.state = State::Outside,
                _ => name.push(byte),
            },
            State::Named if byte == b':' => self.state = State::Valued,
            State::Named | State::Valued if byte.is_ascii_whitespace() => {}
            State::Outside | State::Named | State::Valued | State::Endless { .. } => {
                self.state = match byte {
                    b'"' => State::Text {
                        name: Name::default(),
                        is_escaped: false,
                    },
                    _ => State::Outside,
                };
            }
        }
    }
}

impl Name {
    fn push(&mut self, byte: u8) {
        if self.text.len() <= NAME_BYTES_MAX {
            // A name of a secret has nothing but ASCII in it.
            let character = if byte.is_ascii() { byte } else { 0 };
            self.text.push(char::from(character));
        }
    }

    fn is_secret(&self) -> bool {
        self.text.len() <= NAME_BYTES_MAX && is_secret_name(&self.text)
    }
}

/// Where a JSON string ends whose text begins here.
fn end_of_string(text: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    text.iter().position(|byte| match (byte, is_escaped) {
        (_, true) => {
            is_escaped = false;
            false
        }
        (b'\\', false) => {
            is_escaped = true;
            false
        }
        (byte, false) => *byte == b'"',
    })
}

/// The text of a JSON string; as it stands if that is none.
fn unescaped(text: &[u8]) -> String {
    let quoted = [b"\"", text, b"\""].concat();
    let read = serde_json::from_slice(&quoted);
    read.unwrap_or_else(|_| String::from_utf8_lossy(text).into_owned())
}

/// The longest name of a secret.
const NAME_BYTES_MAX: usize = 64;
/// The end of a longer secret is not waited for.
const VALUE_BYTES_MAX: usize = 16 * 1024;
/// So much of a secret that is cut off must be hidden.
const LOST_BYTES_MIN: usize = 3;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_secrets_name_stands_before_is_replaced_and_remembered() {
        let mut secrets = Secrets::default();
        let masked = |secrets: &Secrets, text: &str| secrets.masks().mask(text);
        let text = r#"{"op":"ready","sessionId" : "abc1230xyz","path":"/v4/sessions/abc1230xyz/"}"#;

        let scrubbed = scrub(&mut secrets, text);

        let pseudonym = masked(&secrets, "abc1230xyz");
        assert_eq!(scrubbed, text.replace("abc1230xyz", &pseudonym));
        let later = "GET /v4/sessions/abc1230xyz/players HTTP/1.1\r\n";
        assert_eq!(
            scrub(&mut secrets, later),
            later.replace("abc1230xyz", &pseudonym)
        );
    }

    #[test]
    fn what_only_looks_like_the_name_of_a_secret_changes_nothing() {
        for text in [
            r#"{"token":null,"sessionId":5,"token":["abcdefgh"]}"#,
            r#"{"a":"token","b":"abcdefgh"}"#,
            r#"{"a":"\"token\":\"abcdefgh"}"#,
            r#"{"tok\u0065n":"abcdefgh"}"#,
            r#"["token","abcdefgh"]"#,
        ] {
            assert_eq!(scrub(&mut Secrets::default(), text), text);
        }
    }

    #[test]
    fn the_beginning_of_a_secret_is_held_back_until_more_comes() {
        let mut secrets = Secrets::default();
        secrets.learn("abcdefgh");
        let mut scrubber = Scrubber::default();
        let mut bytes = b"12abcd".to_vec();
        assert_eq!(scrubber.scrub(&mut secrets, &mut bytes, Rest::Comes), 2);
        let mut bytes = b"abcdefgh3".to_vec();
        assert_eq!(scrubber.scrub(&mut secrets, &mut bytes, Rest::Comes), 9);
        assert_eq!(bytes[..8], *secrets.masks().mask("abcdefgh").as_bytes());

        let mut bytes = b"ab".to_vec();
        assert_eq!(scrubber.scrub(&mut secrets, &mut bytes, Rest::Lost), 2);
        assert_eq!(bytes, b"ab", "two letters tell nothing");
        let mut bytes = b"xabcd".to_vec();
        assert_eq!(scrubber.scrub(&mut secrets, &mut bytes, Rest::Lost), 5);
        assert!(
            bytes
                .iter()
                .zip(b"xabcd")
                .skip(1)
                .all(|(after, before)| after != before)
        );
    }

    #[test]
    fn a_secret_of_any_length_is_hidden_and_what_follows_is_not() {
        for length in [
            1,
            100,
            VALUE_BYTES_MAX - 1,
            VALUE_BYTES_MAX,
            3 * VALUE_BYTES_MAX,
        ] {
            let mut secrets = Secrets::default();
            let mut scrubber = Scrubber::default();
            let text = format!(
                "{{\"token\":\"{}\",\"a\":\"xxxx\"}}",
                "x\\\"".repeat(length)
            );
            let mut done = Vec::new();
            let mut held = Vec::new();
            for piece in text.as_bytes().chunks(1000) {
                held.extend_from_slice(piece);
                let count = scrubber.scrub(&mut secrets, &mut held, Rest::Comes);
                done.extend(held.drain(..count));
            }
            scrubber.scrub(&mut secrets, &mut held, Rest::Whole);
            done.extend(held);

            let done = String::from_utf8(done).unwrap();
            assert_eq!(done.len(), text.len());
            let (secret, rest) = done[10..].split_at(3 * length);
            assert!(!secret.contains('x'), "{length}");
            assert_eq!(rest, "\",\"a\":\"xxxx\"}");
        }
    }

    fn scrub(secrets: &mut Secrets, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let count = Scrubber::default().scrub(secrets, &mut bytes, Rest::Whole);
        assert_eq!(count, bytes.len());
        String::from_utf8(bytes).unwrap()
    }
}
