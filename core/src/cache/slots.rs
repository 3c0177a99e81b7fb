//! [`Slots`] and [`Links`]: entries that are named by index, and lists through them.

/// Entries that keep their index for as long as they are there.
#[derive(Debug)]
pub(super) struct Slots<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

/// Who comes before and after each slot in one kind of list. A slot is in one list of a kind at
/// most.
#[derive(Debug, Default)]
pub(super) struct Links {
    links: Vec<Link>,
}

/// The two ends of a list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct List {
    pub(super) first: Option<u32>,
    last: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Link {
    previous: Option<u32>,
    next: Option<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slots<T> {
    pub(super) fn insert(&mut self, entry: T) -> u32 {
        if let Some(at) = self.free.pop()
            && let Some(place) = self.places.get_mut(at as usize)
        {
            *place = Some(entry);
            return at;
        }
        let at = u32::try_from(self.places.len()).expect("the capacity is below 2^32");
        self.places.push(Some(entry));
        at
    }

    pub(super) fn remove(&mut self, at: u32) -> T {
        let entry = self.places.get_mut(at as usize).and_then(Option::take);
        self.free.push(at);
        entry.expect("an index names an entry")
    }

    pub(super) fn at(&self, at: u32) -> &T {
        let entry = self.places.get(at as usize).and_then(Option::as_ref);
        entry.expect("an index names an entry")
    }

    pub(super) fn at_mut(&mut self, at: u32) -> &mut T {
        let entry = self.places.get_mut(at as usize).and_then(Option::as_mut);
        entry.expect("an index names an entry")
    }
}

impl Links {
    /// Who comes after this slot.
    pub(super) fn next(&self, at: u32) -> Option<u32> {
        self.links.get(at as usize).and_then(|link| link.next)
    }

    pub(super) fn push_last(&mut self, list: &mut List, at: u32) {
        self.insert_after(list, list.last, at);
    }

    /// Puts the slot behind another one of the list, or first.
    pub(super) fn insert_after(&mut self, list: &mut List, previous: Option<u32>, at: u32) {
        let next = match previous {
            Some(previous) => self.link(previous).next.replace(at),
            None => list.first.replace(at),
        };
        match next {
            Some(next) => self.link(next).previous = Some(at),
            None => list.last = Some(at),
        }
        *self.link(at) = Link { previous, next };
    }

    pub(super) fn remove(&mut self, list: &mut List, at: u32) {
        let Link { previous, next } = std::mem::take(self.link(at));
        match previous {
            Some(previous) => self.link(previous).next = next,
            None => list.first = next,
        }
        match next {
            Some(next) => self.link(next).previous = previous,
            None => list.last = previous,
        }
    }

    fn link(&mut self, at: u32) -> &mut Link {
        let index = at as usize;
        if index >= self.links.len() {
            self.links.resize(index + 1, Link::default());
        }
        self.links.get_mut(index).expect("it was just made")
    }
}
