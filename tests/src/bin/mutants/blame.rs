//! [`Blame`]: whose fault an error of the compiler is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Deserialize;

use crate::list::Genre;
use crate::switched::Switched;

/// A line of `cargo --message-format=json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) reason: String,
    pub(crate) message: Option<Message>,
    /// The program that a target was built into.
    pub(crate) executable: Option<String>,
    pub(crate) manifest_path: Option<String>,
    pub(crate) target: Option<BuiltTarget>,
    pub(crate) profile: Option<BuiltProfile>,
}

/// What was built.
#[derive(Debug, Deserialize)]
pub(crate) struct BuiltTarget {
    pub(crate) name: String,
}

/// How it was built.
#[derive(Debug, Deserialize)]
pub(crate) struct BuiltProfile {
    pub(crate) test: bool,
}

/// What the compiler says.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    level: String,
    message: String,
    code: Option<Code>,
    spans: Vec<Place>,
    children: Vec<Self>,
    rendered: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Code {
    code: String,
}

#[derive(Debug, Deserialize)]
struct Place {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    is_primary: bool,
}

/// What has to go for an error to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Mutants whose own code is wrong.
    Code(BTreeSet<u32>),
    /// Mutants that the code around them does not bear.
    Switch(BTreeSet<u32>),
    /// A function must be `const`, by its path.
    Constant(String),
    /// Nobody knows.
    Unknown(String),
}

impl Message {
    /// Whose fault it is, if it is an error of the code.
    pub(crate) fn blame(&self, files: &BTreeMap<String, Switched>) -> Option<Blame> {
        let is_error = self.level == "error" && !self.spans.is_empty();
        is_error.then(|| {
            self.wanted_constant().unwrap_or_else(|| {
                let inside = self.of(files, true, Switched::around);
                if !inside.is_empty() {
                    return Blame::Code(inside);
                }
                let beside = std::iter::once(self).chain(&self.children);
                let mut beside = beside.map(|message| message.beside(files));
                let found = beside.find(|numbers| !numbers.is_empty());
                found.map_or_else(|| Blame::Unknown(self.to_string()), Blame::Switch)
            })
        })
    }

    /// What it says in a line, if it is an error of the code.
    pub(crate) fn error(&self) -> Option<String> {
        let is_error = self.level == "error" && !self.spans.is_empty();
        is_error.then(|| self.summary())
    }

    /// What it says in a line.
    pub(crate) fn summary(&self) -> String {
        let code = self.code.as_ref().map_or("", |code| &code.code);
        format!("{code} {}", self.message)
    }

    /// The function that was `const` and is used as one.
    fn wanted_constant(&self) -> Option<Blame> {
        if self.code.as_ref()?.code != "E0015" {
            return None;
        }
        let path = self.message.split('`').nth(1)?;
        let is_switch = path == "mutant" || path.ends_with("::mutant");
        (!is_switch).then(|| Blame::Constant(path.to_owned()))
    }

    /// Whether a mutant in whose code this is does not compile without a switch either: what it
    /// calls is not there, or is of another type than the function that returns it.
    pub(crate) fn is_final(&self, genre: Genre) -> bool {
        let code = self.code.as_ref().map_or("", |code| &code.code);
        MISSING.contains(&code) || code == MISMATCHED && genre == Genre::FnValue
    }

    /// The mutants in whose code is what it tells of besides, or whose code is in what it is about.
    fn beside(&self, files: &BTreeMap<String, Switched>) -> BTreeSet<u32> {
        let looks = [
            self.of(files, false, Switched::around),
            self.of(files, true, Switched::within),
            self.of(files, false, Switched::within),
        ];
        let mut looks = looks.into_iter();
        let found = looks.find(|numbers| !numbers.is_empty());
        found.unwrap_or_default()
    }

    /// The mutants that are found by looking where it points.
    fn of(
        &self,
        files: &BTreeMap<String, Switched>,
        is_primary: bool,
        look: impl Fn(&Switched, &Range<usize>) -> Vec<u32>,
    ) -> BTreeSet<u32> {
        let spans = self.spans.iter();
        let spans = spans.filter(|span| span.is_primary == is_primary);
        let found = spans.filter_map(|span| {
            let file = files.get(&span.file_name)?;
            Some(look(file, &(span.byte_start..span.byte_end)))
        });
        found.flatten().collect()
    }
}

/// No such trait, operator, method, path or name.
const MISSING: [&str; 7] = [
    "E0277", "E0369", "E0425", "E0432", "E0433", "E0599", "E0600",
];
/// Another type than is expected.
const MISMATCHED: &str = "E0308";

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.rendered.as_ref().unwrap_or(&self.message))
    }
}
