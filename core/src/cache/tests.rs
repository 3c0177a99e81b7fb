//! [`Lfu`] beside a model that is too simple to be wrong.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails there says where"
)]

use std::time::Duration;

use rand_core::Rng;

use super::*;
use crate::Seed;

#[test]
fn a_million_operations_agree_with_a_list_that_is_searched() {
    let mut chance = Seed::from(20).stream(0);
    let mut below = |bound: u32| chance.next_u32() % bound;
    let mut model = Model::default();
    let mut cache = cache(0);
    let mut now = Timestamp::ZERO;
    let mut hits = 0;
    for operation in 0..OPERATIONS {
        // Small numbers are drawn more often, so that some entries are used far more than others.
        let key = below(24).min(below(48));
        match below(1_000) {
            0..550 => {
                let found = cache.get(&key, now).copied();
                assert_eq!(found, model.get(key, now), "{operation}");
                hits += u32::from(found.is_some());
            }
            550..950 => {
                cache.insert(key, operation, now);
                model.insert(key, operation, now);
            }
            950..998 => now = now + Duration::from_secs(below(5).into()),
            _ => {
                let capacity = below(14) as usize;
                cache.resize(capacity, now);
                model.resize(capacity, now);
            }
        }
        assert_eq!(cache.len(), model.entries.len(), "{operation}");
        if operation % 64 == 0 {
            assert_eq!(contents(&cache), model.contents(), "{operation}");
        }
    }
    // Hits and misses are both common, so that the agreement says something.
    assert!((150_000..450_000).contains(&hits), "{hits}");
}

#[test]
fn the_least_used_entry_is_given_up() {
    let mut cache = filled(2, &[1, 2]);
    cache.get(&1, Timestamp::ZERO);
    cache.insert(3, 3, Timestamp::ZERO);
    assert_eq!(keys(&cache), [3, 1]);
}

#[test]
fn of_entries_that_were_used_equally_often_the_least_recently_used_is_given_up() {
    let mut cache = filled(3, &[1, 2, 3]);
    for key in [3, 1, 2] {
        cache.get(&key, Timestamp::ZERO);
    }
    cache.insert(4, 4, Timestamp::ZERO);
    assert_eq!(keys(&cache), [4, 1, 2]);
}

#[test]
fn a_new_value_is_a_use() {
    let mut cache = filled(2, &[1, 2, 1, 3]);
    assert_eq!(keys(&cache), [3, 1]);
    assert_eq!(cache.get(&2, Timestamp::ZERO), None);
}

#[test]
fn an_entry_is_kept_for_its_time_and_not_a_moment_longer() {
    let mut cache = filled(2, &[1]);
    let last = Timestamp::from_nanos(Timestamp::from_millis(20_000).as_nanos() - 1);
    assert_eq!(cache.get(&1, last), Some(&1));
    assert_eq!(cache.get(&1, Timestamp::from_millis(20_000)), None);
    assert_eq!(cache.len(), 0);
}

#[test]
fn a_use_keeps_no_entry_longer_but_a_new_value_does() {
    let mut cache = filled(2, &[1, 2]);
    let later = Timestamp::from_millis(15_000);
    cache.get(&1, later);
    cache.insert(2, 20, later);
    let end = Timestamp::from_millis(25_000);
    assert_eq!(
        [1, 2].map(|key| cache.get(&key, end).copied()),
        [None, Some(20)]
    );
}

#[test]
fn an_entry_whose_time_is_over_goes_before_one_that_is_used_less() {
    let mut cache = filled(2, &[1, 1, 1]);
    let later = Timestamp::from_millis(15_000);
    cache.insert(2, 2, later);
    cache.insert(3, 3, Timestamp::from_millis(20_000));
    assert_eq!(keys(&cache), [2, 3]);
}

#[test]
fn shrinking_keeps_what_is_used_most() {
    let mut cache = filled(4, &[1, 2, 3, 4, 3, 1, 1]);
    cache.resize(2, Timestamp::ZERO);
    assert_eq!(keys(&cache), [3, 1]);
    assert_eq!(cache.capacity(), 2);
}

#[test]
fn growing_keeps_everything() {
    let mut cache = filled(2, &[1, 2]);
    cache.resize(3, Timestamp::ZERO);
    cache.insert(3, 3, Timestamp::ZERO);
    assert_eq!(keys(&cache), [1, 2, 3]);
}

#[test]
fn a_cache_that_is_off_keeps_nothing_and_can_be_switched_on() {
    let mut cache = filled(2, &[1, 2]);
    cache.resize(0, Timestamp::ZERO);
    cache.insert(3, 3, Timestamp::ZERO);
    assert_eq!((cache.len(), cache.capacity()), (0, 0));
    cache.resize(1, Timestamp::ZERO);
    cache.insert(4, 4, Timestamp::ZERO);
    assert_eq!(keys(&cache), [4]);
}

#[test]
fn memory_is_taken_as_the_cache_fills_up() {
    let cache = filled(usize::MAX, &[1, 2]);
    assert_eq!(cache.capacity(), Lfu::<u32, u32>::CAPACITY_MAX);
    assert!(cache.index.capacity() < 100);
}

#[test]
fn a_count_that_is_at_its_end_stays_there() {
    let mut cache = filled(3, &[1, 2, 3, 3]);
    let most = cache.entries.at(*cache.index.get(&3).unwrap()).rank;
    cache.ranks.at_mut(most).uses = u64::MAX;
    cache.get(&3, Timestamp::ZERO);
    cache.get(&3, Timestamp::ZERO);
    assert_eq!(contents(&cache).last(), Some(&(3, 3, u64::MAX)));
    cache.insert(4, 4, Timestamp::ZERO);
    assert_eq!(keys(&cache), [2, 4, 3]);
}

const OPERATIONS: u32 = 1_000_000;
const KEPT_FOR: Duration = Duration::from_secs(20);

fn cache(capacity: usize) -> Lfu<u32, u32> {
    Lfu::new(capacity, KEPT_FOR, Keyed::new(&mut Seed::from(1).stream(0)))
}

/// A cache into which these were put, in order, at the origin of time.
fn filled(capacity: usize, keys: &[u32]) -> Lfu<u32, u32> {
    let mut cache = cache(capacity);
    for key in keys {
        cache.insert(*key, *key, Timestamp::ZERO);
    }
    cache
}

/// Key, value and uses of each entry, the next one to be given up first.
fn contents(cache: &Lfu<u32, u32>) -> Vec<(u32, u32, u64)> {
    let mut found = Vec::new();
    let mut rank = cache.order.first;
    while let Some(index) = rank {
        let Rank { uses, entries } = cache.ranks.at(index);
        let mut entry = entries.first;
        while let Some(at) = entry {
            let Entry { key, value, .. } = cache.entries.at(at);
            found.push((*key, *value, *uses));
            entry = cache.by_use.next(at);
        }
        rank = cache.by_rank.next(index);
    }
    found
}

fn keys(cache: &Lfu<u32, u32>) -> Vec<u32> {
    contents(cache).iter().map(|entry| entry.0).collect()
}

/// The same cache as a list, in the order in which the values came.
#[derive(Default)]
struct Model {
    capacity: usize,
    entries: Vec<ModelEntry>,
    serial: u64,
}

struct ModelEntry {
    key: u32,
    value: u32,
    uses: u64,
    used_last: u64,
    until: Timestamp,
}

impl Model {
    fn get(&mut self, key: u32, now: Timestamp) -> Option<u32> {
        self.serial += 1;
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        if self.entries[index].until <= now {
            self.entries.remove(index);
            return None;
        }
        let entry = &mut self.entries[index];
        entry.uses += 1;
        entry.used_last = self.serial;
        Some(entry.value)
    }

    fn insert(&mut self, key: u32, value: u32, now: Timestamp) {
        self.serial += 1;
        let old = self.entries.iter().position(|entry| entry.key == key);
        let uses = old.map_or(0, |index| self.entries.remove(index).uses);
        if self.capacity == 0 {
            return;
        }
        while self.entries.len() >= self.capacity {
            self.evict(now);
        }
        self.entries.push(ModelEntry {
            key,
            value,
            uses: uses + 1,
            used_last: self.serial,
            until: now + KEPT_FOR,
        });
    }

    fn resize(&mut self, capacity: usize, now: Timestamp) {
        self.capacity = capacity;
        while self.entries.len() > capacity {
            self.evict(now);
        }
    }

    fn evict(&mut self, now: Timestamp) {
        let expired = self.entries.first().filter(|entry| entry.until <= now);
        let index = if expired.is_some() {
            0
        } else {
            let entries = self.entries.iter().enumerate();
            let least = entries.min_by_key(|(_, entry)| (entry.uses, entry.used_last));
            least.unwrap().0
        };
        self.entries.remove(index);
    }

    fn contents(&self) -> Vec<(u32, u32, u64)> {
        let mut sorted: Vec<_> = self.entries.iter().collect();
        sorted.sort_by_key(|entry| (entry.uses, entry.used_last));
        let entry = |entry: &&ModelEntry| (entry.key, entry.value, entry.uses);
        sorted.iter().map(entry).collect()
    }
}
