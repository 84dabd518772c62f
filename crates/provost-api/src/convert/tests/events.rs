//! Every fact has its line, or none on purpose.

use std::collections::BTreeSet;

use provost_model::*;
use serde_json::json;

use super::samples::*;
use crate::event_of;

/// At least one of each fact.
fn every_fact() -> Vec<Fact> {
    let mut facts = a_night();
    facts.extend(a_good_end());
    facts.extend([
        Fact::ServerStopping,
        Fact::RevisionRejected { revision: revision("8be04d7"), errors: 2, report: "error[E0142]: …".into() },
        Fact::Pinned { revision: revision("3f2a9c1"), by: "root".into() },
        Fact::Unpinned { by: "root".into() },
        Fact::DueSkipped {
            automation: name("nightly"),
            due: at("2026-11-21T01:00:00Z"),
            reason: SkipReason::Overlap,
            detail: "nightly.20261120T010000Z still runs".into(),
        },
        Fact::TriggerSkipped {
            automation: name("nightly"),
            event: event_id(),
            reason: SkipReason::Suspended,
            detail: String::new(),
        },
        missed(1),
        missed(7),
        Fact::NoticeQueued { notice: Box::new(notice()) },
        Fact::NoticeQueued { notice: Box::new(Notice { instead_of: Some(name("ops-mail")), run: None, ..notice() }) },
        Fact::NoticeDelivered { id: event_id() },
        Fact::NoticeFailed { id: event_id(), why: "status 503".into(), until: at("2026-11-20T01:10:00Z") },
        Fact::NoticeGivenUp { id: event_id(), why: "status 503".into() },
        Fact::Paused {
            automation: name("nightly"),
            until: Some(at("2026-12-01T00:00:00Z")),
            reason: "stocktaking".into(),
            by: "alice (uid 1000)".into(),
        },
        Fact::Paused { automation: name("nightly"), until: None, reason: String::new(), by: "root".into() },
        Fact::Resumed { automation: name("nightly"), by: "the pause's end".into() },
        Fact::ServiceStopped { service: name("relay"), by: "root".into() },
        Fact::ServiceStarted { service: name("relay"), by: "root".into() },
        Fact::DriftFound { container: "provost-a-b".into(), what: "it is gone".into() },
        Fact::DriftCorrected { container: "provost-a-b".into(), what: "it was removed".into() },
        Fact::TokenMade { token: token() },
        Fact::TokenRevoked { name: name("ci"), by: "root".into() },
        Fact::DocumentWritten { name: "build.warehouse".into(), value: json!(7), by: "root".into() },
        Fact::DocumentRemoved { name: "build.warehouse".into(), by: "root".into() },
    ]);
    facts.extend(other_causes().map(accepted));
    facts.extend(other_run_facts().into_iter().map(of_run));
    facts.extend(step_facts().into_iter().map(|fact| of_main(1, fact)));
    facts.extend(events());
    facts.extend(service_facts());
    facts
}

/// What happens to a run of a service has names of its own.
fn service_facts() -> Vec<Fact> {
    let changes = [
        RunFact::Began { ask: Vec::new() },
        RunFact::Health { is_healthy: true, why: String::new() },
        RunFact::Health { is_healthy: false, why: "status 500".into() },
        RunFact::Retrying { why: "exit 1".into(), until: at("2026-11-20T01:03:00Z") },
        RunFact::Cancelling { why: StopCause::Removed },
        RunFact::Concluded { outcome: Outcome::Failed, detail: "exit 1".into() },
        RunFact::Finished { outcome: Outcome::Failed, detail: "exit 1".into() },
    ];
    let run = RunId::of_service(&name("relay"), "1");
    changes.into_iter().map(|change| Fact::Run { run: run.clone(), change }).collect()
}

fn missed(count: u64) -> Fact {
    Fact::DueMissed {
        automation: name("nightly"),
        first: at("2026-11-21T01:00:00Z"),
        last: at("2026-11-27T01:00:00Z"),
        count,
        reason: MissReason::Down,
    }
}

fn other_causes() -> [Cause; 5] {
    [
        Cause::Service,
        Cause::CatchUp,
        Cause::Trigger { event: "orders.arrived".into(), id: event_id() },
        Cause::Manual { by: "root".into() },
        Cause::Retry { by: "root".into(), of: run_id() },
    ]
}

fn other_run_facts() -> Vec<RunFact> {
    vec![
        RunFact::Queued { why: "lock warehouse".into() },
        RunFact::Began { ask: vec![webhook()] },
        RunFact::Cancelling { why: StopCause::Cancel { by: "root".into() } },
        RunFact::Concluded { outcome: Outcome::TimedOut, detail: "timed out".into() },
        RunFact::Finished { outcome: Outcome::Lost, detail: "the engine forgot it".into() },
    ]
}

fn step_facts() -> Vec<StepFact> {
    let no =
        StepOutput { reply: Some(Reply { allow: false, reason: "the shop is open".into() }), ..StepOutput::default() };
    let broken = StepOutput { problems: vec!["locals.json is no JSON".into()], ..StepOutput::default() };
    let ended_with = |output: StepOutput| StepFact::Ended {
        result: Exit::Code { code: 0 },
        started_at: None,
        finished_at: at("2026-11-20T01:05:13Z"),
        output: Box::new(output),
    };
    vec![
        StepFact::Delayed { why: "the engine does not answer".into(), until: at("2026-11-20T01:03:00Z") },
        StepFact::Stopping { why: StopCause::Timeout },
        StepFact::Stopping { why: StopCause::Replaced },
        StepFact::Stopping { why: StopCause::Shutdown },
        ended(Exit::OutOfMemory),
        ended(Exit::NotStarted { why: "no such image".into() }),
        ended(Exit::Lost { why: "the engine was away".into() }),
        ended_with(no),
        ended_with(broken),
    ]
}

fn events() -> Vec<Fact> {
    let event = |name: &str| AcceptedEvent {
        id: event_id(),
        name: name.into(),
        subject: None,
        run: None,
        data: JsonMap::from_iter([("count".to_owned(), json!(3))]),
        by: "root".into(),
    };
    let about_a_run = AcceptedEvent { subject: Some(name("nightly")), run: Some(run_id()), ..event("run.late") };
    let arrived = [event("orders.arrived"), event("drift.found"), about_a_run];
    let step = EventFact::Step { id: StepId("orders.arrived-index".into()), fact: ended(Exit::Code { code: 1 }) };
    let changes = [
        EventFact::Began,
        step,
        EventFact::Handled { failure: None },
        EventFact::Handled { failure: Some("index: exit 1".into()) },
    ];
    let arrived = arrived.map(|event| Fact::EventAccepted { event: Box::new(event) });
    let changes = changes.map(|change| Fact::Event { id: event_id(), change });
    arrived.into_iter().chain(changes).collect()
}

/// Where `fact` is in the list of all. No wildcard: a new fact has to be added to [`every_fact`] and counted here.
fn kind(fact: &Fact) -> usize {
    match fact {
        Fact::ServerStarted { .. } => 0,
        Fact::ServerStopping => 1,
        Fact::RevisionApplied { .. } => 2,
        Fact::RevisionRejected { .. } => 3,
        Fact::Pinned { .. } => 4,
        Fact::Unpinned { .. } => 5,
        Fact::Armed { .. } => 6,
        Fact::DueSkipped { .. } => 7,
        Fact::TriggerSkipped { .. } => 8,
        Fact::DueMissed { .. } => 9,
        Fact::RunAccepted { .. } => 10,
        Fact::EventAccepted { .. } => 11,
        Fact::NoticeQueued { .. } => 12,
        Fact::NoticeDelivered { .. } => 13,
        Fact::NoticeFailed { .. } => 14,
        Fact::NoticeGivenUp { .. } => 15,
        Fact::Paused { .. } => 16,
        Fact::Resumed { .. } => 17,
        Fact::DriftFound { .. } => 18,
        Fact::DriftCorrected { .. } => 19,
        Fact::ServiceStopped { .. } => 37,
        Fact::ServiceStarted { .. } => 38,
        Fact::Run { change, .. } => 20 + run_kind(change),
        Fact::Event { change, .. } => match change {
            EventFact::Began => 34,
            EventFact::Step { .. } => 35,
            EventFact::Handled { .. } => 36,
        },
        Fact::TokenMade { .. } => 39,
        Fact::TokenRevoked { .. } => 40,
        Fact::DocumentWritten { .. } => 41,
        Fact::DocumentRemoved { .. } => 42,
    }
}

fn run_kind(change: &RunFact) -> usize {
    match change {
        RunFact::Queued { .. } => 0,
        RunFact::Began { .. } => 1,
        RunFact::Attempt { .. } => 2,
        RunFact::Retrying { .. } => 3,
        RunFact::Cancelling { .. } => 4,
        RunFact::Concluded { .. } => 5,
        RunFact::Finishing => 6,
        RunFact::Finished { .. } => 7,
        RunFact::Health { .. } => 13,
        RunFact::Step { fact, .. } => match fact {
            StepFact::Delayed { .. } => 8,
            StepFact::Starting => 9,
            StepFact::Started { .. } => 10,
            StepFact::Stopping { .. } => 11,
            StepFact::Ended { .. } => 12,
        },
    }
}

#[test]
fn every_fact_is_looked_at() {
    let kinds: BTreeSet<usize> = every_fact().iter().map(kind).collect();
    assert_eq!(kinds, (0..=42).collect());
}

#[test]
fn lines_of_every_fact() {
    let facts = recorded(every_fact());
    let lines = facts.iter().filter_map(event_of);
    let told: Vec<_> = lines.map(|line| format!("{:>2} {:<18} {}", line.seq, line.name, line.message)).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_is_not_told_is_an_intent_a_bookmark_or_told_elsewhere() {
    let facts = recorded(every_fact());
    let silent = facts.iter().filter(|recorded| event_of(recorded).is_none());
    let silent: BTreeSet<_> = silent.map(|recorded| kind(&recorded.fact)).collect();
    let armed = 6;
    let (finishing, starting) = (26, 29);
    let event_told_by_a_fact = 11;
    let event_began = 34;
    assert_eq!(silent, BTreeSet::from([armed, event_told_by_a_fact, finishing, starting, event_began]));
}

#[test]
fn shape_of_events() {
    let facts = recorded(vec![
        accepted(Cause::Manual { by: "root".into() }),
        of_main(1, ended(Exit::Code { code: 3 })),
        Fact::RevisionApplied { change: Box::new(change()) },
        Fact::NoticeQueued { notice: Box::new(notice()) },
    ]);
    insta::assert_json_snapshot!(facts.iter().filter_map(event_of).collect::<Vec<_>>());
}

#[test]
fn what_is_about_a_run_is_about_its_automation() {
    for recorded in recorded(every_fact()) {
        let about = event_of(&recorded).filter(|event| event.run.is_some());
        let of = about.map(|event| (event.run, event.automation.unwrap_or_default()));
        assert!(of.is_none_or(|(run, name)| run.unwrap_or_default().starts_with(&format!("{name}."))), "{recorded:?}");
    }
}
