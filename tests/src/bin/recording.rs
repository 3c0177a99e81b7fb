//! `recording FILE…` prints what the core understands of recorded connections: one line for each
//! response, message and close.
//!
//! It ends with 0 if everything was understood, with 1 and a list of the rest if not, and with 2
//! if no file was named.

use std::io::{self, Write as _};
use std::process::ExitCode;

use lavapool_tests::recording::Recording;

fn main() -> ExitCode {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    if files.is_empty() {
        let _ = writeln!(io::stderr(), "usage: recording FILE…");
        return ExitCode::from(2);
    }
    match print(&files) {
        Ok(true) => ExitCode::SUCCESS,
        // Whoever reads may have seen enough: the pipe is closed, and nobody is left to tell.
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

/// Prints what is in the files; whether all of it was understood.
fn print(files: &[std::ffi::OsString]) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    let mut faults = Vec::new();
    for file in files {
        let name = file.to_string_lossy();
        writeln!(out, "{name}")?;
        let recording = match Recording::open(file) {
            Ok(recording) => recording,
            Err(error) => {
                writeln!(out, "{error}\n")?;
                faults.push(format!("{name}: {error}"));
                continue;
            }
        };
        let outcome = recording.replay([]);
        writeln!(out, "{outcome}")?;
        faults.extend(
            outcome
                .faults()
                .map(|fault| format!("{name}: {}", outcome.show(&fault))),
        );
    }
    out.flush()?;
    let mut err = io::stderr().lock();
    if faults.is_empty() {
        return Ok(true);
    }
    writeln!(err, "not understood:")?;
    for fault in &faults {
        writeln!(err, "{fault}")?;
    }
    Ok(false)
}
