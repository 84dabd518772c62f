//! Attempts: R7, R9.

use provost_model::{Automation, Life, Outcome, Phase, Retries};

use crate::bench::{Behaviour, Bench, exits, hangs, ok};
use crate::sample::{at, automation, desired, hook, name, with_hooks};

fn retrying(limit: u32) -> Automation {
    Automation { retries: Retries { limit, backoff_s: 30, max_backoff_s: 100 }, ..automation("job") }
}

#[test]
fn r7_attempts_never_exceed_retries_and_one() {
    for limit in 0..4 {
        let mut bench = Bench::new();
        bench.script("job", [exits(3, 1)]).apply(desired([retrying(limit)]));
        let run = bench.run("job");
        bench.wait(1_000).assert_clean();
        assert_eq!(bench.started.len() as u32, limit + 1);
        let tries = if limit == 0 { String::new() } else { format!(", try {} of {}", limit + 1, limit + 1) };
        assert_eq!(bench.outcome(&run), (Outcome::Failed, format!("exit 3{tries}").as_str()));
    }
}

#[test]
fn r7_the_pause_doubles_up_to_its_limit() {
    let mut bench = Bench::new();
    bench.script("job", [exits(3, 0)]).apply(desired([retrying(4)]));
    bench.run("job");
    bench.wait(1_000);
    let starts: Vec<i64> =
        bench.started.iter().map(|(at, _)| at.as_second() - bench.started[0].0.as_second()).collect();
    assert_eq!(starts, [0, 30, 90, 190, 290]);
    assert_eq!(bench.steps(), ["main.1", "main.2", "main.3", "main.4", "main.5"]);
}

#[test]
fn r7_a_retry_that_succeeds_ends_the_run_well() {
    let mut bench = Bench::new();
    bench.script("job", [exits(1, 1), ok()]).apply(desired([retrying(5)]));
    let run = bench.run("job");
    bench.wait(40).assert_clean();
    assert_eq!(bench.outcome(&run), (Outcome::Succeeded, ""));
    assert_eq!(bench.request("main.2").workload.env["PROVOST_ATTEMPT"], "2");
    let ledger = &bench.state.ledgers[&name("job")];
    assert_eq!((ledger.failures, ledger.last_success.is_some()), (0, true));
}

#[test]
fn r7_a_timeout_asks_then_kills_and_is_tried_again() {
    let mut bench = Bench::new();
    let deaf = Behaviour { is_deaf: true, ..hangs() };
    bench.script("job", [deaf, hangs()]).apply(desired([Automation { timeout_s: 60, ..retrying(1) }]));
    let run = bench.run("job");
    bench.wait(60 + 10 + 30 + 60);
    assert_eq!(bench.outcome(&run), (Outcome::TimedOut, "timed out, try 2 of 2"));
    let second = bench.started[1].0;
    assert_eq!(second, at("2026-11-20T00:01:40Z"), "60 s of time, 10 s of grace, 30 s of pause");
}

#[test]
fn r7_the_pause_survives_a_restart() {
    let mut bench = Bench::new();
    bench.script("job", [exits(1, 0), ok()]).apply(desired([retrying(1)]));
    let run = bench.run("job");
    bench.down_for(10);
    assert!(matches!(bench.find(&run).phase, Phase::Backoff { attempt: 1, .. }));
    bench.wait(20);
    assert_eq!(bench.outcome(&run).0, Outcome::Succeeded);
}

#[test]
fn r7_hooks_between_attempts_run_before_the_next_one() {
    let mut bench = Bench::new();
    bench.script("job", [exits(1, 0)]).script("again", [exits(0, 50)]);
    bench.apply(desired([with_hooks(retrying(2), [hook("again", "run.retrying")])]));
    bench.run("job");
    bench.wait(500);
    let expected = ["main.1", "run.retrying.1-again", "main.2", "run.retrying.2-again", "main.3"];
    assert_eq!(bench.steps(), expected);
    assert_eq!(bench.started[2].0, at("2026-11-20T00:00:50Z"), "the hook takes longer than the pause");
}

#[test]
fn r9_a_container_that_is_gone_is_lost_and_not_tried_again() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([retrying(3)]));
    let run = bench.run("job");
    let container = bench.made[0].name.clone();
    bench.remove(&container);
    bench.act();
    assert_eq!(bench.outcome(&run), (Outcome::Lost, "lost: its container was removed by somebody else"));
    assert_eq!(bench.started.len(), 1);
    bench.assert_clean();
}

#[test]
fn r9_nothing_is_concluded_from_absence_while_the_engine_is_away() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([automation("job")]));
    let run = bench.run("job");
    let known = std::mem::take(&mut bench.seen.containers);
    bench.seen.is_complete = false;
    bench.wait(300);
    assert!(bench.find(&run).is_going_on());
    bench.seen.containers = known;
    bench.seen.is_complete = true;
    let container = bench.made[0].name.clone();
    let end = bench.now;
    bench.exit(&container, 0, end);
    bench.act();
    assert_eq!(bench.outcome(&run), (Outcome::Succeeded, ""));
}

#[test]
fn r9_an_end_in_time_is_no_timeout_however_late_it_is_seen() {
    let mut bench = Bench::new();
    bench.script("job", [exits(0, 30)]).apply(desired([Automation { timeout_s: 60, ..automation("job") }]));
    let run = bench.run("job");
    bench.seen.is_complete = false;
    bench.wait(600);
    assert!(bench.find(&run).is_going_on());
    bench.seen.is_complete = true;
    bench.act();
    assert_eq!(bench.outcome(&run), (Outcome::Succeeded, ""));
}

#[test]
fn r9_an_end_before_the_stop_is_told_as_it_was() {
    let mut bench = Bench::new();
    bench.script("job", [exits(0, 30)]).apply(desired([automation("job")]));
    let run = bench.run("job");
    bench.jump(31);
    bench.stop(&run);
    assert_eq!(bench.outcome(&run), (Outcome::Succeeded, ""));
}

#[test]
fn r9_an_end_that_nobody_saw_is_collected_after_a_restart() {
    let mut bench = Bench::new();
    bench.script("job", [exits(4, 30)]).apply(desired([automation("job")]));
    let run = bench.run("job");
    bench.down_for(3_600);
    assert_eq!(bench.outcome(&run), (Outcome::Failed, "exit 4"));
    let result = bench.find(&run).attempts[0].result().unwrap();
    assert_eq!(result.finished_at, at("2026-11-20T00:00:30Z"));
}

#[test]
fn r9_a_start_and_an_end_between_two_looks_are_both_recorded() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([with_hooks(automation("job"), [hook("begun", "run.started")])]));
    // The container ends before anybody has seen it run.
    bench.script("job", [exits(0, 0)]);
    bench.run("job");
    assert_eq!(bench.steps(), ["main.1", "run.started-begun"]);
}

#[test]
fn r3_a_container_of_the_step_that_has_run_already_is_adopted() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([automation("job")]));
    bench.seen.is_complete = false;
    let run = bench.run("job");
    // As after a crash between the start and its being recorded, with a state from before.
    let subject = provost_planner::Subject::Run(bench.find(&run));
    let request = provost_planner::request_for(&bench.world(), &subject, &bench.find(&run).attempts[0]).unwrap();
    let seen = provost_model::ContainerSeen {
        name: request.name.clone(),
        id: "x".to_owned(),
        step: Some(request.step.clone()),
        request: Some(request.digest().to_string()),
        life: Life::Running { started_at: Some(bench.now) },
    };
    bench.seen.containers.insert(request.name, seen);
    bench.seen.is_complete = true;
    bench.act();
    assert!(bench.started.is_empty(), "it runs already");
    assert!(matches!(bench.find(&run).attempts[0].phase, provost_model::StepPhase::Running { .. }));
}
