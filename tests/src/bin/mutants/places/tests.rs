//! What each kind of mutant is written as.

use super::*;
use crate::list::Position;

/// Switches what is at each of these texts, which are in the source once.
fn switched(source: &str, changes: &[(Genre, &str, &str)]) -> String {
    let mutants: Vec<_> = (1..)
        .zip(changes)
        .map(|(number, (genre, at, replacement))| Mutant {
            name: String::new(),
            file: String::new(),
            span: crate::list::Span {
                start: position(source, at),
                end: position(source, at),
            },
            replacement: (*replacement).to_owned(),
            genre: *genre,
            number,
        })
        .collect();
    let mutants: Vec<_> = mutants.iter().collect();
    let switched = switch(source, &mutants, &["Kept::fixed".to_owned()].into());
    let text = switched.expect("it is Rust").text;
    syn::parse_file(&text).expect("it still is");
    text
}

fn position(source: &str, at: &str) -> Position {
    let at = source.find(at).expect("it is in the source");
    let line = source[..at].matches('\n').count() + 1;
    let start = source[..at].rfind('\n').map_or(0, |at| at + 1);
    let column = source[start..at].chars().count() + 1;
    Position { line, column }
}

#[test]
fn operators_that_no_parenthesis_parts_are_changed_as_text() {
    let source = "fn f() -> bool { a + b * (c - d) == e }";
    let changes = [
        (Genre::BinaryOperator, "==", "!="),
        (Genre::BinaryOperator, "*", "+"),
        (Genre::BinaryOperator, "- d", "/"),
    ];
    let inner = "(if !(false | crate::mutant(3)) {(c - d)} \
                 else if crate::mutant(3) {(c  /  d)} else {unreachable!()})";
    assert_eq!(
        switched(source, &changes),
        format!(
            "fn f() -> bool {{ (if !(false | crate::mutant(1) | crate::mutant(2)) \
             {{(a + b * ({inner}) == e)}} \
             else if crate::mutant(1) {{(a + b * (c - d)  !=  e)}} \
             else if crate::mutant(2) {{(a + b  +  (c - d) == e)}} else {{unreachable!()}}) }}"
        )
    );
}

#[test]
fn a_function_returns_a_value_at_once_and_is_not_const() {
    let source = "impl Bare { const fn f() -> u8 { g() } }\nimpl Kept { const fn fixed() { h() } }";
    let changes = [(Genre::FnValue, "g()", "0"), (Genre::FnValue, "h()", "()")];
    assert_eq!(
        switched(source, &changes),
        "impl Bare {       fn f() -> u8 { if crate::mutant(1) { return 0; } g() } }\n\
         impl Kept { const fn fixed() { h() } }"
    );
}

#[test]
fn an_arm_is_passed_over_and_a_guard_decided() {
    let source = "fn f() { match x { A if b == c => 1, B => 2, _ => 3 } }";
    let changes = [
        (Genre::MatchArmGuard, "b ==", "true"),
        (Genre::MatchArm, "B =>", ""),
    ];
    assert_eq!(
        switched(source, &changes),
        "fn f() { match x { A if (if !(false | crate::mutant(1)) {(b == c)} \
         else if crate::mutant(1) {(true)} else {unreachable!()}) => 1, \
         B if !crate::mutant(2) => 2, _ => 3 } }"
    );
}

#[test]
fn a_negation_goes_and_a_field_is_what_the_base_has() {
    let source = "fn f() -> S { S { a: !b, c, ..S::default() } }";
    let changes = [
        (Genre::UnaryOperator, "!", ""),
        (Genre::StructField, "c,", ""),
    ];
    assert_eq!(
        switched(source, &changes),
        "fn f() -> S { S { a: (if !(false | crate::mutant(1)) {(!b)} \
         else if crate::mutant(1) {(b)} else {unreachable!()}), \
         c: (if !(false | crate::mutant(2)) {(c)} \
         else if crate::mutant(2) {({ let base: S = S::default(); base.c })} \
         else {unreachable!()}), ..S::default() } }"
    );
}

#[test]
fn what_joins_a_let_stays_and_what_it_joins_is_changed() {
    let source = "fn f() { if a && let Some(b) = c && d == e {} }";
    let changes = [
        (Genre::BinaryOperator, "&& d", "||"),
        (Genre::BinaryOperator, "==", "!="),
    ];
    assert_eq!(
        switched(source, &changes),
        "fn f() { if a && let Some(b) = c && (if !(false | crate::mutant(2)) {(d == e)} \
         else if crate::mutant(2) {(d  !=  e)} else {unreachable!()}) {} }"
    );
}
