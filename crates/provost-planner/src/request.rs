//! What a step's container is asked to be: its variables, its event, its placeholders.

use std::collections::BTreeMap;

use provost_model::{
    Automation, ContainerRequest, Exit, Hook, JsonMap, PluginName, PullPolicy, Run, Step, StepKind, StepRef,
    StepResult, TraceContext, VolumeScope, Workload, deep_merge,
};
use serde_json::{Value, json};

use crate::step::{Subject, grace_s};
use crate::{Requests, World};

/// The most output that is kept of a hook of an event that is no run's own, in bytes.
const EVENT_LOG_BYTES: u64 = 10 << 20;

/// Where a container that may ask the server finds its socket.
const SOCKET: &str = "/provost/run/api.sock";

/// Everything that an engine has to know to make the container of `step`. The same world gives the same request.
///
/// Absent for questions, which have no container.
pub fn request_for(world: &World<'_>, subject: &Subject<'_>, step: &Step) -> Option<ContainerRequest> {
    let (workload, event) = match world.requests {
        Requests::Whole => contents(world, subject, step)?,
        Requests::Named if matches!(step.what, StepKind::Ask { .. }) => return None,
        Requests::Named => (Workload::default(), Value::Null),
    };
    Some(ContainerRequest {
        name: subject.container(world, step),
        instance: world.identity.instance.clone(),
        step: StepRef { owner: subject.owner(), step: step.id.clone() },
        workload,
        event,
        grace_s: grace_s(subject, step),
        log_bytes: match subject {
            Subject::Run(run) => run.spec.history.log_bytes,
            Subject::Event(_) => EVENT_LOG_BYTES,
        },
    })
}

/// What the container of `step` is made of, and its event.
fn contents(world: &World<'_>, subject: &Subject<'_>, step: &Step) -> Option<(Workload, Value)> {
    let (mut workload, hook) = match (&step.what, subject) {
        (StepKind::Main { .. }, Subject::Run(run)) => (main_workload(run), None),
        (StepKind::Hook { hook }, _) => (hook.workload.clone(), Some(hook.as_ref())),
        _ => return None,
    };
    let event = event_json(world, subject, step, hook);
    if let Subject::Run(run) = subject {
        fill_in(&mut workload, &run.params);
        own_volumes(&mut workload, run);
    }
    if !workload.access.is_empty() {
        workload.env.insert("PROVOST_SOCKET".to_owned(), SOCKET.to_owned());
    }
    if world.identity.traces {
        let span = TraceContext::of_step(&world.identity.instance, &subject.owner(), &step.id);
        workload.env.insert("TRACEPARENT".to_owned(), span.header());
    }
    workload.env.extend(variables(world, subject, step, &event)); // Last: nothing in them is a placeholder.
    Some((workload, event))
}

/// What the main container is made of. A service is restarted with the image that it was started with (D42).
fn main_workload(run: &Run) -> Workload {
    let workload = run.spec.workload.clone();
    let Some(digest) = run.image.as_ref().filter(|digest| digest.starts_with("sha256:")) else {
        return workload;
    };
    let pull = if workload.pull == PullPolicy::Never { PullPolicy::Never } else { PullPolicy::IfNotPresent };
    Workload { image: format!("{}@{digest}", repository(&workload.image)), pull, ..workload }
}

/// An image's name without its tag and digest.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

/// What `/provost/event.json` holds (E1).
pub fn event_json(world: &World<'_>, subject: &Subject<'_>, step: &Step, hook: Option<&Hook>) -> Value {
    let name = event_name(subject, step);
    let data = match hook.and_then(|hook| hook.takes.as_ref()) {
        Some(keys) => {
            let mut data = event_data(subject, Some(step));
            data.retain(|key, _| keys.contains(key));
            data
        }
        None => event_data(subject, Some(step)),
    };
    let (id, time, locals) = match subject {
        Subject::Run(run) => (run.id.to_string(), run.due, &run.locals),
        Subject::Event(event) => (event.id.to_string(), event.at, &event.locals),
    };
    let mut event = json!({
        "event": name,
        "id": id,
        "time": time,
        "subject": subject_name(subject),
        "locals": locals,
        "globals": world.state.globals,
        "config": hook.map_or_else(|| own_config(subject), |hook| &hook.config),
    });
    // As they are: the macro would copy them.
    event["data"] = Value::Object(data);
    event["standard"] = standard(world, subject, step, &name);
    if let Some(plugin) = plugin_of(subject, hook) {
        event["plugin"] = json!({"name": plugin.plugin(), "instance": plugin.instance()});
    }
    event
}

/// The plugin whose container it is: of a hook the one that binds it, of an action the one that brings it.
fn plugin_of<'a>(subject: &Subject<'a>, hook: Option<&'a Hook>) -> Option<&'a PluginName> {
    match (hook, subject) {
        (Some(hook), _) => hook.plugin(),
        (None, Subject::Run(run)) => run.spec.action.as_ref().map(|action| &action.plugin),
        (None, Subject::Event(_)) => None,
    }
}

/// The configuration of the plugin whose action runs.
fn own_config<'a>(subject: &Subject<'a>) -> &'a Value {
    match subject {
        Subject::Run(run) => run.spec.action.as_ref().map_or(&Value::Null, |action| &action.config),
        Subject::Event(_) => &Value::Null,
    }
}

/// The parameters that every container can rely on (A28).
fn standard(world: &World<'_>, subject: &Subject<'_>, step: &Step, name: &str) -> Value {
    let failure = match subject {
        Subject::Run(run) => last_attempt(run),
        Subject::Event(_) => None,
    };
    json!({
        "host": world.identity.host,
        "user": world.identity.user,
        "pid": world.identity.pid,
        "process": "provost",
        "version": world.identity.version,
        "kind": kind_of(name),
        "testing": matches!(subject, Subject::Run(run) if run.testing),
        "task": step.id,
        "message": message(subject),
        "traceback": failure.map(|result| result.output.tail.as_str()).unwrap_or_default(),
    })
}

/// The class of an event, for receivers that only want to know whether to worry.
fn kind_of(event: &str) -> &'static str {
    match event {
        "run.starting" | "run.started" | "service.starting" | "service.started" | "server.startup" => "start",
        "run.finished" | "service.exited" | "service.removed" | "server.shutdown" => "end",
        "run.succeeded" | "service.healthy" => "success",
        "run.failed" | "run.timedOut" => "failure",
        "service.unhealthy" | "service.restarting" => "warning",
        "run.lost" => "exception",
        "run.retrying" | "run.late" | "run.missed" | "run.skipped" | "run.cancelled" | "revision.rejected" => "warning",
        "drift.found" | "drift.corrected" => "warning",
        "revision.received" | "revision.applied" | "run.main" => "information",
        _ => "other",
    }
}

fn message(subject: &Subject<'_>) -> String {
    match subject {
        Subject::Run(run) => match run.outcome() {
            Some((outcome, "")) => format!("{} {}", run.spec.name, outcome.word()),
            Some((outcome, detail)) => format!("{} {}: {detail}", run.spec.name, outcome.word()),
            None => format!("{} is due {}", run.spec.name, run.due),
        },
        Subject::Event(event) => event.data.get("message").and_then(Value::as_str).unwrap_or_default().to_owned(),
    }
}

/// The data of the event that `step` handles.
pub fn event_data(subject: &Subject<'_>, step: Option<&Step>) -> JsonMap {
    match subject {
        Subject::Run(run) => run_data(run, step),
        Subject::Event(event) => event.data.clone(),
    }
}

/// What the events of a run carry.
pub fn run_data(run: &Run, step: Option<&Step>) -> JsonMap {
    let attempt = match step.map(|step| &step.what) {
        Some(StepKind::Main { attempt }) => *attempt,
        _ => u32::try_from(run.attempts.len()).unwrap_or(u32::MAX).max(1),
    };
    let mut data = json!({
        "automation": run.spec.name,
        "labels": run.spec.labels,
        "run": run.id,
        "due": run.due,
        "attempt": attempt,
        "attempts": run.spec.retries.limit + 1,
        "cause": run.cause,
        "params": run.params,
        "testing": run.testing,
        "image": run.spec.workload.image,
    });
    let service = run.spec.service.as_ref().map(|_| json!({ "service": run.spec.name, "health": run.health }));
    let call = run
        .spec
        .action
        .as_ref()
        .map(|action| json!({ "application": action.application, "action": action.name, "job": run.cause.job() }));
    let after = run.outcome().map(|(outcome, detail)| json!({ "outcome": outcome.word(), "detail": detail }));
    let tail =
        last_attempt(run).map(|result| json!({ "exitCode": exit_code(&result.exit), "logTail": result.output.tail }));
    let Value::Object(data) = &mut data else { return JsonMap::new() };
    for more in [service, call, after, tail].into_iter().flatten() {
        if let Some(more) = more.as_object() {
            deep_merge(data, more);
        }
    }
    std::mem::take(data)
}

fn last_attempt(run: &Run) -> Option<&StepResult> {
    run.attempts.iter().rev().find_map(Step::result)
}

fn exit_code(exit: &Exit) -> Option<i64> {
    match exit {
        Exit::Code { code } => Some(*code),
        Exit::OutOfMemory => Some(137),
        Exit::NotStarted { .. } | Exit::Lost { .. } => None,
    }
}

/// The `PROVOST_*` variables.
fn variables(world: &World<'_>, subject: &Subject<'_>, step: &Step, event: &Value) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::from([
        ("PROVOST_INSTANCE".to_owned(), world.identity.instance.to_string()),
        ("PROVOST_HOST".to_owned(), world.identity.host.clone()),
        ("PROVOST_EVENT".to_owned(), event_name(subject, step)),
        ("PROVOST_STEP".to_owned(), step.id.to_string()),
    ]);
    let mut set = |key: &str, value: String| drop(variables.insert(format!("PROVOST_{key}"), value));
    for (key, value) in event["data"].as_object().into_iter().flatten() {
        match key.as_str() {
            "automation" | "run" | "due" | "attempt" | "outcome" | "detail" | "exitCode" | "testing"
            | "application" | "action" | "job" => {
                set(&screaming(key), text(value));
            }
            _ => {}
        }
    }
    for (key, part) in [("PLUGIN", "name"), ("PLUGIN_INSTANCE", "instance")] {
        event["plugin"][part].as_str().into_iter().for_each(|name| set(key, name.to_owned()));
    }
    let locals = match subject {
        Subject::Run(run) => {
            // As the data has them: a hook that does not take the parameters does not get them.
            let params = event["data"]["params"].as_object().into_iter().flatten();
            params.for_each(|(key, value)| set(&format!("PARAM_{}", screaming(key)), text(value)));
            &run.locals
        }
        Subject::Event(event) => &event.locals,
    };
    // A local hides a global of the same name (E2).
    let mut known = world.state.globals.clone();
    known.extend(locals.clone());
    known.iter().for_each(|(key, value)| set(&format!("LOCAL_{}", screaming(key)), text(value)));
    variables
}

/// `exitCode` as `EXIT_CODE`; whatever a variable's name cannot hold becomes `_`.
fn screaming(key: &str) -> String {
    let mut name = String::new();
    let mut follows_lower = false;
    for character in key.chars() {
        if character.is_ascii_uppercase() && follows_lower {
            name.push('_');
        }
        follows_lower = character.is_ascii_lowercase();
        name.push(if character.is_ascii_alphanumeric() { character.to_ascii_uppercase() } else { '_' });
    }
    name
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Gives the volumes of an automation and of a run the names that only it has: no name of a manifest has a dot.
fn own_volumes(workload: &mut Workload, run: &Run) {
    for volume in workload.volumes.iter_mut().filter(|volume| volume.host_path.is_none()) {
        let owner = match volume.scope {
            VolumeScope::Server => continue,
            VolumeScope::Automation => run.spec.name.as_str(),
            VolumeScope::Run => run.id.as_str(),
        };
        volume.name = format!("{owner}.{}", volume.name);
    }
}

/// Replaces `$(params.NAME)` in command, arguments and variables. What is not a parameter was refused with the manifest.
fn fill_in(workload: &mut Workload, params: &JsonMap) {
    let texts = workload.command.iter_mut().chain(&mut workload.args).chain(workload.env.values_mut());
    for place in texts.filter(|place| place.contains(PLACEHOLDER)) {
        *place = filled_in(place, params);
    }
}

const PLACEHOLDER: &str = "$(params.";

/// One pass: what a parameter brings in is not looked at again.
fn filled_in(template: &str, params: &JsonMap) -> String {
    let mut parts = template.split(PLACEHOLDER);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')') {
            Some((key, rest)) => {
                filled += &params.get(key).map(text).unwrap_or_default();
                filled += rest;
            }
            None => filled += &format!("{PLACEHOLDER}{part}"),
        }
    }
    filled
}

/// The event that `step` handles; main containers are told `run.main`.
fn event_name(subject: &Subject<'_>, step: &Step) -> String {
    let firing = subject.steps().find(|(it, _)| it.id == step.id).and_then(|(_, firing)| firing);
    firing.map_or_else(|| "run.main".to_owned(), |firing| firing.event.clone())
}

fn subject_name(subject: &Subject<'_>) -> Option<String> {
    match subject {
        Subject::Run(run) => Some(run.spec.name.to_string()),
        Subject::Event(event) => event.subject.as_ref().map(ToString::to_string),
    }
}

/// Why `hook` cannot be given what it asks for: a key that the event does not carry.
pub fn missing_data(_world: &World<'_>, subject: &Subject<'_>, hook: &Hook) -> Option<String> {
    let wanted = hook.takes.as_ref()?;
    let data = event_data(subject, None);
    let missing = wanted.iter().find(|key| !data.contains_key(*key))?;
    Some(format!("hook {} takes `{missing}`, which the event {} does not carry", hook.label(), hook.event))
}

/// Texts that never appear in kept output: values of variables whose names say that they are secret.
pub fn masked_values(automation: Option<&Automation>, workload: &Workload) -> Vec<String> {
    let is_secret =
        |name: &str| ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY"].iter().any(|it| name.contains(it));
    let own = automation.map(|automation| &automation.workload.env).into_iter().flatten();
    let found =
        workload.env.iter().chain(own).filter(|(name, value)| is_secret(&name.to_uppercase()) && value.len() >= 4);
    let mut values: Vec<String> = found.map(|(_, value)| value.clone()).collect();
    values.sort();
    values.dedup();
    values
}
