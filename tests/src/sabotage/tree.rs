//! [`Tree`]: a copy of the sources, to be broken and built.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Sabotage, SabotageError, failed};

/// A copy of the workspace's sources under `target`.
#[derive(Debug)]
pub struct Tree {
    source: PathBuf,
    root: PathBuf,
}

impl Tree {
    /// Makes the copy, or makes it equal to the sources again. What is equal is not touched, so
    /// that cargo builds only what was broken.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn new() -> Result<Self, SabotageError> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let source = source
            .canonicalize()
            .map_err(|cause| failed(&source, cause))?;
        let root = source.join("target/sabotage/tree");
        let tree = Self { source, root };
        for name in FILES {
            tree.copy_file(Path::new(name))?;
        }
        for name in FOLDERS {
            tree.copy_folder(Path::new(name))?;
        }
        Ok(tree)
    }

    /// Where the copy is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Breaks the copy; what was broken before is whole again.
    ///
    /// # Errors
    /// The sabotage does not fit, or a file cannot be written.
    pub fn break_by(&self, sabotage: &Sabotage) -> Result<(), SabotageError> {
        self.mend()?;
        for (path, text) in sabotage.broken(&self.source)? {
            write(&self.root.join(path), text.as_bytes())?;
        }
        Ok(())
    }

    /// Makes the copy whole.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn mend(&self) -> Result<(), SabotageError> {
        self.copy_folder(Path::new("core"))
    }

    fn copy_folder(&self, folder: &Path) -> Result<(), SabotageError> {
        let (from, to) = (self.source.join(folder), self.root.join(folder));
        fs::create_dir_all(&to).map_err(|cause| failed(&to, cause))?;
        let names = names(&from)?;
        for name in names.iter().filter(|name| !SKIPPED.contains(&&***name)) {
            let path = folder.join(name);
            if self.source.join(&path).is_dir() {
                self.copy_folder(&path)?;
            } else {
                self.copy_file(&path)?;
            }
        }
        for name in self::names(&to)?.difference(&names) {
            let path = to.join(name);
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.map_err(|cause| failed(&path, cause))?;
        }
        Ok(())
    }

    fn copy_file(&self, path: &Path) -> Result<(), SabotageError> {
        let from = self.source.join(path);
        let bytes = fs::read(&from).map_err(|cause| failed(&from, cause))?;
        write(&self.root.join(path), &bytes)
    }
}

/// Writes a file, unless it says so already.
fn write(path: &Path, bytes: &[u8]) -> Result<(), SabotageError> {
    if fs::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|cause| failed(folder, cause))?;
    fs::write(path, bytes).map_err(|cause| failed(path, cause))
}

fn names(folder: &Path) -> Result<BTreeSet<String>, SabotageError> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(|cause| failed(folder, cause))? {
        let entry = entry.map_err(|cause| failed(folder, cause))?;
        names.insert(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// What a build of the simulator needs.
const FILES: [&str; 3] = ["Cargo.toml", "Cargo.lock", "README.md"];
const FOLDERS: [&str; 5] = ["core", "adapters", "tests", "examples", "fuzz"];
/// What it does not.
const SKIPPED: [&str; 6] = [
    "target",
    "corpus",
    "artifacts",
    "recordings",
    "replays",
    "peers",
];
