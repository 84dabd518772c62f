//! Sources: each says one place, was read, and brings only what it may.

use std::collections::BTreeSet;

use provost_model::{SourceLock, source_of};

use crate::facts::ServerFacts;
use crate::kinds::SourceSpec;
use crate::read::{Document, Kind, Spec};
use crate::report::{Code, Diagnostic};
use crate::sources::{SOURCES_MAX, from};

/// Returns whether all sources were read, so that what is not in `documents` is nowhere.
pub(crate) fn check(documents: &[Document], lock: &SourceLock, facts: &ServerFacts, out: &mut Vec<Diagnostic>) -> bool {
    let mut all_read = true;
    let mut trusted = BTreeSet::new();
    let mut count = 0;
    for document in documents {
        let Spec::Source(spec) = &document.spec else { continue };
        if source_of(document.file()).is_some() {
            let error = Diagnostic::new(
                Code::NESTED_SOURCE,
                &document.spot_of("kind"),
                "a source cannot refer to another source",
            );
            out.push(error.hint("refer to both from the manifests of the server's own source"));
            continue;
        }
        count += 1;
        if count > SOURCES_MAX {
            let message = format!("there are more than {SOURCES_MAX} sources");
            let error = Diagnostic::new(Code::OUT_OF_RANGE, &document.name_spot(), message);
            out.push(error.hint("keep what belongs together in one repository"));
        }
        if spec.policies && may_bring_policies(document, facts, out) {
            trusted.insert(document.name().as_str());
        }
        all_read &= was_read(document, spec, lock, facts, out);
    }
    policies(documents, &trusted, out);
    all_read
}

/// Tells what is wrong with the place that the source names, or why nothing could be had from there.
fn was_read(
    document: &Document,
    spec: &SourceSpec,
    lock: &SourceLock,
    facts: &ServerFacts,
    out: &mut Vec<Diagnostic>,
) -> bool {
    let Some(from) = from(spec) else {
        let error = Diagnostic::new(Code::TOGETHER, &document.key_spot("spec"), "a source is kept in one place");
        out.push(error.hint("write one of `git` and `folder`"));
        return false;
    };
    let spot = document.key_spot(if spec.git.is_some() { "spec/git" } else { "spec/folder" });
    let name = document.name();
    match lock.get(name) {
        // The lock may be of another document of that name, which is told elsewhere.
        Some(locked) if locked.revision.is_some() => true,
        Some(locked) => {
            let why = locked.trouble.as_deref().unwrap_or("nothing was read");
            let message = format!("source `{name}` ({from}) cannot be had, and there is no copy of it: {why}");
            let error = Diagnostic::new(Code::SOURCE_MISSING, &spot, message);
            out.push(error.hint("it is tried again by itself; the last good revision stays in force"));
            false
        }
        // What takes effect is never less than what is written.
        None if facts.machine.is_some() => {
            let message = format!("source `{name}` ({from}) was not read");
            let error = Diagnostic::new(Code::SOURCE_MISSING, &spot, message);
            out.push(error.hint("write its document plainly, `kind: Source`"));
            false
        }
        None => {
            let message = format!("the manifests of source `{name}` ({from}) are not read here");
            let warning = Diagnostic::new(Code::SOURCE_UNREAD, &spot, message);
            out.push(warning.hint("`provost plan` asks a server, which reads them"));
            false
        }
    }
}

/// To refer to policies is to bring them: a document may do so where it could be a policy itself.
fn may_bring_policies(document: &Document, facts: &ServerFacts, out: &mut Vec<Diagnostic>) -> bool {
    let may = facts.may_hold_policies(document.file());
    if !may {
        let paths: Vec<String> = facts.policy_paths.iter().map(|path| format!("`{path}`")).collect();
        let message = format!(
            "a source cannot bring policies from this file: the server takes policies from {} only",
            paths.join(", ")
        );
        let error = Diagnostic::new(Code::POLICY_PATH, &document.key_spot("spec/policies"), message);
        out.push(error.hint("move it there, or remove `policies`; the server's own configuration says so"));
    }
    may
}

/// Tells of policies in sources that may not bring any.
fn policies(documents: &[Document], trusted: &BTreeSet<&str>, out: &mut Vec<Diagnostic>) {
    for document in documents.iter().filter(|document| document.kind() == Kind::Policy) {
        let Some((source, _)) = source_of(document.file()).filter(|(source, _)| !trusted.contains(source)) else {
            continue;
        };
        let message = format!("source `{source}` may not bring policies");
        let error = Diagnostic::new(Code::POLICY_PATH, &document.spot_of("kind"), message);
        out.push(error.hint(format!("if that is meant, write `policies: true` in Source/{source}")));
    }
}
