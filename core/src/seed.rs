//! [`Seed`]: the only source of chance.

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

/// Thirty-two bytes from which everything random in the core follows: WebSocket masks, handshake
/// keys, jitter, and the secret of a hash table whose keys strangers choose.
///
/// A driver draws it from the system once; a test writes it down. Each consumer has a stream of
/// its own, so the draws of one socket never shift those of another.
///
/// ```
/// use lavapool_core::Seed;
///
/// assert_ne!(Seed::from(1), Seed::from(2));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct Seed(#[cfg_attr(feature = "recording", serde(with = "crate::recording::hex"))] [u8; 32]);

impl Seed {
    /// A seed of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The generator of the numbered stream.
    pub(crate) fn stream(&self, number: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::from_seed(self.0);
        rng.set_stream(number);
        rng
    }
}

impl From<u64> for Seed {
    fn from(number: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Self(bytes)
    }
}

impl std::fmt::Debug for Seed {
    /// The bytes stay hidden: who knows them knows every mask.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(***)")
    }
}
