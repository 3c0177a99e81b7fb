//! [`Scrubber`]: replaces secrets in text as it passes.

use super::secrets::Secrets;
use super::words::is_secret_name;

/// Where reading stands in one message.
///
/// It knows as much of JSON as it takes to find texts with a secret's name, and of headers if it is
/// to look for those; that works in what is neither too, and there finds nothing.
#[derive(Debug, Default)]
pub(super) struct Scrubber {
    state: State,
    /// The line so far, if headers are looked for and it may be one.
    line: Option<Name>,
    /// Whether headers are looked for.
    has_headers: bool,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Outside,
    /// Inside of a JSON string.
    Text { name: Name, is_escaped: bool },
    /// After a string that names a secret.
    Named,
    /// After that and its colon; so much of the text behind its quote has no end in it.
    Valued { searched: usize, is_escaped: bool },
    /// In a secret that is too long to be kept until its end.
    Endless { is_escaped: bool },
    /// Behind the colon of a header that holds a secret.
    Header,
}

/// The text of a string, as it stands there, as far as it may be the name of a secret.
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
    /// One that looks for headers, too.
    pub(super) fn with_headers() -> Self {
        Self {
            line: Some(Name::default()),
            has_headers: true,
            ..Self::default()
        }
    }

    /// Replaces secrets in `bytes` and returns how many of them are done; the others may be the
    /// beginning of a secret, and come first when there is more. All are done unless more comes.
    pub(super) fn scrub(&mut self, secrets: &mut Secrets, bytes: &mut [u8], rest: Rest) -> usize {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            let Some(left) = bytes.get_mut(at..) else {
                break;
            };
            let count = match (&self.state, byte) {
                (State::Valued { .. }, b'"') => self.value(secrets, left, rest),
                (State::Header, byte) if byte != b' ' => self.header(secrets, left, rest),
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
            self.line = self.has_headers.then(Name::default);
        }
        at
    }

    /// Text in which only known secrets are looked for; none if it may be one of them.
    fn plain(&mut self, secrets: &Secrets, left: &mut [u8], rest: Rest) -> Option<usize> {
        let found = secrets.find(left);
        if found.goes_on && rest == Rest::Comes {
            return None;
        }
        let mut now = found.pseudonym.unwrap_or_default();
        let more = left.get(now.len()..).unwrap_or_default();
        if found.goes_on && rest == Rest::Lost && more.len() >= LOST_BYTES_MIN {
            let text = String::from_utf8_lossy(more).into_owned();
            let mut more = more.to_vec();
            secrets.masks().mask_json(&text, &mut more);
            now.extend(more);
        }
        if now.is_empty() {
            now.extend(left.first());
        }
        Some(self.put(left, &now))
    }

    /// Puts in what is written in the place of these bytes, as far as no secret begins there whose
    /// end is looked for; returns how many. The state follows what stood there: a name of a secret
    /// is one although it is itself replaced.
    fn put(&mut self, left: &mut [u8], now: &[u8]) -> usize {
        let mut count = 0;
        for (place, byte) in left.iter_mut().zip(now) {
            if count > 0 && self.is_before_value(*place) {
                break;
            }
            self.step(*place);
            *place = *byte;
            count += 1;
        }
        count
    }

    /// Whether a secret begins with this byte.
    fn is_before_value(&self, byte: u8) -> bool {
        match self.state {
            State::Valued { .. } => byte == b'"',
            State::Header => byte != b' ',
            State::Outside | State::Text { .. } | State::Named | State::Endless { .. } => false,
        }
    }

    /// The text of a secret, from its quote on; none if its end is not there yet.
    fn value(&mut self, secrets: &mut Secrets, left: &mut [u8], rest: Rest) -> Option<usize> {
        let State::Valued {
            searched,
            is_escaped,
        } = &mut self.state
        else {
            return Some(1);
        };
        let (_, text) = left.split_first_mut()?;
        let new = text.get(*searched..).unwrap_or_default();
        let end = end_of_string(new, is_escaped).map(|end| *searched + end);
        let count = end.unwrap_or(text.len());
        if end.is_none() && rest == Rest::Comes && count < VALUE_BYTES_MAX {
            *searched = count;
            return None;
        }
        let is_escaped = *is_escaped;
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
        self.state = State::Endless { is_escaped };
        Some(count + 1)
    }

    /// The value of a header, without what ends its line; none if that is not there yet.
    fn header(&mut self, secrets: &mut Secrets, left: &mut [u8], rest: Rest) -> Option<usize> {
        let end = left.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let count = end.unwrap_or(left.len());
        if end.is_none() && rest == Rest::Comes && count < HEADER_BYTES_MAX {
            return None;
        }
        let value = left.get_mut(..count)?;
        let text = String::from_utf8_lossy(value).into_owned();
        let text = text.trim_end();
        if end.is_some() {
            // What a cookie is called and where it counts is no secret; what it says may come
            // back.
            let said = text.split(';').next().unwrap_or_default();
            let said = said.split_once('=').map_or(said, |(_, said)| said);
            secrets.learn(said);
        }
        let masked = secrets.masks().mask(text);
        if let Some(place) = value.get_mut(..masked.len()) {
            place.copy_from_slice(masked.as_bytes());
        }
        if end.is_some() {
            self.state = State::Outside;
        }
        Some(count.max(1))
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
        if self.has_headers && self.step_line(byte) {
            return;
        }
        match &mut self.state {
            State::Text { is_escaped, name } => match byte {
                b'"' if !*is_escaped && name.is_secret() => self.state = State::Named,
                b'"' if !*is_escaped => self.state = State::Outside,
                _ => {
                    *is_escaped = byte == b'\\' && !*is_escaped;
                    name.push(byte);
                }
            },
            State::Named if byte == b':' => {
                self.state = State::Valued {
                    searched: 0,
                    is_escaped: false,
                }
            }
            State::Named | State::Valued { .. } if byte.is_ascii_whitespace() => {}
            State::Header if byte != b'\n' => {}
            State::Outside
            | State::Named
            | State::Valued { .. }
            | State::Endless { .. }
            | State::Header => {
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

impl Scrubber {
    /// Follows a line; whether a header with a secret begins here.
    fn step_line(&mut self, byte: u8) -> bool {
        match (&mut self.line, byte) {
            (_, b'\n') => self.line = Some(Name::default()),
            (Some(line), b':') if line.is_secret() => {
                self.line = None;
                self.state = State::Header;
                return true;
            }
            (Some(line), _) if byte == b'-' || byte.is_ascii_alphanumeric() => line.push(byte),
            (line, _) => *line = None,
        }
        false
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
        if self.text.len() > NAME_BYTES_MAX {
            return false;
        }
        if self.text.contains('\\') {
            return is_secret_name(&unescaped(self.text.as_bytes()));
        }
        is_secret_name(&self.text)
    }
}

/// Where a JSON string ends whose text goes on here; what is escaped there is remembered.
pub(super) fn end_of_string(text: &[u8], is_escaped: &mut bool) -> Option<usize> {
    text.iter().position(|byte| {
        let was_escaped = std::mem::replace(is_escaped, *byte == b'\\' && !*is_escaped);
        *byte == b'"' && !was_escaped
    })
}

/// The text of a JSON string; as it stands if that is none.
pub(super) fn unescaped(text: &[u8]) -> String {
    let quoted = [b"\"", text, b"\""].concat();
    let read = serde_json::from_slice(&quoted);
    read.unwrap_or_else(|_| String::from_utf8_lossy(text).into_owned())
}

/// The longest name of a secret, each of whose letters may be written as its number.
const NAME_BYTES_MAX: usize = 6 * 64;
/// The end of a longer secret is not waited for: it is hidden, and cannot come back, as no head of
/// a request is as long.
const VALUE_BYTES_MAX: usize = 1024 * 1024;
/// Nor is that of a longer header.
const HEADER_BYTES_MAX: usize = 16 * 1024;
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
            r#"["token","abcdefgh"]"#,
        ] {
            assert_eq!(scrub(&mut Secrets::default(), text), text);
        }
    }

    #[test]
    fn a_name_is_a_secrets_however_it_is_written() {
        for name in [
            r"tok\u0065n",
            r"\u0074\u006F\u006B\u0065\u006E",
            r"session\u0049d",
        ] {
            let mut secrets = Secrets::default();
            let scrubbed = scrub(&mut secrets, &format!("{{\"{name}\":\"abcdefgh\"}}"));
            let pseudonym = secrets.masks().mask("abcdefgh");
            assert_eq!(scrubbed, format!("{{\"{name}\":\"{pseudonym}\"}}"));
            assert_eq!(scrub(&mut secrets, "abcdefgh"), pseudonym, "it is learned");
        }
    }

    #[test]
    fn what_a_server_sets_in_a_header_is_replaced_and_remembered() {
        let text = "HTTP/1.1 200 OK\r\nset-cookie: sid=abc123def; Path=/\r\nX-Api-Key:k1\r\n\
                    Date: today\r\n\r\n";
        for step in [1, 2, 7, text.len()] {
            let mut secrets = Secrets::default();
            let scrubbed = scrub_in_pieces(Scrubber::with_headers(), &mut secrets, text, step);
            let cookie = secrets.masks().mask("sid=abc123def; Path=/");
            let key = secrets.masks().mask("k1");
            let expected = text
                .replace("sid=abc123def; Path=/", &cookie)
                .replace("k1", &key);
            assert_eq!(scrubbed, expected, "cut each {step}");
            let pseudonym = secrets.masks().mask("abc123def");
            assert_eq!(scrub(&mut secrets, "abc123def"), pseudonym, "it is learned");
        }
    }

    #[test]
    fn a_secret_that_is_as_long_as_a_head_can_be_is_learned() {
        let mut secrets = Secrets::default();
        let secret = "aB3-".repeat(16 * 1024);
        let text = format!("{{\"sessionId\":\"{secret}\"}}");
        let scrubbed = scrub_in_pieces(Scrubber::default(), &mut secrets, &text, 1000);
        let pseudonym = secrets.masks().mask(&secret);
        assert!(
            scrubbed == text.replace(&secret, &pseudonym),
            "it is not replaced as one"
        );
        let later = format!("Session-Id: {secret}\r\n");
        let replaced = later.replace(&secret, &pseudonym);
        assert!(scrub(&mut secrets, &later) == replaced, "it is not learned");
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
        for length in [1, 100, VALUE_BYTES_MAX / 3, VALUE_BYTES_MAX / 3 + 7] {
            let mut secrets = Secrets::default();
            let text = format!(
                "{{\"token\":\"{}\",\"a\":\"xxxx\"}}",
                "x\\\"".repeat(length)
            );
            let done = scrub_in_pieces(Scrubber::default(), &mut secrets, &text, 100_000);
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

    fn scrub_in_pieces(
        mut scrubber: Scrubber,
        secrets: &mut Secrets,
        text: &str,
        bytes: usize,
    ) -> String {
        let mut done = Vec::new();
        let mut held = Vec::new();
        for piece in text.as_bytes().chunks(bytes) {
            held.extend_from_slice(piece);
            let count = scrubber.scrub(secrets, &mut held, Rest::Comes);
            done.extend(held.drain(..count));
        }
        scrubber.scrub(secrets, &mut held, Rest::Whole);
        done.extend(held);
        String::from_utf8(done).unwrap()
    }
}
