//! R9 and refusals: what the engine says, does not say, or says too late.

use provost_controller::{EngineError, EngineErrorKind, Input};
use provost_model::{Fact, Life, Outcome, RunFact, RunId, StepFact};
use provost_planner::Action;

use crate::bench::{
    Bench, at, automation, container, engine_facts, hooks, main_of, refused, rules, seconds, unavailable,
};

fn bench() -> Bench {
    Bench::new(&(automation("a", "timeout: 2h") + &hooks(&["run.failed", "run.lost", "run.finished"])))
}

/// A bench on which the main container of a run runs.
fn running() -> (Bench, RunId) {
    let mut bench = bench();
    let run = bench.run("a");
    bench.work();
    assert_eq!(bench.running(), Some(main_of(&run)));
    (bench, run)
}

#[test]
fn r9_255_while_the_engine_was_away_is_lost() {
    let (mut bench, run) = running();
    bench.engine_down();
    bench.pass(600);
    bench.end(&main_of(&run), 255);
    bench.pass(600);
    bench.engine_up();
    bench.work_out();
    assert_eq!(bench.outcome(&run), Outcome::Lost);
}

#[test]
fn r9_255_while_the_engine_was_there_is_what_the_container_said() {
    let (mut bench, run) = running();
    bench.engine_down();
    bench.pass(600);
    bench.engine_up();
    bench.pass(600);
    bench.ended(&main_of(&run), 255);
    bench.work_out();
    assert_eq!(bench.outcomes[&run], (Outcome::Failed, "exit 255".to_owned()));
}

#[test]
fn r9_255_is_lost_when_the_engine_says_that_it_did_not_see_the_end() {
    let (mut bench, run) = running();
    let name = main_of(&run);
    bench.end(&name, 255);
    if let Life::Exited { error, .. } = &mut bench.containers.get_mut(&name).unwrap().life {
        *error = Some("its shim was ended".to_owned());
    }
    let seen = bench.seen(&name);
    bench.hand([seen]);
    bench.work_out();
    assert_eq!(bench.outcomes[&run], (Outcome::Lost, "lost: its shim was ended".to_owned()));
}

#[test]
fn r9_another_code_is_true_even_when_the_engine_was_away() {
    let (mut bench, run) = running();
    bench.engine_down();
    bench.pass(600);
    bench.end(&main_of(&run), 3);
    bench.pass(600);
    bench.engine_up();
    bench.work_out();
    assert_eq!(bench.outcomes[&run], (Outcome::Failed, "exit 3".to_owned()));
}

#[test]
fn r9_255_while_nobody_watched_is_lost() {
    // The host lost its power: engine and reconciler were down together, and only one of them was there to notice.
    let (mut bench, run) = running();
    bench.now += seconds(600);
    bench.end(&main_of(&run), 255);
    bench.now += seconds(600);
    bench.crash();
    bench.work_out();
    assert_eq!(bench.outcome(&run), Outcome::Lost);
}

#[test]
fn r9_nothing_is_concluded_from_absence_while_the_engine_is_away() {
    let (mut bench, run) = running();
    bench.engine_down();
    bench.pass(3 * 3600);
    assert!(!bench.outcomes.contains_key(&run) && bench.todo.iter().all(|it| !matches!(it, Action::Stop { .. })));
    // It ended well before its timeout, as it turns out.
    bench.end(&main_of(&run), 0);
    bench.engine_up();
    bench.work_out();
    assert_eq!(bench.outcome(&run), Outcome::Succeeded);
}

#[test]
fn an_engine_that_cannot_at_the_moment_is_asked_again_in_growing_pauses() {
    let mut bench = bench();
    let run = bench.run("a");
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let Some(Action::Create { request }) = bench.todo.pop() else { panic!("{:?}", bench.todo) };
        bench.hand([Input::Created { name: request.name, step: request.step, result: Err(unavailable()) }]);
        assert!(bench.todo.is_empty(), "{:?}", bench.todo);
        let Fact::Run { change: RunFact::Step { fact: StepFact::Delayed { until, .. }, .. }, .. } =
            bench.facts.last().unwrap().fact.clone()
        else {
            panic!("{:?}", bench.facts.last());
        };
        assert_eq!(bench.wake_at, Some(until));
        pauses.push(until.duration_since(bench.now).as_secs());
        bench.now = until;
        bench.hand([Input::Tick]);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    bench.work_out();
    assert_eq!(bench.outcome(&run), Outcome::Succeeded);
}

#[test]
fn r4_an_engine_that_will_never_do_it_fails_the_run_and_after_hooks_run() {
    for kind in [EngineErrorKind::Refused, EngineErrorKind::NotFound] {
        let mut bench = bench();
        let run = bench.run("a");
        let Some(Action::Create { request }) = bench.todo.pop() else { panic!() };
        let error = EngineError::new(kind, "no such image: job");
        bench.hand([Input::Created { name: request.name, step: request.step, result: Err(error) }]);
        bench.work_out();
        assert_eq!(bench.outcomes[&run], (Outcome::Failed, "not started: no such image: job".to_owned()));
        let hooks = ["run.failed-shop.h0", "run.finished-shop.h2"].map(|hook| container(run.as_str(), hook));
        assert_eq!(bench.started.keys().cloned().collect::<Vec<_>>(), hooks);
    }
}

#[test]
fn a_program_that_is_not_in_the_image_fails_the_run_and_its_container_goes() {
    let mut bench = bench();
    let run = bench.run("a");
    let create = bench.todo.remove(0);
    let made = bench.carry_out(create).unwrap();
    bench.hand([made]);
    let Some(Action::Start { name, step, .. }) = bench.todo.pop() else { panic!() };
    bench.hand([Input::Started { name, step, result: Err(refused()) }]);
    bench.work_out();
    assert_eq!(bench.outcome(&run), Outcome::Failed);
    assert!(bench.containers.is_empty(), "{:?}", bench.containers);
}

#[test]
fn r9_a_start_that_got_stuck_in_the_engine_is_a_lost_run_which_is_never_tried_again() {
    let mut bench = bench();
    let run = bench.run("a");
    let create = bench.todo.remove(0);
    let made = bench.carry_out(create).unwrap();
    bench.hand([made]);
    let Some(Action::Start { name, step, .. }) = bench.todo.pop() else { panic!() };
    let stuck = EngineError::new(EngineErrorKind::Stuck, "task 0123: already exists");
    bench.hand([Input::Started { name, step, result: Err(stuck) }]);
    bench.work_out();
    assert_eq!(bench.outcomes[&run].0, Outcome::Lost);
    assert!(!bench.started.contains_key(&main_of(&run)));
    assert!(bench.containers.is_empty(), "{:?}", bench.containers);
}

#[test]
fn a_listing_that_is_older_than_what_came_in_takes_nothing_back() {
    let mut bench = bench();
    let run = bench.run("a");
    let create = bench.todo.remove(0);
    let old: Vec<_> = bench.containers.values().cloned().collect();
    let made = bench.carry_out(create).unwrap();
    bench.hand([made]);
    // The listing was asked for before the container was made.
    let look_at = bench.hand([Input::EngineUp { facts: engine_facts(), containers: old }]);
    assert_eq!(look_at, [main_of(&run)], "it is looked at by itself");
    let seen = bench.seen(&main_of(&run));
    bench.hand([seen]);
    bench.work();
    // And this one, before it was started.
    let mut older = bench.containers[&main_of(&run)].clone();
    older.life = Life::Created;
    bench.hand([Input::EngineUp { facts: engine_facts(), containers: vec![older] }]);
    assert!(bench.todo.iter().all(|action| !matches!(action, Action::Start { .. })), "{:?}", bench.todo);
    bench.work_out();
    assert_eq!((bench.outcome(&run), bench.started[&main_of(&run)]), (Outcome::Succeeded, 1));
}

#[test]
fn output_that_breaks_off_is_followed_again_and_not_at_once() {
    let mut bench = bench();
    let run = bench.run("a");
    while bench.running().is_none() {
        let action = bench.todo.remove(0);
        let input = bench.carry_out(action).unwrap();
        bench.hand([input]);
    }
    let is_follow = |action: &Action| matches!(action, Action::Follow { .. });
    assert!(bench.todo.iter().any(is_follow));
    bench.todo.clear();
    bench.hand([Input::Followed { name: main_of(&run) }]);
    assert!(bench.todo.is_empty(), "{:?}", bench.todo);
    assert!(bench.wake_at.is_some_and(|at| at <= bench.now + seconds(1)));
    bench.pass(1);
    assert!(bench.todo.iter().any(is_follow));
}

#[test]
fn what_an_engine_cannot_collect_is_collected_later() {
    let (mut bench, run) = running();
    bench.ended(&main_of(&run), 0);
    let Some(Action::Collect { name, output }) = bench.todo.pop() else { panic!("{:?}", bench.todo) };
    bench.hand([Input::Collected { name, step: output.step, result: Err(unavailable()) }]);
    assert!(bench.todo.is_empty() && !bench.outcomes.contains_key(&run));
    bench.pass(1);
    bench.work_out();
    assert_eq!(bench.outcome(&run), Outcome::Succeeded);
}

#[test]
fn a_container_that_is_made_ahead_in_vain_does_not_delay_its_run() {
    let yaml = automation("a", r#"schedule: "5 12 * * *""#);
    let mut bench = Bench::bare(provost_controller::Rules { prepare_ahead: true, ..rules() });
    bench.engine_up();
    bench.revision("r1", &yaml);
    bench.work();
    bench.now = at("2026-11-20T12:04:45Z");
    bench.hand([Input::Tick]);
    while bench.now < at("2026-11-20T12:05:00Z") {
        while let Some(action) = bench.todo.pop() {
            let Action::Create { request } = action else { panic!("{action:?}") };
            bench.hand([Input::Created { name: request.name, step: request.step, result: Err(unavailable()) }]);
        }
        bench.now = bench.wake_at.unwrap().min(at("2026-11-20T12:05:00Z"));
        bench.hand([Input::Tick]);
    }
    bench.work();
    assert!(bench.running().is_some(), "it starts on time: {:?}", bench.wake_at);
}
