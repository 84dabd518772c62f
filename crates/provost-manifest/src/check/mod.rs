//! What must hold among the documents of a revision, whatever policies say.

mod actions;
mod cycle;
mod names;
mod params;
mod ports;
mod references;
mod skills;
mod sources;

use provost_model::SourceLock;

use crate::facts::ServerFacts;
use crate::read::{Document, Kind};
use crate::report::{Code, Diagnostic};

/// Somebody is named who is not in the documents.
const NOT_HERE: [Code; 3] = [Code::UNKNOWN_CHANNEL, Code::UNKNOWN_AUTOMATION, Code::UNKNOWN_SECRET];

/// All checks on all documents. `broken` are documents with errors of their own: that others refer to them is none.
pub(crate) fn check(
    documents: &[Document],
    broken: &[(Kind, String)],
    lock: &SourceLock,
    facts: &ServerFacts,
) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    names::check(documents, facts, &mut out);
    actions::check(documents, facts, &mut out);
    let all_read = sources::check(documents, lock, facts, &mut out);
    references::check(documents, broken, &mut out);
    skills::check(documents, facts, all_read && broken.is_empty(), &mut out);
    if !all_read {
        // What is not here may be in a source that was not read.
        out.retain(|diagnostic| !NOT_HERE.contains(&diagnostic.code));
    }
    cycle::check(documents, &mut out);
    params::check(documents, &mut out);
    ports::check(documents, &mut out);
    out
}
