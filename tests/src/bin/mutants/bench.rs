//! [`Bench`]: where mutants are judged, each once, by whatever can.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use crate::build::Aside;
use crate::crew::crew;
use crate::list::Mutant;
use crate::options::Options;
use crate::plain::Plain;
use crate::problem::Problem;
use crate::results::{Results, Trial, Verdict};
use crate::suite::Suite;

/// The mutants that are asked for, and what is known of them.
pub(crate) struct Bench<'a> {
    asked: &'a [&'a Mutant],
    aside: &'a BTreeMap<u32, Aside>,
    options: &'a Options,
    results: Mutex<Results>,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(
        asked: &'a [&'a Mutant],
        aside: &'a BTreeMap<u32, Aside>,
        options: &'a Options,
        results: Results,
    ) -> Self {
        Self {
            asked,
            aside,
            options,
            results: Mutex::new(results),
        }
    }

    /// What is known of them in the end.
    pub(crate) fn results(self) -> Results {
        self.results.into_inner().expect("no worker panics")
    }

    /// Runs tests as each of those that can be switched.
    pub(crate) fn judge_switched(&self, suite: &Suite) -> Result<(), Problem> {
        let due = self.due(|aside| aside.is_none());
        println!("{} mutants are to be judged", due.len());
        let began = Instant::now();
        crew(self.options.threads, &due, |_, mutant| {
            let trial = suite.judge(mutant.number)?;
            if trial.verdict == Verdict::Missed {
                println!("missed: {} ({})", mutant.name, trial.by);
            }
            let mut results = self.locked();
            results.add(&mutant.name, trial)?;
            let judged = results.trials.len();
            if judged.is_multiple_of(TOLD_EACH) {
                println!("{judged} judged, {} s", began.elapsed().as_secs());
            }
            Ok(())
        })
    }

    /// Writes down those that the compiler has judged.
    pub(crate) fn judge_unviable(&self) -> Result<(), Problem> {
        for mutant in self.due(|aside| aside.is_some_and(|aside| aside.is_unviable)) {
            let trial = Trial {
                verdict: Verdict::Unviable,
                by: self.aside[&mutant.number].why.clone(),
                took_ms: 0,
            };
            self.locked().add(&mutant.name, trial)?;
        }
        Ok(())
    }

    /// Builds each of the rest.
    pub(crate) fn judge_plainly(&self, plain: &Plain<'_>) -> Result<(), Problem> {
        let due = self.due(|aside| aside.is_some_and(|aside| !aside.is_unviable));
        if self.options.skips_aside {
            return Ok(());
        }
        println!("{} mutants cannot be switched, and are built", due.len());
        for mutant in due {
            let trial = plain.judge(mutant)?;
            let (verdict, took_s) = (trial.verdict, trial.took_ms / 1000);
            println!("{verdict:?} after {took_s} s: {}", mutant.name);
            self.locked().add(&mutant.name, trial)?;
        }
        Ok(())
    }

    /// Those of a kind that are not judged yet, or are to be judged again.
    fn due(&self, is_meant: impl Fn(Option<&Aside>) -> bool) -> Vec<&'a Mutant> {
        let results = self.locked();
        let is_due = |mutant: &&Mutant| {
            let before = results.trials.get(&mutant.name);
            let is_judged = before
                .is_some_and(|trial| trial.verdict != Verdict::Missed || !self.options.is_again);
            !is_judged && is_meant(self.aside.get(&mutant.number))
        };
        self.asked.iter().copied().filter(is_due).collect()
    }

    fn locked(&self) -> MutexGuard<'_, Results> {
        self.results.lock().expect("no worker panics")
    }
}

/// After how many more it says how many were judged.
const TOLD_EACH: usize = 100;
