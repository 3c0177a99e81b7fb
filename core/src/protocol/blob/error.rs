//! [`BlobError`]: why a text is no encoded track, or a track cannot be encoded.

use base64::DecodeError;

/// Why a text is no encoded track, or a track cannot be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The text is no base64 of the standard alphabet.
    #[error("not base64 at byte {at}")]
    NotBase64 {
        /// The byte of the text where it stops to be base64; its length if it ends too early.
        at: usize,
    },
    /// The header says that there is no track in it.
    #[error("the body has 0 bytes, so there is no track")]
    NoTrack,
    /// It ends inside of a field.
    #[error("{field} needs {needed} bytes, and {found} are left")]
    CutShort {
        /// The field, such as `title`.
        field: &'static str,
        /// The bytes that it needs at least.
        needed: usize,
        /// The bytes that are left.
        found: usize,
    },
    /// A version other than 1 to 3.
    #[error("version {version} is not 1 to 3")]
    UnknownVersion {
        /// The version.
        version: u8,
    },
    /// A text that is neither modified nor plain UTF-8.
    #[error("{field} is not UTF-8 at its byte {at}")]
    NotUtf8 {
        /// The field, such as `title`.
        field: &'static str,
        /// The byte of the text, from 0.
        at: usize,
    },
    /// A text to be written is too long.
    #[error("{field} of {bytes} bytes exceeds 65535")]
    TextTooLong {
        /// The field, such as `title`.
        field: &'static str,
        /// Its bytes in modified UTF-8.
        bytes: usize,
    },
    /// A field to be written has no place in the version.
    #[error("{field} is set, and version {version} is before {since}")]
    NotInVersion {
        /// The field, such as `uri`.
        field: &'static str,
        /// The version to be written.
        version: u8,
        /// The first version that has the field.
        since: u8,
    },
    /// All of it is too long to be written.
    #[error("the body of {bytes} bytes exceeds 1073741823")]
    BodyTooLong {
        /// The bytes of the body.
        bytes: usize,
    },
}

impl BlobError {
    pub(super) fn of_base64(error: DecodeError) -> Self {
        let at = match error {
            DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => at,
            DecodeError::InvalidLength(length) => length,
            // Not made by a decoder to which padding is indifferent.
            DecodeError::InvalidPadding => 0,
        };
        Self::NotBase64 { at }
    }
}
