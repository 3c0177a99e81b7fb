//! [`Masks`]: pseudonyms of secrets, of the same length and the same kinds of characters.

use std::hash::{BuildHasher, RandomState};

/// Makes pseudonyms: the same one for the same secret as long as this lives, and none that says
/// anything of the secret to those who do not have the key.
///
/// A letter becomes another letter, a digit another digit and a sign another sign, so that a
/// pseudonym is as long as the secret however it is escaped. What quotes and escapes are made of
/// stays, and whatever is not ASCII becomes one and the same character of its length.
#[derive(Debug, Default)]
pub(super) struct Masks {
    key: RandomState,
}

/// The draws of one secret, one for each character that is replaced.
struct Draws<'a> {
    key: &'a RandomState,
    seed: u64,
    count: u64,
}

impl Masks {
    #[cfg(test)]
    pub(super) const fn with_key(key: RandomState) -> Self {
        Self { key }
    }

    /// The pseudonym of a secret.
    pub(super) fn mask(&self, secret: &str) -> String {
        let mut draws = self.draws(secret);
        secret
            .chars()
            .map(|character| match u8::try_from(character) {
                Ok(byte) if byte.is_ascii() => char::from(draws.replace(byte)),
                Ok(_) | Err(_) => foreign(character.len_utf8()),
            })
            .collect()
    }

    /// Replaces the secret where it stands as the text of a JSON string, escaped anyhow.
    pub(super) fn mask_json(&self, secret: &str, escaped: &mut [u8]) {
        let mut draws = self.draws(secret);
        let mut rest = escaped;
        while let Some((&mut first, _)) = rest.split_first_mut() {
            let length = match rest {
                [b'\\', b'u', digits @ ..] => {
                    mask_unicode(digits, &mut draws);
                    6
                }
                [b'\\', ..] => 2,
                [byte, ..] if byte.is_ascii() => {
                    *byte = draws.replace(first);
                    1
                }
                [..] => mask_foreign(rest),
            };
            rest = rest.get_mut(length..).unwrap_or_default();
        }
    }

    fn draws(&self, secret: &str) -> Draws<'_> {
        Draws {
            key: &self.key,
            seed: self.key.hash_one(secret),
            count: 0,
        }
    }
}

impl Draws<'_> {
    /// Another byte of the same kind; the same one if it is of none.
    fn replace(&mut self, byte: u8) -> u8 {
        let place = |kind: &&[u8]| kind.iter().position(|other| *other == byte);
        let Some((kind, at)) = KINDS.iter().find_map(|kind| Some((kind, place(kind)?))) else {
            return byte;
        };
        let draw = self.key.hash_one((self.seed, self.count));
        self.count += 1;
        // Any of the kind but itself.
        let others = kind.len() as u64 - 1;
        let step = 1 + usize::try_from(draw % others).unwrap_or(0);
        kind.get((at + step) % kind.len()).copied().unwrap_or(byte)
    }
}

/// What stands for every character beyond ASCII that takes so many bytes of UTF-8.
const fn foreign(bytes: usize) -> char {
    match bytes {
        2 => '\u{f8}',
        3 => '\u{2022}',
        _ => '\u{1f3b5}',
    }
}

/// Replaces a character beyond ASCII that stands as it is; returns how many bytes it has.
fn mask_foreign(text: &mut [u8]) -> usize {
    let length = match text.first() {
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..) => 4,
        // In the middle of one, which no text begins with.
        Some(_) | None => return 1,
    };
    if let Some(place) = text.get_mut(..length) {
        foreign(length).encode_utf8(place);
    }
    length
}

/// Replaces a character that is written as its number, `\u0041`, or half of one.
fn mask_unicode(digits: &mut [u8], draws: &mut Draws<'_>) {
    let Some(digits) = digits.get_mut(..4) else {
        return;
    };
    let number = std::str::from_utf8(digits).ok();
    let number = number.and_then(|text| u16::from_str_radix(text, 16).ok());
    let Some(number) = number else {
        return;
    };
    let mut halves = [0; 2];
    let masked = match (u8::try_from(number), number) {
        (Ok(byte), _) if byte.is_ascii() => u16::from(draws.replace(byte)),
        (_, ..0x800) => u16::try_from(u32::from(foreign(2))).unwrap_or(number),
        (_, 0xd800..0xdc00) => foreign(4).encode_utf16(&mut halves)[0],
        (_, 0xdc00..0xe000) => foreign(4).encode_utf16(&mut halves)[1],
        _ => u16::try_from(u32::from(foreign(3))).unwrap_or(number),
    };
    digits.copy_from_slice(format!("{masked:04x}").as_bytes());
}

/// What may stand for what. All of a kind are as long as each other in a JSON string, in a header
/// and percent-encoded.
const KINDS: [&[u8]; 5] = [
    b"abcdefghijklmnopqrstuvwxyz",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"0123456789",
    b"-._~",
    b"!#$%&'()*+,:;<=>?@[]^`{|}",
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_of_the_same_kind_and_nowhere_the_same() {
        let masks = Masks::default();
        let secret = "abcXYZ019-._~!?+% \\\"/éп日🎧";
        let masked = masks.mask(secret);

        assert_eq!(masked, masks.mask(secret), "it is stable");
        assert_eq!(masked.len(), secret.len());
        for (before, after) in secret.chars().zip(masked.chars()) {
            let is_kept = " \\\"/".contains(before);
            assert_eq!(before == after, is_kept, "{before} {after}");
            let kind = |character| {
                let is_in = |kind: &&[u8]| u8::try_from(character).is_ok_and(|b| kind.contains(&b));
                KINDS.iter().position(is_in)
            };
            assert_eq!(kind(before), kind(after));
        }
        assert_ne!(
            masked,
            Masks::default().mask(secret),
            "and another elsewhere"
        );
    }

    #[test]
    fn a_secret_has_one_pseudonym_however_it_is_escaped() {
        let masks = Masks::default();
        let secret = "tok\"en/4\\7é日🎧";
        let masked = masks.mask(secret);
        for escaped in [
            r#""tok\"en/4\\7é日🎧""#,
            r#""tok\u0022en\/4\\7\u00e9\u65e5🎧""#,
            r#""\u0074ok\"en\u002f\u0034\\\u0037\u00e9日\ud83c\udfa7""#,
        ] {
            assert_eq!(serde_json::from_str::<String>(escaped).unwrap(), secret);
            let mut bytes = escaped.as_bytes().to_vec();
            let end = bytes.len() - 1;
            masks.mask_json(secret, &mut bytes[1..end]);
            assert_eq!(serde_json::from_slice::<String>(&bytes).unwrap(), masked);
            assert_eq!(bytes.len(), escaped.len());
        }
    }
}
