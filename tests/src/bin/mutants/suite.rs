//! [`Suite`]: all tests, how long each takes, and which mutants it passes.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::build::Program;
use crate::crew::crew;
use crate::problem::Problem;
use crate::process::{Ended, Run};

/// All tests.
pub(crate) struct Suite {
    pub(crate) programs: Vec<Program>,
    pub(crate) tests: Vec<Test>,
}

/// A test, as it is without mutants.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    /// The index of its program.
    pub(crate) program: usize,
    pub(crate) name: String,
    pub(crate) took: Duration,
    /// The mutants whose places it passes: no other can matter to it.
    pub(crate) reached: BTreeSet<u32>,
}

impl Suite {
    /// Runs each test by itself, without a mutant: all must pass.
    pub(crate) fn new(
        programs: Vec<Program>,
        folder: &Path,
        threads: usize,
    ) -> Result<Self, Problem> {
        let mut names = Vec::new();
        for (number, program) in programs.iter().enumerate() {
            names.extend(listed(program)?.into_iter().map(|name| (number, name)));
        }
        let tests = Mutex::new(Vec::new());
        crew(threads, &names, |worker, (number, name)| {
            let file = folder.join(format!("reached-{worker}"));
            let test = measured(&programs, *number, name, &file)?;
            tests.lock().expect("no worker panics").push(test);
            Ok(())
        })?;
        let tests = tests.into_inner().expect("no worker panics");
        let unsound = tests.iter().filter_map(|test| test.as_ref().err());
        let unsound: Vec<_> = unsound.map(String::as_str).collect();
        if !unsound.is_empty() {
            let tests = unsound.join(", ");
            return Err(Problem::Unsound { tests });
        }
        let mut tests: Vec<_> = tests.into_iter().flatten().collect();
        tests.sort_by_key(|test| test.took);
        Ok(Self { programs, tests })
    }
}

/// The names of a program's tests.
fn listed(program: &Program) -> Result<Vec<String>, Problem> {
    let list = Command::new(&program.path)
        .args(["--list", "--format", "terse"])
        .current_dir(&program.folder)
        .output()
        .map_err(Problem::at(&program.path))?;
    let text = String::from_utf8_lossy(&list.stdout);
    let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
    Ok(names.map(str::to_owned).collect())
}

/// A test with what it passes; its name, if it fails twice.
fn measured(
    programs: &[Program],
    number: usize,
    name: &str,
    file: &Path,
) -> Result<Result<Test, String>, Problem> {
    let program = &programs[number];
    for _ in 0..2 {
        std::fs::write(file, "").map_err(Problem::at(file))?;
        let run = Run {
            program,
            tests: vec![name],
            told: ("LAVAPOOL_REACHED", file.display().to_string()),
            usual: USUAL_MAX,
        };
        let began = Instant::now();
        if run.end()? == Ended::Passed {
            let reached = std::fs::read_to_string(file).map_err(Problem::at(file))?;
            return Ok(Ok(Test {
                program: number,
                name: name.to_owned(),
                took: began.elapsed(),
                reached: reached
                    .lines()
                    .filter_map(|line| line.parse().ok())
                    .collect(),
            }));
        }
    }
    Ok(Err(format!("{}: {name}", program.name)))
}

/// What no test takes.
const USUAL_MAX: Duration = Duration::from_secs(60);
