//! What is to come: the next due times, and what will become of them as far as it can be said now.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use provost_model::{Automation, Cause, JsonMap, Moment, Name, Phase, Run, RunFact, RunId, State, check_params};
use serde::{Deserialize, Serialize};

use crate::World;
use crate::due::{frozen_at, next_due, start_of};

/// A due time that is to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upcoming {
    /// Of which automation.
    pub automation: Name,
    /// The due time.
    pub due: Timestamp,
    /// When the run may start: the due time and its jitter.
    pub start_at: Timestamp,
    /// Why it will not start, as far as that can be said now: suspended, paused, frozen.
    pub skipped: Option<String>,
}

/// Returns the due times in `(from, until]` of everything in force, soonest first, at most `limit`.
pub fn forecast(state: &State, from: Timestamp, until: Timestamp, limit: usize) -> Vec<Upcoming> {
    let mut heads: BTreeSet<(Timestamp, &Name)> = BTreeSet::new();
    let push = |heads: &mut BTreeSet<_>, automation: &Automation, name, after| {
        if let Some(due) = next_due(automation, after).filter(|due| *due <= until) {
            heads.insert((due, name));
        }
    };
    for (name, automation) in &state.desired.automations {
        push(&mut heads, automation, name, from);
    }
    let mut upcoming = Vec::new();
    while let Some((due, name)) = heads.pop_first() {
        if upcoming.len() == limit {
            break;
        }
        let automation = &state.desired.automations[name];
        push(&mut heads, automation, name, due);
        upcoming.push(Upcoming {
            automation: name.clone(),
            due,
            start_at: start_of(automation, due),
            skipped: reason_to_skip(state, automation, due),
        });
    }
    upcoming
}

fn reason_to_skip(state: &State, automation: &Automation, due: Timestamp) -> Option<String> {
    if automation.suspend {
        return Some("suspended in its manifest".to_owned());
    }
    let pause = state.ledgers.get(&automation.name).and_then(|ledger| ledger.pause.as_ref());
    match pause.filter(|pause| pause.until.is_none_or(|until| due < until)) {
        Some(pause) => Some(format!("paused by {}: {}", pause.by, pause.reason)),
        None => frozen_at(automation, due),
    }
}

/// The run that `due` will bring, with its first steps waiting. Nothing of it is recorded.
pub(crate) fn first_steps_of(
    automation: &Arc<Automation>,
    due: Timestamp,
    not_before: Timestamp,
    world: &World<'_>,
) -> Run {
    let mut run = Run {
        id: RunId::scheduled(&automation.name, due),
        spec: Arc::clone(automation),
        revision: world.state.desired.revision.clone(),
        cause: Cause::Schedule,
        due,
        not_before,
        accepted_at: due,
        params: check_params(&automation.params, &JsonMap::new()).unwrap_or_default(),
        testing: false,
        locals: JsonMap::new(),
        phase: Phase::Queued { why: String::new() },
        cancel: None,
        attempts: Vec::new(),
        firings: Vec::new(),
        health: None,
        image: None,
    };
    let named = automation.notify.channels.get(&Moment::Starting).into_iter().flatten();
    let asked = named.filter_map(|name| world.state.desired.channels.get(name)).filter(|it| it.reply.is_some());
    let began = RunFact::Began { ask: asked.cloned().collect() };
    let mut changes = vec![began];
    if !automation.hooks.iter().any(|hook| hook.event == "run.starting") {
        changes.push(RunFact::Attempt { attempt: 1 });
    }
    for change in changes {
        // A new run takes exactly these two changes; were it otherwise, nothing would be made ahead.
        let _ = run.apply(due, &change);
    }
    run
}
