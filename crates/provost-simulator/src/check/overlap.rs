//! D5: runs that must not overlap do not, by the evidence of their containers: those of one automation, those that share
//! a lock, and those that share a limit.

use std::collections::BTreeMap;

use provost_model::{Automation, ConcurrencyPolicy, RunId};

use super::Case;
use super::case::hook_of;
use crate::{Breach, Time};

/// A run with the time from the start of its first container to the end of its last one; the background does not count.
struct Stretch<'a> {
    run: &'a RunId,
    spec: &'a Automation,
    from: Time,
    to: Time,
    line: usize,
}

/// Whether no two runs overlap that must not.
pub fn apart(case: &Case<'_>) -> Vec<Breach> {
    let mut stretches = stretches(case);
    stretches.sort_by_key(|stretch| stretch.from);
    let mut found = Vec::new();
    let mut open: Vec<&Stretch<'_>> = Vec::new();
    for stretch in &stretches {
        open.retain(|other| other.to > stretch.from);
        for other in &open {
            if let Some(why) = conflict(stretch.spec, other.spec) {
                let what = format!("{} began while {} went on: {why}", stretch.run, other.run);
                found.push(Breach::new("D5", stretch.line, what));
            }
        }
        for limit in &stretch.spec.run_limits {
            let shares = |other: &&&Stretch<'_>| other.spec.run_limits.iter().any(|it| it.policy == limit.policy);
            let going_on = open.iter().filter(shares).count();
            if going_on >= limit.runs_at_once as usize {
                let what = format!("{} began beside {going_on} others; {limit:?}", stretch.run);
                found.push(Breach::new("D5", stretch.line, what));
            }
        }
        open.push(stretch);
    }
    found
}

fn stretches<'a>(case: &'a Case<'_>) -> Vec<Stretch<'a>> {
    let mut stretches: BTreeMap<&RunId, Stretch<'a>> = BTreeMap::new();
    for (run, spans) in case.spans_by_run() {
        let Some(accepted) = case.runs.get(run) else {
            continue;
        };
        for span in spans {
            let is_background =
                hook_of(&accepted.spec.hooks, span.tag.step.as_str()).is_some_and(|hook| hook.background);
            if is_background {
                continue;
            }
            let to = span.ended.unwrap_or(Time::MAX);
            let (from, line) = (span.started, span.line);
            let stretch = stretches.entry(run).or_insert(Stretch { run, spec: accepted.spec, from, to, line });
            if from < stretch.from {
                (stretch.from, stretch.line) = (from, line);
            }
            stretch.to = stretch.to.max(to);
        }
    }
    stretches.into_values().collect()
}

fn conflict(one: &Automation, other: &Automation) -> Option<String> {
    let is_alone = |spec: &Automation| spec.concurrency != ConcurrencyPolicy::Allow;
    if one.name == other.name && is_alone(one) && is_alone(other) {
        return Some(format!("{:?} of {}", one.concurrency, one.name));
    }
    one.locks.intersection(&other.locks).next().map(|lock| format!("lock {lock}"))
}
