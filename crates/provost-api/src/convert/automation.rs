//! Automations in lists.

use std::sync::Arc;

use jiff::Timestamp;
use provost_model as model;
use provost_model::{Automation, Ledger, Pause, Startup, State};
use provost_planner::next_due;
use provost_schedule::{Schedule, Timing, describe_schedule};

use super::run::{exit_code, outcome};
use super::{millis, seconds};
use crate::wire::*;

/// What the state knows of one automation, taken out of it in little time; the rest is worked out elsewhere, so that
/// the controller does not wait for a list of ten thousand.
pub(crate) struct Glimpse {
    now: Timestamp,
    automation: Arc<Automation>,
    ledger: Option<Ledger>,
    open_runs: Vec<OpenRun>,
    revision: Option<String>,
    /// Why the server starts nothing at all.
    halted: Option<String>,
}

impl Glimpse {
    /// What `state` knows of `automation` at `now`.
    pub(crate) fn of(state: &State, now: Timestamp, automation: &Arc<Automation>) -> Self {
        let runs = state.runs_of(&automation.name);
        let mut runs: Vec<&model::Run> = runs.filter(|run| !run.is_finished()).collect();
        runs.sort_by_key(|run| (run.due, run.accepted_at));
        Self {
            now,
            automation: Arc::clone(automation),
            ledger: state.ledgers.get(&automation.name).cloned(),
            open_runs: runs.into_iter().map(open_run).collect(),
            revision: state.desired.revision.as_ref().map(ToString::to_string),
            halted: match &state.server.startup {
                Startup::Refused { why } => Some(format!("a startup hook refused: {why}")),
                _ if state.server.stopping => Some("the server is shutting down".to_owned()),
                Startup::Owed | Startup::Running | Startup::Passed => None,
            },
        }
    }

    /// The automation.
    pub(crate) fn automation(&self) -> &Automation {
        &self.automation
    }

    /// When it was looked at.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Its last run that is over.
    pub(crate) fn last_run(&self) -> Option<&model::RunId> {
        Some(&self.ledger.as_ref()?.last.as_ref()?.run)
    }

    /// Its row in a list. `last` is what history knows of its last run.
    pub(crate) fn item(&self, last: Option<&model::RunRecord>) -> AutomationItem {
        let automation = &*self.automation;
        let ledger = self.ledger.as_ref();
        let pause = ledger.and_then(|ledger| ledger.pause.as_ref());
        let over = ledger.and_then(|ledger| ledger.last.as_ref());
        let recent = ledger.map(|ledger| ledger.recent.iter().copied().map(outcome).collect());
        let next_due = next_due(automation, self.now);
        AutomationItem {
            name: automation.name.to_string(),
            labels: automation.labels.clone(),
            description: automation.description.clone(),
            state: self.state(),
            pause: pause.map(pause_item),
            suspended: automation.suspend,
            schedules: automation.schedules.iter().map(schedule_item).collect(),
            open_runs: self.open_runs.clone(),
            last_run: over.map(|over| last_run(automation, over, last)),
            last_success_at: ledger.and_then(|ledger| ledger.last_success),
            failures: ledger.map_or(0, |ledger| ledger.failures),
            next_due,
            next_reason: self.next_reason(pause, next_due),
            late_s: late(&self.open_runs).or_else(|| Some(seconds(last?.due, last?.began_at?))),
            recent: recent.unwrap_or_default(),
            revision: self.revision.clone(),
        }
    }

    /// How it is.
    pub(crate) fn state(&self) -> AutomationState {
        let ledger = self.ledger.as_ref();
        if ledger.is_some_and(|ledger| ledger.pause.is_some()) {
            AutomationState::Paused
        } else if self.automation.suspend {
            AutomationState::Suspended
        } else if self.open_runs.iter().any(|run| run.phase != RunPhase::Queued) {
            AutomationState::Running
        } else if !self.open_runs.is_empty() {
            AutomationState::Queued
        } else if ledger.is_some_and(|ledger| ledger.failures > 0) {
            AutomationState::Failing
        } else if ledger.is_some_and(|ledger| ledger.last.is_some()) {
            AutomationState::Ok
        } else {
            AutomationState::New
        }
    }

    /// Why nothing is due, or why what is due will start nothing; absent when the next due time will run as far as is
    /// known.
    fn next_reason(&self, pause: Option<&Pause>, next: Option<Timestamp>) -> Option<String> {
        let Some(next) = next else {
            return Some(never(&self.automation).to_owned());
        };
        if self.automation.suspend {
            return Some("its manifest suspends it".to_owned());
        }
        if let Some(pause) = pause.filter(|pause| pause.until.is_none_or(|until| next < until)) {
            return Some(match pause.reason.as_str() {
                "" => format!("paused by {}", pause.by),
                reason => format!("paused by {}: {reason}", pause.by),
            });
        }
        self.halted.clone().or_else(|| provost_planner::frozen_at(&self.automation, next))
    }
}

/// A run that is not over.
fn open_run(run: &model::Run) -> OpenRun {
    use model::Phase as P;
    let (phase, waits_for) = match &run.phase {
        P::Queued { why } => (RunPhase::Queued, Some(why.clone())),
        P::Before => (RunPhase::Before, None),
        P::Main { .. } => (RunPhase::Main, None),
        P::Backoff { .. } => (RunPhase::Backoff, None),
        P::After { .. } => (RunPhase::After, None),
        P::Finished { .. } => (RunPhase::Finished, None),
    };
    OpenRun { run: run.id.to_string(), due: run.due, phase, began_at: model::RunRecord::of(run).began_at, waits_for }
}

/// The lateness of the youngest open run that has begun.
fn late(open: &[OpenRun]) -> Option<u64> {
    open.iter().rev().find_map(|run| Some(seconds(run.due, run.began_at?)))
}

fn last_run(automation: &Automation, over: &model::LastRun, record: Option<&model::RunRecord>) -> LastRunItem {
    let record = record.filter(|record| record.run == over.run);
    LastRunItem {
        run: over.run.to_string(),
        outcome: outcome(over.outcome),
        detail: record.map_or_else(String::new, |record| record.detail.clone()),
        began_at: over.began,
        ended_at: over.ended,
        duration_ms: over.began.map(|began| millis(began, over.ended)),
        exit: record.and_then(exit_code),
        attempts: record.map_or(0, |record| record.attempts),
        attempts_max: automation.retries.limit.saturating_add(1),
    }
}

fn pause_item(pause: &Pause) -> PauseItem {
    PauseItem { until: pause.until, reason: pause.reason.clone(), by: pause.by.clone() }
}

fn never(automation: &Automation) -> &'static str {
    if !automation.schedules.is_empty() {
        "its schedule is never due again"
    } else if automation.action.is_some() {
        "it is an action: it runs when it is called"
    } else if automation.triggers.is_empty() {
        "it has no schedule: it runs by hand only"
    } else {
        "it has no schedule: it runs on its triggers and by hand"
    }
}

/// One schedule.
pub(crate) fn schedule_item(schedule: &Schedule) -> ScheduleItem {
    ScheduleItem {
        text: match &schedule.timing {
            Timing::Cron { cron, .. } => cron.source().to_owned(),
            Timing::Every { seconds } => format!("every {seconds}s"),
            Timing::At { instant } => format!("at {instant}"),
        },
        words: describe_schedule(schedule),
        time_zone: schedule.zone().map(|zone| zone.name().to_owned()),
        jitter_s: schedule.jitter_s,
    }
}
