//! The order of a queue that is shuffled, and its way back.

use rand_core::Rng;

use super::Queue;
use crate::seed::Seed;

impl Queue {
    /// Puts the waiting tracks into an order that follows from the seed. Each call draws anew.
    pub fn shuffle(&mut self) {
        let placed = self.upcoming.iter().filter_map(|entry| entry.place);
        let mut next = placed.max().map_or(0, |last| last.saturating_add(1));
        for entry in &mut self.upcoming {
            if entry.place.is_none() {
                entry.place = Some(next);
                next = next.saturating_add(1);
            }
        }
        let mut chance = self.seed.stream(self.draws);
        self.draws = self.draws.wrapping_add(1);
        for last in (1..self.upcoming.len()).rev() {
            self.upcoming.swap(below(&mut chance, last + 1), last);
        }
    }

    /// Takes shuffling back: the tracks that were shuffled are in their order again, those that
    /// were added later come after them.
    pub fn unshuffle(&mut self) {
        let entries = self.upcoming.make_contiguous();
        entries.sort_by_key(|entry| entry.place.unwrap_or(usize::MAX));
        for entry in entries {
            entry.place = None;
        }
    }

    /// Whether [`unshuffle`](Self::unshuffle) has something to take back.
    pub fn is_shuffled(&self) -> bool {
        self.upcoming.iter().any(|entry| entry.place.is_some())
    }

    /// Draws a seed of its own for whoever needs chance beside the queue, such as
    /// [`Autoplay`](crate::autoplay::Autoplay).
    pub fn draw_seed(&mut self) -> Seed {
        let mut bytes = [0; 32];
        self.seed.stream(self.draws).fill_bytes(&mut bytes);
        self.draws = self.draws.wrapping_add(1);
        Seed::new(bytes)
    }
}

/// A number below `bound`, all as likely as can be told; 0 if that is 0.
pub(crate) fn below(chance: &mut impl Rng, bound: usize) -> usize {
    let bound = u128::try_from(bound).unwrap_or(u128::MAX);
    let scaled = (u128::from(chance.next_u64()) * (bound & u128::from(u64::MAX))) >> 64;
    usize::try_from(scaled).unwrap_or(0)
}
