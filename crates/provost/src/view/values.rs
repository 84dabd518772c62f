//! The values of an effective automation by their path in the manifest, in the words of manifests.
//!
//! It reads the model's JSON and the wire's alike: they differ in a few names and in what is grouped.

use std::collections::BTreeMap;

use provost_model::{duration_text, size_text};
use serde_json::Value;

/// The values of an effective automation by their path in the manifest, as people write them.
pub fn values(automation: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (key, value) in automation.as_object().into_iter().flatten() {
        match key.as_str() {
            "name" | "origins" | "labels" | "description" | "history" => {}
            "hooks" => found.extend(hooks(value)),
            "runLimits" => found.extend(run_limits(value)),
            "freezes" | "freeze" => found.extend(freezes(value)),
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
                // The model groups resources and channels, the wire does not.
                let inner = if key == "resources" || key == "channels" {
                    path.to_owned()
                } else {
                    format!("{path}.{}", word(key))
                };
                flatten(&inner, value, found);
            }
        }
        Value::Array(items) if items.is_empty() => {}
        Value::Array(items) if path.ends_with(".secrets") => drop(found.insert(path.to_owned(), secrets(items))),
        Value::String(text) => drop(found.insert(path.to_owned(), text.clone())),
        Value::Number(number) => drop(found.insert(path.to_owned(), in_units(path, number.as_u64(), value))),
        _ => drop(found.insert(path.to_owned(), value.to_string())),
    }
}

/// Which secrets, and where they are put.
fn secrets(secrets: &[Value]) -> String {
    let one = |secret: &Value| {
        let part =
            |word: &str, key: &str| secret[key].as_str().map(|text| format!(" {word} {text}")).unwrap_or_default();
        format!("{}{}{}", secret["name"].as_str().unwrap_or_default(), part("at", "file"), part("as", "env"))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Each hook by its event and owner.
fn hooks(hooks: &Value) -> BTreeMap<String, String> {
    let image =
        |hook: &Value| hook["workload"]["image"].as_str().or(hook["image"].as_str()).unwrap_or_default().to_owned();
    hooks.as_array().into_iter().flatten().map(|hook| (place_of(hook), image(hook))).collect()
}

/// Caps on runs at once by their policy, as the model has them.
fn run_limits(limits: &Value) -> BTreeMap<String, String> {
    let one = |limit: &Value| {
        let policy = limit["policy"].as_str().unwrap_or_default();
        (format!("spec.limits.runsAtOnce.{policy}"), limit["runsAtOnce"].to_string())
    };
    limits.as_array().into_iter().flatten().map(one).collect()
}

/// Windows in which nothing starts, by their policy and place.
fn freezes(freezes: &Value) -> BTreeMap<String, String> {
    let one = |(index, freeze): (usize, &Value)| {
        let (policy, reason) = (freeze["policy"].as_str(), freeze["reason"].as_str());
        let place = format!("spec.freeze.{}.{}", policy.unwrap_or_default(), index + 1);
        (place, format!("{}: {}", schedule(&freeze["minutes"]), reason.unwrap_or_default()))
    };
    freezes.as_array().into_iter().flatten().enumerate().map(one).collect()
}

/// Schedules in their own words, one after the other.
fn schedules(schedules: &Value) -> String {
    schedules.as_array().into_iter().flatten().map(schedule).collect::<Vec<_>>().join("; ")
}

/// A schedule in its own words: the expression with its zone, the period, the instant.
fn schedule(schedule: &Value) -> String {
    let text = |key: &str| schedule[key].as_str();
    let zone = text("timeZone").map_or(String::new(), |zone| format!(" {zone}"));
    let base = match (text("text").or(text("cron")), schedule["everyS"].as_u64(), text("at")) {
        (Some(text), ..) => format!("{text}{zone}"),
        (_, Some(seconds), _) => format!("every {}", duration_text(seconds)),
        (.., at) => format!("at {}", at.unwrap_or_default()),
    };
    match schedule["jitterS"].as_u64() {
        Some(jitter) if jitter > 0 => format!("{base} jitter {}", duration_text(jitter)),
        _ => base,
    }
}

/// The word that manifests have for a field of the effective automation.
fn word(key: &str) -> &str {
    match key {
        "timeoutS" => "timeout",
        "graceS" => "gracePeriod",
        "intervalS" => "interval",
        "startTimeoutS" => "startTimeout",
        "startDeadlineS" => "startDeadline",
        "lateAfterS" => "lateAfter",
        "concurrency" => "concurrencyPolicy",
        "pull" => "pullPolicy",
        "runsAtOnce" => "limits.runsAtOnce",
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
        (
            "timeout" | "gracePeriod" | "startDeadline" | "lateAfter" | "backoff" | "maxBackoff" | "afterS"
            | "interval" | "startTimeout",
            Some(seconds),
        ) => duration_text(seconds),
        ("memory", Some(bytes)) => size_text(bytes),
        ("cpu", Some(millis)) => format!("{}", millis as f64 / 1000.0),
        _ => value.to_string(),
    }
}

/// Who bound a hook, in the model's words (an object) or the wire's (`Policy/shop`).
pub fn owner_of(hook: &Value) -> (String, &'static str) {
    let owner = &hook["owner"];
    let name = owner["name"].as_str().unwrap_or_default();
    let document = match (owner.as_str(), owner["kind"].as_str()) {
        (Some(text), _) => text.to_owned(),
        (None, Some("policy")) => format!("Policy/{name}"),
        (None, Some("plugin")) => format!("Plugin/{name}"),
        (None, _) => "the automation".to_owned(),
    };
    let scope = if document.starts_with("Policy/") {
        "Policy"
    } else if document.starts_with("Plugin/") {
        "Plugin"
    } else {
        "Automation"
    };
    (document, scope)
}

/// `spec.hooks.run.starting.shop.announce`
pub fn place_of(hook: &Value) -> String {
    let (document, _) = owner_of(hook);
    let owner = document.split_once('/').map_or(String::new(), |(_, owner)| format!("{owner}."));
    let text = |key: &str| hook[key].as_str().unwrap_or_default().to_owned();
    format!("spec.hooks.{}.{owner}{}", text("event"), text("name"))
}
