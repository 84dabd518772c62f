//! What happened to a step, as a line for people and programs.

use provost_model::{Exit, StepFact, StepId, StepOutput};

use super::event::Line;
use super::run::exit_item;
use super::run_event::stop_words;

/// The line that tells what happened to step `id` of `owner` (`run nightly.x`).
pub(super) fn step_line(owner: &str, id: &StepId, fact: &StepFact) -> Option<Line> {
    let line = match fact {
        StepFact::Delayed { why, until } => {
            Line::new("step.delayed", format!("{owner}: {id} cannot be made: {why}; tried again at {until}"))
                .with("why", why)
                .with("until", until)
        }
        // An intent; the start, or its failure, follows.
        StepFact::Starting => return None,
        StepFact::Started { started_at, image } => Line::new("step.started", format!("{owner}: {id} started"))
            .with("startedAt", started_at)
            .with("image", image),
        StepFact::Stopping { why } => {
            let why = stop_words(why);
            Line::new("step.stopping", format!("{owner}: {id} is asked to end: {why}")).with("why", why)
        }
        StepFact::Ended { result, started_at, finished_at, output } => {
            Line::new("step.ended", format!("{owner}: {id} {}", end_words(result, output)))
                .with("exit", exit_item(result))
                .with("startedAt", started_at)
                .with("finishedAt", finished_at)
                .with("reply", &output.reply)
                .with("problems", Some(&output.problems).filter(|problems| !problems.is_empty()))
        }
    };
    Some(line.with("step", id.as_str()))
}

fn end_words(exit: &Exit, output: &StepOutput) -> String {
    let denial = output.reply.as_ref().filter(|reply| !reply.allow);
    match (exit, denial, output.problems.first()) {
        (_, Some(reply), _) if reply.reason.is_empty() => "said no".to_owned(),
        (_, Some(reply), _) => format!("said no: {}", reply.reason),
        (Exit::Code { code: 0 }, None, Some(problem)) => format!("ended, but {problem}"),
        (Exit::Code { code: 0 }, None, None) => "ended well".to_owned(),
        (Exit::Code { code }, ..) => format!("failed: exit {code}"),
        (Exit::OutOfMemory, ..) => "ran out of memory".to_owned(),
        (Exit::NotStarted { why }, ..) => format!("was not started: {why}"),
        (Exit::Lost { why }, ..) => format!("was lost: {why}"),
    }
}
