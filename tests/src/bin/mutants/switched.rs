//! [`Switched`]: a text with code around its parts, which remembers what it has for which mutant.

use std::collections::BTreeSet;
use std::ops::Range;

/// Code that is put around a part of a text, or at one place of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrap {
    pub(crate) bytes: Range<usize>,
    pub(crate) before: Vec<Piece>,
    pub(crate) after: Vec<Piece>,
}

/// A piece of that code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// The mutant that it is for.
    pub(crate) of: Option<u32>,
}

impl Piece {
    /// Code that is there for no mutant in particular.
    pub(crate) fn common(text: &str) -> Self {
        let text = text.to_owned();
        Self { text, of: None }
    }

    /// Code of one mutant.
    pub(crate) fn of(number: u32, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            of: Some(number),
        }
    }
}

/// A text with mutants that can be switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Switched {
    pub(crate) text: String,
    /// What is in there for which mutant.
    pub(crate) places: Vec<(Range<usize>, u32)>,
    /// Those that are not, and would be no Rust.
    pub(crate) unviable: BTreeSet<u32>,
}

impl Switched {
    /// Puts the wraps in. They may be within each other, but not overlap otherwise; of two around
    /// the same part, the first is the outer one.
    pub(crate) fn new(source: &str, mut wraps: Vec<Wrap>) -> Self {
        wraps.sort_by_key(|wrap| {
            let Range { start, end } = wrap.bytes;
            (start, start != end, std::cmp::Reverse(end))
        });
        let mut switched = Self::default();
        let mut copied = 0;
        let mut open: Vec<(usize, Vec<Piece>)> = Vec::new();
        for wrap in wraps {
            while let Some((end, after)) = open.pop_if(|(end, _)| *end <= wrap.bytes.start) {
                switched.text += &source[copied..end];
                copied = end;
                switched.push(after);
            }
            switched.text += &source[copied..wrap.bytes.start];
            copied = wrap.bytes.start;
            switched.push(wrap.before);
            open.push((wrap.bytes.end, wrap.after));
        }
        while let Some((end, after)) = open.pop() {
            switched.text += &source[copied..end];
            copied = end;
            switched.push(after);
        }
        switched.text += &source[copied..];
        switched
    }

    fn push(&mut self, pieces: Vec<Piece>) {
        for Piece { text, of } in pieces {
            let start = self.text.len();
            self.text += &text;
            self.places
                .extend(of.map(|number| (start..self.text.len(), number)));
        }
    }

    /// The mutants in whose code this part is.
    pub(crate) fn around(&self, bytes: &Range<usize>) -> Vec<u32> {
        self.of(|place| place.start <= bytes.start && bytes.end <= place.end)
    }

    /// The mutants whose code is in this part.
    pub(crate) fn within(&self, bytes: &Range<usize>) -> Vec<u32> {
        self.of(|place| bytes.start <= place.start && place.end <= bytes.end)
    }

    fn of(&self, is_meant: impl Fn(&Range<usize>) -> bool) -> Vec<u32> {
        let places = self.places.iter();
        let meant = places.filter(|(place, _)| is_meant(place));
        meant.map(|(_, number)| *number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(bytes: Range<usize>, before: Piece, after: &str) -> Wrap {
        Wrap {
            bytes,
            before: vec![before],
            after: vec![Piece::common(after)],
        }
    }

    #[test]
    fn wraps_nest_and_what_is_at_one_place_comes_first() {
        let wraps = vec![
            wrap(2..7, Piece::common("("), ")"),
            wrap(2..7, Piece::of(1, "[one"), "]"),
            wrap(6..7, Piece::common("<"), ">"),
            wrap(2..2, Piece::of(2, "two "), ""),
        ];
        let switched = Switched::new("{ a + b }", wraps);
        assert_eq!(switched.text, "{ two ([onea + <b>]) }");
        assert_eq!(switched.places, [(2..6, 2), (7..11, 1)]);
        assert_eq!(switched.around(&(8..9)), [1]);
        assert_eq!(switched.around(&(6..9)), [0; 0]);
        assert_eq!(switched.within(&(2..11)), [2, 1]);
    }
}
