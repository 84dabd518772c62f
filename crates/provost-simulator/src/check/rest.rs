//! C1, C4, C6: what is left when everything has come to its end.

use provost_model::{EventFact, Fact, Owner, RunFact, StepFact};
use std::collections::BTreeMap;

use super::Case;
use crate::record::What;
use crate::{Breach, Time};

/// Whether it came to rest, and a second pass would record nothing and do nothing (C1).
pub fn converged(case: &Case<'_>) -> Vec<Breach> {
    let end = &case.record.end;
    let mut found: Vec<Breach> =
        end.second_pass.iter().map(|what| Breach::new("C1", 0, format!("a second pass {what}"))).collect();
    if !end.is_quiet {
        found.push(Breach::new("C1", 0, format!("it never came to rest: {}", end.restless)));
    }
    found
}

/// Whether no container of ours is left, and no other one is gone (C6).
pub fn clean(case: &Case<'_>) -> Vec<Breach> {
    let left = case.record.end.left.iter().map(|name| format!("container {name} is left and belongs to nothing"));
    let gone = case.record.end.foreign_gone.iter().map(|name| format!("container {name} was not ours and is gone"));
    left.chain(gone).map(|what| Breach::new("C6", 0, what)).collect()
}

/// Whether every container that is said to have been removed by somebody else was (C4).
pub fn drift_is_true(case: &Case<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for noted in &case.record.ledger {
        let Fact::DriftFound { container, what } = &noted.recorded.fact else {
            continue;
        };
        let deeds = case.record.evidence.iter().rev();
        let mut earlier = deeds.filter(|deed| deed.line < noted.line && deed.name.as_str() == container);
        let last = earlier.next().map(|deed| &deed.what);
        if what.contains("somebody else") && !matches!(last, Some(What::Removed { by_us: false, .. })) {
            let what = format!("{container} is said to have been removed by somebody else, and its last was {last:?}");
            found.push(Breach::new("C4", noted.line, what));
        }
    }
    found
}

/// Whether we never removed a container that ran and whose step was not over (C4).
pub fn own_removals(case: &Case<'_>) -> Vec<Breach> {
    let mut over: BTreeMap<(&str, &str), Time> = BTreeMap::new();
    for noted in &case.record.ledger {
        let (owner, step, fact) = match &noted.recorded.fact {
            Fact::Run { run, change: RunFact::Step { id, fact } } => (run.as_str(), id, fact),
            Fact::Event { id: event, change: EventFact::Step { id, fact } } => (event.as_str(), id, fact),
            _ => continue,
        };
        if matches!(fact, StepFact::Ended { .. }) {
            over.insert((owner, step.as_str()), noted.at);
        }
    }
    let killed =
        case.record.evidence.iter().filter(|deed| deed.what == What::Removed { by_us: true, was_running: true });
    let wrong = killed.filter_map(|deed| {
        let tag = deed.tag.as_deref()?;
        let is_over = over.get(&tag.key()).is_some_and(|at| *at <= deed.at);
        // A hook of the server's own start or end is given up with the process.
        let is_servers = matches!(tag.owner, Owner::Event(_)) && tag.event.starts_with("server.");
        let what = format!("{} was removed by us while it ran", deed.name);
        (!is_over && !is_servers).then(|| Breach::new("C4", deed.line, what))
    });
    wrong.collect()
}
