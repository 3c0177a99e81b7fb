//! The server's frames, counted without the core (RFC 6455 §5.2): where pings are, and whether
//! the bytes end inside a message.

/// What the walk over a server's frames found.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The ends of its pings, from the first byte of the first frame.
    pub(super) pings: Vec<usize>,
    /// Where the last message began that has no end.
    pub(super) unfinished: Option<usize>,
}

impl Frames {
    /// Walks over the frames in `bytes`, up to the close frame.
    pub(super) fn walk(bytes: &[u8]) -> Self {
        let mut frames = Self::default();
        let mut begin = 0;
        while let Some(rest) = bytes.get(begin..).filter(|rest| !rest.is_empty()) {
            let Some(frame) = Frame::read(rest) else {
                frames.unfinished.get_or_insert(begin);
                break;
            };
            let end = begin + frame.bytes;
            match frame.opcode {
                PING => frames.pings.push(end),
                CLOSE => break,
                // A fragmented message lasts until its final frame; control frames may be inside.
                _ if frame.opcode < CLOSE && frame.is_final => frames.unfinished = None,
                _ if frame.opcode < CLOSE => {
                    frames.unfinished.get_or_insert(begin);
                }
                _ => {}
            }
            begin = end;
        }
        frames
    }
}

struct Frame {
    opcode: u8,
    is_final: bool,
    /// Header and payload.
    bytes: usize,
}

impl Frame {
    /// The frame at the start of `bytes`, if it is whole.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (length, header) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*rest.first_chunk()?), 10),
            length => (u64::from(length), 2),
        };
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        let payload = usize::try_from(length).ok()?;
        let whole = payload.checked_add(header + mask)?;
        (bytes.len() >= whole).then_some(Self {
            opcode: first & 0x0f,
            is_final: first & 0x80 != 0,
            bytes: whole,
        })
    }
}

/// The payload of the pong at the start of a client's bytes, unmasked.
pub(super) fn pong(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&[first, second, a, b, c, d], payload) = bytes.split_first_chunk()?;
    if first != 0x80 | PONG {
        return None;
    }
    let payload = payload.get(..usize::from(second & 0x7f))?;
    let mask = [a, b, c, d].into_iter().cycle();
    Some(
        payload
            .iter()
            .zip(mask)
            .map(|(byte, mask)| byte ^ mask)
            .collect(),
    )
}

const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
