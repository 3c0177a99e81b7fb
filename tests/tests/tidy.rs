//! The house style as a test: what `CONTRIBUTING.md` promises a reader of every source file.
//!
//! Findings are made from text alone, so each rule is also proved below on a few lines that break
//! it. A file that must break a rule is listed in [`EXCEPTIONS`] with the reason, and an exception
//! that nothing needs fails the test too.

use std::fs;
use std::path::{Path, PathBuf};

/// The source trees, relative to the root of the repository.
const TREES: [&str; 5] = ["core", "adapters", "tests", "examples", "fuzz"];

const LINE_COLUMNS_MAX: usize = 100;
const FILE_LINES_MAX: usize = 500;
const RUNTIME_LINES_MAX: usize = 100;
const FUNCTION_LINES_MAX: usize = 70;

/// Spelled in two halves, so that this file does not find itself.
const UNFINISHED: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// What the core does without: clocks, threads, sockets, locks, output and runtimes.
const FOREIGN_TO_CORE: [&str; 18] = [
    "Instant",
    "SystemTime",
    "thread",
    "thread_local",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "Condvar",
    "Mutex",
    "RwLock",
    "RefCell",
    "print",
    "println",
    "eprint",
    "eprintln",
    "tokio",
    "async_std",
    "smol",
];

/// A file that may break a rule, and why.
struct Exception {
    path: &'static str,
    rule: Rule,
    #[expect(dead_code, reason = "written for the reader of the list")]
    why: &'static str,
}

const EXCEPTIONS: &[Exception] = &[];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// The first line of a file is its `//!` doc comment.
    ModuleDocs,
    /// At most [`FILE_LINES_MAX`] lines, or [`RUNTIME_LINES_MAX`] in a runtime's file.
    FileLines,
    /// At most [`FUNCTION_LINES_MAX`] lines from `fn` to the closing brace.
    FunctionLines,
    /// At most [`LINE_COLUMNS_MAX`] characters.
    LineColumns,
    /// No tab and no space at the end of a line.
    WhiteSpace,
    /// Open work is an issue, not a comment.
    Unfinished,
    /// No debugging macro is left behind.
    Debugging,
    /// The core's code names nothing of [`FOREIGN_TO_CORE`].
    Purity,
}

/// One broken rule. Lines count from 1.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    line: usize,
    rule: Rule,
}

#[test]
fn every_source_file_keeps_the_house_style() {
    let files = source_files();
    assert!(
        files.iter().any(|path| path == "core/src/lib.rs"),
        "{files:?}"
    );

    let mut findings = Vec::new();
    for path in &files {
        let text = fs::read_to_string(root().join(path)).expect("a source file is readable text");
        findings.extend(judge(path, &text));
    }

    assert_eq!(complaints(&findings, EXCEPTIONS), Vec::<String>::new());
}

#[test]
fn a_tidy_file_has_no_findings() {
    let text = "//! Docs.\n\n/// Waits on a tokio driver.\nfn f() {\n    g(\"Mutex\");\n}\n";

    assert_eq!(judge("core/src/a.rs", text), []);
}

#[test]
fn each_broken_rule_is_found_on_its_line() {
    let cases = [
        ("fn f() {}\n".into(), 1, Rule::ModuleDocs),
        (String::new(), 1, Rule::ModuleDocs),
        (docs_and("// ok\n".repeat(500)), 501, Rule::FileLines),
        (
            docs_and(format!("// {}", "é".repeat(98))),
            2,
            Rule::LineColumns,
        ),
        (docs_and("fn f() {}\t"), 2, Rule::WhiteSpace),
        (docs_and("fn f() {} "), 2, Rule::WhiteSpace),
        (docs_and("\n// TO\u{44}O: later"), 3, Rule::Unfinished),
        (docs_and("fn f() {\n    dbg!(1);\n}"), 3, Rule::Debugging),
        (
            docs_and("use std::time::{Duration, Instant};"),
            2,
            Rule::Purity,
        ),
        (
            docs_and("fn f() {\n    std::thread::yield_now();\n}"),
            3,
            Rule::Purity,
        ),
    ];
    for (text, line, rule) in cases {
        assert_eq!(
            judge("core/src/a.rs", &text),
            [finding("core/src/a.rs", line, rule)],
            "{text}"
        );
    }
}

#[test]
fn what_is_just_within_the_limits_has_no_findings() {
    let full = docs_and("// ok\n".repeat(499));
    let wide = docs_and(format!("// {}", "é".repeat(97)));
    let near = docs_and("fn f(instant: u64, smoldering: XXXL) {}");

    for text in [full, wide, near] {
        assert_eq!(judge("core/src/a.rs", &text), []);
    }
}

#[test]
fn a_runtime_has_a_shorter_file_than_others() {
    let text = docs_and("// ok\n".repeat(100));
    let path = "adapters/src/runtime/tokio.rs";

    assert_eq!(judge(path, &text), [finding(path, 101, Rule::FileLines)]);
    assert_eq!(judge("adapters/src/driver.rs", &text), []);
    assert_eq!(judge(path, &docs_and("// ok\n".repeat(99))), []);
}

#[test]
fn only_the_core_is_kept_pure() {
    let text = docs_and("use tokio::net::TcpStream;");

    assert_eq!(judge("adapters/src/a.rs", &text), []);
    assert_eq!(judge("core/benches/a.rs", &text), []);
}

#[test]
fn a_function_is_measured_from_its_first_line_to_its_closing_brace() {
    let head = "\nfn long(\n    array: [u8; 2],\n) -> fn(u8) {\n";
    let braces =
        "    f('{', \"}}\\\"}\", r#\"}\"}\"#, b'}', \"a\n}\"); // }\n    /* } /* } */ } */\n";
    let fits = docs_and(format!("{head}{braces}{}}}", "    g::<'a>();\n".repeat(63)));
    let grown = docs_and(format!("{head}{braces}{}}}", "    g::<'a>();\n".repeat(64)));

    assert_eq!(judge("a.rs", &fits), []);
    assert_eq!(
        judge("a.rs", &grown),
        [finding("a.rs", 3, Rule::FunctionLines)]
    );
}

#[test]
fn a_function_without_a_body_has_no_length() {
    let constants = "    const B: fn(u8) = c;\n".repeat(100);
    let text = docs_and(format!("trait A {{\n    fn a(&self);\n{constants}}}\n"));

    assert_eq!(judge("a.rs", &text), []);
}

#[test]
fn an_exception_covers_one_rule_in_one_file_and_must_be_needed() {
    let exception = |path, rule| Exception {
        path,
        rule,
        why: "an example",
    };
    let findings = [finding("a.rs", 7, Rule::FileLines)];
    let found = "a.rs:7: FileLines";
    let unneeded = |name| format!("{name}: the exception is not needed");

    assert_eq!(complaints(&findings, &[]), [found]);
    assert_eq!(
        complaints(&findings, &[exception("a.rs", Rule::FileLines)]),
        [""; 0]
    );
    assert_eq!(
        complaints(&findings, &[exception("b.rs", Rule::FileLines)]),
        [found, &unneeded("b.rs: FileLines")]
    );
    assert_eq!(
        complaints(&findings, &[exception("a.rs", Rule::Purity)]),
        [found, &unneeded("a.rs: Purity")]
    );
}

/// Every rule that the text breaks.
fn judge(path: &str, text: &str) -> Vec<Finding> {
    let code = code_of(text);
    let mut findings = Vec::new();
    let mut found = |line, rule| findings.push(finding(path, line, rule));

    if !text.starts_with("//! ") {
        found(1, Rule::ModuleDocs);
    }
    let is_runtime = path.starts_with("adapters/src/runtime/");
    let lines_max = if is_runtime {
        RUNTIME_LINES_MAX
    } else {
        FILE_LINES_MAX
    };
    if text.lines().count() > lines_max {
        found(lines_max + 1, Rule::FileLines);
    }
    for (line, length) in functions(&code) {
        if length > FUNCTION_LINES_MAX {
            found(line, Rule::FunctionLines);
        }
    }
    for (line, content) in (1..).zip(text.lines()) {
        if content.chars().count() > LINE_COLUMNS_MAX {
            found(line, Rule::LineColumns);
        }
        if content.contains('\t') || content.ends_with(' ') {
            found(line, Rule::WhiteSpace);
        }
        if words(content).any(|word| UNFINISHED.contains(&word)) {
            found(line, Rule::Unfinished);
        }
    }
    let in_core = path.starts_with("core/src/");
    for (line, content) in (1..).zip(code.lines()) {
        if words(content).any(|word| word == "dbg") {
            found(line, Rule::Debugging);
        }
        if in_core && words(content).any(|word| FOREIGN_TO_CORE.contains(&word)) {
            found(line, Rule::Purity);
        }
    }
    findings
}

/// What to print: the findings that no exception covers, then the exceptions that cover nothing.
fn complaints(findings: &[Finding], exceptions: &[Exception]) -> Vec<String> {
    let covers = |e: &Exception, f: &Finding| e.path == f.path && e.rule == f.rule;
    let uncovered = findings
        .iter()
        .filter(|finding| !exceptions.iter().any(|e| covers(e, finding)))
        .map(|finding| format!("{}:{}: {:?}", finding.path, finding.line, finding.rule));
    let unneeded = exceptions
        .iter()
        .filter(|exception| !findings.iter().any(|f| covers(exception, f)))
        .map(|e| format!("{}: {:?}: the exception is not needed", e.path, e.rule));
    uncovered.chain(unneeded).collect()
}

/// The first line and the number of lines of each function that has a body.
fn functions(code: &str) -> Vec<(usize, usize)> {
    let mut functions = Vec::new();
    for (start, keyword) in code.match_indices("fn ") {
        let continues_a_word = code[..start].ends_with(is_word);
        let is_named = code[start + keyword.len()..].starts_with(is_word);
        if is_named
            && !continues_a_word
            && let Some(length) = body_end(&code[start..])
        {
            let line = code[..start].matches('\n').count() + 1;
            let lines = code[start..start + length].matches('\n').count() + 1;
            functions.push((line, lines));
        }
    }
    functions
}

/// Where the function that `code` starts with ends, if it has a body.
fn body_end(code: &str) -> Option<usize> {
    let mut parens = 0_usize;
    let mut braces = 0_usize;
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' => parens += 1,
            ')' | ']' => parens = parens.saturating_sub(1),
            ';' if parens == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The text with comments, strings and character literals blanked out; lines stay where they are.
fn code_of(text: &str) -> String {
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

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Paths of all Rust sources, relative to the root, with `/` on every platform, sorted.
fn source_files() -> Vec<String> {
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

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn finding(path: &str, line: usize, rule: Rule) -> Finding {
    Finding {
        path: path.to_owned(),
        line,
        rule,
    }
}

fn docs_and(text: impl AsRef<str>) -> String {
    format!("//! Docs.\n{}", text.as_ref())
}
