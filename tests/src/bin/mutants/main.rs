//! `mutants` breaks the core in one place at a time, in every way that cargo-mutants lists, and
//! tells which breaks no test notices.
//!
//! ```console
//! $ cargo run --release -p lavapool-tests --bin mutants
//! $ cargo run --release -p lavapool-tests --bin mutants -- --sample 60
//! ```
//!
//! All mutants are built at once, into a copy of the core in which each is behind a switch, and the
//! tests are told by an environment variable which to be. A test is run only for the mutants whose
//! places it passes, and each mutant only until a test fails. What cannot be switched is built one
//! after the other.
//!
//! It ends with 0 if nine of ten were noticed, with 1 if not or if something is wrong, and with 2
//! if it was not told what to do.

mod bench;
mod blame;
mod build;
mod config;
mod crew;
mod list;
mod options;
mod places;
mod plain;
mod problem;
mod process;
mod report;
mod results;
mod suite;
mod switched;
mod trial;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use lavapool_tests::sabotage::Tree;

use bench::Bench;
use build::{Build, folder_of};
use config::Config;
use list::Mutant;
use options::Options;
use plain::Plain;
use problem::Problem;
use report::Report;
use results::Results;
use suite::Suite;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("mutants: {problem}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match judge_all(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            println!("more than one of ten is missed");
            ExitCode::FAILURE
        }
        Err(problem) => {
            println!("mutants: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Judges what is asked for; whether enough was noticed.
fn judge_all(options: &Options) -> Result<bool, Problem> {
    let began = Instant::now();
    let tree = Tree::with_tests("mutants")?;
    let mutants = Mutant::all(tree.whole())?;
    let texts = fingerprints(tree.whole(), &mutants)?;
    let names: Vec<_> = mutants.iter().map(|mutant| &mutant.name).collect();
    let list = format!("{:016x} {:016x}", hash_of(&texts), hash_of(&names));
    let mut build = Build::new(&tree, &mutants, &list)?;
    let config = Config::of(tree.whole())?;
    let programs = build.programs(&config)?;
    let folder = folder_of(&tree);
    println!(
        "{} mutants, of which {} cannot be switched; built after {} s",
        mutants.len(),
        build.known.aside.len(),
        began.elapsed().as_secs()
    );
    let suite = Suite::new(programs, folder, options.threads)?;
    println!(
        "{} tests pass without a mutant; measured after {} s",
        suite.tests.len(),
        began.elapsed().as_secs()
    );
    let asked = asked_for(&mutants, options);
    let results = Results::open(&options.results, texts)?;
    let bench = Bench::new(&asked, &build.known.aside, options, results);
    bench.judge_switched(&suite)?;
    bench.judge_unviable()?;
    bench.judge_plainly(&Plain {
        build: &build,
        config: &config,
        suite: &suite,
    })?;
    let results = bench.results();
    let report = Report::new(&asked, &results);
    println!("{report}");
    println!("{} s", began.elapsed().as_secs());
    Ok(report.is_well())
}

/// The mutants that are asked for, in an order that is random and always the same: whenever it is
/// stopped, what was judged is a fair sample.
fn asked_for<'a>(mutants: &'a [Mutant], options: &Options) -> Vec<&'a Mutant> {
    let mut drawn: Vec<_> = mutants.iter().collect();
    drawn.sort_by_cached_key(|mutant| hash_of(&mutant.name));
    let (part, parts) = options.shard;
    let mut asked: Vec<_> = drawn.into_iter().skip(part).step_by(parts).collect();
    if let Some(text) = &options.only {
        asked.retain(|mutant| mutant.name.contains(text));
    }
    asked.truncate(options.sample.unwrap_or(asked.len()));
    asked
}

/// What is another one for another text, of each file.
fn fingerprints(tree: &Path, mutants: &[Mutant]) -> Result<BTreeMap<String, String>, Problem> {
    let mut texts = BTreeMap::new();
    for mutant in mutants {
        if !texts.contains_key(&mutant.file) {
            let path = tree.join(&mutant.file);
            let text = std::fs::read_to_string(&path).map_err(Problem::at(&path))?;
            texts.insert(mutant.file.clone(), format!("{:016x}", hash_of(&text)));
        }
    }
    Ok(texts)
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
