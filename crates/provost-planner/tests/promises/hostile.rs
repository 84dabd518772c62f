//! What makes no sense does no harm: R1.

use provost_model::{Cause, Fact, FoldError, Moment, Outcome, RunFact, RunId, StepFact, StepId};

use crate::bench::{Bench, hangs};
use crate::sample::{automation, channel, desired, every, name, telling, with_channels};

/// Records `fact`, which the state refuses, and returns why. The state is as it was, but for the number of facts.
fn refused(bench: &mut Bench, fact: Fact) -> FoldError {
    let mut before = bench.state.clone();
    let error = bench.try_record(fact).unwrap_err();
    before.seq += 1;
    assert_eq!(bench.state, before);
    error
}

#[test]
fn r1_what_a_run_does_not_allow_is_a_named_error_and_changes_nothing() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([automation("job")]));
    let run = bench.run("job");
    let error = refused(&mut bench, Fact::Run { run: run.clone(), change: RunFact::Finishing });
    let text = error.to_string();
    assert!(
        text.contains(run.as_str()) && text.contains("Main { attempt: 1 }") && text.contains("Finishing"),
        "{text}"
    );
    let step = Fact::Run { run: run.clone(), change: RunFact::Step { id: StepId::main(1), fact: StepFact::Starting } };
    assert!(matches!(refused(&mut bench, step), FoldError::Illegal(_)));
    bench.stop(&run).assert_clean();
    assert_eq!(bench.outcome(&run).0, Outcome::Cancelled);
}

#[test]
fn r1_what_is_not_known_is_a_named_error() {
    let mut bench = Bench::with(desired([automation("job")]));
    let run = RunId::parse("job.x").unwrap();
    let error = refused(&mut bench, Fact::Run { run, change: RunFact::Finishing });
    assert_eq!(error.to_string(), format!("fact {} is about run job.x, which is not known", bench.state.seq));
    let id = provost_model::EventId::parse("e1").unwrap();
    refused(&mut bench, Fact::Event { id, change: provost_model::EventFact::Began });
}

#[test]
fn r1_a_run_of_an_automation_that_is_gone_is_refused_whole() {
    let mut bench = Bench::with(desired([every("tick", 60)]));
    bench.wait(60);
    bench.apply(desired([]));
    let (due, tick) = (bench.now, name("tick"));
    let later = due + jiff::SignedDuration::from_secs(60);
    let accepted = provost_model::AcceptedRun {
        run: RunId::scheduled(&tick, later),
        automation: tick,
        cause: Cause::Schedule,
        due: later,
        not_before: later,
        params: Default::default(),
        testing: false,
    };
    refused(&mut bench, Fact::RunAccepted { accepted: Box::new(accepted) });
}

#[test]
fn a_channel_that_is_named_and_not_there_is_told_nothing() {
    let mut job = telling(automation("job"), Moment::Success, "gone");
    job.notify.no_success_for = Some(provost_model::NoSuccessFor { after_s: 60, channels: vec![name("gone")] });
    let mut bench = Bench::with(with_channels(desired([telling(job, Moment::Success, "ops")]), [channel("ops")]));
    bench.run("job");
    bench.wait(120);
    assert_eq!(bench.heard(), ["ops success"]);
}

#[test]
fn a_condition_that_is_no_expression_does_not_hold() {
    let mut job = automation("job");
    job.triggers = vec![provost_model::Trigger { when: Some("((".to_owned()), ..crate::sample::on("orders.arrived") }];
    let mut bench = Bench::with(desired([job]));
    bench.fire("orders.arrived", "{}");
    assert!(bench.runs().is_empty());
}

#[test]
fn durations_beyond_the_end_of_time_are_the_end_of_time() {
    let mut job = automation("job");
    (job.timeout_s, job.grace_s, job.late_after_s) = (u64::MAX, u64::MAX, u64::MAX);
    job.start_deadline_s = Some(u64::MAX);
    (job.retries.limit, job.retries.backoff_s, job.retries.max_backoff_s) = (1, u64::MAX, u64::MAX);
    let mut bench = Bench::new();
    bench
        .script("job", [crate::bench::exits(1, 10)])
        .apply(desired([provost_model::Automation { schedules: vec![crate::sample::period(60)], ..job }]));
    bench.wait(300);
    assert_eq!(bench.started.len(), 1);
    assert!(bench.find(&bench.runs()[0]).is_going_on());
}

#[test]
fn c06_strangers_containers_are_strays_and_ours_are_not() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([automation("job")]));
    bench.run("job");
    let mut odd = bench.seen.containers.values().next().unwrap().clone();
    odd.name = provost_model::ContainerName::parse("odd").unwrap();
    odd.step = None;
    bench.seen.containers.insert(odd.name.clone(), odd.clone());
    assert_eq!(provost_planner::strays(&bench.world()), [&odd.name]);
    bench.seen.is_complete = false;
    assert!(provost_planner::strays(&bench.world()).is_empty(), "nothing is concluded while the engine is away");
}
