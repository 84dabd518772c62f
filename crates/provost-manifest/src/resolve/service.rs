//! One service, as it takes effect.

use std::sync::Arc;

use provost_model::{
    Automation, CatchUp, ConcurrencyPolicy, HealthCheck, Moment, Name, Notify, PortMapping, Probe, Replacement,
    Retries, Scope, ServiceTerms, VolumeScope, Workload,
};

use crate::kinds::{HealthCheckSpec, RestartSpec, ServiceSpec, SubjectKind, VolumeSpec};
use crate::read::Document;
use crate::report::{Code, Diagnostic};
use crate::resolve::automation::{self, Around, effective, history, is_of_services, origins};
use crate::resolve::container::{self, Parts};
use crate::resolve::hook::{self, Trust};
use crate::resolve::layers::{Fields, Layers, leaves};
use crate::resolve::policy::Policy;
use crate::resolve::{access, limits, notify, power, rules};

/// Resolves `document`; nothing, if something is wrong with it, which is told.
pub(crate) fn resolve(
    document: &Document,
    spec: &ServiceSpec,
    around: &Around<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Automation> {
    let policies: Vec<&Policy<'_>> =
        around.policies.iter().filter(|policy| policy.selects(SubjectKind::Service, document)).collect();
    let own = leaves(document, document.node("spec"));
    let layers = Layers::new(Fields::Service, &policies, document, &own, out);
    let ports = ports(document, spec, out);
    let subject = power::Subject { document, path: "spec", volumes: &spec.volumes, layers: &layers, is_policy: false };
    power::check(&subject, &policies, &around.given.facts.never, out);
    power::check_ports(document, &ports, &policies, &around.given.facts.never, out);
    limits::check_layers(&layers, &policies, document, out);
    let own_hooks = hook::of_owner(document, &spec.hooks, &Trust::Service { policies: &policies }, around.given, out);
    let hooks = automation::around(&policies, around.plugin_hooks, is_of_services, None).chain(own_hooks).collect();
    if policies.iter().any(|policy| !policy.rules.is_empty()) {
        let effective = effective(document, &layers, &policies, out);
        policies.iter().for_each(|policy| rules::check(policy, document, &effective, out));
    }
    let health_check = spec.health_check.as_ref().map(|check| health_check(document, check, out));
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
    let workload = with_network(document, spec, Workload { ports, ..workload }, &layers, out);
    let replace = spec.replace.unwrap_or_else(|| replacement(spec));
    let restart = spec.restart.clone().unwrap_or_default();
    Some(Automation {
        name: document.name.clone(),
        labels: document.labels.clone(),
        description: document.description.clone(),
        schedules: Vec::new(),
        triggers: Vec::new(),
        workload,
        params: Default::default(),
        timeout_s: u64::MAX,
        grace_s: settings.grace_period?.0,
        retries: retries(&restart),
        // Two of one service are a replacement, which is decided elsewhere.
        concurrency: ConcurrencyPolicy::Allow,
        queue_limit: 1,
        catch_up: CatchUp::None,
        start_deadline_s: None,
        late_after_s: u64::MAX,
        locks: Default::default(),
        requires: spec.requires.iter().flat_map(|requires| requires.services.iter().cloned()).collect(),
        service: Some(Arc::new(ServiceTerms {
            health_check: health_check.unwrap_or_default(),
            restart: restart.policy.unwrap_or_default(),
            replace,
        })),
        run_limits: Vec::new(),
        hooks,
        notify: notify_of(&policies, spec),
        freezes: Vec::new(),
        history: history(&layers)?,
        suspend: false,
        action: None,
        origins: Arc::new(origins(document, &layers)),
    })
}

/// The ports that can be read; the others are told.
fn ports(document: &Document, spec: &ServiceSpec, out: &mut Vec<Diagnostic>) -> Vec<PortMapping> {
    let mut ports = Vec::new();
    for (index, text) in spec.ports.iter().enumerate() {
        match text.parse() {
            Ok(port) => ports.push(port),
            Err(error) => {
                let spot = document.spot_of(&format!("spec/ports/{index}"));
                let error: provost_model::PortError = error;
                out.push(Diagnostic::new(Code::BAD_FORM, &spot, error.to_string()));
            }
        }
    }
    ports
}

/// What can be reached needs a network: `Shared`, where nobody says which.
fn with_network(
    document: &Document,
    spec: &ServiceSpec,
    mut workload: Workload,
    layers: &Layers<'_>,
    out: &mut Vec<Diagnostic>,
) -> Workload {
    let asks = spec.health_check.as_ref().is_some_and(|check| check.http.is_some());
    let answers = spec.provides.iter().any(|provided| provided.http.is_some());
    if workload.network == power::HOST && !workload.ports.is_empty() {
        let spot = document.key_spot("spec/ports");
        let message = "with the network of the host, the ports of the container are the server's own";
        out.push(Diagnostic::new(Code::TOGETHER, &spot, message).hint("leave `ports` out, or write `network: Shared`"));
    }
    if workload.network != "None" || (workload.ports.is_empty() && !asks && !answers) {
        return workload;
    }
    match layers.get("network") {
        Some(setting) if setting.scope != Scope::BuiltIn => {
            let spot = setting.spot_or_name(document);
            let what = match (asks, answers) {
                (true, _) => "a health check by `http`",
                (false, true) => "calls of a skill by `http`",
                (false, false) => "`ports`",
            };
            let error =
                Diagnostic::new(Code::TOGETHER, &spot, format!("{what} cannot reach a container without network"));
            out.push(error.hint("write `network: Shared`, or leave it out"));
        }
        _ => "Shared".clone_into(&mut workload.network),
    }
    workload
}

/// Where nothing is said: two containers do not write to one volume.
fn replacement(spec: &ServiceSpec) -> Replacement {
    let is_shared = |volume: &&VolumeSpec| volume.scope != Some(VolumeScope::Run);
    let writes = spec.volumes.iter().filter(is_shared).any(|volume| !volume.read_only);
    if writes { Replacement::StopFirst } else { Replacement::StartFirst }
}

fn retries(restart: &RestartSpec) -> Retries {
    let seconds = |given: Option<crate::kinds::Seconds>, default| given.map_or(default, |seconds| seconds.0);
    Retries {
        limit: restart.limit.unwrap_or(0),
        backoff_s: seconds(restart.backoff, 10),
        max_backoff_s: seconds(restart.max_backoff, 600),
    }
}

fn health_check(document: &Document, spec: &HealthCheckSpec, out: &mut Vec<Diagnostic>) -> Option<HealthCheck> {
    let mut refuse = |key: &str, code: Code, message: &str, hint: &str| {
        let spot = document.key_spot(&format!("spec/healthCheck{key}"));
        out.push(Diagnostic::new(code, &spot, message).hint(hint.to_owned()));
    };
    let probe = match (&spec.http, &spec.command) {
        (Some(http), None) => {
            Some(Probe::Http { port: http.port, path: http.path.clone().unwrap_or_else(|| "/".to_owned()) })
        }
        (None, Some(command)) => Some(Probe::Command { command: command.clone() }),
        _ => {
            let hint = "write exactly one of `http` and `command`";
            refuse("", Code::TOGETHER, "a health check asks in exactly one way", hint);
            None
        }
    };
    for (key, given) in [("interval", spec.interval), ("timeout", spec.timeout), ("startTimeout", spec.start_timeout)] {
        if given.is_some_and(|seconds| seconds.0 == 0) {
            refuse(
                &format!("/{key}"),
                Code::OUT_OF_RANGE,
                &format!("a `{key}` of 0s leaves no time"),
                "the least is 1s",
            );
        }
    }
    let seconds = |given: Option<crate::kinds::Seconds>, default| given.map_or(default, |seconds| seconds.0);
    Some(HealthCheck {
        probe: probe?,
        interval_s: seconds(spec.interval, 30),
        timeout_s: seconds(spec.timeout, 5),
        failures: spec.failures.unwrap_or(3),
        start_timeout_s: seconds(spec.start_timeout, 30),
    })
}

/// Every channel that hears of a moment that a service has: those of `policies`, then its own, each once.
fn notify_of(policies: &[&Policy<'_>], spec: &ServiceSpec) -> Notify {
    let mut notify = notify::of_policies(policies);
    notify.no_success_for = None;
    let own = spec.notify.iter().flat_map(|own| {
        [(Moment::Failure, &own.failure), (Moment::Recovery, &own.recovery), (Moment::Retrying, &own.retrying)]
    });
    own.for_each(|(moment, names): (Moment, &Vec<Name>)| notify::add(&mut notify, moment, names));
    notify
}
