//! [`Footprint`]: what a bot has to build, and what the smallest program weighs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use crate::clients::Outcome;
use crate::results::said_by;

/// What a bot has to build, and what the smallest program weighs.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Footprint {
    /// All crates of a bot with tokio and TLS on this platform, lavapool's own two among them.
    pub(crate) crates: usize,
    /// The release binary of the example `manual_loop`, stripped.
    pub(crate) manual_loop_bytes: u64,
}

/// Builds the example if it is not built yet.
pub(crate) fn measure() -> Outcome<Footprint> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let manifest = root.join("Cargo.toml");
    let manifest = manifest.to_str().ok_or("the path is not text")?;
    let tree = said_by(
        "cargo",
        &[
            "tree",
            "--manifest-path",
            manifest,
            "-p",
            "lavapool",
            "-e",
            "normal,build",
            "--prefix",
            "none",
            "--no-dedupe",
        ],
    )?;
    let name = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let crates: BTreeSet<_> = tree.lines().map(name).collect();
    let built = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--manifest-path", manifest])
        .args(["-p", "lavapool-examples", "--example", "manual_loop"])
        .status()?;
    if !built.success() || crates.len() < 10 {
        return Err("the example does not build, or cargo shows no tree".into());
    }
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let stripped = std::env::temp_dir().join(format!("manual_loop.{}", std::process::id()));
    let example = target.join("release/examples/manual_loop");
    let done = Command::new("strip")
        .arg("-o")
        .arg(&stripped)
        .arg(example)
        .status()?;
    let manual_loop_bytes = std::fs::metadata(&stripped)?.len();
    std::fs::remove_file(&stripped)?;
    if !done.success() {
        return Err("the example cannot be stripped".into());
    }
    Ok(Footprint {
        crates: crates.len(),
        manual_loop_bytes,
    })
}
