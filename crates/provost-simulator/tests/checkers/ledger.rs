//! Doctored ledgers: D1, D3, C2, E4, E5.

use std::sync::Arc;

use jiff::SignedDuration;
use provost_model::{AcceptedRun, Cause, EventFact, Fact, Name};
use provost_simulator::Promised;

use crate::{fact, is_seen};

fn is_scheduled(fact: &Fact) -> bool {
    matches!(fact, Fact::RunAccepted { accepted } if accepted.cause == Cause::Schedule)
}

#[test]
fn d1_an_outcome_that_is_missing() {
    is_seen("D1", |record| {
        let index = fact(record, |fact| matches!(fact, Fact::DueSkipped { .. }))?;
        record.ledger.remove(index);
        Some(())
    });
}

#[test]
fn d1_a_due_time_with_two_outcomes() {
    is_seen("D1", |record| {
        let index = fact(record, is_scheduled)?;
        let Fact::RunAccepted { accepted } = &record.ledger[index].recorded.fact else { return None };
        let (automation, due) = (accepted.automation.clone(), accepted.due);
        let mut second = record.ledger[index].clone();
        let (reason, detail) = (provost_model::SkipReason::Overlap, String::new());
        second.recorded.fact = Fact::DueSkipped { automation, due, reason, detail };
        record.ledger.insert(index + 1, second);
        Some(())
    });
}

#[test]
fn d1_an_outcome_for_what_was_never_due() {
    is_seen("D1", |record| {
        let index = fact(record, |fact| matches!(fact, Fact::DueSkipped { .. }))?;
        if let Fact::DueSkipped { due, .. } = &mut record.ledger[index].recorded.fact {
            *due += SignedDuration::from_secs(1);
        }
        Some(())
    });
}

#[test]
fn d1_a_range_that_counts_wrong() {
    is_seen("D1", |record| {
        let index = fact(record, |fact| matches!(fact, Fact::DueMissed { .. }))?;
        if let Fact::DueMissed { count, .. } = &mut record.ledger[index].recorded.fact {
            *count += 1;
        }
        Some(())
    });
}

#[test]
fn d1_a_run_that_never_ends() {
    is_seen("D1", |record| {
        let is_end = |fact: &Fact| matches!(fact, Fact::Run { change: provost_model::RunFact::Finished { .. }, .. });
        let index = fact(record, is_end)?;
        record.ledger.remove(index);
        Some(())
    });
}

#[test]
fn d2_a_run_that_has_the_id_of_another() {
    is_seen("D2", |record| {
        let index = fact(record, is_scheduled)?;
        if let Fact::RunAccepted { accepted } = &mut record.ledger[index].recorded.fact {
            accepted.run = provost_model::RunId::caused(&accepted.automation, "something else");
        }
        Some(())
    });
}

#[test]
fn d3_more_runs_than_the_policy_allows() {
    is_seen("D3", |record| {
        let is_catch_up =
            |fact: &Fact| matches!(fact, Fact::RunAccepted { accepted } if accepted.cause == Cause::CatchUp);
        let index = fact(record, is_catch_up)?;
        for number in 0..100 {
            let mut more = record.ledger[index].clone();
            if let Fact::RunAccepted { accepted } = &mut more.recorded.fact {
                let due = accepted.due + SignedDuration::from_secs(number);
                **accepted = AcceptedRun { due, ..(**accepted).clone() };
            }
            record.ledger.insert(index, more);
        }
        Some(())
    });
}

#[test]
fn d3_what_is_left_out_in_pieces() {
    is_seen("D3", |record| {
        let is_range = |fact: &Fact| matches!(fact, Fact::DueMissed { count, .. } if *count > 1);
        let index = fact(record, is_range)?;
        let piece = record.ledger[index].clone();
        (0..3).for_each(|_| record.ledger.insert(index, piece.clone()));
        Some(())
    });
}

#[test]
fn c2_a_revision_that_takes_effect_by_half() {
    is_seen("C2", |record| {
        let is_change = |fact: &Fact| matches!(fact, Fact::RevisionApplied { change } if !change.set.is_empty());
        let index = fact(record, is_change)?;
        if let Fact::RevisionApplied { change } = &mut record.ledger[index].recorded.fact {
            change.set.pop();
        }
        Some(())
    });
}

#[test]
fn c2_a_revision_with_errors_that_takes_effect() {
    is_seen("C2", |record| {
        let index = fact(record, |fact| matches!(fact, Fact::RevisionApplied { .. }))?;
        let Fact::RevisionApplied { change } = &record.ledger[index].recorded.fact else { return None };
        record.manifests.get_mut(&change.revision)?.desired = None;
        Some(())
    });
}

#[test]
fn c2_a_good_revision_that_is_refused() {
    is_seen("C2", |record| {
        let index = fact(record, |fact| matches!(fact, Fact::RevisionRejected { .. }))?;
        let good = record.manifests.values().find_map(|manifest| manifest.desired.clone())?;
        let Fact::RevisionRejected { revision, .. } = &record.ledger[index].recorded.fact else { return None };
        record.manifests.get_mut(revision)?.desired = Some(Arc::clone(&good));
        (!good.automations.is_empty()).then_some(())
    });
}

#[test]
fn e5_an_event_that_is_never_handled() {
    is_seen("E5", |record| {
        let is_handled = |fact: &Fact| matches!(fact, Fact::Event { change: EventFact::Handled { .. }, .. });
        let index = fact(record, is_handled)?;
        record.ledger.remove(index);
        Some(())
    });
}

#[test]
fn e5_a_trigger_that_is_lost() {
    is_seen("E5", |record| {
        let is_triggered = |fact: &Fact| {
            matches!(fact, Fact::RunAccepted { accepted } if matches!(accepted.cause, Cause::Trigger { .. }))
                || matches!(fact, Fact::TriggerSkipped { .. })
        };
        let index = fact(record, is_triggered)?;
        record.ledger.remove(index);
        Some(())
    });
}

#[test]
fn e5_a_promise_to_a_person_that_is_lost() {
    is_seen("E5", |record| {
        let name = Name::new("nobody").ok()?;
        record.promised.push(Promised::Run(provost_model::RunId::caused(&name, "lost")));
        Some(())
    });
}

#[test]
fn e5_a_notification_that_never_arrived() {
    is_seen("E5", |record| {
        let index = fact(record, |fact| matches!(fact, Fact::NoticeDelivered { .. }))?;
        let Fact::NoticeDelivered { id } = &record.ledger[index].recorded.fact else { return None };
        record.delivered.remove(id)?;
        Some(())
    });
}

#[test]
fn e5_a_notification_that_is_forgotten() {
    is_seen("E5", |record| {
        let index = fact(record, |fact| matches!(fact, Fact::NoticeDelivered { .. }))?;
        record.ledger.remove(index);
        Some(())
    });
}
