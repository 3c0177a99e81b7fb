//! [`Report`]: the verdicts by module, and the figure.

use std::collections::BTreeMap;
use std::fmt;

use crate::list::Mutant;
use crate::results::{Results, Verdict};

/// What became of the mutants that were asked for.
pub(crate) struct Report<'a> {
    modules: BTreeMap<&'a str, Tally>,
    /// Those that no test notices, with what is known of it.
    missed: Vec<(&'a str, &'a str)>,
}

/// How many became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    caught: usize,
    late: usize,
    missed: usize,
    unviable: usize,
    unjudged: usize,
}

impl<'a> Report<'a> {
    /// Reads the results for these mutants.
    pub(crate) fn new(mutants: &[&'a Mutant], results: &'a Results) -> Self {
        let mut modules: BTreeMap<_, Tally> = BTreeMap::new();
        let mut missed = Vec::new();
        for mutant in mutants {
            let tally = modules.entry(mutant.module()).or_default();
            let trial = results.trials.get(&mutant.name);
            let Some(trial) = trial else {
                tally.unjudged += 1;
                continue;
            };
            match trial.verdict {
                Verdict::Caught => tally.caught += 1,
                Verdict::Late => tally.late += 1,
                Verdict::Unviable => tally.unviable += 1,
                Verdict::Missed => {
                    tally.missed += 1;
                    missed.push((&*mutant.name, &*trial.by));
                }
            }
        }
        Self { modules, missed }
    }

    /// Whether nine of ten that compile are noticed, of those that were judged.
    pub(crate) fn is_well(&self) -> bool {
        let all = self.all();
        all.noticed() >= all.missed * 9 && all.noticed() > 0
    }

    fn all(&self) -> Tally {
        let add = |all: Tally, one: &Tally| Tally {
            caught: all.caught + one.caught,
            late: all.late + one.late,
            missed: all.missed + one.missed,
            unviable: all.unviable + one.unviable,
            unjudged: all.unjudged + one.unjudged,
        };
        self.modules.values().fold(Tally::default(), add)
    }
}

impl Tally {
    fn noticed(self) -> usize {
        self.caught + self.late
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, by) in &self.missed {
            writeln!(f, "missed: {name} ({by})")?;
        }
        writeln!(
            f,
            "{:<10} {:>7} {:>7} {:>7} {:>9} {:>9}  of ten",
            "module", "caught", "late", "missed", "unviable", "unjudged",
        )?;
        for (module, tally) in &self.modules {
            writeln!(f, "{module:<10} {tally}")?;
        }
        write!(f, "{:<10} {}", "all", self.all())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            caught,
            late,
            missed,
            unviable,
            unjudged,
        } = self;
        write!(
            f,
            "{caught:>7} {late:>7} {missed:>7} {unviable:>9} {unjudged:>9}"
        )?;
        // Rounded down: nine of ten are nine of ten.
        let hundredths = self.noticed() * 1000 / (self.noticed() + missed).max(1);
        write!(f, "  {}.{:02}", hundredths / 100, hundredths % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_that_is_late_is_noticed_and_one_that_is_no_rust_is_not_viable() {
        let tally = Tally {
            caught: 8,
            late: 1,
            missed: 1,
            unviable: 5,
            unjudged: 2,
        };
        let line = "      8       1       1         5         2  9.00";
        assert_eq!(tally.to_string(), line);
        let modules = [("pool", tally)].into();
        let missed = Vec::new();
        assert!(Report { modules, missed }.is_well());
    }
}
