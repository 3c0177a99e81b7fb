//! [`Run`]: tests of one program in a process of their own, with bounds.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::build::Program;
use crate::problem::Problem;

/// Tests to be run one after the other.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) program: &'a Program,
    pub(crate) tests: Vec<&'a str>,
    /// What the process is told.
    pub(crate) told: (&'static str, String),
    /// How long they take of a core without mutants.
    pub(crate) usual: Duration,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    /// At this test, or another way.
    Failed(String),
    Late,
}

impl Run<'_> {
    /// Runs them until one fails.
    pub(crate) fn end(&self) -> Result<Ended, Problem> {
        let processor_s = ENDLESS_AFTER_S + (self.usual * 8).as_secs();
        let began = Instant::now();
        let mut child = self.spawn(processor_s)?;
        let ended = listen(&mut child, DEADLOCKED_AFTER_S + 16 * self.usual.as_secs());
        if ended != Ended::Passed {
            // It may have ended by itself.
            let _ = child.kill();
        }
        let status = child.wait().map_err(Problem::at(&self.program.path))?;
        if ended != Ended::Passed || status.success() {
            return Ok(ended);
        }
        Ok(match status.code() {
            Some(code) => Ended::Failed(format!("exit status {code} of {}", self.program.name)),
            // Nothing but the bound on its time takes so long to kill it.
            None if began.elapsed().as_secs() * PROCESSORS_MAX >= processor_s => Ended::Late,
            None => Ended::Failed(format!("a crash of {}", self.program.name)),
        })
    }

    fn spawn(&self, processor_s: u64) -> Result<Child, Problem> {
        let bounds =
            format!("ulimit -v {MEMORY_KIB_MAX}; ulimit -t {processor_s}; exec \"$0\" \"$@\"");
        Command::new("sh")
            .args(["-c", &bounds])
            .arg(&self.program.path)
            .args(["--exact", "--test-threads", "1"])
            .args(&self.tests)
            .current_dir(&self.program.folder)
            .env("CARGO_MANIFEST_DIR", &self.program.folder)
            .env(self.told.0, &self.told.1)
            .env_remove("LAVAPOOL_SEEDS")
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|cause| Problem::NotRun {
                program: "sh",
                cause,
            })
    }
}

/// Waits for the first test that fails. Seconds are counted while this process runs: where all are
/// halted for a while, that is nobody's time.
fn listen(child: &mut Child, mut left_s: u64) -> Ended {
    let Some(out) = child.stdout.take() else {
        return Ended::Passed;
    };
    let (sender, lines) = channel();
    // It ends with the process.
    std::thread::spawn(move || {
        let lines = BufReader::new(out).lines().map_while(Result::ok);
        for line in lines {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    while left_s > 0 {
        match lines.recv_timeout(Duration::from_secs(1)) {
            Ok(line) => {
                let test = line.strip_prefix("test ");
                if let Some(test) = test.and_then(|test| test.strip_suffix(" ... FAILED")) {
                    return Ended::Failed(test.to_owned());
                }
            }
            Err(RecvTimeoutError::Timeout) => left_s -= 1,
            Err(RecvTimeoutError::Disconnected) => return Ended::Passed,
        }
    }
    Ended::Late
}

/// After how much more than eight times the usual a process is taken to go on for ever.
const ENDLESS_AFTER_S: u64 = 5;
/// After what time a process that does nothing is taken to wait for ever.
const DEADLOCKED_AFTER_S: u64 = 60;
/// How many processors a test uses at most.
const PROCESSORS_MAX: u64 = 2;
/// How much memory a process of tests may ask for.
const MEMORY_KIB_MAX: u64 = 4 * 1024 * 1024;
