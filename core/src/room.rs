//! Queues give back the room that their fullest moment took, once they are empty.

use std::collections::VecDeque;

/// Takes the first of a queue. One that is emptied by that keeps room for this many, so that
/// nothing is allocated where no more than that ever wait.
#[inline]
pub(crate) fn pop_front<T>(queue: &mut VecDeque<T>, kept: usize) -> Option<T> {
    let first = queue.pop_front()?;
    trim(queue, kept);
    Some(first)
}

/// A queue that is empty keeps room for this many, and begins at its first place again: what never
/// holds much stays in the processor's cache.
#[inline]
pub(crate) fn trim<T>(queue: &mut VecDeque<T>, kept: usize) {
    if queue.is_empty() {
        queue.clear();
        if queue.capacity() > kept {
            queue.shrink_to(kept);
        }
    }
}

/// As [`pop_front`], of the other end.
#[inline]
pub(crate) fn pop<T>(list: &mut Vec<T>, kept: usize) -> Option<T> {
    let last = list.pop()?;
    if list.is_empty() && list.capacity() > kept {
        list.shrink_to(kept);
    }
    Some(last)
}

/// For how many there is room in what a pool keeps once for all that it has. One read of a socket
/// brings half as many messages.
pub(crate) const ROOM_KEPT: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_was_full_keeps_little_room_when_it_is_empty() {
        let mut queue: VecDeque<_> = (0..1000).collect();
        let mut list: Vec<_> = (0..1000).collect();
        for left in (0..1000).rev() {
            assert!(pop_front(&mut queue, 8).is_some() && pop(&mut list, 8).is_some());
            assert_eq!(
                (queue.capacity() < 1000, list.capacity() < 1000),
                (left == 0, left == 0)
            );
        }
        assert!(queue.capacity() >= 8 && list.capacity() >= 8);
        assert_eq!((pop_front(&mut queue, 8), pop(&mut list, 8)), (None, None));
    }
}
