//! Hooks: from what is written to what runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::{Access, Hook, HookOwner, Name, OWN_EVENT_FAMILIES, OWN_EVENTS, OnError};
use serde_json::json;

use crate::kinds::{DecideSpec, HookSpec, QUESTIONS};
use crate::read::Document;
use crate::report::{Code, Diagnostic, did_you_mean};
use crate::resolve::Given;
use crate::resolve::built_in::{HOOK_GRACE_S, HOOK_TIMEOUT_S};
use crate::resolve::container::{self, Parts};
use crate::resolve::instance::Instance;
use crate::resolve::layers::{Fields, Layers, leaves};
use crate::resolve::limits;
use crate::resolve::placeholder;
use crate::resolve::policy::Policy;
use crate::resolve::power;

/// Who binds hooks, and so who may say what about them.
pub(crate) enum Trust<'a> {
    /// A policy: only the server's configuration is above it.
    Policy { order: i64 },
    /// A plugin, or an instance of it, under these policies.
    Plugin { instance: &'a Instance<'a>, policies: &'a [&'a Policy<'a>] },
    /// An automation, under these policies.
    Automation { policies: &'a [&'a Policy<'a>] },
    /// A service, under these policies.
    Service { policies: &'a [&'a Policy<'a>] },
}

impl<'a> Trust<'a> {
    fn policies(&self) -> &'a [&'a Policy<'a>] {
        match self {
            Trust::Policy { .. } => &[],
            Trust::Plugin { policies, .. } | Trust::Automation { policies } | Trust::Service { policies } => policies,
        }
    }

    /// The application that is meant where a hook names `own`.
    fn application(&self, own: &Name) -> Name {
        match self {
            Trust::Plugin { instance, .. } => instance.application(own).clone(),
            _ => own.clone(),
        }
    }

    fn owner(&self, name: &Name) -> HookOwner {
        match self {
            Trust::Policy { order } => HookOwner::Policy { name: name.clone(), order: *order },
            Trust::Plugin { instance, .. } => {
                HookOwner::Plugin { name: instance.name.clone(), order: instance.spec.order }
            }
            Trust::Automation { .. } | Trust::Service { .. } => HookOwner::Automation,
        }
    }
}

/// The hooks of `document`, as they take effect; what is wrong with them is told.
pub(crate) fn of_owner(
    document: &Document,
    specs: &[HookSpec],
    trust: &Trust<'_>,
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Vec<Arc<Hook>> {
    let mut hooks = Vec::new();
    let mut names: BTreeMap<Name, usize> = BTreeMap::new();
    for (index, spec) in specs.iter().enumerate() {
        let path = format!("spec/hooks/{index}");
        let generated = || Name::new(format!("hook-{}", index + 1)).ok();
        let Some(name) = spec.name.clone().or_else(generated) else {
            continue;
        };
        if let Some(first) = names.insert(name.clone(), index) {
            let error = Diagnostic::new(
                Code::SAME_HOOK,
                &document.spot_of(&format!("{path}/name")),
                format!("two hooks of {} are called `{name}`", document.id()),
            );
            out.push(
                error
                    .related(&document.spot_of(&format!("spec/hooks/{first}/name")), "first here")
                    .hint("give one of them another name"),
            );
        }
        check_event(document, &path, spec, trust, out);
        hooks.extend(one(document, &path, name, spec, trust, given, out));
    }
    hooks
}

/// The hook that prepares a plugin.
pub(crate) fn preparing(
    document: &Document,
    spec: &HookSpec,
    trust: &Trust<'_>,
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Arc<Hook>> {
    let name = Name::new("prepare").ok()?;
    one(document, "spec/prepare", name, spec, trust, given, out)
}

/// The hooks by which a policy decides: one on each event that asks.
pub(crate) fn deciding(
    document: &Document,
    spec: &DecideSpec,
    trust: &Trust<'_>,
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Vec<Arc<Hook>> {
    let Ok(name) = Name::new("decide") else { return Vec::new() };
    let mut hook = |event: &&str| one(document, "spec/decide", name.clone(), &spec.hook(event), trust, given, out);
    QUESTIONS.iter().filter_map(&mut hook).collect()
}

/// The hook at `path` of `document`, as it takes effect; what is wrong with it is told.
pub(crate) fn one(
    document: &Document,
    path: &str,
    name: Name,
    spec: &HookSpec,
    trust: &Trust<'_>,
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Arc<Hook>> {
    let (plugin_image, config) = match trust {
        Trust::Plugin { instance, .. } => (instance.spec.image.as_deref(), instance.config.clone()),
        _ => (None, json!({})),
    };
    let Some(image) = spec.image.as_deref().or(plugin_image) else {
        let hint = match trust {
            Trust::Plugin { .. } => "give it an `image`, or the plugin one for all its containers",
            _ => "give the hook an `image`",
        };
        let what = if spec.event.starts_with(provost_model::SKILL) { "skill" } else { "hook" };
        let message = format!("{what} `{name}` has no image");
        out.push(Diagnostic::new(Code::NO_IMAGE, &document.spot_of(path), message).hint(hint));
        return None;
    };
    let on_error = on_error(document, path, spec, out);
    let own = leaves(document, document.node(path));
    let layers = Layers::new(Fields::Container, trust.policies(), document, &own, out);
    let is_policy = matches!(trust, Trust::Policy { .. });
    let subject = power::Subject { document, path, volumes: &spec.volumes, layers: &layers, is_policy };
    power::check(&subject, trust.policies(), &given.facts.never, out);
    limits::check_layers(&layers, trust.policies(), document, out);
    let given_timeout = spec.timeout.map(|timeout| timeout.0);
    let timeout_s = limits::hook_timeout(
        given_timeout,
        HOOK_TIMEOUT_S,
        trust.policies(),
        &document.spot_of(&format!("{path}/timeout")),
        out,
    );
    if !spec.event.starts_with("run.") && !spec.event.starts_with("service.") {
        let what = format!("`{}` is no event of a run", spec.event);
        container::check_scopes(document, path, &spec.volumes, &what, out);
    }
    let parts = Parts {
        image,
        command: &spec.command,
        args: &spec.args,
        working_dir: spec.working_dir.as_deref(),
        volumes: &spec.volumes,
        secrets: &spec.secrets,
        access: match trust {
            Trust::Plugin { instance, policies } => super::plugin::access(instance, policies, given, out),
            _ => Access::default(),
        },
    };
    let mut workload = container::workload(document, path, &parts, &layers, given, out)?;
    if let Trust::Plugin { instance, .. } = trust {
        placeholder::fill_in(document, path, &mut workload, &instance.config, out);
    }
    Some(Arc::new(Hook {
        name,
        owner: trust.owner(&document.name),
        event: spec.event.clone(),
        stage: spec.stage.unwrap_or_default(),
        workload,
        config,
        takes: spec.takes.clone(),
        timeout_s,
        grace_s: spec.grace_period.map_or(HOOK_GRACE_S, |grace| grace.0),
        on_error,
        background: spec.background,
        parallel: spec.parallel,
        application: spec.application.as_ref().map(|own| trust.application(own)),
    }))
}

/// What a failure means: as written, or `Fail` where something waits for the hook and can still be stopped.
fn on_error(document: &Document, path: &str, spec: &HookSpec, out: &mut Vec<Diagnostic>) -> OnError {
    let can_stop = matches!(spec.event.as_str(), "run.starting" | "service.starting" | "server.startup");
    match spec.on_error {
        Some(OnError::Fail) if spec.background => {
            let spot = document.spot_of(&format!("{path}/onError"));
            let error = Diagnostic::new(Code::TOGETHER, &spot, "a hook in the background cannot stop anything");
            out.push(error.hint("remove `background: true` or `onError: Fail`"));
            OnError::Fail
        }
        Some(given) => given,
        None if can_stop && !spec.background => OnError::Fail,
        None => OnError::Ignore,
    }
}

fn check_event(document: &Document, path: &str, spec: &HookSpec, trust: &Trust<'_>, out: &mut Vec<Diagnostic>) {
    let path = format!("{path}/event");
    event_name(document, &path, &spec.event, out);
    if matches!(trust, Trust::Automation { .. }) && !spec.event.starts_with("run.") {
        let message = format!("an automation's own hooks are about its runs; `{}` is no event of a run", spec.event);
        let error = Diagnostic::new(Code::WRONG_EVENT, &document.spot_of(&path), message);
        out.push(error.hint("to start on the event, use `triggers`; to react to it on the server, put the hook into a policy or a plugin"));
    }
    if matches!(trust, Trust::Service { .. }) && !spec.event.starts_with("service.") {
        let message = format!("a service's own hooks are about itself; `{}` is no event of a service", spec.event);
        let error = Diagnostic::new(Code::WRONG_EVENT, &document.spot_of(&path), message);
        out.push(error.hint("to react to it on the server, put the hook into a policy or a plugin"));
    }
    if matches!(trust, Trust::Automation { .. }) && spec.application.is_some() {
        let message = "an automation's own hooks are about its runs, and those are of no application";
        let spot = document.spot_of(&path.replace("/event", "/application"));
        out.push(Diagnostic::new(Code::TOGETHER, &spot, message).hint("remove it, or put the hook into a plugin"));
    }
}

/// Tells if an event's name is one of ours that there is not, or nearly one of ours.
pub(crate) fn event_name(document: &Document, path: &str, event: &str, out: &mut Vec<Diagnostic>) {
    if OWN_EVENTS.contains(&event) {
        return;
    }
    let spot = document.spot_of(path);
    let family = event.split('.').next().unwrap_or_default();
    let near = did_you_mean(event, OWN_EVENTS.iter().copied());
    if OWN_EVENT_FAMILIES.contains(&family) {
        let of_family: Vec<&str> =
            OWN_EVENTS.iter().copied().filter(|own| own.split('.').next() == Some(family)).collect();
        let all = match of_family.as_slice() {
            [] => format!("events `{family}.*` are not supported yet by this version"),
            known => format!("there are {}", known.join(", ")),
        };
        let near = did_you_mean(event, of_family.iter().copied());
        let error = Diagnostic::new(Code::UNKNOWN_EVENT, &spot, format!("there is no event `{event}`"));
        out.push(error.hint(near.unwrap_or(all)));
    } else if let Some(near) = near.filter(|_| nearly_ours(event)) {
        let warning = Diagnostic::new(
            Code::EVENT_TYPO,
            &spot,
            format!("`{event}` is no event of Provost's, so somebody has to fire it"),
        );
        out.push(warning.hint(near));
    }
}

/// Whether a free name is so near to one of ours that it is probably meant.
fn nearly_ours(event: &str) -> bool {
    OWN_EVENTS.iter().any(|own| strsim::normalized_damerau_levenshtein(event, own) >= 0.8)
}
