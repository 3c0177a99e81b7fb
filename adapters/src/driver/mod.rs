//! [`Driver`]: the one future that moves the bytes.

mod alarm;
mod arrears;
mod dial;
mod io;
mod link;
mod pace;
mod proxy;
mod ready;
mod sockets;
mod submissions;
#[cfg(feature = "rustls")]
mod tls;

pub(crate) use ready::Ready;

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lavapool_core::{Answer, CommandId, Input, Output, RequestError, Timestamp};

use crate::error::Error;
use crate::events::Publisher;
use crate::pending::Reply;
use crate::recording::Machine;
use crate::runtime::Runtime;
use crate::shared::Shared;
use crate::views::Slots;
use alarm::Alarm;
use arrears::Arrears;
use pace::Rounds;
use sockets::Sockets;
use submissions::Waiting;

/// The future that runs a client: it owns the pool, the sockets and the timer, and is the only
/// one that touches them.
///
/// [`Builder::build_on`](crate::Builder::build_on) hands it out to be run wherever you like; the
/// other ways to start a client spawn it. It ends when the client is closed. Dropped before that,
/// it drops the connections without a word: every node is shown as closed, and every call is
/// answered with [`Error::Closed`].
///
/// So it does if it ever panics, which is a bug: nodes are shown as closed, calls are answered with
/// [`Error::Closed`] and streams of events end, as after [`Client::close`](crate::Client::close).
/// The panic itself is seen by whoever runs this future; a bot that wants to see it uses `build_on`
/// and keeps what its runtime gives for the task.
///
/// Each poll does a bounded amount of work in turns, and asks for another poll if there is more. In
/// a turn it takes what up to 256 sockets and 256 calls have, and what Discord said of up to 256
/// guilds, does up to 256 things that the pool wants of sockets, and hands out up to 1 024 views,
/// then 1 024 answers, then 1 024 events. While some of these are left nothing new is taken, so
/// that nobody hears of what a handle does not show yet, and what waits stays as small as the
/// [`Limits`](crate::Limits) say. No turn begins two milliseconds after the first, after 64 turns,
/// after 16 looks at sockets (of up to 64 KiB each), or once more than three full turns make was
/// done of anything else. Deadlines alone are not counted: all that have passed are handled at
/// once.
///
/// If a deadline has passed by the time of a poll, what the sockets had by then is read first, so
/// that a driver which was given no time takes nothing for late that was there. A peer that sends
/// without end holds deadlines up until it was read 256 times, a full buffer of 64 KiB each.
///
/// A socket on which a node says something several times a millisecond is taken off the runtime's
/// watch ([`Socket::set_quiet`](crate::runtime::Socket::set_quiet)) and read each millisecond, for
/// as long as there is something to read and nobody waits for an answer: what a node says then is
/// told up to a millisecond later (two on tokio, whose timers are no finer), for a third of the
/// processor's time. So it stays for 200 ms after whatever was written, in which answers come; one
/// that comes in many small pieces for longer may end that much later too. A connection is lost if
/// the system has no room to watch it again.
///
/// Whenever the pool has something for a socket, all of it is written in one piece; what the
/// socket does not take is tried again each of these times while it is writable. What that saves,
/// and what a vectored write would, is measured in `docs/performance.md` of the repository.
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
    arrears: Arrears,
    rounds: Rounds,
    /// Where the views of players are.
    cells: Slots,
    waiting: BTreeMap<CommandId, Waiting>,
    answers: VecDeque<(Arc<Reply>, Result<Answer, RequestError>)>,
    /// Whether the latest turn left something to be handed out.
    is_behind: bool,
    /// What the present poll has done.
    done: Done,
    buffer: Box<[u8]>,
    is_closing: bool,
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
            arrears: Arrears::default(),
            rounds: Rounds::default(),
            cells: Slots::default(),
            waiting: BTreeMap::new(),
            answers: VecDeque::new(),
            is_behind: false,
            done: Done::default(),
            buffer: vec![0; io::READ_BYTES].into(),
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
        let now = self.runtime.now();
        self.done.turn(now);
        let more_input = self.is_behind || self.take_input(now);
        let more_output = self.hand_out(now);
        more_input || more_output || self.ready.has_more()
    }

    /// Takes what the sockets, the time and the handles have; returns whether there is more.
    ///
    /// The sockets come first: what arrived while nobody had time to look was there before the
    /// deadline that has passed since.
    fn take_input(&mut self, now: Timestamp) -> bool {
        self.take_quiet(now);
        if self.is_due(now) {
            self.arrears.begin(&self.ready, &self.taken);
        }
        self.look_at_sockets(now);
        self.publisher.announce(&mut self.pool);
        self.tell_time(now);
        self.take_entries(now)
    }

    /// Tells the pool that a deadline has passed, unless there is something to read before.
    fn tell_time(&mut self, now: Timestamp) {
        let is_due = self.is_due(now);
        if is_due && !self.arrears.are_read() {
            return;
        }
        if is_due {
            self.pool.handle(Input::Timeout, now);
        }
        self.arrears.end();
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.pool.poll_timeout().is_some_and(|(at, _)| at <= now)
    }

    /// Hands out what came of it: outputs, then views, then answers, then events. The first of
    /// these that has more than a turn may do holds up those after it, so that none is seen
    /// before what it speaks of. Returns whether there is more to do at once.
    fn hand_out(&mut self, now: Timestamp) -> bool {
        self.is_behind = true;
        let is_done = self.do_outputs(now);
        self.sockets.drop_lingering(now);
        let views = &self.shared.views;
        let shown = views.publish(self.pool.views(), &mut self.cells, VIEWS_MAX);
        self.done.views += shown;
        if !is_done || shown == VIEWS_MAX {
            return true;
        }
        // Each answer has made room for another command.
        let more_room = !self.answers.is_empty() && self.wants_room();
        let count = self.answers.len().min(ANSWERS_MAX);
        self.done.answers += count;
        for (reply, answer) in self.answers.drain(..count) {
            reply.answer(answer.map_err(Error::from));
        }
        if !crate::room::is_drained(&mut self.answers) {
            return true;
        }
        let mut count = 0;
        self.publisher.publish(|| {
            let event = (count < EVENTS_MAX).then(|| self.pool.poll_event())?;
            count += usize::from(event.is_some());
            event
        });
        self.done.events += count;
        self.is_behind = count == EVENTS_MAX;
        self.is_behind || more_room
    }

    /// Does what the pool wants; returns whether that was all.
    fn do_outputs(&mut self, now: Timestamp) -> bool {
        for _ in 0..OUTPUTS_MAX {
            let Some(output) = self.pool.poll_output() else {
                return true;
            };
            self.done.outputs += 1;
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
        let next = [due, self.sockets.poll_timeout(), self.rounds.poll_timeout()];
        let Some(at) = next.into_iter().flatten().min() else {
            return false;
        };
        self.alarm.set(at)
    }

    fn is_finished(&self) -> bool {
        self.pool.is_finished() && self.sockets.is_empty() && !self.is_behind
    }

    /// Shows every node as closed, then answers everybody who still waits.
    fn end(&mut self) {
        self.shared.views.end();
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
        this.ready.run();
        // Whoever yields may be taken to another thread, away from what is in its cache.
        let mut has_more = true;
        this.done = Done::default();
        while has_more && this.done.leaves_room() {
            has_more = this.turn();
        }
        if this.is_finished() {
            this.end();
            return Poll::Ready(());
        }
        let is_due = this.arm();
        if is_due || has_more || !this.ready.wait(cx.waker()) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl<R: Runtime> Drop for Driver<R> {
    fn drop(&mut self) {
        self.ready.run();
        self.end();
    }
}

impl<R: Runtime> std::fmt::Debug for Driver<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

/// What the turns of one poll have done.
#[derive(Debug, Default)]
struct Done {
    turns: usize,
    /// When the first of them began, and the last.
    began: Option<(Timestamp, Timestamp)>,
    /// Looks at a socket.
    looks: usize,
    entries: usize,
    outputs: usize,
    views: usize,
    answers: usize,
    events: usize,
}

impl Done {
    fn turn(&mut self, now: Timestamp) {
        self.turns += 1;
        let first = self.began.map_or(now, |(first, _)| first);
        self.began = Some((first, now));
    }

    /// Whether another turn is taken before other tasks have theirs. However much that does, a poll
    /// does no more of anything than four full turns do.
    fn leaves_room(&self) -> bool {
        let is_late = self
            .began
            .is_some_and(|(first, last)| last >= first + TURNS_FOR);
        !is_late
            && self.turns < TURNS_MAX
            && self.looks < LOOKS_MAX
            && self.entries <= 3 * submissions::ENTRIES_MAX
            && self.outputs <= 3 * OUTPUTS_MAX
            && self.views <= 3 * VIEWS_MAX
            && self.answers <= 3 * ANSWERS_MAX
            && self.events <= 3 * EVENTS_MAX
    }
}

/// After how many turns of a poll no other begins, after how long, and after how many looks at a
/// socket.
const TURNS_MAX: usize = 64;
const TURNS_FOR: Duration = Duration::from_millis(2);
const LOOKS_MAX: usize = 16;
/// How many of the pool's outputs are done in one turn.
const OUTPUTS_MAX: usize = 256;
/// How many views are published in one turn.
const VIEWS_MAX: usize = 1024;
/// How many answers are given in one turn.
const ANSWERS_MAX: usize = 1024;
/// How many events are published in one turn.
const EVENTS_MAX: usize = 1024;
