//! [`Executor`]: tasks on one thread, in the order in which they were woken.

use std::collections::{BTreeMap, VecDeque};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::lock;

pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tasks on one thread, in the order in which they were woken.
#[derive(Default)]
pub(super) struct Executor {
    tasks: Mutex<BTreeMap<u64, (Task, Arc<TaskWaker>)>>,
    woken: Arc<Mutex<VecDeque<u64>>>,
    last: AtomicU64,
    polls: AtomicU64,
}

/// The program's own number; tasks have those above it.
const PROGRAM: u64 = 0;

impl Executor {
    /// Runs a program to its end. `advance` lets the next thing happen, and says whether there
    /// was one.
    pub(super) fn run<T>(
        &self,
        program: impl Future<Output = T>,
        mut advance: impl FnMut() -> bool,
    ) -> T {
        let mut program = pin!(program);
        let program_waker = self.waker(PROGRAM);
        program_waker.clone().wake();
        let mut polls = 0;
        loop {
            let next = lock(&self.woken).pop_front();
            let Some(number) = next else {
                assert!(advance(), "the program waits for what never happens");
                polls = 0;
                continue;
            };
            polls += 1;
            assert!(polls < POLLS_MAX, "tasks wake each other without end");
            self.polls.fetch_add(1, Ordering::Relaxed);
            if number == PROGRAM {
                program_waker.is_woken.store(false, Ordering::Relaxed);
                let waker = Waker::from(program_waker.clone());
                if let Poll::Ready(result) = program.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    return result;
                }
            } else {
                self.poll_task(number);
            }
        }
    }

    pub(super) fn spawn(&self, task: Task) {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let waker = self.waker(number);
        lock(&self.tasks).insert(number, (task, waker.clone()));
        waker.wake();
    }

    /// Drops every task.
    pub(super) fn clear(&self) {
        let tasks = std::mem::take(&mut *lock(&self.tasks));
        drop(tasks);
    }

    pub(super) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    fn poll_task(&self, number: u64) {
        let Some((mut task, listing)) = lock(&self.tasks).remove(&number) else {
            return;
        };
        listing.is_woken.store(false, Ordering::Relaxed);
        let waker = Waker::from(listing.clone());
        let polled = task.as_mut().poll(&mut Context::from_waker(&waker));
        if polled.is_pending() {
            lock(&self.tasks).insert(number, (task, listing));
        }
    }

    fn waker(&self, number: u64) -> Arc<TaskWaker> {
        Arc::new(TaskWaker {
            number,
            is_woken: AtomicBool::new(false),
            woken: self.woken.clone(),
        })
    }
}

struct TaskWaker {
    number: u64,
    is_woken: AtomicBool,
    woken: Arc<Mutex<VecDeque<u64>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::Relaxed) {
            lock(&self.woken).push_back(self.number);
        }
    }
}

/// How many polls may follow each other while no time passes.
const POLLS_MAX: u32 = 100_000;
