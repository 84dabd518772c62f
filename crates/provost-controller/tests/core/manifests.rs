//! Manifests as people write them, and how they are compiled here.

use jiff::{SignedDuration, Timestamp};
use provost_controller::Compiled;
use provost_manifest::{ServerFacts, SourceFile, Style, compile};
use provost_model::{Instance, Name, RevisionId};

pub const START: &str = "2026-11-20T12:00:00Z";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn instance() -> Instance {
    Instance::parse("bench").unwrap()
}

pub fn automation(name: &str, spec: &str) -> String {
    format!("---\napiVersion: provost/v1\nkind: Automation\nmetadata: {{name: {name}}}\nspec: {{image: job, {spec}}}\n")
}

/// A policy with hooks, each as `event` or `event, more: fields`.
pub fn hooks(hooks: &[&str]) -> String {
    let hooks: Vec<String> =
        hooks.iter().enumerate().map(|(i, hook)| format!("{{name: h{i}, image: hook, event: {hook}}}")).collect();
    format!(
        "---\napiVersion: provost/v1\nkind: Policy\nmetadata: {{name: shop}}\nspec: {{hooks: [{}]}}\n",
        hooks.join(", ")
    )
}

pub fn compiled(revision: &str, yaml: &str) -> Compiled {
    let files = [SourceFile { path: "shop.yaml".to_owned(), bytes: yaml.as_bytes().to_vec() }];
    let compiled = compile(&files, &ServerFacts::default(), RevisionId::parse(revision).unwrap(), at(START));
    let (report, (errors, warnings)) = (compiled.report(Style::Plain), compiled.count());
    let number = |count| u32::try_from(count).unwrap();
    Compiled { desired: compiled.desired, report, errors: number(errors), warnings: number(warnings) }
}
