//! How events are handled: in order, stage by stage, and what they trigger.

use std::collections::{BTreeMap, BTreeSet};

use provost_expr::Expr;
use provost_model::{
    AcceptedEvent, AcceptedRun, Automation, Cause, EventFact, EventId, Fact, JsonMap, Name, Occurrence, PREPARE, RunId,
    SkipReason, Startup, check_params,
};
use serde_json::Value;

use crate::admit::{Admission, admit};
use crate::step::{Subject, settle_steps};
use crate::{Moves, World};

/// Accepts the events that prepare plugins (D29), and once those are over and a revision is in force, the one that lets
/// everything else begin (A1).
pub fn begin_startup(world: &World<'_>, moves: &mut Moves) {
    let server = &world.state.server;
    let Some(applied) = &world.state.applied else {
        return;
    };
    if server.stopping {
        return;
    }
    let owed = world.state.prepared.iter().filter(|(_, preparation)| **preparation == Startup::Owed);
    for (plugin, _) in owed {
        let parts = [PREPARE, &plugin.to_string(), &server.boots.to_string(), &applied.seq.to_string()];
        if let Some(data) = world.state.preparation(plugin) {
            moves.push(accepted(world, EventId::derived(&parts), PREPARE, None, data));
        }
    }
    if server.startup == Startup::Owed && world.state.is_prepared() {
        let id = EventId::derived(&["server.startup", &server.boots.to_string(), &applied.seq.to_string()]);
        moves.push(accepted(world, id, "server.startup", None, JsonMap::new()));
    }
}

/// Moves every event on whose turn it is: the first of its lane that is not handled (E4).
pub fn advance_events(world: &World<'_>, moves: &mut Moves) {
    let mut busy_lanes = BTreeSet::new();
    for event in world.state.events.values() {
        if event.handled.is_some() {
            settle_steps(world, &Subject::Event(event), moves); // Hooks in the background.
        } else if busy_lanes.insert(event.lane()) && may_begin(world, event) {
            advance(world, event, moves);
        }
    }
}

/// Nothing but the server's own events is handled before the startup hooks have ended well; what a plugin is to hear waits
/// until that is prepared. While shutting down, those that were accepted go on being handled until the shutdown hooks
/// begin; what is left then keeps until the next start.
fn may_begin(world: &World<'_>, event: &Occurrence) -> bool {
    let server = &world.state.server;
    let is_open = server.startup == Startup::Passed && !server.closing;
    if event.firing.is_some() || event.name.starts_with("server.") || (event.name == PREPARE && !server.stopping) {
        return true;
    }
    let of_automation = event.subject.as_ref().and_then(|name| world.state.desired.automations.get(name));
    let hooks = of_automation.map_or(&world.state.desired.hooks, |automation| &automation.hooks);
    is_open && world.state.waits_for(hooks.iter().filter(|hook| hook.event == event.name)).is_none()
}

fn advance(world: &World<'_>, event: &Occurrence, moves: &mut Moves) {
    let before = moves.facts.len();
    settle_steps(world, &Subject::Event(event), moves);
    if moves.facts.len() > before {
        return;
    }
    let change = match &event.firing {
        None => EventFact::Began,
        Some(firing) if firing.is_done() => {
            let failure = firing.failure().map(|failure| format!("hook {}: {}", failure.step, failure.why));
            EventFact::Handled { failure }
        }
        Some(_) => return,
    };
    moves.push(Fact::Event { id: event.id.clone(), change });
}

/// The fact that an event of our own was accepted.
pub(crate) fn accepted(world: &World<'_>, id: EventId, name: &str, subject: Option<Name>, data: JsonMap) -> Fact {
    let event = AcceptedEvent {
        id,
        name: name.to_owned(),
        subject,
        run: None,
        data,
        by: format!("Provost {}", world.identity.version),
    };
    Fact::EventAccepted { event: Box::new(event) }
}

/// Something that triggers may be bound to.
pub struct Happening<'a> {
    /// Its id.
    pub id: EventId,
    /// Its name.
    pub name: &'a str,
    /// The automation that it is about.
    pub subject: Option<&'a Name>,
    /// Its data.
    pub data: &'a JsonMap,
    /// It comes from a flagged run: what it triggers is flagged too.
    pub testing: bool,
}

/// The runs that `happening` triggers, and whom they replace.
pub fn triggered_runs(world: &World<'_>, happening: &Happening<'_>) -> Vec<Fact> {
    let automations = world.state.desired.automations.values();
    let triggered = automations.filter(|automation| is_triggered(automation, happening));
    triggered.flat_map(|automation| trigger(world, automation, happening)).collect()
}

fn is_triggered(automation: &Automation, happening: &Happening<'_>) -> bool {
    automation.triggers.iter().any(|trigger| {
        trigger.event == happening.name
            && trigger.from.as_ref().is_none_or(|from| Some(from) == happening.subject)
            && trigger.when.as_deref().is_none_or(|when| holds(when, happening))
    })
}

/// Whether the condition holds. One that cannot be evaluated on this data does not.
fn holds(when: &str, happening: &Happening<'_>) -> bool {
    let Ok(expression) = Expr::parse(when) else {
        return false;
    };
    let variables = BTreeMap::from([
        ("data", Value::Object(happening.data.clone())),
        ("event", Value::from(happening.name)),
        ("subject", Value::from(happening.subject.map(Name::as_str).unwrap_or_default())),
    ]);
    expression.holds(&variables).unwrap_or(false)
}

/// A trigger is like a due time: while suspended, paused, frozen or overlapping it is skipped.
fn trigger(world: &World<'_>, automation: &Automation, happening: &Happening<'_>) -> Vec<Fact> {
    let skip = |reason, detail| {
        let (automation, event) = (automation.name.clone(), happening.id.clone());
        vec![Fact::TriggerSkipped { automation, event, reason, detail }]
    };
    let replaces = match admit(world, automation, world.now) {
        Admission::Skip { reason, detail } => return skip(reason, detail),
        Admission::Accept { replaces } => replaces,
    };
    let given = happening.data.iter().filter(|(key, _)| automation.params.contains_key(*key));
    let given: JsonMap = given.map(|(key, value)| (key.clone(), value.clone())).collect();
    let params = match check_params(&automation.params, &given) {
        Ok(params) => params,
        Err(problems) => return skip(SkipReason::Invalid, problems.join("; ")),
    };
    let accepted = AcceptedRun {
        run: RunId::caused(&automation.name, happening.id.as_str()),
        automation: automation.name.clone(),
        cause: Cause::Trigger { event: happening.name.to_owned(), id: happening.id.clone() },
        due: world.now,
        not_before: world.now,
        params,
        testing: happening.testing,
    };
    Admission::replacements(replaces).chain([Fact::RunAccepted { accepted: Box::new(accepted) }]).collect()
}
