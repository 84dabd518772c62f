//! R9: success is never invented, nor is failure. What the ledger says of an exit is what the container itself knows.

use std::collections::BTreeMap;

use provost_model::{EventFact, Exit, Fact, Outcome, RunFact, RunId, StepFact};

use super::{Case, Span};
use crate::Breach;

/// Whether the ledger's exits and outcomes are those of the containers.
pub fn honest(case: &Case<'_>) -> Vec<Breach> {
    let spans: BTreeMap<(&str, &str), &Span<'_>> = case.spans.iter().map(|span| (span.tag.key(), span)).collect();
    let mut found = Vec::new();
    for noted in &case.record.ledger {
        let (owner, step, fact) = match &noted.recorded.fact {
            Fact::Run { run, change: RunFact::Step { id, fact } } => (run.as_str(), id, fact),
            Fact::Event { id: event, change: EventFact::Step { id, fact } } => (event.as_str(), id, fact),
            Fact::Run { run, change: RunFact::Finished { outcome: Outcome::Succeeded, .. } } => {
                if !has_succeeded(case, run) {
                    let what = format!("{run} succeeded, and no main container of it exited with 0");
                    found.push(Breach::new("R9", noted.line, what));
                }
                continue;
            }
            _ => continue,
        };
        if let StepFact::Ended { result, .. } = fact
            && !step.as_str().contains("-ask.")
            && let Some(what) = dishonest(result, spans.get(&(owner, step.as_str())).copied())
        {
            found.push(Breach::new("R9", noted.line, format!("{step} of {owner}: {what}")));
        }
    }
    found.extend(unfinished(case));
    found
}

fn has_succeeded(case: &Case<'_>, run: &RunId) -> bool {
    case.spans_of(run).any(|span| span.tag.is_main() && span.code == Some(0))
}

fn dishonest(result: &Exit, span: Option<&Span<'_>>) -> Option<String> {
    let truth = span.and_then(|span| span.code);
    match (result, span) {
        (Exit::Code { code }, Some(_)) if truth == Some(*code) => None,
        (Exit::Code { code }, _) => Some(format!("the ledger says exit {code}, the container {truth:?}")),
        (Exit::OutOfMemory, _) => Some("the ledger says out of memory, and nothing was".to_owned()),
        (Exit::NotStarted { why }, Some(_)) => Some(format!("the ledger says not started ({why}), and it did")),
        // That nobody knows is never wrong, where nobody does: a container that was seen to its end is not lost.
        (Exit::NotStarted { .. }, None) | (Exit::Lost { .. }, _) => None,
    }
}

/// Every run that was accepted is over at the end.
fn unfinished(case: &Case<'_>) -> Vec<Breach> {
    let open = case.runs.iter().filter(|(_, accepted)| accepted.outcome.is_none());
    let words = |run: &RunId| format!("{run} was accepted and never came to an end");
    open.map(|(run, accepted)| Breach::new("D1", accepted.line, words(run))).collect()
}
