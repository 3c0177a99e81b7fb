//! Sabotages: breaks of the core on purpose, which the simulator must find.
//!
//! Each is a file in `tests/sabotage`: a sentence that says what is broken, a line with the
//! invariants by which it must be found (`Breaks: PauseWanted, VoiceWanted`), an empty line, and a
//! unified diff. It is applied to a copy of the sources, never to the sources themselves.

mod diff;
mod tree;

pub use diff::{Diff, DiffError};
pub use tree::Tree;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::invariant::Invariant;

/// A break of the core.
#[derive(Clone, Debug)]
pub struct Sabotage {
    /// What the file is called, without its ending.
    pub name: String,
    /// What is broken.
    pub sentence: String,
    /// What breaks of it: whatever else breaks does not say that it was found.
    pub breaks: Vec<Invariant>,
    diff: Diff,
}

/// Why a sabotage cannot be tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SabotageError {
    /// A file cannot be read or written.
    #[error("{path}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file does not begin with a sentence and an empty line.
    #[error("{name} does not begin with a sentence that says what is broken")]
    NoSentence {
        /// The sabotage.
        name: String,
    },
    /// The second line does not name the invariants that break.
    #[error("{name} does not say on its second line which invariants break: {line:?}")]
    NoInvariant {
        /// The sabotage.
        name: String,
        /// The line.
        line: String,
    },
    /// The diff is none, or does not fit the sources any more.
    #[error("{name}: {cause}")]
    Diff {
        /// The sabotage.
        name: String,
        /// Why.
        cause: DiffError,
    },
}

impl Sabotage {
    /// All sabotages, by name.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn all() -> Result<Vec<Self>, SabotageError> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sabotage");
        let mut files = BTreeMap::new();
        let entries = std::fs::read_dir(&folder).map_err(|cause| failed(&folder, cause))?;
        for entry in entries {
            let path = entry.map_err(|cause| failed(&folder, cause))?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "patch")
            {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                files.insert(name.into_owned(), path);
            }
        }
        let read = |(name, path): (String, PathBuf)| {
            let text = std::fs::read_to_string(&path).map_err(|cause| failed(&path, cause))?;
            Self::read(&name, &text)
        };
        files.into_iter().map(read).collect()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(name: &str, text: &str) -> Result<Self, SabotageError> {
        let name = name.to_owned();
        let Some((head, diff)) = text.split_once("\n\n") else {
            return Err(SabotageError::NoSentence { name });
        };
        let (sentence, line) = head.split_once('\n').unwrap_or((head, ""));
        if !sentence.ends_with('.') {
            return Err(SabotageError::NoSentence { name });
        }
        let Some(breaks) = invariants(line) else {
            let line = line.to_owned();
            return Err(SabotageError::NoInvariant { name, line });
        };
        match Diff::parse(diff) {
            Ok(diff) => Ok(Self {
                name,
                sentence: sentence.to_owned(),
                breaks,
                diff,
            }),
            Err(cause) => Err(SabotageError::Diff { name, cause }),
        }
    }

    /// The broken files of a source tree, by their paths in it. Nothing is written.
    ///
    /// # Errors
    /// The files cannot be read, or are not what the diff was made of.
    pub fn broken(&self, tree: &Path) -> Result<Vec<(PathBuf, String)>, SabotageError> {
        let mut broken = Vec::new();
        for path in self.diff.files() {
            let whole = tree.join(path);
            let text = std::fs::read_to_string(&whole).map_err(|cause| failed(&whole, cause))?;
            // Whatever the checkout made of the ends of lines.
            let applied = self.diff.apply(path, &text.replace("\r\n", "\n"));
            let applied = applied.map_err(|cause| SabotageError::Diff {
                name: self.name.clone(),
                cause,
            })?;
            broken.push((path.into(), applied));
        }
        Ok(broken)
    }
}

/// Reads `Breaks: PauseWanted, VoiceWanted`.
fn invariants(line: &str) -> Option<Vec<Invariant>> {
    let names = line.strip_prefix("Breaks: ")?;
    names.split(", ").map(Invariant::named).collect()
}

fn failed(path: &Path, cause: io::Error) -> SabotageError {
    let path = path.into();
    SabotageError::Io { path, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n-one\n+two\n";

    #[test]
    fn a_sabotage_says_what_it_is_and_what_breaks() {
        let text = format!("It is broken.\nBreaks: NoPanic, PlaysOnce\n\n{DIFF}");
        let sabotage = Sabotage::read("x", &text).expect("it is one");
        assert_eq!(sabotage.sentence, "It is broken.");
        assert_eq!(sabotage.breaks, [Invariant::NoPanic, Invariant::PlaysOnce]);
    }

    #[test]
    fn one_that_does_not_say_so_is_refused() {
        let read = |head: &str| Sabotage::read("x", &format!("{head}\n\n{DIFF}"));
        let refused = |head| read(head).map(|_| ()).expect_err("it is none").to_string();
        let sentence = "x does not begin with a sentence that says what is broken";
        assert_eq!(refused("no sentence\nBreaks: NoPanic"), sentence);
        let names = "x does not say on its second line which invariants break: ";
        assert_eq!(refused("A sentence."), format!("{names}\"\""));
        let line = "Breaks: NoPanic, Nothing";
        let unknown = refused(&format!("A sentence.\n{line}"));
        assert_eq!(unknown, format!("{names}{line:?}"));
    }
}
