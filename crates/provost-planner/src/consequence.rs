//! What follows at once from a fact: notifications, triggered runs, events about due times. They are recorded together
//! with it, so that a crash leaves both or neither.

use provost_model::{
    AcceptedEvent, Automation, EventFact, EventId, Fact, JsonMap, Moment, Name, Outcome, Run, RunFact, RunId, StepFact,
    StepId,
};
use serde_json::{Value, json};

use crate::World;
use crate::event::{Happening, triggered_runs};
use crate::notice::{automation_notices, run_notices};
use crate::world::later;

/// The facts that follow from `fact`, which `world` does not hold yet.
pub fn consequences(world: &World<'_>, fact: &Fact) -> Vec<Fact> {
    match fact {
        Fact::Run { run, change } => {
            world.state.runs.get(run).map_or_else(Vec::new, |run| of_run(world, run, change))
        }
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
            of_server(world, "revision.applied", change.revision.as_str(), &message, data)
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
    // Notifications tell of the run as it is with the change.
    let mut changed = run.clone();
    if changed.apply(world.now, change).is_err() {
        return Vec::new();
    }
    match change {
        RunFact::Began { .. } => {
            let mut facts = run_notices(world, &changed, Moment::Starting, "");
            facts.extend(lateness(world, &changed));
            facts
        }
        RunFact::Step { id, fact: StepFact::Started { .. } } if *id == StepId::main(1) => {
            let mut facts = run_notices(world, &changed, Moment::Started, "");
            facts.extend(triggers(world, &changed, "run.started"));
            facts
        }
        RunFact::Step { id, fact: StepFact::Ended { .. } } => step_failure(world, &mut changed, id),
        RunFact::Retrying { .. } => run_notices(world, &changed, Moment::Retrying, &changed.attempts.len().to_string()),
        RunFact::Concluded { outcome, .. } => {
            let mut facts = run_notices(world, &changed, outcome.moment(), "");
            let failures = world.state.ledgers.get(&run.spec.name).map_or(0, |ledger| ledger.failures);
            if *outcome == Outcome::Succeeded && failures > 0 {
                facts.extend(run_notices(world, &changed, Moment::Recovery, ""));
            }
            facts
        }
        RunFact::Finished { outcome, .. } => {
            let mut facts = run_notices(world, &changed, Moment::Finished, "");
            facts.extend(triggers(world, &changed, outcome.event()));
            facts.extend(triggers(world, &changed, "run.finished"));
            facts
        }
        _ => Vec::new(),
    }
}

fn step_failure(world: &World<'_>, run: &mut Run, id: &StepId) -> Vec<Fact> {
    let has_failed = run.step_mut(id).and_then(|step| step.result()).is_some_and(|result| !result.succeeded());
    if has_failed { run_notices(world, run, Moment::StepFailure, id.as_str()) } else { Vec::new() }
}

fn lateness(world: &World<'_>, run: &Run) -> Vec<Fact> {
    let is_late = run.cause.is_scheduled() && world.now > later(run.not_before.max(run.due), run.spec.late_after_s);
    if !is_late {
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

fn triggers(world: &World<'_>, run: &Run, event: &str) -> Vec<Fact> {
    let data = crate::request::run_data(run, None);
    let id = EventId::derived(&[event, run.id.as_str()]);
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
    let Some(automation) = world.state.desired.automations.get(name) else { return Vec::new() };
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
    let has_hook = automation.hooks.iter().any(|hook| hook.event == event);
    let has_trigger = |automation: &Automation| automation.triggers.iter().any(|trigger| trigger.event == event);
    has_hook || world.state.desired.automations.values().any(|automation| has_trigger(automation))
}

fn of_server(world: &World<'_>, name: &str, mark: &str, message: &str, data: Value) -> Vec<Fact> {
    let desired = &world.state.desired;
    let has_trigger = |automation: &Automation| automation.triggers.iter().any(|trigger| trigger.event == name);
    let is_heard = desired.hooks.iter().any(|hook| hook.event == name) || desired.automations.values().any(|it| has_trigger(it));
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
    let Some(event) = world.state.events.values().find(|event| event.id == *id) else { return Vec::new() };
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
