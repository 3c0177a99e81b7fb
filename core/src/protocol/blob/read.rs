//! Reads what Java's `DataOutput` wrote.

use super::{BlobError, text};

/// What is left of a body, or of a part of it.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    is_verbatim: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            is_verbatim: true,
        }
    }

    /// Whether nothing is left, and all that was read would be written as it was.
    pub(super) fn is_verbatim(&self) -> bool {
        self.is_verbatim && self.rest.is_empty()
    }

    /// The next bytes as a reader of their own.
    pub(super) fn part(&mut self, field: &'static str, count: usize) -> Result<Self, BlobError> {
        self.take(field, count).map(Self::new)
    }

    /// All but the last `kept` bytes, which are those of `field`.
    pub(super) fn all_but(
        &mut self,
        kept: usize,
        field: &'static str,
    ) -> Result<&'a [u8], BlobError> {
        let count = self.rest.len().checked_sub(kept);
        self.take(field, count.ok_or_else(|| self.cut(field, kept))?)
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], BlobError> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.cut(field, N));
        };
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn long(&mut self, field: &'static str) -> Result<i64, BlobError> {
        self.array(field).map(i64::from_be_bytes)
    }

    /// Any byte but 0 is true (Java: `DataInput.readBoolean`).
    pub(super) fn flag(&mut self, field: &'static str) -> Result<bool, BlobError> {
        let [byte] = self.array(field)?;
        self.is_verbatim &= byte <= 1;
        Ok(byte != 0)
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<String, BlobError> {
        let count = usize::from(u16::from_be_bytes(self.array(field)?));
        let bytes = self.take(field, count)?;
        let text = text::read(bytes).map_err(|at| BlobError::NotUtf8 { field, at })?;
        self.is_verbatim &= text::is_written_as(&text, bytes);
        Ok(text)
    }

    pub(super) fn nullable(&mut self, field: &'static str) -> Result<Option<String>, BlobError> {
        if self.flag(field)? {
            self.text(field).map(Some)
        } else {
            Ok(None)
        }
    }

    fn take(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], BlobError> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.cut(field, count));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn cut(&self, field: &'static str, needed: usize) -> BlobError {
        BlobError::CutShort {
            field,
            needed,
            found: self.rest.len(),
        }
    }
}
