//! [`Driver`]: the one future that moves the bytes.

mod alarm;
mod dial;
mod link;
mod proxy;
mod ready;
mod sockets;
#[cfg(feature = "rustls")]
mod tls;

pub(crate) use ready::Ready;

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lavapool_core::protocol::GuildId;
use lavapool_core::{
    Answer, Command, CommandId, Input, Leaving, Output, RequestError, SubmitError, Timestamp,
};

use crate::error::Error;
use crate::events::Publisher;
use crate::inbox::{Entry, Submission};
use crate::pending::Reply;
use crate::recording::Machine;
use crate::runtime::Runtime;
use crate::shared::Shared;
use crate::views::Slots;
use alarm::Alarm;
use sockets::{Sockets, Stage};

/// The future that runs a client: it owns the pool, the sockets and the timer, and is the only
/// one that touches them.
///
/// [`Builder::build_on`](crate::Builder::build_on) hands it out to be run wherever you like; the
/// other ways to start a client spawn it. It ends when the client is closed. Dropped before that,
/// it drops the connections without a word, and every call is answered with [`Error::Closed`].
///
/// So it does if it ever panics, which is a bug: calls are answered with [`Error::Closed`] and
/// streams of events end, as after [`Client::close`](crate::Client::close). The panic itself is
/// seen by whoever runs this future; a bot that wants to see it uses `build_on` and keeps what
/// its runtime gives for the task.
///
/// Each poll does a bounded amount of work, and asks for another if there is more: up to four
/// times, it takes what up to 256 sockets and 256 calls have, does up to 256 things that the pool
/// wants of sockets, and hands out up to 1 024 views, then 1 024 answers, then 1 024 events. While
/// some of these are left nothing new is taken, so that nobody hears of what a handle does not show
/// yet, and what waits stays as small as the [`Limits`](crate::Limits) say.
///
/// Whenever the pool has something for a socket, all of it is written in one piece; what the
/// socket does not take is tried again each of these times while it is writable. The soak of the
/// repository (`cargo run --release -p lavapool-tests --bin soak -- --tls none`) counts that: of
/// 7 547 writes, of 351 bytes each, 7 547 took all that there was, so nothing is left for a second
/// write, or for a vectored one. TLS cuts what is longer than 16 KiB into records, and up to 64 KiB
/// of these leave in one write too, of a copy. `lavapool-bench writes` times the alternatives: for
/// the three records of 35 000 bytes 9 µs, where a write for each takes 18 and a vectored one 8;
/// for what is in one piece, as nearly everything is, a vectored write takes 0.3 µs more.
#[must_use = "nothing happens unless the driver is polled"]
pub struct Driver<R: Runtime> {
    runtime: Arc<R>,
    pool: Machine,
    sockets: Sockets<R>,
    alarm: Alarm<R::Timer>,
    shared: Arc<Shared>,
    publisher: Publisher,
    ready: Arc<Ready>,
    /// The slots that are being looked at; empty between turns.
    taken: Vec<usize>,
    /// Where the views of players are.
    cells: Slots,
    /// The guilds with news in the inbox, which the pool may have had no room for yet.
    voice: VecDeque<GuildId>,
    waiting: BTreeMap<CommandId, Waiting>,
    answers: VecDeque<(Arc<Reply>, Result<Answer, RequestError>)>,
    /// Whether the latest turn left something to be handed out.
    is_behind: bool,
    buffer: Box<[u8]>,
    is_closing: bool,
}

/// Somebody who waits for the answer to a command.
struct Waiting {
    reply: Arc<Reply>,
    /// Whether the pool may forget the command when nobody waits for it any more.
    may_cancel: bool,
}

impl<R: Runtime> Driver<R> {
    pub(crate) fn new(
        runtime: Arc<R>,
        pool: Machine,
        shared: Arc<Shared>,
        publisher: Publisher,
        ready: Arc<Ready>,
    ) -> Self {
        let mut driver = Self {
            alarm: Alarm::new(runtime.timer(), ready.clone()),
            runtime,
            pool,
            sockets: Sockets::new(ready.clone()),
            shared,
            publisher,
            ready,
            taken: Vec::new(),
            cells: Slots::default(),
            voice: VecDeque::new(),
            waiting: BTreeMap::new(),
            answers: VecDeque::new(),
            is_behind: false,
            buffer: vec![0; READ_BYTES].into(),
            is_closing: false,
        };
        let views = &driver.shared.views;
        views.publish(driver.pool.views(), &mut driver.cells, usize::MAX);
        driver
    }

    /// Runs it to its end, in the background of its runtime.
    pub(crate) fn spawn(self) {
        let runtime = self.runtime.clone();
        runtime.spawn(self);
    }

    /// Does a bounded amount of work; returns whether there is more to do at once.
    fn turn(&mut self) -> bool {
        // What came while there was no time for it has woken the driver already, and would not
        // again.
        let now = self.runtime.now();
        let more_input = self.is_behind || self.take_input(now);
        let more_output = self.hand_out(now);
        more_input || more_output
    }

    /// Takes what the sockets, the time and the handles have; returns whether there is more.
    ///
    /// The sockets come first: what arrived while nobody had time to look was there before the
    /// deadline that has passed since.
    fn take_input(&mut self, now: Timestamp) -> bool {
        let more_slots = self.look_at_sockets(now);
        self.publisher.announce(&mut self.pool);
        if self.pool.poll_timeout().is_some_and(|(at, _)| at <= now) {
            self.pool.handle(Input::Timeout, now);
        }
        let more_entries = self.take_entries(now);
        more_slots || more_entries
    }

    /// Hands out what came of it: outputs, then views, then answers, then events. The first of
    /// these that has more than a turn may do holds up those after it, so that none is seen
    /// before what it speaks of. Returns whether there is more to do at once.
    fn hand_out(&mut self, now: Timestamp) -> bool {
        self.is_behind = true;
        let is_done = self.do_outputs(now);
        self.sockets.drop_lingering(now);
        let views = &self.shared.views;
        let is_shown = views.publish(self.pool.views(), &mut self.cells, VIEWS_MAX);
        if !is_done || !is_shown {
            return true;
        }
        // Each answer has made room for another command.
        let more_room = !self.answers.is_empty() && self.wants_room();
        let count = self.answers.len().min(ANSWERS_MAX);
        for (reply, answer) in self.answers.drain(..count) {
            reply.answer(answer.map_err(Error::from));
        }
        if !crate::room::is_drained(&mut self.answers) {
            return true;
        }
        let mut room = EVENTS_MAX;
        self.publisher.publish(|| {
            room = room.checked_sub(1)?;
            self.pool.poll_event()
        });
        self.is_behind = room == 0;
        self.is_behind || more_room
    }

    /// Submits what handles asked for; returns whether there is more of it.
    fn take_entries(&mut self, now: Timestamp) -> bool {
        self.submit_voice(now);
        let (entries, has_more) = self.shared.inbox.take(ENTRIES_MAX);
        self.publisher.announce(&mut self.pool);
        for entry in entries {
            match entry {
                Entry::Submit(submission) => self.submit(*submission, now),
                Entry::Cancel(command) => self.cancel(command, now),
                Entry::Voice(guild) => {
                    self.voice.push_back(guild);
                    self.submit_voice(now);
                }
            }
        }
        // What was cancelled has made room.
        self.submit_voice(now);
        if self.shared.inbox.is_left() && !self.is_closing {
            let closed = self.pool.submit(Command::Close(Leaving::Keep), None, now);
            self.is_closing = !is_full(&closed);
        }
        has_more
    }

    fn submit(&mut self, submission: Submission, now: Timestamp) {
        let Submission {
            command,
            deadline,
            detached,
            reply,
        } = submission;
        let is_lookup = match &command {
            Command::Rest { request, .. } => request.changes_nothing(),
            Command::FetchTracks { .. } => true,
            _ => false,
        };
        if is_lookup && reply.is_abandoned() {
            return;
        }
        let may_cancel = match command {
            Command::Close(_) | Command::RemoveNode { .. } => false,
            // Cancelled before it is sent, it would never be.
            Command::Rest { .. } => is_lookup,
            _ => true,
        };
        let id = match self.pool.submit(command, deadline, now) {
            Ok(id) => id,
            Err(error) => return reply.answer(Err(error.into())),
        };
        if detached && let Some(node) = self.pool.nodes().last() {
            // What was added last is the last one in the order of configuration.
            self.pool.cancel(id, now);
            self.answers.push_back((reply, Ok(Answer::Node(node.node))));
        } else if reply.submitted(id) || !may_cancel {
            self.waiting.insert(id, Waiting { reply, may_cancel });
        } else {
            self.pool.cancel(id, now);
        }
    }

    fn cancel(&mut self, command: CommandId, now: Timestamp) {
        let may_cancel = |waiting: &Waiting| waiting.may_cancel;
        if self.waiting.get(&command).is_some_and(may_cancel) {
            self.waiting.remove(&command);
            self.pool.cancel(command, now);
        }
    }

    /// Hands over what Discord said. The pool refuses it only while it has no room for another
    /// command; until then it waits in the inbox, where the news of a guild replaces the old.
    fn submit_voice(&mut self, now: Timestamp) {
        for _ in 0..self.voice.len() {
            let Some(guild) = self.voice.pop_front() else {
                return;
            };
            let mut news = self.shared.inbox.take_voice(guild).into_iter().peekable();
            while let Some(next) = news.peek() {
                if is_full(&self.pool.submit(next.clone().into_command(), None, now)) {
                    break;
                }
                news.next();
            }
            let is_stopped = news.peek().is_some();
            if self.shared.inbox.settle_voice(guild, news.collect()) {
                self.voice.push_back(guild);
            }
            if is_stopped {
                return;
            }
        }
    }

    /// Whether something waits for nothing but room for another command.
    fn wants_room(&self) -> bool {
        !self.voice.is_empty() || (self.shared.inbox.is_left() && !self.is_closing)
    }

    /// Goes on with the sockets that are ready; returns whether there are more.
    fn look_at_sockets(&mut self, now: Timestamp) -> bool {
        let mut taken = std::mem::take(&mut self.taken);
        let has_more = self.ready.take(&mut taken, SLOTS_MAX);
        for slot in taken.drain(..) {
            self.look_at(slot, now);
        }
        self.taken = taken;
        has_more
    }

    fn look_at(&mut self, index: usize, now: Timestamp) {
        let Some(slot) = self.sockets.slot(index) else {
            return;
        };
        slot.listing.unlist();
        slot.poll_lingering();
        let Some(occupant) = &mut slot.occupant else {
            return;
        };
        let mut cx = Context::from_waker(&slot.waker);
        let id = occupant.id;
        if let Stage::Dialling(dial) = &mut occupant.stage {
            let Poll::Ready(dialled) = dial.as_mut().poll(&mut cx) else {
                return;
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
        self.read(index, now);
    }

    /// Writes once to a socket that the pool has bytes for.
    fn write(&mut self, index: usize, now: Timestamp) {
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
            let Some(count) = occupant.write(&mut cx, bytes) else {
                if occupant.broken.is_some() {
                    // Reading finds the end, after what the peer sent before it.
                    occupant.writes = false;
                    slot.listing.list();
                }
                return;
            };
            self.pool.handle(Input::Wrote(id, count), now);
        }
        occupant.writes = !self.pool.outgoing(id).is_empty();
        if occupant.writes {
            slot.listing.list();
        }
    }

    /// Reads from a socket, a few times and a full buffer at most: what comes of more would not
    /// fit the processor's caches until it is handed out.
    fn read(&mut self, index: usize, now: Timestamp) {
        let Some(slot) = self.sockets.slot(index) else {
            return;
        };
        let Some(occupant) = &mut slot.occupant else {
            return;
        };
        let id = occupant.id;
        let mut cx = Context::from_waker(&slot.waker);
        let mut room = self.buffer.len();
        for _ in 0..READS_MAX {
            let read = occupant.read(&mut cx, &mut self.buffer);
            self.publisher.announce(&mut self.pool);
            match read {
                Poll::Pending => return,
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
                    return self.pool.handle(Input::Closed(id, closed), now);
                }
            }
        }
        slot.listing.list();
    }

    /// Does what the pool wants; returns whether that was all.
    fn do_outputs(&mut self, now: Timestamp) -> bool {
        for _ in 0..OUTPUTS_MAX {
            let Some(output) = self.pool.poll_output() else {
                return true;
            };
            match output {
                Output::Connect(id, endpoint) => {
                    let node = self.pool.node_of(id).map_or("", |node| &*node.name);
                    let route = self.shared.transports.route(node);
                    let dial = link::open(self.runtime.clone(), &endpoint, route);
                    self.sockets.dial(id, dial);
                }
                Output::Close(id) => self.sockets.close(id, now),
                Output::Write(id) => {
                    self.sockets.note_write(id);
                    self.write(id.slot(), now);
                }
                Output::Gateway(payload) => {
                    if let Some(gateway) = &self.shared.gateway {
                        gateway.send(payload);
                    }
                }
                Output::Answer(command, answer) => {
                    if let Some(waiting) = self.waiting.remove(&command) {
                        self.answers.push_back((waiting.reply, answer));
                    }
                }
                // The pool's outputs may grow; this driver knows all of this version.
                _ => debug_assert!(false, "an output that the driver does not know"),
            }
        }
        false
    }

    /// Sets the timer; returns whether it is due already.
    fn arm(&mut self) -> bool {
        let due = self.pool.poll_timeout().map(|(at, _)| at);
        let next = [due, self.sockets.poll_timeout()];
        let Some(at) = next.into_iter().flatten().min() else {
            return false;
        };
        self.alarm.set(at)
    }

    fn is_finished(&self) -> bool {
        self.pool.is_finished() && self.sockets.is_empty() && !self.is_behind
    }

    /// Answers everybody who still waits.
    fn end(&mut self) {
        self.shared.inbox.end();
        for (reply, answer) in self.answers.drain(..) {
            reply.answer(answer.map_err(Error::from));
        }
        for waiting in std::mem::take(&mut self.waiting).into_values() {
            waiting.reply.answer(Err(Error::Closed));
        }
        self.publisher.end();
    }
}

impl<R: Runtime> Future for Driver<R> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.ready.register(cx.waker());
        // Whoever yields may be taken to another thread, away from what is in its cache.
        let mut has_more = true;
        for _ in 0..TURNS_MAX {
            has_more = has_more && this.turn();
        }
        if this.is_finished() {
            this.end();
            return Poll::Ready(());
        }
        if this.arm() || has_more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl<R: Runtime> Drop for Driver<R> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<R: Runtime> std::fmt::Debug for Driver<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

const fn is_full<T>(submitted: &Result<T, SubmitError>) -> bool {
    matches!(submitted, Err(SubmitError::TooManyCommands { .. }))
}

/// How many turns are taken before other tasks have theirs.
const TURNS_MAX: usize = 4;
/// The most that is read at once.
const READ_BYTES: usize = 64 * 1024;
/// How often one socket is read in one turn.
const READS_MAX: usize = 4;
/// How many sockets are looked at in one turn.
const SLOTS_MAX: usize = 256;
/// How many commands are submitted in one turn.
const ENTRIES_MAX: usize = 256;
/// How many of the pool's outputs are done in one turn.
const OUTPUTS_MAX: usize = 256;
/// How many views are published in one turn.
const VIEWS_MAX: usize = 1024;
/// How many answers are given in one turn.
const ANSWERS_MAX: usize = 1024;
/// How many events are published in one turn.
const EVENTS_MAX: usize = 1024;
