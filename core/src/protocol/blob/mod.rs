//! What an encoded track holds, read and written without a server: [`TrackBlob`].

use std::sync::Arc;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};

use self::read::Reader;
use self::write::Writer;
use super::{Track, TrackInfo};

mod error;
mod read;
mod tail;
mod text;
mod write;

#[cfg(test)]
mod tests;

pub use error::BlobError;
pub use tail::{BlobTail, ExtendedInfo};

/// An encoded track, taken apart (lavaplayer: `MessageInput`, `DefaultAudioPlayerManager`).
///
/// Lavalink's blobs of version 1 to 3 are read, with Java's modified UTF-8 or the plain UTF-8 of
/// NodeLink, with or without padding, and with anything after the body. Writing gives modified
/// UTF-8 with padding, as Lavalink does: it refuses plain UTF-8 of four bytes. What Lavalink wrote
/// is written back to the byte, save texts with half a surrogate pair, which a `String` cannot
/// hold: the half is read as U+FFFD.
///
/// A text is at most [`TrackBlob::TEXT_BYTES_MAX`] bytes in modified UTF-8.
///
/// ```
/// use lavapool_core::protocol::{BlobTail, TrackBlob};
///
/// let encoded = "AAAANAACVDEAAkExAAAAAAAAE4gADS90bXAvdG9uZS53YXYAAAVsb2NhbAADd2F2AAAAAAAABNI=";
/// let blob = TrackBlob::decode(encoded)?;
/// assert_eq!((&*blob.title, &*blob.source_name), ("T1", "local"));
/// assert_eq!((blob.length, blob.position), (5000, 1234));
/// assert_eq!(blob.tail, BlobTail::Probe("wav".into()));
/// assert_eq!(blob.encode()?, encoded);
/// # Ok::<(), lavapool_core::protocol::BlobError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackBlob {
    /// The version it was read from and is written as.
    pub version: BlobVersion,
    /// Its title.
    pub title: String,
    /// Who made it.
    pub author: String,
    /// The length in milliseconds; `i64::MAX` of most streams.
    pub length: i64,
    /// The source's own name of the track.
    pub identifier: String,
    /// Whether it has no end.
    pub is_stream: bool,
    /// Where people find it; from version 2.
    pub uri: Option<String>,
    /// Its picture; from version 3.
    pub artwork_url: Option<String>,
    /// Its International Standard Recording Code; from version 3.
    pub isrc: Option<String>,
    /// The source that loaded it, such as `youtube`.
    pub source_name: String,
    /// What the source adds.
    pub tail: BlobTail,
    /// The position in milliseconds: where a play of this blob starts.
    pub position: i64,
}

/// The version of a blob: which fields it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BlobVersion {
    /// No address, picture or recording code. Written without a version byte.
    V1,
    /// With the address.
    V2,
    /// With all: what Lavalink 4 writes.
    #[default]
    V3,
}

impl TrackBlob {
    /// The most bytes of one text in modified UTF-8: its length is a `u16`.
    pub const TEXT_BYTES_MAX: usize = 65_535;

    /// The most bytes of a body: its length has 30 bits.
    pub const BODY_BYTES_MAX: usize = 0x3fff_ffff;

    const POSITION_BYTES: usize = 8;

    /// A blob of version 3 that says what `info` does, and nothing that a source adds.
    ///
    /// [`TrackInfo::is_seekable`] has no place in a blob.
    pub fn from_info(info: &TrackInfo) -> Self {
        Self {
            version: BlobVersion::V3,
            title: info.title.clone(),
            author: info.author.clone(),
            length: info.length,
            identifier: info.identifier.clone(),
            is_stream: info.is_stream,
            uri: info.uri.clone(),
            artwork_url: info.artwork_url.clone(),
            isrc: info.isrc.clone(),
            source_name: info.source_name.clone(),
            tail: BlobTail::None,
            position: info.position,
        }
    }

    /// Reads an encoded track.
    ///
    /// Holds at most one and a half times the bytes of `encoded` and a fixed few, whatever it says
    /// of itself: the message, which is three quarters of them, and the texts in it.
    pub fn decode(encoded: &str) -> Result<Self, BlobError> {
        let bytes = LENIENT.decode(encoded).map_err(BlobError::of_base64)?;
        let mut message = Reader::new(&bytes);
        let header = u32::from_be_bytes(message.array("header")?);
        let body = usize::try_from(header & SIZE_MASK).unwrap_or(usize::MAX);
        if body == 0 {
            return Err(BlobError::NoTrack);
        }
        Self::read(message.part("body", body)?, header & VERSIONED != 0)
    }

    /// Writes it in its version.
    ///
    /// Refuses a text above [`Self::TEXT_BYTES_MAX`], a field that the version lacks, and a body
    /// above [`Self::BODY_BYTES_MAX`].
    pub fn encode(&self) -> Result<String, BlobError> {
        self.check_version()?;
        let mut body = Writer::new();
        let flags = match self.version {
            BlobVersion::V1 => 0,
            BlobVersion::V2 | BlobVersion::V3 => VERSIONED,
        };
        if flags != 0 {
            body.byte(self.version.number());
        }
        body.text("title", &self.title)?;
        body.text("author", &self.author)?;
        body.long(self.length);
        body.text("identifier", &self.identifier)?;
        body.flag(self.is_stream);
        if self.version >= BlobVersion::V2 {
            body.nullable("uri", self.uri.as_deref())?;
        }
        if self.version >= BlobVersion::V3 {
            body.nullable("artworkUrl", self.artwork_url.as_deref())?;
            body.nullable("isrc", self.isrc.as_deref())?;
        }
        body.text("sourceName", &self.source_name)?;
        self.tail.write(&mut body)?;
        body.long(self.position);
        let message = body.into_message(flags)?;
        Ok(general_purpose::STANDARD.encode(message))
    }

    /// The same at this position in milliseconds.
    #[must_use]
    pub fn with_position(mut self, position: i64) -> Self {
        self.position = position;
        self
    }

    /// The same with this from its source.
    #[must_use]
    pub fn with_tail(mut self, tail: BlobTail) -> Self {
        self.tail = tail;
        self
    }

    /// Whether both are one track, wherever it is played: all but the position is equal.
    ///
    /// Of encoded tracks, [`same_track`](super::same_track) tells it without decoding.
    pub fn is_same_track(&self, other: &Self) -> bool {
        let Self {
            version,
            title,
            author,
            length,
            identifier,
            is_stream,
            uri,
            artwork_url,
            isrc,
            source_name,
            tail,
            position: _,
        } = self;
        *version == other.version
            && *title == other.title
            && *author == other.author
            && *length == other.length
            && *identifier == other.identifier
            && *is_stream == other.is_stream
            && *uri == other.uri
            && *artwork_url == other.artwork_url
            && *isrc == other.isrc
            && *source_name == other.source_name
            && *tail == other.tail
    }

    /// What a server would say of it. All but streams can be seeked in, as the server believes.
    pub fn info(&self) -> TrackInfo {
        TrackInfo {
            identifier: self.identifier.clone(),
            is_seekable: !self.is_stream,
            author: self.author.clone(),
            length: self.length,
            is_stream: self.is_stream,
            position: self.position,
            title: self.title.clone(),
            uri: self.uri.clone(),
            source_name: self.source_name.clone(),
            artwork_url: self.artwork_url.clone(),
            isrc: self.isrc.clone(),
        }
    }

    /// The track of this blob, encoded anew, with the plugin info that its tail tells.
    pub fn to_track(&self) -> Result<Track, BlobError> {
        Ok(self.track_of(self.encode()?.into()))
    }

    fn track_of(&self, encoded: Arc<str>) -> Track {
        let mut track = Track::new(encoded, self.info());
        track.plugin_info = self.tail.plugin_info();
        track
    }

    fn read(mut body: Reader<'_>, is_versioned: bool) -> Result<Self, BlobError> {
        let version = if is_versioned {
            let [number] = body.array("version")?;
            BlobVersion::of(number)?
        } else {
            BlobVersion::V1
        };
        let mut blob = Self {
            version,
            title: body.text("title")?,
            author: body.text("author")?,
            length: body.long("length")?,
            identifier: body.text("identifier")?,
            is_stream: body.flag("isStream")?,
            ..Self::default()
        };
        if version >= BlobVersion::V2 {
            blob.uri = body.nullable("uri")?;
        }
        if version >= BlobVersion::V3 {
            blob.artwork_url = body.nullable("artworkUrl")?;
            blob.isrc = body.nullable("isrc")?;
        }
        blob.source_name = body.text("sourceName")?;
        blob.tail = BlobTail::read(
            body.all_but(Self::POSITION_BYTES, "position")?,
            &blob.source_name,
        );
        blob.position = body.long("position")?;
        Ok(blob)
    }

    fn check_version(&self) -> Result<(), BlobError> {
        let fields = [
            ("uri", self.uri.is_some(), BlobVersion::V2),
            ("artworkUrl", self.artwork_url.is_some(), BlobVersion::V3),
            ("isrc", self.isrc.is_some(), BlobVersion::V3),
        ];
        for (field, is_set, since) in fields {
            if is_set && self.version < since {
                return Err(BlobError::NotInVersion {
                    field,
                    version: self.version.number(),
                    since: since.number(),
                });
            }
        }
        Ok(())
    }
}

impl BlobVersion {
    /// As the wire has it.
    pub fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }

    fn of(number: u8) -> Result<Self, BlobError> {
        match number {
            1 => Ok(Self::V1),
            2 => Ok(Self::V2),
            3 => Ok(Self::V3),
            _ => Err(BlobError::UnknownVersion { version: number }),
        }
    }
}

impl Track {
    /// The track of an encoded one, read without a server: the blob stays as it is given.
    ///
    /// What only a server knows is missing: plugin info that is not in the blob, and user data.
    ///
    /// ```
    /// use lavapool_core::protocol::Track;
    ///
    /// let encoded = "AAAANAACVDEAAkExAAAAAAAAE4gADS90bXAvdG9uZS53YXYAAAVsb2NhbAADd2F2\
    ///     AAAAAAAABNI=";
    /// let track = Track::from_encoded(encoded)?;
    /// assert_eq!(track.info.title, "T1");
    /// assert_eq!(track.plugin_info.unwrap().get(), r#"{"probeInfo":"wav"}"#);
    /// # Ok::<(), lavapool_core::protocol::BlobError>(())
    /// ```
    pub fn from_encoded(encoded: impl Into<Arc<str>>) -> Result<Self, BlobError> {
        let encoded = encoded.into();
        Ok(TrackBlob::decode(&encoded)?.track_of(encoded))
    }
}

/// Java's decoder takes base64 with and without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
/// The lower of the two flags above the 30 bits of the size.
const VERSIONED: u32 = 1 << 30;
const SIZE_MASK: u32 = 0x3fff_ffff;
