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

/// What a slab holds. It knows the generation of its slot, so that nothing is kept twice.
pub(crate) trait Entry {
    fn generation(&self) -> u32;
}

#[derive(Debug)]
enum Slot<T> {
    Taken(T),
    /// The generation of the next one.
    Free(u32),
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

impl<T: Entry> Slab<T> {
    /// Puts in what `entry` makes of its slot and generation.
    pub(crate) fn insert(&mut self, entry: impl FnOnce(u32, u32) -> T) -> (u32, u32) {
        self.taken += 1;
        if let Some(slot) = self.free.pop()
            && let Some(place) = self.slot_mut(slot)
            && let Slot::Free(generation) = *place
        {
            *place = Slot::Taken(entry(slot, generation));
            return (slot, generation);
        }
        let slot = self.slots;
        self.slots = slot
            .checked_add(1)
            .expect("Limits bound every table below 2^32");
        let slot_taken = Slot::Taken(entry(slot, 0));
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
        if !matches!(place, Slot::Taken(entry) if entry.generation() == generation) {
            return None;
        }
        // A slot whose generations are used up stays empty for good: ids are never reused.
        let next = generation.checked_add(1);
        let old = std::mem::replace(place, Slot::Free(next.unwrap_or(generation)));
        if next.is_some() {
            self.free.push(slot);
        }
        self.taken -= 1;
        old.entry()
    }

    pub(crate) fn get(&self, slot: u32, generation: u32) -> Option<&T> {
        let (present, entry) = self.at(slot)?;
        (present == generation).then_some(entry)
    }

    pub(crate) fn get_mut(&mut self, slot: u32, generation: u32) -> Option<&mut T> {
        let entry = self.at_mut(slot)?;
        (entry.generation() == generation).then_some(entry)
    }

    /// What is in the slot now, and its generation.
    pub(crate) fn at(&self, slot: u32) -> Option<(u32, &T)> {
        match self.slot(slot)? {
            Slot::Taken(entry) => Some((entry.generation(), entry)),
            Slot::Free(_) => None,
        }
    }

    /// What is in the slot now.
    pub(crate) fn at_mut(&mut self, slot: u32) -> Option<&mut T> {
        match self.slot_mut(slot)? {
            Slot::Taken(entry) => Some(entry),
            Slot::Free(_) => None,
        }
    }

    /// The entries, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let slots = self.pieces.iter().flatten();
        slots.filter_map(|place| match place {
            Slot::Taken(entry) => Some(entry),
            Slot::Free(_) => None,
        })
    }

    /// As [`iter`](Self::iter), to change them.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let slots = self.pieces.iter_mut().flatten();
        slots.filter_map(|place| match place {
            Slot::Taken(entry) => Some(entry),
            Slot::Free(_) => None,
        })
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

impl<T> Slot<T> {
    fn entry(self) -> Option<T> {
        match self {
            Self::Taken(entry) => Some(entry),
            Self::Free(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number and the generation of its slot.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Numbered(u32, u32);

    impl Entry for Numbered {
        fn generation(&self) -> u32 {
            self.1
        }
    }

    fn put(slab: &mut Slab<Numbered>, number: u32) -> (u32, u32) {
        slab.insert(|_, generation| Numbered(number, generation))
    }

    #[test]
    fn an_old_name_does_not_find_the_new_entry_of_its_slot() {
        let mut slab = Slab::default();
        let old = put(&mut slab, 7);
        assert_eq!(slab.remove(old.0, old.1), Some(Numbered(7, 0)));
        let new = put(&mut slab, 8);
        assert_eq!(
            (new, slab.get(old.0, old.1), slab.get(new.0, new.1)),
            ((old.0, 1), None, Some(&Numbered(8, 1)))
        );
        assert_eq!((slab.remove(old.0, old.1), slab.len()), (None, 1));
    }

    #[test]
    fn a_slot_whose_generations_are_used_up_stays_empty() {
        let mut slab = Slab::default();
        let (slot, _) = put(&mut slab, 1);
        slab.at_mut(slot).expect("it is there").1 = u32::MAX;
        assert_eq!(slab.remove(slot, u32::MAX), Some(Numbered(1, u32::MAX)));
        assert_eq!((slab.get(slot, u32::MAX), slab.len()), (None, 0));
        assert_ne!(put(&mut slab, 2).0, slot);
    }

    #[test]
    fn entries_beyond_the_first_piece_are_found_and_come_in_order() {
        let mut slab = Slab::default();
        let ids: Vec<_> = (0..200).map(|number| put(&mut slab, number)).collect();
        assert_eq!(slab.remove(ids[70].0, ids[70].1), Some(Numbered(70, 0)));
        let again = put(&mut slab, 200);
        assert_eq!(
            (again.0, slab.at(again.0)),
            (ids[70].0, Some((1, &Numbered(200, 1))))
        );
        let expected: Vec<_> = (0..70).chain([200]).chain(71..200).collect();
        let found: Vec<_> = slab.iter().map(|entry| entry.0).collect();
        assert_eq!(found, expected);
        assert_eq!(
            (slab.get(ids[199].0, 0), slab.get(200, 0)),
            (Some(&Numbered(199, 0)), None)
        );
    }
}
