//! What an expression may be: how long, how deep, and how costly over given values.

use std::collections::BTreeMap;

use cel::common::ast::{EntryExpr, Expr};
use serde_json::Value;

use crate::ExprError;

/// The longest expression, in bytes.
pub const LENGTH_MAX: usize = 2048;

/// How deep an expression may nest. Evaluation recurses this deep.
pub const DEPTH_MAX: usize = 100;

/// The most steps that one evaluation may take, estimated from above; about half a second.
pub const COST_MAX: u64 = 1_000_000;

/// Up to this depth an expression is evaluated on the caller's stack.
const SHALLOW: usize = 10;

/// How many loops (`all`, `exists`, `map`, `filter`) may be nested.
const LOOPS_MAX: u32 = 3;

/// How deep the text may nest its brackets; checked before the parser, which recurses, sees it.
const BRACKETS_MAX: usize = 32;

/// How many operators in a row; they become levels of the tree.
const OPERATORS_MAX: usize = 200;

/// Refuses what the parser should not even see.
pub(crate) fn check_text(text: &str) -> Result<(), ExprError> {
    let fail = |message: String, offset: usize| Err(ExprError { message, offset });
    if text.trim().is_empty() {
        return fail("is empty".to_owned(), 0);
    }
    if text.len() > LENGTH_MAX {
        return fail(format!("has {} bytes; at most {LENGTH_MAX} are read", text.len()), 0);
    }
    if let Some((offset, control)) =
        text.char_indices().find(|(_, c)| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return fail(format!("has the control character U+{:04X} in it", control as u32), offset);
    }
    let mut open = 0usize;
    let mut operators = 0usize;
    for (offset, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '+' | '-' | '*' | '/' | '%' | '!' | '?' | '.' | '<' | '>' | '=' | '&' | '|' => operators += 1,
            _ => {}
        }
        if open > BRACKETS_MAX {
            return fail(format!("nests deeper than {BRACKETS_MAX} brackets"), offset);
        }
        if operators > OPERATORS_MAX {
            return fail(format!("has more than {OPERATORS_MAX} operators; split it into several"), offset);
        }
    }
    Ok(())
}

/// What is known of an expression before it meets any value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Nodes of the tree.
    nodes: u64,
    /// Levels of the tree.
    depth: usize,
    /// The deepest nesting of loops.
    loops: u32,
    /// The longest list or map written in the expression itself.
    longest: u64,
}

impl Shape {
    /// Walks the tree.
    ///
    /// Errors: one sentence, if it is deeper than [`DEPTH_MAX`] or nests too many loops.
    pub(crate) fn of(expr: &Expr) -> Result<Shape, String> {
        let mut shape = Shape::default();
        shape.walk(expr, 1, 0)?;
        Ok(shape)
    }

    /// Whether evaluating it needs little stack.
    pub(crate) fn is_shallow(&self) -> bool {
        self.depth <= SHALLOW
    }

    fn walk(&mut self, expr: &Expr, depth: usize, loops: u32) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("is more than {DEPTH_MAX} levels deep; split it into several"));
        }
        if loops > LOOPS_MAX {
            return Err(format!("nests more than {LOOPS_MAX} loops (`all`, `exists`, `map`, `filter`)"));
        }
        self.nodes += 1;
        self.depth = self.depth.max(depth);
        self.loops = self.loops.max(loops);
        let below = depth + 1;
        match expr {
            Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
            Expr::Select(select) => self.walk(&select.operand.expr, below, loops)?,
            Expr::Call(call) => {
                for part in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
                    self.walk(&part.expr, below, loops)?;
                }
            }
            Expr::List(list) => {
                self.longest = self.longest.max(list.elements.len() as u64);
                for element in &list.elements {
                    self.walk(&element.expr, below, loops)?;
                }
            }
            Expr::Map(map) => self.walk_entries(&map.entries, below, loops)?,
            Expr::Struct(fields) => self.walk_entries(&fields.entries, below, loops)?,
            Expr::Comprehension(comprehension) => {
                self.walk(&comprehension.iter_range.expr, below, loops)?;
                self.walk(&comprehension.accu_init.expr, below, loops)?;
                self.walk(&comprehension.loop_cond.expr, below, loops + 1)?;
                self.walk(&comprehension.loop_step.expr, below, loops + 1)?;
                self.walk(&comprehension.result.expr, below, loops)?;
            }
        }
        Ok(())
    }

    fn walk_entries(
        &mut self,
        entries: &[cel::common::ast::IdedEntryExpr],
        depth: usize,
        loops: u32,
    ) -> Result<(), String> {
        self.longest = self.longest.max(entries.len() as u64);
        for entry in entries {
            match &entry.expr {
                EntryExpr::StructField(field) => self.walk(&field.value.expr, depth, loops)?,
                EntryExpr::MapEntry(entry) => {
                    self.walk(&entry.key.expr, depth, loops)?;
                    self.walk(&entry.value.expr, depth, loops)?;
                }
            }
        }
        Ok(())
    }

    /// Errors: one sentence, if evaluating over `variables` might take more than [`COST_MAX`] steps.
    pub(crate) fn check_cost(&self, variables: &BTreeMap<&str, Value>) -> Result<(), String> {
        if self.loops == 0 {
            return Ok(());
        }
        let longest = variables.values().map(longest).max().unwrap_or(0).max(self.longest);
        let cost = longest.saturating_pow(self.loops).saturating_mul(self.nodes);
        if cost > COST_MAX {
            return Err(format!("would take too long over a list of {longest} values: nest fewer loops"));
        }
        Ok(())
    }
}

/// The longest list or map anywhere in `value`.
fn longest(value: &Value) -> u64 {
    match value {
        Value::Array(list) => list.iter().map(longest).max().unwrap_or(0).max(list.len() as u64),
        Value::Object(map) => map.values().map(longest).max().unwrap_or(0).max(map.len() as u64),
        _ => 0,
    }
}
