//! What happened to a run, as a line for people and programs.

use provost_model::{AcceptedRun, Outcome, RunFact, RunId, StopCause};

use super::event::Line;
use super::step_event::step_line;

/// The line that tells that a run was accepted.
pub(super) fn accepted_run(accepted: &AcceptedRun) -> Line {
    use provost_model::Cause as C;
    let (cause, why) = match &accepted.cause {
        C::Schedule => ("schedule", format!("due at {}", accepted.due)),
        C::CatchUp => ("catchUp", format!("makes up for the missed due time {}", accepted.due)),
        C::Trigger { event, .. } => ("trigger", format!("triggered by {event}")),
        C::Manual { by } => ("manual", format!("asked for by {by}")),
        C::Service => ("service", "it is wanted and not up".to_owned()),
        C::Action { by, application, action, .. } => ("action", format!("{action} of {application}, called by {by}")),
        C::Retry { by, of } => ("retry", format!("{of} again, asked for by {by}")),
    };
    let flag = if accepted.testing { " (testing)" } else { "" };
    Line::new(event_name(&accepted.run, "run.accepted"), format!("run {}{flag}: {why}", accepted.run))
        .run(&accepted.run)
        .with("due", accepted.due)
        .with("cause", cause)
        .with("testing", accepted.testing)
}

/// The line that tells what happened to `run`.
pub(super) fn run_line(run: &RunId, change: &RunFact) -> Option<Line> {
    let line = line_of(run, change)?;
    Some(line.renamed(|name| event_name(run, name)))
}

/// What an event of `run` is called: those of a service are `service.*`.
fn event_name(run: &RunId, name: &str) -> String {
    if !run.is_of_service() {
        return name.to_owned();
    }
    match name {
        "run.retrying" => "service.restarting".to_owned(),
        "run.succeeded" | "run.failed" | "run.timedOut" | "run.cancelled" | "run.lost" => "service.exited".to_owned(),
        "run.finished" => "service.removed".to_owned(),
        name => name.strip_prefix("run.").map_or_else(|| name.to_owned(), |rest| format!("service.{rest}")),
    }
}

fn line_of(run: &RunId, change: &RunFact) -> Option<Line> {
    Some(match change {
        RunFact::Queued { why } => Line::new("run.queued", format!("run {run} waits for {why}")).with("why", why),
        RunFact::Began { ask } if ask.is_empty() => Line::new("run.starting", format!("run {run} begins")),
        RunFact::Began { ask } => {
            let asked: Vec<_> = ask.iter().map(|channel| channel.name.to_string()).collect();
            Line::new("run.starting", format!("run {run} begins, if {} allows it", asked.join(", ")))
                .with("asked", asked)
        }
        RunFact::Attempt { attempt } => {
            Line::new("run.attempt", format!("run {run} begins attempt {attempt}")).with("attempt", attempt)
        }
        RunFact::Step { id, fact } => step_line(&format!("run {run}"), id, fact)?,
        RunFact::Retrying { why, until } => {
            Line::new("run.retrying", format!("run {run}: {why}; tried again at {until}"))
                .with("why", why)
                .with("until", until)
        }
        RunFact::Health { is_healthy: true, .. } => Line::new("service.healthy", format!("run {run} is healthy")),
        RunFact::Health { is_healthy: false, why } => {
            Line::new("service.unhealthy", format!("run {run} is unhealthy: {why}")).with("why", why)
        }
        RunFact::Cancelling { why } => {
            let why = stop_words(why);
            Line::new("run.cancelling", format!("run {run} is asked to end: {why}")).with("why", why)
        }
        RunFact::Concluded { outcome, detail } => {
            Line::new(outcome.event(), format!("run {run} {}", ended(*outcome, detail)))
                .with("outcome", outcome.word())
                .with("detail", detail)
        }
        // The after-hooks of the outcome ended; those of `run.finished` tell of themselves.
        RunFact::Finishing => return None,
        RunFact::Finished { outcome, detail } => {
            Line::new("run.finished", format!("run {run} is over: it {}", ended(*outcome, detail)))
                .with("outcome", outcome.word())
                .with("detail", detail)
        }
    })
}

/// `succeeded`, `failed: exit 1`.
fn ended(outcome: Outcome, detail: &str) -> String {
    let verb = match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::TimedOut => "timed out",
        Outcome::Cancelled => "was cancelled",
        Outcome::Lost => "was lost",
    };
    if detail.is_empty() || detail == verb { verb.to_owned() } else { format!("{verb}: {detail}") }
}

/// Why something was asked to end, in one clause.
pub(super) fn stop_words(cause: &StopCause) -> String {
    match cause {
        StopCause::Timeout => "it took longer than its timeout".to_owned(),
        StopCause::Cancel { by } => format!("cancelled by {by}"),
        StopCause::Replaced => "a newer run replaces it".to_owned(),
        StopCause::Shutdown => "the server shuts down".to_owned(),
        StopCause::Unhealthy { why } => format!("it is unhealthy: {why}"),
        StopCause::Removed => "no manifest declares it any more".to_owned(),
    }
}
