//! One plugin, or one instance of it, as it takes effect.

use std::sync::Arc;

use provost_model::{Hook, PluginSummary};

use crate::kinds::SubjectKind;
use crate::report::Diagnostic;
use crate::resolve::Given;
use crate::resolve::hook::{self, Trust};
use crate::resolve::instance::Instance;
use crate::resolve::policy::Policy;
use crate::resolve::{requires, rules};

/// A plugin with its hooks.
pub(crate) struct Plugin {
    pub(crate) summary: PluginSummary,
    /// None, if the plugin is not enabled, or the server does not meet what it requires.
    pub(crate) hooks: Vec<Arc<Hook>>,
}

/// Resolves `instance`; what is wrong with it is told, whether it is enabled or not.
pub(crate) fn resolve(
    instance: &Instance<'_>,
    all: &[Policy<'_>],
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Plugin {
    let Instance { document, spec, .. } = *instance;
    let policies: Vec<&Policy<'_>> =
        all.iter().filter(|policy| policy.selects(SubjectKind::Plugin, document)).collect();
    let json = document.node("spec").map(crate::read::Node::json).unwrap_or_default();
    policies
        .iter()
        .filter(|policy| policy.rules_for(SubjectKind::Plugin))
        .for_each(|policy| rules::check(policy, document, &json, out));
    let trust = Trust::Plugin { instance, policies: &policies };
    let mut hooks = hook::of_owner(document, &spec.hooks, &trust, given, out);
    hooks.extend(spec.prepare.as_ref().and_then(|spec| hook::preparing(document, &spec.hook(), &trust, given, out)));
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let unmet = requires::unmet(document, spec, given.facts, out);
    let runs = instance.enabled && unmet.is_empty();
    let summary = PluginSummary {
        order: spec.order,
        enabled: instance.enabled,
        hooks: count(spec.hooks.len()),
        actions: count(spec.actions.len()),
        unmet,
    };
    Plugin { summary, hooks: if runs { hooks } else { Vec::new() } }
}
