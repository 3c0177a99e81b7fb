//! Texts, and values that stay as they are, of [`Plain`].

use super::HIGH_BITS;
use super::reader::Plain;
use crate::protocol::RawJsonRef;

impl<'a> Plain<'a> {
    /// A text in quotes without an escape.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        self.byte(b'"')?;
        let start = self.at();
        self.close()?;
        self.taken(start)?.strip_suffix('"')
    }

    /// A value that is nothing if it is `null`.
    pub(super) fn value_or_null(&mut self) -> Option<Option<RawJsonRef<'a>>> {
        let value = self.value()?;
        Some(Some(value).filter(|value| value.get() != "null"))
    }

    /// A value of any kind.
    pub(super) fn value(&mut self) -> Option<RawJsonRef<'a>> {
        let start = self.at();
        let mut nesting = Nesting::default();
        while self.begin(&mut nesting)? || self.follow(&mut nesting)? {}
        self.taken(start).map(RawJsonRef::of_valid)
    }

    /// Takes a value, or the beginning of one that has others in it; returns whether another
    /// begins behind that.
    fn begin(&mut self, nesting: &mut Nesting) -> Option<bool> {
        let (byte, rest) = self.rest.split_first()?;
        let is_object = match byte {
            b'{' => true,
            b'[' => false,
            _ => {
                self.scalar(*byte)?;
                return Some(false);
            }
        };
        self.rest = rest;
        let end = if is_object { b'}' } else { b']' };
        if self.has(&[end]) {
            return Some(false);
        }
        nesting.enter(is_object)?;
        if is_object {
            self.name()?;
        }
        Some(true)
    }

    /// Takes what stands behind a value; returns whether another begins behind that.
    fn follow(&mut self, nesting: &mut Nesting) -> Option<bool> {
        while let Some(is_object) = nesting.is_in_object() {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match (byte, is_object) {
                (b',', true) => return self.name().map(|()| true),
                (b',', false) => return Some(true),
                (b'}', true) | (b']', false) => nesting.leave(),
                _ => return None,
            }
        }
        Some(false)
    }

    /// A value that has no others in it and begins with this byte.
    fn scalar(&mut self, first: u8) -> Option<()> {
        match first {
            b'"' => self.quoted(),
            b't' => self.has(b"true").then_some(()),
            b'f' => self.has(b"false").then_some(()),
            b'n' => self.has(b"null").then_some(()),
            _ => self.decimal().map(drop),
        }
    }

    /// The name of a member, without an escape, and the colon.
    fn name(&mut self) -> Option<()> {
        self.quoted()?;
        self.byte(b':')
    }

    fn quoted(&mut self) -> Option<()> {
        self.byte(b'"')?;
        self.close()
    }

    /// A text without an escape, whose opening quote was taken, and its closing one.
    fn close(&mut self) -> Option<()> {
        while let Some((eight, behind)) = self.rest.split_first_chunk() {
            let at = first_special(*eight);
            if at < 8 {
                let (special, behind) = self.rest.get(at..)?.split_first()?;
                self.rest = behind;
                return (*special == b'"').then_some(());
            }
            self.rest = behind;
        }
        loop {
            let (byte, behind) = self.rest.split_first()?;
            self.rest = behind;
            match byte {
                b'"' => return Some(()),
                b'\\' | ..b' ' => return None,
                _ => {}
            }
        }
    }
}

/// The first of eight bytes that is a quote, a backslash or a control character, from 0; 8 if none
/// is.
fn first_special(text: [u8; 8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
    let text = u64::from_le_bytes(text);
    let (quotes, backslashes) = (text ^ QUOTES, text ^ BACKSLASHES);
    // The first of each sets the high bit of its byte; those behind it say nothing, by what is
    // borrowed for it.
    let controls = text.wrapping_sub(SPACES) & !text;
    let quotes = quotes.wrapping_sub(ONES) & !quotes;
    let backslashes = backslashes.wrapping_sub(ONES) & !backslashes;
    let special = (controls | quotes | backslashes) & HIGH_BITS;
    let [at, ..] = (special.trailing_zeros() / 8).to_le_bytes();
    at.into()
}

/// Which of the values around one are objects; the others are lists.
#[derive(Default)]
struct Nesting {
    /// A bit of each, the innermost the lowest.
    objects: u64,
    depth: u32,
}

impl Nesting {
    /// Nothing where they are too many for the bits.
    fn enter(&mut self, is_object: bool) -> Option<()> {
        self.depth = self
            .depth
            .checked_add(1)
            .filter(|depth| *depth <= u64::BITS)?;
        self.objects = self.objects << 1 | u64::from(is_object);
        Some(())
    }

    const fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
    }

    /// Whether the innermost is an object; nothing if there is none.
    fn is_in_object(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.objects & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_text_is_found_wherever_it_is() {
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"ab cd\xffz0";
                text[at] = byte;
                let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
                let expected = text.iter().position(is_special).unwrap_or(8);
                assert_eq!(first_special(text), expected, "{text:?}");
            }
        }
        assert_eq!(first_special(*b"a\x00\"\\\x1f\"\"\""), 1);
    }

    #[test]
    fn values_that_are_nested_too_deep_are_left_to_serde() {
        for (depth, is_read) in [(1, true), (64, true), (65, false), (10_000, false)] {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            // The innermost is empty, and so is not entered.
            let text = text.replace("[]", "[[]]");
            let read = Plain::new(&text).value().map(RawJsonRef::get);
            assert_eq!(read, is_read.then_some(&*text), "{depth}");
        }
    }
}
