//! Keeping services up: which of them is to be started, replaced, or taken down (C4, C5).

use std::sync::Arc;

use jiff::Timestamp;
use provost_model::{
    AcceptedRun, Automation, Cause, Fact, JsonMap, Ledger, Life, Name, Outcome, Replacement, Run, RunFact, RunId,
    StopCause,
};

use crate::step::Subject;
use crate::world::later;
use crate::{Moves, World};

/// A service that was up for this long, in seconds, and is lost, is started again at once; a younger one, after its pause.
const SETTLED_S: i64 = 60;

/// Starts services that are wanted and not up, lets new containers take the place of old ones, and ends those that no
/// manifest declares any more.
pub fn keep_services(world: &World<'_>, moves: &mut Moves) {
    if !world.may_begin() {
        return;
    }
    for run in services(world).filter(|run| is_live(run) && desired(world, run).is_none()) {
        moves.push(cancelling(run, StopCause::Removed));
    }
    for name in world.agenda.services() {
        if let Some(service) = world.state.desired.automations.get(name) {
            keep(world, service, moves);
        }
    }
}

/// Every run of a service that is not over.
fn services<'a>(world: &World<'a>) -> impl Iterator<Item = &'a Run> + use<'a> {
    world.state.runs.values().filter(|run| run.spec.service.is_some() && !run.is_finished())
}

/// The service that `run` is of, as the revision in force wants it.
fn desired<'a>(world: &World<'a>, run: &Run) -> Option<&'a Arc<Automation>> {
    world.state.desired.automations.get(&run.spec.name).filter(|wanted| wanted.service.is_some())
}

/// Whether nobody has asked it to end, and it has not ended by itself.
fn is_live(run: &Run) -> bool {
    run.cancel.is_none() && run.outcome().is_none()
}

/// Whether it does its work, as far as is seen: one that has just ended does not, although its end is not recorded yet.
fn is_up(world: &World<'_>, run: &Run) -> bool {
    let container = run.attempts.last().map(|step| Subject::Run(run).container(world, step));
    let has_ended = container.and_then(|name| world.seen.life(&name)).is_some_and(Life::is_over);
    run.is_up() && !has_ended
}

fn keep(world: &World<'_>, service: &Automation, moves: &mut Moves) {
    let open = world.state.runs_of(&service.name).filter(|run| run.spec.service.is_some() && !run.is_finished());
    let (live, ending): (Vec<&Run>, Vec<&Run>) = open.partition(|run| is_live(run));
    let (current, old): (Vec<&Run>, Vec<&Run>) =
        live.into_iter().partition(|run| run.spec.workload == service.workload);
    if let Some(current) = current.first() {
        if is_up(world, current) {
            old.iter().for_each(|run| moves.push(cancelling(run, StopCause::Replaced)));
        }
        return;
    }
    let Some(from) = wanted_from(world, service) else {
        return;
    };
    if !old.is_empty() && must_stop_first(service, &old) {
        return old.iter().for_each(|run| moves.push(cancelling(run, StopCause::Replaced)));
    }
    if !ending.is_empty() {
        return; // It cleans up first.
    }
    if from > world.now {
        return moves.wake(from);
    }
    start(world, service, moves);
}

/// From when on `service` is to be started, if it is: it is new, or changed, or a person started it, or it is lost.
fn wanted_from(world: &World<'_>, service: &Automation) -> Option<Timestamp> {
    let Some(ledger) = world.state.ledgers.get(&service.name) else {
        return Some(world.now);
    };
    if ledger.stopped.is_some() {
        return None;
    }
    if ledger.tried.as_ref() != Some(&service.digest()) {
        return Some(world.now);
    }
    lost_at(ledger).map(|(began, ended)| {
        let was_settled = began.is_some_and(|began| ended.as_second() - began.as_second() >= SETTLED_S);
        if was_settled { ended } else { later(ended, service.retries.backoff_s) }
    })
}

/// When it began and was lost, if that is how it ended: it was not its own doing, so no restart is spent on it.
fn lost_at(ledger: &Ledger) -> Option<(Option<Timestamp>, Timestamp)> {
    let last = ledger.last.as_ref()?;
    (last.outcome == Outcome::Lost).then_some((last.began, last.ended))
}

/// Whether the new container cannot, or is not to, run beside the old ones.
fn must_stop_first(service: &Automation, old: &[&Run]) -> bool {
    let replace = service.service.as_ref().map(|terms| terms.replace).unwrap_or_default();
    let mut taken = old.iter().flat_map(|run| &run.spec.workload.ports);
    replace == Replacement::StopFirst
        || taken.any(|taken| service.workload.ports.iter().any(|port| port.clashes(taken)))
}

fn cancelling(run: &Run, why: StopCause) -> Fact {
    Fact::Run { run: run.id.clone(), change: RunFact::Cancelling { why } }
}

fn start(world: &World<'_>, service: &Automation, moves: &mut Moves) {
    let ledger = world.state.ledgers.get(&service.name);
    let is_again = ledger.is_some_and(|ledger| ledger.tried.is_some() && lost_at(ledger).is_some());
    // To the millisecond, as a person's requests: history lists runs by it.
    let due = Timestamp::from_millisecond(world.now.as_millisecond()).unwrap_or(world.now);
    let accepted = AcceptedRun {
        run: RunId::of_service(&service.name, &world.state.seq.to_string()),
        automation: service.name.clone(),
        cause: Cause::Service,
        due,
        not_before: world.now,
        params: JsonMap::new(),
        testing: false,
    };
    if is_again {
        let (container, what) = (format!("service {}", service.name), "it was started again".to_owned());
        moves.push(Fact::DriftCorrected { container, what });
    }
    moves.push(Fact::RunAccepted { accepted: Box::new(accepted) });
}

/// Which of the services that `run` requires is not up, in words that stay the same while the wait does.
pub(crate) fn required(world: &World<'_>, run: &Run) -> Option<String> {
    let is_there = |name: &Name| world.state.runs_of(name).any(|run| is_up(world, run));
    let missing = run.spec.requires.iter().find(|name| !is_there(name))?;
    let ledger = world.state.ledgers.get(missing);
    let is_open = world.state.runs_of(missing).any(is_live);
    Some(match ledger.and_then(|ledger| ledger.stopped.as_ref()) {
        Some(stopped) => format!("service {missing}, which {} stopped", stopped.by),
        None if !world.state.desired.automations.contains_key(missing) => {
            format!("service {missing}, which no manifest declares")
        }
        None if !is_open && ledger.is_some_and(|ledger| ledger.tried.is_some()) => {
            format!("service {missing}, which has ended")
        }
        None => format!("service {missing}"),
    })
}
