//! [`Slab`]: slots that are named by index and generation, and never mixed up.

/// A table whose entries are found by index, with a generation that tells apart those that had
/// the slot before.
///
/// It grows by pieces that never move: what is not used is less than one piece.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    pieces: Vec<Vec<Slot<T>>>,
    free: Vec<u32>,
    taken: usize,
    /// How many slots there are, free ones included.
    slots: u32,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    entry: Option<T>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            pieces: Vec::new(),
            free: Vec::new(),
            taken: 0,
            slots: 0,
        }
    }
}

/// How many slots a piece has.
const PIECE_SLOTS: usize = 64;

impl<T> Slab<T> {
    /// Puts in what `entry` makes of its slot and generation.
    pub(crate) fn insert(&mut self, entry: impl FnOnce(u32, u32) -> T) -> (u32, u32) {
        self.taken += 1;
        if let Some(slot) = self.free.pop()
            && let Some(place) = self.slot_mut(slot)
        {
            place.entry = Some(entry(slot, place.generation));
            return (slot, place.generation);
        }
        let slot = self.slots;
        self.slots = slot
            .checked_add(1)
            .expect("Limits bound every table below 2^32");
        let slot_taken = Slot {
            generation: 0,
            entry: Some(entry(slot, 0)),
        };
        match self.pieces.last_mut() {
            Some(piece) if piece.len() < PIECE_SLOTS => piece.push(slot_taken),
            // The first piece grows as far as it is used: most tables stay small.
            None => self.pieces.push(vec![slot_taken]),
            Some(_) => {
                let mut piece = Vec::with_capacity(PIECE_SLOTS);
                piece.push(slot_taken);
                self.pieces.push(piece);
            }
        }
        (slot, 0)
    }

    pub(crate) fn remove(&mut self, slot: u32, generation: u32) -> Option<T> {
        let place = self.slot_mut(slot)?;
        if place.generation != generation {
            return None;
        }
        let entry = place.entry.take()?;
        // A slot whose generations are used up stays empty for good: ids are never reused.
        let next = place.generation.checked_add(1);
        if let Some(next) = next {
            place.generation = next;
            self.free.push(slot);
        }
        self.taken -= 1;
        Some(entry)
    }

    pub(crate) fn get(&self, slot: u32, generation: u32) -> Option<&T> {
        let place = self.slot(slot)?;
        if place.generation == generation {
            place.entry.as_ref()
        } else {
            None
        }
    }

    pub(crate) fn get_mut(&mut self, slot: u32, generation: u32) -> Option<&mut T> {
        let place = self.slot_mut(slot)?;
        if place.generation == generation {
            place.entry.as_mut()
        } else {
            None
        }
    }

    /// What is in the slot now, and its generation.
    pub(crate) fn at(&self, slot: u32) -> Option<(u32, &T)> {
        let place = self.slot(slot)?;
        Some((place.generation, place.entry.as_ref()?))
    }

    /// What is in the slot now.
    pub(crate) fn at_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.slot_mut(slot)?.entry.as_mut()
    }

    /// The entries, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let slots = self.pieces.iter().flatten();
        slots.filter_map(|place| place.entry.as_ref())
    }

    pub(crate) const fn len(&self) -> usize {
        self.taken
    }

    fn slot(&self, slot: u32) -> Option<&Slot<T>> {
        let piece = self.pieces.get(slot as usize / PIECE_SLOTS)?;
        piece.get(slot as usize % PIECE_SLOTS)
    }

    fn slot_mut(&mut self, slot: u32) -> Option<&mut Slot<T>> {
        let piece = self.pieces.get_mut(slot as usize / PIECE_SLOTS)?;
        piece.get_mut(slot as usize % PIECE_SLOTS)
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

    #[test]
    fn entries_beyond_the_first_piece_are_found_and_come_in_order() {
        let mut slab = Slab::default();
        let ids: Vec<_> = (0..200).map(|number| slab.insert(|_, _| number)).collect();
        assert_eq!(slab.remove(ids[70].0, ids[70].1), Some(70));
        let again = slab.insert(|_, _| 200);
        assert_eq!((again.0, slab.at(again.0)), (ids[70].0, Some((1, &200))));
        let expected: Vec<_> = (0..70).chain([200]).chain(71..200).collect();
        assert_eq!(slab.iter().copied().collect::<Vec<_>>(), expected);
        assert_eq!(
            (slab.get(ids[199].0, 0), slab.get(200, 0)),
            (Some(&199), None)
        );
    }
}
