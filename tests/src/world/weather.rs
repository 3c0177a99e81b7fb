//! What the network does to bytes and dials, beyond passing them on.

use std::time::Duration;

use lavapool_core::Closed;

/// What a network is like for as long as it lasts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// What chance follows from, beside the seed of the world.
    pub seed: u64,
    /// The most that something is on its way beyond the latency.
    pub jitter_max: Duration,
    /// Whether bytes that were sent apart may arrive as one piece.
    pub has_joins: bool,
    /// Whether sockets take a part of what is written, and the rest a while later.
    pub has_partial_writes: bool,
    /// How much later than due a timer of the pool may ring.
    pub timer_lag_max: Duration,
}

/// What becomes of a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialled {
    /// It takes this much longer.
    Slow(Duration),
    /// It is never answered.
    Never,
    /// It fails.
    Fails(Closed),
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the pool to a server.
    ToNode,
    /// From a server to the pool.
    ToPool,
}

impl Direction {
    pub(super) const fn index(self) -> usize {
        match self {
            Self::ToNode => 0,
            Self::ToPool => 1,
        }
    }
}

/// What happens to the next bytes that a server sends, and to their connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bite {
    /// Where, modulo their number.
    pub place: usize,
    /// What.
    pub how: Bitten,
    /// For how long the connection lives on; none can be trusted after that.
    pub lives_for: Duration,
}

/// What can happen to bytes on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bitten {
    /// One bit is another one.
    Flipped,
    /// The rest is lost, and the connection reset.
    Reset,
    /// The rest is lost, and the connection ended in good order.
    Ended,
}
