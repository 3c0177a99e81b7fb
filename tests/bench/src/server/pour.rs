//! Messages in great number: all at once, or each when it is due.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Server;
use crate::mix::{Guild, Kind, guild_of, write_frame, write_message};

/// The frames of the first `count` messages of a session.
pub(super) fn frames(guilds: &[Guild], count: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut text = String::new();
    for serial in 0..count {
        text.clear();
        let guild = &guilds[guild_of(serial, guilds.len() as u64) as usize];
        write_message(&mut text, Kind::of(serial), guild, mark(serial));
        write_frame(&mut bytes, &text);
    }
    bytes
}

/// A number of seven digits that tells this message from those around it.
const fn mark(serial: u64) -> u64 {
    1_000_000 + serial % 8_000_000
}

/// Messages that are sent one by one.
pub(super) struct Paced {
    from: Instant,
    interval: Duration,
    /// The place of each session's socket, with its guilds.
    sessions: Vec<(usize, Vec<Guild>)>,
    sent: u64,
    count: u64,
    /// Those that come next, made while there was time.
    next: VecDeque<(usize, Vec<u8>)>,
}

impl Paced {
    /// When the next one is to be sent.
    pub(super) fn due(&self) -> Instant {
        self.from + Duration::from_nanos(self.interval.as_nanos() as u64 * self.sent)
    }

    /// The place and the bytes of the next message, if it is time.
    pub(super) fn next_due(&mut self, now: Instant) -> Option<(usize, Vec<u8>)> {
        if self.is_done() || self.due() > now {
            self.prepare();
            return None;
        }
        self.prepare();
        self.sent += 1;
        self.next.pop_front()
    }

    pub(super) const fn is_done(&self) -> bool {
        self.sent == self.count
    }

    fn prepare(&mut self) {
        if !self.next.is_empty() || self.is_done() {
            return;
        }
        let sessions = self.sessions.len() as u64;
        let (session, serial) = (self.sent % sessions, self.sent / sessions);
        let (place, guilds) = &self.sessions[session as usize];
        let guild = &guilds[guild_of(serial, guilds.len() as u64) as usize];
        let mut text = String::new();
        // The mark tells the session too.
        let mark = mark(session * (self.count / sessions) + serial);
        write_message(&mut text, Kind::of(serial), guild, mark);
        let mut bytes = Vec::with_capacity(text.len() + 4);
        write_frame(&mut bytes, &text);
        self.next.push_back((*place, bytes));
    }
}

impl Server {
    /// Starts to send `count` messages, `rate` a second, to all sessions of all nodes in turn.
    pub(super) fn start_paced(&mut self, count: u64, rate: u64) {
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
            next: VecDeque::new(),
        });
    }
}
