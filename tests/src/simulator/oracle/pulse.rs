//! [`Pings`]: whether a server that is lost as silent was.

use std::time::Duration;

use lavapool_core::Timing;
use lavapool_core::node::Loss;

use super::Oracle;
use crate::invariant::Invariant;

/// What a server owes for the pings that it was sent on its WebSocket.
#[derive(Debug, Default)]
pub(super) struct Pings {
    /// What was written of a frame that is not whole.
    buffer: Vec<u8>,
    /// When the pool last had something to say.
    begun_at: Option<Duration>,
    /// Nothing of that was taken yet, or the socket stopped in the midst of a frame.
    is_stuck: bool,
    /// When the ping was to be sent that is not answered.
    asked_at: Option<Duration>,
}

impl Pings {
    /// There is something to say, which the socket may take later.
    pub(super) const fn begins(&mut self, at: Duration) {
        self.begun_at = Some(at);
        self.is_stuck = true;
    }

    /// The pool writes, on a WebSocket that is open.
    pub(super) fn wrote(&mut self, bytes: &[u8], at: Duration) {
        self.buffer.extend_from_slice(bytes);
        while let Some((opcode, used)) = frame(&self.buffer) {
            self.buffer.drain(..used);
            if opcode == PING {
                self.asked_at = self.begun_at.or(Some(at));
            }
        }
        self.is_stuck = !self.buffer.is_empty();
    }

    /// A pong came.
    pub(super) const fn answered(&mut self) {
        self.asked_at = None;
    }

    /// Since when an answer is owed, or a ping may wait for the socket.
    fn owed_since(&self) -> Option<Duration> {
        self.asked_at
            .or_else(|| self.begun_at.filter(|_| self.is_stuck))
    }
}

impl Oracle {
    /// A node is lost: as silent only if it did not answer a ping for too long, or said nothing at
    /// all for two of them. What it says instead of a pong is no answer.
    pub(super) fn judge_silent(&mut self, host: usize, loss: &Loss, at: Duration) {
        if *loss != Loss::Silent {
            return;
        }
        let is_doubted = self.doubts.is_host_doubted(host, at);
        let server = &self.hosts[host];
        let timing = Timing::default();
        let owed_since = server.pings.owed_since();
        let owes = owed_since.is_some_and(|since| since + timing.pong_deadline <= at);
        let heard_at = server.heard_until.max(server.ready_at.unwrap_or_default());
        let was_quiet = heard_at + timing.heartbeat * 2 <= at;
        let name = self.names[host].clone();
        let fits = owes || was_quiet || is_doubted;
        self.require(fits, Invariant::SilentIsSilent, || {
            format!(
                "{name} is lost as silent, heard at {heard_at:?}, with a ping open since \
                 {owed_since:?}"
            )
        });
    }
}

/// The opcode and the length of the first frame, which is short and masked, as the pool's are.
fn frame(bytes: &[u8]) -> Option<(u8, usize)> {
    let (opcode, length) = (*bytes.first()?, *bytes.get(1)?);
    let used = 6 + usize::from(length & 0x7f);
    (bytes.len() >= used).then_some((opcode, used))
}

/// The first byte of a ping.
const PING: u8 = 0x89;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_ping_is_owed_an_answer_from_when_it_was_to_be_sent() {
        let ping = [0x89, 0x82, 1, 2, 3, 4, 5, 6];
        let mut pings = Pings::default();
        pings.begins(SECOND);
        assert_eq!(pings.owed_since(), Some(SECOND));
        pings.wrote(&ping[..3], SECOND * 2);
        pings.wrote(&ping[3..], SECOND * 3);
        assert_eq!(pings.owed_since(), Some(SECOND));
        pings.answered();
        assert_eq!(pings.owed_since(), None);
    }

    #[test]
    fn a_pong_is_owed_nothing() {
        let mut pings = Pings::default();
        pings.begins(SECOND);
        pings.wrote(&[0x8a, 0x80, 1, 2, 3, 4], SECOND);
        assert_eq!(pings.owed_since(), None);
    }
}
