//! What a source adds to a blob, between the source's name and the position: [`BlobTail`].

use serde::Serialize;

use super::BlobError;
use super::read::Reader;
use super::write::Writer;
use crate::protocol::RawJson;

/// What a source adds to a blob.
///
/// A tail is taken for what it looks like, since one source name may stand for several sources:
/// `ytdlp` writes `youtube`. One that would not be written back to the byte is kept as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlobTail {
    /// Nothing: most sources, NodeLink, and LavaSrc before it had any.
    #[default]
    None,
    /// The name of the probe that found the format, and its parameters after a `|`: the sources
    /// `http` and `local`. Under other source names it is read as [`BlobTail::Other`].
    Probe(String),
    /// What LavaSrc knows more of a track.
    Extended(Box<ExtendedInfo>),
    /// Anything else.
    Other(Vec<u8>),
}

/// What LavaSrc knows more of a track (LavaSrc: `ExtendedAudioTrack`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExtendedInfo {
    /// The album's name.
    pub album_name: Option<String>,
    /// Where people find the album.
    pub album_url: Option<String>,
    /// Where people find the artist.
    pub artist_url: Option<String>,
    /// The artist's picture.
    pub artist_artwork_url: Option<String>,
    /// A part of the track to listen to.
    pub preview_url: Option<String>,
    /// Whether the track is that part.
    pub is_preview: bool,
}

impl BlobTail {
    pub(super) fn read(bytes: &[u8], source_name: &str) -> Self {
        if bytes.is_empty() {
            return Self::None;
        }
        let mut tail = Reader::new(bytes);
        let known = if matches!(source_name, "http" | "local") {
            tail.text("probe").map(Self::Probe)
        } else {
            ExtendedInfo::read(&mut tail).map(|info| Self::Extended(Box::new(info)))
        };
        // Gone before it is copied, so that no more than the texts are held twice.
        let known = known.ok().filter(|_| tail.is_verbatim());
        known.unwrap_or_else(|| Self::Other(bytes.to_vec()))
    }

    pub(super) fn write(&self, body: &mut Writer) -> Result<(), BlobError> {
        match self {
            Self::None => Ok(()),
            Self::Probe(probe) => body.text("probe", probe),
            Self::Extended(info) => info.write(body),
            Self::Other(bytes) => body.tail(bytes),
        }
    }

    /// What a server would tell of it as [`Track::plugin_info`](crate::protocol::Track).
    pub fn plugin_info(&self) -> Option<RawJson> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Probed<'a> {
            probe_info: &'a str,
        }
        match self {
            Self::None | Self::Other(_) => None,
            Self::Probe(probe_info) => RawJson::from_serialize(&Probed { probe_info }).ok(),
            Self::Extended(info) => RawJson::from_serialize(info).ok(),
        }
    }
}

impl ExtendedInfo {
    fn read(tail: &mut Reader<'_>) -> Result<Self, BlobError> {
        Ok(Self {
            album_name: tail.nullable("albumName")?,
            album_url: tail.nullable("albumUrl")?,
            artist_url: tail.nullable("artistUrl")?,
            artist_artwork_url: tail.nullable("artistArtworkUrl")?,
            preview_url: tail.nullable("previewUrl")?,
            is_preview: tail.flag("isPreview")?,
        })
    }

    fn write(&self, body: &mut Writer) -> Result<(), BlobError> {
        body.nullable("albumName", self.album_name.as_deref())?;
        body.nullable("albumUrl", self.album_url.as_deref())?;
        body.nullable("artistUrl", self.artist_url.as_deref())?;
        body.nullable("artistArtworkUrl", self.artist_artwork_url.as_deref())?;
        body.nullable("previewUrl", self.preview_url.as_deref())?;
        body.flag(self.is_preview);
        Ok(())
    }
}
