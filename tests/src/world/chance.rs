//! The chance of a world: all of it follows from one seed.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below a bound, which is not zero.
    pub(crate) fn number(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }

    /// An index of something of this length, which is not zero.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).expect("a length is a small number");
        usize::try_from(self.number(count)).expect("it is below a length")
    }

    /// One of several.
    pub(crate) fn one_of<T: Copy>(&mut self, several: &[T]) -> T {
        several[self.index(several.len())]
    }

    /// Whether a coin shows its head.
    pub(crate) fn toss(&mut self) -> bool {
        self.0.next_u32().is_multiple_of(2)
    }

    /// Whether something happens that does in this many of a thousand cases.
    pub(crate) fn happens(&mut self, thousandths: u64) -> bool {
        self.number(1_000) < thousandths
    }

    /// A time below a bound, in whole milliseconds; none if the bound is below one.
    pub(crate) fn below(&mut self, bound: Duration) -> Duration {
        let bound_ms = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.number(bound_ms.max(1)))
    }

    /// A time between two, in whole milliseconds.
    pub(crate) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        least + self.below(most.saturating_sub(least))
    }

    /// Cuts bytes into pieces, from one byte each to all at once.
    pub(crate) fn cut(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(self.part(rest.len()));
            pieces.push(piece.to_vec());
            rest = left;
        }
        pieces
    }

    /// How many of so many bytes pass: at least one.
    pub(crate) fn part(&mut self, count: usize) -> usize {
        // Small and large pieces are as likely: the size of the size is drawn first.
        let bits = self.0.next_u32() % 12;
        let part = 1 + usize::try_from(self.0.next_u32() % (1 << bits)).unwrap_or(0);
        part.min(count)
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn pieces_make_the_whole_and_differ_between_seeds() {
        let bytes: Vec<u8> = (0..=255).cycle().take(5_000).collect();
        let cut = |seed| Chance::new(seed).cut(&bytes);
        assert_eq!((cut(1).concat(), cut(1)), (bytes.clone(), cut(1)));
        assert_ne!(cut(1), cut(2));
    }
}
