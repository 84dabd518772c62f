//! One plugin, or one instance of it, as it takes effect.

use std::sync::Arc;

use provost_model::{Access, Hook, PluginSummary, Skill};

use crate::kinds::SubjectKind;
use crate::report::Diagnostic;
use crate::resolve::Given;
use crate::resolve::hook::{self, Trust};
use crate::resolve::instance::Instance;
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
    let skill::OfPlugin { skills, hooks: calls } = skill::of_plugin(instance, &trust, given, out);
    hooks.extend(calls);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let unmet = requires::unmet(document, spec, given.facts, out);
    let runs = instance.enabled && unmet.is_empty();
    let summary = PluginSummary {
        order: spec.order,
        enabled: instance.enabled,
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
    instance: &Instance<'_>,
    policies: &[&Policy<'_>],
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Access {
    let Instance { document, spec, .. } = *instance;
    let mut found = Vec::new();
    let skills = spec.requires.as_ref().map_or(&[] as &[String], |requires| &requires.skills);
    let access = access::resolve(document, spec.access.as_ref(), skills, policies, &given.facts.never, &mut found);
    out.extend(found.into_iter().filter(|it| !out.contains(it)).collect::<Vec<_>>());
    access
}
