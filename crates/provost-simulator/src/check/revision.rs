//! C2: a revision takes effect whole or not at all, by the ledger and by the images that started.

use provost_model::{Desired, Fact, RevisionChange};

use super::Case;
use crate::Breach;

/// Whether what was in force was always one revision, and a good one.
pub fn whole(case: &Case<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    let mut desired = Desired::default();
    for noted in &case.record.ledger {
        match &noted.recorded.fact {
            Fact::RevisionApplied { change } => {
                let had_any = !desired.automations.is_empty();
                change.apply_to(&mut desired);
                if let Some(what) = half_applied(case, change, had_any, &desired) {
                    found.push(Breach::new("C2", noted.line, what));
                }
            }
            Fact::RevisionRejected { revision, .. } => {
                let manifest = case.record.manifests.get(revision);
                let good = manifest.and_then(|manifest| manifest.desired.as_ref());
                // One that wants nothing is refused although there is nothing wrong with it.
                if good.is_some_and(|good| !good.automations.is_empty()) {
                    found.push(Breach::new("C2", noted.line, format!("{revision} is good, and was refused")));
                }
            }
            _ => {}
        }
    }
    found.extend(other_images(case));
    if case.record.end.is_quiet && desired.revision != case.record.end.wanted {
        let what = format!("{:?} is in force at the end, not {:?}", desired.revision, case.record.end.wanted);
        found.push(Breach::new("C2", 0, what));
    }
    found
}

fn half_applied(case: &Case<'_>, change: &RevisionChange, had_any: bool, now: &Desired) -> Option<String> {
    let id = &change.revision;
    let manifest = case.record.manifests.get(id);
    let Some(wanted) = manifest.and_then(|manifest| manifest.desired.as_deref()) else {
        return Some(format!("{id} has errors, and was applied"));
    };
    if had_any && wanted.automations.is_empty() && !wanted.allow_empty {
        return Some(format!("{id} removes everything, and was applied"));
    }
    let same = now.automations == wanted.automations
        && now.channels == wanted.channels
        && now.hooks == wanted.hooks
        && now.plugins == wanted.plugins
        && now.policies == wanted.policies;
    (!same).then(|| format!("what is in force is not what {id} says"))
}

/// Main containers that started with another image than the revision says that was in force when they were accepted.
fn other_images(case: &Case<'_>) -> Vec<Breach> {
    let mains = case.spans.iter().filter(|span| span.tag.is_main());
    let wrong = mains.filter_map(|span| {
        let run = span.tag.run.as_ref()?;
        let wanted = &case.runs.get(run)?.spec.workload.image;
        let what = format!("{run} started with {}, and its revision says {wanted}", span.tag.image);
        (span.tag.image != *wanted).then(|| Breach::new("C2", span.line, what))
    });
    wrong.collect()
}
