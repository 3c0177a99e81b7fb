//! [`Suite::judge`]: whether a test notices a mutant.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::problem::Problem;
use crate::process::{Ended, Run};
use crate::results::{Trial, Verdict};
use crate::suite::{Suite, Test};

impl Suite {
    /// Runs the tests that pass the place of this mutant, until one notices it: first those that
    /// pass few others, then the quick ones.
    pub(crate) fn judge(&self, number: u32) -> Result<Trial, Problem> {
        let began = Instant::now();
        let reaches = |test: &&Test| test.reached.contains(&number);
        let mut tests: Vec<_> = self.tests.iter().filter(reaches).collect();
        let mut trial = Trial {
            verdict: Verdict::Missed,
            by: format!("none of {} tests", tests.len()),
            took_ms: 0,
        };
        tests.sort_by_key(|test| (test.took > FIRST_MAX, test.reached.len()));
        let rest = tests.split_off(tests.len().min(FIRST_TESTS));
        let (quick, rest) = parted(rest, QUICK_MAX);
        let (slower, rest) = parted(rest, SLOWER_MAX);
        for stage in [tests, quick, slower, rest] {
            match self.stage(number, stage)? {
                Ended::Passed => continue,
                Ended::Failed(by) => {
                    trial.verdict = Verdict::Caught;
                    trial.by = by;
                }
                Ended::Late => {
                    trial.verdict = Verdict::Late;
                    trial.by = "its time".to_owned();
                }
            }
            break;
        }
        trial.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(trial)
    }

    /// Runs some tests, one program after the other.
    fn stage(&self, number: u32, tests: Vec<&Test>) -> Result<Ended, Problem> {
        let mut of_program: BTreeMap<usize, Vec<&Test>> = BTreeMap::new();
        for test in tests {
            of_program.entry(test.program).or_default().push(test);
        }
        let usual = |tests: &[&Test]| tests.iter().map(|test| test.took).sum::<Duration>();
        let mut of_program: Vec<_> = of_program.into_iter().collect();
        of_program.sort_by_key(|(_, tests)| usual(tests));
        for (program, tests) in of_program {
            let run = Run {
                program: &self.programs[program],
                tests: tests.iter().map(|test| &*test.name).collect(),
                told: ("LAVAPOOL_MUTANT", number.to_string()),
                usual: usual(&tests),
            };
            let ended = run.end()?;
            if ended != Ended::Passed {
                return Ok(ended);
            }
        }
        Ok(Ended::Passed)
    }
}

/// The tests that take at most so long, and the others.
fn parted(tests: Vec<&Test>, took_max: Duration) -> (Vec<&Test>, Vec<&Test>) {
    tests.into_iter().partition(|test| test.took <= took_max)
}

/// How many tests are run before all others.
const FIRST_TESTS: usize = 12;
/// How long each of them may take.
const FIRST_MAX: Duration = Duration::from_millis(200);
const QUICK_MAX: Duration = Duration::from_millis(30);
const SLOWER_MAX: Duration = Duration::from_millis(500);
