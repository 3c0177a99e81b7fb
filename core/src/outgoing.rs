//! [`Outgoing`]: bytes that wait for the driver to take them.

/// A queue of bytes, written at the end and taken from the front.
///
/// It gives its memory back when it runs empty after having grown past
/// [`Outgoing::KEPT_BYTES`].
#[derive(Debug, Default)]
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
