//! [`Plain`]: takes JSON off the front of a text, as long as it is plainly written.

use super::HIGH_BITS;
use crate::protocol::GuildId;

/// What is left of a text of plain JSON. Each method takes what it names off its front, and gives
/// nothing if something else is there.
pub(super) struct Plain<'a> {
    whole: &'a str,
    pub(super) rest: &'a [u8],
}

impl<'a> Plain<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            whole: text,
            rest: text.as_bytes(),
        }
    }

    /// Where in the text it is.
    pub(super) const fn at(&self) -> usize {
        self.whole.len().wrapping_sub(self.rest.len())
    }

    /// What was taken from there on.
    pub(super) fn taken(&self, start: usize) -> Option<&'a str> {
        self.whole.get(start..self.at())
    }

    /// Takes these bytes, if they are there.
    pub(super) fn has<const LENGTH: usize>(&mut self, bytes: &[u8; LENGTH]) -> bool {
        match self.rest.split_first_chunk() {
            Some((first, rest)) if first == bytes => {
                self.rest = rest;
                true
            }
            Some(_) | None => false,
        }
    }

    pub(super) fn byte(&mut self, byte: u8) -> Option<()> {
        self.has(&[byte]).then_some(())
    }

    /// An object, each of whose members is read by what says whether it knows it.
    pub(super) fn object(&mut self, read: impl FnMut(&mut Self) -> Option<bool>) -> Option<()> {
        self.byte(b'{')?;
        self.members(read)
    }

    /// The members of an object, to its end. They are told by names that need no escape, so one
    /// that has an escape in it is none of them.
    pub(super) fn members(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Option<bool>,
    ) -> Option<()> {
        while read(self)? {
            if self.is_over()? {
                return Some(());
            }
        }
        None
    }

    /// A member that may stand there once, if it has this name in quotes with a colon; returns
    /// whether it has.
    pub(super) fn member<T, const LENGTH: usize>(
        &mut self,
        name: &[u8; LENGTH],
        place: &mut Option<T>,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<bool> {
        if !self.has(name) {
            return Some(false);
        }
        if place.is_some() {
            return None;
        }
        *place = Some(read(self)?);
        Some(true)
    }

    /// Whether the object ends here; otherwise a comma is there.
    pub(super) fn is_over(&mut self) -> Option<bool> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        match byte {
            b'}' => Some(true),
            b',' => Some(false),
            _ => None,
        }
    }

    /// The end of the text.
    pub(super) fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        let is_true = self.has(b"true");
        (is_true || self.has(b"false")).then_some(is_true)
    }

    /// An id in quotes.
    pub(super) fn id(&mut self) -> Option<GuildId> {
        self.byte(b'"')?;
        let (number, count) = self.digits();
        self.byte(b'"')?;
        GuildId::new(number).filter(|_| count <= ID_DIGITS_MAX)
    }

    /// An integer that fits for certain.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let is_negative = self.has(b"-");
        let begins_with_zero = self.rest.first() == Some(&b'0');
        let (number, count) = self.digits();
        let is_plain = matches!(self.rest.first(), Some(b',' | b'}'));
        if count == 0 || count > DIGITS_MAX || (begins_with_zero && count > 1) || !is_plain {
            return None;
        }
        let number = i64::try_from(number).ok()?;
        Some(if is_negative {
            number.wrapping_neg()
        } else {
            number
        })
    }

    pub(super) fn small(&mut self) -> Option<i32> {
        i32::try_from(self.integer()?).ok()
    }

    pub(super) fn count(&mut self) -> Option<u32> {
        u32::try_from(self.integer()?).ok()
    }

    pub(super) fn amount(&mut self) -> Option<u64> {
        u64::try_from(self.integer()?).ok()
    }

    /// A finite number without an exponent.
    pub(super) fn number(&mut self) -> Option<f64> {
        let (whole, start) = (self.rest, self.at());
        self.decimal()?;
        let text = self.taken(start)?;
        if !text.contains('.') {
            self.rest = whole;
            #[expect(clippy::as_conversions, reason = "the nearest f64 is what is wanted")]
            return self.integer().map(|number| number as f64);
        }
        let is_plain = matches!(self.rest.first(), Some(b',' | b'}'));
        let number: f64 = text.parse().ok()?;
        Some(number).filter(|number| is_plain && number.is_finite())
    }

    /// The text of a number without an exponent.
    pub(super) fn decimal(&mut self) -> Option<()> {
        self.has(b"-");
        let begins_with_zero = self.rest.first() == Some(&b'0');
        let (_, count) = self.digits();
        let is_whole = count > 0 && (count == 1 || !begins_with_zero);
        let is_well = is_whole && (!self.has(b".") || self.digits().1 > 0);
        is_well.then_some(())
    }

    /// The number of the digits, and how many there are: above [`ID_DIGITS_MAX`] it is some other.
    fn digits(&mut self) -> (u64, usize) {
        let (mut number, mut rest) = (0_u64, self.rest);
        while let Some((eight, behind)) = rest.split_first_chunk()
            && let Some(value) = eight_digits(*eight)
        {
            number = number.wrapping_mul(100_000_000).wrapping_add(value);
            rest = behind;
        }
        while let Some((digit @ b'0'..=b'9', behind)) = rest.split_first() {
            let value = u64::from(digit.wrapping_sub(b'0'));
            number = number.wrapping_mul(10).wrapping_add(value);
            rest = behind;
        }
        let count = self.rest.len().wrapping_sub(rest.len());
        self.rest = rest;
        (number, count)
    }
}

/// The number of eight digits, if they are such: all at once, in pairs first, then in fours.
const fn eight_digits(text: [u8; 8]) -> Option<u64> {
    const ABOVE_NINE: u64 = u64::from_le_bytes([0x7f - b'9'; 8]);
    const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
    let text = u64::from_le_bytes(text);
    let digits = text.wrapping_sub(ZEROS);
    // Whatever is no digit sets the high bit of one of these.
    if (text | text.wrapping_add(ABOVE_NINE) | digits) & HIGH_BITS != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff)
}

/// With as many digits every number fits in an `i64`.
pub(super) const DIGITS_MAX: usize = 18;
/// With as many it fits in a `u64`: Discord's ids of today have 19.
pub(super) const ID_DIGITS_MAX: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_are_read_at_once_and_nothing_else_is() {
        assert_eq!(eight_digits(*b"12345678"), Some(12_345_678));
        assert_eq!(eight_digits(*b"00000000"), Some(0));
        assert_eq!(eight_digits(*b"99999999"), Some(99_999_999));
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"00990990";
                text[at] = byte;
                let number = std::str::from_utf8(&text).ok();
                let number = number.filter(|_| byte.is_ascii_digit());
                let number = number.and_then(|text| text.parse().ok());
                assert_eq!(eight_digits(text), number, "{text:?}");
            }
        }
    }
}
