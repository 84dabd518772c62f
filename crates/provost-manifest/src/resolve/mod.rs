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
mod hook;
mod layers;
mod limits;
mod notify;
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
use provost_model::{Desired, Hook, PolicySummary};
use provost_schedule::{Schedule, Timing};

pub(crate) use hook::event_name;
pub(crate) use rules::expression;

use crate::facts::ServerFacts;
use crate::read::{Document, Spec, Spot};
use crate::report::{Code, Diagnostic};
use automation::{Around, is_of_runs, is_of_services};
use policy::{Policy, subject_kind};
use secret::Secrets;

/// What is given to all that is resolved, besides the documents.
pub(crate) struct Given<'a> {
    pub(crate) facts: &'a ServerFacts,
    pub(crate) secrets: Secrets,
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
    let given = &Given { facts, secrets: secret::all(documents, out) };
    let policies = Policy::all(documents, given, out);
    policies.iter().for_each(|policy| policy.warn_if_idle(documents, out));
    let mut desired = Desired::default();
    let plugin_hooks = plugins(documents, &policies, given, &mut desired, out);
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
            Spec::Plugin(spec) => {
                let actions = action::of_plugin(document, spec, &around, out);
                let runs = desired.plugins.get(&document.name).is_some_and(|plugin| plugin.unmet.is_empty());
                for action in actions.into_iter().filter(|_| runs) {
                    desired.automations.insert(action.name.clone(), Arc::new(action));
                }
            }
            Spec::Policy(_) | Spec::Secret(_) | Spec::Source(_) => {}
        }
    }
    for policy in &policies {
        desired.policies.insert(policy.document.name.clone(), summary(policy, documents));
    }
    let of_policies = policies.iter().flat_map(|policy| policy.hooks.iter().cloned());
    let others = std::mem::take(&mut desired.hooks);
    desired.hooks = of_policies.filter(|hook| !is_of_runs(hook) && !is_of_services(hook)).chain(others).collect();
    desired
}

/// Resolves the plugins in their order: by `order`, then by name. Hooks on events of runs and services are returned, the
/// others are put into `desired`.
fn plugins(
    documents: &[Document],
    policies: &[Policy<'_>],
    given: &Given<'_>,
    desired: &mut Desired,
    out: &mut Vec<Diagnostic>,
) -> Vec<Arc<Hook>> {
    let mut plugins: Vec<_> = documents
        .iter()
        .filter_map(|document| match &document.spec {
            Spec::Plugin(spec) => Some((document, spec)),
            _ => None,
        })
        .collect();
    plugins.sort_by_key(|(document, spec)| (spec.order, document.name.clone()));
    let mut of_runs = Vec::new();
    for (document, spec) in plugins {
        let plugin = plugin::resolve(document, spec, policies, given, out);
        desired.plugins.insert(document.name.clone(), plugin.summary);
        desired.skills.extend(plugin.skills.into_iter().map(|skill| (skill.name.clone(), Arc::new(skill))));
        for hook in plugin.hooks {
            if is_of_runs(&hook) || is_of_services(&hook) { of_runs.push(hook) } else { desired.hooks.push(hook) }
        }
    }
    of_runs
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
