//! How a run goes on: from its before-hooks to its end (R1–R7).

use provost_model::{
    Exit, Fact, Firing, FiringFailure, Outcome, Phase, RestartPolicy, Run, RunEvent, RunFact, Step, StepResult,
    StopCause,
};

use crate::health::judge;
use crate::step::{Subject, settle_steps};
use crate::world::later;
use crate::{Moves, World};

/// Moves every run on.
pub fn advance_runs(world: &World<'_>, moves: &mut Moves) {
    for run in world.state.runs.values() {
        advance(world, run, moves);
    }
}

/// Moves `run` on by one change of its phase, or settles its steps.
fn advance(world: &World<'_>, run: &Run, moves: &mut Moves) {
    let before = moves.facts.len();
    settle_steps(world, &Subject::Run(run), moves);
    if moves.facts.len() > before {
        return; // The steps have changed; the phase follows from what they are then.
    }
    if let Some(fact) = judge(world, run, moves) {
        return moves.push(fact);
    }
    if let Some(change) = next_change(world, run, moves) {
        moves.push(Fact::Run { run: run.id.clone(), change });
    }
}

/// The change that is due for the run's phase, if one is. (Queued runs are released in `queue`.)
fn next_change(world: &World<'_>, run: &Run, moves: &mut Moves) -> Option<RunFact> {
    match &run.phase {
        Phase::Queued { .. } | Phase::Finished { .. } => None,
        Phase::Before => {
            let firing = run.firing_of(RunEvent::Starting, None);
            is_done(firing).then(|| after_before_hooks(world, run, firing.and_then(Firing::failure))).flatten()
        }
        Phase::Main { attempt } => {
            let hooks_are_done = is_done(run.firing_of(RunEvent::Started, None));
            let result = run.attempts.last().and_then(Step::result)?;
            hooks_are_done.then(|| after_attempt(world, run, *attempt, result))
        }
        Phase::Backoff { attempt, until } => {
            if !is_done(run.firing_of(RunEvent::Retrying, Some(*attempt))) {
                return None;
            }
            if run.cancel.is_some() {
                return Some(cancelled(run));
            }
            if world.now < *until {
                moves.wake(*until);
                return None;
            }
            world.may_begin().then_some(RunFact::Attempt { attempt: attempt + 1 })
        }
        Phase::After { outcome, finishing: false, .. } => {
            is_done(run.firing_of(RunEvent::Ended(*outcome), None)).then_some(RunFact::Finishing)
        }
        Phase::After { outcome, detail, finishing: true } => is_done(run.firing_of(RunEvent::Finished, None))
            .then(|| RunFact::Finished { outcome: *outcome, detail: detail.clone() }),
    }
}

fn is_done(firing: Option<&Firing>) -> bool {
    firing.is_none_or(Firing::is_done)
}

fn after_before_hooks(world: &World<'_>, run: &Run, failure: Option<FiringFailure>) -> Option<RunFact> {
    if run.cancel.is_some() {
        return Some(cancelled(run));
    }
    match failure {
        Some(FiringFailure { step, why, denied: true }) => {
            Some(RunFact::Concluded { outcome: Outcome::Cancelled, detail: format!("denied by {step}: {why}") })
        }
        Some(FiringFailure { step, why, denied: false }) => {
            Some(RunFact::Concluded { outcome: Outcome::Failed, detail: format!("before-hook {step}: {why}") })
        }
        None => world.may_begin().then_some(RunFact::Attempt { attempt: 1 }),
    }
}

fn after_attempt(world: &World<'_>, run: &Run, attempt: u32, result: &StepResult) -> RunFact {
    let is_always_restarted = run.spec.service.as_ref().is_some_and(|terms| terms.restart == RestartPolicy::Always);
    let Some(why) = result.failure().or_else(|| is_always_restarted.then(|| "exit 0".to_owned())) else {
        return RunFact::Concluded { outcome: Outcome::Succeeded, detail: String::new() };
    };
    let outcome = match (&result.stopped, &result.exit) {
        (Some(StopCause::Timeout), _) => Outcome::TimedOut,
        (Some(StopCause::Unhealthy { .. }), _) if run.cancel.is_none() => Outcome::Failed,
        (Some(_), _) => return cancelled(run),
        (None, Exit::NotStarted { .. }) if run.cancel.is_some() => return cancelled(run),
        (None, Exit::Lost { .. }) => Outcome::Lost,
        (None, _) => Outcome::Failed,
    };
    // Nobody knows what a lost attempt has done: trying again is for people to decide.
    let may_retry = outcome != Outcome::Lost && run.cancel.is_none() && attempt <= run.spec.retries.limit;
    if may_retry {
        let until = later(result.finished_at.max(world.now), run.spec.retries.backoff_after(attempt));
        return RunFact::Retrying { why, until };
    }
    if run.spec.service.is_some() && outcome == Outcome::Failed {
        return RunFact::Concluded { outcome, detail: format!("{why}; {}", restarts(run, attempt)) };
    }
    let tries = if attempt > 1 { format!(", try {attempt} of {}", run.spec.retries.limit + 1) } else { String::new() };
    RunFact::Concluded { outcome, detail: format!("{why}{tries}") }
}

/// How often a service was restarted that is given up.
fn restarts(run: &Run, attempt: u32) -> String {
    match (run.spec.retries.limit, attempt - 1) {
        (0, _) => "no restart is declared".to_owned(),
        (1, 1) => "restarted once, and not again".to_owned(),
        (_, many) => format!("restarted {many} times, and not again"),
    }
}

fn cancelled(run: &Run) -> RunFact {
    let detail = run.cancel.as_ref().map_or_else(|| "cancelled".to_owned(), cancel_detail);
    RunFact::Concluded { outcome: Outcome::Cancelled, detail }
}

/// Why a run was asked to end, in one clause.
pub(crate) fn cancel_detail(cause: &StopCause) -> String {
    match cause {
        StopCause::Cancel { by } => format!("stopped by {by}"),
        StopCause::Replaced => "replaced by a newer run".to_owned(),
        StopCause::Shutdown => "ended by the server's shutdown".to_owned(),
        StopCause::Timeout => "timed out".to_owned(),
        StopCause::Unhealthy { why } => format!("unhealthy: {why}"),
        StopCause::Removed => "no manifest declares it any more".to_owned(),
    }
}
