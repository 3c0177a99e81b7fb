//! Tells the bench which compiler it was built by: counts of instructions depend on it.

use std::env;
use std::process::Command;

fn main() {
    let rustc = env::var("RUSTC").expect("cargo names the compiler");
    let version = Command::new(rustc).arg("--version").output();
    let version = version.expect("the compiler runs").stdout;
    let version = String::from_utf8(version).expect("a version is text");
    let target = env::var("TARGET").expect("cargo names the target");
    println!("cargo::rustc-env=COMPILER={} {target}", version.trim());
    println!("cargo::rerun-if-changed=build.rs");
}
