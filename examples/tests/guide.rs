//! Runs the example of the guides, and holds what it prints against the table of promises.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

/// The rows of each guide that the example must show at least; the rest takes minutes.
const SHOWN_MIN: usize = 15;

#[tokio::test]
async fn every_promise_that_is_shown_is_kept_and_is_in_the_table() {
    let run = Command::new(example()).env("NO_COLOR", "1").output();
    let output = tokio::time::timeout(Duration::from_secs(60), run).await;
    let output = output.expect("it ends in time").expect("it was built");
    let printed = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{said}");

    let table = std::fs::read_to_string(root().join("docs/guides.md"));
    let table = table.expect("the table is readable text");
    for (guide, shown) in chapters(&printed) {
        let promised = promised(&table, guide);
        let strangers: Vec<_> = shown.difference(&promised).collect();
        assert!(strangers.is_empty(), "{guide}: {strangers:?}");
        assert!(shown.len() >= SHOWN_MIN, "{guide}: {}", shown.len());
    }
    let last = printed.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("guide: ") && last.ends_with(", 0 broken"),
        "{last}"
    );
    assert_eq!(chapters(&printed).len(), 5);
}

/// The guides of the program's output, with the promises of each.
fn chapters(printed: &str) -> Vec<(&str, BTreeSet<String>)> {
    let mut chapters: Vec<(&str, BTreeSet<String>)> = Vec::new();
    for line in printed.lines() {
        if let Some(line) = line.strip_prefix("  kept    ") {
            let (promise, _) = line
                .split_once(" => ")
                .expect("a promise and what was seen");
            let (_, shown) = chapters.last_mut().expect("a promise is in a chapter");
            shown.insert(promise.to_owned());
        } else if !line.is_empty() && !line.starts_with("guide: ") {
            chapters.push((line, BTreeSet::new()));
        }
    }
    chapters
}

/// What a guide promises by the table, without the marks of code.
fn promised(table: &str, guide: &str) -> BTreeSet<String> {
    let title = format!("## {guide}");
    let lines = table.lines().skip_while(|line| *line != title).skip(1);
    lines
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .map(|promise| promise.replace('`', ""))
        .collect()
}

fn example() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.ancestors().nth(2).expect("it lies in a target folder");
    let name = format!("guide{}", std::env::consts::EXE_SUFFIX);
    folder.join("examples").join(name)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
