//! R9, D2: what comes late, when something else holds already.

use provost_controller::{Input, Rules};
use provost_model::{Fact, Outcome, RunFact, StepFact};
use provost_planner::Action;

use crate::bench::{Bench, at, automation, engine_facts, hooks, main_of, refused, rules, seconds, unavailable};

#[test]
fn r9_old_news_that_a_container_is_gone_is_not_believed_of_the_one_made_since() {
    let mut bench = Bench::new(&automation("a", "timeout: 2h"));
    let run = bench.run("a");
    bench.work();
    // It was looked at before it was made, and the answer took its time.
    let gone = Input::Seen { name: main_of(&run), container: None };
    let look_at = bench.hand([gone]);
    assert_eq!(look_at, [main_of(&run)], "it is looked at anew");
    assert!(!bench.outcomes.contains_key(&run));
    let container = bench.containers.get(&main_of(&run)).cloned();
    bench.hand([Input::LookedAt { name: main_of(&run), container }]);
    bench.work_out();
    assert_eq!(bench.outcome(&run), Outcome::Succeeded);
}

#[test]
fn r9_what_is_gone_when_it_is_looked_at_is_lost() {
    let mut bench = Bench::new(&automation("a", "timeout: 2h"));
    let run = bench.run("a");
    bench.work();
    bench.containers.remove(&main_of(&run));
    assert_eq!(bench.hand([Input::Seen { name: main_of(&run), container: None }]), [main_of(&run)]);
    bench.hand([Input::LookedAt { name: main_of(&run), container: None }]);
    bench.work_out();
    assert_eq!(bench.outcome(&run), Outcome::Lost);
}

#[test]
fn d2_an_error_of_making_that_comes_late_does_not_touch_a_step_that_has_begun() {
    for error in [unavailable(), refused()] {
        let mut bench = Bench::new(&automation("a", "timeout: 2h"));
        let run = bench.run("a");
        let create = bench.todo.remove(0);
        let Action::Create { request } = create.clone() else { panic!("{create:?}") };
        // It is made, and the answer is lost; a listing shows it before the call has failed.
        bench.carry_out(create);
        bench.engine_up();
        bench.work();
        assert_eq!(bench.running(), Some(main_of(&run)));
        bench.hand([Input::Created { name: request.name, step: request.step, result: Err(error) }]);
        let is_delay = |fact: &Fact| {
            matches!(fact, Fact::Run { change: RunFact::Step { fact: StepFact::Delayed { .. }, .. }, .. })
        };
        assert_eq!(bench.count(is_delay), 0);
        bench.work_out();
        assert_eq!(bench.outcome(&run), Outcome::Succeeded);
    }
}

#[test]
fn d2_nothing_begins_in_what_an_earlier_process_made_while_it_is_made_anew() {
    let mut bench = Bench::new(&automation("a", "timeout: 2h"));
    let run = bench.run("a");
    let create = bench.todo.remove(0);
    bench.carry_out(create);
    // What is seen was made for something else: the call that is under way takes it away first.
    let mut seen = bench.containers[&main_of(&run)].clone();
    seen.request = Some("another".to_owned());
    bench.hand([Input::Seen { name: main_of(&run), container: Some(seen) }]);
    assert!(!bench.todo.iter().any(|action| matches!(action, Action::Start { .. })), "{:?}", bench.todo);
}

#[test]
fn r9_the_refusal_of_what_was_made_ahead_is_not_one_of_what_is_wanted_by_now() {
    let mut bench = Bench::bare(Rules { prepare_ahead: true, ..rules() });
    bench.hand([Input::EngineUp { facts: engine_facts(), containers: Vec::new() }]);
    bench.revision("r1", &automation("a", "schedule: {every: 60s}"));
    bench.work();
    bench.now = at("2026-11-20T12:00:45Z");
    bench.hand([Input::Tick]);
    let Some(Action::Create { request: ahead }) = bench.todo.pop() else { panic!("{:?}", bench.todo) };
    // The image is not there; a revision with another one comes, and the due time, before the engine says so.
    let better = automation("a", "schedule: {every: 60s}").replace("image: job", "image: better");
    bench.revision("r2", &better);
    bench.work();
    bench.now = at("2026-11-20T12:01:00Z");
    bench.hand([Input::Tick]);
    let runs: Vec<_> = bench.durable.runs.keys().cloned().collect();
    assert_eq!(runs.len(), 1);
    bench.hand([Input::Created { name: ahead.name, step: ahead.step, result: Err(refused()) }]);
    bench.work_out();
    assert_eq!(bench.outcome(&runs[0]), Outcome::Succeeded);
}

#[test]
fn e5_a_restart_from_a_snapshot_does_not_handle_an_event_twice() {
    let hook = ["orders.arrived, background: true, onError: Ignore"];
    let mut bench = Bench::new(&(automation("a", "triggers: [{event: orders.arrived}]") + &hooks(&hook)));
    bench.fire("orders.arrived", "1");
    bench.work();
    let accepted = |fact: &Fact| matches!(fact, Fact::RunAccepted { .. });
    assert_eq!(bench.count(accepted), 1);
    // The hook in the background still runs: the event is handled, and not closed.
    assert!(bench.durable.events.values().any(|event| event.handled == Some(None)));
    bench.durable = serde_json::from_str(&serde_json::to_string(&bench.durable).unwrap()).unwrap();
    bench.now += seconds(1);
    bench.crash();
    bench.work_out();
    assert_eq!(bench.count(accepted), 1, "what it triggered is started once");
}
