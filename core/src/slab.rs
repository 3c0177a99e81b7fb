//! [`Slab`]: slots that are named by index and generation, and never mixed up.

/// A table whose entries are found by index, with a generation that tells apart those that had
/// the slot before.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    taken: usize,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    entry: Option<T>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            taken: 0,
        }
    }
}

impl<T> Slab<T> {
    /// Puts in what `entry` makes of its slot and generation.
    pub(crate) fn insert(&mut self, entry: impl FnOnce(u32, u32) -> T) -> (u32, u32) {
        self.taken += 1;
        if let Some(slot) = self.free.pop()
            && let Some(place) = self.slots.get_mut(slot as usize)
        {
            place.entry = Some(entry(slot, place.generation));
            return (slot, place.generation);
        }
        let slot = u32::try_from(self.slots.len()).expect("Limits bound every table below 2^32");
        self.slots.push(Slot {
            generation: 0,
            entry: Some(entry(slot, 0)),
        });
        (slot, 0)
    }

    pub(crate) fn remove(&mut self, slot: u32, generation: u32) -> Option<T> {
        let place = self.slots.get_mut(slot as usize)?;
        if place.generation != generation {
            return None;
        }
        let entry = place.entry.take()?;
        self.taken -= 1;
        // A slot whose generations are used up stays empty for good: ids are never reused.
        if let Some(next) = place.generation.checked_add(1) {
            place.generation = next;
            self.free.push(slot);
        }
        Some(entry)
    }

    pub(crate) fn get(&self, slot: u32, generation: u32) -> Option<&T> {
        let place = self.slots.get(slot as usize)?;
        if place.generation == generation {
            place.entry.as_ref()
        } else {
            None
        }
    }

    pub(crate) fn get_mut(&mut self, slot: u32, generation: u32) -> Option<&mut T> {
        let place = self.slots.get_mut(slot as usize)?;
        if place.generation == generation {
            place.entry.as_mut()
        } else {
            None
        }
    }

    /// The entries, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|place| place.entry.as_ref())
    }

    pub(crate) const fn len(&self) -> usize {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_name_does_not_find_the_new_entry_of_its_slot() {
        let mut slab = Slab::default();
        let old = slab.insert(|_, _| "old");
        assert_eq!(slab.remove(old.0, old.1), Some("old"));
        let new = slab.insert(|_, _| "new");
        assert_eq!(
            (new.0, slab.get(old.0, old.1), slab.get(new.0, new.1)),
            (old.0, None, Some(&"new"))
        );
        assert_eq!((slab.remove(old.0, old.1), slab.len()), (None, 1));
    }
}
