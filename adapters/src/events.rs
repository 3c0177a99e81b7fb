//! [`EventStream`]: what happens, to as many subscribers as like to know.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
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
/// [`Event::Lagged`]; it delays neither the client nor other streams. It ends when the client is
/// closed, and does not keep it open.
#[derive(Debug)]
#[must_use = "a stream that nobody reads only costs the client the events that it queues"]
pub struct EventStream {
    subscriber: Arc<Subscriber>,
    subscribers: Arc<Subscribers>,
}

impl EventStream {
    /// Waits for the next event; `None` once the client is closed and all were taken.
    ///
    /// Cancel safe: a dropped wait loses no event.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.subscriber.poll(cx)).await
    }

    /// Takes the next event if there is one already; [`is_ended`](Self::is_ended) tells whether
    /// one may still come if there is none.
    pub fn try_next(&mut self) -> Option<Event> {
        lock(&self.subscriber.state).queue.pop()
    }

    /// Whether the client is closed and every event was taken: none will come any more.
    pub fn is_ended(&self) -> bool {
        let state = lock(&self.subscriber.state);
        state.ended && state.queue.is_empty()
    }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.subscriber.poll(cx)
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let mut list = lock(&self.subscribers.list);
        list.retain(|other| other.as_ptr() != Arc::as_ptr(&self.subscriber));
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
    waker: Option<Waker>,
    ended: bool,
}

impl Subscriber {
    fn poll(&self, cx: &Context<'_>) -> Poll<Option<Event>> {
        let mut state = lock(&self.state);
        if let Some(event) = state.queue.pop() {
            return Poll::Ready(Some(event));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
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
    /// Whether the list has changed since the driver looked.
    is_new: AtomicBool,
    ended: AtomicBool,
    ready: Arc<Ready>,
}

impl Subscribers {
    fn new(ready: Arc<Ready>) -> Arc<Self> {
        Arc::new(Self {
            list: Mutex::default(),
            is_new: AtomicBool::new(true),
            ended: AtomicBool::new(false),
            ready,
        })
    }

    pub(crate) fn subscribe(self: &Arc<Self>, kinds: Kinds, events_max: usize) -> EventStream {
        let mut list = lock(&self.list);
        let state = State {
            queue: EventQueue::new(events_max),
            waker: None,
            ended: self.ended.load(Ordering::Acquire),
        };
        let subscriber = Arc::new(Subscriber {
            kinds,
            state: Mutex::new(state),
        });
        list.push(Arc::downgrade(&subscriber));
        drop(list);
        self.changed();
        EventStream {
            subscriber,
            subscribers: self.clone(),
        }
    }

    fn changed(&self) {
        self.is_new.store(true, Ordering::Release);
        self.ready.ring();
    }

    /// Hands out what happened, and wakes each subscriber once.
    pub(crate) fn publish(&self, mut next: impl FnMut() -> Option<Event>) {
        let Some(mut event) = next() else { return };
        let present = self.present();
        let mut woken = vec![false; present.len()];
        loop {
            for (subscriber, woken) in present.iter().zip(&mut woken) {
                if event.kinds().intersects(subscriber.kinds) {
                    lock(&subscriber.state).queue.push(event.clone());
                    *woken = true;
                }
            }
            match next() {
                Some(following) => event = following,
                None => break,
            }
        }
        for (subscriber, _) in present.iter().zip(woken).filter(|(_, woken)| *woken) {
            subscriber.wake();
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
}

impl Publisher {
    pub(crate) fn new(ready: Arc<Ready>) -> Self {
        let subscribers = Subscribers::new(ready);
        Self { subscribers }
    }

    pub(crate) const fn subscribers(&self) -> &Arc<Subscribers> {
        &self.subscribers
    }

    /// Sets how many events the streams of now can hold. What they hold already is dropped, so
    /// it is for before the start.
    pub(crate) fn set_events_max(&self, events_max: usize) {
        for subscriber in self.subscribers.present() {
            lock(&subscriber.state).queue = EventQueue::new(events_max);
        }
    }

    /// Tells the pool which kinds anybody listens for, if that has changed. It comes between
    /// taking something and handing it to the pool: so a stream misses nothing of what was asked
    /// for, or came, after it was made.
    pub(crate) fn announce(&self, machine: &mut Machine) {
        let is_new = &self.subscribers.is_new;
        // Asked often, and hardly ever so.
        if !is_new.load(Ordering::Acquire) || !is_new.swap(false, Ordering::AcqRel) {
            return;
        }
        let present = self.subscribers.present().into_iter();
        let kinds = present.map(|subscriber| subscriber.kinds);
        machine.listen(kinds.fold(Kinds::NONE, |all, kinds| all | kinds));
    }

    /// Hands out what happened.
    pub(crate) fn publish(&self, next: impl FnMut() -> Option<Event>) {
        self.subscribers.publish(next);
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
