//! What must hold among the documents of a revision, whatever policies say.

mod actions;
mod cycle;
mod names;
mod params;
mod references;

use crate::facts::ServerFacts;
use crate::read::{Document, Kind};
use crate::report::Diagnostic;

/// All checks on all documents. `broken` are documents with errors of their own: that others refer to them is none.
pub(crate) fn check(documents: &[Document], broken: &[(Kind, String)], facts: &ServerFacts) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    names::check(documents, facts, &mut out);
    actions::check(documents, &mut out);
    references::check(documents, broken, &mut out);
    cycle::check(documents, &mut out);
    params::check(documents, &mut out);
    out
}
