//! Locks, limits, freezes, jitter, deadlines: what a run waits for, and says so.

use provost_model::{Automation, ConcurrencyPolicy, Outcome, RunId, RunLimit, RunRecord};

use crate::bench::{Bench, exits};
use crate::sample::{at, automation, cron, desired, every, freeze, name};

fn locked(text: &str) -> Automation {
    Automation { locks: ["warehouse".to_owned()].into(), ..automation(text) }
}

fn limited(text: &str) -> Automation {
    Automation { run_limits: vec![RunLimit { policy: name("shop"), runs_at_once: 2 }], ..automation(text) }
}

fn waits_for(bench: &Bench, run: &RunId) -> String {
    let record = RunRecord::of(bench.find(run));
    assert_eq!(record.phase, "Queued");
    record.detail
}

#[test]
fn a36_two_automations_that_name_one_lock_never_overlap() {
    let mut bench = Bench::new();
    bench.script("a", [exits(0, 30)]).script("b", [exits(0, 30)]).apply(desired([locked("a"), locked("b")]));
    let (_, b) = (bench.run("a"), bench.run("b"));
    bench.wait(29);
    assert_eq!(waits_for(&bench, &b), "lock warehouse");
    bench.wait(1);
    assert_eq!(bench.started[1].0, at("2026-11-20T00:00:30Z"));
    bench.wait(30).assert_clean();
}

#[test]
fn a_limit_is_shared_by_all_that_its_policy_selects() {
    let mut bench = Bench::new();
    for image in ["a", "b", "c"] {
        bench.script(image, [exits(0, 30)]);
    }
    bench.apply(desired(["a", "b", "c"].map(limited)));
    let runs = ["a", "b", "c"].map(|automation| bench.run(automation));
    assert_eq!(bench.started.len(), 2);
    assert_eq!(waits_for(&bench, &runs[2]), "the limit of Policy/shop (2 runs at once)");
    bench.wait(60).assert_clean();
    assert_eq!(bench.started[2].0, at("2026-11-20T00:00:30Z"));
}

#[test]
fn d1_a_due_time_that_meets_a_run_which_waits_for_a_limit_is_skipped_for_the_limit() {
    let mut bench = Bench::new();
    let holder =
        Automation { run_limits: vec![RunLimit { policy: name("shop"), runs_at_once: 1 }], ..automation("holder") };
    let tick = Automation { run_limits: holder.run_limits.clone(), ..every("tick", 60) };
    bench.script("holder", [exits(0, 500)]).apply(desired([holder, tick]));
    bench.run("holder");
    bench.wait(120);
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 limit"]);
}

#[test]
fn who_waits_longest_begins_first() {
    let mut bench = Bench::new();
    bench.script("z", [exits(0, 10)]).apply(desired([locked("z"), locked("y"), locked("a")]));
    bench.run("z");
    bench.wait(1);
    bench.run("y");
    bench.wait(1);
    bench.run("a");
    bench.wait(30);
    let order: Vec<&str> = bench.started.iter().map(|(_, step)| step.owner.id().split('.').next().unwrap()).collect();
    assert_eq!(order, ["z", "y", "a"]);
}

#[test]
fn a_freeze_skips_due_times_and_holds_back_runs_by_hand() {
    let mut bench = Bench::new();
    bench.apply(desired([Automation { freezes: vec![freeze("1-2 0 * * *")], ..every("tick", 60) }]));
    bench.wait(70);
    let run = bench.run("tick");
    assert_eq!(waits_for(&bench, &run), "frozen by Policy/shop: release night");
    bench.until(at("2026-11-20T00:02:59Z"));
    assert_eq!(bench.verdicts(), ["00:01:00 frozen", "00:02:00 frozen"]);
    assert!(bench.started.is_empty());
    bench.until(at("2026-11-20T00:03:00Z"));
    assert_eq!(bench.outcome(&run).0, Outcome::Succeeded);
}

#[test]
fn jitter_spreads_the_start_and_is_the_same_again() {
    let mut tick = every("tick", 600);
    tick.schedules[0].jitter_s = 300;
    let play = || {
        let mut bench = Bench::with(desired([tick.clone()]));
        bench.wait(600 + 300);
        bench
    };
    let (first, second) = (play(), play());
    assert_eq!(first.verdicts(), ["00:10:00 ran"]);
    let start = first.started[0].0;
    assert!(start > at("2026-11-20T00:10:00Z") && start <= at("2026-11-20T00:15:00Z"), "{start}");
    assert_eq!(start, second.started[0].0);
    assert_eq!(first.request("main.1").workload.env["PROVOST_DUE"], "2026-11-20T00:10:00Z");
}

#[test]
fn jitter_does_not_use_up_the_start_deadline() {
    let mut tick = Automation { start_deadline_s: Some(1), late_after_s: 0, ..every("tick", 600) };
    tick.schedules[0].jitter_s = 300;
    let mut bench = Bench::with(desired([tick]));
    bench.wait(900);
    assert_eq!(bench.outcome(&bench.runs()[0]).0, Outcome::Succeeded);
}

#[test]
fn e20_a_run_that_waits_longer_than_the_start_deadline_ends_unstarted() {
    let mut bench = Bench::new();
    let tick = Automation {
        start_deadline_s: Some(20),
        concurrency: ConcurrencyPolicy::Queue,
        schedules: vec![cron("1 0 * * *")],
        ..locked("tick")
    };
    bench.script("holder", [exits(0, 500)]).apply(desired([locked("holder"), tick]));
    bench.run("holder");
    bench.wait(80);
    let run = bench.runs()[1].clone();
    assert_eq!(waits_for(&bench, &run), "lock warehouse");
    // Time alone ends it.
    assert_eq!(bench.wake_at, Some(at("2026-11-20T00:01:21Z")));
    bench.wait(1);
    assert_eq!(bench.outcome(&run), (Outcome::Cancelled, "waited longer than startDeadline"));
    assert_eq!(bench.started.len(), 1);
}
