//! What happens when an automation is due while a run of it is open: D5.

use provost_model::{Automation, CatchUp, ConcurrencyPolicy, Outcome};

use crate::bench::{Bench, exits, hangs};
use crate::sample::{at, automation, desired, every, hook, with_hooks};

/// A job that is due each minute and takes `seconds`.
fn busy(concurrency: ConcurrencyPolicy, seconds: u64) -> Bench {
    let mut bench = Bench::new();
    bench.script("tick", [exits(0, seconds)]).apply(desired([Automation { concurrency, ..every("tick", 60) }]));
    bench
}

#[test]
fn d5_forbid_records_a_skip() {
    let mut bench = busy(ConcurrencyPolicy::Forbid, 90);
    bench.wait(200);
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 overlap", "00:03:00 ran"]);
}

#[test]
fn d5_forbid_counts_after_hooks_and_not_what_is_in_the_background() {
    let mut bench = Bench::new();
    let after = hook("after", "run.finished");
    let background = provost_model::Hook { background: true, ..hook("background", "run.finished") };
    bench.script("after", [exits(0, 59), exits(0, 0)]).script("background", [exits(0, 50)]);
    bench.apply(desired([with_hooks(every("tick", 60), [after, background])]));
    bench.wait(180);
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 ran", "00:03:00 ran"]);
    let mut bench = Bench::new();
    bench.script("after", [exits(0, 60), exits(0, 0)]);
    bench.apply(desired([with_hooks(every("tick", 60), [hook("after", "run.finished")])]));
    bench.until(at("2026-11-20T00:02:00Z"));
    assert_eq!(bench.outcomes().len(), 2);
}

#[test]
fn d5_queue_holds_at_most_one() {
    let mut bench = busy(ConcurrencyPolicy::Queue, 150);
    bench.wait(180);
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 ran", "00:03:00 overlap"]);
    bench.wait(31);
    assert_eq!(bench.started.len(), 2, "the second begins when the first has ended");
    assert_eq!(bench.started[1].0, at("2026-11-20T00:03:30Z"));
}

#[test]
fn d5_the_queue_limit_lets_more_wait() {
    let mut bench = Bench::new();
    let tick = Automation { concurrency: ConcurrencyPolicy::Queue, queue_limit: 2, ..every("tick", 60) };
    bench.script("tick", [exits(0, 500)]).apply(desired([tick]));
    bench.wait(240);
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 ran", "00:03:00 ran", "00:04:00 overlap"]);
}

#[test]
fn d5_replace_cancels_the_one_that_goes_on_with_its_after_hooks_and_waits_for_its_end() {
    let mut bench = Bench::new();
    let deaf = crate::bench::Behaviour { is_deaf: true, ..hangs() };
    bench.script("tick", [deaf, exits(0, 1)]).script("after", [exits(0, 3)]);
    let tick = Automation { concurrency: ConcurrencyPolicy::Replace, ..every("tick", 60) };
    bench.apply(desired([with_hooks(tick, [hook("after", "run.cancelled")])]));
    bench.until(at("2026-11-20T00:02:20Z"));
    let runs = bench.runs();
    assert_eq!(bench.outcome(&runs[0]), (Outcome::Cancelled, "replaced by a newer run"));
    assert_eq!(bench.outcome(&runs[1]).0, Outcome::Succeeded);
    // Ten seconds of grace, three of the hook: then the new one begins.
    let second = bench.started.iter().rev().find(|(_, step)| step.step.is_main()).unwrap();
    assert_eq!(second.0, at("2026-11-20T00:02:13Z"));
    assert_eq!(bench.steps(), ["main.1", "run.cancelled-after", "main.1"]);
}

#[test]
fn d5_replace_of_one_that_waits_never_starts_it_nor_its_hooks() {
    let mut bench = Bench::new();
    let tick = Automation {
        concurrency: ConcurrencyPolicy::Replace,
        locks: ["warehouse".to_owned()].into(),
        ..every("tick", 60)
    };
    let holder = Automation { locks: ["warehouse".to_owned()].into(), ..automation("holder") };
    bench.script("holder", [exits(0, 150)]);
    bench.apply(desired([with_hooks(tick, [hook("before", "run.starting"), hook("after", "run.finished")]), holder]));
    bench.run("holder");
    bench.wait(155);
    let runs = bench.runs();
    assert_eq!(bench.outcome(&runs[1]), (Outcome::Cancelled, "replaced by a newer run"));
    assert_eq!(bench.steps(), ["main.1", "run.starting-before", "main.1", "run.finished-after"]);
    bench.assert_clean();
}

#[test]
fn d5_allow_lets_both_go_on() {
    let mut bench = busy(ConcurrencyPolicy::Allow, 150);
    bench.wait(180);
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 ran", "00:03:00 ran"]);
    assert_eq!(bench.started.len(), 3);
}

#[test]
fn d5_a_run_by_hand_waits_for_the_one_that_goes_on() {
    let mut bench = Bench::new();
    bench.script("job", [exits(0, 100)]).apply(desired([automation("job")]));
    let (first, second) = (bench.run("job"), bench.run("job"));
    bench.wait(50);
    assert!(bench.find(&first).is_going_on() && bench.find(&second).is_queued());
    let record = provost_model::RunRecord::of(bench.find(&second));
    assert_eq!(record.detail, "an earlier run of the automation");
    bench.wait(150).assert_clean();
    assert_eq!(bench.started[1].0, at("2026-11-20T00:01:40Z"));
}

#[test]
fn d5_a_run_that_nobody_finished_does_not_block_for_ever() {
    let mut bench = Bench::new();
    bench.script("tick", [hangs(), exits(0, 1)]);
    bench.apply(desired([Automation { catch_up: CatchUp::None, ..every("tick", 60) }]));
    bench.wait(60);
    // The machine loses power: the container is gone when the reconciler starts again.
    bench.seen.containers.clear();
    bench.down_for(300);
    bench.wait(60);
    assert_eq!(bench.outcome(&bench.runs()[0]).0, Outcome::Lost);
    assert_eq!(bench.verdicts().last().unwrap(), "00:07:00 ran");
    bench.wait(1).assert_clean();
}

#[test]
fn d5_a_container_that_can_never_be_made_does_not_block_for_ever() {
    let mut bench = Bench::with(desired([automation("job")]));
    bench.seen.is_complete = false; // Nothing is made, so that the test can refuse.
    let run = bench.run("job");
    let step =
        provost_model::StepRef { owner: provost_model::Owner::Run(run.clone()), step: provost_model::StepId::main(1) };
    for _ in 0..provost_planner::TRIES_MAX {
        let until = bench.now + jiff::SignedDuration::from_secs(60);
        bench.change_step(step.clone(), provost_model::StepFact::Delayed { why: "500".to_owned(), until });
        bench.act();
        assert_eq!(bench.wake_at, Some(until));
        bench.jump(60);
        bench.act();
    }
    let (outcome, detail) = bench.outcome(&run);
    assert_eq!((outcome, detail), (Outcome::Failed, "not started: its container could not be made in 100 tries"));
}
