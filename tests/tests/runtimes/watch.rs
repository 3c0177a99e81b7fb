//! [`Watch`]: what a test does after each poll of a driver, or instead of it, in virtual time.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use lavapool::runtime::Runtime;
use lavapool::{Builder, Client, Driver};
use lavapool_tests::sim::SimRuntime;

use crate::{add, config};

/// What a test counts after each turn, and something that it saw.
pub(crate) type Seen = (usize, bool);

/// What is done after each poll of a driver.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    look: Option<Box<dyn FnMut() -> Seen + Send>>,
    turns: Arc<Mutex<Vec<Seen>>>,
    drop_when: Option<fn(Seen) -> bool>,
    is_held: bool,
    waker: Option<Waker>,
}

/// A client with the node "main", which is ready, and a driver that is watched.
pub(crate) async fn watched_on<R: Runtime>(
    sim: &SimRuntime,
    on: R,
    builder: Builder,
) -> (Client, Watch) {
    add(sim, "main");
    let (client, driver) = builder.node(config("main")).build_on(on).unwrap();
    let watch = Watch::default();
    let driver = Some(driver);
    let state = watch.state.clone();
    sim.spawn(Watched { driver, state });
    client.node("main").unwrap().ready().await.unwrap();
    (client, watch)
}

impl Watch {
    pub(crate) fn each_turn(
        &self,
        look: impl FnMut() -> Seen + Send + 'static,
    ) -> Arc<Mutex<Vec<Seen>>> {
        let mut state = self.state.lock().unwrap();
        state.look = Some(Box::new(look));
        state.turns.clone()
    }

    pub(crate) fn drop_when(&self, drop_when: fn(Seen) -> bool) {
        self.state.lock().unwrap().drop_when = Some(drop_when);
    }

    /// Lets the driver wait, as if its runtime had no time for it.
    pub(crate) fn hold(&self, is_held: bool) {
        let mut state = self.state.lock().unwrap();
        state.is_held = is_held;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    pub(crate) fn stop(&self) {
        let look = self.state.lock().unwrap().look.take();
        drop(look);
    }
}

/// A driver, until it ends or is dropped.
struct Watched<R: Runtime> {
    driver: Option<Driver<R>>,
    state: Arc<Mutex<State>>,
}

impl<R: Runtime> Future for Watched<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = self.state.clone();
        let mut state = shared.lock().unwrap();
        if state.is_held {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        let driver = self.driver.as_mut().unwrap();
        let polled = Pin::new(driver).poll(cx);
        let mut state = shared.lock().unwrap();
        if let Some(look) = &mut state.look {
            let seen = look();
            state.turns.lock().unwrap().push(seen);
            if state.drop_when.is_some_and(|drop_when| drop_when(seen)) {
                state.look = None;
                self.driver = None;
                return Poll::Ready(());
            }
        }
        polled
    }
}
