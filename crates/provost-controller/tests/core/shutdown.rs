//! A2: the end. Nothing starts, runs get their grace, the shutdown hooks run once.

use provost_controller::{EngineErrorKind, Input, RefusalKind};
use provost_model::{ContainerName, Fact, Outcome, RunFact};
use provost_planner::Action;

use crate::bench::{Bench, automation, container, hooks, main_of, unavailable};

fn bench(hook: &str) -> Bench {
    Bench::new(&(automation("a", r#"schedule: "* * * * *", retries: 3"#) + &hooks(&[hook])))
}

fn goodbyes(bench: &Bench) -> usize {
    bench.made.keys().filter(|name| name.as_str().contains("server.shutdown")).count()
}

#[test]
fn a2_an_idle_server_ends_at_once() {
    let mut bench = bench("run.failed");
    bench.hand([Input::Shutdown]);
    assert!(bench.exit);
}

#[test]
fn a2_nothing_starts_any_more_and_what_runs_may_end() {
    let mut bench = bench("server.shutdown");
    let run = bench.run("a");
    bench.work();
    bench.hand([Input::Shutdown]);
    bench.pass(59);
    assert!(!bench.exit && bench.todo.is_empty(), "{:?}", bench.todo);
    assert_eq!(bench.core.state().runs.len(), 1, "its due time waits for the next start");
    let refusal = bench.order(crate::commands::run("a", "x")).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unavailable);
    bench.ended(&main_of(&run), 0);
    bench.work();
    assert_eq!((bench.outcome(&run), goodbyes(&bench), bench.exit), (Outcome::Succeeded, 1, false));
    bench.work_out();
    assert!(bench.exit);
    assert_eq!(goodbyes(&bench), 1);
}

#[test]
fn a2_a_run_that_takes_longer_is_left_and_adopted_by_the_next_start() {
    let mut bench = bench("server.shutdown");
    let run = bench.run("a");
    bench.work();
    bench.hand([Input::Shutdown]);
    bench.pass(60);
    bench.work();
    let goodbye = bench.containers.keys().find(|name| **name != main_of(&run)).unwrap().clone();
    bench.ended(&goodbye, 0);
    bench.work();
    assert!(bench.exit);
    assert_eq!(bench.running(), Some(main_of(&run)));
    bench.crash();
    bench.ended(&main_of(&run), 0);
    bench.work();
    assert_eq!(bench.outcome(&run), Outcome::Succeeded);
    assert_eq!(bench.started[&main_of(&run)], 1);
}

#[test]
fn a2_a_run_that_waits_for_its_next_attempt_does_not_hold_up_the_end() {
    let mut bench = bench("run.lost");
    let run = bench.run("a");
    bench.work();
    bench.ended(&main_of(&run), 1);
    bench.work();
    assert_eq!(bench.count(|fact| matches!(fact, Fact::Run { change: RunFact::Retrying { .. }, .. })), 1);
    bench.hand([Input::Shutdown]);
    assert!(bench.exit, "nothing of it may begin before the next start");
}

#[test]
fn a2_without_the_engine_the_end_comes_after_the_grace() {
    let mut bench = bench("server.shutdown");
    bench.engine_down();
    bench.hand([Input::Shutdown]);
    bench.pass(60);
    assert!(!bench.exit);
    bench.pass(10);
    assert!(bench.exit);
    assert_eq!(goodbyes(&bench), 0);
}

#[test]
fn a2_a_hook_whose_image_cannot_be_had_does_not_hold_up_the_end_for_ever() {
    let mut bench = bench("server.shutdown");
    bench.hand([Input::Shutdown]);
    for _ in 0..70 {
        assert!(!bench.exit);
        while let Some(action) = bench.todo.pop() {
            let Action::Create { request } = action else { panic!("{action:?}") };
            assert_eq!(unavailable().kind, EngineErrorKind::Unavailable);
            bench.hand([Input::Created { name: request.name, step: request.step, result: Err(unavailable()) }]);
        }
        bench.pass(1);
    }
    assert!(bench.exit);
}

/// A server whose shutdown hook has ended late, and its container is being removed.
fn about_to_tidy_up() -> (Bench, ContainerName) {
    let mut bench = bench("server.shutdown");
    bench.hand([Input::Shutdown]);
    bench.work();
    bench.pass(120);
    let goodbye = bench.containers.keys().next().unwrap().clone();
    bench.ended(&goodbye, 0);
    while !bench.todo.iter().any(|action| matches!(action, Action::Remove { .. })) {
        assert!(!bench.exit && !bench.todo.is_empty());
        bench.work_once();
    }
    bench.todo.clear();
    (bench, goodbye)
}

#[test]
fn a2_after_late_hooks_too_removals_end_before_the_server_does() {
    let (mut bench, goodbye) = about_to_tidy_up();
    bench.pass(5);
    assert!(!bench.exit);
    bench.hand([Input::Removed { name: goodbye.clone(), result: Err(unavailable()) }]);
    assert!(!bench.exit, "it is tried again");
    bench.pass(4);
    bench.todo.clear();
    bench.hand([Input::Removed { name: goodbye, result: Ok(()) }]);
    assert!(bench.exit);
}

#[test]
fn a2_a_removal_that_does_not_come_to_its_end_does_not_hold_up_the_servers_for_ever() {
    let (mut bench, _) = about_to_tidy_up();
    bench.pass(9);
    assert!(!bench.exit);
    bench.pass(1);
    assert!(bench.exit);
}

#[test]
fn a2_asking_twice_is_one_end() {
    let mut bench = bench("server.shutdown");
    bench.hand([Input::Shutdown, Input::Shutdown]);
    bench.hand([Input::Shutdown]);
    bench.work_out();
    assert!(bench.exit);
    assert_eq!((goodbyes(&bench), bench.count(|fact| *fact == Fact::ServerStopping)), (1, 1));
}

#[test]
fn a2_a_crash_during_the_end_starts_anew_and_says_goodbye_again_at_the_next_end() {
    let mut bench = bench("server.shutdown");
    bench.hand([Input::Shutdown]);
    bench.work();
    assert_eq!(goodbyes(&bench), 1);
    bench.crash();
    assert!(!bench.core.state().server.stopping);
    bench.work_out();
    bench.hand([Input::Shutdown]);
    bench.work_out();
    assert!(bench.exit);
    assert_eq!(goodbyes(&bench), 2);
    assert_eq!(bench.count(|fact| matches!(fact, Fact::DriftFound { .. })), 0, "{:?}", container("x", "y"));
}
