//! Policies over automations: precedence, composition, what each may say.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use provost_manifest::{Code, Compiled, ServerFacts, SourceFile, Style, compile};
use provost_model::{Automation, RevisionId};

mod hooks;
mod layers;
mod powers;

fn facts() -> ServerFacts {
    ServerFacts {
        name: "ber-1".into(),
        labels: BTreeMap::from([("tier".into(), "prod".into())]),
        ..ServerFacts::default()
    }
}

/// Compiles documents, each written as `Kind/name` and the rest of it.
fn compiled(documents: &[(&str, &str)]) -> Compiled {
    compiled_on(&facts(), documents)
}

fn compiled_on(facts: &ServerFacts, documents: &[(&str, &str)]) -> Compiled {
    let file = |(id, spec): &(&str, &str)| {
        let (kind, name) = id.split_once('/').unwrap();
        let text = format!(
            "apiVersion: provost/v1\nkind: {kind}\nmetadata: {{name: {name}, labels: {{team: {name}}}}}\nspec: {spec}\n"
        );
        SourceFile { path: format!("{}.yaml", id.replace('/', "-")), bytes: text.into_bytes() }
    };
    let files: Vec<SourceFile> = documents.iter().map(file).collect();
    compile(&files, facts, RevisionId::parse("r1").unwrap(), "2026-11-20T12:00:00Z".parse().unwrap())
}

fn automation(compiled: &Compiled, name: &str) -> Automation {
    let desired = compiled.desired.as_ref().unwrap_or_else(|| panic!("{}", compiled.report(Style::Plain)));
    Automation::clone(desired.automations.get(name).unwrap())
}

fn report(documents: &[(&str, &str)]) -> Automation {
    automation(&compiled(documents), "report")
}

fn codes(compiled: &Compiled) -> Vec<Code> {
    compiled.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

/// The least automation.
const REPORT: (&str, &str) = ("Automation/report", "{image: report, schedule: '0 12 * * *'}");
