//! D2, R7: how often containers started, by their own evidence.

use std::collections::BTreeMap;

use provost_model::RunId;

use super::{Case, Span};
use crate::Breach;

/// Whether each step's container started at most once, and each run and attempt had at most one main start (D2).
pub fn once(case: &Case<'_>) -> Vec<Breach> {
    let mut steps: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut mains: BTreeMap<(&RunId, u32), usize> = BTreeMap::new();
    let mut found = Vec::new();
    for span in &case.spans {
        let starts = steps.entry(span.tag.key()).or_default();
        *starts += 1;
        if *starts > 1 {
            found.push(Breach::new("D2", span.line, format!("{:?} started {starts} times", span.tag.key())));
        }
        if !span.tag.is_main() {
            continue;
        }
        let Some((run, attempt)) = span.tag.run.as_ref().zip(span.tag.attempt) else {
            found.push(Breach::new("D2", span.line, "a main container does not know its run and attempt"));
            continue;
        };
        let starts = mains.entry((run, attempt)).or_default();
        *starts += 1;
        if *starts > 1 {
            found.push(Breach::new("D2", span.line, format!("attempt {attempt} of {run} started {starts} times")));
        }
        if !case.runs.contains_key(run) {
            found.push(Breach::new("R2", span.line, format!("{run} started and was never accepted")));
        }
    }
    found
}

/// Whether attempts never exceed the limit, and come one after the other (R7).
pub fn attempts(case: &Case<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (run, spans) in case.spans_by_run() {
        let mut mains: Vec<&&Span<'_>> = spans.iter().filter(|span| span.tag.is_main()).collect();
        mains.sort_by_key(|span| span.tag.attempt);
        let most = case.runs.get(run).map_or(1, |run| run.spec.retries.limit + 1);
        if let Some(last) = mains.last().filter(|last| last.tag.attempt.is_some_and(|attempt| attempt > most)) {
            found.push(Breach::new("R7", last.line, format!("{run} had attempt {:?} of {most}", last.tag.attempt)));
        }
        for pair in mains.windows(2) {
            if pair[0].ended.is_none_or(|ended| ended > pair[1].started) {
                let what = format!("{run}: attempt {:?} began before the one before had ended", pair[1].tag.attempt);
                found.push(Breach::new("R7", pair[1].line, what));
            }
        }
    }
    found
}
