//! The simulator against cores that are broken on purpose: it must find each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use lavapool_tests::invariant::Invariant;
use lavapool_tests::sabotage::{Sabotage, SabotageError, Tree};

use crate::options::Options;

/// A seed that the simulator of a copy failed.
struct Failure {
    seed: u64,
    /// What was broken, and how.
    words: String,
}

impl Failure {
    fn breaks(&self, invariant: Invariant) -> bool {
        let name = self.words.split(':').next();
        name.and_then(Invariant::named) == Some(invariant)
    }
}

/// Tries the sabotages of this name, or all; whether each was found.
pub(crate) fn all(name: &str, options: &Options) -> bool {
    match attempt(name, options) {
        Ok(is_well) => is_well,
        Err(problem) => {
            println!("simulate: {problem}");
            false
        }
    }
}

fn attempt(name: &str, options: &Options) -> Result<bool, String> {
    let text = |error: SabotageError| error.to_string();
    let mut sabotages = Sabotage::all().map_err(text)?;
    if name != "all" {
        sabotages.retain(|sabotage| sabotage.name == name);
    }
    if sabotages.is_empty() {
        return Err(format!("there is no sabotage {name:?}"));
    }
    let began = Instant::now();
    let tree = Tree::new().map_err(text)?;
    build(&tree)?;
    // What the whole core fails says nothing of a broken one.
    let whole = failures(&tree, options, |_| false)?;
    let known: BTreeSet<_> = whole.iter().map(|failure| failure.seed).collect();
    println!(
        "the whole core: {} seeds, {} failures; {:.0} s",
        options.seeds,
        known.len(),
        began.elapsed().as_secs_f64(),
    );
    let mut found = 0;
    for sabotage in &sabotages {
        let began = Instant::now();
        let is_found = try_one(&tree, sabotage, &known, options);
        let (told, words) = match is_found {
            Ok(Ok(words)) => {
                found += 1;
                ("found by", words)
            }
            Ok(Err(words)) => ("SURVIVED", words),
            Err(problem) => ("NOT TRIED:", problem),
        };
        let took = began.elapsed().as_secs_f64();
        println!("{}: {told} {words} ({took:.0} s)", sabotage.name);
    }
    tree.mend().map_err(text)?;
    let took = began.elapsed().as_secs_f64();
    println!("{} sabotages, {found} found, {took:.0} s", sabotages.len());
    Ok(found == sabotages.len())
}

/// What found the sabotage, or what was said of the seeds that did not.
fn try_one(
    tree: &Tree,
    sabotage: &Sabotage,
    known: &BTreeSet<u64>,
    options: &Options,
) -> Result<Result<String, String>, String> {
    tree.break_by(sabotage).map_err(|error| error.to_string())?;
    build(tree)?;
    let is_found = |failure: &Failure| {
        let mut expected = sabotage.breaks.iter();
        !known.contains(&failure.seed) && expected.any(|one| failure.breaks(*one))
    };
    let failures = failures(tree, options, is_found)?;
    if let Some(found) = failures.iter().find(|failure| is_found(failure)) {
        let after = found.seed.wrapping_sub(options.from).wrapping_add(1);
        let (seed, words) = (found.seed, &found.words);
        return Ok(Ok(format!("seed {seed:#x}, after {after}: {words}")));
    }
    let mut others = BTreeMap::new();
    for failure in failures.iter().filter(|one| !known.contains(&one.seed)) {
        let name = failure.words.split(':').next().unwrap_or_default();
        *others.entry(name.to_owned()).or_insert(0_u64) += 1;
    }
    Ok(Err(format!(
        "{} seeds, which broke {others:?} and none of {:?}: {}",
        options.seeds, sabotage.breaks, sabotage.sentence
    )))
}

/// Builds the simulator of the copy.
fn build(tree: &Tree) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--profile", "sabotage", "--locked", "--quiet"])
        .args(["-p", "lavapool-tests", "--bin", "simulate"])
        .current_dir(tree.root())
        .env("CARGO_TARGET_DIR", target(tree))
        .env_remove("RUSTFLAGS")
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if built.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&built.stderr).into_owned();
    Err(format!("it does not build:\n{errors}"))
}

/// The failures of the copy's simulator, until one is enough.
fn failures(
    tree: &Tree,
    options: &Options,
    is_enough: impl Fn(&Failure) -> bool,
) -> Result<Vec<Failure>, String> {
    let program = target(tree).join("sabotage/simulate");
    let mut running = Command::new(program)
        .args(["--seeds", &options.seeds.to_string()])
        .args(["--from", &options.from.to_string()])
        .args(["--threads", &options.threads.to_string(), "--log", "none"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("the copy cannot be run: {error}"))?;
    let found = listen(&mut running, is_enough);
    // It may go on with seeds that nobody asks for any more.
    let _ = running.kill();
    let _ = running.wait();
    found
}

fn listen(
    running: &mut Child,
    is_enough: impl Fn(&Failure) -> bool,
) -> Result<Vec<Failure>, String> {
    let Some(out) = running.stdout.take() else {
        return Err("the copy says nothing".to_owned());
    };
    let mut all = Vec::new();
    for line in BufReader::new(out).lines() {
        let line = line.map_err(|error| format!("the copy breaks off: {error}"))?;
        if line.ends_with(" failures") {
            return Ok(all);
        }
        if let Some(failure) = read(&line) {
            let enough = is_enough(&failure);
            all.push(failure);
            if enough {
                return Ok(all);
            }
        }
    }
    Err("the copy ended before its last seed".to_owned())
}

/// A line of the form `seed 0x2a: words`.
fn read(line: &str) -> Option<Failure> {
    let (seed, words) = line.strip_prefix("seed 0x")?.split_once(": ")?;
    Some(Failure {
        seed: u64::from_str_radix(seed, 16).ok()?,
        words: words.to_owned(),
    })
}

/// Where the copies are built, one after the other, so that only the core is built anew.
fn target(tree: &Tree) -> PathBuf {
    let parent = tree.root().parent();
    parent.map_or_else(|| "build".into(), |parent| parent.join("build"))
}
