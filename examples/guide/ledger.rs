//! [`Ledger`]: what was promised, what was seen, and whether that is the same.

use std::fmt::{self, Debug, Display};

use lavapool_examples::Terminal;

/// Prints promises as they are tried, and counts those that were kept.
#[derive(Debug)]
pub(crate) struct Ledger {
    terminal: Terminal,
    kept: usize,
    broken: usize,
}

impl Ledger {
    pub(crate) const fn new(terminal: Terminal) -> Self {
        Self {
            terminal,
            kept: 0,
            broken: 0,
        }
    }

    /// Begins a chapter.
    pub(crate) fn chapter(&self, guide: &str) {
        self.terminal.step(guide);
    }

    /// Notes what was seen of a promise, and whether that keeps it.
    pub(crate) fn note(&mut self, promise: &str, seen: impl Display, is_kept: bool) {
        if is_kept {
            self.kept += 1;
            self.terminal
                .good(format_args!("kept    {promise} => {seen}"));
        } else {
            self.broken += 1;
            self.terminal
                .bad(format_args!("BROKEN  {promise} => {seen}"));
        }
    }

    /// Notes what was seen of a promise that is kept by exactly one value.
    pub(crate) fn same<T: Debug + PartialEq<U>, U>(&mut self, promise: &str, seen: T, promised: U) {
        let is_kept = seen == promised;
        self.note(promise, format_args!("{seen:?}"), is_kept);
    }

    /// Whether all were kept, and any tried.
    pub(crate) const fn is_kept(&self) -> bool {
        self.broken == 0 && self.kept > 0
    }
}

impl Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} promises kept, {} broken", self.kept, self.broken)
    }
}
