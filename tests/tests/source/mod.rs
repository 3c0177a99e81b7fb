//! The sources of the repository, for tests that read them.

use std::fs;
use std::path::{Path, PathBuf};

/// The source trees, relative to the root of the repository.
const TREES: [&str; 5] = ["core", "adapters", "tests", "examples", "fuzz"];

/// The text with comments, strings and character literals blanked out; lines stay where they are.
pub(crate) fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let literal_bytes = literal_bytes(rest, &code);
        if literal_bytes == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let (literal, after) = rest.split_at(literal_bytes);
            code.extend(literal.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = after;
        }
    }
    code
}

/// The length of the comment or literal that `rest` starts with; 0 if it starts with code.
fn literal_bytes(rest: &str, before: &str) -> usize {
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment_bytes(rest)
    } else if rest.starts_with('"') {
        quoted_bytes(rest, '"')
    } else if rest.starts_with('\'') {
        // A quote that is neither escaped nor closed behind one character opens a lifetime.
        let closed = rest.chars().nth(2) == Some('\'');
        if closed || rest.starts_with("'\\") {
            quoted_bytes(rest, '\'')
        } else {
            0
        }
    } else if rest.starts_with('r') && !before.trim_end_matches(['b', 'c']).ends_with(is_word) {
        raw_string_bytes(rest).unwrap_or(0)
    } else {
        0
    }
}

fn block_comment_bytes(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let ahead = &rest.as_bytes()[at..];
        if ahead.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if ahead.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted_bytes(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == quote {
            return at + 1;
        }
    }
    rest.len()
}

fn raw_string_bytes(rest: &str) -> Option<usize> {
    let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
    let body = rest[1 + hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let opened = rest.len() - body.len();
    Some(
        body.find(&close)
            .map_or(rest.len(), |at| opened + at + close.len()),
    )
}

pub(crate) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}

pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Paths of all Rust sources, relative to the root, with `/` on every platform, sorted.
pub(crate) fn source_files() -> Vec<String> {
    let mut files = Vec::new();
    let mut folders: Vec<String> = TREES.map(str::to_owned).into();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(root().join(&folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.expect("a folder is readable");
            let name = entry
                .file_name()
                .into_string()
                .expect("a file name is UTF-8");
            let inside = format!("{folder}/{name}");
            if entry.path().is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(inside);
                }
            } else if name.ends_with(".rs") {
                files.push(inside);
            }
        }
    }
    files.sort();
    files
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
