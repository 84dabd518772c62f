//! An automation's effective manifest: each value, with the scope, document and line that set it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::json as as_json;
use super::values::{owner_of, place_of, values};
use crate::output::{Cell, Column, Listing, Row, Text, Tone};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// `Policy/shop`, `Automation/nightly` or `built-in default`.
    pub document: String,
    /// `BuiltIn`, `PolicyDefault`, `Automation` or `PolicyEnforced`.
    pub scope: String,
    /// `policies/shop.yaml:8`; absent for built-in defaults.
    pub place: Option<String>,
}

impl Source {
    /// The same, with its place made of file and line.
    pub fn new(document: &str, scope: &str, file: Option<&str>, line: Option<u32>) -> Self {
        let place = file.map(|file| line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")));
        Self { document: document.to_owned(), scope: scope.to_owned(), place }
    }
}

/// The list of effective values of `automation`, an object in the model's or the wire's words.
pub fn effective(automation: &impl serde::Serialize, sources: &BTreeMap<String, Source>) -> Listing {
    let json = as_json(automation);
    let values = values(&json);
    let mut sources = sources.clone();
    sources.extend(added(&json));
    let sources = &sources;
    let columns = vec![
        Column::new("FIELD"),
        Column::new("VALUE"),
        Column::new("SCOPE"),
        Column::new("SET BY"),
        Column::new("WHERE"),
    ];
    let rows = values.iter().map(|(path, value)| {
        let source = source_of(path, sources);
        let (tone, scope) = source.map_or((Tone::Dim, "built-in"), |source| scope(&source.scope));
        let document = source.map_or("", |source| source.document.as_str());
        let place = source.and_then(|source| source.place.as_deref());
        let cells = vec![
            path.as_str().into(),
            Cell::from(value.as_str()),
            Text::toned(tone, scope).into(),
            document.into(),
            place.unwrap_or_default().into(),
        ];
        let json = json!({"path": path, "value": value, "scope": scope, "document": document, "place": place});
        Row { name: path.clone(), cells, json }
    });
    Listing { columns, rows: rows.collect(), when_empty: String::new() }
}

/// The source of the value at `path`: its own, or that of the nearest value around or in it.
fn source_of<'a>(path: &str, sources: &'a BTreeMap<String, Source>) -> Option<&'a Source> {
    let mut around = Some(path);
    while let Some(here) = around {
        if let Some(source) = sources.get(here) {
            return Some(source);
        }
        around = here.rsplit_once('.').map(|(above, _)| above);
    }
    let below = format!("{path}.");
    sources.range(below.clone()..).next().filter(|(inner, _)| inner.starts_with(&below)).map(|(_, source)| source)
}

/// The sources of what is not set but added up: hooks and limits of policies and plugins, notifications of all.
fn added(automation: &Value) -> BTreeMap<String, Source> {
    let mut sources = BTreeMap::new();
    for hook in automation["hooks"].as_array().into_iter().flatten() {
        let (document, scope) = owner_of(hook);
        sources.insert(place_of(hook), Source::new(&document, scope, None, None));
    }
    let items = |key: &str| automation[key].as_array().into_iter().flatten();
    let limits = items("runLimits").filter_map(|limit| limit["policy"].as_str());
    let limits =
        limits.chain(automation["runsAtOnce"].as_object().into_iter().flatten().map(|(policy, _)| policy.as_str()));
    for policy in limits {
        sources.insert(format!("spec.limits.runsAtOnce.{policy}"), policy_source(policy));
    }
    for policy in items("freezes").chain(items("freeze")).filter_map(|freeze| freeze["policy"].as_str()) {
        sources.insert(format!("spec.freeze.{policy}"), policy_source(policy));
    }
    sources.insert("spec.notify".to_owned(), Source::new("policies and the automation", "Sum", None, None));
    sources
}

fn policy_source(policy: &str) -> Source {
    Source::new(&format!("Policy/{policy}"), "Policy", None, None)
}

/// The words for a scope, the framework's first and the strongest last.
fn scope(scope: &str) -> (Tone, &'static str) {
    match scope {
        "PolicyDefault" => (Tone::Plain, "policy default"),
        "Automation" => (Tone::Good, "automation"),
        "PolicyEnforced" => (Tone::Warn, "policy enforced"),
        "Policy" => (Tone::Warn, "policy"),
        "Plugin" => (Tone::Live, "plugin"),
        "Sum" => (Tone::Plain, "all of them"),
        _ => (Tone::Dim, "built-in"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(automation: &Value, sources: &BTreeMap<String, Source>) -> Vec<String> {
        let listing = effective(automation, sources);
        let line = |row: &Row| {
            let text = |key: &str| row.json[key].as_str().unwrap_or_default().to_owned();
            format!("{} = {} | {} | {} | {}", row.name, text("value"), text("scope"), text("document"), text("place"))
        };
        listing.rows.iter().map(line).collect()
    }

    #[test]
    fn a8_each_value_names_its_scope_document_and_line() {
        let model = json!({
            "name": "nightly", "timeoutS": 600, "catchUp": "Last", "startDeadlineS": null, "locks": [],
            "schedules": [{"cron": "0 2 * * *", "timeZone": "Europe/Berlin", "jitterS": 300}],
            "workload": {"image": "a:1", "env": {"SHOP": "acme"}, "resources": {"cpuMillis": 500, "memoryBytes": 536870912}},
            "retries": {"limit": 2, "backoffS": 30},
        });
        let source = |document, scope, place: (&str, u32)| Source::new(document, scope, Some(place.0), Some(place.1));
        let sources = BTreeMap::from([
            ("spec.timeout".to_owned(), source("Policy/shop", "PolicyDefault", ("policies/shop.yaml", 8))),
            ("spec.env.SHOP".to_owned(), source("Policy/shop", "PolicyEnforced", ("policies/shop.yaml", 12))),
            ("spec.retries".to_owned(), source("Automation/nightly", "Automation", ("automations/nightly.yaml", 5))),
            ("spec.catchUp".to_owned(), Source::new("built-in default", "BuiltIn", None, None)),
        ]);
        let expected = [
            "spec.catchUp = Last | built-in | built-in default | ",
            "spec.env.SHOP = acme | policy enforced | Policy/shop | policies/shop.yaml:12",
            "spec.image = a:1 | built-in |  | ",
            "spec.resources.cpu = 0.5 | built-in |  | ",
            "spec.resources.memory = 512Mi | built-in |  | ",
            "spec.retries.backoff = 30s | automation | Automation/nightly | automations/nightly.yaml:5",
            "spec.retries.limit = 2 | automation | Automation/nightly | automations/nightly.yaml:5",
            "spec.schedule = 0 2 * * * Europe/Berlin jitter 5m | built-in |  | ",
            "spec.timeout = 10m | policy default | Policy/shop | policies/shop.yaml:8",
        ];
        assert_eq!(rows(&model, &sources), expected);
    }

    #[test]
    fn the_wires_words_are_read_alike() {
        let wire = json!({"cpuMillis": 500, "timeoutS": 90, "schedule": [{"text": "every 90s", "timeZone": null}]});
        let expected = [
            "spec.resources.cpu = 0.5 | built-in |  | ",
            "spec.schedule = every 90s | built-in |  | ",
            "spec.timeout = 90s | built-in |  | ",
        ];
        assert_eq!(rows(&wire, &BTreeMap::new()), expected);
    }
}
