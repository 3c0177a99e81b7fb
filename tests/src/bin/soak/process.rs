//! [`Usage`]: what this process holds and has used, as Linux tells it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// What this process holds and has used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) descriptors: usize,
    /// Those of them that are sockets.
    pub(crate) sockets: usize,
    pub(crate) resident_kib: u64,
    pub(crate) threads: u64,
    pub(crate) cpu: Duration,
}

impl Usage {
    /// The usage up to this moment; `None` where there is no `/proc`.
    pub(crate) fn now() -> Option<Self> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program, in brackets, may hold anything.
        let (_, fields) = stat.rsplit_once(") ")?;
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse::<u64>().ok())
            .sum();
        let descriptors = fs::read_dir("/proc/self/fd").ok()?;
        // The one that lists them leads to nothing any more.
        let open = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        let open: Vec<_> = open.filter(|path| !path.ends_with("fd")).collect();
        let is_socket = |path: &&PathBuf| path.to_string_lossy().starts_with("socket:");
        Some(Self {
            descriptors: open.len(),
            sockets: open.iter().filter(is_socket).count(),
            resident_kib: field("VmRSS:")?,
            threads: field("Threads:")?,
            cpu: Duration::from_millis(ticks * TICK_MS),
        })
    }
}

/// Linux counts processor time for programs in hundredths of a second (`USER_HZ`, time(7)).
const TICK_MS: u64 = 10;
