//! Queues give back the room that their fullest moment took, once they are empty.

use std::collections::VecDeque;

/// Whether nothing is left in a queue; then it is [trimmed](trim).
pub(crate) fn is_drained<T>(queue: &mut VecDeque<T>) -> bool {
    trim(queue);
    queue.is_empty()
}

/// A queue with nothing in it keeps no more room than for [`ROOM_KEPT`].
pub(crate) fn trim<T>(queue: &mut VecDeque<T>) {
    if queue.is_empty() && queue.capacity() > ROOM_KEPT {
        queue.shrink_to(ROOM_KEPT);
    }
}

/// About as many as one turn of the driver takes.
const ROOM_KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_was_full_keeps_little_room_when_it_is_empty() {
        let mut queue: VecDeque<_> = (0..1000).collect();
        queue.drain(..999);
        assert!(!is_drained(&mut queue) && queue.capacity() >= 1000);
        queue.clear();
        assert!(is_drained(&mut queue) && queue.capacity() < 1000);
        assert!(queue.capacity() >= ROOM_KEPT);
    }
}
