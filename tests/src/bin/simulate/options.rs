//! What `simulate` is told.

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The first seed.
    pub(crate) from: u64,
    /// How many seeds.
    pub(crate) seeds: u64,
    /// How much of a failure is shown.
    pub(crate) log: Log,
    /// How many runs go on at once.
    pub(crate) threads: usize,
    /// Whether to stop at the first failure.
    pub(crate) is_hasty: bool,
    /// The sabotage to be found, or `all`.
    pub(crate) sabotage: Option<String>,
    /// Whether each run is compared with another one, and with itself cut differently.
    pub(crate) checks_determinism: bool,
    /// Whether to look for the least that makes a run fail.
    pub(crate) shrinks: bool,
}

/// How much of a failing run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    /// The failure alone.
    None,
    /// The last lines.
    Last,
    /// All lines, of a run that does not fail too.
    Full,
}

/// What can be said.
pub(crate) const USAGE: &str = "\
usage: simulate [--seeds N] [--from N | --seed N] [--log none|last|full] [--threads N] [--first]
                [--shrink] [--check-determinism] [--sabotage NAME|all]
  --seeds N    how many seeds, one run each (default 100)
  --from N     the first of them, decimal or 0x and hexadecimal (default 0)
  --seed N     this one alone
  --log HOW    none: failures alone; last: the last lines of each (default); full: all lines
  --threads N  how many runs at once (default: one a processor)
  --first      stop at the first failure
  --shrink     look for the least that makes a failing run fail, and show that run
  --check-determinism
               run each seed twice, and once with the bytes cut differently, and compare
  --sabotage   break a copy of the core as tests/sabotage/NAME.patch does, or in every way that is
               there, one after the other, and fail if that is not found";

impl Options {
    /// Reads arguments.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self {
            from: 0,
            seeds: 100,
            log: Log::Last,
            threads,
            is_hasty: false,
            sabotage: None,
            checks_determinism: false,
            shrinks: false,
        };
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{name} takes a value"))
            };
            match &*name {
                "--seeds" => options.seeds = number(&value()?)?,
                "--from" => options.from = number(&value()?)?,
                "--seed" => {
                    options.from = number(&value()?)?;
                    options.seeds = 1;
                }
                "--log" => {
                    options.log = match &*value()? {
                        "none" => Log::None,
                        "last" => Log::Last,
                        "full" => Log::Full,
                        other => return Err(format!("there is no log {other:?}")),
                    }
                }
                "--threads" => {
                    let threads = number(&value()?)?.max(1);
                    options.threads = usize::try_from(threads).unwrap_or(1);
                }
                "--check-determinism" => options.checks_determinism = true,
                "--shrink" => options.shrinks = true,
                "--first" => options.is_hasty = true,
                "--sabotage" => options.sabotage = Some(value()?),
                other => return Err(format!("{other:?} is no option")),
            }
        }
        Ok(options)
    }
}

fn number(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("{text:?} is no 64-bit number"))
}
