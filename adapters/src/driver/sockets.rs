//! [`Sockets`]: the sockets that the driver holds, by the slots of their ids.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use lavapool_core::{Closed, SocketId, Timestamp};

use super::dial::{Dial, cause};
use super::link::Link;
use super::pace::Pace;
use super::ready::{Ready, SlotWaker};
use crate::runtime::{Runtime, Socket};

/// The sockets that the driver holds, by the slots of their ids.
pub(super) struct Sockets<R: Runtime> {
    slots: Vec<Slot<R>>,
    /// The slots with lingering sockets and when those are dropped, in the order of time.
    lingering: VecDeque<(Timestamp, usize)>,
    ready: Arc<Ready>,
}

/// A place for one socket after the other.
pub(super) struct Slot<R: Runtime> {
    pub(super) occupant: Option<Occupant<R>>,
    /// Earlier occupants, which the pool has closed and which still pass on their last bytes.
    lingering: Vec<(Timestamp, Link<R::Socket>)>,
    pub(super) listing: Arc<SlotWaker>,
    pub(super) waker: Waker,
}

/// The socket in a slot.
pub(super) struct Occupant<R: Runtime> {
    pub(super) id: SocketId,
    pub(super) stage: Stage<R>,
    /// Whether the pool has bytes for it.
    pub(super) writes: bool,
    /// Why it cannot be written to any more. What the peer sent before is still read.
    pub(super) broken: Option<Closed>,
    pub(super) pace: Pace,
}

pub(super) enum Stage<R: Runtime> {
    Dialling(Dial<Link<R::Socket>>),
    Open(Link<R::Socket>),
}

impl<R: Runtime> Sockets<R> {
    pub(super) const fn new(ready: Arc<Ready>) -> Self {
        Self {
            slots: Vec::new(),
            lingering: VecDeque::new(),
            ready,
        }
    }

    /// Begins to connect a socket; its slot is ready to be looked at.
    pub(super) fn dial(&mut self, id: SocketId, dial: Dial<Link<R::Socket>>) {
        while self.slots.len() <= id.slot() {
            let listing = SlotWaker::new(self.slots.len(), self.ready.clone());
            let waker = Waker::from(listing.clone());
            self.slots.push(Slot {
                occupant: None,
                lingering: Vec::new(),
                listing,
                waker,
            });
        }
        if let Some(slot) = self.slots.get_mut(id.slot()) {
            slot.occupant = Some(Occupant {
                id,
                stage: Stage::Dialling(dial),
                writes: false,
                broken: None,
                pace: Pace::new(),
            });
            slot.listing.list();
        }
    }

    pub(super) fn slot(&mut self, index: usize) -> Option<&mut Slot<R>> {
        self.slots.get_mut(index)
    }

    /// Whether the socket in this slot is quiet.
    pub(super) fn is_quiet(&self, index: usize) -> bool {
        let occupant = self
            .slots
            .get(index)
            .and_then(|slot| slot.occupant.as_ref());
        occupant.is_some_and(|occupant| occupant.pace.is_quiet())
    }

    /// The pool has bytes for this socket.
    pub(super) fn note_write(&mut self, id: SocketId) {
        if let Some(slot) = self.slots.get_mut(id.slot())
            && let Some(occupant) = &mut slot.occupant
            && occupant.id == id
        {
            occupant.writes = true;
        }
    }

    /// The pool is done with this socket.
    pub(super) fn close(&mut self, id: SocketId, now: Timestamp) {
        let Some(slot) = self.slots.get_mut(id.slot()) else {
            return;
        };
        let Some(occupant) = slot.occupant.take_if(|occupant| occupant.id == id) else {
            return;
        };
        if let Stage::Open(socket) = occupant.stage
            && occupant.broken.is_none()
        {
            let until = now + LINGER_FOR;
            slot.lingering.push((until, socket));
            slot.poll_lingering();
            if !slot.lingering.is_empty() {
                self.lingering.push_back((until, id.slot()));
            }
        }
    }

    /// Drops the sockets that have lingered for too long.
    pub(super) fn drop_lingering(&mut self, now: Timestamp) {
        while let Some((until, index)) = self.lingering.front().copied() {
            let Some(slot) = self.slots.get_mut(index) else {
                return;
            };
            slot.lingering.retain(|(until, _)| *until > now);
            // Those that closed by themselves need no timer any more.
            if slot.lingering.iter().any(|(other, _)| *other == until) {
                return;
            }
            self.lingering.pop_front();
        }
    }

    /// When the first of the lingering sockets is dropped.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.lingering.front().map(|(until, _)| *until)
    }

    /// Whether no socket is open any more.
    pub(super) fn is_empty(&self) -> bool {
        let is_empty = |slot: &Slot<R>| slot.occupant.is_none() && slot.lingering.is_empty();
        self.slots.iter().all(is_empty)
    }
}

impl<R: Runtime> Slot<R> {
    /// Goes on with closing what the pool is done with.
    pub(super) fn poll_lingering(&mut self) {
        let mut cx = Context::from_waker(&self.waker);
        self.lingering
            .retain_mut(|(_, socket)| socket.poll_close(&mut cx).is_pending());
    }
}

impl<R: Runtime> Occupant<R> {
    /// Writes some of `bytes`; `None` if the socket takes none at the moment.
    pub(super) fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Option<usize> {
        let Stage::Open(socket) = &mut self.stage else {
            return None;
        };
        match socket.poll_write(cx, bytes) {
            Poll::Ready(Ok(0)) => self.broken = Some(Closed::Reset),
            Poll::Ready(Ok(count)) => return Some(count),
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {
                cx.waker().wake_by_ref();
            }
            Poll::Ready(Err(error)) => self.broken = Some(cause(&error)),
            Poll::Pending => {}
        }
        None
    }

    /// Reads into `buffer`; `Err` is the end.
    pub(super) fn read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Closed>> {
        let Stage::Open(socket) = &mut self.stage else {
            return Poll::Pending;
        };
        let end = match socket.poll_read(cx, buffer) {
            Poll::Ready(Ok(0)) => Closed::EndOfStream,
            Poll::Ready(Ok(count)) => return Poll::Ready(Ok(count)),
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Err(error)) => cause(&error),
            Poll::Pending => match self.broken {
                Some(broken) => broken,
                None => return Poll::Pending,
            },
        };
        Poll::Ready(Err(self.broken.unwrap_or(end)))
    }

    /// Lets the socket wake nobody, or wake again; `Err` is the end.
    pub(super) fn set_quiet(&mut self, is_quiet: bool) -> Result<(), Closed> {
        if let Stage::Open(socket) = &mut self.stage {
            let is_quiet = socket.set_quiet(is_quiet).map_err(|error| cause(&error))?;
            self.pace.set_quiet(is_quiet);
        }
        Ok(())
    }
}

/// How long a closed socket may take to pass on what it was given.
const LINGER_FOR: Duration = Duration::from_secs(2);
