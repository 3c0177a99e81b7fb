//! The chance of a world: all of it follows from one seed.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Cuts bytes into pieces, from one byte each to all at once.
    pub(super) fn cut(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            // Small and large pieces are as likely: the size of the size is drawn first.
            let bits = self.0.next_u32() % 12;
            let count = 1 + usize::try_from(self.0.next_u32() % (1 << bits)).unwrap_or(0);
            let (piece, left) = rest.split_at(count.min(rest.len()));
            pieces.push(piece.to_vec());
            rest = left;
        }
        pieces
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
