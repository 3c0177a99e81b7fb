//! Writes as Java's `DataOutput` does.

use super::{BlobError, TrackBlob, text};

/// A message that grows, with room for its header.
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; HEADER_BYTES],
        }
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// What a source adds, which is refused before it is copied if there is no room for it.
    pub(super) fn tail(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let after = bytes.len().saturating_add(TrackBlob::POSITION_BYTES);
        size(self.body().len().saturating_add(after))?;
        self.all(bytes);
        Ok(())
    }

    fn all(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    pub(super) fn long(&mut self, number: i64) {
        self.all(&number.to_be_bytes());
    }

    pub(super) fn text(&mut self, field: &'static str, text: &str) -> Result<(), BlobError> {
        let bytes = text::bytes(text);
        let Ok(count) = u16::try_from(bytes) else {
            return Err(BlobError::TextTooLong { field, bytes });
        };
        self.all(&count.to_be_bytes());
        text::write(text, &mut self.bytes);
        Ok(())
    }

    pub(super) fn nullable(
        &mut self,
        field: &'static str,
        text: Option<&str>,
    ) -> Result<(), BlobError> {
        self.flag(text.is_some());
        text.map_or(Ok(()), |text| self.text(field, text))
    }

    /// The whole, with a header of these flags.
    pub(super) fn into_message(mut self, flags: u32) -> Result<Vec<u8>, BlobError> {
        let size = size(self.body().len())?;
        if let Some(header) = self.bytes.first_chunk_mut() {
            *header = (size | flags).to_be_bytes();
        }
        Ok(self.bytes)
    }

    fn body(&self) -> &[u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }
}

/// A body of these bytes as its header says them.
fn size(bytes: usize) -> Result<u32, BlobError> {
    let size = u32::try_from(bytes).ok();
    let size = size.filter(|_| bytes <= TrackBlob::BODY_BYTES_MAX);
    size.ok_or(BlobError::BodyTooLong { bytes })
}

const HEADER_BYTES: usize = 4;
