//! The mutants of the core, as cargo-mutants lists them: it alone says which there are.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::problem::Problem;

/// One place of the core, broken in one way.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Mutant {
    /// Its place and what is changed, in a line; no other has the same.
    pub(crate) name: String,
    /// The file, by its path in the tree.
    pub(crate) file: String,
    /// What is replaced.
    pub(crate) span: Span,
    /// What it is replaced with.
    pub(crate) replacement: String,
    /// What kind of change it is.
    pub(crate) genre: Genre,
    /// What the tests are told to run it: 1 for the first.
    #[serde(skip)]
    pub(crate) number: u32,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Span {
    pub(crate) start: Position,
    pub(crate) end: Position,
}

/// Counted from 1, in characters.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The kinds of cargo-mutants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) enum Genre {
    /// The body of a function is a value.
    FnValue,
    /// `==` is `!=`, and so on.
    BinaryOperator,
    /// `!` or `-` is gone.
    UnaryOperator,
    /// An arm of a match is gone.
    MatchArm,
    /// The guard of an arm is `true` or `false`.
    MatchArmGuard,
    /// A field has the value of the struct's base.
    StructField,
    /// One that this program does not know.
    #[serde(other)]
    Other,
}

impl Mutant {
    /// All mutants of a tree.
    pub(crate) fn all(tree: &Path) -> Result<Vec<Self>, Problem> {
        let listed = cargo_mutants(tree)
            .args(["--list", "--json"])
            .output()
            .map_err(|cause| Problem::NotRun {
                program: "cargo mutants",
                cause,
            })?;
        if !listed.status.success() {
            let errors = String::from_utf8_lossy(&listed.stderr).into_owned();
            return Err(Problem::NoList { errors });
        }
        let mut mutants: Vec<Self> = serde_json::from_slice(&listed.stdout)?;
        for (number, mutant) in (1..).zip(&mut mutants) {
            mutant.number = number;
        }
        Ok(mutants)
    }

    /// The module of the core that it is of.
    pub(crate) fn module(&self) -> &str {
        let path = self.file.strip_prefix("core/src/").unwrap_or(&self.file);
        path.split_once('/').map_or(path, |(module, _)| module)
    }
}

impl Position {
    /// The byte of the text at which it is.
    pub(crate) fn byte(self, text: &str) -> Option<usize> {
        let mut lines = text.split_inclusive('\n');
        let before: usize = lines.by_ref().take(self.line - 1).map(str::len).sum();
        let (at, _) = lines.next()?.char_indices().nth(self.column - 1)?;
        Some(before + at)
    }
}

/// Begins a command of cargo-mutants, for a tree that has its configuration.
fn cargo_mutants(tree: &Path) -> Command {
    let mut command = Command::new(cargo());
    command
        .args(["mutants", "--config", ".ci/mutants.toml"])
        .current_dir(tree);
    // Where .ci/nightly installs it.
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(tools).chain(std::env::split_paths(&path));
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
    command
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_counted_in_characters() {
        let byte = |line, column| Position { line, column }.byte("é = 1\né += 2\n");
        assert_eq!(byte(1, 1), Some(0));
        assert_eq!(byte(2, 3), Some(10));
        assert_eq!(byte(2, 9), None);
        assert_eq!(byte(4, 1), None);
    }
}
