//! [`Outgoing`]: bytes that wait for the driver to take them.

use std::fmt;

/// A queue of bytes, written at the end and taken from the front.
///
/// It gives its memory back when it runs empty after having grown past
/// [`Outgoing::KEPT_BYTES`].
#[derive(Default)]
pub(crate) struct Outgoing {
    bytes: Vec<u8>,
    taken: usize,
}

impl Outgoing {
    /// What an empty queue may keep of its memory.
    pub(crate) const KEPT_BYTES: usize = 4096;

    /// The place to append to.
    pub(crate) fn writer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Takes `count` bytes off the front, at most what is there.
    pub(crate) fn take(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count).min(self.bytes.len());
        if self.taken == self.bytes.len() {
            self.bytes.clear();
            self.taken = 0;
            self.bytes.shrink_to(Self::KEPT_BYTES);
        }
    }

    /// What waits.
    pub(crate) fn pending(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }
}

impl fmt::Debug for Outgoing {
    /// The bytes stay hidden: a request holds the password, a body perhaps a voice token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} bytes)", self.pending().len())
    }
}

#[cfg(test)]
mod tests {
    use super::Outgoing;

    #[test]
    fn bytes_are_taken_from_the_front() {
        let mut outgoing = Outgoing::default();
        outgoing.writer().extend_from_slice(b"GET /");

        outgoing.take(4);
        assert_eq!(
            (outgoing.pending(), outgoing.is_empty()),
            (&b"/"[..], false)
        );

        outgoing.take(usize::MAX);
        assert_eq!((outgoing.pending(), outgoing.is_empty()), (&b""[..], true));
    }

    #[test]
    fn a_long_queue_gives_its_memory_back_when_it_runs_empty() {
        let mut outgoing = Outgoing::default();
        outgoing.writer().resize(Outgoing::KEPT_BYTES * 16, 0);

        outgoing.take(Outgoing::KEPT_BYTES * 16);

        assert!(outgoing.writer().capacity() <= Outgoing::KEPT_BYTES);
    }

    #[test]
    fn debugging_shows_no_bytes() {
        let mut outgoing = Outgoing::default();
        outgoing
            .writer()
            .extend_from_slice(b"Authorization: youshallnotpass");

        assert_eq!(format!("{outgoing:?}"), "Outgoing(30 bytes)");
    }
}
