//! A policy, made ready to be applied many times.

use std::sync::Arc;

use provost_expr::Expr;
use provost_model::{Freeze, Hook, Name};

use crate::kinds::{PolicySpec, RuleMode, SubjectKind};
use crate::read::{Document, Spec, Spot};
use crate::report::{Code, Diagnostic, did_you_mean};
use crate::resolve::Given;
use crate::resolve::hook::{self, Trust};
use crate::resolve::layers::{Leaf, leaves};
use crate::resolve::{rules, when};

/// A policy that is in force on this server.
pub(crate) struct Policy<'a> {
    pub(crate) document: &'a Document,
    pub(crate) spec: &'a PolicySpec,
    pub(crate) defaults: Vec<Leaf>,
    /// What it enforces, and what it says about the history.
    pub(crate) enforced: Vec<Leaf>,
    /// Its limits, by their own names (`memory`).
    pub(crate) limits: Vec<Leaf>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) hooks: Vec<Arc<Hook>>,
    pub(crate) freezes: Vec<Arc<Freeze>>,
}

/// A rule that was read.
pub(crate) struct Rule {
    pub(crate) expr: Expr,
    pub(crate) message: String,
    pub(crate) mode: RuleMode,
    pub(crate) spot: Spot,
}

impl<'a> Policy<'a> {
    /// The policies among `documents` that are for this server, in their order: by `order`, then by name.
    pub(crate) fn all(documents: &'a [Document], given: &Given<'_>, out: &mut Vec<Diagnostic>) -> Vec<Policy<'a>> {
        let mut policies = Vec::new();
        for document in documents {
            if let Spec::Policy(spec) = &document.spec {
                let policy = Policy::new(document, spec, given, out);
                if spec.select.servers.iter().all(|(key, value)| given.facts.labels.get(key) == Some(value)) {
                    policies.push(policy);
                }
            }
        }
        policies.sort_by_key(|policy| (policy.spec.order, policy.document.name.clone()));
        policies
    }

    fn new(document: &'a Document, spec: &'a PolicySpec, given: &Given<'_>, out: &mut Vec<Diagnostic>) -> Self {
        let node = |path: &str| document.node(path);
        let mut enforced = leaves(document, node("spec/enforce"));
        let below = |key: &'static str, prefix: &'static str| {
            let entries = node(key).map(crate::read::Node::entries).unwrap_or_default().iter();
            entries.map(move |entry| Leaf {
                path: format!("{prefix}{}", entry.key),
                value: entry.value.json(),
                spot: document.source.spot(entry.value.span.clone()),
                key: document.source.spot(entry.key_span.clone()),
            })
        };
        enforced.extend(below("spec/history", "history."));
        if spec.allow.is_some() && spec.select.names.is_empty() && spec.select.labels.is_empty() {
            let error =
                Diagnostic::new(Code::ALLOW_UNNAMED, &document.key_spot("spec/allow"), "`allow` must say for whom");
            out.push(error.hint(
                "add `select.names` or `select.labels` to this policy; what is for everyone belongs into another one",
            ));
        }
        let trust = Trust::Policy { order: spec.order };
        check_decide(document, spec, out);
        let decide = spec.decide.iter();
        let mut hooks: Vec<_> = decide.flat_map(|spec| hook::deciding(document, spec, &trust, given, out)).collect();
        hooks.extend(hook::of_owner(document, &spec.hooks, &trust, given, out));
        Policy {
            document,
            spec,
            defaults: leaves(document, node("spec/defaults")),
            enforced,
            limits: below("spec/limits", "").collect(),
            rules: rules::read(document, spec, out),
            hooks,
            freezes: when::freezes(document, spec, out),
        }
    }

    /// Whether it is for a document of this kind, name and labels.
    pub(crate) fn selects(&self, kind: SubjectKind, document: &Document) -> bool {
        let select = &self.spec.select;
        (select.kinds.is_empty() || select.kinds.contains(&kind))
            && (select.names.is_empty() || select.names.contains(&document.name))
            && select.labels.iter().all(|(key, value)| document.labels.get(key) == Some(value))
    }

    /// Whether its rules are for documents of this kind: of automations and services, or where it names the kind.
    pub(crate) fn rules_for(&self, kind: SubjectKind) -> bool {
        matches!(kind, SubjectKind::Automation | SubjectKind::Service) || self.spec.select.kinds.contains(&kind)
    }

    /// Warns if it selects nothing, though it says whom to select.
    pub(crate) fn warn_if_idle(&self, documents: &[Document], out: &mut Vec<Diagnostic>) {
        let select = &self.spec.select;
        let names = || {
            documents.iter().filter(|document| subject_kind(document).is_some()).map(|document| document.name.as_str())
        };
        for (index, name) in select.names.iter().enumerate() {
            if !names().any(|known| known == name.as_str()) {
                let spot = self.document.spot_of(&format!("spec/select/names/{index}"));
                let warning = Diagnostic::new(
                    Code::SELECTS_NOTHING,
                    &spot,
                    format!("nothing is called `{name}`, so the policy selects nothing by it"),
                );
                out.push(warning.maybe_hint(did_you_mean(name.as_str(), names())));
            }
        }
        let selected =
            documents.iter().any(|document| subject_kind(document).is_some_and(|kind| self.selects(kind, document)));
        if !selected && select.names.is_empty() && !select.labels.is_empty() {
            let spot = self.document.key_spot("spec/select/labels");
            out.push(Diagnostic::new(
                Code::SELECTS_NOTHING,
                &spot,
                "nothing has these labels, so the policy selects nothing",
            ));
        }
    }
}

/// Tells of a hook that has the name of the container that decides: their steps could not be told apart.
fn check_decide(document: &Document, spec: &PolicySpec, out: &mut Vec<Diagnostic>) {
    let is_taken = |name: &Name| spec.decide.is_some() && name.as_str() == "decide";
    if let Some(index) = spec.hooks.iter().position(|hook| hook.name.as_ref().is_some_and(is_taken)) {
        let spot = document.spot_of(&format!("spec/hooks/{index}/name"));
        let error =
            Diagnostic::new(Code::SAME_HOOK, &spot, "a hook cannot be called `decide` beside `decide` of the policy");
        out.push(error.related(&document.key_spot("spec/decide"), "it is here").hint("give the hook another name"));
    }
}

/// The kind of a document, if policies select it.
pub(crate) fn subject_kind(document: &Document) -> Option<SubjectKind> {
    match document.spec {
        Spec::Automation(_) => Some(SubjectKind::Automation),
        Spec::Service(_) => Some(SubjectKind::Service),
        Spec::Channel(_) => Some(SubjectKind::Channel),
        Spec::Plugin(_) => Some(SubjectKind::Plugin),
        Spec::Policy(_) | Spec::Secret(_) | Spec::Source(_) => None,
    }
}
