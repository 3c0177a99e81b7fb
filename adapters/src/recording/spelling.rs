//! How a secret is spelled in a text: as it is, escaped in a JSON string, or percent-encoded, each
//! of its characters in a way of its own.
//!
//! That finds what serde, Gson, Jackson and Kotlin's serialisers make of it, whichever signs they
//! escape, and what stands in a path or a query.

/// How much of a text spells a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelled {
    /// The first so many bytes spell all of it.
    Whole(usize),
    /// All of the text spells its beginning.
    Beginning,
    Not,
}

/// One character of a text, or one byte of it.
#[derive(Clone, Copy, Debug)]
struct Unit {
    bytes: [u8; 4],
    /// How many bytes that are.
    count: usize,
    /// In how many bytes it is spelled.
    taken: usize,
}

/// The first bytes that a text spells.
#[derive(Debug, Default)]
pub(super) struct Start {
    bytes: [u8; START_BYTES],
    count: usize,
}

/// How many bytes a [`Start`] has, if the text does not end before.
pub(super) const START_BYTES: usize = 4;

/// What the text spells first, percent-encoded or not; it may end before there are as many bytes.
pub(super) fn start(text: &[u8], is_percent: bool) -> Start {
    let mut start = Start::default();
    let mut rest = text;
    while let Some(unit) = Unit::first(rest, is_percent) {
        for byte in unit.bytes() {
            let Some(place) = start.bytes.get_mut(start.count) else {
                return start;
            };
            *place = *byte;
            start.count += 1;
        }
        rest = rest.get(unit.taken..).unwrap_or_default();
    }
    start
}

/// Whether the text begins with the secret.
pub(super) fn spelled(text: &[u8], secret: &[u8]) -> Spelled {
    match (as_it_is(text, secret), in_units(text, secret)) {
        (whole @ Spelled::Whole(_), _) | (_, whole @ Spelled::Whole(_)) => whole,
        (Spelled::Beginning, _) | (_, Spelled::Beginning) => Spelled::Beginning,
        (Spelled::Not, Spelled::Not) => Spelled::Not,
    }
}

/// The text, which spells all of the secret, with another one of the same length in its place.
pub(super) fn respelled(text: &[u8], secret: &[u8], other: &[u8]) -> Vec<u8> {
    if text == secret {
        return other.to_vec();
    }
    let mut out = text.to_vec();
    let (mut at, mut rest, mut other) = (0, secret, other);
    while let Some((unit, after)) = next(text.get(at..).unwrap_or_default(), rest) {
        if let (Some(place), Some((now, left))) = (
            out.get_mut(at..at + unit.taken),
            other.split_at_checked(unit.count),
        ) {
            spell(place, now);
            other = left;
        }
        (at, rest) = (at + unit.taken, after);
    }
    out
}

fn as_it_is(text: &[u8], secret: &[u8]) -> Spelled {
    if text.starts_with(secret) {
        Spelled::Whole(secret.len())
    } else if secret.starts_with(text) {
        Spelled::Beginning
    } else {
        Spelled::Not
    }
}

fn in_units(text: &[u8], secret: &[u8]) -> Spelled {
    let (mut taken, mut rest) = (0, secret);
    while !rest.is_empty() {
        let left = text.get(taken..).unwrap_or_default();
        if Unit::first(left, true).is_none() {
            // What breaks off in the middle of a unit may be any.
            return Spelled::Beginning;
        }
        let Some((unit, after)) = next(left, rest) else {
            return Spelled::Not;
        };
        (taken, rest) = (taken + unit.taken, after);
    }
    Spelled::Whole(taken)
}

/// The unit that the text begins with, if the secret begins so, and what is left of that.
fn next<'a>(text: &[u8], secret: &'a [u8]) -> Option<(Unit, &'a [u8])> {
    let is_percent = [true, false].into_iter();
    let units = is_percent.filter_map(|is_percent| Unit::first(text, is_percent));
    let mut pairs = units.map(|unit| Some((unit, secret.strip_prefix(unit.bytes())?)));
    pairs.find_map(|pair| pair)
}

impl Start {
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.count).unwrap_or_default()
    }
}

impl Unit {
    /// What the text begins with; nothing if it ends before that does.
    fn first(text: &[u8], is_percent: bool) -> Option<Self> {
        let plain = Self::byte(*text.first()?, 1);
        if text.starts_with(b"%") && !is_percent {
            return Some(plain);
        }
        let escape = escape(text).ok()?;
        Some(escape.unwrap_or(plain))
    }

    const fn byte(byte: u8, taken: usize) -> Self {
        Self {
            bytes: [byte, 0, 0, 0],
            count: 1,
            taken,
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.count).unwrap_or_default()
    }
}

/// The text ends in the middle of an escape.
#[derive(Debug)]
struct BreaksOff;

/// The escape that the text begins with, if it begins with one.
fn escape(text: &[u8]) -> Result<Option<Unit>, BreaksOff> {
    match text {
        [b'%', digits @ ..] => {
            let byte = number(digits, 2)?.and_then(|number| u8::try_from(number).ok());
            Ok(byte.map(|byte| Unit::byte(byte, 3)))
        }
        [b'\\'] => Err(BreaksOff),
        [b'\\', b'u', digits @ ..] => unicode(digits),
        [b'\\', letter, ..] => Ok(letter_escape(*letter).map(|byte| Unit::byte(byte, 2))),
        _ => Ok(None),
    }
}

/// What a backslash and this letter mean in a JSON string.
const fn letter_escape(letter: u8) -> Option<u8> {
    match letter {
        b'"' | b'\\' | b'/' => Some(letter),
        b'b' => Some(8),
        b'f' => Some(12),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        _ => None,
    }
}

/// A character as its number, or as two if it is beyond the first 65 536.
fn unicode(digits: &[u8]) -> Result<Option<Unit>, BreaksOff> {
    let Some(first) = number(digits, 4)? else {
        return Ok(None);
    };
    let second = match digits.get(4..).unwrap_or_default() {
        _ if !(0xd800..0xdc00).contains(&first) => None,
        [] | [b'\\'] => return Err(BreaksOff),
        [b'\\', b'u', digits @ ..] => number(digits, 4)?,
        _ => None,
    };
    let halves = [Some(first), second].into_iter().flatten();
    let Some(Ok(character)) = char::decode_utf16(halves).next() else {
        return Ok(None);
    };
    let mut bytes = [0; 4];
    let count = character.encode_utf8(&mut bytes).len();
    let taken = 6 * character.len_utf16();
    Ok(Some(Unit {
        bytes,
        count,
        taken,
    }))
}

/// The number that so many hexadecimal digits say; nothing if these are none.
fn number(digits: &[u8], count: usize) -> Result<Option<u16>, BreaksOff> {
    let there = digits.get(..count).unwrap_or(digits);
    if !there.iter().all(u8::is_ascii_hexdigit) {
        return Ok(None);
    }
    if there.len() < count {
        return Err(BreaksOff);
    }
    let text = std::str::from_utf8(there).unwrap_or_default();
    Ok(u16::from_str_radix(text, 16).ok())
}

/// Spells these bytes in the way in which the unit at this place is spelled.
fn spell(place: &mut [u8], bytes: &[u8]) {
    match place {
        [place] => *place = bytes.first().copied().unwrap_or(*place),
        [b'%', digits @ ..] => {
            let byte = bytes.first().copied().unwrap_or_default();
            // What RFC 3986 §2.1 recommends, and this client does, unless it is plain that it was
            // not done here.
            let text = if digits.iter().any(u8::is_ascii_lowercase) {
                format!("{byte:02x}")
            } else {
                format!("{byte:02X}")
            };
            digits.copy_from_slice(text.as_bytes());
        }
        [b'\\', b'u', ..] => {
            let is_upper = place.iter().any(u8::is_ascii_uppercase);
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            for (half, place) in text.encode_utf16().zip(place.chunks_mut(6)) {
                let text = if is_upper {
                    format!("\\u{half:04X}")
                } else {
                    format!("\\u{half:04x}")
                };
                place.copy_from_slice(text.as_bytes());
            }
        }
        // Quotes, backslashes and line ends stay.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "p\"s/\\é🎧=%41";
    const OTHER: &str = "q\"t/\\ø🎵+!23";

    #[test]
    fn a_text_spells_a_secret_in_any_mixture() {
        for (text, other) in [
            (SECRET, OTHER),
            (r#"p\"s\/\\é🎧=%41"#, r#"q\"t\/\\ø🎵+!23"#),
            (
                r"\u0070\u0022s/\u005c\u00e9\ud83c\udfa7\u003D%2541",
                r"\u0071\u0022t/\u005c\u00f8\ud83c\udfb5\u002B%2123",
            ),
            (
                "p%22s%2F%5c%C3%a9%F0%9F%8e%A7%3d%2541",
                "q%22t%2F%5c%C3%b8%F0%9F%8e%B5%2b%2123",
            ),
        ] {
            let (text, secret) = (text.as_bytes(), SECRET.as_bytes());
            assert_eq!(spelled(text, secret), Spelled::Whole(text.len()));
            let longer = [text, b"more"].concat();
            assert_eq!(spelled(&longer, secret), Spelled::Whole(text.len()));
            for length in 1..text.len() {
                assert_eq!(spelled(&text[..length], secret), Spelled::Beginning);
            }
            let done = respelled(text, secret, OTHER.as_bytes());
            assert_eq!(String::from_utf8_lossy(&done), other);
            assert!(b"p\"s/".starts_with(start(&text[..1], true).bytes()));
            assert_eq!(start(text, true).bytes(), b"p\"s/");
        }
    }

    #[test]
    fn what_is_no_escape_stands_for_itself() {
        for text in [r"\x", r"\u00g0", "%g", "%4g", r"\ud800\u0041", r"\udc00"] {
            let text = format!("{text}abcd");
            assert_eq!(
                spelled(text.as_bytes(), text.as_bytes()),
                Spelled::Whole(text.len())
            );
            assert_eq!(start(text.as_bytes(), true).bytes(), &text.as_bytes()[..4]);
        }
        for text in [r"a\", r"a\u00", r"a\ud83c", r"a\ud83c\u", "a%", "a%4"] {
            assert_eq!(start(text.as_bytes(), true).bytes(), b"a", "{text}");
        }
    }
}
