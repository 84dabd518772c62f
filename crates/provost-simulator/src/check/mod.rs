//! The promises, checked against what a seed leaves behind. The checkers read the history of the manifests, the ledger and
//! what the containers themselves did; they know nothing of the core, and nothing of the faults.

mod case;
mod catch_up;
mod due;
mod event;
mod hooks;
mod order;
mod outcome;
mod overlap;
mod rest;
mod revision;
mod starts;

pub use case::{Case, Span};

use crate::{Breach, Record};

/// One checker.
pub type Check = fn(&Case<'_>) -> Vec<Breach>;

/// Every checker, by what it is about.
pub const CHECKS: [(&str, Check); 15] = [
    ("D1 every due time has one outcome", due::accounted),
    ("D2 one main start for each run and attempt", starts::once),
    ("D3 catch-up is bounded", catch_up::bounded),
    ("D5 no overlap", overlap::apart),
    ("R4 after-hooks run", hooks::after_hooks_run),
    ("R5 hooks in their order", order::in_order),
    ("R6 a refused run does not start", hooks::refusals_hold),
    ("R7 attempts", starts::attempts),
    ("R9 nothing is invented", outcome::honest),
    ("C2 revisions are whole", revision::whole),
    ("C4 no job is ended by a removal of ours", rest::own_removals),
    ("C4 drift is never invented", rest::drift_is_true),
    ("C6 no orphan, nothing foreign touched", rest::clean),
    ("E4, E5 events in order, none lost", event::in_order_and_kept),
    ("C1 convergence", rest::converged),
];

/// Every promise that `record` shows broken, in the order of the trace.
pub fn check(record: &Record) -> Vec<Breach> {
    let case = Case::new(record);
    let mut breaches = record.breaches.clone();
    breaches.extend(CHECKS.iter().flat_map(|(_, check)| check(&case)));
    breaches.sort_by_key(|breach| if breach.line == 0 { usize::MAX } else { breach.line });
    breaches
}
