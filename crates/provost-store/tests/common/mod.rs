//! Facts, runs and outcomes for tests. One automation a minute, from 2026-11-20T02:00:00Z.

#![allow(dead_code, clippy::allow_attributes, reason = "every test file uses a part of it")]

use jiff::{SignedDuration, Timestamp};
use provost_controller::Batch;
use provost_model::{
    Cause, DueOutcome, DueVerdict, EventId, Fact, JsonMap, Name, Outcome, Recorded, RunFact, RunId, RunRecord,
    SkipReason,
};

/// The due time of `minute`.
pub fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-11-20T02:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minute)
}

pub fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

pub fn event(id: &str) -> EventId {
    EventId::parse(id).unwrap()
}

pub fn run_id(automation: &str, minute: i64) -> RunId {
    RunId::scheduled(&name(automation), at(minute))
}

pub fn recorded(seq: u64, minute: i64, fact: Fact) -> Recorded {
    // Odd nanoseconds: nothing may be rounded.
    Recorded { seq, at: at(minute) + SignedDuration::from_nanos(seq.cast_signed() * 7 + 1), fact }
}

pub fn started() -> Fact {
    Fact::ServerStarted { version: "0.1.0".to_owned() }
}

pub fn skipped(automation: &str, minute: i64) -> Fact {
    let detail = "a run was going on".to_owned();
    Fact::DueSkipped { automation: name(automation), due: at(minute), reason: SkipReason::Overlap, detail }
}

pub fn armed(automation: &str, minute: i64) -> Fact {
    Fact::Armed { automation: name(automation), from: at(minute) }
}

pub fn changed(run: &RunId) -> Fact {
    Fact::Run { run: run.clone(), change: RunFact::Queued { why: "its turn".to_owned() } }
}

/// A batch of facts alone, from `first` on.
pub fn facts(first: u64, minute: i64, facts: impl IntoIterator<Item = Fact>) -> Batch {
    let facts = (first..).zip(facts).map(|(seq, fact)| recorded(seq, minute, fact)).collect();
    Batch { facts, ..Batch::default() }
}

/// A run of `automation` for `minute` that took 30 seconds; without an outcome it goes on.
pub fn run(automation: &str, minute: i64, outcome: Option<Outcome>) -> RunRecord {
    let began = at(minute) + SignedDuration::from_millis(40);
    RunRecord {
        run: run_id(automation, minute),
        automation: name(automation),
        revision: None,
        cause: Cause::Schedule,
        due: at(minute),
        accepted_at: at(minute),
        began_at: Some(began),
        main_at: Some(began),
        ended_at: outcome.map(|_| at(minute) + SignedDuration::from_secs(30)),
        phase: if outcome.is_some() { "Finished" } else { "Main" }.into(),
        outcome,
        detail: String::new(),
        attempts: 1,
        params: JsonMap::new(),
        testing: false,
        steps: Vec::new(),
        progress: Vec::new(),
    }
}

pub fn ran(automation: &str, minute: i64) -> DueOutcome {
    let verdict = DueVerdict::Ran { run: run_id(automation, minute) };
    DueOutcome { automation: name(automation), due: at(minute), last: at(minute), count: 1, verdict, at: at(minute) }
}

/// Everything of one ended run: a fact from `seq` on, its record, its outcome.
pub fn whole_run(seq: u64, automation: &str, minute: i64, outcome: Outcome) -> Batch {
    Batch {
        facts: vec![recorded(seq, minute, changed(&run_id(automation, minute)))],
        runs: vec![run(automation, minute, Some(outcome))],
        outcomes: vec![ran(automation, minute)],
    }
}
