//! [`Cut`]: bytes and a way to cut them.

use arbitrary::{Arbitrary, Unstructured};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Bytes of a peer, after eight bytes that say how they are cut.
#[derive(Arbitrary, Debug)]
pub(crate) struct Cut<'a> {
    seed: u64,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Cut<'a> {
    /// Reads what the fuzzer gave, if it is long enough.
    pub(crate) fn read(fuzzed: &'a [u8]) -> Option<Self> {
        Self::arbitrary_take_rest(Unstructured::new(fuzzed)).ok()
    }

    /// Asserts that `run` makes the same of the bytes whole, byte by byte and in random pieces,
    /// and gives what it makes.
    pub(crate) fn check<T: std::fmt::Debug + PartialEq>(&self, run: impl Fn(&[&[u8]]) -> T) -> T {
        check_cuts(self.bytes, self.seed, run)
    }
}

/// Asserts that `run` makes the same of `bytes` whole, byte by byte and in random pieces.
pub(crate) fn check_cuts<T: std::fmt::Debug + PartialEq>(
    bytes: &[u8],
    seed: u64,
    run: impl Fn(&[&[u8]]) -> T,
) -> T {
    let whole = run(&[bytes]);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(run(&single), whole, "byte by byte");
    assert_eq!(run(&pieces(bytes, seed)), whole, "in pieces");
    whole
}

/// `bytes` in pieces, some of them empty: small ones for one half of the seeds.
fn pieces(bytes: &[u8], seed: u64) -> Vec<&[u8]> {
    let longest = if seed.is_multiple_of(2) { 8 } else { 512 };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, tail) =
            rest.split_at((rng.next_u32() % longest).min(rest.len() as u32) as usize);
        pieces.push(piece);
        rest = tail;
    }
    pieces
}
