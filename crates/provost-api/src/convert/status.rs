//! How the server is.

use jiff::Timestamp;
use provost_controller::{EngineStatus, SourceStatus, View};
use provost_model::{ServiceView, Standing, Startup, State};

use super::{Glimpse, count, seconds};
use crate::ServerInfo;
use crate::wire::*;

/// How the server is.
pub(crate) fn status(view: &View<'_>, info: &ServerInfo, instance: &str) -> Status {
    let state = view.state;
    let (startup, startup_refused) = startup(&state.server.startup);
    Status {
        instance: instance.to_owned(),
        host: info.host.clone(),
        version: info.version.clone(),
        recipient: info.recipient.clone(),
        listen: info.listen.clone(),
        zone_database: provost_schedule::zone_database_version().to_owned(),
        now: view.now,
        started_at: state.server.started_at,
        boots: state.server.boots,
        stopping: state.server.stopping,
        startup,
        startup_refused,
        engine: engine(view.engine),
        source: source(view.source, view.now),
        revision: state.applied.as_ref().map(|applied| RevisionInForce {
            revision: applied.revision.to_string(),
            at: applied.at,
            by: applied.by.clone(),
        }),
        pinned: state.pinned.as_ref().map(ToString::to_string),
        rejected: state.rejected.as_ref().map(|rejected| RejectedItem {
            revision: rejected.revision.to_string(),
            at: rejected.at,
            errors: rejected.errors,
            report: rejected.report.clone(),
        }),
        wake_at: view.wake_at,
        waiting_for: view.waiting_for.clone(),
        counts: counts(state, view.now),
    }
}

fn startup(startup: &Startup) -> (StartupState, Option<String>) {
    match startup {
        Startup::Owed => (StartupState::Owed, None),
        Startup::Running => (StartupState::Running, None),
        Startup::Passed => (StartupState::Passed, None),
        Startup::Refused { why } => (StartupState::Refused, Some(why.clone())),
    }
}

fn engine(engine: &EngineStatus) -> EngineItem {
    let facts = engine.facts.as_ref();
    EngineItem {
        product: facts.map(|facts| facts.product.clone()),
        version: facts.map(|facts| facts.version.clone()),
        address: facts.map(|facts| facts.address.clone()),
        trouble: engine.trouble.clone(),
        containers: u64::try_from(engine.containers).unwrap_or(u64::MAX),
    }
}

fn source(source: &SourceStatus, now: Timestamp) -> SourceItem {
    SourceItem {
        name: source.name.clone(),
        fetched_at: source.fetched_at,
        age_s: source.fetched_at.map(|at| seconds(at, now)),
        trouble: source.trouble.clone(),
        waiting: source.waiting.clone(),
    }
}

fn counts(state: &State, now: Timestamp) -> Counts {
    let all = || state.desired.automations.values();
    let automations = || all().filter(|automation| automation.service.is_none());
    let services = || all().filter(|automation| automation.service.is_some());
    let is_up = |view: &ServiceView<'_>| view.standing == Standing::Up;
    let mut counts = Counts {
        automations: count(automations()),
        services: count(services()),
        services_up: count(services().filter_map(|it| state.service(&it.name)).filter(is_up)),
        runs: count(state.runs.iter()),
        events: count(state.events.iter()),
        notices: count(state.outbox.iter()),
        ..Counts::default()
    };
    for automation in automations() {
        let of_state = match Glimpse::of(state, now, automation).state() {
            AutomationState::Paused => &mut counts.paused,
            AutomationState::Suspended => &mut counts.suspended,
            AutomationState::Running => &mut counts.running,
            AutomationState::Queued => &mut counts.queued,
            AutomationState::Failing => &mut counts.failing,
            AutomationState::Ok => &mut counts.ok,
            AutomationState::New => &mut counts.new,
        };
        *of_state += 1;
    }
    counts
}
