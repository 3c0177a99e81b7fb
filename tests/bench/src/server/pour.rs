//! Messages in great number: all at once, or each when it is due.

use std::time::{Duration, Instant};

use lavapool_bench_core::messages::frame;

use super::Server;
use crate::latencies::shared_clock_us;
use crate::mix::{Guild, mark, message};

/// The frames of the first `count` messages of a session.
pub(super) fn frames(guilds: &[Guild], count: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for serial in 0..count {
        frame(&message(serial, guilds, mark(serial)), &mut bytes);
    }
    bytes
}

/// What a position says in place of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marks {
    /// The number of the session and of the message.
    Numbers,
    /// When it was written, by the clock that all processes share.
    Times,
}

/// Messages that are sent one by one.
pub(super) struct Paced {
    from: Instant,
    interval: Duration,
    /// The place of each session's socket, with its guilds.
    sessions: Vec<(usize, Vec<Guild>)>,
    sent: u64,
    count: u64,
    marks: Marks,
}

impl Paced {
    /// When the next one is to be sent.
    pub(super) fn due(&self) -> Instant {
        self.from + Duration::from_nanos(self.interval.as_nanos() as u64 * self.sent)
    }

    /// The place and the bytes of the next message, if it is time.
    pub(super) fn next_due(&mut self, now: Instant) -> Option<(usize, Vec<u8>)> {
        if self.is_done() || self.due() > now {
            return None;
        }
        let sessions = self.sessions.len() as u64;
        let (session, serial) = (self.sent % sessions, self.sent / sessions);
        let (place, guilds) = &self.sessions[session as usize];
        let mark = match self.marks {
            Marks::Numbers => mark(session * (self.count / sessions) + serial),
            Marks::Times => mark(shared_clock_us()),
        };
        let mut bytes = Vec::new();
        frame(&message(serial, guilds, mark), &mut bytes);
        self.sent += 1;
        Some((*place, bytes))
    }

    pub(super) const fn is_done(&self) -> bool {
        self.sent == self.count
    }
}

impl Server {
    /// Starts to send `count` messages, `rate` a second, to all sessions of all nodes in turn.
    pub(super) fn start_paced(&mut self, count: u64, rate: u64, marks: Marks) {
        let mut sessions = Vec::new();
        for node in &self.nodes {
            let place = node.sessions.last().copied();
            sessions.extend(place.map(|place| (place, node.guilds())));
        }
        assert!(!sessions.is_empty(), "there is nobody to send to");
        self.paced = Some(Paced {
            from: Instant::now(),
            interval: Duration::from_nanos(1_000_000_000 / rate),
            sessions,
            sent: 0,
            count,
            marks,
        });
    }
}
