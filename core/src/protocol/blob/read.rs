//! Reads what Java's `DataOutput` wrote.

use super::{BlobError, text};

/// What is left of a body, or of a part of it.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
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
        self.array(field).map(|[byte]| byte != 0)
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<String, BlobError> {
        let count = usize::from(u16::from_be_bytes(self.array(field)?));
        let bytes = self.take(field, count)?;
        text::read(bytes).map_err(|at| BlobError::NotUtf8 { field, at })
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
