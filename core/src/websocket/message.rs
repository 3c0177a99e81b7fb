//! [`Assembler`]: messages from data frames (RFC 6455 §5.4).

use super::Violation;
use super::frame::Kind;

/// Puts messages together from their frames, in one buffer that is used again.
///
/// A message that is one frame and lies whole in one input is not copied.
#[derive(Debug)]
pub(super) struct Assembler {
    buffer: Vec<u8>,
    /// The buffer, while it holds a whole text message that was found to be UTF-8.
    text: String,
    /// The message that is under way.
    message: Option<Message>,
    bytes_max: usize,
}

#[derive(Clone, Copy, Debug)]
struct Message {
    kind: Kind,
    /// The bytes of its frames so far, the present one's announced.
    bytes: usize,
    /// What is still to come of the present frame.
    remaining: usize,
    is_final: bool,
}

/// A whole message, or where it lies.
#[derive(Debug)]
pub(super) struct Whole<'i> {
    pub(super) kind: Kind,
    /// Its payload, unless it is in the assembler's buffer.
    pub(super) input: Option<&'i [u8]>,
}

/// What came of the bytes of a frame.
#[derive(Debug)]
pub(super) enum Progress<'i> {
    /// More of this frame must come.
    Partial,
    /// The frame is whole; the message goes on in another.
    Fragment,
    /// The message is whole.
    Whole(Whole<'i>),
}

impl Assembler {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            buffer: Vec::new(),
            text: String::new(),
            message: None,
            bytes_max,
        }
    }

    /// Whether no message is under way.
    pub(super) const fn is_empty(&self) -> bool {
        self.message.is_none()
    }

    /// Begins a frame: the first of a message of the kind `opening`, or one more.
    pub(super) fn begin(
        &mut self,
        opening: Option<Kind>,
        is_final: bool,
        frame_bytes: u64,
    ) -> Result<(), Violation> {
        let (kind, before) = match (opening, self.message) {
            (Some(kind), None) => (kind, 0),
            (None, Some(message)) => (message.kind, message.bytes),
            (Some(_), Some(_)) => return Err(Violation::InterruptedMessage),
            (None, None) => return Err(Violation::UnexpectedContinuation),
        };
        let bytes = u64::try_from(before)
            .unwrap_or(u64::MAX)
            .saturating_add(frame_bytes);
        let sizes = (usize::try_from(bytes), usize::try_from(frame_bytes));
        let (Ok(total), Ok(remaining)) = sizes else {
            return Err(Violation::MessageTooLong {
                bytes,
                bytes_max: self.bytes_max,
            });
        };
        if total > self.bytes_max {
            mark!(MessageTooLong);
            return Err(Violation::MessageTooLong {
                bytes,
                bytes_max: self.bytes_max,
            });
        }
        self.message = Some(Message {
            kind,
            bytes: total,
            remaining,
            is_final,
        });
        Ok(())
    }

    /// Takes bytes of the frame that was begun.
    pub(super) fn read<'i>(&mut self, input: &mut &'i [u8]) -> Progress<'i> {
        let Some(message) = &mut self.message else {
            return Progress::Fragment;
        };
        let available: &'i [u8] = input;
        let (taken, rest) = available.split_at(message.remaining.min(available.len()));
        *input = rest;
        message.remaining = message.remaining.saturating_sub(taken.len());
        let Message {
            kind,
            remaining,
            is_final,
            bytes,
        } = *message;
        if is_final && bytes == taken.len() {
            self.message = None;
            return Progress::Whole(Whole {
                kind,
                input: Some(taken),
            });
        }
        self.buffer.extend_from_slice(taken);
        if remaining > 0 {
            return Progress::Partial;
        }
        if !is_final {
            return Progress::Fragment;
        }
        self.message = None;
        Progress::Whole(Whole { kind, input: None })
    }

    /// Takes bytes of the frame that was begun, and drops them; whether it is whole.
    pub(super) fn skip(&mut self, input: &mut &[u8]) -> bool {
        let progress = self.read(input);
        self.buffer = Vec::new();
        matches!(progress, Progress::Fragment | Progress::Whole(_))
    }

    /// The message that was put together last.
    pub(super) fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// Finds out whether the message that was put together last is text.
    pub(super) fn validate(&mut self) -> Result<(), Violation> {
        let bytes = std::mem::take(&mut self.buffer);
        self.text = String::from_utf8(bytes).map_err(|_| Violation::Utf8)?;
        Ok(())
    }

    /// The message that was found to be text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Forgets the message that was put together last, and gives back what a long one took.
    pub(super) fn release(&mut self) {
        if self.message.is_none() {
            if self.buffer.capacity() == 0 {
                self.buffer = std::mem::take(&mut self.text).into_bytes();
            }
            self.buffer.clear();
            self.buffer.shrink_to(BUFFER_KEPT_BYTES);
        }
    }

    /// The bytes of memory that it holds.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.buffer.capacity().saturating_add(self.text.capacity())
    }

    /// Gives everything back.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.bytes_max);
    }
}

/// What the buffer may keep of its memory between messages: all but track lists fit.
const BUFFER_KEPT_BYTES: usize = 16 * 1024;
