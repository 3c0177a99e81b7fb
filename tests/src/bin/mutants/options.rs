//! What `mutants` is told.

use std::path::PathBuf;

/// What is to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Where the verdicts are kept.
    pub(crate) results: PathBuf,
    /// How many mutants, drawn at random.
    pub(crate) sample: Option<usize>,
    /// Which part of all, and of how many.
    pub(crate) shard: (usize, usize),
    /// What their names must have in them.
    pub(crate) only: Option<String>,
    /// How many are run at once.
    pub(crate) threads: usize,
    /// Whether those that were missed are judged again.
    pub(crate) is_again: bool,
    /// Whether those that cannot be switched are left out.
    pub(crate) skips_aside: bool,
}

/// What can be said.
pub(crate) const USAGE: &str = "\
usage: mutants [--results FILE] [--sample N] [--shard K/N] [--only TEXT] [--threads N] [--again]
               [--skip-aside]
  --results FILE  where verdicts are kept, each until its file changes
                  (default: target/mutants/results)
  --sample N      so many mutants, drawn at random, always the same
  --shard K/N     the part K, from 0, of N equal ones, each drawn at random
  --only TEXT     those that have this in their names
  --threads N     how many at once (default: one a processor)
  --again         those that were missed are judged again, for tests that are new
  --skip-aside    leave those that cannot be switched: each takes a minute, as each is built";

impl Options {
    /// Reads arguments.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self {
            results: "target/mutants/results".into(),
            sample: None,
            shard: (0, 1),
            only: None,
            threads,
            is_again: false,
            skips_aside: false,
        };
        while let Some(name) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{name} takes a value"))
            };
            match &*name {
                "--results" => options.results = value()?.into(),
                "--sample" => options.sample = Some(number(&value()?)?),
                "--shard" => options.shard = shard(&value()?)?,
                "--only" => options.only = Some(value()?),
                "--threads" => options.threads = number(&value()?)?.max(1),
                "--again" => options.is_again = true,
                "--skip-aside" => options.skips_aside = true,
                other => return Err(format!("{other:?} is no option")),
            }
        }
        Ok(options)
    }
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/');
    let (part, parts) = parts.ok_or_else(|| format!("{text:?} is no shard"))?;
    let (part, parts) = (number(part)?, number(parts)?);
    if part < parts {
        Ok((part, parts))
    } else {
        Err(format!("there is no shard {text}"))
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_shard_is_one_of_several() {
        assert_eq!(
            parse("--shard 2/3").map(|options| options.shard),
            Ok((2, 3))
        );
        let refused = |line| parse(line).map(|_| ());
        assert_eq!(refused("--shard 3/3"), Err("there is no shard 3/3".into()));
        assert_eq!(refused("--shard 3"), Err("\"3\" is no shard".into()));
        assert_eq!(refused("--sample"), Err("--sample takes a value".into()));
        assert_eq!(refused("--all"), Err("\"--all\" is no option".into()));
    }
}
