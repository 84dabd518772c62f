//! Services.

use provost_model as model;
use provost_model::{Automation, Exit, Name, Standing, State, Step};

use super::spec::workload;
use super::texts;
use crate::wire::*;

/// The service `name`, if there is one.
pub(crate) fn service_item(state: &State, name: &Name) -> Option<ServiceItem> {
    let view = state.service(name)?;
    let service = state.desired.automations.get(name)?;
    let ledger = state.ledgers.get(name);
    let attempts = || view.run.into_iter().flat_map(|run| run.attempts.iter().rev());
    let running = attempts().next().filter(|step| !step.is_over()).and_then(Step::started_at);
    let begun = view.run.map_or(0, |run| run.attempts.len());
    Some(ServiceItem {
        name: name.to_string(),
        labels: service.labels.clone(),
        description: service.description.clone(),
        state: service_state(view.standing),
        run: view.run.map(|run| run.id.to_string()),
        up_since: running,
        restarts: u32::try_from(begun.saturating_sub(1)).unwrap_or(u32::MAX),
        restarts_max: service.retries.limit,
        last_exit: attempts().find_map(exit_code),
        last_ended_at: ledger.and_then(|ledger| ledger.last.as_ref()).map(|last| last.ended),
        image: service.workload.image.clone(),
        ports: texts(&service.workload.ports),
        requires: texts(&service.requires),
        detail: view.detail,
    })
}

fn exit_code(step: &Step) -> Option<i64> {
    match &step.result()?.exit {
        Exit::Code { code } => Some(*code),
        Exit::OutOfMemory => Some(137),
        Exit::NotStarted { .. } | Exit::Lost { .. } => None,
    }
}

fn service_state(standing: Standing) -> ServiceState {
    match standing {
        Standing::Up => ServiceState::Up,
        Standing::Starting => ServiceState::Starting,
        Standing::Waiting => ServiceState::Waiting,
        Standing::Restarting => ServiceState::Restarting,
        Standing::Unhealthy => ServiceState::Unhealthy,
        Standing::Stopping => ServiceState::Stopping,
        Standing::Stopped => ServiceState::Stopped,
        Standing::Ended => ServiceState::Ended,
        Standing::Dead => ServiceState::Dead,
    }
}

/// Everything about `service`, whose youngest runs are `runs`.
pub(crate) fn service_detail(item: ServiceItem, service: &Automation, runs: &[model::RunRecord]) -> ServiceDetail {
    let terms = service.service.as_deref().cloned().unwrap_or_default();
    // The exit code of one that is over is in the history.
    let last_exit = item.last_exit.or_else(|| runs.iter().find_map(super::run::exit_code));
    ServiceDetail {
        item: ServiceItem { last_exit, ..item },
        container: workload(&service.workload),
        restart: match terms.restart {
            model::RestartPolicy::OnFailure => "OnFailure",
            model::RestartPolicy::Always => "Always",
        }
        .to_owned(),
        replace: match terms.replace {
            model::Replacement::StartFirst => "StartFirst",
            model::Replacement::StopFirst => "StopFirst",
        }
        .to_owned(),
        health_check: terms.health_check.map(health_check),
        origins: service.origins.iter().map(|(path, origin)| (path.clone(), super::origin_item(origin))).collect(),
        hooks: service.hooks.iter().map(|hook| super::hook_item(hook)).collect(),
        runs: runs.iter().map(super::run_item).collect(),
    }
}

fn health_check(check: model::HealthCheck) -> HealthCheckItem {
    HealthCheckItem {
        asks: match check.probe {
            model::Probe::Http { port, path } => format!("GET :{port}{path}"),
            model::Probe::Command { command } => command.join(" "),
        },
        interval_s: check.interval_s,
        timeout_s: check.timeout_s,
        failures: check.failures,
        start_timeout_s: check.start_timeout_s,
    }
}
