//! Sabotages: breaks of the core on purpose, which the simulator must find.
//!
//! Each is a file in `tests/sabotage`: a sentence that says what is broken, an empty line, and a
//! unified diff. It is applied to a copy of the sources, never to the sources themselves.

mod diff;
mod tree;

pub use diff::{Diff, DiffError};
pub use tree::Tree;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// A break of the core.
#[derive(Clone, Debug)]
pub struct Sabotage {
    /// What the file is called, without its ending.
    pub name: String,
    /// What is broken.
    pub sentence: String,
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
        let Some((sentence, diff)) = text.split_once("\n\n") else {
            return Err(SabotageError::NoSentence { name });
        };
        if !sentence.ends_with('.') || sentence.contains('\n') {
            return Err(SabotageError::NoSentence { name });
        }
        match Diff::parse(diff) {
            Ok(diff) => Ok(Self {
                name,
                sentence: sentence.to_owned(),
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

fn failed(path: &Path, cause: io::Error) -> SabotageError {
    let path = path.into();
    SabotageError::Io { path, cause }
}
