//! What a revision would change: the comparison that `provost plan` shows and `provost apply` carries out (C3).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use jiff::Timestamp;
use provost_model::{Automation, Desired, Freeze, Name, Probe, RunLimit, State, Trigger, duration_text, size_text};
use provost_schedule::{OnFold, OnGap, Schedule, Timing};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::due::next_due;

/// One change that a revision brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What happens to it.
    pub verb: Verb,
    /// `Automation/nightly`.
    pub subject: String,
    /// For a changed value: its path in the manifest, as in `spec.timeout`.
    pub field: Option<String>,
    /// The value before.
    pub before: Option<String>,
    /// The value after.
    pub after: Option<String>,
    /// Where the new value comes from: `automations/nightly.yaml:8`, with the policy if one set it.
    pub origin: Option<String>,
    /// What follows from it: `first run 2026-11-21T01:15:00Z`, `1 run in progress: it may finish`.
    pub effect: Option<String>,
}

/// What happens to a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// It is new.
    Add,
    /// It changes.
    Change,
    /// It goes.
    Remove,
}

/// Returns what `new` would change: automations by name, then channels, plugins, policies, sources,
/// skills, hooks of the server.
pub fn changes(state: &State, new: &Desired, now: Timestamp) -> Vec<Change> {
    let old = &state.desired;
    let mut changes = Vec::new();
    for name in union(&old.automations, &new.automations) {
        match (old.automations.get(name), new.automations.get(name)) {
            (None, Some(new)) => changes.push(added(new, now)),
            (Some(old), None) => changes.push(removed(state, old)),
            // Another kind under the same name.
            (Some(old), Some(new)) if old.service.is_some() != new.service.is_some() => {
                changes.extend([removed(state, old), added(new, now)]);
            }
            (Some(old), Some(new)) if old != new => changes.extend(changed(state, old, new, now)),
            _ => {}
        }
    }
    changes.extend(others("Channel", &old.channels, &new.channels));
    changes.extend(others("Plugin", &old.plugins, &new.plugins));
    changes.extend(others("Policy", &old.policies, &new.policies));
    changes.extend(sources(old, new));
    changes.extend(others("Skill", &old.skills, &new.skills));
    changes.extend(server_hooks(old, new));
    changes
}

fn union<'a, K: Ord, T>(old: &'a BTreeMap<K, T>, new: &'a BTreeMap<K, T>) -> BTreeSet<&'a K> {
    old.keys().chain(new.keys()).collect()
}

fn change(verb: Verb, subject: String) -> Change {
    Change { verb, subject, field: None, before: None, after: None, origin: None, effect: None }
}

/// `Automation/nightly`, `Service/relay`.
fn subject(automation: &Automation) -> String {
    let kind = if automation.service.is_some() { "Service" } else { "Automation" };
    format!("{kind}/{}", automation.name)
}

fn added(new: &Automation, now: Timestamp) -> Change {
    let effect = match next_due(new, now) {
        _ if new.service.is_some() => "starts".to_owned(),
        _ if new.suspend => "suspended".to_owned(),
        Some(first) => format!("first run {first}"),
        None if new.action.is_some() => "runs when it is called".to_owned(),
        None if new.triggers.is_empty() => "runs by hand only".to_owned(),
        None => "runs on its triggers".to_owned(),
    };
    let after = Some(new.workload.image.clone());
    Change { effect: Some(effect), after, ..change(Verb::Add, subject(new)) }
}

fn removed(state: &State, old: &Automation) -> Change {
    let going_on = state.runs_of(&old.name).filter(|run| !run.is_finished()).count();
    let effect = match going_on {
        1.. if old.service.is_some() => Some("is taken down".to_owned()),
        0 => None,
        1 => Some("1 run in progress: it may finish".to_owned()),
        many => Some(format!("{many} runs in progress: they may finish")),
    };
    Change { effect, ..change(Verb::Remove, subject(old)) }
}

fn changed(state: &State, old: &Automation, new: &Automation, now: Timestamp) -> Vec<Change> {
    let (before, after) = (values(old), values(new));
    let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing = fields.into_iter().filter(|field| before.get(*field) != after.get(*field));
    let is_going_on = state.runs_of(&new.name).any(|run| run.is_going_on());
    let is_replaced = new.service.is_some() && old.workload != new.workload && is_going_on;
    differing
        .map(|field| {
            let effect = match field.as_str() {
                field if is_replaced && is_of_workload(field) => {
                    Some("a new container takes the place of the old one".to_owned())
                }
                _ if new.service.is_some() => None,
                "spec.schedule" => next_due(new, now).map(|next| format!("next run {next}")),
                _ if is_going_on => Some("the run in progress keeps the value before".to_owned()),
                _ => None,
            };
            Change {
                field: Some(field.clone()),
                before: before.get(field).cloned(),
                after: after.get(field).cloned(),
                origin: origin(new, field),
                effect,
                ..change(Verb::Change, subject(new))
            }
        })
        .collect()
}

/// Whether a container has to be made anew for a change of `field`.
fn is_of_workload(field: &str) -> bool {
    let words = ["image", "pullPolicy", "command", "args", "env", "user", "workingDir", "readOnlyRoot"];
    let more = [
        "dropCapabilities",
        "addCapabilities",
        "userNamespace",
        "network",
        "volumes",
        "secrets",
        "ports",
        "resources",
        "access",
    ];
    let word = field.strip_prefix("spec.").and_then(|rest| rest.split('.').next()).unwrap_or_default();
    words.contains(&word) || more.contains(&word)
}

fn origin(automation: &Automation, field: &str) -> Option<String> {
    let origin = automation.origins.get(field)?;
    let place = match (&origin.file, origin.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.clone(),
        (None, _) => return Some(origin.document.clone()),
    };
    let is_own = origin.document == subject(automation);
    Some(if is_own { place } else { format!("{}, {place}", origin.document) })
}

/// The effective values of an automation by their path in the manifest, as people write them.
fn values(automation: &Automation) -> BTreeMap<String, String> {
    let mut bare = automation.clone();
    bare.origins = std::sync::Arc::default();
    let mut values = BTreeMap::new();
    // Of a sealed value only the digest says something.
    list("spec.secrets", std::mem::take(&mut bare.workload.secrets).iter().map(ToString::to_string), &mut values);
    list("spec.ports", std::mem::take(&mut bare.workload.ports).iter().map(ToString::to_string), &mut values);
    let Ok(Value::Object(fields)) = serde_json::to_value(&bare) else {
        return values;
    };
    for (key, value) in fields {
        match key.as_str() {
            "name" | "origins" => {}
            // What only automations have.
            "timeoutS" | "lateAfterS" | "concurrency" | "queueLimit" | "catchUp" | "suspend" | "locks"
                if automation.service.is_some() => {}
            "retries" if automation.service.is_some() => flat("spec.restart", &value, &mut values),
            "service" => service(automation, &mut values),
            "requires" => list("spec.requires.services", automation.requires.iter().map(Name::to_string), &mut values),
            "labels" | "description" => flat(&format!("metadata.{key}"), &value, &mut values),
            "workload" => value.as_object().into_iter().flatten().for_each(|(key, value)| {
                flat(&format!("spec.{}", manifest_word(key)), value, &mut values);
            }),
            "hooks" => hooks(automation, &mut values),
            "notify" => notify(&value, &mut values),
            "schedules" => list("spec.schedule", automation.schedules.iter().map(schedule_text), &mut values),
            "triggers" => list("spec.triggers", automation.triggers.iter().map(trigger_text), &mut values),
            "freezes" => list("spec.freeze", automation.freezes.iter().map(|it| freeze_text(it)), &mut values),
            "runLimits" => list("spec.limits.runsAtOnce", automation.run_limits.iter().map(limit_text), &mut values),
            key => flat(&format!("spec.{}", manifest_word(key)), &value, &mut values),
        }
    }
    values
}

fn service(automation: &Automation, values: &mut BTreeMap<String, String>) {
    let Some(terms) = &automation.service else { return };
    let mut set = |path: &str, text: String| drop(values.insert(path.to_owned(), text));
    set("spec.restart.policy", format!("{:?}", terms.restart));
    set("spec.replace", format!("{:?}", terms.replace));
    let Some(check) = &terms.health_check else { return };
    match &check.probe {
        Probe::Http { port, path } => set("spec.healthCheck.http", format!("GET :{port}{path}")),
        Probe::Command { command } => set("spec.healthCheck.command", command.join(" ")),
    }
    set("spec.healthCheck.interval", duration_text(check.interval_s));
    set("spec.healthCheck.timeout", duration_text(check.timeout_s));
    set("spec.healthCheck.failures", check.failures.to_string());
    set("spec.healthCheck.startTimeout", duration_text(check.start_timeout_s));
}

fn hooks(automation: &Automation, values: &mut BTreeMap<String, String>) {
    for hook in &automation.hooks {
        let image = &hook.workload.image;
        let words: Vec<&str> = hook.workload.command.iter().chain(&hook.workload.args).map(String::as_str).collect();
        let place = format!("spec.hooks.{}.{}", hook.event, hook.label());
        let rest = provost_model::Digest::of_json(hook);
        values.insert(place, format!("{image} {} ({})", words.join(" "), rest.short()));
    }
}

/// Moments are named beside `noSuccessFor`, as in manifests.
fn notify(value: &Value, values: &mut BTreeMap<String, String>) {
    let channels = value["channels"].as_object().into_iter().flatten();
    channels.for_each(|(moment, names)| flat(&format!("spec.notify.{moment}"), names, values));
    flat("spec.notify.noSuccessFor", &value["noSuccessFor"], values);
}

fn list(path: &str, texts: impl Iterator<Item = String>, values: &mut BTreeMap<String, String>) {
    let texts: Vec<String> = texts.collect();
    if !texts.is_empty() {
        values.insert(path.to_owned(), texts.join(", "));
    }
}

fn schedule_text(schedule: &Schedule) -> String {
    let mut text = match &schedule.timing {
        Timing::Cron { cron, zone, on_gap, on_fold } => {
            let gap = if *on_gap == OnGap::Skip { ", onGap Skip" } else { "" };
            let fold = if *on_fold == OnFold::Both { ", onFold Both" } else { "" };
            format!("{cron} ({zone}{gap}{fold})")
        }
        Timing::Every { seconds } => format!("every {}", duration_text(*seconds)),
        Timing::At { instant } => format!("at {instant}"),
    };
    if schedule.jitter_s > 0 {
        text += &format!(" with jitter up to {}", duration_text(schedule.jitter_s));
    }
    text
}

fn trigger_text(trigger: &Trigger) -> String {
    let from = trigger.from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
    let when = trigger.when.as_ref().map(|when| format!(" when {when}")).unwrap_or_default();
    format!("{}{from}{when}", trigger.event)
}

fn freeze_text(freeze: &Freeze) -> String {
    format!("{}: {} (Policy/{})", schedule_text(&freeze.minutes), freeze.reason, freeze.policy)
}

fn limit_text(limit: &RunLimit) -> String {
    format!("{} (Policy/{})", limit.runs_at_once, limit.policy)
}

/// The word that manifests have for a field of the effective automation.
fn manifest_word(field: &str) -> &str {
    match field {
        "timeoutS" => "timeout",
        "graceS" => "gracePeriod",
        "startDeadlineS" => "startDeadline",
        "lateAfterS" => "lateAfter",
        "concurrency" => "concurrencyPolicy",
        "pull" => "pullPolicy",
        "backoffS" => "backoff",
        "maxBackoffS" => "maxBackoff",
        "cpuMillis" => "cpu",
        "memoryBytes" => "memory",
        "afterS" => "after",
        "keepS" => "keep",
        "logsS" => "logs",
        "logBytes" => "logSize",
        field => field,
    }
}

fn flat(path: &str, value: &Value, values: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(map) if path != "spec.params" => {
            map.iter().for_each(|(key, value)| flat(&format!("{path}.{}", manifest_word(key)), value, values));
        }
        Value::String(text) => drop(values.insert(path.to_owned(), text.clone())),
        Value::Array(items) if items.is_empty() => {}
        Value::Object(map) if map.is_empty() => {}
        value => drop(values.insert(path.to_owned(), in_units(path, value))),
    }
}

/// Durations and sizes as manifests write them.
fn in_units(path: &str, value: &Value) -> String {
    let last = path.rsplit('.').next().unwrap_or_default();
    let Some(number) = value.as_u64() else {
        return value.to_string();
    };
    match last {
        "timeout" | "gracePeriod" | "startDeadline" | "lateAfter" | "backoff" | "maxBackoff" | "after" | "keep"
        | "logs" => duration_text(number),
        "memory" | "logSize" => size_text(number),
        "cpu" => format!("{}", number as f64 / 1000.0),
        _ => number.to_string(),
    }
}

fn others<K: Ord + Display, T: PartialEq>(kind: &str, old: &BTreeMap<K, T>, new: &BTreeMap<K, T>) -> Vec<Change> {
    let verb = |name: &K| match (old.get(name), new.get(name)) {
        (None, _) => Some(Verb::Add),
        (_, None) => Some(Verb::Remove),
        (Some(old), Some(new)) => (old != new).then_some(Verb::Change),
    };
    let names = union(old, new).into_iter();
    names.filter_map(|name| verb(name).map(|verb| change(verb, format!("{kind}/{name}")))).collect()
}

/// Of a source that changes, the revision is told: that is what is new of it, whatever it brings.
fn sources(old: &Desired, new: &Desired) -> Vec<Change> {
    let mut changes = others("Source", &old.sources, &new.sources);
    for change in changes.iter_mut().filter(|change| change.verb == Verb::Change) {
        let of = |desired: &Desired| {
            let name = change.subject.strip_prefix("Source/")?;
            desired.sources.get(name).map(|source| source.revision.clone())
        };
        let (before, after) = (of(old), of(new));
        if before != after {
            (change.field, change.before, change.after) = (Some("revision".to_owned()), before, after);
        }
    }
    changes
}

fn server_hooks(old: &Desired, new: &Desired) -> Vec<Change> {
    let by_place = |desired: &Desired| -> BTreeMap<String, String> {
        let place = |hook: &provost_model::Hook| format!("Hook/{}.{}", hook.event, hook.label());
        desired.hooks.iter().map(|hook| (place(hook), provost_model::Digest::of_json(hook).to_string())).collect()
    };
    let (old, new) = (by_place(old), by_place(new));
    let places: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let verb = |place: &String| match (old.get(place), new.get(place)) {
        (None, _) => Some(Verb::Add),
        (_, None) => Some(Verb::Remove),
        (Some(old), Some(new)) => (old != new).then_some(Verb::Change),
    };
    places.into_iter().filter_map(|place| verb(place).map(|verb| change(verb, place.clone()))).collect()
}
