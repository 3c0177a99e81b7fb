//! [`Counting`]: the system's allocator, which counts when it is told to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// The system's allocator. Until [`begin`] it only looks at a flag, so that timed runs pay nothing
/// for it.
pub(crate) struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static ALLOCATED_BYTES: AtomicU64 = AtomicU64::new(0);
static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);

/// What was allocated since [`begin`], on all threads.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// How often memory was asked for or grown.
    pub(crate) allocations: u64,
    /// How many bytes were asked for; growing counts the whole new size.
    pub(crate) bytes: u64,
    /// The bytes that were asked for and not given back.
    pub(crate) live_bytes: i64,
}

/// Starts to count.
pub(crate) fn begin() {
    COUNTS.store(true, Ordering::SeqCst);
}

/// What was counted so far.
pub(crate) fn counts() -> Counts {
    Counts {
        allocations: ALLOCATIONS.load(Ordering::SeqCst),
        bytes: ALLOCATED_BYTES.load(Ordering::SeqCst),
        live_bytes: LIVE_BYTES.load(Ordering::SeqCst),
    }
}

fn count(taken: usize, given_back: usize) {
    if COUNTS.load(Ordering::Relaxed) {
        if taken > 0 {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
            ALLOCATED_BYTES.fetch_add(taken as u64, Ordering::Relaxed);
        }
        let change = taken as i64 - given_back as i64;
        LIVE_BYTES.fetch_add(change, Ordering::Relaxed);
    }
}

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe to implement; each call goes on to the system's as it came"
)]
// SAFETY: every method passes its arguments on unchanged to `System`, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.realloc(memory, layout, size) }
    }
}
