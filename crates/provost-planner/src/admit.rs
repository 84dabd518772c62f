//! Whether an automation may be started for a due time or event: suspended, paused, frozen, overlapping (D5).

use jiff::Timestamp;
use provost_model::{Automation, ConcurrencyPolicy, Fact, Phase, Run, RunFact, RunId, SkipReason, Startup, StopCause};

use crate::World;
use crate::due::frozen_at;
use crate::world::later;

/// Whether a due time or event starts a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It does.
    Accept {
        /// Runs that are asked to end for it.
        replaces: Vec<RunId>,
    },
    /// It does not.
    Skip {
        /// Why.
        reason: SkipReason,
        /// Why, in one clause.
        detail: String,
    },
}

impl Admission {
    /// The facts that ask the replaced runs to end.
    pub fn replacements(replaces: Vec<RunId>) -> impl Iterator<Item = Fact> {
        replaces.into_iter().map(|run| Fact::Run { run, change: RunFact::Cancelling { why: StopCause::Replaced } })
    }
}

/// Decides whether `automation` is started for `due`, at most now.
pub fn admit(world: &World<'_>, automation: &Automation, due: Timestamp) -> Admission {
    match reason_to_skip(world, automation, due).or_else(|| overlap(world, automation)) {
        Some((reason, detail)) => Admission::Skip { reason, detail },
        None if automation.concurrency == ConcurrencyPolicy::Replace => {
            let open = open_runs(world, automation).filter(|run| run.cancel.is_none());
            Admission::Accept { replaces: open.map(|run| run.id.clone()).collect() }
        }
        None => Admission::Accept { replaces: Vec::new() },
    }
}

fn reason_to_skip(world: &World<'_>, automation: &Automation, due: Timestamp) -> Option<(SkipReason, String)> {
    if let Startup::Refused { why } = &world.state.server.startup {
        return Some((SkipReason::Policy, format!("server.startup was refused: {why}")));
    }
    if automation.suspend {
        return Some((SkipReason::Suspended, "suspended in its manifest".to_owned()));
    }
    let pause = world.state.ledgers.get(&automation.name).and_then(|ledger| ledger.pause.as_ref());
    if let Some(pause) = pause.filter(|pause| pause.until.is_none_or(|until| due < until)) {
        return Some((SkipReason::Suspended, format!("paused by {}: {}", pause.by, pause.reason)));
    }
    if let Some(reason) = frozen_at(automation, due) {
        return Some((SkipReason::Frozen, reason));
    }
    let is_late = automation.start_deadline_s.is_some_and(|deadline| later(due, deadline) < world.now);
    is_late.then(|| (SkipReason::Deadline, "older than startDeadline".to_owned()))
}

fn overlap(world: &World<'_>, automation: &Automation) -> Option<(SkipReason, String)> {
    let first = open_runs(world, automation).next()?;
    let reason = match &first.phase {
        Phase::Queued { why } if why.starts_with("the limit") => SkipReason::Limit,
        _ => SkipReason::Overlap,
    };
    match automation.concurrency {
        ConcurrencyPolicy::Forbid => Some((reason, format!("run {} has not ended", first.id))),
        ConcurrencyPolicy::Queue => {
            let waiting = open_runs(world, automation).filter(|run| run.is_queued()).count();
            let is_full = waiting >= automation.queue_limit as usize;
            is_full.then(|| (reason, format!("the queue is full ({waiting} waiting)")))
        }
        ConcurrencyPolicy::Replace | ConcurrencyPolicy::Allow => None,
    }
}

fn open_runs<'a>(world: &World<'a>, automation: &'a Automation) -> impl Iterator<Item = &'a Run> {
    world.state.runs_of(&automation.name).filter(|run| !run.is_finished())
}
