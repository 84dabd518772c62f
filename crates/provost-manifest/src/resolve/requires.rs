//! What a plugin requires of the server (D28).

use provost_model::size_text;

use crate::facts::ServerFacts;
use crate::kinds::{Bytes, PluginSpec, RequiredMachineSpec};
use crate::read::Document;
use crate::report::{Code, Diagnostic};

/// Returns what the plugin requires and the server has not, a phrase each, and tells it. Nothing for nobody's server.
pub(crate) fn unmet(
    document: &Document,
    spec: &PluginSpec,
    facts: &ServerFacts,
    out: &mut Vec<Diagnostic>,
) -> Vec<String> {
    let found = spec.requires.as_ref().map(|requires| missing(requires, facts)).unwrap_or_default();
    for (path, phrase) in &found {
        let message = format!("plugin `{}` does not run on this server: it requires {phrase}", document.name);
        let warning = Diagnostic::new(Code::UNMET, &document.spot_of(&format!("spec/requires/{path}")), message);
        out.push(warning.hint("everything else goes on; give the server what is required, or require less"));
    }
    found.into_iter().map(|(_, phrase)| phrase).collect()
}

/// Where each requirement that is not met stands, and what is missing.
fn missing(requires: &RequiredMachineSpec, facts: &ServerFacts) -> Vec<(String, String)> {
    let mut missing = Vec::new();
    // Without a name it is nobody's server, and nobody's labels.
    for (label, wanted) in requires.labels.iter().filter(|_| !facts.name.is_empty()) {
        let has = match facts.labels.get(label) {
            Some(value) if value == wanted => continue,
            Some(value) => format!("it is {value} here"),
            None => "this server has no such label".to_owned(),
        };
        missing.push((format!("labels/{label}"), format!("the label {label}: {wanted}, and {has}")));
    }
    let Some(machine) = &facts.machine else { return missing };
    if let Some(wanted) = requires.architecture.as_ref().filter(|wanted| **wanted != machine.architecture) {
        let phrase = format!("the architecture {wanted}, and this machine is {}", machine.architecture);
        missing.push(("architecture".to_owned(), phrase));
    }
    if let Some(Bytes(wanted)) = requires.memory.filter(|wanted| wanted.0 > machine.memory_bytes) {
        let has = size_text(machine.memory_bytes >> 20 << 20);
        missing.push(("memory".to_owned(), format!("{} of memory, and this machine has {has}", size_text(wanted))));
    }
    missing
}
