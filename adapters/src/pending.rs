//! [`Pending`]: a command that is on its way, as a future.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use lavapool_core::{Answer, CommandId};

use crate::error::Error;
use crate::lock::lock;
use crate::shared::Handle;
use crate::wake::wake;

/// A command that is on its way; await it for the answer.
///
/// The command was queued when the method was called, whether or not this is ever polled.
/// Dropping it drops only the wait: what was asked for happens all the same, except for a lookup
/// (such as [`load_tracks`](crate::Client::load_tracks)) that was not sent yet, which is
/// cancelled. [`detach`](Self::detach) drops the wait and lets even that go on. The client stays
/// open for as long as this is held.
#[must_use = "the command is queued, but only awaiting it tells whether it worked; \
              `detach` it if that does not matter"]
pub struct Pending<T> {
    reply: Arc<Reply>,
    handle: Arc<Handle>,
    read: Read<T>,
    /// Whether the answer is for a [`Watch`] too.
    is_watched: bool,
}

/// Takes what was asked for out of an answer.
pub(crate) type Read<T> = fn(Answer, &Arc<Handle>) -> Result<T, Error>;

impl<T> Pending<T> {
    pub(crate) fn new(reply: Arc<Reply>, handle: Arc<Handle>, read: Read<T>) -> Self {
        Self {
            reply,
            handle,
            read,
            is_watched: false,
        }
    }

    /// Lets the answer be seen without a poll, even after this was dropped.
    pub(crate) fn watch(&mut self) -> Watch {
        self.is_watched = true;
        Watch {
            reply: self.reply.clone(),
        }
    }

    /// Gives up the wait, but not what was asked for, whatever it is: nobody hears whether it
    /// worked. It keeps the client open no longer than dropping this does.
    pub fn detach(self) {
        self.reply.detach();
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, Error>;

    /// # Panics
    /// When it is polled again after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let answer = std::task::ready!(this.reply.poll(cx, this.is_watched));
        Poll::Ready(answer.and_then(|answer| (this.read)(answer, &this.handle)))
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if self.is_watched {
            return;
        }
        if let Some(command) = self.reply.abandon() {
            self.handle.inbox.cancel(command);
        }
    }
}

impl<T> std::fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

/// Sees the answer to a command, whoever else waits for it.
pub(crate) struct Watch {
    reply: Arc<Reply>,
}

impl Watch {
    /// Whether the command worked; `None` until it is answered.
    pub(crate) fn outcome(&self) -> Option<Result<(), Error>> {
        let answer = self.reply.peek()?;
        Some(answer.map(|_| ()))
    }
}

/// Where the driver puts the answer to one command.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// The answer is waited for; the command's id is known once the driver has seen it.
    Waiting {
        command: Option<CommandId>,
        waker: Option<Waker>,
    },
    Answered(Result<Answer, Error>),
    /// The answer was taken.
    Taken,
    /// Nobody waits any more.
    Abandoned,
    /// Nobody waits, and the command goes on all the same.
    Detached,
}

impl Default for State {
    fn default() -> Self {
        Self::Waiting {
            command: None,
            waker: None,
        }
    }
}

impl Reply {
    /// An answer that is there already.
    pub(crate) fn failed(error: Error) -> Arc<Self> {
        let state = Mutex::new(State::Answered(Err(error)));
        Arc::new(Self { state })
    }

    /// Notes the id of the command; returns false if it was abandoned, or answered already.
    pub(crate) fn submitted(&self, id: CommandId) -> bool {
        match &mut *lock(&self.state) {
            State::Waiting { command, .. } => {
                *command = Some(id);
                true
            }
            State::Detached => true,
            State::Answered(_) | State::Taken | State::Abandoned => false,
        }
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        matches!(*lock(&self.state), State::Abandoned)
    }

    /// Gives the answer to whoever waits for it.
    pub(crate) fn answer(&self, answer: Result<Answer, Error>) {
        let waker = {
            let mut state = lock(&self.state);
            let State::Waiting { waker, .. } = &mut *state else {
                return;
            };
            let waker = waker.take();
            *state = State::Answered(answer);
            waker
        };
        wake(waker);
    }

    /// The answer, if there is one.
    pub(crate) fn peek(&self) -> Option<Result<Answer, Error>> {
        match &*lock(&self.state) {
            State::Answered(answer) => Some(answer.clone()),
            State::Waiting { .. } | State::Taken | State::Abandoned | State::Detached => None,
        }
    }

    /// The answer, which stays here if somebody else is to see it.
    fn poll(&self, cx: &Context<'_>, stays: bool) -> Poll<Result<Answer, Error>> {
        let mut state = lock(&self.state);
        match &mut *state {
            State::Waiting { waker, .. } => {
                match waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    None => *waker = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
            State::Answered(answer) if stays => Poll::Ready(answer.clone()),
            State::Answered(_) => match std::mem::replace(&mut *state, State::Taken) {
                State::Answered(answer) => Poll::Ready(answer),
                State::Waiting { .. } | State::Taken | State::Abandoned | State::Detached => {
                    unreachable!("the state was just seen to be an answer")
                }
            },
            State::Taken | State::Abandoned | State::Detached => {
                panic!("polled after it was ready")
            }
        }
    }

    /// Nobody waits any more; returns the command if the driver has to be told.
    fn abandon(&self) -> Option<CommandId> {
        let mut state = lock(&self.state);
        if matches!(*state, State::Detached) {
            return None;
        }
        match std::mem::replace(&mut *state, State::Abandoned) {
            State::Waiting { command, .. } => command,
            State::Answered(_) | State::Taken | State::Abandoned | State::Detached => None,
        }
    }

    /// Nobody waits any more, and the command goes on all the same.
    fn detach(&self) {
        *lock(&self.state) = State::Detached;
    }
}
