//! What the driver does with the sockets that are ready: it dials on, writes and reads.

use std::task::{Context, Poll};

use lavapool_core::{Input, Timestamp};

use super::Driver;
use super::sockets::Stage;
use crate::runtime::Runtime;

impl<R: Runtime> Driver<R> {
    /// Goes on with the sockets that are ready.
    pub(super) fn look_at_sockets(&mut self, now: Timestamp) {
        let mut taken = std::mem::take(&mut self.taken);
        self.ready.take(&mut taken, SLOTS_MAX);
        self.done.looks += taken.len();
        for slot in taken.drain(..) {
            let is_dry = self.look_at(slot, now);
            self.arrears.looked_at(slot, is_dry);
        }
        self.taken = taken;
    }

    /// Goes on with one slot; returns whether there is nothing more to read.
    fn look_at(&mut self, index: usize, now: Timestamp) -> bool {
        let Some(slot) = self.sockets.slot(index) else {
            return true;
        };
        slot.listing.unlist();
        slot.poll_lingering();
        let Some(occupant) = &mut slot.occupant else {
            return true;
        };
        let mut cx = Context::from_waker(&slot.waker);
        let id = occupant.id;
        if let Stage::Dialling(dial) = &mut occupant.stage {
            let Poll::Ready(dialled) = dial.as_mut().poll(&mut cx) else {
                return true;
            };
            let input = match dialled {
                Ok(socket) => {
                    occupant.stage = Stage::Open(socket);
                    Input::Connected(id)
                }
                Err(closed) => {
                    slot.occupant = None;
                    Input::Closed(id, closed)
                }
            };
            self.publisher.announce(&mut self.pool);
            self.pool.handle(input, now);
        }
        self.write(index, now);
        self.read(index, now)
    }

    /// Writes once to a socket that the pool has bytes for.
    pub(super) fn write(&mut self, index: usize, now: Timestamp) {
        let Some(slot) = self.sockets.slot(index) else {
            return;
        };
        let Some(occupant) = slot.occupant.as_mut().filter(|occupant| occupant.writes) else {
            return;
        };
        let id = occupant.id;
        let bytes = self.pool.outgoing(id);
        let mut cx = Context::from_waker(&slot.waker);
        if !bytes.is_empty() {
            // What is written may have an answer, which somebody waits for.
            if occupant.pace.is_quiet() {
                slot.listing.list();
                if let Err(closed) = occupant.set_quiet(false) {
                    // Reading finds the end.
                    (occupant.broken, occupant.writes) = (Some(closed), false);
                    return;
                }
            }
            let Some(count) = occupant.write(&mut cx, bytes) else {
                if occupant.broken.is_some() {
                    // Reading finds the end, after what the peer sent before it.
                    occupant.writes = false;
                    slot.listing.list();
                }
                return;
            };
            self.pool.handle(Input::Wrote(id, count), now);
            occupant.pace.wrote(now);
        }
        occupant.writes = !self.pool.outgoing(id).is_empty();
        if occupant.writes {
            slot.listing.list();
        }
    }

    /// Reads from a socket, a few times and a full buffer at most: what comes of more would not
    /// fit the processor's caches until it is handed out. Returns whether there is nothing more.
    fn read(&mut self, index: usize, now: Timestamp) -> bool {
        let Some(slot) = self.sockets.slot(index) else {
            return true;
        };
        let Some(occupant) = &mut slot.occupant else {
            return true;
        };
        let id = occupant.id;
        let mut cx = Context::from_waker(&slot.waker);
        let mut room = self.buffer.len();
        for _ in 0..READS_MAX {
            let free = self.buffer.get_mut(..room).unwrap_or_default();
            let read = occupant.read(&mut cx, free);
            self.publisher.announce(&mut self.pool);
            match read {
                Poll::Pending => {
                    occupant.pace.read(self.buffer.len() - room);
                    self.keep_pace(index, now);
                    return true;
                }
                Poll::Ready(Ok(count)) => {
                    let bytes = self.buffer.get(..count).unwrap_or(&self.buffer);
                    self.pool.handle(Input::Received(id, bytes), now);
                    room = room.saturating_sub(count);
                    if room == 0 {
                        break;
                    }
                }
                Poll::Ready(Err(closed)) => {
                    slot.occupant = None;
                    self.pool.handle(Input::Closed(id, closed), now);
                    return true;
                }
            }
        }
        occupant.pace.read(self.buffer.len() - room);
        slot.listing.list();
        false
    }

    /// Makes a socket quiet on which messages come fast, and watches it again when they do not.
    fn keep_pace(&mut self, index: usize, now: Timestamp) {
        let Some(slot) = self.sockets.slot(index) else {
            return;
        };
        let Some(occupant) = &mut slot.occupant else {
            return;
        };
        let is_waited_for = occupant.writes;
        let is_quiet = match occupant.pace.turn(is_waited_for, now) {
            Some(is_quiet) => is_quiet,
            // It may have ended that by itself, to write.
            None if occupant.pace.is_quiet() => true,
            None => return,
        };
        if let Err(closed) = occupant.set_quiet(is_quiet) {
            let id = occupant.id;
            slot.occupant = None;
            self.pool.handle(Input::Closed(id, closed), now);
        } else if occupant.pace.is_quiet() {
            self.rounds.add(index, now);
        } else if !is_quiet {
            slot.listing.list();
        }
    }

    /// Takes the quiet sockets to be looked at if it is time, or if a deadline has passed.
    pub(super) fn take_quiet(&mut self, now: Timestamp) {
        let is_due = self.rounds.poll_timeout().is_some_and(|at| at <= now);
        if is_due || self.is_due(now) {
            let sockets = &self.sockets;
            let slots = self.rounds.go(now, |slot| sockets.is_quiet(*slot));
            self.taken.extend(slots);
        }
    }
}

/// The most that is read at once.
pub(super) const READ_BYTES: usize = 64 * 1024;
/// How often one socket is read in one turn.
const READS_MAX: usize = 4;
/// How many sockets are looked at in one turn.
const SLOTS_MAX: usize = 256;
