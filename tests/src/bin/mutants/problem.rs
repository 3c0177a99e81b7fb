//! [`Problem`]: why the mutants cannot be judged.

use std::io;
use std::path::PathBuf;

use lavapool_tests::sabotage::SabotageError;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{program} cannot be run: {cause}")]
    NotRun {
        program: &'static str,
        cause: io::Error,
    },
    #[error("{path}: {cause}")]
    Io { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Tree(#[from] SabotageError),
    #[error("cargo mutants lists none:\n{errors}")]
    NoList { errors: String },
    #[error("what another program says is not understood: {0}")]
    NotUnderstood(#[from] serde_json::Error),
    #[error("{file} is not understood: {cause}")]
    NoRust { file: String, cause: syn::Error },
    #[error("{path}: {cause}")]
    NoConfig {
        path: PathBuf,
        cause: toml::de::Error,
    },
    #[error("{name} has no such place")]
    NoPlace { name: String },
    #[error("no mutant makes these errors:\n{errors}")]
    NoBlame { errors: String },
    #[error("tests fail without any mutant: {tests}")]
    Unsound { tests: String },
}

impl Problem {
    /// What makes it of an error at a path.
    pub(crate) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |cause| Self::Io { path, cause }
    }
}
