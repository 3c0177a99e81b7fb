//! [`crew`]: several threads that go through a list.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::problem::Problem;

/// Does the work for each item, in their order, by so many threads; each tells which it is. The
/// first problem ends it.
pub(crate) fn crew<T: Sync>(
    threads: usize,
    items: &[T],
    work: impl Fn(usize, &T) -> Result<(), Problem> + Sync,
) -> Result<(), Problem> {
    let next = AtomicUsize::new(0);
    let problem = Mutex::new(None);
    let go = |worker| {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(found) = work(worker, item) {
                next.store(items.len(), Ordering::Relaxed);
                problem
                    .lock()
                    .expect("no worker panics")
                    .get_or_insert(found);
            }
        }
    };
    std::thread::scope(|scope| {
        for worker in 0..threads {
            let go = &go;
            scope.spawn(move || go(worker));
        }
    });
    let problem = problem.into_inner().expect("no worker panics");
    problem.map_or(Ok(()), Err)
}
