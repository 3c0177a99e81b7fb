//! [`Plain`]: mutants that cannot be switched, each built by itself.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::build::Build;
use crate::config::Config;
use crate::list::Mutant;
use crate::problem::Problem;
use crate::process::{Ended, Run};
use crate::results::{Trial, Verdict};
use crate::suite::Suite;

/// What judges them.
pub(crate) struct Plain<'a> {
    pub(crate) build: &'a Build<'a>,
    pub(crate) config: &'a Config,
    pub(crate) suite: &'a Suite,
}

impl Plain<'_> {
    /// Breaks the core in this one way, and runs tests until one notices: first those of the core,
    /// which are built soonest.
    pub(crate) fn judge(&self, mutant: &Mutant) -> Result<Trial, Problem> {
        let began = Instant::now();
        self.build.break_by(mutant)?;
        let mut trial = Trial {
            verdict: Verdict::Missed,
            by: "none of all tests".to_owned(),
            took_ms: 0,
        };
        for arguments in [CORE.map(str::to_owned).to_vec(), self.config.all()] {
            if let Some((verdict, by)) = self.stage(&arguments)? {
                (trial.verdict, trial.by) = (verdict, by);
                break;
            }
        }
        trial.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(trial)
    }

    /// Builds these tests and runs them; what they noticed.
    fn stage(&self, arguments: &[String]) -> Result<Option<(Verdict, String)>, Problem> {
        let programs = match self.build.plain_programs(&self.config.profile, arguments)? {
            Ok(programs) => programs,
            Err(why) => return Ok(Some((Verdict::Unviable, why))),
        };
        for program in &programs {
            let run = Run {
                program,
                tests: Vec::new(),
                told: ("LAVAPOOL_MUTANT", "0".to_owned()),
                usual: self.usual(&program.name),
            };
            match run.end()? {
                Ended::Passed => {}
                Ended::Failed(by) => return Ok(Some((Verdict::Caught, by))),
                Ended::Late => return Ok(Some((Verdict::Late, "its time".to_owned()))),
            }
        }
        Ok(None)
    }

    /// What the tests of a program take of a core without mutants.
    fn usual(&self, name: &str) -> Duration {
        let Suite { programs, tests } = self.suite;
        let theirs = tests
            .iter()
            .filter(|test| programs[test.program].name == name);
        theirs.map(|test| test.took).sum()
    }
}

impl Mutant {
    /// The text of its file with the one change.
    pub(crate) fn applied(&self, text: &str) -> Option<String> {
        let bytes = self.span.start.byte(text)?..self.span.end.byte(text)?;
        let mut text = text.to_owned();
        text.replace_range(bytes, &self.replacement);
        Some(text)
    }
}

impl Build<'_> {
    /// Makes the copy of the tree whole, but for this mutant.
    fn break_by(&self, mutant: &Mutant) -> Result<(), Problem> {
        self.tree.mend()?;
        let path = self.tree.whole().join(&mutant.file);
        let text = std::fs::read_to_string(&path).map_err(Problem::at(&path))?;
        let text = mutant.applied(&text).ok_or_else(|| Problem::NoPlace {
            name: mutant.name.clone(),
        })?;
        self.tree.write(Path::new(&mutant.file), &text)?;
        Ok(())
    }
}

/// The tests of the core alone, with the features that all of them are built with.
const CORE: [&str; 5] = [
    "-p",
    "lavapool-core",
    "--lib",
    "--features",
    "marks,recording",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_replaces_what_is_at_its_place() {
        let json = r#"{"name": "x", "file": "x.rs", "genre": "BinaryOperator", "replacement": "||",
            "span": {"start": {"line": 2, "column": 4}, "end": {"line": 2, "column": 6}}}"#;
        let mutant: Mutant = serde_json::from_str(json).expect("it is one");
        assert_eq!(mutant.applied("if\na\n"), None);
        let text = mutant.applied("if\né  && b\n");
        assert_eq!(text.as_deref(), Some("if\né  || b\n"));
    }
}
