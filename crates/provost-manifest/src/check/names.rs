//! Names are unique among a kind, and among automations and services; policies are where they may be.

use std::collections::BTreeMap;

use provost_model::source_of;

use crate::facts::ServerFacts;
use crate::read::{Document, Kind};
use crate::report::{Code, Diagnostic};

pub(crate) fn check(documents: &[Document], facts: &ServerFacts, out: &mut Vec<Diagnostic>) {
    let mut seen = BTreeMap::new();
    for document in documents {
        if let Some(first) = seen.insert((space(document.kind()), document.name()), document) {
            let message = if first.kind() == document.kind() {
                format!("there are two of {}", document.id())
            } else {
                format!("{} and {} have one name", first.id(), document.id())
            };
            let error = Diagnostic::new(Code::SAME_NAME, &document.name_spot(), message);
            out.push(
                error.related(&first.name_spot(), "first here").hint("give one of them another name, or remove it"),
            );
        }
        let is_own = source_of(document.file()).is_none();
        if document.kind() == Kind::Policy && is_own && !facts.may_hold_policies(document.file()) {
            let paths: Vec<String> = facts.policy_paths.iter().map(|path| format!("`{path}`")).collect();
            let message =
                format!("a policy cannot be in this file: the server takes policies from {} only", paths.join(", "));
            let error = Diagnostic::new(Code::POLICY_PATH, &document.spot_of("kind"), message);
            out.push(error.hint("move it there; the server's own configuration says so"));
        }
    }
}

/// The kind whose names `kind` shares: commands name automations and services alike.
fn space(kind: Kind) -> Kind {
    if kind == Kind::Service { Kind::Automation } else { kind }
}
