//! What follows at once from a fact: notifications, triggered runs, events about due times. They are recorded together
//! with it, so that a crash leaves both or neither.

use provost_model::{
    AcceptedEvent, Automation, EventFact, EventId, Fact, JsonMap, Moment, Name, Outcome, Run, RunEvent, RunFact, RunId,
    Step, StepFact, StepId,
};
use serde_json::{Value, json};

use crate::World;
use crate::due::arm;
use crate::event::{Happening, triggered_runs};
use crate::notice::{automation_notices, run_notices};
use crate::queue::expected_start;
use crate::world::later;

/// The facts that follow from `fact`, which `world` does not hold yet.
pub fn consequences(world: &World<'_>, fact: &Fact) -> Vec<Fact> {
    match fact {
        Fact::Run { run, change } => world.state.runs.get(run).map_or_else(Vec::new, |run| of_run(world, run, change)),
        Fact::DueSkipped { automation, due, reason, detail } => {
            let data = json!({ "due": due, "reason": reason.word(), "detail": detail });
            let message = format!("{automation} was skipped at {due}: {detail}");
            of_automation(world, automation, "run.skipped", Moment::Skipped, &due.to_string(), &message, data)
        }
        Fact::DueMissed { automation, first, last, count, reason } => {
            let data = json!({ "due": first, "last": last, "count": count, "reason": reason.word() });
            let message = format!("{automation} missed {count} due times from {first} to {last} ({})", reason.word());
            of_automation(world, automation, "run.missed", Moment::Missed, &first.to_string(), &message, data)
        }
        Fact::Event { id, change: EventFact::Handled { failure: None } } => of_event(world, id),
        Fact::RevisionApplied { change } => {
            let message = format!("revision {} was applied", change.revision);
            let data = json!({ "revision": change.revision, "by": change.by, "about": change.about, "changes": change.summary });
            [arm(world, change), of_server(world, "revision.applied", change.revision.as_str(), &message, data)]
                .concat()
        }
        Fact::RevisionRejected { revision, errors, report } => {
            let message = format!("revision {revision} was refused: {errors} errors");
            let data = json!({ "revision": revision, "errors": errors, "report": report });
            of_server(world, "revision.rejected", revision.as_str(), &message, data)
        }
        Fact::DriftFound { container, what } => {
            let message = format!("container {container}: {what}");
            of_server(world, "drift.found", container, &message, json!({ "container": container, "what": what }))
        }
        Fact::DriftCorrected { container, what } => {
            let message = format!("container {container}: {what}");
            of_server(world, "drift.corrected", container, &message, json!({ "container": container, "what": what }))
        }
        _ => Vec::new(),
    }
}

fn of_run(world: &World<'_>, run: &Run, change: &RunFact) -> Vec<Fact> {
    let (was_queued, was_up) = (run.is_queued(), run.is_up());
    if !is_told(world, run, change) {
        return Vec::new();
    }
    // What is told and triggered tells of the run as it is with the change.
    let mut changed = run.clone();
    if changed.apply(world.now, change).is_err() {
        return Vec::new();
    }
    let run = &changed;
    let told = |moment, mark: &str| run_notices(world, run, moment, mark);
    let triggered = |event: RunEvent| triggers(world, run, run.event(event), "");
    let recovered = if !was_up && run.is_up() { recovery(world, run) } else { Vec::new() };
    match change {
        RunFact::Began { .. } => {
            [told(Moment::Starting, ""), lateness(world, run), triggered(RunEvent::Starting)].concat()
        }
        RunFact::Step { id, fact: StepFact::Started { .. } } if id.is_main() && run.starts() == 1 => {
            [told(Moment::Started, ""), triggered(RunEvent::Started), recovered].concat()
        }
        RunFact::Step { fact: StepFact::Started { .. }, .. } => recovered,
        RunFact::Health { is_healthy, .. } => [health(world, run, *is_healthy), recovered].concat(),
        RunFact::Step { id, fact: StepFact::Ended { .. } } => step_failure(world, run, id),
        RunFact::Retrying { .. } => {
            let attempt = run.attempts.len().to_string();
            [told(Moment::Retrying, &attempt), triggers(world, run, run.event(RunEvent::Retrying), &attempt)].concat()
        }
        RunFact::Concluded { outcome, .. } => outcome_notices(world, run, *outcome),
        RunFact::Finished { outcome, .. } => {
            // Nobody has heard of the outcome of a run that never began.
            let outcome_told = if was_queued { outcome_notices(world, run, *outcome) } else { Vec::new() };
            let told = [outcome_told, told(Moment::Finished, "")].concat();
            [told, triggered(RunEvent::Ended(*outcome)), triggered(RunEvent::Finished)].concat()
        }
        _ => Vec::new(),
    }
}

/// Whether anybody hears of `change`. Mostly nobody does, and then there is no need to find out what they would hear.
fn is_told(world: &World<'_>, run: &Run, change: &RunFact) -> bool {
    let hears = |moment| run.spec.notify.channels.contains_key(&moment);
    let starts = |event: RunEvent| world.agenda.is_trigger(run.event(event));
    let is_service = run.spec.service.is_some();
    match change {
        RunFact::Began { .. } => hears(Moment::Starting) || starts(RunEvent::Starting) || is_late(world, run),
        RunFact::Step { id, fact: StepFact::Started { .. } } => {
            id.is_main() && (is_service || hears(Moment::Started) || starts(RunEvent::Started))
        }
        RunFact::Step { fact: StepFact::Ended { .. }, .. } => hears(Moment::StepFailure),
        RunFact::Retrying { .. } => hears(Moment::Retrying) || starts(RunEvent::Retrying),
        RunFact::Health { .. } => true,
        RunFact::Concluded { outcome, .. } => hears(outcome.moment()) || hears(Moment::Recovery),
        RunFact::Finished { outcome, .. } => {
            let is_heard = hears(Moment::Finished) || hears(outcome.moment());
            is_heard || starts(RunEvent::Ended(*outcome)) || starts(RunEvent::Finished)
        }
        _ => false,
    }
}

fn outcome_notices(world: &World<'_>, run: &Run, outcome: Outcome) -> Vec<Fact> {
    let mut facts = run_notices(world, run, outcome.moment(), "");
    if outcome == Outcome::Succeeded {
        facts.extend(recovery(world, run));
    }
    facts
}

/// Its automation failed before, and does not any more.
fn recovery(world: &World<'_>, run: &Run) -> Vec<Fact> {
    let failures = world.state.ledgers.get(&run.spec.name).map_or(0, |ledger| ledger.failures);
    // A service may come up again several times in one run.
    let mark = if run.spec.service.is_some() { world.state.seq.to_string() } else { String::new() };
    if failures > 0 { run_notices(world, run, Moment::Recovery, &mark) } else { Vec::new() }
}

/// A service became healthy or unhealthy. Who hears of failures hears of one that is left as it is; of a restart, whoever
/// hears of those.
fn health(world: &World<'_>, run: &Run, is_healthy: bool) -> Vec<Fact> {
    let name = if is_healthy { "service.healthy" } else { "service.unhealthy" };
    let mark = world.state.seq.to_string();
    let mut facts = triggers(world, run, name, &mark);
    if run.spec.hooks.iter().any(|hook| hook.event == name) {
        let data = crate::request::run_data(run, None);
        let id = EventId::derived(&[name, run.id.as_str(), &mark]);
        facts.push(event(world, id, name, Some(run.spec.name.clone()), Some(run.id.clone()), data));
    }
    if !is_healthy && !crate::health::is_mended(run) {
        facts.extend(run_notices(world, run, Moment::Failure, &mark));
    }
    facts
}

fn step_failure(world: &World<'_>, run: &Run, id: &StepId) -> Vec<Fact> {
    let step = run.steps().find(|step| step.id == *id);
    let has_failed = step.and_then(Step::result).is_some_and(|result| !result.succeeded());
    if has_failed { run_notices(world, run, Moment::StepFailure, id.as_str()) } else { Vec::new() }
}

fn is_late(world: &World<'_>, run: &Run) -> bool {
    expected_start(run).is_some_and(|start| world.now > later(start, run.spec.late_after_s))
}

fn lateness(world: &World<'_>, run: &Run) -> Vec<Fact> {
    if !is_late(world, run) {
        return Vec::new();
    }
    let mut facts = run_notices(world, run, Moment::Late, "");
    if is_heard(world, &run.spec, "run.late") {
        let data = crate::request::run_data(run, None);
        let id = EventId::derived(&["run.late", run.id.as_str()]);
        facts.push(event(world, id, "run.late", Some(run.spec.name.clone()), Some(run.id.clone()), data));
    }
    facts
}

/// What the event `event` of `run` triggers; `mark` tells two of one name apart.
fn triggers(world: &World<'_>, run: &Run, event: &str, mark: &str) -> Vec<Fact> {
    if !world.agenda.is_trigger(event) {
        return Vec::new();
    }
    let data = crate::request::run_data(run, None);
    let id = EventId::derived(&[event, run.id.as_str(), mark]);
    triggered_runs(
        world,
        &Happening { id, name: event, subject: Some(&run.spec.name), data: &data, testing: run.testing },
    )
}

fn of_automation(
    world: &World<'_>,
    name: &Name,
    event_name: &str,
    moment: Moment,
    mark: &str,
    message: &str,
    data: Value,
) -> Vec<Fact> {
    let Some(automation) = world.state.desired.automations.get(name) else {
        return Vec::new();
    };
    let mut facts = automation_notices(world, automation, moment, mark, message);
    if is_heard(world, automation, event_name) {
        let id = EventId::derived(&[event_name, name.as_str(), mark]);
        let mut data = object(data);
        data.insert("automation".to_owned(), json!(name));
        data.insert("message".to_owned(), json!(message));
        facts.push(event(world, id, event_name, Some(name.clone()), None, data));
    }
    facts
}

/// Whether anybody listens. What nobody listens to is recorded as the fact that it is, and does nothing (E4).
fn is_heard(world: &World<'_>, automation: &Automation, event: &str) -> bool {
    automation.hooks.iter().any(|hook| hook.event == event) || world.agenda.is_trigger(event)
}

fn of_server(world: &World<'_>, name: &str, mark: &str, message: &str, data: Value) -> Vec<Fact> {
    let is_heard = world.state.desired.hooks.iter().any(|hook| hook.event == name) || world.agenda.is_trigger(name);
    // The hooks that a revision brings hear of its being applied; those it removes do not.
    if !is_heard && name != "revision.applied" {
        return Vec::new();
    }
    let mut data = object(data);
    data.insert("message".to_owned(), json!(message));
    let id = EventId::derived(&[name, mark, &world.state.seq.to_string()]);
    vec![event(world, id, name, None, None, data)]
}

/// What a handled event triggers. It failed if a hook refused it, and then it triggers nothing.
fn of_event(world: &World<'_>, id: &EventId) -> Vec<Fact> {
    let Some(event) = world.state.events.values().find(|event| event.id == *id) else {
        return Vec::new();
    };
    let subject = event.subject.as_ref();
    triggered_runs(world, &Happening { id: id.clone(), name: &event.name, subject, data: &event.data, testing: false })
}

fn event(world: &World<'_>, id: EventId, name: &str, subject: Option<Name>, run: Option<RunId>, data: JsonMap) -> Fact {
    let by = format!("Provost {}", world.identity.version);
    Fact::EventAccepted { event: Box::new(AcceptedEvent { id, name: name.to_owned(), subject, run, data, by }) }
}

fn object(value: Value) -> JsonMap {
    match value {
        Value::Object(map) => map,
        _ => JsonMap::new(),
    }
}
