//! The table of promises, `docs/guides.md`, held against the tests that keep them.
//!
//! The document is the list: its rows are read here, so that it cannot say anything else than what
//! is tested. A row without a test, a test of a guide without a row, and a name of ours that is in
//! no source all fail.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use source::{code_of, is_word, root, source_files, words};

const DOCUMENT: &str = "docs/guides.md";

/// The guides, by the targets of their tests.
const GUIDES: [&str; 5] = [
    "guide_disgolink",
    "guide_moonlink",
    "guide_revvlink",
    "guide_revvlink_pool",
    "guide_voltricx",
];

/// The words that an item's name follows.
const ITEMS: [&str; 7] = ["const", "enum", "fn", "mod", "struct", "trait", "type"];

/// One row: what a guide calls a thing, what it is here, and the tests that hold it to that.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Promise {
    section: String,
    guide: String,
    ours: String,
    /// Target and name of each test.
    tests: Vec<(String, String)>,
}

#[test]
fn every_promise_is_kept_by_a_test_and_every_test_of_a_guide_keeps_one() {
    let promises = promises();
    let known = tests_by_target();

    let mut faults: Vec<_> = promises
        .iter()
        .flat_map(|promise| untested(promise, &known))
        .collect();
    faults.extend(unlisted(&promises, &known));

    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_guide_has_its_table_and_no_promise_stands_twice() {
    let promises = promises();
    for guide in GUIDES {
        let of_guide = |promise: &&Promise| promise.tests.iter().any(|(target, _)| target == guide);
        let count = promises.iter().filter(of_guide).count();
        assert!(count >= 10, "{guide}: {count}");
    }
    let mut seen = BTreeSet::new();
    for promise in &promises {
        let is_new = seen.insert((&promise.section, &promise.guide));
        assert!(
            is_new,
            "{}: {} stands twice",
            promise.section, promise.guide
        );
    }
}

#[test]
fn what_is_called_ours_is_declared_in_the_sources() {
    let sources: Vec<_> = source_files()
        .iter()
        .filter(|path| path.starts_with("core/src/") || path.starts_with("adapters/src/"))
        .map(|path| fs::read_to_string(root().join(path)).expect("a source is readable text"))
        .map(|text| Names::of(&code_of(&text)))
        .collect();

    let mut strangers = Vec::new();
    for promise in promises() {
        assert!(quoted(&promise.ours).next().is_some(), "{promise:?}");
        let is_stranger = |name: &&str| !sources.iter().any(|names| names.declare(name));
        strangers.extend(quoted(&promise.ours).filter(is_stranger).map(str::to_owned));
    }
    assert_eq!(strangers, Vec::<String>::new());
}

#[test]
fn a_name_is_declared_beside_the_type_that_it_belongs_to() {
    let code = "impl Node {\n    pub fn eject(&self) {}\n}\n\
                enum Event {\n    Lost,\n    At { x },\n}\n\
                struct Stats {\n    pub uptime: u64,\n}\n";
    let names = Names::of(code);

    for name in [
        "Node::eject",
        "Event::Lost",
        "Event::At",
        "Stats::uptime",
        "Event",
    ] {
        assert!(names.declare(name), "{name}");
    }
    for name in ["Node::evict", "Node", "Other::eject", "self", "Event::x"] {
        assert!(!names.declare(name), "{name}");
    }
}

#[test]
fn a_row_is_read_with_the_target_of_its_section() {
    let text = [
        "# Title\n\n## Guide\n\nTests: `guide_a`.\n",
        "| Guide | Ours | Test |\n|---|---|---|",
        "| `X` \\| `Y` | `x` | `one`, `other::two` |\n",
    ]
    .join("\n");
    let own = |target: &str, name: &str| (target.to_owned(), name.to_owned());
    let expected = Promise {
        section: "Guide".to_owned(),
        guide: "`X` \\| `Y`".to_owned(),
        ours: "`x`".to_owned(),
        tests: vec![own("guide_a", "one"), own("other", "two")],
    };

    assert_eq!(read(&text), Ok(vec![expected]));
}

#[test]
fn a_row_that_is_not_one_is_refused() {
    let rows = ["| `x` | `y` |", "| `x` | `y` | |", "| | `y` | `z` |"];
    for row in rows {
        let text = format!("## Guide\n\nTests: `guide_a`.\n\n{row}\n");
        assert_eq!(read(&text), Err(row.to_owned()));
    }
    assert!(read("| `x` | `y` | `z` |").is_err(), "it is in no section");
}

#[test]
fn a_missing_test_and_an_unlisted_one_are_found() {
    let target = GUIDES[0].to_owned();
    let promise = Promise {
        section: "Guide".to_owned(),
        guide: "x".to_owned(),
        ours: "`y`".to_owned(),
        tests: vec![(target.clone(), "kept".to_owned())],
    };
    let known = |name: &str| BTreeMap::from([(target.clone(), [name.to_owned()].into())]);

    assert_eq!(untested(&promise, &known("kept")), [""; 0]);
    assert_eq!(
        untested(&promise, &known("other")),
        ["x: there is no test guide_disgolink::kept"]
    );
    assert_eq!(
        unlisted(&[promise], &known("other")),
        ["guide_disgolink::other is in no row"]
    );
}

#[test]
fn a_test_is_a_function_with_the_attribute() {
    let text = "#[test]\nfn one() {}\n\nfn helper() {}\n\n// #[test]\n\n#[test]\nfn two() {}\n\
                #[tokio::test]\nasync fn three() {}\n";

    assert_eq!(tests_in(text), ["one", "two", "three"]);
}

/// The rows of the document.
fn promises() -> Vec<Promise> {
    let text = fs::read_to_string(root().join(DOCUMENT)).expect("the document is readable text");
    read(&text).unwrap_or_else(|row| panic!("not a row of {DOCUMENT}: {row}"))
}

/// Reads the rows; fails with the first line that begins like one and is none.
fn read(text: &str) -> Result<Vec<Promise>, String> {
    let (mut section, mut target) = (None, None);
    let mut promises = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            (section, target) = (Some(title), None);
        } else if line.starts_with("Tests: ") {
            target = quoted(line).next();
        } else if line.starts_with('|') && !is_head(line) {
            let (Some(section), Some(target)) = (section, target) else {
                return Err(line.to_owned());
            };
            promises.push(row(section, target, line).ok_or_else(|| line.to_owned())?);
        }
    }
    Ok(promises)
}

fn row(section: &str, target: &str, line: &str) -> Option<Promise> {
    let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let cells: Vec<_> = line.split(" | ").map(str::trim).collect();
    let [guide, ours, tests] = cells[..] else {
        return None;
    };
    let test = |name: &str| {
        let (target, name) = name.split_once("::").unwrap_or((target, name));
        (target.to_owned(), name.to_owned())
    };
    let tests: Vec<_> = quoted(tests).map(test).collect();
    (!guide.is_empty() && !tests.is_empty()).then(|| Promise {
        section: section.to_owned(),
        guide: guide.to_owned(),
        ours: ours.to_owned(),
        tests,
    })
}

fn is_head(line: &str) -> bool {
    line.starts_with("|---") || line.ends_with("| Ours | Test |")
}

/// What stands between back quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// What a source file names.
struct Names {
    words: BTreeSet<String>,
    items: BTreeSet<String>,
    /// Fields and variants.
    members: BTreeSet<String>,
}

impl Names {
    fn of(code: &str) -> Self {
        let owned = |word: &str| word.to_owned();
        let pairs = words(code).zip(words(code).skip(1));
        let items = pairs.filter(|(before, _)| ITEMS.contains(before));
        Self {
            words: words(code).map(owned).collect(),
            items: items.map(|(_, name)| name.to_owned()).collect(),
            members: code.lines().filter_map(member).map(owned).collect(),
        }
    }

    /// Whether the file declares a name, and, if that is a member's, names the type of it.
    fn declare(&self, name: &str) -> bool {
        match name.rsplit_once("::") {
            Some((owner, member)) => {
                let is_declared = self.items.contains(member) || self.members.contains(member);
                self.words.contains(owner) && is_declared
            }
            None => self.items.contains(name),
        }
    }
}

/// The field or variant that a line declares, if it does.
fn member(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let (name, after) = line.split_at(line.find(|c| !is_word(c))?);
    let is_declared = [",", ":", "(", " {", " ="]
        .iter()
        .any(|sign| after.starts_with(sign));
    is_declared.then_some(name)
}

/// What is wrong with the tests of a row.
fn untested(promise: &Promise, known: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let is_there = |target: &str, name: &str| known.get(target).is_some_and(|of| of.contains(name));
    let missing = promise
        .tests
        .iter()
        .filter(|(target, name)| !is_there(target, name));
    missing
        .map(|(target, name)| format!("{}: there is no test {target}::{name}", promise.guide))
        .collect()
}

/// The tests of the guides that keep nothing that is promised.
fn unlisted(promises: &[Promise], known: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let listed: BTreeSet<_> = promises.iter().flat_map(|promise| &promise.tests).collect();
    let mut unlisted = Vec::new();
    for target in GUIDES {
        for name in known.get(target).into_iter().flatten() {
            if !listed.contains(&(target.to_owned(), name.clone())) {
                unlisted.push(format!("{target}::{name} is in no row"));
            }
        }
    }
    unlisted
}

/// The names of the tests of each target in `tests/tests`.
fn tests_by_target() -> BTreeMap<String, BTreeSet<String>> {
    let mut tests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in source_files() {
        let Some(inside) = path.strip_prefix("tests/tests/") else {
            continue;
        };
        let target = inside.split('/').next().unwrap_or_default();
        let target = target.strip_suffix(".rs").unwrap_or(target);
        let text = fs::read_to_string(root().join(&path)).expect("a source is readable text");
        tests
            .entry(target.to_owned())
            .or_default()
            .extend(tests_in(&text));
    }
    tests
}

/// The functions that follow an attribute `test`.
fn tests_in(text: &str) -> Vec<String> {
    let code = code_of(text);
    let mut lines = code.lines();
    let mut tests = Vec::new();
    while let Some(line) = lines.next() {
        if (line == "#[test]" || line.starts_with("#[tokio::test"))
            && let Some((_, head)) = lines.next().and_then(|line| line.split_once("fn "))
        {
            let name = head.split(|c| !is_word(c)).next().unwrap_or_default();
            tests.push(name.to_owned());
        }
    }
    tests
}
