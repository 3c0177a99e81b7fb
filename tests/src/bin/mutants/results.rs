//! [`Results`]: the verdicts, in a file that grows as they come.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// A test failed.
    Caught,
    /// The tests took far too long.
    Late,
    /// All tests passed.
    Missed,
    /// It is no Rust.
    Unviable,
}

/// How it became so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trial {
    pub(crate) verdict: Verdict,
    /// The test that noticed, or what else there is to say.
    pub(crate) by: String,
    pub(crate) took_ms: u64,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    name: String,
    trial: Trial,
}

/// The verdicts of one core.
#[derive(Debug)]
pub(crate) struct Results {
    path: PathBuf,
    file: File,
    pub(crate) trials: BTreeMap<String, Trial>,
}

impl Results {
    /// Goes on with a file, if it is of this core.
    pub(crate) fn open(path: &Path, core: &str) -> Result<Self, Problem> {
        let at = || Problem::at(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(at())?;
        }
        let mut options = OpenOptions::new();
        let mut file = options.create(true).append(true).open(path).map_err(at())?;
        let text = std::fs::read_to_string(path).map_err(at())?;
        let head = format!("# core {core}");
        let mut lines = text.lines();
        match lines.next() {
            None => writeln!(file, "{head}").map_err(at())?,
            Some(found) if found == head => {}
            Some(_) => return Err(Problem::OtherCore { path: path.into() }),
        }
        let mut trials = BTreeMap::new();
        for line in lines {
            let Line { name, trial } = serde_json::from_str(line)?;
            trials.insert(name, trial);
        }
        Ok(Self {
            path: path.into(),
            file,
            trials,
        })
    }

    /// Adds a verdict; one that was there before counts no more.
    pub(crate) fn add(&mut self, name: &str, trial: Trial) -> Result<(), Problem> {
        let name = name.to_owned();
        let line = serde_json::to_string(&Line {
            name: name.clone(),
            trial: trial.clone(),
        })?;
        writeln!(self.file, "{line}").map_err(Problem::at(&self.path))?;
        self.trials.insert(name, trial);
        Ok(())
    }
}
