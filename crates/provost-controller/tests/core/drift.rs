//! C4, C6: containers that belong to nothing.

use jiff::SignedDuration;
use provost_controller::{DriftMode, Input, Rules};
use provost_model::{ContainerName, ContainerSeen, Fact, Life, RunId};
use provost_planner::Action;

use crate::bench::{Bench, automation, hooks, main_of, rules};
use crate::manifests::{START, at, name};

fn stray(life: Life) -> ContainerSeen {
    let name = ContainerName::parse("provost-bench-stray").unwrap();
    ContainerSeen { id: "stray".to_owned(), step: None, request: None, life, name }
}

fn bench(drift: DriftMode, seen: ContainerSeen) -> Bench {
    let mut bench = Bench::bare(Rules { drift, ..rules() });
    bench.containers.insert(seen.name.clone(), seen);
    bench.engine_up();
    bench.revision("r1", &(automation("a", "timeout: 1h") + &hooks(&["drift.found", "drift.corrected"])));
    bench
}

/// Lets the hooks end, and the stray run on.
fn work_hooks(bench: &mut Bench) {
    bench.work();
    let is_hook = |name: &&ContainerName| name.as_str().contains("drift.");
    while let Some(hook) = bench.containers.keys().find(is_hook).cloned() {
        bench.ended(&hook, 0);
        bench.work();
    }
}

fn found(bench: &Bench) -> usize {
    bench.count(|fact| matches!(fact, Fact::DriftFound { .. }))
}

fn corrected(bench: &Bench) -> usize {
    bench.count(|fact| matches!(fact, Fact::DriftCorrected { .. }))
}

#[test]
fn c4_a_stray_that_runs_is_told_of_after_its_grace_and_removed() {
    let mut bench = bench(DriftMode::Correct, stray(Life::Running { started_at: None }));
    bench.pass(29);
    assert_eq!(found(&bench), 0);
    assert!(bench.todo.is_empty(), "{:?}", bench.todo);
    bench.pass(1);
    assert_eq!((found(&bench), corrected(&bench)), (1, 0));
    bench.work_out();
    assert_eq!((found(&bench), corrected(&bench)), (1, 1));
    assert!(bench.containers.is_empty());
    assert_eq!(bench.started.len(), 2, "the hooks of both events ran: {:?}", bench.started.keys());
}

#[test]
fn c4_the_removal_of_a_stray_is_told_of_even_if_it_was_seen_gone_before() {
    let mut bench = bench(DriftMode::Correct, stray(Life::Running { started_at: None }));
    bench.pass(30);
    let place = bench.todo.iter().position(|action| matches!(action, Action::Remove { .. })).unwrap();
    let remove = bench.todo.remove(place);
    let removed = bench.carry_out(remove).unwrap();
    let name = stray(Life::Created).name;
    bench.hand([Input::Seen { name, container: None }]);
    bench.hand([removed]);
    assert_eq!(corrected(&bench), 1);
}

#[test]
fn c4_in_report_mode_a_stray_is_told_of_once_and_left() {
    let mut bench = bench(DriftMode::Report, stray(Life::Running { started_at: None }));
    for _ in 0..20 {
        bench.pass(30);
        work_hooks(&mut bench);
        bench.engine_down();
        bench.engine_up();
    }
    assert_eq!((found(&bench), corrected(&bench)), (1, 0));
    assert!(bench.containers.contains_key(&stray(Life::Created).name));
}

#[test]
fn c4_a_stray_that_does_not_run_is_cleared_away_without_a_word() {
    for drift in [DriftMode::Correct, DriftMode::Report] {
        let mut bench = bench(drift, stray(Life::Created));
        bench.work_out();
        assert_eq!((bench.containers.len(), found(&bench)), (0, 0));
    }
}

#[test]
fn c4_containers_of_runs_and_hooks_are_known() {
    let yaml =
        automation("a", "timeout: 1h") + &hooks(&["run.starting", "orders.arrived", "run.finished, background: true"]);
    let mut bench = Bench::new(&yaml);
    bench.run("a");
    bench.fire("orders.arrived", "1");
    bench.work();
    assert_eq!(bench.containers.len(), 2, "{:?}", bench.containers.keys());
    bench.pass(100);
    bench.crash();
    bench.pass(100);
    bench.work_out();
    assert_eq!(found(&bench), 0);
}

#[test]
fn r3_nothing_is_made_under_a_name_that_is_being_removed() {
    let mut bench = Bench::new(&automation("a", r#"schedule: "* * * * *""#));
    let due = at(START) + SignedDuration::from_mins(1);
    let name = main_of(&RunId::scheduled(&name("a"), due));
    bench.containers.insert(name.clone(), ContainerSeen { name: name.clone(), ..stray(Life::Created) });
    let old = bench.seen(&name);
    bench.hand([old]);
    let remove = bench.todo.pop().unwrap();
    let removed = bench.carry_out(remove).unwrap();
    // The engine tells that it is gone before the removal, of its folder too, has come to its end.
    let gone = bench.seen(&name);
    bench.hand([gone]);
    bench.pass(60);
    assert!(bench.todo.is_empty(), "{:?}", bench.todo);
    bench.hand([removed]);
    assert!(matches!(bench.todo.as_slice(), [Action::Create { request }] if request.name == name), "{:?}", bench.todo);
}
