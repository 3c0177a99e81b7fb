//! [`Secrets`]: what must not be seen, in each form in which it may come along.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};

use super::mask::Masks;
use super::spelling::{START_BYTES, Spelled, respelled, spelled, start};
use super::words::is_word;

/// The secrets that are known so far, and what is written in their place.
///
/// One that is long and is no word of the protocol is replaced wherever it stands. A weak one,
/// such as the password `ready`, would be found in half of all messages: that is replaced only
/// where a secret is expected.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    masks: Masks,
    known: BTreeSet<String>,
    /// The headers that hold secrets, in lower case.
    headers: BTreeSet<String>,
    /// Where the nodes are, which everybody may see.
    addresses: BTreeSet<String>,
    /// By their first bytes, the longest first.
    patterns: BTreeMap<[u8; START_BYTES], Vec<Pattern>>,
    /// The beginnings of those bytes.
    beginnings: BTreeSet<Vec<u8>>,
}

#[derive(Debug)]
struct Pattern {
    secret: Vec<u8>,
    pseudonym: Vec<u8>,
}

/// What some bytes begin with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// A secret, of which this is the pseudonym, spelled in as many bytes.
    pub(super) pseudonym: Option<Vec<u8>>,
    /// Whether all of the bytes are the beginning of a secret, which is longer than that.
    pub(super) goes_on: bool,
}

impl Secrets {
    pub(super) fn new(masks: Masks) -> Self {
        Self {
            masks,
            ..Self::default()
        }
    }

    pub(super) const fn masks(&self) -> &Masks {
        &self.masks
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The value of this header is secret, whichever it is.
    pub(super) fn learn_header(&mut self, name: &str) {
        if self.headers.insert(name.to_ascii_lowercase()) {
            let weak: Vec<_> = self
                .known
                .iter()
                .filter(|secret| self.is_weak(secret))
                .cloned()
                .collect();
            for secret in weak {
                self.add_header(&name.to_ascii_lowercase(), &secret);
            }
        }
    }

    /// Nodes are at this address: what is part of it is replaced only where a secret is expected.
    pub(super) fn learn_address(&mut self, address: &str) {
        self.addresses.insert(address.to_ascii_lowercase());
    }

    /// This text is secret.
    pub(super) fn learn(&mut self, secret: &str) {
        if secret.is_empty() || !self.known.insert(secret.to_owned()) {
            return;
        }
        let masked = self.masks.mask(secret);
        if !self.is_weak(secret) {
            return self.add(secret.into(), masked.into());
        }
        for (before, after) in PATHS {
            let around = |inner: &str| format!("{before}{inner}{after}").into_bytes();
            self.add(around(secret), around(&masked));
        }
        for name in self.headers.clone() {
            self.add_header(&name, secret);
        }
    }

    /// This text is secret, and may also come in base64, alone or behind a user's name.
    pub(super) fn learn_password(&mut self, password: &str) {
        self.learn(password);
        if password.len() < ENCODED_BYTES_MIN {
            return;
        }
        let masked = self.masks.mask(password);
        for (encoded, masked) in encoded(password).zip(encoded(&masked)) {
            self.add(encoded, masked);
        }
    }

    /// What `bytes` begin with: the longest secret that is whole, and whether there may be more.
    pub(super) fn find(&self, bytes: &[u8]) -> Found {
        let mut found = Found::default();
        let plain = bytes.get(..START_BYTES).unwrap_or(bytes);
        self.find_among(plain, bytes, &mut found);
        if plain.iter().any(|byte| matches!(byte, b'\\' | b'%')) {
            for is_percent in [true, false] {
                let start = start(bytes, is_percent);
                if start.bytes() != plain {
                    self.find_among(start.bytes(), bytes, &mut found);
                }
            }
        }
        found
    }

    /// Looks among the secrets that begin so.
    fn find_among(&self, begin: &[u8], bytes: &[u8], found: &mut Found) {
        let Ok(begin) = <[u8; START_BYTES]>::try_from(begin) else {
            found.goes_on |= self.beginnings.contains(begin);
            return;
        };
        for pattern in self.patterns.get(&begin).into_iter().flatten() {
            match spelled(bytes, &pattern.secret) {
                Spelled::Not => {}
                Spelled::Beginning => found.goes_on = true,
                Spelled::Whole(count) => {
                    let place = bytes.get(..count).unwrap_or(bytes);
                    if found
                        .pseudonym
                        .as_ref()
                        .is_none_or(|other| other.len() < count)
                    {
                        let pseudonym = respelled(place, &pattern.secret, &pattern.pseudonym);
                        found.pseudonym = Some(pseudonym);
                    }
                    return;
                }
            }
        }
    }

    /// Whether the text may also be found where no secret is meant.
    fn is_weak(&self, secret: &str) -> bool {
        let lower = secret.to_ascii_lowercase();
        let is_part = |address: &String| address.contains(&lower);
        is_word(secret) || self.addresses.iter().any(is_part)
    }

    fn add_header(&mut self, name: &str, secret: &str) {
        let line = |value: &str| format!("{name}: {value}\r\n").into_bytes();
        self.add(line(secret), line(&self.masks.mask(secret)));
    }

    fn add(&mut self, secret: Vec<u8>, pseudonym: Vec<u8>) {
        let Some(start) = secret.first_chunk::<START_BYTES>().copied() else {
            return;
        };
        let patterns = self.patterns.entry(start).or_default();
        let length = |pattern: &Pattern| std::cmp::Reverse(pattern.secret.len());
        if patterns.iter().any(|pattern| pattern.secret == secret) {
            return;
        }
        for length in 0..start.len() {
            self.beginnings.insert(start[..length].to_vec());
        }
        patterns.push(Pattern { secret, pseudonym });
        patterns.sort_by_key(length);
    }
}

/// The password in base64: alone, and as the end of a longer text, of whose length depends how it
/// looks; to the end with and without padding, and as far as what follows does not matter.
fn encoded(password: &str) -> impl Iterator<Item = Vec<u8>> {
    let forms = [BASE64_STANDARD, BASE64_URL_SAFE].into_iter();
    let forms = forms.flat_map(|engine| [0, 1, 2].map(|before| (engine.clone(), before)));
    forms.flat_map(move |(engine, before)| {
        let bytes = [&[0, 0][..before], password.as_bytes()].concat();
        let text = engine.encode(&bytes);
        let from = (before * 8).div_ceil(6);
        let whole = bytes.len() * 8 / 6;
        let unpadded = text.trim_end_matches('=').len();
        [text.len(), unpadded, whole]
            .map(|to| text.get(from..to).unwrap_or_default().as_bytes().to_vec())
    })
}

/// Where a path holds a secret, and what may follow it.
const PATHS: [(&str, &str); 5] = [
    ("/sessions/", "/"),
    ("/sessions/", " "),
    ("/sessions/", "?"),
    ("/sessions/", "\""),
    ("/youtube/oauth/", " "),
];

/// The base64 of a shorter password may be part of anything.
const ENCODED_BYTES_MIN: usize = 6;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_each_of_its_forms() {
        let mut secrets = Secrets::default();
        secrets.learn("p\"ss/w+rd");
        let masked = secrets.masks().mask("p\"ss/w+rd");

        for form in [&b"p\"ss/w+rd"[..], br#"p\"ss/w+rd"#, b"p%22ss%2Fw%2Brd"] {
            let pseudonym = secrets.find(form).pseudonym;
            assert_eq!(pseudonym.unwrap().len(), form.len());
            for length in 1..form.len() {
                let found = secrets.find(&form[..length]);
                assert_eq!((found.pseudonym, found.goes_on), (None, true));
            }
        }
        let found = secrets.find(b"p\"ss/w+rd and more").pseudonym;
        assert_eq!(found.unwrap(), masked.as_bytes());
        assert_eq!(secrets.find(b"p\"ss/w+r!"), Found::default());
        assert_eq!(secrets.find(b"q"), Found::default());
    }

    #[test]
    fn a_word_of_the_protocol_is_replaced_only_where_a_secret_is_expected() {
        let mut secrets = Secrets::default();
        secrets.learn_header("authorization");
        secrets.learn_address("http://node.example:2333");
        for weak in [
            "ready",
            "application/json",
            "1234567890",
            "abc",
            "Example:23",
        ] {
            secrets.learn(weak);
            assert_eq!(secrets.find(weak.as_bytes()), Found::default(), "{weak}");
            let line = format!("authorization: {weak}\r\n");
            assert!(secrets.find(line.as_bytes()).pseudonym.is_some(), "{weak}");
        }
        let found = secrets.find(b"/sessions/abc/players");
        assert!(found.pseudonym.is_some());
        secrets.learn_header("X-Team");
        assert!(secrets.find(b"x-team: abc\r\n").pseudonym.is_some());
    }

    #[test]
    fn the_longer_one_of_two_secrets_is_found() {
        let mut secrets = Secrets::default();
        secrets.learn("abcdefgh");
        secrets.learn("abcdefghij");
        for (text, length, goes_on) in [
            ("abcdefgh", 8, true),
            ("abcdefghi", 8, true),
            ("abcdefghij", 10, false),
            ("abcdefghi!", 8, false),
            ("abcdefg", 0, true),
        ] {
            let found = secrets.find(text.as_bytes());
            let pseudonym = found.pseudonym.unwrap_or_default();
            assert_eq!(
                (pseudonym.len(), found.goes_on),
                (length, goes_on),
                "{text}"
            );
        }
    }
}
