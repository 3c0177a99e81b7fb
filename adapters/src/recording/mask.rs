//! [`Masks`]: pseudonyms of secrets, of the same length and the same kinds of characters.

use std::hash::{BuildHasher, RandomState};

/// Makes pseudonyms: the same one for the same secret as long as this lives, and none that says
/// anything of the secret to those who do not have the key.
///
/// A letter becomes another letter, a digit another digit and a sign another sign, so that a
/// pseudonym is as long as the secret however it is escaped. What quotes and escapes are made of
/// stays.
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
                Ok(byte) => char::from(draws.replace(byte)),
                Err(_) => character,
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
                [byte, ..] => {
                    *byte = draws.replace(first);
                    1
                }
                [] => return,
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

/// Replaces a character that is written as its number, `\u0041`.
fn mask_unicode(digits: &mut [u8], draws: &mut Draws<'_>) {
    let Some(digits) = digits.get_mut(..4) else {
        return;
    };
    let number = std::str::from_utf8(digits).ok();
    let number = number.and_then(|text| u8::from_str_radix(text, 16).ok());
    if let Some(byte) = number {
        let text = format!("{:04x}", draws.replace(byte));
        digits.copy_from_slice(text.as_bytes());
    }
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
        let secret = "abcXYZ019-._~!?+% \\\"/é";
        let masked = masks.mask(secret);

        assert_eq!(masked, masks.mask(secret), "it is stable");
        assert_eq!(masked.len(), secret.len());
        for (before, after) in secret.chars().zip(masked.chars()) {
            let is_kept = " \\\"/é".contains(before);
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
        let secret = "tok\"en/4\\7é";
        let masked = masks.mask(secret);
        for escaped in [
            r#""tok\"en/4\\7é""#,
            r#""tok\u0022en\/4\\7\u00e9""#,
            r#""\u0074ok\"en\u002f\u0034\\\u0037\u00e9""#,
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
