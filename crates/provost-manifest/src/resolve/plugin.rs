//! One plugin, as it takes effect.

use std::sync::Arc;

use provost_model::{Access, Hook, PluginSummary, Skill};
use serde_json::{Map, Value};

use crate::kinds::{PluginSpec, SubjectKind};
use crate::read::{Document, nearest};
use crate::report::{Code, Diagnostic};
use crate::resolve::Given;
use crate::resolve::hook::{self, Trust};
use crate::resolve::policy::Policy;
use crate::resolve::{access, requires, rules, skill};

/// A plugin with its hooks.
pub(crate) struct Plugin {
    pub(crate) summary: PluginSummary,
    /// None, if the plugin is not enabled, or the server does not meet what it requires.
    pub(crate) hooks: Vec<Arc<Hook>>,
    /// None in the same cases.
    pub(crate) skills: Vec<Skill>,
}

/// Resolves `document`; what is wrong with it is told, whether it is enabled or not.
pub(crate) fn resolve(
    document: &Document,
    spec: &PluginSpec,
    all: &[Policy<'_>],
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Plugin {
    let policies: Vec<&Policy<'_>> =
        all.iter().filter(|policy| policy.selects(SubjectKind::Plugin, document)).collect();
    let json = document.node("spec").map(crate::read::Node::json).unwrap_or_default();
    policies
        .iter()
        .filter(|policy| policy.rules_for(SubjectKind::Plugin))
        .for_each(|policy| rules::check(policy, document, &json, out));
    check_config(document, spec, out);
    let trust = Trust::Plugin { spec, policies: &policies };
    let mut hooks = hook::of_owner(document, &spec.hooks, &trust, given, out);
    hooks.extend(spec.prepare.as_ref().and_then(|spec| hook::preparing(document, &spec.hook(), &trust, given, out)));
    let skill::OfPlugin { skills, hooks: calls } = skill::of_plugin(document, spec, &trust, given, out);
    hooks.extend(calls);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let unmet = requires::unmet(document, spec, given.facts, out);
    let runs = spec.enabled && unmet.is_empty();
    let summary = PluginSummary {
        order: spec.order,
        enabled: spec.enabled,
        hooks: count(spec.hooks.len()),
        actions: count(spec.actions.len()),
        skills: count(spec.skills.len()),
        unmet,
    };
    let (hooks, skills) = if runs { (hooks, skills) } else { Default::default() };
    Plugin { summary, hooks, skills }
}

/// What each container of the plugin may ask of the server. What is wrong with it stands once in the document, however many
/// containers it has.
pub(crate) fn access(
    document: &Document,
    spec: &PluginSpec,
    policies: &[&Policy<'_>],
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Access {
    let mut found = Vec::new();
    let skills = spec.requires.as_ref().map_or(&[] as &[String], |requires| &requires.skills);
    let access = access::resolve(document, spec.access.as_ref(), skills, policies, &given.facts.never, &mut found);
    out.extend(found.into_iter().filter(|it| !out.contains(it)).collect::<Vec<_>>());
    access
}

/// What the containers of a plugin get: `config`, and the `default` of each property of `configSchema` that it leaves out
/// (A22).
pub(crate) fn config(spec: &PluginSpec) -> Value {
    let mut config = Value::Object(spec.config.clone());
    if let Some(schema) = &spec.config_schema {
        fill_in(&mut config, schema);
    }
    config
}

fn fill_in(value: &mut Value, schema: &Map<String, Value>) {
    let (Value::Object(fields), Some(properties)) = (value, schema.get("properties")) else {
        return;
    };
    for (key, property) in properties.as_object().into_iter().flatten() {
        if let (None, Some(default)) = (fields.get(key), property.get("default")) {
            fields.insert(key.clone(), default.clone());
        }
        if let (Some(field), Some(property)) = (fields.get_mut(key), property.as_object()) {
            fill_in(field, property);
        }
    }
}

/// Checks `config` against `configSchema` (A22).
fn check_config(document: &Document, spec: &PluginSpec, out: &mut Vec<Diagnostic>) {
    let Some(schema) = &spec.config_schema else {
        return;
    };
    let schema = Value::Object(schema.clone());
    let refuse = |why: String| Diagnostic::new(Code::CONFIG, &document.key_spot("spec/configSchema"), why);
    if has_foreign_reference(&schema) {
        out.push(
            refuse("`configSchema` refers to another schema".to_owned())
                .hint("references may only point into itself: `#/…`"),
        );
        return;
    }
    let validator = match jsonschema::draft7::new(&schema) {
        Ok(validator) => validator,
        Err(error) => {
            return out.push(refuse(format!("`configSchema` is not a JSON Schema: {error}")));
        }
    };
    let config = config(spec);
    for error in validator.iter_errors(&config).take(20) {
        let path = error.instance_path().as_str().to_owned();
        let below = path.split('/').skip(1).map(str::to_owned);
        let keys: Vec<String> = ["spec".to_owned(), "config".to_owned()].into_iter().chain(below).collect();
        let spot = document.source.spot(nearest(&document.root, keys.iter().map(String::as_str)));
        let wrong = Diagnostic::new(Code::CONFIG, &spot, format!("the plugin's config is wrong: {error}"));
        out.push(wrong.related(&document.key_spot("spec/configSchema"), "asked for here"));
    }
}

fn has_foreign_reference(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, value)| match (key.as_str(), value) {
            ("$ref" | "$dynamicRef", Value::String(target)) => !target.starts_with('#'),
            ("$id" | "$schema", _) => false,
            (_, value) => has_foreign_reference(value),
        }),
        Value::Array(list) => list.iter().any(has_foreign_reference),
        _ => false,
    }
}
