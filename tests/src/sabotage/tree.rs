//! [`Tree`]: copies of the sources, one of them to be broken and built.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Sabotage, SabotageError, failed};

/// Copies of the workspace's sources under `target`: one that stays whole, so that the sources may
/// change while it is worked with, and one that is broken and built.
#[derive(Debug)]
pub struct Tree {
    whole: PathBuf,
    root: PathBuf,
}

impl Tree {
    /// Makes the copies, or makes them equal to the sources again. What is equal is not touched,
    /// so that cargo builds only what was broken.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn new() -> Result<Self, SabotageError> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let source = source
            .canonicalize()
            .map_err(|cause| failed(&source, cause))?;
        let under = source.join("target/sabotage");
        let (whole, root) = (under.join("whole"), under.join("tree"));
        for (from, to) in [(&source, &whole), (&whole, &root)] {
            for name in FILES {
                copy_file(from, to, Path::new(name))?;
            }
            for name in FOLDERS {
                copy_folder(from, to, Path::new(name))?;
            }
        }
        Ok(Self { whole, root })
    }

    /// Where the copy is that is broken.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Breaks the copy; what was broken before is whole again.
    ///
    /// # Errors
    /// The sabotage does not fit, or a file cannot be written.
    pub fn break_by(&self, sabotage: &Sabotage) -> Result<(), SabotageError> {
        self.mend()?;
        for (path, text) in sabotage.broken(&self.whole)? {
            write(&self.root.join(path), text.as_bytes())?;
        }
        Ok(())
    }

    /// Makes the copy whole.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn mend(&self) -> Result<(), SabotageError> {
        copy_folder(&self.whole, &self.root, Path::new("core"))
    }
}

/// Makes a folder of one tree equal to that of another.
fn copy_folder(from: &Path, to: &Path, folder: &Path) -> Result<(), SabotageError> {
    let (old, new) = (from.join(folder), to.join(folder));
    fs::create_dir_all(&new).map_err(|cause| failed(&new, cause))?;
    let names = names(&old)?;
    for name in names.iter().filter(|name| !SKIPPED.contains(&&***name)) {
        let path = folder.join(name);
        if from.join(&path).is_dir() {
            copy_folder(from, to, &path)?;
        } else {
            copy_file(from, to, &path)?;
        }
    }
    for name in self::names(&new)?.difference(&names) {
        let path = new.join(name);
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(|cause| failed(&path, cause))?;
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path, path: &Path) -> Result<(), SabotageError> {
    let from = from.join(path);
    let bytes = fs::read(&from).map_err(|cause| failed(&from, cause))?;
    write(&to.join(path), &bytes)
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
