//! From manifests to what takes effect: built-in default < policies' defaults < the manifest < what policies enforce.
//!
//! Hooks and notifications add up instead. From the outside in, hooks around a run are those of policies (by `order`,
//! then by name), those of plugins (likewise), the automation's own; before a run they start in this order, after it in
//! the reverse one, so that an automation's own hooks are innermost (R5).

mod access;
mod action;
mod automation;
pub(crate) mod built_in;
mod channel;
mod container;
mod here;
mod hook;
pub(crate) mod instance;
mod layers;
mod limits;
mod notify;
mod placeholder;
mod plugin;
mod policy;
mod power;
mod requires;
mod rules;
mod secret;
mod service;
mod skill;
mod when;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use provost_model::{Desired, Hook, PluginName, PolicySummary, Provider, Skill};
use provost_schedule::{Schedule, Timing};

pub(crate) use hook::event_name;
pub(crate) use rules::expression;

use crate::facts::ServerFacts;
use crate::read::{Document, Spec, Spot};
use crate::report::{Code, Diagnostic};
use automation::{Around, is_of_runs, is_of_services};
use here::Here;
use instance::Instance;
use policy::{Policy, subject_kind};
use secret::Secrets;

/// What is given to all that is resolved, besides the documents.
pub(crate) struct Given<'a> {
    pub(crate) facts: &'a ServerFacts,
    pub(crate) secrets: Secrets,
    pub(crate) here: Here<'a>,
}

/// An expression, a zone, and what it does when the clocks change.
type When = (String, &'static str, u8);

/// The instant that warnings with dates are counted from; absent: no such warnings.
pub(crate) struct Now {
    pub(crate) instant: Option<Timestamp>,
    /// Many automations are due alike: what was said of an expression and a zone.
    said: RefCell<HashMap<When, Option<when::Warning>>>,
}

impl Now {
    pub(crate) fn new(instant: Option<Timestamp>) -> Self {
        Self { instant, said: RefCell::default() }
    }

    /// What clock changes do to a schedule within the next two years, about `spot`.
    fn clock_warning(&self, schedule: &Schedule, spot: &Spot) -> Option<Diagnostic> {
        let from = self.instant?;
        let Timing::Cron { cron, zone, on_gap, on_fold } = &schedule.timing else {
            return None;
        };
        let key = (cron.source().to_owned(), zone.name(), *on_gap as u8 * 2 + *on_fold as u8);
        let mut said = self.said.borrow_mut();
        let warning = said.entry(key).or_insert_with(|| {
            let until = from.checked_add((2 * 366 * 24).hours()).unwrap_or(Timestamp::MAX);
            when::clock_warning(schedule, from, until)
        });
        let (message, hint) = warning.clone()?;
        Some(Diagnostic::new(Code::CLOCK_CHANGE, spot, message).maybe_hint(hint))
    }
}

/// Resolves all documents. What cannot be resolved is left out and told.
pub(crate) fn resolve(documents: &[Document], facts: &ServerFacts, now: &Now, out: &mut Vec<Diagnostic>) -> Desired {
    let given = &Given { facts, secrets: secret::all(documents, out), here: Here::new(&facts.plugins) };
    let policies = Policy::all(documents, given, out);
    policies.iter().for_each(|policy| policy.warn_if_idle(documents, out));
    let mut desired = Desired { skills: skill::of_peers(facts), ..Desired::default() };
    let plugins = plugins(documents, given, out);
    let plugin_hooks = hooks_of(&plugins, &policies, given, &mut desired, out);
    let around = Around { policies: &policies, plugin_hooks: &plugin_hooks, given, now };
    for document in documents {
        match &document.spec {
            Spec::Automation(spec) => {
                if let Some(automation) = automation::resolve(document, spec, &around, out) {
                    desired.automations.insert(document.name.clone(), Arc::new(automation));
                }
            }
            Spec::Service(spec) => {
                let skills = skill::of_service(document, spec, out);
                desired.skills.extend(skills.into_iter().map(|skill| (skill.name.clone(), Arc::new(skill))));
                if let Some(service) = service::resolve(document, spec, &around, out) {
                    desired.automations.insert(document.name.clone(), Arc::new(service));
                }
            }
            Spec::Channel(spec) => {
                if let Some(channel) = channel::resolve(document, spec, &policies, given, out) {
                    desired.channels.insert(document.name.clone(), Arc::new(channel));
                }
            }
            Spec::Plugin(_) | Spec::Policy(_) | Spec::Secret(_) | Spec::Source(_) => {}
        }
    }
    for plugin in &plugins {
        let actions = action::of_plugin(plugin, &around, out);
        let runs = desired.plugins.get(&plugin.name).is_some_and(|plugin| plugin.unmet.is_empty());
        for action in actions.into_iter().filter(|_| runs) {
            desired.automations.insert(action.name.clone(), Arc::new(action));
        }
    }
    given.here.tell_unknown(documents, &mut desired, out);
    for policy in &policies {
        desired.policies.insert(policy.document.name.clone(), summary(policy, documents));
    }
    let of_policies = policies.iter().flat_map(|policy| policy.hooks.iter().cloned());
    let others = std::mem::take(&mut desired.hooks);
    desired.hooks = of_policies.filter(|hook| !is_of_runs(hook) && !is_of_services(hook)).chain(others).collect();
    desired
}

/// The plugins as they run here, in their order: by `order`, then by name.
fn plugins<'a>(documents: &'a [Document], given: &Given<'a>, out: &mut Vec<Diagnostic>) -> Vec<Instance<'a>> {
    let mut plugins = Vec::new();
    for document in documents {
        if let Spec::Plugin(spec) = &document.spec {
            plugins.extend(Instance::all(document, spec, given, out));
        }
    }
    plugins.sort_by_key(|plugin| (plugin.spec.order, plugin.name.clone()));
    plugins
}

/// The hooks of plugins. Those on events of runs and services are returned, the others are put into `desired`.
fn hooks_of(
    plugins: &[Instance<'_>],
    policies: &[Policy<'_>],
    given: &Given<'_>,
    desired: &mut Desired,
    out: &mut Vec<Diagnostic>,
) -> Vec<Arc<Hook>> {
    let mut of_runs = Vec::new();
    for instance in plugins {
        let plugin = plugin::resolve(instance, policies, given, out);
        desired.plugins.insert(instance.name.clone(), plugin.summary);
        for skill in plugin.skills {
            if let Some(other) = desired.skills.insert(skill.name.clone(), Arc::new(skill)) {
                out.extend(same_skill(instance.document, &instance.name, &other));
            }
        }
        for hook in plugin.hooks {
            if is_of_runs(&hook) || is_of_services(&hook) { of_runs.push(hook) } else { desired.hooks.push(hook) }
        }
    }
    of_runs
}

/// Tells of two instances of one plugin that provide one skill; of two documents, that was told already.
fn same_skill(document: &Document, instance: &PluginName, other: &Skill) -> Option<Diagnostic> {
    let (Provider::Container { plugin } | Provider::Constant { plugin, .. }) = &other.provider else { return None };
    let is_same = plugin.plugin() == instance.plugin();
    is_same.then(|| {
        let message = format!("the instances {plugin} and {instance} both provide the skill `{}`", other.name);
        let error = Diagnostic::new(Code::SAME_NAME, &document.key_spot("spec/skills"), message);
        error.hint("callers would not know whom they reach: put the skill into a plugin without instances")
    })
}

fn summary(policy: &Policy<'_>, documents: &[Document]) -> PolicySummary {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let selected = documents.iter().filter(|document| {
        matches!(document.spec, Spec::Automation(_) | Spec::Service(_))
            && subject_kind(document).is_some_and(|kind| policy.selects(kind, document))
    });
    PolicySummary {
        order: policy.spec.order,
        automations: count(selected.count()),
        hooks: count(policy.spec.hooks.len()),
        rules: count(policy.spec.rules.len()),
    }
}
