//! [`switch`]: writes the mutants of a file into it, each behind `crate::mutant(NUMBER)`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Arm, BinOp, Block, Expr, ExprBinary, ExprMatch, ExprStruct, ExprUnary, Pat};
use syn::{ReturnType, Signature, Type};

use crate::list::{Genre, Mutant};
use crate::switched::{Piece, Switched, Wrap};

/// Writes these mutants of one file into its text. The functions that must stay `const` are named
/// as [`const_name`] does: nothing can be switched in them, and all others lose the word.
pub(crate) fn switch(
    source: &str,
    mutants: &[&Mutant],
    constants: &BTreeSet<String>,
) -> syn::Result<Switched> {
    let file = syn::parse_file(source)?;
    let mut places = Places {
        source: source.to_owned(),
        mutants: BTreeMap::new(),
        constants,
        of: None,
        joining: BTreeSet::new(),
        wraps: Vec::new(),
    };
    for mutant in mutants {
        if let Some(at) = mutant.span.start.byte(source) {
            let there = places.mutants.entry((mutant.genre, at)).or_default();
            there.push(Choice {
                number: mutant.number,
                replacement: mutant.replacement.clone(),
            });
        }
    }
    places.visit_file(&file);
    Ok(Switched {
        unviable: places.joining,
        ..Switched::new(&places.source, places.wraps)
    })
}

/// How a function is named for being `const`: with its type, if it has one.
pub(crate) fn const_name(of: Option<&str>, function: &str) -> String {
    of.map_or_else(|| function.to_owned(), |of| format!("{of}::{function}"))
}

/// What a place can become.
struct Choice {
    number: u32,
    replacement: String,
}

impl Choice {
    /// The question whether it is on.
    fn on(&self) -> Piece {
        Piece::of(self.number, format!("crate::mutant({})", self.number))
    }
}

/// Looks for the places of mutants, and says what is to be put around them.
struct Places<'a> {
    source: String,
    mutants: BTreeMap<(Genre, usize), Vec<Choice>>,
    constants: &'a BTreeSet<String>,
    /// The type whose functions are visited.
    of: Option<String>,
    /// The mutants that would join a `let` by `||`.
    joining: BTreeSet<u32>,
    wraps: Vec<Wrap>,
}

impl Places<'_> {
    fn take(&mut self, genre: Genre, at: usize) -> Vec<Choice> {
        self.mutants.remove(&(genre, at)).unwrap_or_default()
    }

    fn text(&self, span: Span) -> &str {
        &self.source[span.byte_range()]
    }

    fn wrap(&mut self, bytes: Range<usize>, before: Vec<Piece>, after: Vec<Piece>) {
        self.wraps.push(Wrap {
            bytes,
            before,
            after,
        });
    }

    /// Puts around an expression what it becomes under each choice.
    fn choose(&mut self, bytes: Range<usize>, choices: &[(Choice, String)]) {
        if choices.is_empty() {
            return;
        }
        // The code as it is comes first: what the others must have the type of.
        let mut before = vec![Piece::common("(if !(false")];
        let mut after = vec![Piece::common(")}")];
        for (choice, becomes) in choices {
            before.extend([Piece::common(" | "), choice.on()]);
            after.extend([Piece::common(" else if "), choice.on()]);
            after.push(Piece::of(choice.number, format!(" {{({becomes})}}")));
        }
        before.push(Piece::common(") {("));
        after.push(Piece::common(" else {unreachable!()})"));
        self.wrap(bytes, before, after);
    }

    /// Makes a function not `const`; whether mutants can be switched in it.
    fn make_common(&mut self, signature: &Signature) -> bool {
        let Some(token) = signature.constness else {
            return true;
        };
        let name = const_name(self.of.as_deref(), &signature.ident.to_string());
        if self.constants.contains(&name) {
            return false;
        }
        let bytes = token.span.byte_range();
        let blank = " ".repeat(bytes.len());
        self.source.replace_range(bytes, &blank);
        true
    }

    /// Lets a function return a value at once, unless its type is that of what it returns.
    fn return_early(&mut self, signature: &Signature, block: &Block) {
        let is_opaque = match &signature.output {
            ReturnType::Type(_, returned) => has_impl(returned),
            ReturnType::Default => false,
        };
        let Some(first) = block.stmts.first().filter(|_| !is_opaque) else {
            return;
        };
        let at = first.span().byte_range().start;
        for choice in self.take(Genre::FnValue, at) {
            let mut before = vec![Piece::common("if "), choice.on()];
            let value = format!(" {{ return {}; }} ", choice.replacement);
            before.push(Piece::of(choice.number, value));
            self.wrap(at..at, before, Vec::new());
        }
    }

    /// Goes along the operators that no parenthesis parts: what a changed one takes as its operands
    /// depends on all of them.
    fn chain(&mut self, root: &ExprBinary) {
        let bytes = root.span().byte_range();
        let mut choices = Vec::new();
        let mut operands = Vec::new();
        let mut rest = vec![root];
        while let Some(binary) = rest.pop() {
            let operator = binary.op.span().byte_range();
            for choice in self.take(Genre::BinaryOperator, operator.start) {
                let left = &self.source[bytes.start..operator.start];
                let right = &self.source[operator.end..bytes.end];
                let becomes = format!("{left} {} {right}", choice.replacement);
                choices.push((choice, becomes));
            }
            for side in [&*binary.left, &*binary.right] {
                match side {
                    Expr::Binary(binary) => rest.push(binary),
                    operand => operands.push(operand),
                }
            }
        }
        self.choose(bytes, &choices);
        operands
            .into_iter()
            .for_each(|operand| self.visit_expr(operand));
    }

    /// Goes along `a && let b = c && d`, which is no Rust with `||` for one of its `&&`.
    fn links(&mut self, binary: &ExprBinary) {
        let operator = binary.op.span().byte_range().start;
        let choices = self.take(Genre::BinaryOperator, operator);
        self.joining
            .extend(choices.iter().map(|choice| choice.number));
        for side in [&*binary.left, &*binary.right] {
            match side {
                Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => self.links(binary),
                other => self.visit_expr(other),
            }
        }
    }

    /// Lets an arm be passed over, if there is one that takes the rest, and its guard be decided.
    fn arm(&mut self, arm: &Arm, has_rest: bool) {
        let end = arm.pat.span().byte_range().end;
        let start = arm.span().byte_range().start;
        let deleted = self.take(Genre::MatchArm, start);
        for choice in deleted.into_iter().filter(|_| has_rest) {
            let before = vec![Piece::common(" if !"), choice.on()];
            self.wrap(end..end, before, Vec::new());
        }
        let Some((_, guard)) = &arm.guard else {
            return;
        };
        let bytes = guard.span().byte_range();
        let choices = self.take(Genre::MatchArmGuard, bytes.start);
        let choices = choices.into_iter().map(|choice| {
            let becomes = choice.replacement.clone();
            (choice, becomes)
        });
        self.choose(bytes, &choices.collect::<Vec<_>>());
    }

    fn fields(&mut self, value: &ExprStruct, rest: &Expr) {
        let of = self.text(value.path.span()).to_owned();
        let rest = self.text(rest.span()).to_owned();
        for field in &value.fields {
            let at = field.span().byte_range().start;
            let member = self.text(field.member.span()).to_owned();
            for choice in self.take(Genre::StructField, at) {
                let becomes = format!("{{ let base: {of} = {rest}; base.{member} }}");
                if field.colon_token.is_none() {
                    let name = Piece::common(&format!("{member}: "));
                    self.wrap(at..at, vec![name], Vec::new());
                }
                let bytes = field.expr.span().byte_range();
                self.choose(bytes, &[(choice, becomes)]);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Places<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let of = self.of.take();
        if self.make_common(&function.sig) {
            self.return_early(&function.sig, &function.block);
            visit::visit_item_fn(self, function);
        }
        self.of = of;
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if self.make_common(&function.sig) {
            self.return_early(&function.sig, &function.block);
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.return_early(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let of = match &*item.self_ty {
            Type::Path(of) => of.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let outer = std::mem::replace(&mut self.of, of);
        visit::visit_item_impl(self, item);
        self.of = outer;
    }

    fn visit_expr_binary(&mut self, binary: &'ast ExprBinary) {
        if has_let(binary) {
            self.links(binary);
        } else {
            self.chain(binary);
        }
    }

    fn visit_expr_unary(&mut self, unary: &'ast ExprUnary) {
        let operand = self.text(unary.expr.span()).to_owned();
        let choices = self.take(Genre::UnaryOperator, unary.op.span().byte_range().start);
        let choices = choices.into_iter().map(|choice| (choice, operand.clone()));
        self.choose(unary.span().byte_range(), &choices.collect::<Vec<_>>());
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_match(&mut self, matched: &'ast ExprMatch) {
        let is_rest = |arm: &Arm| matches!(arm.pat, Pat::Wild(_)) && arm.guard.is_none();
        let has_rest = matched.arms.iter().any(is_rest);
        matched.arms.iter().for_each(|arm| self.arm(arm, has_rest));
        visit::visit_expr_match(self, matched);
    }

    fn visit_expr_struct(&mut self, value: &'ast ExprStruct) {
        if let Some(rest) = &value.rest {
            self.fields(value, rest);
        }
        visit::visit_expr_struct(self, value);
    }

    /// A pattern has nothing that could be switched.
    fn visit_pat(&mut self, _: &'ast Pat) {}
}

/// Whether a type is known by its traits alone.
fn has_impl(of: &Type) -> bool {
    struct Search(bool);
    impl<'ast> Visit<'ast> for Search {
        fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut search = Search(false);
    search.visit_type(of);
    search.0
}

/// Whether `let` is among what `&&` joins here.
fn has_let(binary: &ExprBinary) -> bool {
    let is_let = |side: &Expr| match side {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(binary),
        _ => false,
    };
    matches!(binary.op, BinOp::And(_)) && (is_let(&binary.left) || is_let(&binary.right))
}

#[cfg(test)]
mod tests;
