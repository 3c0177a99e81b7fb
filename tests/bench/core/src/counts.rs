//! [`Counts`]: the instructions of each workload, kept in a file and compared.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::workloads::{WORKLOADS, Workload};

/// The instructions of one unit of each workload, as one compiler makes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// The compiler and its target.
    pub compiler: String,
    counts: Vec<(String, u64)>,
}

/// What has become worse.
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    workload: String,
    before: f64,
    after: f64,
    percent_max: f64,
}

/// Why nothing was counted.
#[derive(Debug)]
pub enum NotCounted {
    /// There is no valgrind.
    NoValgrind(io::Error),
    /// It did not end well, or did not say how many there were.
    Failed(String),
}

/// How much more one compiler's count may be than it was.
const PERCENT_MAX: f64 = 3.0;
/// How much more another compiler's may be, counted in those of the yardstick: it optimises both,
/// but not alike.
const PERCENT_MAX_OTHER: f64 = 15.0;
/// The workload that is the yardstick, and none of ours.
const YARDSTICK: &str = "raw_loop";
/// The function at which counting starts and stops.
const REGION: &str = "*measured_region*";

impl Counts {
    /// The file that they are kept in.
    pub fn path() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
    }

    /// Reads what was kept; nothing of lines that say nothing.
    pub fn parse(text: &str) -> Self {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let compiler = lines.next().unwrap_or_default().to_owned();
        let counts = lines.filter_map(|line| {
            let (name, count) = line.split_once(' ')?;
            Some((name.to_owned(), count.trim().parse().ok()?))
        });
        Self {
            compiler,
            counts: counts.collect(),
        }
    }

    /// Counts every workload anew.
    pub fn count() -> Result<Self, NotCounted> {
        let counts = WORKLOADS.iter().map(|workload| {
            let count = instructions(workload)? / workload.units as u64;
            Ok((workload.name.to_owned(), count))
        });
        Ok(Self {
            compiler: env!("COMPILER").to_owned(),
            counts: counts.collect::<Result<_, _>>()?,
        })
    }

    /// The count of a workload.
    pub fn of(&self, name: &str) -> Option<u64> {
        let mut counts = self.counts.iter();
        counts.find(|(own, _)| own == name).map(|(_, count)| *count)
    }

    /// How many of the yardstick's a count is.
    pub fn ratio(&self, name: &str) -> Option<f64> {
        Some(self.of(name)? as f64 / self.of(YARDSTICK)? as f64)
    }

    /// What is worse than it was before. Counts of another compiler are compared by their ratio to
    /// the yardstick, and less closely.
    pub fn regressions(&self, before: &Self) -> Vec<Regression> {
        let is_same = self.compiler == before.compiler;
        let percent_max = if is_same {
            PERCENT_MAX
        } else {
            PERCENT_MAX_OTHER
        };
        let value = |counts: &Self, name: &str| {
            if is_same {
                counts.of(name).map(|count| count as f64)
            } else {
                counts.ratio(name)
            }
        };
        let ours = self.counts.iter().filter(|(name, _)| name != YARDSTICK);
        let worse = ours.filter_map(|(name, _)| {
            let (before, after) = (value(before, name)?, value(self, name)?);
            (after > before * (1.0 + percent_max / 100.0)).then(|| Regression {
                workload: name.clone(),
                before,
                after,
                percent_max,
            })
        });
        worse.collect()
    }

    /// The workloads that this has no count of.
    pub fn missing(&self) -> Vec<&'static str> {
        let names = WORKLOADS.iter().map(|workload| workload.name);
        names.filter(|name| self.of(name).is_none()).collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Instructions of one unit of each workload: `core-bench record`."
        )?;
        writeln!(f, "{}", self.compiler)?;
        for (name, count) in &self.counts {
            writeln!(f, "{name} {count}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Regression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = (self.after / self.before - 1.0) * 100.0;
        write!(
            f,
            "{}: {:.2} before, {:.2} now, {percent:.1} % more ({} % are allowed)",
            self.workload, self.before, self.after, self.percent_max
        )
    }
}

impl fmt::Display for NotCounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoValgrind(error) => write!(f, "valgrind does not run: {error}"),
            Self::Failed(output) => write!(f, "callgrind counted nothing: {output}"),
        }
    }
}

/// Runs the workload in a process of its own under callgrind.
fn instructions(workload: &Workload) -> Result<u64, NotCounted> {
    let program = std::env::current_exe().map_err(NotCounted::NoValgrind)?;
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg("--callgrind-out-file=/dev/null")
        .arg("--collect-atstart=no")
        .arg(format!("--toggle-collect={REGION}"))
        .arg(program)
        .args(["run", workload.name])
        .output()
        .map_err(NotCounted::NoValgrind)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, count)| count.trim().parse().ok());
    match collected {
        Some(count) if output.status.success() && count > 0 => Ok(count),
        Some(_) | None => Err(NotCounted::Failed(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(compiler: &str, counts: &[(&str, u64)]) -> Counts {
        let counts = counts.iter();
        Counts {
            compiler: compiler.to_owned(),
            counts: counts
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
        }
    }

    fn worse(before: &Counts, after: &Counts) -> Vec<String> {
        let regressions = after.regressions(before).into_iter();
        regressions.map(|regression| regression.workload).collect()
    }

    #[test]
    fn counts_are_read_as_they_are_written() {
        let counts = counts("rustc 1", &[("raw_loop", 100), ("message_mix", 120)]);
        assert_eq!(Counts::parse(&counts.to_string()), counts);
    }

    #[test]
    fn more_than_three_percent_more_is_named() {
        let before = counts("rustc 1", &[("raw_loop", 100), ("a", 1_000), ("b", 1_000)]);
        let after = counts("rustc 1", &[("raw_loop", 200), ("a", 1_030), ("b", 1_031)]);
        assert_eq!(worse(&before, &after), ["b"]);
    }

    #[test]
    fn counts_of_another_compiler_are_compared_by_the_yardstick() {
        let before = counts("rustc 1", &[("raw_loop", 100), ("a", 1_000), ("b", 1_000)]);
        let after = counts("rustc 2", &[("raw_loop", 200), ("a", 2_200), ("b", 2_400)]);
        assert_eq!(worse(&before, &after), ["b"]);
    }

    #[test]
    fn what_was_never_counted_is_missing() {
        let all = counts("rustc 1", &[("raw_loop", 1)]);
        assert_eq!(all.missing().len(), WORKLOADS.len() - 1);
    }
}
