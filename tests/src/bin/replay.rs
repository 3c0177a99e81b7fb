//! `replay FILE…` does again what a client recorded (`Client::builder().record(path)`), and
//! prints its events and answers.
//!
//! It ends with 0 if the pool did the same as when it was recorded, with 1 and a list of the
//! differences if not, and with 2 if no file was named. With `--accept` the files are rewritten,
//! so that what this pool does is what is expected from then on.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use lavapool_tests::replay::{Cut, Replay};

fn main() -> ExitCode {
    let (options, files): (Vec<_>, Vec<_>) = std::env::args()
        .skip(1)
        .partition(|word| word.starts_with("--"));
    if files.is_empty() || options.iter().any(|option| option != "--accept") {
        let _ = writeln!(io::stderr(), "usage: replay [--accept] FILE…");
        return ExitCode::from(2);
    }
    let mut is_same = true;
    for file in &files {
        match replay(Path::new(file), !options.is_empty()) {
            Ok(same) => is_same &= same,
            Err(error) => {
                let _ = writeln!(io::stderr(), "{file}: {error}");
                is_same = false;
            }
        }
    }
    if is_same {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Whether the pool does the same.
fn replay(file: &Path, accept: bool) -> Result<bool, Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    let replay = Replay::open(file)?;
    let outcome = replay.run(Cut::AsRecorded)?;
    for happening in &outcome.happenings {
        writeln!(out, "{happening}")?;
    }
    if accept {
        std::fs::write(file, replay.accepted(&outcome)?)?;
        writeln!(out, "{}: rewritten", file.display())?;
        return Ok(true);
    }
    let end = replay.end().unwrap_or("the file breaks off");
    let count = outcome.differences.len();
    let lines = replay.len();
    writeln!(
        out,
        "{}: {lines} lines, {count} differences, end: {end}",
        file.display()
    )?;
    for difference in outcome.differences.iter().take(SHOWN_MAX) {
        writeln!(out, "{difference}")?;
    }
    if count > SHOWN_MAX {
        writeln!(out, "and {} more", count - SHOWN_MAX)?;
    }
    Ok(count == 0)
}

/// After the first differences the others say little.
const SHOWN_MAX: usize = 10;
