//! The effective manifest, its origins and its hooks.

use provost_model as model;
use provost_model::Automation;

use super::automation::schedule_item;
use super::texts;
use crate::wire::*;

/// The manifest of `automation` as it takes effect.
pub(crate) fn effective(automation: &Automation) -> EffectiveAutomation {
    EffectiveAutomation {
        schedule: automation.schedules.iter().map(schedule_item).collect(),
        triggers: automation.triggers.iter().map(trigger).collect(),
        workload: workload(&automation.workload),
        params: automation.params.iter().map(|(name, spec)| (name.clone(), param(spec))).collect(),
        timeout_s: automation.timeout_s,
        grace_s: automation.grace_s,
        retries: RetriesItem {
            limit: automation.retries.limit,
            backoff_s: automation.retries.backoff_s,
            max_backoff_s: automation.retries.max_backoff_s,
        },
        concurrency_policy: concurrency(automation.concurrency).to_owned(),
        queue_limit: automation.queue_limit,
        catch_up: catch_up(automation.catch_up).to_owned(),
        start_deadline_s: automation.start_deadline_s,
        late_after_s: automation.late_after_s,
        locks: texts(&automation.locks),
        requires: texts(&automation.requires),
        runs_at_once: automation
            .run_limits
            .iter()
            .map(|limit| (limit.policy.to_string(), limit.runs_at_once))
            .collect(),
        notify: automation.notify.channels.iter().map(|(at, names)| (moment(*at).to_owned(), texts(names))).collect(),
        no_success_for: automation.notify.no_success_for.as_ref().map(no_success),
        freeze: automation.freezes.iter().map(|window| freeze(window)).collect(),
        history: KeepItem {
            keep_s: automation.history.keep_s,
            keep_last: automation.history.keep_last,
            logs_s: automation.history.logs_s,
            log_bytes: automation.history.log_bytes,
        },
        suspend: automation.suspend,
    }
}

pub(super) fn workload(workload: &model::Workload) -> WorkloadItem {
    WorkloadItem {
        image: workload.image.clone(),
        pull: match workload.pull {
            model::PullPolicy::IfNotPresent => "IfNotPresent",
            model::PullPolicy::Always => "Always",
            model::PullPolicy::Never => "Never",
        }
        .to_owned(),
        command: workload.command.clone(),
        args: workload.args.clone(),
        env: workload.env.clone(),
        user: workload.user.clone(),
        working_dir: workload.working_dir.clone(),
        read_only_root: workload.read_only_root,
        drop_capabilities: workload.drop_capabilities.clone(),
        add_capabilities: workload.add_capabilities.clone(),
        user_namespace: workload.user_namespace,
        network: workload.network.clone(),
        volumes: workload.volumes.iter().map(volume).collect(),
        secrets: workload.secrets.iter().map(secret).collect(),
        cpu_millis: workload.resources.cpu_millis,
        memory_bytes: workload.resources.memory_bytes,
        pids: workload.resources.pids,
    }
}

fn secret(used: &model::SecretUse) -> SecretItem {
    SecretItem { name: used.name.to_string(), env: used.env.clone(), file: used.file.clone() }
}

fn volume(mount: &model::VolumeMount) -> VolumeItem {
    VolumeItem {
        name: mount.name.clone(),
        path: mount.path.clone(),
        host_path: mount.host_path.clone(),
        read_only: mount.read_only,
        scope: format!("{:?}", mount.scope),
    }
}

fn trigger(trigger: &model::Trigger) -> TriggerItem {
    TriggerItem {
        event: trigger.event.clone(),
        from: trigger.from.as_ref().map(ToString::to_string),
        when: trigger.when.clone(),
    }
}

pub(super) fn param(param: &model::Param) -> ParamItem {
    ParamItem {
        kind: param.kind.word().to_owned(),
        description: param.description.clone(),
        required: param.required,
        default: param.default.clone(),
        minimum: param.minimum,
        maximum: param.maximum,
        options: param.options.clone(),
    }
}

fn no_success(rule: &model::NoSuccessFor) -> NoSuccessItem {
    NoSuccessItem { after_s: rule.after_s, channels: texts(&rule.channels) }
}

fn freeze(freeze: &model::Freeze) -> FreezeItem {
    FreezeItem {
        minutes: schedule_item(&freeze.minutes),
        reason: freeze.reason.clone(),
        policy: freeze.policy.to_string(),
    }
}

fn concurrency(policy: model::ConcurrencyPolicy) -> &'static str {
    match policy {
        model::ConcurrencyPolicy::Forbid => "Forbid",
        model::ConcurrencyPolicy::Queue => "Queue",
        model::ConcurrencyPolicy::Replace => "Replace",
        model::ConcurrencyPolicy::Allow => "Allow",
    }
}

fn catch_up(catch_up: model::CatchUp) -> &'static str {
    match catch_up {
        model::CatchUp::None => "None",
        model::CatchUp::Last => "Last",
        model::CatchUp::All => "All",
    }
}

/// The word of a moment in manifests.
pub(crate) fn moment(moment: model::Moment) -> &'static str {
    match moment {
        model::Moment::Starting => "starting",
        model::Moment::Started => "started",
        model::Moment::Success => "success",
        model::Moment::Failure => "failure",
        model::Moment::Recovery => "recovery",
        model::Moment::Retrying => "retrying",
        model::Moment::Cancelled => "cancelled",
        model::Moment::Finished => "finished",
        model::Moment::Skipped => "skipped",
        model::Moment::Missed => "missed",
        model::Moment::Late => "late",
        model::Moment::StepFailure => "stepFailure",
        model::Moment::NoSuccess => "noSuccess",
    }
}

/// Where a value comes from.
pub(crate) fn origin_item(origin: &model::Origin) -> OriginItem {
    OriginItem {
        document: origin.document.clone(),
        scope: match origin.scope {
            model::Scope::BuiltIn => "BuiltIn",
            model::Scope::PolicyDefault => "PolicyDefault",
            model::Scope::Automation => "Automation",
            model::Scope::PolicyEnforced => "PolicyEnforced",
        }
        .to_owned(),
        file: origin.file.clone(),
        line: origin.line,
    }
}

/// A hook.
pub(crate) fn hook_item(hook: &model::Hook) -> HookItem {
    HookItem {
        name: hook.name.to_string(),
        owner: match &hook.owner {
            model::HookOwner::Policy { name, .. } => format!("Policy/{name}"),
            model::HookOwner::Plugin { name, .. } => format!("Plugin/{name}"),
            model::HookOwner::Automation => "Automation".to_owned(),
        },
        event: hook.event.clone(),
        stage: match hook.stage {
            model::Stage::Pre => "Pre",
            model::Stage::Main => "Main",
            model::Stage::Post => "Post",
        }
        .to_owned(),
        image: hook.workload.image.clone(),
        timeout_s: hook.timeout_s,
        on_error: match hook.on_error {
            model::OnError::Fail => "Fail",
            model::OnError::Ignore => "Ignore",
        }
        .to_owned(),
        background: hook.background,
        parallel: hook.parallel,
    }
}
