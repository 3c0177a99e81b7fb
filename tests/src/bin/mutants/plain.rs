//! [`judge`]: mutants that cannot be switched, by cargo-mutants itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::list::{Mutant, cargo_mutants};
use crate::problem::Problem;
use crate::results::Verdict;

/// Lets cargo-mutants build and test each of them in turn: a minute for each that compiles.
pub(crate) fn judge(
    tree: &Path,
    all: &[Mutant],
    due: &[&Mutant],
    folder: &Path,
) -> Result<BTreeMap<String, Verdict>, Problem> {
    let output = folder.join("mutants.out");
    pass_over(&output, all, due)?;
    // Its status tells of those that are missed: they are read below.
    cargo_mutants(tree)
        .args(["--iterate", "--baseline", "skip", "--timeout", "300"])
        .args(["--colors", "never", "--output"])
        .arg(folder)
        .env_remove("LAVAPOOL_SEEDS")
        .status()
        .map_err(|cause| Problem::NotRun {
            program: "cargo mutants",
            cause,
        })?;
    let mut verdicts = BTreeMap::new();
    for (file, verdict) in FILES {
        let path = output.join(file);
        let text = std::fs::read_to_string(&path).map_err(Problem::at(&path))?;
        verdicts.extend(text.lines().map(|name| (name.to_owned(), verdict)));
    }
    Ok(verdicts)
}

/// Makes it believe that it has caught the others already: what it is told to leave out by name, it
/// does not leave out if it is a field of a struct.
fn pass_over(output: &Path, all: &[Mutant], due: &[&Mutant]) -> Result<(), Problem> {
    if output.exists() {
        std::fs::remove_dir_all(output).map_err(Problem::at(output))?;
    }
    std::fs::create_dir_all(output).map_err(Problem::at(output))?;
    let due: BTreeSet<_> = due.iter().map(|mutant| &mutant.name).collect();
    let names = all.iter().map(|mutant| &mutant.name);
    let names: Vec<_> = names.filter(|name| !due.contains(name)).collect();
    let lines: String = names.iter().map(|name| format!("{name}\n")).collect();
    let path = output.join("caught.txt");
    std::fs::write(&path, lines).map_err(Problem::at(path))
}

const FILES: [(&str, Verdict); 4] = [
    ("caught.txt", Verdict::Caught),
    ("timeout.txt", Verdict::Late),
    ("missed.txt", Verdict::Missed),
    ("unviable.txt", Verdict::Unviable),
];
