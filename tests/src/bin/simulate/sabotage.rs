//! The simulator against cores that are broken on purpose: it must find each of them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use lavapool_tests::sabotage::{Sabotage, SabotageError, Tree};

use crate::options::Options;

/// What the simulator of a broken core said first that the whole core's does not say.
struct Found {
    seed: u64,
    words: String,
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
    let tree = Tree::new().map_err(text)?;
    build(&tree)?;
    // What the whole core fails says nothing of a broken one.
    let whole = failures(&tree, options, |_| false)?;
    let known: BTreeSet<_> = whole.iter().map(|found| found.seed).collect();
    println!(
        "the whole core: {} seeds, {} failures",
        options.seeds,
        known.len()
    );
    let mut survivors = Vec::new();
    for sabotage in &sabotages {
        let tried = tree.break_by(sabotage).map_err(text);
        let tried = tried.and_then(|()| build(&tree));
        let found =
            tried.and_then(|()| failures(&tree, options, |found| !known.contains(&found.seed)));
        let found = found.map(|found| found.into_iter().find(|found| !known.contains(&found.seed)));
        match found {
            Ok(Some(Found { seed, words })) => {
                let after = seed.wrapping_sub(options.from).wrapping_add(1);
                println!("{}: seed {seed:#x}, after {after}: {words}", sabotage.name);
            }
            Ok(None) => {
                println!(
                    "{}: SURVIVED {} seeds. {}",
                    sabotage.name, options.seeds, sabotage.sentence
                );
                survivors.push(&sabotage.name);
            }
            Err(problem) => {
                println!("{}: NOT TRIED: {problem}", sabotage.name);
                survivors.push(&sabotage.name);
            }
        }
    }
    tree.mend().map_err(text)?;
    let found = sabotages.len() - survivors.len();
    println!("{} sabotages, {found} found", sabotages.len());
    Ok(survivors.is_empty())
}

/// Builds the simulator of the copy.
fn build(tree: &Tree) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "-p",
            "lavapool-tests",
        ])
        .args(["--bin", "simulate"])
        .current_dir(tree.root())
        .env("CARGO_TARGET_DIR", target(tree))
        // It runs for seconds: it had better be built in a minute.
        .env("CARGO_PROFILE_RELEASE_INCREMENTAL", "true")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
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
    is_enough: impl Fn(&Found) -> bool,
) -> Result<Vec<Found>, String> {
    let program = target(tree).join("release/simulate");
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

fn listen(running: &mut Child, is_enough: impl Fn(&Found) -> bool) -> Result<Vec<Found>, String> {
    let Some(out) = running.stdout.take() else {
        return Err("the copy says nothing".to_owned());
    };
    let mut all = Vec::new();
    for line in BufReader::new(out).lines() {
        let line = line.map_err(|error| format!("the copy breaks off: {error}"))?;
        if line.ends_with(" failures") {
            return Ok(all);
        }
        if let Some(found) = read(&line) {
            let enough = is_enough(&found);
            all.push(found);
            if enough {
                return Ok(all);
            }
        }
    }
    Err("the copy ended before its last seed".to_owned())
}

/// A line of the form `seed 0x2a: words`.
fn read(line: &str) -> Option<Found> {
    let (seed, words) = line.strip_prefix("seed 0x")?.split_once(": ")?;
    Some(Found {
        seed: u64::from_str_radix(seed, 16).ok()?,
        words: words.to_owned(),
    })
}

/// Where the copies are built, one after the other, so that only the core is built anew.
fn target(tree: &Tree) -> PathBuf {
    let parent = tree.root().parent();
    parent.map_or_else(|| "build".into(), |parent| parent.join("build"))
}
