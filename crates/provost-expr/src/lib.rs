//! CEL expressions, evaluated safely: the rules of policies and the `when` of triggers.
//!
//! The language is Kubernetes' ([Common Expression Language](https://cel.dev)): `spec.image.startsWith("…")`,
//! `has(data.count) && data.count > 0`, `spec.locks.exists(l, l == "warehouse")`.
//!
//! CEL always ends, but not always soon, and its library evaluates by recursion. So an expression is bounded when it is
//! read (length, depth, nested loops) and again before each evaluation (the cost over the values at hand); whoever hands
//! in a text or a value, hostile or not, gets an answer or an error, at once.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod bound;
mod run;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bound::Shape;
pub use bound::{COST_MAX, DEPTH_MAX, LENGTH_MAX};

/// An expression that was read and is safe to evaluate. Cloning is cheap.
#[derive(Clone)]
pub struct Expr(Arc<Inner>);

struct Inner {
    text: String,
    program: cel::Program,
    shape: Shape,
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// Where, in bytes from the start of the text; at most its length.
    pub offset: usize,
}

impl Expr {
    /// Reads an expression of at most [`LENGTH_MAX`] bytes.
    ///
    /// # Errors
    /// The first mistake: in the syntax, or one of the bounds exceeded.
    pub fn parse(text: &str) -> Result<Expr, ExprError> {
        bound::check_text(text)?;
        let whole = |message| ExprError { message, offset: 0 };
        let program = run::on_a_big_stack(|| cel::Program::compile(text).map_err(|errors| syntax_error(text, &errors)));
        let program = program.map_err(whole)??;
        let shape = Shape::of(&program.expression().expr).map_err(whole)?;
        Ok(Expr(Arc::new(Inner { text: text.to_owned(), program, shape })))
    }

    /// Whether the expression holds for these variables.
    ///
    /// # Errors
    /// One sentence, for people: a key that is missing, types that do not fit, an answer that is neither true nor
    /// false, or values so large that evaluating would take too long.
    pub fn holds(&self, variables: &BTreeMap<&str, serde_json::Value>) -> Result<bool, String> {
        self.0.shape.check_cost(variables)?;
        let evaluate = || match self.evaluate(variables)? {
            cel::Value::Bool(holds) => Ok(holds),
            other => Err(format!("gives {}, not true or false", value::describe(&other))),
        };
        if self.0.shape.is_shallow() { run::here(evaluate)? } else { run::on_a_big_stack(evaluate)? }
    }

    fn evaluate(&self, variables: &BTreeMap<&str, serde_json::Value>) -> Result<cel::Value, String> {
        let mut context = run::context();
        for (name, value) in variables {
            context.add_variable_from_value(*name, value::to_cel(value)?);
        }
        self.0.program.execute(&context).map_err(|error| run::explain(&error))
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.0.text
    }

    /// The names of the variables that it reads, sorted.
    pub fn variables(&self) -> Vec<String> {
        let references = self.0.program.references();
        let mut names: Vec<_> = references.variables().into_iter().filter(|name| !name.starts_with('@')).collect();
        names.sort_unstable();
        names.into_iter().map(str::to_owned).collect()
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expr({:?})", self.0.text)
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Expr {}

/// The first error of the parser, in our words. The parser counts lines from 1 and columns, in characters, from 1.
fn syntax_error(text: &str, errors: &cel::ParseErrors) -> ExprError {
    let Some(first) = errors.errors.first() else {
        return ExprError { message: "is not an expression".to_owned(), offset: 0 };
    };
    let line = usize::try_from(first.pos.0).unwrap_or(1).max(1) - 1;
    let column = usize::try_from(first.pos.1).unwrap_or(1).max(1) - 1;
    let line_start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(line_start..).unwrap_or("");
    let in_line = rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at);
    ExprError { message: plain_message(&first.msg), offset: (line_start + in_line).min(text.len()) }
}

/// The parser lists every token that it would have taken; nobody reads that.
fn plain_message(message: &str) -> String {
    let message = message.lines().next().unwrap_or("").trim();
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    if message.to_lowercase().contains("recursion") {
        return "is nested too deeply".to_owned();
    }
    if let Some(bracket) = message.strip_prefix("missing ").and_then(|rest| rest.strip_suffix(" at '<EOF>'")) {
        return format!("ends too early: {bracket} is missing");
    }
    match message.split_once(" expecting ") {
        Some((what, _)) if what.contains("<EOF>") => "ends too early".to_owned(),
        Some((what, _)) => what.to_owned(),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
