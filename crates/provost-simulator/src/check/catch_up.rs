//! D3: after a time in which nobody was there, at most the policy's runs are made up for, and what is left out is one
//! range.

use std::collections::BTreeMap;

use jiff::Timestamp;
use provost_model::{CatchUp, Cause, Fact, MissReason, Name};

use super::Case;
use crate::Breach;

/// Runs made up for and ranges left out of one automation at one instant.
#[derive(Default)]
struct Tally {
    runs: usize,
    ranges: usize,
    line: usize,
}

/// What is left out may be split once, at the end of a pause.
const RANGES_MAX: usize = 2;

/// Whether catch-up is bounded.
pub fn bounded(case: &Case<'_>) -> Vec<Breach> {
    let mut tallies: BTreeMap<(&Name, Timestamp, u64), Tally> = BTreeMap::new();
    let mut revisions = 0;
    let mut found = Vec::new();
    for noted in &case.record.ledger {
        let at = noted.recorded.at;
        match &noted.recorded.fact {
            Fact::RevisionApplied { .. } => revisions += 1,
            Fact::RunAccepted { accepted } if accepted.cause == Cause::CatchUp => {
                let tally = tallies.entry((&accepted.automation, at, revisions)).or_default();
                (tally.runs, tally.line) = (tally.runs + 1, noted.line);
                let desired = case.in_force_at(noted.recorded.seq);
                let how = desired.and_then(|desired| desired.automations.get(&accepted.automation));
                let most = how.map_or(0, |automation| match automation.catch_up {
                    CatchUp::None => 0,
                    CatchUp::Last => 1,
                    CatchUp::All => 100,
                });
                if tally.runs > most {
                    let what = format!("{} makes up for {} runs, and may for {most}", accepted.automation, tally.runs);
                    found.push(Breach::new("D3", noted.line, what));
                }
            }
            Fact::DueMissed { automation, count, reason: MissReason::Down, .. } if *count > 1 => {
                let tally = tallies.entry((automation, at, revisions)).or_default();
                (tally.ranges, tally.line) = (tally.ranges + 1, noted.line);
                if tally.ranges > RANGES_MAX {
                    let what = format!("{automation} left out {} ranges at once", tally.ranges);
                    found.push(Breach::new("D3", noted.line, what));
                }
            }
            _ => {}
        }
    }
    found
}
