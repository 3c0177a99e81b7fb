//! Encoded tracks: base64 of a length-prefixed record of version 1 to 3, written with Java's
//! modified UTF-8 (lavaplayer: `DefaultAudioPlayerManager`, `MessageOutput`).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};

/// What an encoded track holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackBlob {
    /// The title.
    pub title: String,
    /// The author.
    pub author: String,
    /// The length in milliseconds; `i64::MAX` if unknown.
    pub length_ms: i64,
    /// The identifier at the source.
    pub identifier: String,
    /// Whether it is a stream without end.
    pub is_stream: bool,
    /// The address, from version 2.
    pub uri: Option<String>,
    /// The address of a picture, from version 3.
    pub artwork_url: Option<String>,
    /// The International Standard Recording Code, from version 3.
    pub isrc: Option<String>,
    /// The name of the source.
    pub source: String,
    /// What the source adds, undecoded.
    pub tail: Vec<u8>,
    /// The position in milliseconds.
    pub position_ms: i64,
}

/// Why an encoded track was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobError {
    /// A character outside of the alphabet of base64.
    IllegalCharacter(u8),
    /// The record ends early, is empty, or holds invalid text.
    Truncated,
    /// A version that this node does not know.
    UnknownVersion(u8),
}

impl TrackBlob {
    /// Decodes a track of version 1, 2 or 3.
    pub fn decode(encoded: &str) -> Result<Self, BlobError> {
        let illegal = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"+/=".contains(byte));
        if let Some(byte) = encoded.bytes().find(illegal) {
            return Err(BlobError::IllegalCharacter(byte));
        }
        let bytes = LENIENT.decode(encoded).map_err(|_| BlobError::Truncated)?;
        let mut record = Reader { rest: &bytes };
        let header = u32::from_be_bytes(record.array()?);
        let size = usize::try_from(header & SIZE_MASK).map_err(|_| BlobError::Truncated)?;
        let mut body = Reader {
            rest: record.take(size)?,
        };
        let version = if header & VERSIONED == 0 {
            1
        } else {
            body.array::<1>()?[0]
        };
        if !(1..=VERSION).contains(&version) {
            return Err(BlobError::UnknownVersion(version));
        }
        Ok(Self {
            title: body.text()?,
            author: body.text()?,
            length_ms: i64::from_be_bytes(body.array()?),
            identifier: body.text()?,
            is_stream: body.array::<1>()?[0] != 0,
            uri: if version >= 2 {
                body.optional_text()?
            } else {
                None
            },
            artwork_url: if version >= 3 {
                body.optional_text()?
            } else {
                None
            },
            isrc: if version >= 3 {
                body.optional_text()?
            } else {
                None
            },
            source: body.text()?,
            tail: body
                .take(body.rest.len().checked_sub(8).ok_or(BlobError::Truncated)?)?
                .to_vec(),
            position_ms: i64::from_be_bytes(body.array()?),
        })
    }

    /// Encodes the track as version 3. A text of more than 65535 bytes is cut.
    pub fn encode(&self) -> String {
        let mut body = vec![VERSION];
        put_text(&mut body, &self.title);
        put_text(&mut body, &self.author);
        body.extend(self.length_ms.to_be_bytes());
        put_text(&mut body, &self.identifier);
        body.push(u8::from(self.is_stream));
        for text in [&self.uri, &self.artwork_url, &self.isrc] {
            body.push(u8::from(text.is_some()));
            if let Some(text) = text {
                put_text(&mut body, text);
            }
        }
        put_text(&mut body, &self.source);
        body.extend(&self.tail);
        body.extend(self.position_ms.to_be_bytes());
        let size = u32::try_from(body.len()).expect("a track is shorter than 1 GiB");
        let mut record = (size | VERSIONED).to_be_bytes().to_vec();
        record.extend(body);
        general_purpose::STANDARD.encode(record)
    }

    /// Returns the one text that the `http` and `local` sources append: the probe's name.
    pub fn probe(&self) -> Option<String> {
        let mut tail = Reader { rest: &self.tail };
        let probe = tail.text().ok()?;
        tail.rest.is_empty().then_some(probe)
    }

    /// Returns the tail that holds the name of a probe.
    pub fn probe_tail(probe: &str) -> Vec<u8> {
        let mut tail = Vec::new();
        put_text(&mut tail, probe);
        tail
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], BlobError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(BlobError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BlobError> {
        self.take(N)?.try_into().map_err(|_| BlobError::Truncated)
    }

    fn text(&mut self) -> Result<String, BlobError> {
        let count = u16::from_be_bytes(self.array()?);
        modified_utf8_to_text(self.take(usize::from(count))?).ok_or(BlobError::Truncated)
    }

    fn optional_text(&mut self) -> Result<Option<String>, BlobError> {
        if self.array::<1>()?[0] == 0 {
            Ok(None)
        } else {
            self.text().map(Some)
        }
    }
}

fn put_text(output: &mut Vec<u8>, text: &str) {
    let mut bytes = Vec::new();
    for unit in text.encode_utf16() {
        let mut encoded = Vec::with_capacity(3);
        match unit {
            1..=0x7f => encoded.push(low(unit)),
            0 | 0x80..=0x7ff => encoded.extend([0xc0 | low(unit >> 6), continued(unit)]),
            0x800.. => {
                encoded.extend([
                    0xe0 | low(unit >> 12),
                    continued(unit >> 6),
                    continued(unit),
                ]);
            }
        }
        if bytes.len() + encoded.len() > usize::from(u16::MAX) {
            break;
        }
        bytes.extend(encoded);
    }
    let count = u16::try_from(bytes.len()).expect("the loop stops at 65535 bytes");
    output.extend(count.to_be_bytes());
    output.extend(bytes);
}

fn low(unit: u16) -> u8 {
    u8::try_from(unit & 0xff).expect("eight bits fit a byte")
}

fn continued(unit: u16) -> u8 {
    0x80 | (low(unit) & 0x3f)
}

/// Java: `DataInput.readUTF`. Four-byte sequences are refused, as by a real server.
fn modified_utf8_to_text(bytes: &[u8]) -> Option<String> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().map(u16::from);
    while let Some(first) = rest.next() {
        let mut next = || {
            rest.next()
                .filter(|byte| byte & 0xc0 == 0x80)
                .map(|byte| byte & 0x3f)
        };
        units.push(match first {
            0..=0x7f => first,
            0xc0..=0xdf => (first & 0x1f) << 6 | next()?,
            0xe0..=0xef => (first & 0x0f) << 12 | next()? << 6 | next()?,
            _ => return None,
        });
    }
    Some(String::from_utf16_lossy(&units))
}

/// Java's decoder takes base64 with and without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
const VERSIONED: u32 = 1 << 30;
const SIZE_MASK: u32 = VERSIONED - 1;
const VERSION: u8 = 3;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_track_that_a_real_server_wrote_is_read_and_written_the_same() {
        let encoded = "QAAAXgMADVVua25vd24gdGl0bGUADlVua25vd24gYXJ0aXN0AAAAAAAATiAADS90bXAvdG9u\
            ZS53YXYAAQANL3RtcC90b25lLndhdgAAAAVsb2NhbAADd2F2AAAAAAAAAAA="
            .replace(' ', "");
        let track = TrackBlob::decode(&encoded).unwrap();
        let expected = TrackBlob {
            title: "Unknown title".to_owned(),
            author: "Unknown artist".to_owned(),
            length_ms: 20_000,
            identifier: "/tmp/tone.wav".to_owned(),
            is_stream: false,
            uri: Some("/tmp/tone.wav".to_owned()),
            artwork_url: None,
            isrc: None,
            source: "local".to_owned(),
            tail: TrackBlob::probe_tail("wav"),
            position_ms: 0,
        };
        assert_eq!(track, expected);
        assert_eq!(track.encode(), encoded);
        assert_eq!(track.probe().as_deref(), Some("wav"));
    }

    #[test]
    fn a_track_of_version_1_has_no_address() {
        let encoded =
            "AAAANAACVDEAAkExAAAAAAAAE4gADS90bXAvdG9uZS53YXYAAAVsb2NhbAADd2F2AAAAAAAABNI=";
        let track = TrackBlob::decode(encoded).unwrap();
        assert_eq!((track.title.as_str(), track.uri.as_deref()), ("T1", None));
        assert_eq!((track.length_ms, track.position_ms), (5000, 1234));
    }

    #[test]
    fn text_is_modified_utf8() {
        let mut bytes = Vec::new();
        put_text(&mut bytes, "\0é😀");
        assert_eq!(
            bytes,
            [
                0, 10, 0xc0, 0x80, 0xc3, 0xa9, 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80
            ]
        );
        assert_eq!(modified_utf8_to_text(&bytes[2..]).as_deref(), Some("\0é😀"));
        assert_eq!(modified_utf8_to_text("😀".as_bytes()), None);
    }

    #[test]
    fn every_broken_blob_is_refused() {
        assert_eq!(
            TrackBlob::decode("!!"),
            Err(BlobError::IllegalCharacter(b'!'))
        );
        assert_eq!(TrackBlob::decode("AAAA"), Err(BlobError::Truncated));
        assert_eq!(
            TrackBlob::decode("QAAAAQk="),
            Err(BlobError::UnknownVersion(9))
        );
        let whole = TrackBlob::decode(D).unwrap().encode();
        for end in (0..whole.len() - 12).step_by(4) {
            assert_eq!(
                TrackBlob::decode(&whole[..end]),
                Err(BlobError::Truncated),
                "{end}"
            );
        }
    }

    const D: &str = "QAAAjQIAJVJpY2sgQXN0bGV5IC0gTmV2ZXIgR29ubmEgR2l2ZSBZb3UgVXAADlJpY2tBc3RsZX\
        lWRVZPAAAAAAADPCAAC2RRdzR3OVdnWGNRAAEAK2h0dHBzOi8vd3d3LnlvdXR1YmUuY29tL3dhdGNoP3Y9ZFF3\
        NHc5V2dYY1EAB3lvdXR1YmUAAAAAAAAAAA==";
}
