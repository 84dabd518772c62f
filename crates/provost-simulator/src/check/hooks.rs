//! R4, R6: once a before-hook has started, the after-hooks run; and what a before-hook refuses does not start.

use std::collections::BTreeSet;

use provost_model::{Hook, OnError};

use super::Case;
use super::case::hook_of;
use crate::Breach;
use crate::record::What;

/// Whether every run is over, and where a before-hook started, the after-hooks ran (R4).
pub fn after_hooks_run(case: &Case<'_>) -> Vec<Breach> {
    let started: BTreeSet<(&str, &str)> = case.spans.iter().map(|span| span.tag.key()).collect();
    let hindered = hindered(case);
    let mut found = Vec::new();
    for (run, spans) in case.spans_by_run() {
        let Some(accepted) = case.runs.get(run) else {
            continue;
        };
        let Some(outcome) = accepted.outcome else {
            found.push(Breach::new("R4", accepted.line, format!("{run} is not over")));
            continue;
        };
        let Some(before) = spans.iter().find(|span| span.tag.step.as_str().starts_with("run.starting-")) else {
            continue;
        };
        let is_after = |hook: &&std::sync::Arc<Hook>| hook.event == outcome.event() || hook.event == "run.finished";
        for hook in accepted.spec.hooks.iter().filter(is_after) {
            let step = format!("{}-{}", hook.event, hook.label());
            let key = (run.as_str(), step.as_str());
            if !started.contains(&key) && !hindered.contains(&key) {
                let what = format!("{run} is {outcome:?}: its before-hook started, and {step} never did");
                found.push(Breach::new("R4", before.line, what));
            }
        }
    }
    found
}

/// Steps whose containers were refused by the engine, or taken away before they started.
fn hindered<'a>(case: &Case<'a>) -> BTreeSet<(&'a str, &'a str)> {
    let is_hindrance = |what: &What| matches!(what, What::Refused | What::Removed { by_us: false, .. });
    let deeds = case.record.evidence.iter().filter(|deed| is_hindrance(&deed.what));
    deeds.filter_map(|deed| deed.tag.as_deref()).map(|tag| tag.key()).collect()
}

/// Whether no main container started where a before-hook failed or said no (R6).
pub fn refusals_hold(case: &Case<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (run, spans) in case.spans_by_run() {
        let Some(accepted) = case.runs.get(run) else {
            continue;
        };
        let main = spans.iter().find(|span| span.tag.is_main());
        for span in &spans {
            let step = span.tag.step.as_str();
            let hook = hook_of(&accepted.spec.hooks, step).filter(|hook| hook.event == "run.starting");
            let decides = hook.is_some_and(|hook| !hook.background && hook.on_error == OnError::Fail);
            let refuses = span.denied || span.code.is_some_and(|code| code != 0);
            if let Some(main) = main.filter(|_| decides && refuses) {
                let what = format!("{run} started although {step} ended with {:?}, no: {}", span.code, span.denied);
                found.push(Breach::new("R6", main.line, what));
            }
        }
    }
    found
}
