//! [`Secrets`]: what must not be seen, in each form in which it may come along.

use std::collections::{BTreeMap, BTreeSet};

use super::mask::Masks;

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
    /// By their first four bytes, the longest first.
    patterns: BTreeMap<[u8; 4], Vec<Pattern>>,
    /// The beginnings of those four.
    beginnings: BTreeSet<Vec<u8>>,
}

#[derive(Debug)]
pub(super) struct Pattern {
    secret: Vec<u8>,
    pseudonym: Vec<u8>,
}

/// What some bytes begin with.
#[derive(Debug)]
pub(super) enum Found<'a> {
    Nothing,
    /// All of the bytes are the beginning of a secret.
    Beginning,
    Secret(&'a Pattern),
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
                .filter(|secret| is_weak(secret))
                .cloned()
                .collect();
            for secret in weak {
                self.add_header(&name.to_ascii_lowercase(), &secret);
            }
        }
    }

    /// This text is secret.
    pub(super) fn learn(&mut self, secret: &str) {
        if secret.is_empty() || !self.known.insert(secret.to_owned()) {
            return;
        }
        let masked = self.masks.mask(secret);
        if !is_weak(secret) {
            self.add(secret.into(), masked.as_str().into());
            self.add(escaped(secret), escaped(&masked));
            return self.add(percent(secret), percent(&masked));
        }
        let (path, masked_path) = (percent(secret), percent(&masked));
        for (before, after) in PATHS {
            let around = |inner: &[u8]| [before.as_bytes(), inner, after.as_bytes()].concat();
            self.add(around(&path), around(&masked_path));
        }
        for name in self.headers.clone() {
            self.add_header(&name, secret);
        }
    }

    /// What `bytes` begin with.
    pub(super) fn find(&self, bytes: &[u8]) -> Found<'_> {
        let Some(start) = bytes.first_chunk::<4>() else {
            return if self.beginnings.contains(bytes) {
                Found::Beginning
            } else {
                Found::Nothing
            };
        };
        for pattern in self.patterns.get(start).into_iter().flatten() {
            if bytes.starts_with(&pattern.secret) {
                return Found::Secret(pattern);
            }
            if pattern.secret.starts_with(bytes) {
                return Found::Beginning;
            }
        }
        Found::Nothing
    }

    fn add_header(&mut self, name: &str, secret: &str) {
        let line = |value: &str| format!("{name}: {value}\r\n").into_bytes();
        self.add(line(secret), line(&self.masks.mask(secret)));
    }

    fn add(&mut self, secret: Vec<u8>, pseudonym: Vec<u8>) {
        let Some(start) = secret.first_chunk::<4>().copied() else {
            return;
        };
        let patterns = self.patterns.entry(start).or_default();
        if patterns.iter().any(|pattern| pattern.secret == secret) {
            return;
        }
        for length in 1..start.len() {
            self.beginnings.insert(start[..length].to_vec());
        }
        patterns.push(Pattern { secret, pseudonym });
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.secret.len()));
    }
}

impl Pattern {
    /// As long as the secret.
    pub(super) fn pseudonym(&self) -> &[u8] {
        &self.pseudonym
    }
}

/// Whether a text with this name is secret, in JSON and in a query.
pub(super) fn is_secret_name(name: &str) -> bool {
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    let name: Vec<u8> = letters.map(|byte| byte.to_ascii_lowercase()).collect();
    NAMES.iter().any(|other| name == other.as_bytes())
        || NAME_ENDS.iter().any(|end| name.ends_with(end.as_bytes()))
}

/// Whether the text may also be found where no secret is meant.
fn is_weak(secret: &str) -> bool {
    secret.len() < DISTINCT_BYTES_MIN
        || secret.bytes().all(|byte| byte.is_ascii_digit())
        || WORDS.contains(&secret.to_ascii_lowercase())
}

/// As it stands in a JSON string.
fn escaped(text: &str) -> Vec<u8> {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let inner = quoted.get(1..quoted.len().saturating_sub(1));
    inner.unwrap_or_default().into()
}

/// As it stands in a path: all but what RFC 3986 §2.3 calls unreserved is encoded.
fn percent(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

/// A shorter text may be part of anything.
const DISTINCT_BYTES_MIN: usize = 6;

/// Where a path holds a secret, and what may follow it.
const PATHS: [(&str, &str); 5] = [
    ("/sessions/", "/"),
    ("/sessions/", " "),
    ("/sessions/", "?"),
    ("/sessions/", "\""),
    ("/youtube/oauth/", " "),
];

/// Names of secrets.
const NAMES: [&str; 5] = ["authorization", "visitordata", "arl", "spdc", "signature"];
/// How other names of secrets end.
const NAME_ENDS: [&str; 7] = [
    "secret",
    "token",
    "sessionid",
    "password",
    "apikey",
    "cookie",
    "accesskey",
];

/// What a message may hold without meaning any secret: a password or a header may well be one of
/// these.
const WORDS: &str = "http/1.1 100 continue 101 switching protocols 200 ok 204 no content 400 bad \
    request 401 unauthorized 403 forbidden 404 not found 429 too many requests 500 internal server \
    error 502 gateway 503 service unavailable content-type: application/json; charset=utf-8 \
    text/plain text/html content-length: transfer-encoding: chunked connection: keep-alive close \
    upgrade: websocket sec-websocket-accept: sec-websocket-key: sec-websocket-version: \
    session-resumed: lavalink-api-version: authorization: user-id: client-name: session-id: host: \
    accept: date: server: vary: retry-after: location: true false null \
    op ready resumed sessionid playerupdate guildid state time position connected ping stats \
    players playingplayers uptime memory free used allocated reservable cpu cores systemload \
    lavalinkload framestats sent nulled deficit event type trackstartevent trackendevent \
    trackexceptionevent trackstuckevent websocketclosedevent track encoded info identifier \
    isseekable author length isstream title uri artworkurl isrc sourcename plugininfo userdata \
    reason finished loadfailed stopped replaced cleanup exception message severity common \
    suspicious fault cause causestacktrace thresholdms code byremote voice token endpoint \
    channelid volume paused filters equalizer karaoke timescale tremolo vibrato rotation \
    distortion channelmix lowpass pluginfilters loadtype playlist search empty error data tracks \
    selectedtrack timestamp status path trace version semver major minor patch prerelease build \
    git branch commit committime buildtime jvm lavaplayer sourcemanagers plugins name resuming \
    timeout v4 sessions loadtracks decodetrack decodetracks routeplanner youtube soundcloud \
    bandcamp twitch vimeo local spotify applemusic deezer lavalink lavapool nodelink music";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_each_of_its_forms() {
        let mut secrets = Secrets::default();
        secrets.learn("p\"ss/w+rd");
        let masked = secrets.masks().mask("p\"ss/w+rd");

        for form in [&b"p\"ss/w+rd"[..], br#"p\"ss/w+rd"#, b"p%22ss%2Fw%2Brd"] {
            let Found::Secret(pattern) = secrets.find(form) else {
                panic!("{}", form.escape_ascii());
            };
            assert_eq!(pattern.pseudonym().len(), form.len());
            for length in 1..form.len() {
                assert!(matches!(secrets.find(&form[..length]), Found::Beginning));
            }
        }
        let Found::Secret(pattern) = secrets.find(b"p\"ss/w+rd and more") else {
            panic!("not found");
        };
        assert_eq!(pattern.pseudonym(), masked.as_bytes());
        assert!(matches!(secrets.find(b"p\"ss/w+r!"), Found::Nothing));
        assert!(matches!(secrets.find(b"q"), Found::Nothing));
    }

    #[test]
    fn a_word_of_the_protocol_is_replaced_only_where_a_secret_is_expected() {
        let mut secrets = Secrets::default();
        secrets.learn_header("authorization");
        for weak in ["ready", "application/json", "1234567890", "abc"] {
            secrets.learn(weak);
            assert!(
                matches!(secrets.find(weak.as_bytes()), Found::Nothing),
                "{weak}"
            );
            let line = format!("authorization: {weak}\r\n");
            assert!(
                matches!(secrets.find(line.as_bytes()), Found::Secret(_)),
                "{weak}"
            );
        }
        assert!(matches!(
            secrets.find(b"/sessions/abc/players"),
            Found::Secret(_)
        ));
        secrets.learn_header("X-Team");
        assert!(matches!(secrets.find(b"x-team: abc\r\n"), Found::Secret(_)));
    }

    #[test]
    fn the_longer_one_of_two_secrets_is_found() {
        let mut secrets = Secrets::default();
        secrets.learn("abcdefgh");
        secrets.learn("abcdefghij");
        assert!(matches!(secrets.find(b"abcdefgh"), Found::Beginning));
        let length = |found| match found {
            Found::Secret(pattern) => Pattern::pseudonym(pattern).len(),
            Found::Nothing | Found::Beginning => 0,
        };
        assert_eq!(length(secrets.find(b"abcdefghij")), 10);
        assert_eq!(length(secrets.find(b"abcdefghi!")), 8);
    }

    #[test]
    fn names_of_secrets_are_known_in_any_spelling() {
        for name in [
            "sessionId",
            "session_id",
            "access_token",
            "refreshToken",
            "X-Api-Key",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["op", "tokens", "key", "sessionIdentifier", ""] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
