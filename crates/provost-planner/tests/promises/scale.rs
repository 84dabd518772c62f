//! Many at once: every one is accounted for, and the work does not grow with the square.

use provost_model::{Automation, ConcurrencyPolicy, Desired};
use provost_planner::decide;

use crate::bench::{Bench, exits, hangs};
use crate::sample::{automation, cron, desired, every, hook, with_hooks};

fn shop(count: usize, make: impl Fn(&str) -> Automation) -> Desired {
    desired((0..count).map(|index| make(&format!("job-{index:04}"))))
}

#[test]
fn d1_a_thousand_due_at_one_second_are_all_accounted_for() {
    let mut bench = Bench::with(shop(1_000, |name| every(name, 3_600)));
    bench.jump(3_600);
    // One round accepts them all, one lets them all begin, one begins their attempts; then all wait for containers.
    assert!(bench.settle() <= 4);
    assert_eq!(bench.outcomes().len(), 1_000);
    bench.act();
    assert_eq!(bench.closed.len(), 1_000);
    assert!(bench.closed.values().all(|run| run.outcome().unwrap().0 == provost_model::Outcome::Succeeded));
    assert_eq!(bench.started.len(), 1_000);
}

#[test]
fn d1_a_thousand_triggers_of_one_event_are_all_accounted_for() {
    let mut bench = Bench::new();
    let mut all =
        shop(100, |name| Automation { triggers: vec![crate::sample::on("orders.arrived")], ..automation(name) });
    let hooks = with_hooks(automation("x"), [hook("after", "run.finished")]).hooks;
    all.automations.values_mut().for_each(|it| std::sync::Arc::make_mut(it).hooks.clone_from(&hooks));
    bench.apply(all);
    bench.fire("orders.arrived", "{}");
    assert_eq!(bench.closed.len(), 100);
    bench.assert_clean();
}

#[test]
fn c8_at_rest_nothing_is_decided_until_the_next_due_time() {
    let mut bench =
        Bench::with(shop(500, |name| Automation { schedules: vec![cron("0 2 * * *")], ..automation(name) }));
    let facts = bench.log.len();
    let moves = decide(&bench.world());
    assert_eq!(
        (moves.facts.len(), moves.wake_at.map(|at| at.to_string())),
        (0, Some("2026-11-20T02:00:00Z".to_owned()))
    );
    bench.wait(3_600);
    assert_eq!(bench.log.len(), facts);
}

#[test]
fn a_long_queue_of_one_automation_is_worked_off_in_order() {
    let mut bench = Bench::new();
    let job = Automation { concurrency: ConcurrencyPolicy::Queue, queue_limit: 1_000, ..automation("job") };
    bench.script("job", [exits(0, 1)]).apply(desired([job]));
    let runs: Vec<_> = (0..60).map(|_| bench.run("job")).collect();
    bench.wait(60).assert_clean();
    let order: Vec<_> = bench.started.iter().map(|(_, step)| step.owner.id().to_owned()).collect();
    let mut sorted: Vec<_> = runs.iter().map(|run| (bench.find(run).accepted_at, run.as_str().to_owned())).collect();
    sorted.sort();
    assert_eq!(order.len(), 60);
    assert_eq!(order[0], runs[0].as_str(), "the first begins at once");
    assert_eq!(sorted.len(), 60);
}

#[test]
fn many_open_runs_settle_without_a_word() {
    let mut bench = Bench::new();
    let all = shop(60, automation);
    all.automations.keys().for_each(|name| {
        bench.script(name.as_str(), [hangs()]);
    });
    bench.apply(all);
    let names: Vec<String> = bench.state.desired.automations.keys().map(ToString::to_string).collect();
    names.iter().for_each(|name| {
        bench.run(name);
    });
    let facts = bench.log.len();
    assert_eq!(bench.settle(), 0);
    assert_eq!(bench.log.len(), facts);
}
