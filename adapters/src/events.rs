//! [`EventStream`]: what happens, to as many subscribers as like to know.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use lavapool_core::{Event, EventQueue, Kinds};

use crate::driver::Ready;
use crate::lock::lock;
use crate::recording::Machine;
use crate::wake::wake;

/// The events of a client from the moment of subscribing on.
///
/// Each stream has a bounded queue of its own, of
/// [`Limits::events_max`](lavapool_core::Limits::events_max) events, by the rule of
/// [`EventQueue`]: one that is not read in time loses its oldest and is told so with
/// [`Event::Lagged`]; it delays neither the client nor other streams. In a rush the driver hands
/// out up to 4 096 events before others have their turn, so a queue of fewer may lose some however
/// soon it is read. The stream ends when the client is closed, and does not keep it open.
#[derive(Debug)]
#[must_use = "a stream that nobody reads only costs the client the events that it queues"]
pub struct EventStream {
    /// What was taken from the queue, some at a time so that its lock is taken once for many.
    taken: VecDeque<Event>,
    subscriber: Arc<Subscriber>,
    subscribers: Arc<Subscribers>,
}

impl EventStream {
    /// Waits for the next event; `None` once the client is closed and all were taken.
    ///
    /// Cancel safe: a dropped wait loses no event.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Takes the next event if there is one already; [`is_ended`](Self::is_ended) tells whether
    /// one may still come if there is none.
    pub fn try_next(&mut self) -> Option<Event> {
        let next = self.taken.pop_front();
        next.or_else(|| lock(&self.subscriber.state).queue.pop())
    }

    /// Whether the client is closed and every event was taken: none will come any more.
    pub fn is_ended(&self) -> bool {
        let state = lock(&self.subscriber.state);
        state.ended && state.queue.is_empty() && self.taken.is_empty()
    }

    fn poll(&mut self, cx: &Context<'_>) -> Poll<Option<Event>> {
        if let Some(event) = self.taken.pop_front() {
            return Poll::Ready(Some(event));
        }
        self.subscriber.poll(cx, &mut self.taken)
    }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.get_mut().poll(cx)
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let is_other = |other: &Weak<Subscriber>| other.as_ptr() != Arc::as_ptr(&self.subscriber);
        lock(&self.subscribers.list).retain(is_other);
        // Whoever is woken may be run at once, or dropped, and look at the list.
        self.subscribers.changed();
    }
}

#[derive(Debug)]
struct Subscriber {
    kinds: Kinds,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    queue: EventQueue,
    /// How many of its events a stream takes at once, beside the one that it hands out: so few
    /// that what is taken hardly adds to the queue's bound.
    taken_max: usize,
    waker: Option<Waker>,
    ended: bool,
}

impl State {
    /// What the queue holds already is dropped.
    fn set_events_max(&mut self, events_max: usize) {
        self.queue = EventQueue::new(events_max);
        self.taken_max = (events_max / TAKEN_PART).min(TAKEN_MAX);
    }
}

impl Subscriber {
    /// Takes the next event, and those behind it into `more`.
    fn poll(&self, cx: &Context<'_>, more: &mut VecDeque<Event>) -> Poll<Option<Event>> {
        let mut state = lock(&self.state);
        if let Some(event) = state.queue.pop() {
            let taken_max = state.taken_max;
            more.extend(std::iter::from_fn(|| state.queue.pop()).take(taken_max));
            return Poll::Ready(Some(event));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => state.waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Adds those of its kinds; returns whether there were any.
    fn push(&self, events: impl Iterator<Item = Event>) -> bool {
        let mut is_news = false;
        let mut state = lock(&self.state);
        let events = events.filter(|event| event.kinds().intersects(self.kinds));
        // So each part of a chain has a loop of its own, without a question for each event which
        // part it is of.
        events.for_each(|event| {
            state.queue.push(event);
            is_news = true;
        });
        is_news
    }

    fn wake(&self) {
        let waker = lock(&self.state).waker.take();
        wake(waker);
    }
}

/// Everybody who likes to know what happens.
#[derive(Debug)]
pub(crate) struct Subscribers {
    list: Mutex<Vec<Weak<Subscriber>>>,
    /// How often the list has changed, and once for a first look at it.
    version: AtomicU64,
    ended: AtomicBool,
    ready: Arc<Ready>,
}

impl Subscribers {
    fn new(ready: Arc<Ready>) -> Arc<Self> {
        Arc::new(Self {
            list: Mutex::default(),
            version: AtomicU64::new(1),
            ended: AtomicBool::new(false),
            ready,
        })
    }

    pub(crate) fn subscribe(self: &Arc<Self>, kinds: Kinds, events_max: usize) -> EventStream {
        let mut list = lock(&self.list);
        let mut state = State {
            queue: EventQueue::new(events_max),
            taken_max: 0,
            waker: None,
            ended: self.ended.load(Ordering::Acquire),
        };
        state.set_events_max(events_max);
        let subscriber = Arc::new(Subscriber {
            kinds,
            state: Mutex::new(state),
        });
        list.push(Arc::downgrade(&subscriber));
        drop(list);
        self.changed();
        EventStream {
            taken: VecDeque::new(),
            subscriber,
            subscribers: self.clone(),
        }
    }

    fn changed(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
        self.ready.ring();
    }

    /// Hands out something that happened outside of the pool.
    pub(crate) fn tell(&self, event: &Event) {
        for subscriber in self.present() {
            if subscriber.push(std::iter::once(event.clone())) {
                subscriber.wake();
            }
        }
    }

    fn present(&self) -> Vec<Arc<Subscriber>> {
        lock(&self.list).iter().filter_map(Weak::upgrade).collect()
    }
}

/// Who publishes events; the streams end when it goes.
#[derive(Debug)]
pub(crate) struct Publisher {
    subscribers: Arc<Subscribers>,
    /// Those who were on the list at this version of it, and whether there is news for them.
    present: Vec<(Arc<Subscriber>, bool)>,
    version: u64,
    /// Whether what they listen for may have changed.
    is_new: bool,
    /// What is being handed out to several.
    events: Vec<Event>,
}

impl Publisher {
    pub(crate) fn new(ready: Arc<Ready>) -> Self {
        let subscribers = Subscribers::new(ready);
        Self {
            subscribers,
            present: Vec::new(),
            version: 0,
            is_new: false,
            events: Vec::new(),
        }
    }

    pub(crate) const fn subscribers(&self) -> &Arc<Subscribers> {
        &self.subscribers
    }

    /// Sets how many events the streams of now can hold. What they hold already is dropped, so
    /// it is for before the start.
    pub(crate) fn set_events_max(&self, events_max: usize) {
        for subscriber in self.subscribers.present() {
            lock(&subscriber.state).set_events_max(events_max);
        }
    }

    /// Tells the pool which kinds anybody listens for, if that has changed. It comes between
    /// taking something and handing it to the pool: so a stream misses nothing of what was asked
    /// for, or came, after it was made.
    pub(crate) fn announce(&mut self, machine: &mut Machine) {
        self.look();
        if std::mem::take(&mut self.is_new) {
            let kinds = self.present.iter().map(|(subscriber, _)| subscriber.kinds);
            machine.listen(kinds.fold(Kinds::NONE, |all, kinds| all | kinds));
        }
    }

    /// Hands out what happened, and wakes each subscriber once.
    pub(crate) fn publish(&mut self, mut next: impl FnMut() -> Option<Event>) {
        while let Some(first) = next() {
            // Whoever subscribed before asking for something hears what came of it.
            self.look();
            let more = std::iter::from_fn(&mut next).take(PUBLISHED_MAX - 1);
            let events = std::iter::once(first).chain(more);
            match &mut self.present[..] {
                [] => events.for_each(drop),
                [(only, is_told)] => *is_told |= only.push(events),
                [others @ .., (last, last_is_told)] => {
                    self.events.extend(events);
                    for (subscriber, is_told) in others {
                        *is_told |= subscriber.push(self.events.iter().cloned());
                    }
                    *last_is_told |= last.push(self.events.drain(..));
                }
            }
        }
        for (subscriber, is_told) in &mut self.present {
            if std::mem::take(is_told) {
                subscriber.wake();
            }
        }
    }

    /// Takes over the list, if it has changed.
    fn look(&mut self) {
        let version = self.subscribers.version.load(Ordering::Acquire);
        if version == self.version {
            return;
        }
        for (subscriber, is_told) in self.present.drain(..) {
            if is_told {
                subscriber.wake();
            }
        }
        let present = self.subscribers.present().into_iter();
        self.present
            .extend(present.map(|subscriber| (subscriber, false)));
        self.version = version;
        self.is_new = true;
    }

    /// Ends every stream, once what waits in it was taken.
    pub(crate) fn end(&self) {
        let present = {
            // Under the lock, so that a stream is either on the list or born ended.
            let list = lock(&self.subscribers.list);
            self.subscribers.ended.store(true, Ordering::Release);
            list.iter().filter_map(Weak::upgrade).collect::<Vec<_>>()
        };
        for subscriber in present {
            lock(&subscriber.state).ended = true;
            subscriber.wake();
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.end();
    }
}

/// The most that a stream takes from its queue at once, and which part of the queue's bound.
const TAKEN_MAX: usize = 31;
const TAKEN_PART: usize = 256;
/// How many events are handed out under one lock of a stream's queue.
const PUBLISHED_MAX: usize = 64;
