//! Runs, steps, lines of output and outcomes.

use provost_controller as controller;
use provost_model as model;

use super::{millis, seconds};
use crate::wire::*;

/// A run in a list.
pub(crate) fn run_item(record: &model::RunRecord) -> RunItem {
    let began = record.began_at;
    RunItem {
        run: record.run.to_string(),
        automation: record.automation.to_string(),
        revision: record.revision.as_ref().map(ToString::to_string),
        cause: cause(&record.cause),
        due: record.due,
        accepted_at: record.accepted_at,
        began_at: began,
        main_at: record.main_at,
        ended_at: record.ended_at,
        duration_ms: began.zip(record.ended_at).map(|(from, to)| millis(from, to)),
        late_s: began.map(|began| seconds(record.due, began)),
        phase: run_phase(record),
        outcome: record.outcome.map(outcome),
        detail: record.detail.clone(),
        attempts: record.attempts,
        exit: exit_code(record),
        params: record.params.clone(),
        testing: record.testing,
    }
}

/// Everything about a run.
pub(crate) fn run_detail(record: &model::RunRecord) -> RunDetail {
    RunDetail {
        item: run_item(record),
        steps: record.steps.iter().map(step_item).collect(),
        progress: record.progress.clone(),
    }
}

fn cause(cause: &model::Cause) -> CauseItem {
    use model::Cause as C;
    let bare = |kind| CauseItem { kind, by: None, event: None, event_id: None, of: None, job: None };
    match cause {
        C::Schedule => bare(CauseKind::Schedule),
        C::CatchUp => bare(CauseKind::CatchUp),
        C::Trigger { event, id } => {
            CauseItem { event: Some(event.clone()), event_id: Some(id.to_string()), ..bare(CauseKind::Trigger) }
        }
        C::Manual { by } => CauseItem { by: Some(by.clone()), ..bare(CauseKind::Manual) },
        C::Action { by, job, .. } => {
            CauseItem { by: Some(by.clone()), job: Some(job.to_string()), ..bare(CauseKind::Action) }
        }
        C::Retry { by, of } => CauseItem { by: Some(by.clone()), of: Some(of.to_string()), ..bare(CauseKind::Retry) },
        C::Service => bare(CauseKind::Service),
    }
}

/// How a run went.
pub(crate) fn outcome(outcome: model::Outcome) -> Outcome {
    match outcome {
        model::Outcome::Succeeded => Outcome::Succeeded,
        model::Outcome::Failed => Outcome::Failed,
        model::Outcome::TimedOut => Outcome::TimedOut,
        model::Outcome::Cancelled => Outcome::Cancelled,
        model::Outcome::Lost => Outcome::Lost,
    }
}

/// The contrary of [`outcome`].
pub(crate) fn model_outcome(outcome: Outcome) -> model::Outcome {
    match outcome {
        Outcome::Succeeded => model::Outcome::Succeeded,
        Outcome::Failed => model::Outcome::Failed,
        Outcome::TimedOut => model::Outcome::TimedOut,
        Outcome::Cancelled => model::Outcome::Cancelled,
        Outcome::Lost => model::Outcome::Lost,
    }
}

/// History keeps the phase as a word. One that a later version may bring is read as far as the other columns tell.
fn run_phase(record: &model::RunRecord) -> RunPhase {
    match record.phase.as_ref() {
        "Queued" => RunPhase::Queued,
        "Before" => RunPhase::Before,
        "Main" => RunPhase::Main,
        "Backoff" => RunPhase::Backoff,
        "After" => RunPhase::After,
        "Finished" => RunPhase::Finished,
        _ if record.ended_at.is_some() => RunPhase::Finished,
        _ if record.began_at.is_some() => RunPhase::Main,
        _ => RunPhase::Queued,
    }
}

/// The exit code of the last attempt that ended with one.
pub(crate) fn exit_code(record: &model::RunRecord) -> Option<i64> {
    let attempt = |step: &model::StepRecord| step.id.strip_prefix("main.")?.parse::<u32>().ok();
    let main = record.steps.iter().filter_map(|step| Some((attempt(step)?, step)));
    match main.max_by_key(|(attempt, _)| *attempt)?.1.exit {
        Some(model::Exit::Code { code }) => Some(code),
        _ => None,
    }
}

fn step_item(step: &model::StepRecord) -> StepItem {
    let span = step.started_at.zip(step.finished_at);
    StepItem {
        step: step.id.clone(),
        phase: step_phase(step),
        background: step.background,
        started_at: step.started_at,
        finished_at: step.finished_at,
        duration_ms: span.map(|(from, to)| millis(from, to)),
        exit: step.exit.as_ref().map(exit_item),
        failure: step.failure.clone(),
    }
}

fn step_phase(step: &model::StepRecord) -> StepPhase {
    match step.phase.as_ref() {
        "Waiting" => StepPhase::Waiting,
        "Starting" => StepPhase::Starting,
        "Running" => StepPhase::Running,
        "Stopping" => StepPhase::Stopping,
        "Ended" => StepPhase::Ended,
        _ if step.exit.is_some() => StepPhase::Ended,
        _ if step.started_at.is_some() => StepPhase::Running,
        _ => StepPhase::Waiting,
    }
}

/// How a container ended.
pub(crate) fn exit_item(exit: &model::Exit) -> ExitItem {
    let (kind, code, why) = match exit {
        model::Exit::Code { code } => (ExitKind::Code, Some(*code), None),
        model::Exit::OutOfMemory => (ExitKind::OutOfMemory, None, None),
        model::Exit::NotStarted { why } => (ExitKind::NotStarted, None, Some(why.clone())),
        model::Exit::Lost { why } => (ExitKind::Lost, None, Some(why.clone())),
    };
    ExitItem { kind, code, why }
}

/// A line of output of the run or event `owner`.
pub(crate) fn log_line(owner: &str, line: controller::LogLine) -> LogLine {
    LogLine {
        at: line.at,
        run: owner.to_owned(),
        step: line.step,
        stream: match line.stream {
            controller::OutputStream::Stdout => OutputStream::Stdout,
            controller::OutputStream::Stderr => OutputStream::Stderr,
        },
        text: line.text,
        continued: line.continued,
    }
}

/// The outcome of a due time.
pub(crate) fn outcome_item(outcome: &model::DueOutcome) -> OutcomeItem {
    use model::DueVerdict as V;
    let (verdict, run, reason, detail) = match &outcome.verdict {
        V::Ran { run } => (DueVerdict::Ran, Some(run.to_string()), None, None),
        V::Skipped { reason, detail } => {
            let detail = Some(detail.clone()).filter(|detail| !detail.is_empty());
            (DueVerdict::Skipped, None, Some(reason.word().to_owned()), detail)
        }
        V::Missed { reason } => {
            let detail = Some(missed_because(*reason).to_owned());
            (DueVerdict::Missed, None, Some(reason.word().to_owned()), detail)
        }
    };
    OutcomeItem {
        automation: outcome.automation.to_string(),
        due: outcome.due,
        last: outcome.last,
        count: outcome.count,
        verdict,
        run,
        reason,
        detail,
        at: outcome.at,
    }
}

/// Why a due time was missed, in one clause.
pub(crate) fn missed_because(reason: model::MissReason) -> &'static str {
    match reason {
        model::MissReason::Down => "the server was down",
        model::MissReason::Deadline => "it was older than startDeadline when it could have started",
    }
}
