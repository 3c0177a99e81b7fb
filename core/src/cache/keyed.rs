//! [`Keyed`]: a hasher whose collisions nobody can work out.

use std::fmt;
use std::hash::{BuildHasher, DefaultHasher, Hasher};

use rand_core::Rng;

/// Hashes behind a secret: what a bot's users search for are keys, and whoever knew the hashes
/// could send searches that all fall on one place of the table.
///
/// The tables are only looked up, never iterated, so the hashes never show.
#[derive(Clone)]
pub(crate) struct Keyed {
    secret: [u64; 2],
}

impl Keyed {
    pub(crate) fn new(chance: &mut impl Rng) -> Self {
        Self {
            secret: [chance.next_u64(), chance.next_u64()],
        }
    }
}

impl BuildHasher for Keyed {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        for part in self.secret {
            hasher.write_u64(part);
        }
        hasher
    }
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyed(***)")
    }
}
