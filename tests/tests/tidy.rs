//! The house style as a test: what `CONTRIBUTING.md` promises a reader of every source file.
//!
//! Findings are made from text alone, so each rule is also proved below on a few lines that break
//! it. A file that must break a rule is listed in [`EXCEPTIONS`] with the reason, and an exception
//! that nothing needs fails the test too.

mod source;

use std::fs;

use source::{code_of, is_word, root, source_files, words};

const LINE_COLUMNS_MAX: usize = 100;
const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Spelled in two halves, so that this file does not find itself.
const UNFINISHED: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
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
    /// At most [`FILE_LINES_MAX`] lines.
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
        complaints(&findings, &[exception("a.rs", Rule::Debugging)]),
        [found, &unneeded("a.rs: Debugging")]
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
    if text.lines().count() > FILE_LINES_MAX {
        found(FILE_LINES_MAX + 1, Rule::FileLines);
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
    for (line, content) in (1..).zip(code.lines()) {
        if words(content).any(|word| word == "dbg") {
            found(line, Rule::Debugging);
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
