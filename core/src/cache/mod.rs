//! [`Lfu`]: a bounded cache that gives up what is used least.

mod keyed;
mod slots;
#[cfg(test)]
mod tests;

pub(crate) use keyed::Keyed;

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::time::Timestamp;
use slots::{Links, List, Slots};

/// A cache that is bounded in number and in time.
///
/// Full, it gives up an entry whose time is over, or else the one that was used least often, and
/// of several such the one that was used least recently. Putting an entry in is its first use;
/// each [`get`](Lfu::get) and each new value is another one. An entry is kept for a fixed time
/// after it got its value, used or not, so what was popular once does not stay for good.
///
/// Entries of equal use form a list, in the order of their last use, and those lists form a list
/// by use: each operation but [`resize`](Lfu::resize) takes constant time. Memory is taken as it
/// fills up.
#[derive(Debug)]
pub(crate) struct Lfu<K, V> {
    capacity: usize,
    kept_for: Duration,
    index: HashMap<K, u32, Keyed>,
    entries: Slots<Entry<K, V>>,
    ranks: Slots<Rank>,
    /// The lists of entries of equal use, the least recently used first.
    by_use: Links,
    /// The list of all entries, the one that has its value for longest first.
    by_age: Links,
    /// The list of ranks, the least used first.
    by_rank: Links,
    ages: List,
    order: List,
}

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    rank: u32,
    until: Timestamp,
}

/// The entries that were used equally often; there is none without any.
#[derive(Debug)]
struct Rank {
    uses: u64,
    entries: List,
}

impl<K: Clone + Eq + Hash, V> Lfu<K, V> {
    /// A cache of this many entries, at most [`Lfu::CAPACITY_MAX`]; none switches it off.
    pub(crate) fn new(capacity: usize, kept_for: Duration, hasher: Keyed) -> Self {
        Self {
            capacity: capacity.min(Self::CAPACITY_MAX),
            kept_for,
            index: HashMap::with_hasher(hasher),
            entries: Slots::default(),
            ranks: Slots::default(),
            by_use: Links::default(),
            by_age: Links::default(),
            by_rank: Links::default(),
            ages: List::default(),
            order: List::default(),
        }
    }

    /// What an index can name.
    pub(crate) const CAPACITY_MAX: usize = u32::MAX as usize;

    /// Uses an entry.
    pub(crate) fn get(&mut self, key: &K, now: Timestamp) -> Option<&V> {
        let at = *self.index.get(key)?;
        if self.entries.at(at).until <= now {
            self.remove(at);
            return None;
        }
        self.promote(at);
        Some(&self.entries.at(at).value)
    }

    /// Puts an entry in, or gives it a new value.
    pub(crate) fn insert(&mut self, key: K, value: V, now: Timestamp) {
        let until = now + self.kept_for;
        if let Some(at) = self.index.get(&key).copied() {
            let entry = self.entries.at_mut(at);
            entry.value = value;
            entry.until = until;
            self.by_age.remove(&mut self.ages, at);
            self.by_age.push_last(&mut self.ages, at);
            return self.promote(at);
        }
        if self.capacity == 0 {
            return;
        }
        if self.len() >= self.capacity {
            self.evict(now);
        }
        let least = self.order.first;
        let rank = match least.filter(|rank| self.ranks.at(*rank).uses == 1) {
            Some(rank) => rank,
            None => self.rank_after(None, 1),
        };
        let at = self.entries.insert(Entry {
            key: key.clone(),
            value,
            rank,
            until,
        });
        self.index.insert(key, at);
        self.by_age.push_last(&mut self.ages, at);
        let rank = self.ranks.at_mut(rank);
        self.by_use.push_last(&mut rank.entries, at);
    }

    /// Sets how many entries there may be. Those that do not fit go, the least used first; none at
    /// all gives back the memory.
    pub(crate) fn resize(&mut self, capacity: usize, now: Timestamp) {
        if capacity == 0 {
            let hasher = self.index.hasher().clone();
            *self = Self::new(0, self.kept_for, hasher);
            return;
        }
        self.capacity = capacity.min(Self::CAPACITY_MAX);
        while self.len() > self.capacity {
            self.evict(now);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// How many entries there may be; 0 if it is off.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Makes room for one entry, if there is any to give up.
    fn evict(&mut self, now: Timestamp) {
        let oldest = self.ages.first;
        let expired = oldest.filter(|at| self.entries.at(*at).until <= now);
        let least = self.order.first;
        let given_up = expired.or_else(|| self.ranks.at(least?).entries.first);
        if let Some(at) = given_up {
            self.remove(at);
        }
    }

    /// Counts one more use of an entry. The count stops at its end; the order of use does not.
    fn promote(&mut self, at: u32) {
        let from = self.entries.at(at).rank;
        let uses = self.ranks.at(from).uses.saturating_add(1);
        let next = self.by_rank.next(from);
        let to = if self.ranks.at(from).uses == uses {
            from
        } else if let Some(next) = next.filter(|next| self.ranks.at(*next).uses == uses) {
            next
        } else {
            self.rank_after(Some(from), uses)
        };
        self.by_use.remove(&mut self.ranks.at_mut(from).entries, at);
        self.by_use
            .push_last(&mut self.ranks.at_mut(to).entries, at);
        self.entries.at_mut(at).rank = to;
        self.drop_if_empty(from);
    }

    fn remove(&mut self, at: u32) {
        let entry = self.entries.remove(at);
        self.index.remove(&entry.key);
        self.by_age.remove(&mut self.ages, at);
        let rank = self.ranks.at_mut(entry.rank);
        self.by_use.remove(&mut rank.entries, at);
        self.drop_if_empty(entry.rank);
    }

    fn rank_after(&mut self, previous: Option<u32>, uses: u64) -> u32 {
        let rank = self.ranks.insert(Rank {
            uses,
            entries: List::default(),
        });
        self.by_rank.insert_after(&mut self.order, previous, rank);
        rank
    }

    fn drop_if_empty(&mut self, rank: u32) {
        if self.ranks.at(rank).entries.first.is_none() {
            self.ranks.remove(rank);
            self.by_rank.remove(&mut self.order, rank);
        }
    }
}
