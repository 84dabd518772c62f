//! What is kept for questions about the past: one record a run, one outcome a due time.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Cause, Exit, Fact, JsonMap, MissReason, Name, Outcome, Recorded, RevisionId, Run, RunId, SkipReason, Step,
};

/// A run, as history keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// Its id.
    pub run: RunId,
    /// Of which automation.
    pub automation: Name,
    /// The revision in force when it was accepted.
    pub revision: Option<RevisionId>,
    /// What caused it.
    pub cause: Cause,
    /// The instant that it is for.
    pub due: Timestamp,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When its first step started.
    pub began_at: Option<Timestamp>,
    /// When its main container started for the first time.
    pub main_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// How far it is: `Queued`, `Before`, `Main`, `Backoff`, `After`, `Finished`.
    pub phase: Cow<'static, str>,
    /// How it went, once that is settled.
    pub outcome: Option<Outcome>,
    /// Why, in one clause; while it is queued, what it waits for.
    pub detail: String,
    /// How many attempts were begun.
    pub attempts: u32,
    /// What was handed in.
    pub params: JsonMap,
    /// A flagged run.
    pub testing: bool,
    /// Its steps, in the order in which they started; those that have not begun last.
    pub steps: Vec<StepRecord>,
    /// Its progress entries, in order.
    pub progress: Vec<serde_json::Value>,
}

/// A step, as history keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// Which.
    pub id: String,
    /// `Waiting`, `Starting`, `Running`, `Stopping`, `Ended`.
    pub phase: Cow<'static, str>,
    /// Runs beside others and delays nothing.
    pub background: bool,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How its container ended.
    pub exit: Option<Exit>,
    /// Why it failed, in one clause.
    pub failure: Option<String>,
}

impl RunRecord {
    /// The record of `run` as it is now.
    pub fn of(run: &Run) -> Self {
        use crate::Phase;
        let (phase, detail) = match &run.phase {
            Phase::Queued { why } => ("Queued", why.as_str()),
            Phase::Before => ("Before", ""),
            Phase::Main { .. } => ("Main", ""),
            Phase::Backoff { .. } => ("Backoff", "waits for its next attempt"),
            Phase::After { detail, .. } => ("After", detail.as_str()),
            Phase::Finished { detail, .. } => ("Finished", detail.as_str()),
        };
        let mut steps: Vec<StepRecord> = run.steps().map(StepRecord::of).collect();
        steps.sort_by_key(|step| (step.started_at.is_none(), step.started_at));
        let main_at = run.attempts.iter().filter_map(Step::started_at).min();
        Self {
            run: run.id.clone(),
            automation: run.spec.name.clone(),
            revision: run.revision.clone(),
            cause: run.cause.clone(),
            due: run.due,
            accepted_at: run.accepted_at,
            began_at: run.began_at(),
            main_at,
            ended_at: match &run.phase {
                Phase::Finished { at, .. } => Some(*at),
                _ => None,
            },
            phase: Cow::Borrowed(phase),
            outcome: run.outcome().map(|(outcome, _)| outcome),
            detail: detail.to_owned(),
            attempts: u32::try_from(run.attempts.len()).unwrap_or(u32::MAX),
            params: run.params.clone(),
            testing: run.testing,
            progress: progress(run),
            steps,
        }
    }
}

/// What its steps said of their progress, in the order in which they started.
fn progress(run: &Run) -> Vec<serde_json::Value> {
    let mut results: Vec<_> = run.steps().filter_map(Step::result).collect();
    results.sort_by_key(|result| (result.started_at, result.finished_at));
    results.into_iter().flat_map(|result| result.output.progress.iter().cloned()).collect()
}

impl StepRecord {
    fn of(step: &Step) -> Self {
        use crate::StepPhase as P;
        let phase = match &step.phase {
            P::Waiting { .. } => "Waiting",
            P::Starting { .. } => "Starting",
            P::Running { .. } => "Running",
            P::Stopping { .. } => "Stopping",
            P::Ended { .. } => "Ended",
        };
        let result = step.result();
        let denial = result.and_then(|result| result.denial()).map(|why| format!("denied: {why}"));
        Self {
            id: step.id.as_str().to_owned(),
            phase: Cow::Borrowed(phase),
            background: step.is_background(),
            started_at: step.started_at(),
            finished_at: result.map(|result| result.finished_at),
            exit: result.map(|result| result.exit.clone()),
            failure: denial.or_else(|| result.and_then(crate::StepResult::failure)),
        }
    }
}

/// The outcome of a due time (D1), or of a range of missed ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueOutcome {
    /// Of which automation.
    pub automation: Name,
    /// The due time; of a range, the first.
    pub due: Timestamp,
    /// Of a range, the last; otherwise the same.
    pub last: Timestamp,
    /// How many due times there are from first to last.
    pub count: u64,
    /// What became of it.
    pub verdict: DueVerdict,
    /// When this was recorded.
    pub at: Timestamp,
}

/// What became of a due time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "camelCase")]
pub enum DueVerdict {
    /// It ran.
    Ran {
        /// As which run.
        run: RunId,
    },
    /// It was skipped.
    Skipped {
        /// Why.
        reason: SkipReason,
        /// Why, in one clause.
        detail: String,
    },
    /// It was missed.
    Missed {
        /// Why.
        reason: MissReason,
    },
}

impl DueOutcome {
    /// The outcome that `recorded` settles, if it settles one.
    pub fn of(recorded: &Recorded) -> Option<Self> {
        let at = recorded.at;
        match &recorded.fact {
            Fact::RunAccepted { accepted } if accepted.cause.is_scheduled() => Some(Self {
                automation: accepted.automation.clone(),
                due: accepted.due,
                last: accepted.due,
                count: 1,
                verdict: DueVerdict::Ran { run: accepted.run.clone() },
                at,
            }),
            Fact::DueSkipped { automation, due, reason, detail } => Some(Self {
                automation: automation.clone(),
                due: *due,
                last: *due,
                count: 1,
                verdict: DueVerdict::Skipped { reason: *reason, detail: detail.clone() },
                at,
            }),
            Fact::DueMissed { automation, first, last, count, reason } => Some(Self {
                automation: automation.clone(),
                due: *first,
                last: *last,
                count: *count,
                verdict: DueVerdict::Missed { reason: *reason },
                at,
            }),
            _ => None,
        }
    }
}
