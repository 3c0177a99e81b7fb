//! What the repository consists of, as a test: its top level, its packages and what they depend on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// Everything that may stand at the top of the repository.
const TOP_LEVEL: [&str; 19] = [
    ".ci",
    ".editorconfig",
    ".gitattributes",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "adapters",
    "core",
    "deny.toml",
    "docs",
    "examples",
    "fuzz",
    "tests",
];

/// All that the core is built on. One more must save more than 300 lines that would need tests, or
/// what programs are built of: sha1 alone is a crate and 24 KB less than tungstenite's handshake,
/// which is built on it too.
const CORE_DEPENDENCIES: [&str; 10] = [
    "base64",
    "http",
    "httparse",
    "rand_chacha",
    "rand_core",
    "serde",
    "serde_json",
    "sha1",
    "thiserror",
    "tungstenite",
];

/// What a feature of the core may add.
const CORE_OPTIONAL_DEPENDENCIES: [&str; 2] = ["arbitrary", "tracing"];

/// What every member's manifest says, so that it is said in one place.
const INHERITED: [(&str, &str); 5] = [
    ("package", "version.workspace = true"),
    ("package", "edition.workspace = true"),
    ("package", "rust-version.workspace = true"),
    ("package", "license.workspace = true"),
    ("lints", "workspace = true"),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    description: Option<String>,
    license: Option<String>,
    rust_version: Option<String>,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    req: String,
    kind: Option<String>,
    optional: bool,
    source: Option<String>,
    registry: Option<String>,
    path: Option<PathBuf>,
}

#[test]
fn the_top_level_holds_only_what_is_expected() {
    let strangers: Vec<_> = top_level()
        .into_iter()
        .filter(|name| !TOP_LEVEL.contains(&name.as_str()))
        .collect();

    assert_eq!(strangers, Vec::<String>::new());
}

#[test]
fn the_workspace_has_four_packages() {
    let names: BTreeSet<_> = packages("Cargo.toml")
        .into_iter()
        .map(|package| package.name)
        .collect();

    let expected = [
        "lavapool",
        "lavapool-core",
        "lavapool-examples",
        "lavapool-tests",
    ];
    assert_eq!(names, expected.map(str::to_owned).into());
}

#[test]
fn every_package_says_what_it_is_and_under_which_terms() {
    for package in packages("Cargo.toml") {
        assert!(
            package.description.is_some_and(|text| !text.is_empty()),
            "{}",
            package.name
        );
        assert_eq!(
            package.license.as_deref(),
            Some("MIT OR Apache-2.0"),
            "{}",
            package.name
        );
        assert_eq!(
            package.rust_version.as_deref(),
            Some("1.88"),
            "{}",
            package.name
        );
    }
    for terms in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(root().join(terms).is_file(), "{terms}");
    }
}

#[test]
fn every_package_inherits_what_the_workspace_decides() {
    for package in packages("Cargo.toml") {
        let manifest = read(&package.manifest_path);
        for (section, line) in INHERITED {
            assert!(
                lines_of(&manifest, section).contains(&line),
                "{}: [{section}] lacks `{line}`",
                package.name
            );
        }
    }
}

#[test]
fn every_dependency_is_a_version_of_a_published_crate_or_a_member() {
    let mut packages_all = packages("Cargo.toml");
    for own_workspace in ["fuzz/Cargo.toml", "tests/bench/core/Cargo.toml"] {
        if root().join(own_workspace).exists() {
            packages_all.extend(packages(own_workspace));
        }
    }

    let mut faults = Vec::new();
    for package in &packages_all {
        for dependency in &package.dependencies {
            if let Some(fault) = fault_of(dependency) {
                faults.push(format!("{}: {}: {fault}", package.name, dependency.name));
            }
        }
    }

    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn no_manifest_replaces_a_dependency() {
    for path in [
        "Cargo.toml",
        "fuzz/Cargo.toml",
        "tests/bench/core/Cargo.toml",
    ] {
        let path = root().join(path);
        if path.exists() {
            let manifest = read(&path);
            let replacing =
                |line: &&str| line.starts_with("[patch") || line.starts_with("[replace");
            assert_eq!(manifest.lines().find(replacing), None, "{}", path.display());
        }
    }
}

#[test]
fn the_core_depends_on_nothing_but_its_list() {
    let core = packages("Cargo.toml")
        .into_iter()
        .find(|package| package.name == "lavapool-core")
        .expect("the workspace has a core");
    let (optional, always): (Vec<_>, Vec<_>) = core
        .dependencies
        .into_iter()
        .filter(|dependency| dependency.kind.as_deref() != Some("dev"))
        .partition(|dependency| dependency.optional);

    let always: BTreeSet<_> = always
        .iter()
        .map(|dependency| dependency.name.as_str())
        .collect();
    assert_eq!(always, CORE_DEPENDENCIES.into());
    for dependency in optional {
        assert!(
            CORE_OPTIONAL_DEPENDENCIES.contains(&dependency.name.as_str()),
            "{}",
            dependency.name
        );
    }
}

/// Why a dependency would not be the same for everyone who builds, if so.
fn fault_of(dependency: &Dependency) -> Option<&'static str> {
    match (&dependency.path, &dependency.source) {
        (Some(path), _) => {
            let is_member = ["adapters", "core", "fuzz", "tests"]
                .iter()
                .any(|member| canonical(path) == canonical(&root().join(member)));
            (!is_member).then_some("a path that is no package of the project")
        }
        (None, Some(source)) if source.starts_with("git+") => Some("a git repository"),
        (None, _) if dependency.registry.is_some() => Some("a registry of its own"),
        (None, _) if dependency.req == "*" => Some("any version"),
        (None, _) => None,
    }
}

/// The lines of one section of a manifest.
fn lines_of<'a>(manifest: &'a str, section: &str) -> Vec<&'a str> {
    let header = format!("[{section}]");
    manifest
        .lines()
        .skip_while(|line| *line != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .collect()
}

/// The packages of the workspace that a manifest belongs to, as cargo reads them.
fn packages(manifest: &str) -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version=1",
            "--manifest-path",
        ])
        .arg(root().join(manifest))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).expect("cargo describes its own output");
    metadata.packages
}

/// The names at the top of the repository: those that git tracks or, without git, all there are.
fn top_level() -> BTreeSet<String> {
    tracked().unwrap_or_else(|| {
        fs::read_dir(root())
            .expect("the root is readable")
            .map(|entry| entry.expect("the root is readable").file_name())
            .map(|name| name.into_string().expect("a file name is UTF-8"))
            .filter(|name| name != "target")
            .collect()
    })
}

/// What git tracks, if this tree is a checkout of the repository.
fn tracked() -> Option<BTreeSet<String>> {
    let output = Command::new("git")
        // A checkout that belongs to another user is still the one to judge.
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .current_dir(root())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let paths = String::from_utf8(output.stdout).expect("a file name is UTF-8");
    let names: BTreeSet<_> = paths
        .split_terminator('\0')
        .filter_map(|path| path.split('/').next())
        .map(str::to_owned)
        .collect();
    names.contains("Cargo.toml").then_some(names)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a manifest is readable text")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().expect("the folder exists")
}
