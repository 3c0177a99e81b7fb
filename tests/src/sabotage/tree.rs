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
    skipped: &'static [&'static str],
}

impl Tree {
    /// Makes the copies, or makes them equal to the sources again. What is equal is not touched,
    /// so that cargo builds only what was broken.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn new() -> Result<Self, SabotageError> {
        let tree = Self::copied("sabotage", &SKIPPED)?;
        tree.mend()?;
        Ok(tree)
    }

    /// Makes such copies under another name, with all that the tests read; the core of that to be
    /// broken is left as it was.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn with_tests(name: &str) -> Result<Self, SabotageError> {
        Self::copied(name, &NEVER_READ)
    }

    fn copied(name: &str, skipped: &'static [&'static str]) -> Result<Self, SabotageError> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let source = source
            .canonicalize()
            .map_err(|cause| failed(&source, cause))?;
        let under = source.join("target").join(name);
        let (whole, root) = (under.join("whole"), under.join("tree"));
        copy_folder(&source, &whole, Path::new(CORE), skipped)?;
        for (from, to) in [(&source, &whole), (&whole, &root)] {
            for name in FILES {
                copy_file(from, to, Path::new(name))?;
            }
            for name in FOLDERS {
                copy_folder(from, to, Path::new(name), skipped)?;
            }
        }
        Ok(Self {
            whole,
            root,
            skipped,
        })
    }

    /// Where the copy is that stays whole.
    pub fn whole(&self) -> &Path {
        &self.whole
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
            self.write(&path, &text)?;
        }
        Ok(())
    }

    /// Writes a file of the copy that is broken, unless it says so already.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path, text: &str) -> Result<(), SabotageError> {
        write(&self.root.join(path), text.as_bytes())
    }

    /// Makes the copy whole.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn mend(&self) -> Result<(), SabotageError> {
        copy_folder(&self.whole, &self.root, Path::new(CORE), self.skipped)
    }
}

/// Makes a folder of one tree equal to that of another.
fn copy_folder(
    from: &Path,
    to: &Path,
    folder: &Path,
    skipped: &[&str],
) -> Result<(), SabotageError> {
    let (old, new) = (from.join(folder), to.join(folder));
    fs::create_dir_all(&new).map_err(|cause| failed(&new, cause))?;
    let names = names(&old)?;
    for name in names.iter().filter(|name| !skipped.contains(&&***name)) {
        let path = folder.join(name);
        if from.join(&path).is_dir() {
            copy_folder(from, to, &path, skipped)?;
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
const FILES: [&str; 4] = ["Cargo.toml", "Cargo.lock", "README.md", ".ci/mutants.toml"];
const FOLDERS: [&str; 4] = ["adapters", "tests", "examples", "fuzz"];
/// What is broken.
const CORE: &str = "core";
/// What neither it nor a test needs.
const NEVER_READ: [&str; 3] = ["target", "artifacts", "peers"];
/// What it does not.
const SKIPPED: [&str; 6] = [
    "target",
    "corpus",
    "artifacts",
    "recordings",
    "replays",
    "peers",
];
