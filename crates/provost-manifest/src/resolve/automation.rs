//! One automation, as it takes effect.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::{Automation, History, Hook, Name, Origin, Param, Retries, Scope, Trigger};
use serde_json::Value;

use crate::kinds::{AutomationSpec, HistorySpec, ParamSpec, SubjectKind};
use crate::read::Document;
use crate::report::{Code, Diagnostic};
use crate::resolve::container::{self, Parts};
use crate::resolve::hook::{self, Trust};
use crate::resolve::layers::{Fields, Layers, leaves};
use crate::resolve::policy::Policy;
use crate::resolve::{Given, Now, access, limits, notify, power, rules, when};

/// What is around automations: it is the same for all of them.
pub(crate) struct Around<'a> {
    pub(crate) policies: &'a [Policy<'a>],
    /// Hooks of plugins on events of runs and services, in their order.
    pub(crate) plugin_hooks: &'a [Arc<Hook>],
    pub(crate) given: &'a Given<'a>,
    pub(crate) now: &'a Now,
}

/// Resolves `document`; nothing, if something is wrong with it, which is told.
pub(crate) fn resolve(
    document: &Document,
    spec: &AutomationSpec,
    around: &Around<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Automation> {
    let policies: Vec<&Policy<'_>> =
        around.policies.iter().filter(|policy| policy.selects(SubjectKind::Automation, document)).collect();
    let own = leaves(document, document.node("spec"));
    let layers = Layers::new(Fields::All, &policies, document, &own, out);
    let subject = power::Subject { document, path: "spec", volumes: &spec.volumes, layers: &layers, is_policy: false };
    power::check(&subject, &policies, &around.given.facts.never, out);
    limits::check_layers(&layers, &policies, document, out);
    let hooks = hooks(document, spec, &policies, around, out);
    if policies.iter().any(|policy| !policy.rules.is_empty()) {
        let effective = effective(document, &layers, &policies, out);
        policies.iter().for_each(|policy| rules::check(policy, document, &effective, out));
    }
    let schedules = when::schedules(document, spec, &layers, around.now, out);
    let parts = Parts {
        image: &spec.image,
        command: &spec.command,
        args: &spec.args,
        working_dir: spec.working_dir.as_deref(),
        volumes: &spec.volumes,
        secrets: &spec.secrets,
        access: access::resolve(
            document,
            spec.access.as_ref(),
            spec.requires.as_ref().map_or(&[], |requires| &requires.skills),
            &policies,
            &around.given.facts.never,
            out,
        ),
    };
    let settings = container::settings(document, &layers, out)?;
    let workload = container::from_settings(document, "spec", &parts, &settings, &layers, around.given, out)?;
    let retries = settings.retries?;
    let timeout_s = timeout(document, &layers, settings.timeout?.0, out);
    Some(Automation {
        name: document.name.clone(),
        labels: document.labels.clone(),
        description: document.description.clone(),
        schedules,
        triggers: spec
            .triggers
            .iter()
            .map(|trigger| Trigger {
                event: trigger.event.clone(),
                from: trigger.from.clone(),
                when: trigger.when.clone(),
            })
            .collect(),
        workload,
        params: spec.params.iter().map(|(name, spec)| (name.clone(), param(spec))).collect(),
        timeout_s,
        grace_s: settings.grace_period?.0,
        retries: Retries {
            limit: retries.limit?,
            backoff_s: retries.backoff?.0,
            max_backoff_s: retries.max_backoff?.0,
        },
        concurrency: settings.concurrency_policy?,
        queue_limit: settings.queue_limit?,
        catch_up: settings.catch_up?,
        start_deadline_s: settings.start_deadline.map(|deadline| deadline.0),
        late_after_s: settings.late_after?.0,
        locks: spec.locks.iter().cloned().collect(),
        requires: spec.requires.iter().flat_map(|requires| requires.services.iter().cloned()).collect(),
        service: None,
        run_limits: limits::run_limits(&policies),
        hooks,
        notify: notify::merge(&policies, spec),
        freezes: policies.iter().flat_map(|policy| policy.freezes.iter().cloned()).collect(),
        history: history(&layers)?,
        suspend: spec.suspend,
        action: None,
        origins: Arc::new(origins(document, &layers)),
    })
}

/// The timeout in force; one that leaves no time is told.
pub(crate) fn timeout(document: &Document, layers: &Layers<'_>, seconds: u64, out: &mut Vec<Diagnostic>) -> u64 {
    if seconds == 0 {
        let spot = layers.get("timeout").map_or_else(|| document.name_spot(), |setting| setting.spot_or_name(document));
        out.push(
            Diagnostic::new(Code::OUT_OF_RANGE, &spot, "a timeout of 0s leaves no time at all").hint("the least is 1s"),
        );
    }
    seconds
}

/// The hooks around its runs, from the outside in: those of policies, of plugins, its own (R5).
fn hooks(
    document: &Document,
    spec: &AutomationSpec,
    policies: &[&Policy<'_>],
    around: &Around<'_>,
    out: &mut Vec<Diagnostic>,
) -> Vec<Arc<Hook>> {
    let own = hook::of_owner(document, &spec.hooks, &Trust::Automation { policies }, around.given, out);
    self::around(policies, around.plugin_hooks, is_of_runs, None).chain(own).collect()
}

/// The hooks of policies and plugins that are bound to events of a family, and are for `application` or for all, in their
/// order.
pub(crate) fn around<'a>(
    policies: &'a [&'a Policy<'a>],
    plugin_hooks: &'a [Arc<Hook>],
    is_of_family: fn(&Hook) -> bool,
    application: Option<&'a Name>,
) -> impl Iterator<Item = Arc<Hook>> + use<'a> {
    let application = application.map(Name::as_str);
    let of_policies = policies.iter().flat_map(|policy| policy.hooks.iter());
    of_policies.chain(plugin_hooks).filter(move |hook| is_of_family(hook) && hook.is_for(application)).cloned()
}

/// Whether a hook is bound to an event of a run.
pub(crate) fn is_of_runs(hook: &Hook) -> bool {
    hook.event.starts_with("run.")
}

/// Whether a hook is bound to an event of a service.
pub(crate) fn is_of_services(hook: &Hook) -> bool {
    hook.event.starts_with("service.")
}

/// `spec` with everything that is in force written out, hooks included, for rules.
pub(crate) fn effective(
    document: &Document,
    layers: &Layers<'_>,
    policies: &[&Policy<'_>],
    out: &mut Vec<Diagnostic>,
) -> Value {
    let mut spec = document.node("spec").map(crate::read::Node::json).unwrap_or_default();
    if let Some(hooks) = spec.get_mut("hooks").and_then(Value::as_array_mut) {
        for (index, hook) in hooks.iter_mut().enumerate() {
            let own = leaves(document, document.node(&format!("spec/hooks/{index}")));
            if let Some(hook) = hook.as_object_mut() {
                Layers::new(Fields::Container, policies, document, &own, out).write(hook);
            }
        }
    }
    if let Some(spec) = spec.as_object_mut() {
        layers.write(spec);
    }
    spec
}

pub(crate) fn history(layers: &Layers<'_>) -> Option<History> {
    let spec: HistorySpec = serde_json::from_value(Value::Object(layers.object("history"))).ok()?;
    Some(History {
        keep_s: spec.keep?.0,
        keep_last: spec.keep_last?,
        logs_s: spec.logs?.0,
        log_bytes: spec.log_size?.0,
    })
}

pub(crate) fn param(spec: &ParamSpec) -> Param {
    Param {
        kind: spec.kind,
        description: spec.description.clone(),
        required: spec.required.unwrap_or(spec.default.is_none()),
        default: spec.default.clone(),
        minimum: spec.minimum,
        maximum: spec.maximum,
        options: spec.options.clone(),
    }
}

/// Where each value comes from: the settings one by one, the rest of the manifest by field (A8).
pub(crate) fn origins(document: &Document, layers: &Layers<'_>) -> BTreeMap<String, Origin> {
    let mut origins = BTreeMap::new();
    for entry in document.node("spec").map(crate::read::Node::entries).unwrap_or_default() {
        if !crate::resolve::built_in::is_setting(&entry.key) {
            let line = document.source.spot(entry.key_span.clone()).line();
            let origin = Origin {
                document: document.id(),
                scope: Scope::Automation,
                file: Some(document.file().to_owned()),
                line: Some(line),
            };
            origins.insert(format!("spec.{}", entry.key), origin);
        }
    }
    origins.extend(layers.iter().map(|(path, setting)| (format!("spec.{path}"), setting.origin())));
    origins
}
