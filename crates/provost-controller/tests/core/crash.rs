//! D2, R2, R4: a crash between any two steps loses nothing, and starts nothing twice.

use provost_controller::{EngineError, Input};
use provost_model::{Fact, Outcome, RunFact, StepFact};
use provost_planner::Action;

use crate::bench::{Bench, automation, container, hooks, main_of, unavailable};

fn shop() -> String {
    automation("a", "timeout: 1h") + &hooks(&["run.starting", "run.succeeded", "run.finished"])
}

/// Plays one run with a hook before and two after it. After the `crash_at`-th answer the process dies: `is_done` says
/// whether the engine has carried out that answer's actions.
fn play(crash_at: usize, is_done: bool) -> (Bench, bool) {
    let mut bench = Bench::new(&shop());
    bench.work_out();
    let before = bench.handled;
    let run = bench.run("a");
    let mut has_crashed = false;
    loop {
        if !has_crashed && bench.handled == before + crash_at {
            has_crashed = true;
            let todo = std::mem::take(&mut bench.todo);
            for action in todo.into_iter().filter(|_| is_done) {
                bench.carry_out(action);
            }
            bench.crash();
            continue;
        }
        let todo = std::mem::take(&mut bench.todo);
        let inputs: Vec<Input> = todo.into_iter().filter_map(|action| bench.carry_out(action)).collect();
        if !inputs.is_empty() {
            bench.hand(inputs);
        } else if let Some(name) = bench.running() {
            bench.ended(&name, 0);
        } else {
            break;
        }
    }
    assert_eq!(bench.outcome(&run), Outcome::Succeeded, "crash after answer {crash_at}, carried out: {is_done}");
    (bench, has_crashed)
}

#[test]
fn d2_a_crash_after_any_answer_starts_each_container_once() {
    let mut crashes = 0;
    for is_done in [false, true] {
        for crash_at in 1.. {
            let (bench, has_crashed) = play(crash_at, is_done);
            if !has_crashed {
                break;
            }
            crashes += 1;
            assert_eq!(bench.started.len(), 4, "{:?}", bench.started.keys());
            let where_ = format!("crash after answer {crash_at}, carried out: {is_done}");
            assert!(bench.started.values().all(|times| *times == 1), "{where_}: {:?}", bench.started);
            assert_eq!(bench.made, bench.started, "{where_}");
            assert!(bench.containers.is_empty(), "{where_}: {:?}", bench.containers.keys());
            assert!(bench.core.state().is_idle(), "{where_}");
        }
    }
    assert!(crashes > 20, "{crashes}");
}

#[test]
fn r2_the_intent_to_start_is_recorded_before_the_start_is_given_out() {
    let mut bench = Bench::new(&shop());
    let run = bench.run("a");
    assert!(matches!(bench.todo[..], [Action::Create { .. }]), "{:?}", bench.todo);
    let todo = bench.todo.remove(0);
    let made = bench.carry_out(todo).unwrap();
    bench.hand([made]);
    let Fact::Run { run: of, change: RunFact::Step { fact: StepFact::Starting, .. } } =
        &bench.facts.last().unwrap().fact
    else {
        panic!("{:?}", bench.facts.last());
    };
    assert_eq!(*of, run);
    assert!(matches!(bench.todo[..], [Action::Start { .. }]), "{:?}", bench.todo);
}

#[test]
fn d2_a_lost_reply_to_a_start_starts_nothing_twice() {
    let mut bench = Bench::new(&automation("a", "timeout: 1h"));
    let run = bench.run("a");
    let create = bench.todo.remove(0);
    let made = bench.carry_out(create).unwrap();
    bench.hand([made]);
    let Action::Start { name, step, .. } = bench.todo.remove(0) else { panic!() };
    bench.carry_out(Action::Start { name: name.clone(), step: step.clone(), secrets: Vec::new() });
    bench.hand([Input::Started { name: name.clone(), step, result: Err(unavailable()) }]);
    assert!(bench.todo.is_empty(), "it is not tried again at once: {:?}", bench.todo);
    bench.pass(1);
    assert!(matches!(bench.todo[..], [Action::Start { .. }]), "{:?}", bench.todo);
    bench.work_out();
    assert_eq!((bench.started[&name], bench.made[&name]), (1, 1));
    assert_eq!(bench.outcome(&run), Outcome::Succeeded);
}

#[test]
fn r9_a_container_that_is_gone_after_the_intent_is_lost_and_its_after_hooks_run() {
    let yaml = automation("a", "retries: 3") + &hooks(&["run.lost", "run.finished"]);
    let mut bench = Bench::new(&yaml);
    let run = bench.run("a");
    let create = bench.todo.remove(0);
    let made = bench.carry_out(create).unwrap();
    bench.hand([made]);
    assert!(bench.todo.iter().any(|action| matches!(action, Action::Start { .. })));
    // The host was cleaned up while the reconciler was down.
    bench.containers.clear();
    bench.crash();
    bench.work_out();
    assert_eq!(bench.outcome(&run), Outcome::Lost);
    assert_eq!(bench.made[&main_of(&run)], 1, "nobody knows what it did: it is never made a second time");
    let hooks = bench.started.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(hooks.len(), 2, "{hooks:?}");
}

#[test]
fn d2_a_container_that_is_gone_before_the_intent_is_made_again() {
    let mut bench = Bench::new(&automation("a", "timeout: 1h"));
    let run = bench.run("a");
    let create = bench.todo.remove(0);
    bench.carry_out(create);
    bench.containers.clear();
    bench.crash();
    bench.work_out();
    assert_eq!(bench.outcome(&run), Outcome::Succeeded);
    assert_eq!((bench.made[&main_of(&run)], bench.started[&main_of(&run)]), (2, 1));
}

#[test]
fn r4_a_crash_while_the_main_container_runs_adopts_it() {
    let mut bench = Bench::new(&shop());
    let run = bench.run("a");
    while !bench.started.contains_key(&main_of(&run)) {
        bench.work();
        if let Some(hook) = bench.running().filter(|name| *name != main_of(&run)) {
            bench.ended(&hook, 0);
        }
    }
    bench.crash();
    assert!(bench.todo.iter().any(|action| matches!(action, Action::Follow { name, .. } if *name == main_of(&run))));
    bench.work_out();
    assert_eq!(bench.outcome(&run), Outcome::Succeeded);
    assert!(bench.started.values().all(|times| *times == 1), "{:?}", bench.started);
}

#[test]
fn a1_hooks_of_a_start_that_is_over_do_not_begin_after_it() {
    let yaml = automation("a", "timeout: 1h") + &hooks(&["server.startup", "server.startup"]);
    let mut bench = Bench::new(&yaml);
    bench.work();
    let first = bench.running().unwrap();
    bench.crash();
    bench.work();
    bench.ended(&first, 0);
    bench.work_out();
    // The first hook of the first start, and both of the second.
    assert_eq!(bench.started.len(), 3, "{:?}", bench.started.keys());
    assert!(bench.core.state().is_idle(), "{:?}", bench.core.state().events);
    assert_eq!(bench.count(|fact| matches!(fact, Fact::DriftFound { .. })), 0);
}

#[test]
fn r3_a_name_that_another_container_has_is_a_refusal_and_not_adopted() {
    let mut bench = Bench::new(&(automation("a", "timeout: 1h") + &hooks(&["run.failed"])));
    let run = bench.run("a");
    let Action::Create { request } = bench.todo.remove(0) else { panic!() };
    let conflict = EngineError::new(provost_controller::EngineErrorKind::Conflict, "the name is taken by another one");
    bench.hand([Input::Created { name: request.name.clone(), step: request.step.clone(), result: Err(conflict) }]);
    bench.work_out();
    let (outcome, detail) = bench.outcomes[&run].clone();
    assert_eq!(outcome, Outcome::Failed);
    assert!(detail.contains("the name is taken"), "{detail}");
    assert_eq!(bench.started.keys().collect::<Vec<_>>(), [&container(run.as_str(), "run.failed-shop.h0")]);
}
