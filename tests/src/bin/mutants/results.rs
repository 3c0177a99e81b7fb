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
    /// What the mutant's file was.
    text: String,
    trial: Trial,
}

/// The verdicts.
#[derive(Debug)]
pub(crate) struct Results {
    path: PathBuf,
    file: File,
    texts: BTreeMap<String, String>,
    pub(crate) trials: BTreeMap<String, Trial>,
}

impl Results {
    /// Goes on with a file. Its verdicts count as long as the files are what they were, of which
    /// these are the fingerprints.
    pub(crate) fn open(path: &Path, texts: BTreeMap<String, String>) -> Result<Self, Problem> {
        let at = || Problem::at(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(at())?;
        }
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(path).map_err(at())?;
        let lines = std::fs::read_to_string(path).map_err(at())?;
        let mut trials = BTreeMap::new();
        for line in lines.lines() {
            let Line { name, text, trial } = serde_json::from_str(line)?;
            if texts.get(file_of(&name)) == Some(&text) {
                trials.insert(name, trial);
            }
        }
        Ok(Self {
            path: path.into(),
            file,
            texts,
            trials,
        })
    }

    /// Adds a verdict; one that was there before counts no more.
    pub(crate) fn add(&mut self, name: &str, trial: Trial) -> Result<(), Problem> {
        let text = self.texts.get(file_of(name));
        let line = serde_json::to_string(&Line {
            name: name.to_owned(),
            text: text.cloned().unwrap_or_default(),
            trial: trial.clone(),
        })?;
        writeln!(self.file, "{line}").map_err(Problem::at(&self.path))?;
        self.trials.insert(name.to_owned(), trial);
        Ok(())
    }
}

/// The file of a mutant, with which its name begins.
fn file_of(name: &str) -> &str {
    name.split_once(':').map_or(name, |(file, _)| file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_counts_as_long_as_its_file_is_what_it_was() {
        let name = format!("lavapool-mutants-results-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let texts = |one: &str| BTreeMap::from([("1.rs", one), ("2.rs", "b")].map(owned));
        let trial = Trial {
            verdict: Verdict::Caught,
            by: "a test".to_owned(),
            took_ms: 1,
        };
        let mut results = Results::open(&path, texts("a")).expect("the file can be written");
        for name in ["1.rs:1:1: x", "2.rs:1:1: x"] {
            results.add(name, trial.clone()).expect("it can be written");
        }
        for (one, expected) in [("a", 2), ("c", 1)] {
            let results = Results::open(&path, texts(one)).expect("the file can be read");
            assert_eq!(results.trials.len(), expected);
        }
        std::fs::remove_file(path).expect("the file is there");
    }

    fn owned((file, text): (&str, &str)) -> (String, String) {
        (file.to_owned(), text.to_owned())
    }
}
