//! An automation's effective manifest: each value, with the scope, document and line that set it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::json as as_json;
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
    let values = values(&as_json(automation));
    let columns = vec![Column::new("FIELD"), Column::new("VALUE"), Column::new("SCOPE"), Column::new("SET BY"), Column::new("WHERE")];
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

/// The words for a scope, the framework's first and the strongest last.
fn scope(scope: &str) -> (Tone, &'static str) {
    match scope {
        "PolicyDefault" => (Tone::Plain, "policy default"),
        "Automation" => (Tone::Good, "automation"),
        "PolicyEnforced" => (Tone::Warn, "policy enforced"),
        _ => (Tone::Dim, "built-in"),
    }
}

/// The values of an effective automation by their path in the manifest, as people write them.
fn values(automation: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (key, value) in automation.as_object().into_iter().flatten() {
        match key.as_str() {
            "name" | "origins" | "labels" | "description" | "history" => {}
            "hooks" => found.extend(hooks(value)),
            "workload" => flatten("spec", value, &mut found),
            "schedules" | "schedule" => drop(found.insert("spec.schedule".to_owned(), schedules(value))),
            _ => flatten(&format!("spec.{}", word(key)), value, &mut found),
        }
    }
    found.retain(|_, value| !value.is_empty());
    found
}

fn flatten(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                // The model groups resources, the wire does not.
                let inner = if key == "resources" { path.to_owned() } else { format!("{path}.{}", word(key)) };
                flatten(&inner, value, found);
            }
        }
        Value::Array(items) if items.is_empty() => {}
        Value::String(text) => drop(found.insert(path.to_owned(), text.clone())),
        Value::Number(number) => drop(found.insert(path.to_owned(), in_units(path, number.as_u64(), value))),
        _ => drop(found.insert(path.to_owned(), value.to_string())),
    }
}

/// Each hook by its event and owner: it is bound, not set.
fn hooks(hooks: &Value) -> BTreeMap<String, String> {
    let place = |hook: &Value| {
        let name = hook["name"].as_str().unwrap_or_default();
        let owner = hook["owner"]["name"].as_str().map_or(String::new(), |owner| format!("{owner}."));
        format!("spec.hooks.{}.{owner}{name}", hook["event"].as_str().unwrap_or_default())
    };
    let image = |hook: &Value| hook["workload"]["image"].as_str().unwrap_or_default().to_owned();
    hooks.as_array().into_iter().flatten().map(|hook| (place(hook), image(hook))).collect()
}

/// Schedules in their own words: the expression with its zone, the period, the instant.
fn schedules(schedules: &Value) -> String {
    let one = |schedule: &Value| {
        let text = |key: &str| schedule[key].as_str();
        let zone = text("timeZone").map_or(String::new(), |zone| format!(" {zone}"));
        let base = match (text("text").or(text("cron")), schedule["everyS"].as_u64(), text("at")) {
            (Some(text), ..) => format!("{text}{zone}"),
            (_, Some(seconds), _) => format!("every {}", length(seconds)),
            (.., at) => format!("at {}", at.unwrap_or_default()),
        };
        match schedule["jitterS"].as_u64() {
            Some(jitter) if jitter > 0 => format!("{base} jitter {}", length(jitter)),
            _ => base,
        }
    };
    schedules.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join("; ")
}

/// The word that manifests have for a field of the effective automation.
fn word(key: &str) -> &str {
    match key {
        "timeoutS" => "timeout",
        "graceS" => "gracePeriod",
        "startDeadlineS" => "startDeadline",
        "lateAfterS" => "lateAfter",
        "concurrency" => "concurrencyPolicy",
        "pull" => "pullPolicy",
        "runLimits" | "runsAtOnce" => "limits.runsAtOnce",
        "freezes" => "freeze",
        "backoffS" => "backoff",
        "maxBackoffS" => "maxBackoff",
        "cpuMillis" => "resources.cpu",
        "memoryBytes" => "resources.memory",
        "pids" => "resources.pids",
        key => key,
    }
}

fn in_units(path: &str, number: Option<u64>, value: &Value) -> String {
    let last = path.rsplit('.').next().unwrap_or_default();
    match (last, number) {
        ("timeout" | "gracePeriod" | "startDeadline" | "lateAfter" | "backoff" | "maxBackoff" | "afterS", Some(seconds)) => length(seconds),
        ("memory", Some(bytes)) => size(bytes),
        ("cpu", Some(millis)) => format!("{}", millis as f64 / 1000.0),
        _ => value.to_string(),
    }
}

/// `90s`, `10m`, `6h`, `1d`: the largest unit that says it exactly.
fn length(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}

/// `512Mi`, `2Gi`: the largest unit that says it exactly.
fn size(bytes: u64) -> String {
    let units = [(1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")];
    let unit = units.into_iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| bytes.to_string(), |(unit, name)| format!("{}{name}", bytes / unit))
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
        let expected = ["spec.resources.cpu = 0.5 | built-in |  | ", "spec.schedule = every 90s | built-in |  | ", "spec.timeout = 90s | built-in |  | "];
        assert_eq!(rows(&wire, &BTreeMap::new()), expected);
    }
}
