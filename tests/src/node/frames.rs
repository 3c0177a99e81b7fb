//! WebSocket frames as a server reads and writes them (RFC 6455 §5). The headers are parsed and
//! formatted by tungstenite; the rules for what may follow what are checked here.

use std::io::Cursor;

use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tungstenite::protocol::frame::{Frame, FrameHeader};

use super::log::Violation;

/// Whole messages and control frames, cut from a stream of bytes.
#[derive(Debug, Default)]
pub(super) struct Frames {
    buffer: Vec<u8>,
    message: Option<(Data, Vec<u8>)>,
    closed: bool,
}

/// A message or control frame of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Text,
    Binary,
    Ping(Vec<u8>),
    Pong,
    /// With the payload, which a server echoes.
    Close(Vec<u8>),
}

impl Frames {
    /// Takes bytes in.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend(bytes);
    }

    /// Returns the next message or control frame, none if more bytes are needed.
    pub(super) fn next(&mut self) -> Result<Option<Incoming>, Violation> {
        while let Some((header, payload)) = self.cut()? {
            if self.closed {
                return Err(Violation::FrameAfterClose);
            }
            let incoming = match header.opcode {
                OpCode::Data(data) => self.assemble(data, header.is_final, payload)?,
                OpCode::Control(control) => {
                    if !header.is_final || payload.len() > CONTROL_BYTES_MAX {
                        return Err(Violation::InvalidControl);
                    }
                    Some(self.control(control, payload)?)
                }
            };
            if incoming.is_some() {
                return Ok(incoming);
            }
        }
        Ok(None)
    }

    /// Cuts one frame off the buffer and takes its mask away.
    fn cut(&mut self) -> Result<Option<(FrameHeader, Vec<u8>)>, Violation> {
        let mut cursor = Cursor::new(&self.buffer);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Violation::ReservedBits)?;
        let Some((header, length)) = parsed else {
            return Ok(None);
        };
        let start = usize::try_from(cursor.position()).map_err(|_| Violation::InvalidLength)?;
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation::ReservedBits);
        }
        let Some(mask) = header.mask else {
            return Err(Violation::UnmaskedFrame);
        };
        let length_bytes = usize::try_from(length).map_err(|_| Violation::InvalidLength)?;
        if header.len(length) != start || length_bytes > MESSAGE_BYTES_MAX {
            return Err(Violation::InvalidLength);
        }
        let Some(payload) = self.buffer.get(start..start + length_bytes) else {
            return Ok(None);
        };
        let unmask = |(byte, key): (&u8, &u8)| byte ^ key;
        let payload = payload
            .iter()
            .zip(mask.iter().cycle())
            .map(unmask)
            .collect();
        self.buffer.drain(..start + length_bytes);
        Ok(Some((header, payload)))
    }

    fn assemble(
        &mut self,
        data: Data,
        is_final: bool,
        payload: Vec<u8>,
    ) -> Result<Option<Incoming>, Violation> {
        let (kind, bytes) = match (data, self.message.take()) {
            (Data::Text | Data::Binary, None) => (data, payload),
            (Data::Continue, Some((kind, mut bytes))) => {
                bytes.extend(payload);
                (kind, bytes)
            }
            _ => return Err(Violation::InvalidContinuation),
        };
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(Violation::InvalidLength);
        }
        if !is_final {
            self.message = Some((kind, bytes));
            return Ok(None);
        }
        if kind == Data::Binary {
            return Ok(Some(Incoming::Binary));
        }
        std::str::from_utf8(&bytes).map_err(|_| Violation::InvalidUtf8)?;
        Ok(Some(Incoming::Text))
    }

    fn control(&mut self, control: Control, payload: Vec<u8>) -> Result<Incoming, Violation> {
        match control {
            Control::Ping => Ok(Incoming::Ping(payload)),
            Control::Pong => Ok(Incoming::Pong),
            Control::Close => {
                self.closed = true;
                match payload.as_slice() {
                    [] => {}
                    [high, low, reason @ ..] => {
                        let code = CloseCode::from(u16::from_be_bytes([*high, *low]));
                        if !code.is_allowed() || std::str::from_utf8(reason).is_err() {
                            return Err(Violation::InvalidClose);
                        }
                    }
                    [_] => return Err(Violation::InvalidClose),
                }
                Ok(Incoming::Close(payload))
            }
            Control::Reserved(_) => Err(Violation::ReservedBits),
        }
    }
}

/// Writes a text message in one frame, as a real server does whatever its length.
pub(super) fn text(message: &str) -> Vec<u8> {
    raw_text(message.as_bytes())
}

/// Writes a text frame whose payload need not be text.
pub(super) fn raw_text(payload: &[u8]) -> Vec<u8> {
    written(Frame::message(
        payload.to_vec(),
        OpCode::Data(Data::Text),
        true,
    ))
}

/// Writes a pong.
pub(super) fn pong(payload: Vec<u8>) -> Vec<u8> {
    written(Frame::pong(payload))
}

/// Writes a close frame with this payload.
pub(super) fn close(payload: Vec<u8>) -> Vec<u8> {
    let opcode = OpCode::Control(Control::Close);
    let header = FrameHeader {
        opcode,
        ..FrameHeader::default()
    };
    written(Frame::from_payload(header, payload.into()))
}

/// Writes a close frame with a code and a reason.
pub(super) fn close_with(code: u16, reason: &str) -> Vec<u8> {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend(reason.bytes());
    close(payload)
}

fn written(frame: Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.format(&mut bytes).expect("a vector takes every byte");
    bytes
}

const CONTROL_BYTES_MAX: usize = 125;
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_text_is_read_whole_and_byte_by_byte() {
        let hello = [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ];
        assert_eq!(read(&hello), Ok(Some(Incoming::Text)));
        let mut frames = Frames::default();
        for byte in &hello[..10] {
            frames.extend(&[*byte]);
            assert_eq!(frames.next(), Ok(None));
        }
        frames.extend(&hello[10..]);
        assert_eq!(frames.next(), Ok(Some(Incoming::Text)));
    }

    #[test]
    fn every_breach_is_told_apart() {
        assert_eq!(read(&[0x81, 0x00]), Err(Violation::UnmaskedFrame));
        assert_eq!(
            read(&[0xc1, 0x80, 0, 0, 0, 0]),
            Err(Violation::ReservedBits)
        );
        assert_eq!(
            read(&[0x83, 0x80, 0, 0, 0, 0]),
            Err(Violation::ReservedBits)
        );
        assert_eq!(
            read(&[0x8b, 0x80, 0, 0, 0, 0]),
            Err(Violation::ReservedBits)
        );
        assert_eq!(
            read(&[0x09, 0x80, 0, 0, 0, 0]),
            Err(Violation::InvalidControl)
        );
        assert_eq!(
            read(&[0x80, 0x80, 0, 0, 0, 0]),
            Err(Violation::InvalidContinuation)
        );
        let twice = [0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0];
        assert_eq!(read(&twice), Err(Violation::InvalidContinuation));
        assert_eq!(
            read(&[0x81, 0xfe, 0, 1, 0, 0, 0, 0, b'a']),
            Err(Violation::InvalidLength)
        );
        assert_eq!(
            read(&[0x81, 0x81, 0, 0, 0, 0, 0xff]),
            Err(Violation::InvalidUtf8)
        );
        assert_eq!(
            read(&[0x88, 0x81, 0, 0, 0, 0, 3]),
            Err(Violation::InvalidClose)
        );
        assert_eq!(
            read(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xee]),
            Err(Violation::InvalidClose)
        );
        let mut frames = Frames::default();
        frames.extend(&[0x88, 0x80, 0, 0, 0, 0, 0x89, 0x80, 0, 0, 0, 0]);
        assert_eq!(frames.next(), Ok(Some(Incoming::Close(Vec::new()))));
        assert_eq!(frames.next(), Err(Violation::FrameAfterClose));
    }

    fn read(bytes: &[u8]) -> Result<Option<Incoming>, Violation> {
        let mut frames = Frames::default();
        frames.extend(bytes);
        frames.next()
    }
}
