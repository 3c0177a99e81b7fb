//! The one source of chance in a test node: SplitMix64, which is nine lines and good enough for
//! names and coin tosses.

/// A generator that gives the same numbers for the same seed.
#[derive(Clone, Debug)]
pub(super) struct Seeded {
    state: u64,
}

impl Seeded {
    /// Starts the sequence of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Draws a session id: 16 characters of `[a-z0-9]`.
    pub(super) fn session_id(&mut self) -> String {
        (0..16)
            .map(|_| char::from(ALPHABET[self.below(36)]))
            .collect()
    }

    /// Tosses a coin that shows heads in `of_ten` of ten cases.
    pub(super) fn toss(&mut self, of_ten: usize) -> bool {
        self.below(10) < of_ten
    }

    pub(super) fn below(&mut self, bound: u64) -> usize {
        usize::try_from(self.next() % bound).expect("a remainder of a small bound fits")
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
