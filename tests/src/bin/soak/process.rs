//! [`Usage`]: what this process holds.

use std::alloc::System;
use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, fs};

use cap::Cap;

/// Counts what is allocated and not freed, to the byte; it never refuses.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// How many more bytes of the heap may be in use at the end, of 11 MiB: a queue keeps room for some
/// more, tickets of TLS differ in length, and trees have a node more or less. Runs of ten minutes
/// had 10 KiB less to 4 KiB more.
const HEAP_GROWTH_MAX: usize = 32 * 1024;
/// How much more memory may be resident: allocators give pages back as they like. The same runs had
/// nothing more, and up to 324 KiB.
const RESIDENT_GROWTH_KIB_MAX: u64 = 512;

/// What this process holds.
pub(crate) struct Usage {
    /// The client's tasks, and all of the runtime's where it tells.
    tasks: (usize, Option<usize>),
    heap_bytes: usize,
    held: Option<Held>,
}

/// What Linux tells of it.
struct Held {
    descriptors: usize,
    /// Those of them that are sockets.
    sockets: usize,
    threads: u64,
    resident_kib: u64,
}

impl Usage {
    /// What is held at this moment.
    pub(crate) fn now(tasks: (usize, Option<usize>)) -> Self {
        Self {
            tasks,
            heap_bytes: HEAP.allocated(),
            held: Held::now(),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }

    /// What there is more of later, and may not be.
    pub(crate) fn growth(&self, after: &Self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut compare = |what: &str, before: u64, after: u64, growth_max: u64| {
            if after > before + growth_max {
                faults.push(format!("{before} {what} have become {after}"));
            }
        };
        compare("tasks", self.tasks.0 as u64, after.tasks.0 as u64, 0);
        if let (Some(before), Some(after)) = (self.tasks.1, after.tasks.1) {
            compare("tasks of the runtime", before as u64, after as u64, 0);
        }
        let (heap, heap_after) = (self.heap_bytes as u64, after.heap_bytes as u64);
        compare(
            "bytes of the heap",
            heap,
            heap_after,
            HEAP_GROWTH_MAX as u64,
        );
        if let (Some(before), Some(after)) = (&self.held, &after.held) {
            let (open, open_after) = (before.descriptors as u64, after.descriptors as u64);
            compare("descriptors", open, open_after, 0);
            compare("sockets", before.sockets as u64, after.sockets as u64, 0);
            compare("threads", before.threads, after.threads, 0);
            let (resident, resident_after) = (before.resident_kib, after.resident_kib);
            compare(
                "KiB of memory",
                resident,
                resident_after,
                RESIDENT_GROWTH_KIB_MAX,
            );
        }
        faults
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tasks of the client", self.tasks.0)?;
        if let Some(all) = self.tasks.1 {
            write!(f, ", {all} of the runtime")?;
        }
        write!(f, ", {} bytes of the heap, ", self.heap_bytes)?;
        let Some(held) = &self.held else {
            return f.write_str("and no /proc that says more");
        };
        let Held {
            descriptors,
            sockets,
            threads,
            resident_kib,
        } = held;
        write!(
            f,
            "{descriptors} descriptors, {sockets} of them sockets, {threads} threads, \
             {resident_kib} KiB resident"
        )
    }
}

impl Held {
    fn now() -> Option<Self> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let descriptors = fs::read_dir("/proc/self/fd").ok()?;
        // The one that lists them leads to nothing any more.
        let open = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        let open: Vec<_> = open.filter(|path| !path.ends_with("fd")).collect();
        let is_socket = |path: &&PathBuf| path.to_string_lossy().starts_with("socket:");
        Some(Self {
            descriptors: open.len(),
            sockets: open.iter().filter(is_socket).count(),
            threads: field("Threads:")?,
            resident_kib: field("VmRSS:")?,
        })
    }
}

/// The processor time that was used up to this moment; `None` where there is no `/proc`.
pub(crate) fn processor_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(ticks * TICK_MS))
}

/// Linux counts processor time for programs in hundredths of a second (`USER_HZ`, time(7)).
const TICK_MS: u64 = 10;
