//! Doctored evidence: D2, D5, R4, R5, R6, R7, R9, and what started that should not have.

use provost_model::{ConcurrencyPolicy, Fact, RunId};
use provost_simulator::check::Case;
use provost_simulator::{Record, What};

use crate::{deed, end_of, fact, is_hook_of, is_main_end, is_seen, is_started_main, retag};

#[test]
fn d2_a_main_container_that_starts_twice() {
    is_seen("D2", |record| {
        let index = deed(record, is_started_main)?;
        let mut second = record.evidence[index].clone();
        second.id += 1_000_000;
        record.evidence.insert(index + 1, second);
        Some(())
    });
}

#[test]
fn r2_a_run_that_starts_and_was_never_accepted() {
    is_seen("R2", |record| {
        let index = deed(record, is_started_main)?;
        let other = RunId::parse("nobody.1").ok()?;
        retag(record, index, |tag| tag.run = Some(other))
    });
}

#[test]
fn d5_two_runs_that_overlap() {
    is_seen("D5", |record| {
        let (first, second) = two_runs(record)?;
        let end = end_of(record, first)?;
        record.evidence[end].at = record.evidence[second].at + 1;
        // Deeds are in the order of time.
        record.evidence.sort_by_key(|deed| deed.at);
        Some(())
    });
}

/// The starts of the main containers of two runs of one automation that must not overlap.
fn two_runs(record: &Record) -> Option<(usize, usize)> {
    let case = Case::new(record);
    let is_alone = |run: &RunId| case.runs.get(run).is_some_and(|run| run.spec.concurrency != ConcurrencyPolicy::Allow);
    let first = deed(record, |deed, tag| is_started_main(deed, tag) && tag.run.as_ref().is_some_and(is_alone))?;
    let tag = record.evidence[first].tag.clone()?;
    let second = deed(record, |deed, other| {
        is_started_main(deed, other)
            && other.automation == tag.automation
            && other.run != tag.run
            && deed.at > record.evidence[first].at
            && other.run.as_ref().is_some_and(is_alone)
    })?;
    Some((first, second))
}

#[test]
fn r4_an_after_hook_that_never_starts() {
    is_seen("R4", |record| {
        let case = Case::new(record);
        let began = |run: &RunId| case.spans_of(run).any(|span| is_hook_of(span.tag, "run.starting"));
        let index = deed(record, |deed, tag| {
            deed.what == What::Started
                && is_hook_of(tag, "run.finished")
                && tag.run.as_ref().is_some_and(|run| case.runs[run].outcome.is_some() && began(run))
        })?;
        let id = record.evidence[index].id;
        record.evidence.retain(|deed| deed.id != id);
        Some(())
    });
}

#[test]
fn r5_a_main_container_that_does_not_wait_for_a_before_hook() {
    is_seen("R5", |record| {
        let case = Case::new(record);
        let is_foreground = |run: &RunId, step: &str| {
            let spec = case.runs[run].spec;
            spec.hooks.iter().any(|hook| !hook.background && step == format!("run.starting-{}", hook.label()))
        };
        let main = deed(record, |deed, tag| {
            let before = |run: &RunId| case.spans_of(run).any(|span| is_foreground(run, span.tag.step.as_str()));
            is_started_main(deed, tag) && tag.attempt == Some(1) && tag.run.as_ref().is_some_and(before)
        })?;
        let run = record.evidence[main].tag.as_deref()?.run.clone()?;
        let hook = deed(record, |deed, tag| {
            deed.what == What::Started && tag.run.as_ref() == Some(&run) && is_foreground(&run, tag.step.as_str())
        })?;
        let end = end_of(record, hook)?;
        record.evidence[end].at = record.evidence[main].at + 5;
        Some(())
    });
}

#[test]
fn r6_a_run_that_starts_although_a_before_hook_failed() {
    is_seen("R6", |record| {
        let case = Case::new(record);
        let decides = |run: &RunId, step: &str| {
            let is_it = |hook: &&std::sync::Arc<provost_model::Hook>| {
                !hook.background
                    && hook.on_error == provost_model::OnError::Fail
                    && step == format!("run.starting-{}", hook.label())
            };
            case.runs[run].spec.hooks.iter().any(|hook| is_it(&hook))
                && case.spans_of(run).any(|span| span.tag.is_main())
        };
        let hook = deed(record, |deed, tag| {
            deed.what == What::Started && tag.run.as_ref().is_some_and(|run| decides(run, tag.step.as_str()))
        })?;
        let end = end_of(record, hook)?;
        if let What::Ended { denied, .. } = &mut record.evidence[end].what {
            *denied = true;
        }
        Some(())
    });
}

#[test]
fn r7_an_attempt_beyond_the_limit() {
    is_seen("R7", |record| {
        let index = deed(record, is_started_main)?;
        let id = record.evidence[index].id;
        for index in (0..record.evidence.len()).filter(|index| record.evidence[*index].id == id).collect::<Vec<_>>() {
            retag(record, index, |tag| tag.attempt = Some(99))?;
        }
        Some(())
    });
}

#[test]
fn r9_a_success_that_is_invented() {
    is_seen("R9", |record| flip(record, 0, 1));
}

#[test]
fn r9_a_failure_that_is_invented() {
    is_seen("R9", |record| flip(record, 1, 0));
}

/// A main container that is said to have exited with `said` has exited with `truth`.
fn flip(record: &mut Record, said: i64, truth: i64) -> Option<()> {
    let is_it = |noted: &&provost_simulator::Noted| {
        is_main_end(noted) && format!("{:?}", noted.recorded.fact).contains(&format!("result: Code {{ code: {said} }}"))
    };
    let noted = record.ledger.iter().find(is_it)?;
    let Fact::Run { run, .. } = &noted.recorded.fact else { return None };
    let run = run.clone();
    let is_end = |deed: &provost_simulator::Deed, tag: &provost_simulator::Tag| {
        tag.is_main()
            && matches!(&tag.owner, provost_model::Owner::Run(owner) if *owner == run)
            && matches!(deed.what, What::Ended { code, .. } if code == said)
    };
    let index = deed(record, is_end)?;
    if let What::Ended { code, .. } = &mut record.evidence[index].what {
        *code = truth;
    }
    Some(())
}

#[test]
fn r9_a_start_that_is_denied() {
    is_seen("R9", |record| {
        let index = fact(record, |fact| format!("{fact:?}").contains("result: Code"))?;
        let noted = &mut record.ledger[index].recorded;
        let text = serde_json::to_string(&noted.fact).ok()?;
        let code = text.find("\"exit\":\"code\",\"code\":").map(|at| &text[at..])?.split('}').next()?.to_owned();
        let denied = text.replacen(&code, "\"exit\":\"notStarted\",\"why\":\"no such image\"", 1);
        noted.fact = serde_json::from_str(&denied).ok()?;
        Some(())
    });
}

#[test]
fn c2_a_run_of_another_revisions_image() {
    is_seen("C2", |record| {
        let index = deed(record, is_started_main)?;
        retag(record, index, |tag| tag.image = "job:0".to_owned())
    });
}
