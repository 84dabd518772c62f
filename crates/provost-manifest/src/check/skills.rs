//! Skills are unique on a server, and those that are called are there.

use std::collections::{BTreeMap, BTreeSet};

use crate::ServerFacts;
use crate::read::{Document, Spec, Spot};
use crate::report::{Code, Diagnostic, did_you_mean};

pub(crate) fn check(documents: &[Document], facts: &ServerFacts, all_read: bool, out: &mut Vec<Diagnostic>) {
    let mut provided: BTreeMap<&str, (String, Spot)> = BTreeMap::new();
    for document in documents {
        for (name, path) in provided_by(document) {
            let spot = document.spot_of(&path);
            if let Some((other, first)) = provided.get(name) {
                let message = format!("{other} and {} both provide the skill `{name}`", document.id());
                let error = Diagnostic::new(Code::SAME_NAME, &spot, message);
                out.push(error.related(first, "first here").hint("callers would not know whom they reach: remove one"));
            } else {
                provided.insert(name, (document.id(), spot));
            }
        }
    }
    if !all_read {
        return; // What is not here may be in a source that was not read.
    }
    for document in documents {
        for (index, name) in called_by(document).iter().enumerate() {
            if !provided.contains_key(name.as_str()) && !facts.peers.contains_key(name) {
                let known = provided.keys().copied().chain(facts.peers.keys().map(String::as_str)).collect();
                out.push(unknown(document, index, name, &known));
            }
        }
    }
}

fn unknown(document: &Document, index: usize, name: &str, known: &BTreeSet<&str>) -> Diagnostic {
    let spot = document.spot_of(&format!("spec/requires/skills/{index}"));
    let error = Diagnostic::new(Code::UNKNOWN_SKILL, &spot, format!("nobody provides the skill `{name}`"));
    let names: Vec<&str> = known.iter().copied().take(8).collect();
    let others = || match names.is_empty() {
        true => "there is no skill at all; a plugin's `skills`, a service's `provides`, or `peers` of the server's \
            configuration (`--config`) adds one"
            .to_owned(),
        false => format!("there are {}", names.join(", ")),
    };
    error.hint(did_you_mean(name, known.iter().copied()).unwrap_or_else(others))
}

/// The skills that a document provides, each with where its name stands.
fn provided_by(document: &Document) -> Vec<(&str, String)> {
    match &document.spec {
        Spec::Plugin(spec) => {
            let skills = spec.skills.iter().enumerate();
            skills.map(|(index, skill)| (skill.name.as_str(), format!("spec/skills/{index}/name"))).collect()
        }
        Spec::Service(spec) => {
            let skills = spec.provides.iter().enumerate();
            skills.map(|(index, skill)| (skill.skill.as_str(), format!("spec/provides/{index}/skill"))).collect()
        }
        _ => Vec::new(),
    }
}

/// The skills that the containers of a document call.
fn called_by(document: &Document) -> &[String] {
    match &document.spec {
        Spec::Plugin(spec) => spec.requires.as_ref().map_or(&[], |requires| requires.skills.as_slice()),
        Spec::Automation(spec) => spec.requires.as_ref().map_or(&[], |requires| requires.skills.as_slice()),
        Spec::Service(spec) => spec.requires.as_ref().map_or(&[], |requires| requires.skills.as_slice()),
        _ => &[],
    }
}
