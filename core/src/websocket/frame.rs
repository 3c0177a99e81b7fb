//! Frames: reading their headers (by tungstenite's codec), and writing masked control frames.

use std::io::Cursor;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::Violation;

/// The longest payload of a control frame (RFC 6455 §5.5).
pub(super) const CONTROL_BYTES_MAX: usize = 125;

/// A server's frame header that stands for itself: unmasked, no reserved bits, known opcode,
/// control frames short and whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    Data {
        opening: Option<Kind>,
        is_final: bool,
        bytes: u64,
    },
    Control {
        control: ControlKind,
        bytes: usize,
    },
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Binary,
}

/// What a control frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ControlKind {
    Close,
    Ping,
    Pong,
}

/// A control frame's payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payload {
    bytes: [u8; CONTROL_BYTES_MAX],
    count: usize,
}

/// Reads one header, however its bytes are cut.
#[derive(Debug, Default)]
pub(super) struct HeaderReader {
    bytes: [u8; HEADER_BYTES_MAX],
    count: usize,
}

impl Header {
    /// Reads a header at the start of `bytes`, and says where it ends.
    fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        let mut cursor = Cursor::new(bytes);
        // A reserved opcode is the one thing that the codec refuses in a header.
        let opcode = bytes.first().map_or(0, |first| first & 0xf);
        let parsed = FrameHeader::parse(&mut cursor);
        let parsed = parsed.map_err(|_| Violation::ReservedOpcode { opcode })?;
        let Some((header, bytes)) = parsed else {
            return Ok(None);
        };
        let end = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        Ok(Some((Self::check(&header, bytes)?, end)))
    }

    fn check(header: &FrameHeader, bytes: u64) -> Result<Self, Violation> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation::ReservedBits);
        }
        if header.mask.is_some() {
            return Err(Violation::MaskedServerFrame);
        }
        let is_final = header.is_final;
        match header.opcode {
            OpCode::Data(Data::Continue) => Ok(Self::Data {
                opening: None,
                is_final,
                bytes,
            }),
            OpCode::Data(Data::Text) => Ok(Self::Data {
                opening: Some(Kind::Text),
                is_final,
                bytes,
            }),
            OpCode::Data(Data::Binary) => Ok(Self::Data {
                opening: Some(Kind::Binary),
                is_final,
                bytes,
            }),
            OpCode::Control(Control::Close) => Self::control(ControlKind::Close, is_final, bytes),
            OpCode::Control(Control::Ping) => Self::control(ControlKind::Ping, is_final, bytes),
            OpCode::Control(Control::Pong) => Self::control(ControlKind::Pong, is_final, bytes),
            OpCode::Data(Data::Reserved(opcode)) | OpCode::Control(Control::Reserved(opcode)) => {
                Err(Violation::ReservedOpcode { opcode })
            }
        }
    }

    fn control(control: ControlKind, is_final: bool, bytes: u64) -> Result<Self, Violation> {
        if !is_final {
            return Err(Violation::FragmentedControl);
        }
        let bytes = usize::try_from(bytes)
            .ok()
            .filter(|&bytes| bytes <= CONTROL_BYTES_MAX)
            .ok_or(Violation::ControlTooLong { bytes })?;
        Ok(Self::Control { control, bytes })
    }
}

/// The payload of a text message in one frame, and what follows it, if that is what lies at the
/// start of `input`, whole and unmasked: nearly all that a server sends. Anything else is for
/// [`HeaderReader`] to look at.
pub(super) fn whole_text(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[first, length], rest) = input.split_first_chunk()?;
    if first != FINAL_TEXT {
        return None;
    }
    let (bytes, rest) = match length {
        0..=125 => (usize::from(length), rest),
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(bytes)
}

impl HeaderReader {
    /// Whether no header is under way.
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes the bytes of one header from `input`.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Header>, Violation> {
        if self.count == 0
            && let Some((header, end)) = Header::parse(input)?
        {
            *input = input.get(end..).unwrap_or_default();
            return Ok(Some(header));
        }
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            if let Some(place) = self.bytes.get_mut(self.count) {
                *place = byte;
            }
            self.count = self.count.saturating_add(1).min(HEADER_BYTES_MAX);
            let parsed = Header::parse(self.bytes.get(..self.count).unwrap_or_default())?;
            if let Some((header, _)) = parsed {
                self.count = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}

impl Payload {
    pub(super) const EMPTY: Self = Self {
        bytes: [0; CONTROL_BYTES_MAX],
        count: 0,
    };

    /// A copy of `bytes`, of which those past the longest payload are left out.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut payload = Self::EMPTY;
        payload.append(bytes);
        payload
    }

    /// Appends `bytes`, of which those past the longest payload are left out.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.extend(bytes, bytes.len());
    }

    /// Appends bytes from `input` until there are `wanted`; whether there are.
    pub(super) fn read(&mut self, input: &mut &[u8], wanted: usize) -> bool {
        let missing = wanted.saturating_sub(self.count);
        let taken = self.extend(input, missing);
        *input = input.get(taken..).unwrap_or_default();
        self.count >= wanted
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.count).unwrap_or_default()
    }

    fn extend(&mut self, bytes: &[u8], count_max: usize) -> usize {
        let room = self.bytes.get_mut(self.count..).unwrap_or_default();
        let mut taken: usize = 0;
        for (place, &byte) in room.iter_mut().zip(bytes).take(count_max) {
            *place = byte;
            taken = taken.saturating_add(1);
        }
        self.count = self.count.saturating_add(taken);
        taken
    }
}

/// Appends a control frame, masked with fresh bytes (RFC 6455 §5.3).
pub(super) fn write_control(
    out: &mut Vec<u8>,
    control: ControlKind,
    payload: &Payload,
    rng: &mut ChaCha8Rng,
) {
    let mut mask = [0; 4];
    rng.fill_bytes(&mut mask);
    let opcode = OpCode::Control(match control {
        ControlKind::Close => Control::Close,
        ControlKind::Ping => Control::Ping,
        ControlKind::Pong => Control::Pong,
    });
    let header = FrameHeader {
        opcode,
        mask: Some(mask),
        ..FrameHeader::default()
    };
    let bytes = u64::try_from(payload.count).unwrap_or(u64::MAX);
    // Writing to a `Vec` cannot fail.
    let _ = header.format(bytes, out);
    out.extend(
        payload
            .bytes()
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

/// The first byte of a frame that is a whole text message (RFC 6455 §5.2).
const FINAL_TEXT: u8 = 0x81;
/// The longest header of a frame, which is a masked one.
const HEADER_BYTES_MAX: usize = 14;
