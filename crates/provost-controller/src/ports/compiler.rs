//! From a revision's files to what it wants.

use jiff::Timestamp;
use provost_model::Desired;

use crate::Revision;

/// Compiles a revision whole. Pure: the same revision and instant give the same answer.
pub trait Compiler: Send + Sync {
    /// Returns what `revision` wants, or why it is refused.
    fn compile(&self, revision: &Revision, now: Timestamp) -> Compiled;
}

/// What came of compiling a revision.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What it wants; absent when there is one error or more (C2).
    pub desired: Option<Desired>,
    /// The diagnostics, as people read them.
    pub report: String,
    /// How many errors there are.
    pub errors: u32,
    /// How many warnings there are.
    pub warnings: u32,
}
