//! Each mark of the core stands at one place, and what no simulation hits has a reason that can be
//! read. What was hit is told by `simulate`.

#[allow(dead_code, reason = "other tests read words, too")]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use lavapool_core::Mark;
use lavapool_tests::simulator::{RARE, UNREACHED};
use source::{code_of, root, source_files};

/// Where mistakes lose music.
const MODULES: [&str; 6] = ["pool", "node", "player", "rest", "http", "websocket"];

#[test]
fn each_mark_stands_at_one_place() {
    let places = places();
    let names: BTreeSet<_> = Mark::ALL.iter().map(|mark| format!("{mark:?}")).collect();
    let unused: Vec<_> = names
        .iter()
        .filter(|name| !places.contains_key(*name))
        .collect();
    assert!(unused.is_empty(), "these stand nowhere: {unused:?}");
    for (name, places) in &places {
        assert!(names.contains(name), "{name} of {places:?} is not listed");
        assert_eq!(places.len(), 1, "{name} stands at {places:?}");
    }
}

#[test]
fn there_are_marks_in_each_module_that_could_lose_music() {
    let places = places();
    assert!(names_of(&places).count() >= 40, "{places:?}");
    for module in MODULES {
        let folder = format!("core/src/{module}/");
        let is_there = names_of(&places).any(|place| place.starts_with(&folder));
        assert!(is_there, "no mark is in {folder}");
    }
}

#[test]
fn what_no_simulation_hits_has_a_reason_and_the_proof_says_so() {
    let proof = fs::read_to_string(root().join("docs/proof.md")).expect("it is there");
    let mut said: Vec<_> = proof.lines().filter_map(row).collect();
    let mut known: Vec<_> = UNREACHED
        .iter()
        .map(|(mark, why)| (format!("{mark:?}"), (*why).to_owned()))
        .collect();
    let rare = RARE.iter();
    known.extend(rare.map(|(mark, why)| (format!("{mark:?}"), format!("rarely: {why}"))));
    said.sort_unstable();
    known.sort_unstable();
    assert_eq!(said, known);
}

/// A row of the table of marks: `` | mark `Name` | why | ``.
fn row(line: &str) -> Option<(String, String)> {
    let (name, why) = line.strip_prefix("| mark `")?.split_once("` | ")?;
    let why = why.strip_suffix(" |")?;
    Some((name.to_owned(), why.to_owned()))
}

fn names_of(places: &BTreeMap<String, Vec<String>>) -> impl Iterator<Item = &str> {
    places.values().flatten().map(String::as_str)
}

/// Where each mark stands: the files of the core, by its name.
fn places() -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in source_files() {
        if !file.starts_with("core/src/") || file == "core/src/marks.rs" {
            continue;
        }
        let text = fs::read_to_string(root().join(&file)).expect("it is text");
        let code = code_of(&text);
        for rest in code.split("mark!(").skip(1) {
            let name = rest.split([')', ' ']).next().unwrap_or_default();
            places
                .entry(name.to_owned())
                .or_default()
                .push(file.clone());
        }
    }
    places
}
