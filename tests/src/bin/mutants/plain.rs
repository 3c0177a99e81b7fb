//! [`judge`]: mutants that cannot be switched, by cargo-mutants itself.

use std::collections::BTreeMap;
use std::path::Path;

use crate::list::{Mutant, cargo_mutants};
use crate::problem::Problem;
use crate::results::Verdict;

/// Lets cargo-mutants build and test each of them in turn: a minute for each that compiles.
pub(crate) fn judge(
    tree: &Path,
    mutants: &[&Mutant],
    folder: &Path,
) -> Result<BTreeMap<String, Verdict>, Problem> {
    let mut command = cargo_mutants(tree);
    command
        .args([
            "--baseline",
            "skip",
            "--timeout",
            "300",
            "--colors",
            "never",
        ])
        .env_remove("LAVAPOOL_SEEDS")
        .arg("--output")
        .arg(folder);
    for mutant in mutants {
        command
            .arg("--re")
            .arg(format!("^{}$", literally(&mutant.name)));
    }
    // Its status tells of those that are missed: they are read below.
    command.status().map_err(|cause| Problem::NotRun {
        program: "cargo mutants",
        cause,
    })?;
    let mut verdicts = BTreeMap::new();
    for (file, verdict) in FILES {
        let path = folder.join("mutants.out").join(file);
        let text = std::fs::read_to_string(&path).map_err(Problem::at(&path))?;
        verdicts.extend(text.lines().map(|name| (name.to_owned(), verdict)));
    }
    Ok(verdicts)
}

/// A pattern that is found where the text is.
fn literally(text: &str) -> String {
    let mut pattern = String::new();
    for character in text.chars() {
        if character.is_ascii_punctuation() && !['<', '>'].contains(&character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

const FILES: [(&str, Verdict); 4] = [
    ("caught.txt", Verdict::Caught),
    ("timeout.txt", Verdict::Late),
    ("missed.txt", Verdict::Missed),
    ("unviable.txt", Verdict::Unviable),
];
